package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/inputs"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/settings"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/jobs"
)

// scanned is the work of a scan.
type scanned struct {
	ttpcron.ImportReport
	files, passed int
	read          map[string]bool // files of which more than a look was read
}

// scan imports as the command does, with a clock under which all files have settled.
func (n *node) scan(again bool, named ...string) scanned {
	n.T.Helper()
	now := func() time.Time { return time.Now().Add(time.Hour) }
	inputs, err := inputs.Find(named, inputs.Options{Now: now, Stdin: strings.NewReader("")})
	if err != nil {
		n.T.Fatal(err)
	}
	if again {
		forgetPositions(inputs)
	}
	s := scanned{read: map[string]bool{}}
	for i := range inputs {
		open := inputs[i].Open
		inputs[i].Open = func(ctx context.Context, known jobs.Known) (jobs.File, error) {
			moved := known.Moved
			known.Moved = func() { s.read[inputs[i].Name] = true; moved() }
			return open(ctx, known)
		}
	}
	stores := store.Opener{DB: n.Path("t.db"), Sockets: []string{settings.SocketOf(n.Path("t.db"))}, LockTimeout: patience, Log: hclog.NewNullLogger(), Now: now}
	db, err := stores.Write(n.T.Context())
	if err != nil {
		n.T.Fatal(err)
	}
	defer db.Close()
	if _, ok := db.Daemon(); !ok {
		n.T.Fatal("the store is not a daemon's")
	}
	im := jobs.Import{Archive: db.Archive, Inputs: inputs, Now: now}
	files, err := im.Run(n.T.Context())
	if bad := (*jobs.InputError)(nil); err != nil && !errors.As(err, &bad) {
		n.T.Fatal(err)
	}
	for _, f := range files {
		s.Add(f.ImportReport)
		if s.files++; f.Passed {
			s.passed++
		}
	}
	return s
}

func compressed(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestScanBesideDaemon: files are remembered through a daemon as without one. A second
// scan reads nothing, however many files there are and whatever their results.
func TestScanBesideDaemon(t *testing.T) {
	n := newNode(t, rarely)
	n.Env = append(n.Env, "TTPCRON_INPUT=")
	const each = 80
	deep := "logs/" + strings.Repeat("deep/", 40)
	if err := os.MkdirAll(n.Path(deep), 0o777); err != nil {
		t.Fatal(err)
	}
	at := func(i int) time.Time { return n.Base.Add(-time.Duration(i) * time.Second) }
	line := func(i int) string {
		return fmt.Sprintf(`{"eventid":"cowrie.command.input","input":"uname -a; echo %d","session":"c0ffee","src_ip":"203.0.113.7","sensor":"a","timestamp":%q}`+"\n", i, at(i).Format("2006-01-02T15:04:05.000000Z"))
	}
	for i := range each {
		n.Write(fmt.Sprintf("%scowrie.%d", deep, i), line(i))
		n.Write(fmt.Sprintf("%scowrie.%d.gz", deep, i), compressed(t, line(each+i)))
		n.Write(fmt.Sprintf("%sstray.%d", deep, i), "hello\n")
		n.Write(fmt.Sprintf("%sevents.%d.gz", deep, i), compressed(t, nativeEvent(at(i), i)))
	}
	n.serving()

	first := n.scan(false, n.Path("logs"))
	if first.files != 4*each || len(first.read) != 4*each || first.New != 2*each || first.passed != 2*each {
		t.Errorf("%d files, %d read, %d passed over, %+v", first.files, len(first.read), first.passed, first.ImportReport)
	}
	second := n.scan(false, n.Path("logs"))
	if len(second.read) != 0 || second.files != 4*each || second.passed != 2*each || second.Lines != 0 {
		t.Errorf("again: %d of %d files read, %d passed over, %+v", len(second.read), second.files, second.passed, second.ImportReport)
	}
	// A renamed file is read from its position.
	if err := os.Rename(n.Path("logs"), n.Path("moved")); err != nil {
		t.Fatal(err)
	}
	moved := n.scan(false, n.Path("moved"))
	if len(moved.read) != 4*each || moved.Lines != 0 {
		t.Errorf("under other names: %d files read, %+v", len(moved.read), moved.ImportReport)
	}
	// Changed files are read, and named ones, and all of them if requested.
	deep = "moved" + strings.TrimPrefix(deep, "logs")
	n.Write(deep+"cowrie.7", line(7)+line(9999))
	changed := n.scan(false, n.Path("moved"), n.Path(deep+"events.3.gz"))
	if len(changed.read) != 2 || changed.New != 2 || changed.Lines != 2 {
		t.Errorf("changed: %v read, %+v", changed.read, changed.ImportReport)
	}
	again := n.scan(true, n.Path("moved"))
	if len(again.read) != 4*each || again.Known != 2*each+1 || again.New != 0 {
		t.Errorf("from the beginning: %d files read, %+v", len(again.read), again.ImportReport)
	}
	// A run of a caller uses and keeps the same.
	var stdout, stderr bytes.Buffer
	later := func() time.Time { return time.Now().Add(time.Hour) }
	if code := run(t.Context(), later, []string{"run-once", "--input", n.Path("moved")}, strings.NewReader(""), &stdout, &stderr, n.Env); code != exitDone {
		t.Fatal(stderr.String())
	}
	if want := fmt.Sprintf("Imported %d files (%d passed over): 0 lines; 0 new events, 0 known; 0 lines ignored, 0 rejected.", 2*each, 2*each); !strings.Contains(stdout.String(), want) {
		t.Errorf("a run: %s", stdout.String())
	}
	if last := n.scan(false, n.Path("moved")); len(last.read) != 0 {
		t.Errorf("after the run: %d files read", len(last.read))
	}
}
