package importer

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

const wholeSession = `{"eventid":"cowrie.session.connect","timestamp":"2024-05-01T10:00:00.000000Z","session":"a1","src_ip":"192.0.2.7","src_port":4711,"dst_ip":"198.51.100.1","dst_port":22,"protocol":"ssh","sensor":"s1"}
{"eventid":"cowrie.login.failed","timestamp":"2024-05-01T10:00:01.000000Z","session":"a1","src_ip":"192.0.2.7","username":"root","password":"1","sensor":"s1"}
{"eventid":"cowrie.login.success","timestamp":"2024-05-01T10:00:02.000000Z","session":"a1","src_ip":"192.0.2.7","username":"root","password":"2","sensor":"s1"}
{"eventid":"cowrie.command.input","timestamp":"2024-05-01T10:00:03.000000Z","session":"a1","src_ip":"192.0.2.7","input":"uname -a","sensor":"s1"}
{"eventid":"cowrie.session.closed","timestamp":"2024-05-01T10:00:04.000000Z","session":"a1","src_ip":"192.0.2.7","duration":4,"sensor":"s1"}
`

func kindsOf(events []ttpcron.Event) (kinds []ttpcron.SourceKind) {
	for _, e := range events {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

// TestKinds reads a log for some kinds of event; the others are counted. It is read again
// when a kind is added, but not when the order of the list changes.
func TestKinds(t *testing.T) {
	path := write(t, t.TempDir(), "cowrie.json", []byte(wholeSession))
	command, login, fact := ttpcron.Command, ttpcron.AuthAttempt, ttpcron.SessionFact
	var positions PositionList
	var look ttpcron.FileLook
	for i, tt := range []struct {
		kinds, want    []ttpcron.SourceKind
		leftOut, lines int
	}{
		{[]ttpcron.SourceKind{command, login}, []ttpcron.SourceKind{login, login, command}, 2, 5},
		{[]ttpcron.SourceKind{login, command, login}, nil, 0, 0},
		{[]ttpcron.SourceKind{command}, []ttpcron.SourceKind{command}, 4, 5},
		{nil, []ttpcron.SourceKind{fact, login, login, command, fact}, 0, 5},
		{[]ttpcron.SourceKind{}, nil, 5, 5},
	} {
		settled := func() time.Time { return time.Now().Add(time.Hour) }
		got, kept, _ := importOf(t, path, Options{Kinds: tt.kinds, Positions: positions, Look: look, Now: settled})
		if kept != nil {
			look = *kept
		}
		if got.Position != nil {
			positions = append(positions, *got.Position)
		}
		if !slices.Equal(kindsOf(got.Events), tt.want) || got.Report.LeftOut != tt.leftOut || got.Report.Lines != tt.lines || got.Report.Ignored+got.Report.Rejected != 0 {
			t.Errorf("%d: kinds %v give %v; %+v", i, tt.kinds, kindsOf(got.Events), got.Report)
		}
	}
}

// TestKindsOfDatabase: the same for a database, which has a look but no position.
func TestKindsOfDatabase(t *testing.T) {
	path := buildDecnet(t, "testdata/decnet", "")
	all := kindsOf(mustRead(t, path, Options{}).Events)
	for _, kind := range []ttpcron.SourceKind{ttpcron.Command, ttpcron.CanaryFingerprint, ttpcron.AuthAttempt} {
		r := mustRead(t, path, Options{Kinds: []ttpcron.SourceKind{kind}})
		want := slices.DeleteFunc(slices.Clone(all), func(k ttpcron.SourceKind) bool { return k != kind })
		if got := kindsOf(r.Events); !slices.Equal(got, want) || r.Report.LeftOut != len(all)-len(want) {
			t.Errorf("%s: %v, %d left out of %d", kind, got, r.Report.LeftOut, len(all))
		}
	}
	if how := (&Options{Kinds: []ttpcron.SourceKind{ttpcron.Command}}).how(); how == (&Options{}).how() || !strings.Contains(how, "command") {
		t.Errorf("how a database was read is %q", how)
	}
}
