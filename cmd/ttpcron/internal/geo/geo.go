// Package geo looks up where an address is and whose it is, in MaxMind DB files (.mmdb)
// that the user has. What it says is of now, and is never stored.
package geo

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/oschwald/maxminddb-golang/v2"

	"github.com/ttpcron/ttpcron"
)

// Place is what is known of an address; what is not is empty.
type Place struct {
	Country     string // ISO 3166-1 code
	CountryName string // in English
	ASN         uint32 // number of the autonomous system
	Network     string // who runs it
}

// Places looks addresses up, in the first file that knows. Its zero value knows nothing.
// It is not safe for concurrent use.
type Places struct {
	files []*maxminddb.Reader
	known map[string]Place // lately looked up
}

// mostKnown bounds how many addresses are remembered.
const mostKnown = 4096

// Open opens files. An error names the one that cannot be used.
func Open(names []string) (*Places, error) {
	p := &Places{known: map[string]Place{}}
	for _, name := range names {
		r, err := open(name)
		if err != nil {
			p.Close()
			return nil, fmt.Errorf("read where addresses are from %s: %w", name, err)
		}
		p.files = append(p.files, r)
	}
	return p, nil
}

func open(name string) (r *maxminddb.Reader, err error) {
	defer recovered(&err)
	r, err = maxminddb.Open(name)
	if invalid := (maxminddb.InvalidDatabaseError{}); errors.As(err, &invalid) {
		err = errors.New("it is no MaxMind DB file, or damaged")
	}
	return r, err
}

// recovered turns the panic that a damaged file may cause into an error.
func recovered(err *error) {
	if v := recover(); v != nil {
		*err = fmt.Errorf("the file is damaged: %v", v)
	}
}

// Close closes the files.
func (p *Places) Close() {
	for _, f := range p.files {
		_ = f.Close()
	}
	p.files = nil
}

// Any reports whether there are files.
func (p *Places) Any() bool { return len(p.files) > 0 }

// Of looks an address up. What is no address is nowhere.
func (p *Places) Of(address string) Place {
	if !p.Any() {
		return Place{}
	}
	if place, ok := p.known[address]; ok {
		return place
	}
	var place Place
	if addr, err := netip.ParseAddr(address); err == nil {
		for _, f := range p.files {
			// What is damaged says nothing.
			_ = place.add(f, addr.Unmap().WithZone(""))
		}
	}
	if len(p.known) >= mostKnown {
		clear(p.known)
	}
	p.known[strings.Clone(address)] = place
	return place
}

// add fills in what is missing. It decodes only single values, since a whole hostile
// record may be far larger than its file.
func (p *Place) add(f *maxminddb.Reader, addr netip.Addr) (err error) {
	defer recovered(&err)
	r := f.Lookup(addr)
	if err := r.Err(); err != nil || !r.Found() {
		return err
	}
	text := func(path ...any) string {
		var s string
		if r.DecodePath(&s, path...) != nil {
			return ""
		}
		return ttpcron.Shorten(s, 128)
	}
	// GeoLite2 and DB-IP, then IPinfo in its present and its former form.
	for _, path := range [][]any{{"country", "iso_code"}, {"registered_country", "iso_code"}, {"country_code"}, {"country"}} {
		if s := text(path...); p.Country == "" && len(s) == 2 {
			p.Country = s
		}
	}
	for _, path := range [][]any{{"country", "names", "en"}, {"registered_country", "names", "en"}, {"country_name"}, {"country"}} {
		if s := text(path...); p.CountryName == "" && len(s) > 2 {
			p.CountryName = s
		}
	}
	if p.ASN == 0 {
		if r.DecodePath(&p.ASN, "autonomous_system_number") != nil || p.ASN == 0 {
			p.ASN = 0
			_, _ = fmt.Sscanf(text("asn"), "AS%d", &p.ASN)
		}
	}
	for _, name := range []string{"autonomous_system_organization", "as_name", "asn_name"} {
		if p.Network == "" {
			p.Network = text(name)
		}
	}
	return nil
}
