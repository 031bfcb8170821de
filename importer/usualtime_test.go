package importer

import (
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron/jsontext"
)

// slowTime reads a time with the standard library's layouts alone.
func slowTime(s string) (time.Time, bool) {
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// FuzzUsualTime: what usualTime reads, the standard library reads as the same time.
func FuzzUsualTime(f *testing.F) {
	for _, s := range []string{
		"2026-05-04T05:49:05Z", "2026-05-04 05:49:05", "2026-05-04 05:49:05.586207", "2026-05-04T05:49:05.5+02:00", "2026-05-04T05:49:05-0730", "2026-05-04T05:49:05+02",
		"2024-02-29T00:00:00Z", "2023-02-29T00:00:00Z", "2026-13-04T05:49:05Z", "2026-05-04T24:00:00Z", "2026-05-04T05:49:60Z", "2026-05-04T05:49:05.Z", "2026-05-04T05:49:05.1234567890Z",
		"2026-05-04T05:49:05+24:00", "0000-01-01T00:00:00Z", "2026-05-04T05:49", "2026-05-04T05:49:05z",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		fast, ok := usualTime(s)
		slow, known := slowTime(s)
		if ok && (!known || !fast.Equal(slow)) {
			t.Errorf("%q is %s, by the standard library %s, %t", s, fast, slow, known)
		}
	})
}

// The usual spellings are read by usualTime, and not by the slow way.
func TestUsualTime(t *testing.T) {
	for s, want := range map[string]string{
		"2026-05-04T05:49:05Z": "05:49:05", "2026-05-04 05:49:05": "05:49:05", "2026-05-04 05:49:05.586207": "05:49:05.586207",
		"2026-05-04T05:49:05.5+02:00": "03:49:05.5", "2026-05-04T05:49:05-0730": "13:19:05", "2026-05-04T05:49:05+02": "03:49:05",
	} {
		if got, ok := usualTime(s); !ok || got.Format("15:04:05.999999999") != want {
			t.Errorf("%q: %s, %t", s, got, ok)
		}
	}
}

// Other spellings are read too: an offset with a Z behind it.
func TestTimeWithOffsetAndZ(t *testing.T) {
	for s, want := range map[string]string{
		"2026-05-04T05:49:05.586207+00:00Z": "2026-05-04T05:49:05.586207Z", "2026-05-04T07:49:05+02:00Z": "2026-05-04T05:49:05Z",
		"2026-05-04 00:19:05-05:30Z": "2026-05-04T05:49:05Z", "2026-05-04T05:49Z": "", "2026-05-04T05:49:05+02:00ZZ": "", "2026-05-04T05:49:05+0200Z": "",
		"2026-05-04T05:49:05 (UTC)": "2026-05-04T05:49:05Z",
	} {
		got, ok := parseTime(s)
		if ok != (want != "") || ok && got.Format(time.RFC3339Nano) != want {
			t.Errorf("%q: %s, %t, want %q", s, got, ok, want)
		}
	}
}

// The end of a torn time, such as "000002" of "05:00:02.000002", is no number of seconds.
func TestTornTime(t *testing.T) {
	for text, want := range map[string]string{
		`"000002"`: "", `"2"`: "", `"123456789"`: "", `"1"`: "", `"12.5"`: "", `"0001777873753"`: "2026-05-04T05:49:13Z",
		`"1777873753"`: "2026-05-04T05:49:13Z", `"1777873753.25"`: "2026-05-04T05:49:13.25Z", `1777873753123`: "2026-05-04T05:49:13.123Z", `12.5`: "1970-01-01T00:00:12.5Z",
	} {
		var s jsontext.Scanner
		s.Reset([]byte("[" + text + "]"))
		s.Array()
		s.Element()
		got, ok := timeOf(s.Value())
		if ok != (want != "") || ok && got.Format(time.RFC3339Nano) != want {
			t.Errorf("%s: %s, %t, want %q", text, got, ok, want)
		}
	}
	row := "00000000-0000-0000-0000-000000000001,00000000-0000-0000-0000-000000000002,203.0.113.7,4000,192.0.2.1,22,ssh,root,x\n"
	table := "timestamp,auth_id,session_id,source_ip,source_port,destination_ip,destination_port,protocol,username,password\n"
	r := readBytes(t, []byte(table+"2026-05-04 05:00:01.000001,"+row+"000002,"+row+"2026-05-04 05:00:03.000003,"+row), Auto)
	if len(r.Events) != 2 || len(r.Rejects) != 1 || !strings.Contains(r.Rejects[0].Reason, `"000002" is not a time`) {
		t.Errorf("%d events, rejects %+v", len(r.Events), r.Rejects)
	}
}
