package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/ttpcron/ttpcron/census"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/geo"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
)

// placeOptions say where attackers come from.
type placeOptions struct {
	files   cli.List
	by      cli.OneOf
	country string
	places  *geo.Places
}

const mmdbUsage = "`FILE` in MaxMind DB format (.mmdb) with countries or network operators; can be repeated"

// open opens the files.
func (p *placeOptions) open() (err error) {
	if len(p.files) == 0 && (p.by.Value != "" || p.country != "") {
		return cli.Usage("where addresses are is not known", "--mmdb FILE names a file that says so, such as GeoLite2-Country.mmdb")
	}
	p.places, err = openPlaces(p.files)
	return err
}

// selects has a census count by place, or attackers of a country alone.
func (p *placeOptions) selects(q *census.Query) {
	if p.country != "" {
		q.Keep = func(address string) bool { return strings.EqualFold(p.places.Of(address).Country, p.country) }
	}
	q.Place = func(address string) string {
		place := p.places.Of(address)
		if p.by.Value == byNetwork {
			return networkName(place)
		}
		return strings.TrimSpace(place.Country + " " + place.CountryName)
	}
}

// What attackers may be grouped by.
const (
	byCountry = "country"
	byNetwork = "network"
)

// placeText is an address's place and owner, as far as they are known.
func placeText(p geo.Place) string {
	where := cmp.Or(p.CountryName, p.Country)
	network := networkName(p)
	if where != "" && network != "" {
		where += ", "
	}
	return where + network
}

func networkName(p geo.Place) string {
	if p.ASN == 0 {
		return p.Network
	}
	return strings.TrimSpace(fmt.Sprintf("AS%d %s", p.ASN, p.Network))
}

// columns are the columns of an attacker's place.
func (p *placeOptions) columns() []censusColumn {
	of := func(r *census.Row) geo.Place { return p.places.Of(r.Addresses.First()) }
	columns := []censusColumn{
		{Column: term.Column{Title: "FROM", Spare: 7}, name: "country", value: func(r *census.Row) any { return orNull(of(r).Country) }},
		{name: "country_name", value: func(r *census.Row) any { return orNull(of(r).CountryName) }},
		{name: "asn", value: func(r *census.Row) any {
			if n := of(r).ASN; n > 0 {
				return int(n)
			}
			return nil
		}},
		{Column: term.Column{Title: "NETWORK", Min: 12, Spare: 2}, name: "network", value: func(r *census.Row) any { return orNull(of(r).Network) }, cell: func(r *census.Row) string { return networkName(of(r)) }},
	}
	if !p.places.Any() {
		columns[0].Title, columns[3].Title = "", ""
	}
	return columns
}

// view shows attackers by where they come from.
func (p *placeOptions) view() *censusView {
	v := &censusView{by: census.Places, one: "country", many: "countries"}
	if p.by.Value == byNetwork {
		v.one, v.many = "network", "networks"
	}
	v.columns = append([]censusColumn{
		{Column: term.Column{Title: strings.ToUpper(v.one), Min: 16, SGR: term.Cyan}, name: v.one, sort: "name", value: func(r *census.Row) any { return orNull(r.Name[0]) }, cell: func(r *census.Row) string {
			if r.Name[0] == "" {
				return "(not known)"
			}
			return r.Name[0]
		}},
		countColumn("ATTACKERS", "attackers", 0, func(r *census.Row) int { return r.Attackers }),
		countEvents,
		countColumn("SESSIONS", "sessions", 3, func(r *census.Row) int { return r.Sessions }),
		countColumn("LOGINS", "logins", 4, func(r *census.Row) int { return r.Logins }),
		countColumn("WON", "logins_won", 5, func(r *census.Row) int { return r.Won }),
		countTags, spared(countTechniques, 2), techniqueIDs, levelColumn(6),
	}, seenColumns(1, 7)...)
	return v
}

// openPlaces opens files that say where addresses are.
func openPlaces(files []string) (*geo.Places, error) {
	places, err := geo.Open(files)
	if err != nil {
		err = cli.Hint(err, "--mmdb names a MaxMind DB file, such as GeoLite2-Country.mmdb")
	}
	return places, err
}
