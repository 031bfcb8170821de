//go:build !386 && !arm && !mips && !mipsle

// The writer of MaxMind DB files does not build for 32 bits.

package geo

import (
	"bytes"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

type networks map[string]mmdbtype.Map

func made(t testing.TB, kind string, records networks) []byte {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: kind, IncludeReservedNetworks: true})
	if err != nil {
		t.Fatal(err)
	}
	for cidr, record := range records {
		_, network, err := net.ParseCIDR(cidr)
		if err != nil {
			t.Fatal(err)
		}
		if err := tree.Insert(network, record); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if _, err := tree.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func file(t testing.TB, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func country(t testing.TB) []byte {
	return made(t, "GeoLite2-Country", networks{"203.0.113.0/24": {"country": mmdbtype.Map{"iso_code": mmdbtype.String("NL"), "names": mmdbtype.Map{"en": mmdbtype.String("Netherlands"), "de": mmdbtype.String("Niederlande")}}}})
}

func TestPlaces(t *testing.T) {
	p, err := Open([]string{
		file(t, "country.mmdb", country(t)),
		file(t, "asn.mmdb", made(t, "GeoLite2-ASN", networks{"203.0.113.0/25": {"autonomous_system_number": mmdbtype.Uint32(64500), "autonomous_system_organization": mmdbtype.String("Example \x1b[31m")}})),
		file(t, "ipinfo.mmdb", made(t, "ipinfo lite", networks{"198.51.100.0/24": {"country": mmdbtype.String("Germany"), "country_code": mmdbtype.String("DE"), "asn": mmdbtype.String("AS64501"), "as_name": mmdbtype.String("Other")}})),
		file(t, "odd.mmdb", made(t, "odd", networks{"192.0.2.0/24": {"country": mmdbtype.Slice{mmdbtype.String("x")}, "asn": mmdbtype.Map{}, "as_name": mmdbtype.String(strings.Repeat("x", 5000))}})),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for address, want := range map[string]Place{
		"203.0.113.7":        {"NL", "Netherlands", 64500, "Example \x1b[31m"},
		"::ffff:203.0.113.7": {"NL", "Netherlands", 64500, "Example \x1b[31m"},
		"203.0.113.200":      {"NL", "Netherlands", 0, ""},
		"198.51.100.1":       {"DE", "Germany", 64501, "Other"},
		"192.0.2.1":          {Network: strings.Repeat("x", 128) + "…"},
		"2001:db8::1":        {},
		"nobody":             {},
		"":                   {},
	} {
		for range 2 {
			if got := p.Of(address); got != want {
				t.Errorf("%s: %+v, want %+v", address, got, want)
			}
		}
	}
	var none Places
	if none.Of("203.0.113.7") != (Place{}) {
		t.Error("a place from nowhere")
	}
}

func TestFilesThatCannotBeUsed(t *testing.T) {
	whole := country(t)
	for name, path := range map[string]string{"none": filepath.Join(t.TempDir(), "none.mmdb"), "empty": file(t, "empty.mmdb", nil), "text": file(t, "text.mmdb", []byte("not a database")), "cut": file(t, "cut.mmdb", whole[:len(whole)/2])} {
		if _, err := Open([]string{path}); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whatever is in a file, a look-up neither crashes nor returns much.
func TestHostileFiles(t *testing.T) {
	whole := country(t)
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 2))
		content := bytes.Clone(whole)
		for range 1 + r.IntN(8) {
			content[r.IntN(len(content))] = byte(r.Uint32())
		}
		p, err := Open([]string{file(t, "x.mmdb", content)})
		if err != nil {
			continue
		}
		for _, a := range []string{"203.0.113.7", "192.0.2.1", "2001:db8::1"} {
			if got := p.Of(a); len(got.CountryName)+len(got.Network) > 300 {
				t.Fatalf("seed %d: %+v", seed, got)
			}
		}
		p.Close()
	}
}
