package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ttpcron/ttpcron/kv"
)

// exits runs a command and checks its exit code: exits 2 ttpcron nonsense. Its
// output is in the files stdout and stderr, for grep.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code command [arg...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	var stdout, stderr bytes.Buffer
	path, err := exec.LookPath(args[1])
	if err != nil {
		// The commands of testscript.Main are on the PATH of the script.
		path = args[1]
		for _, dir := range strings.Split(ts.Getenv("PATH"), string(os.PathListSeparator)) {
			if _, err := os.Stat(dir + "/" + args[1]); err == nil {
				path = dir + "/" + args[1]
				break
			}
		}
	}
	cmd := exec.Command(path, args[2:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = ts.MkAbs("."), &stdout, &stderr
	cmd.Env = scriptEnv(ts)
	err = cmd.Run()
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	ts.Check(os.WriteFile(ts.MkAbs("out.txt"), stdout.Bytes(), 0o666))
	ts.Check(os.WriteFile(ts.MkAbs("err.txt"), stderr.Bytes(), 0o666))
	if got != want {
		ts.Fatalf("%s: exit %d, want %d\n%s%s", strings.Join(args[1:], " "), got, want, stdout.Bytes(), stderr.Bytes())
	}
}

func scriptEnv(ts *testscript.TestScript) []string {
	var env []string
	for _, name := range []string{
		"HOME", "PATH", "TMPDIR", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "COLUMNS", "LANG", "JOURNAL_STREAM", "TESTSCRIPT_MAIN",
		"TTPCRON_CONFIG", "TTPCRON_DB", "TTPCRON_EMBEDDED", "TTPCRON_RULES", "TTPCRON_LOCK_TIMEOUT", "TTPCRON_ROLE", "TTPCRON_INPUT",
		"TTPCRON_OWN_NETWORKS", "TTPCRON_SINCE_DAYS", "TTPCRON_BATCH_SIZE", "TTPCRON_LOG_LEVEL", "TTPCRON_LOG_JSON", "TTPCRON_BATCHSIZE",
	} {
		if v := ts.Getenv(name); v != "" {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// lines checks how many lines a file has: lines 3 stdout.
func lines(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: lines count file")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := strings.Count(ts.ReadFile(args[1]), "\n"); got != want {
		ts.Fatalf("%s has %d lines, want %d", args[1], got, want)
	}
}

// compress writes a compressed copy: gzip from to.
func compress(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: gzip from to")
	}
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(ts.ReadFile(args[0])))
	ts.Check(err)
	ts.Check(w.Close())
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), b.Bytes(), 0o666))
}

// hold opens a store for writing until the script ends: hold t.db.
func hold(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: hold store")
	}
	db, err := kv.Open(context.Background(), ts.MkAbs(args[0]), kv.Options{})
	ts.Check(err)
	ts.Defer(func() { db.Close() })
}

// torn takes bytes off the end of a file: torn file 20.
func torn(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: torn file bytes")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	content := ts.ReadFile(args[0])
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(content[:len(content)-n]), 0o666))
}

// damage flips a bit in every place where a file holds a text: damage t.db text.
func damage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: damage file text")
	}
	content := []byte(ts.ReadFile(args[0]))
	text := []byte(args[1])
	n := 0
	for at := bytes.Index(content, text); at >= 0; at = bytes.Index(content, text) {
		content[at] ^= 0x80
		n++
	}
	if n == 0 {
		ts.Fatalf("%s does not hold %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), content, 0o666))
}

// zero overwrites the start of a file with zeros: zero t.db 8192.
// changed sets when a file was last changed: changed auth.log 2027-01-01T08:00:00Z
func changed(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: changed file time")
	}
	at, err := time.Parse(time.RFC3339, args[1])
	ts.Check(err)
	ts.Check(os.Chtimes(ts.MkAbs(args[0]), at, at))
}

func zero(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: zero file bytes")
	}
	content := []byte(ts.ReadFile(args[0]))
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	clear(content[:n])
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), content, 0o666))
}
