// Command extreme writes histories that are large in a single respect, to measure
// what makes memory grow.
//
//	extreme SHAPE N PATH
//
// PATH is a file, or for rules and files a new folder. The shapes:
//
//	attackers    N attackers with a session each, on 40 days
//	oneday       N attackers with a session each, on one day
//	sessions     N events of a thousand attackers, each a session of its own, on 40 days
//	instant      N login attempts of one address at one instant
//	users        N login attempts, each for an account with a name of 250 bytes of its own
//	days         one event on each of N days
//	kinds        one event of each of N kinds
//	fields       events of N payload fields, ten of them
//	row          DECNET's database with one attacker whose list of commands has N entries
//	wide         DECNET's database with rows of N bytes in every column, ten of them
//	long         native events with a command of N bytes, a hundred of them
//	rules        N rule files
//	files        N small logs
package main

import (
	"bufio"
	"database/sql"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	_ "modernc.org/sqlite"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: extreme SHAPE N PATH")
		os.Exit(2)
	}
	n, err := strconv.Atoi(os.Args[2])
	if err == nil {
		err = write(os.Args[1], n, os.Args[3])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "extreme:", err)
		os.Exit(1)
	}
}

func write(shape string, n int, path string) error {
	switch shape {
	case "row", "wide":
		return database(shape, n, path)
	case "rules":
		return folder(path, n, "E%d.yaml", rule)
	case "files":
		return folder(path, n, "log-%d.json", func(w io.Writer, i int) { event(w, "command", at(i, n, 40), i, `"command_text":"uname -a"`) })
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	if err := lines(w, shape, n); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

// lines writes native events.
func lines(w io.Writer, shape string, n int) error {
	const text = `"command_text":"uname -a; cat /etc/passwd"`
	switch shape {
	case "attackers", "oneday":
		days := 40
		if shape == "oneday" {
			days = 1
		}
		for i := range n {
			event(w, "command", at(i, n, days), i, text)
		}
	case "sessions":
		for i := range n {
			eventIn(w, "command", at(i, n, 40), i%1000, i, text)
		}
	case "instant":
		for i := range n {
			eventIn(w, "auth_attempt", start, 7, i%1000, fmt.Sprintf(`"username":"root","password":"p%d","success":false`, i))
		}
	case "users":
		for i := range n {
			event(w, "auth_attempt", at(i, n, 40), i%1000, fmt.Sprintf(`"username":"%0250d","password":"123456","success":false`, i))
		}
	case "days":
		for i := range n {
			event(w, "command", start.AddDate(0, 0, i), i%1000, text)
		}
	case "kinds":
		for i := range n {
			event(w, fmt.Sprint("kind_", i), at(i, n, 40), i%1000, text)
		}
	case "fields":
		for i := range 10 {
			var b strings.Builder
			b.WriteString(text)
			for k := range n {
				fmt.Fprintf(&b, `,"f%d":%d`, k, k)
			}
			event(w, "command", at(i, 10, 1), i, b.String())
		}
	case "long":
		for i := range 100 {
			event(w, "command", at(i, 100, 1), i, `"command_text":"uname -a; `+strings.Repeat("cat /etc/passwd; ", n/17)+`"`)
		}
	default:
		return fmt.Errorf("there is no shape %q", shape)
	}
	return nil
}

var start = time.Date(1970, 1, 2, 3, 4, 5, 0, time.UTC)

// at spreads n events over the days before 2026-07-01.
func at(i, n, days int) time.Time {
	span := time.Duration(days) * 24 * time.Hour
	return time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC).Add(-span).Add(span / time.Duration(n) * time.Duration(i)).Truncate(time.Microsecond)
}

func event(w io.Writer, kind string, at time.Time, who int, payload string) {
	eventIn(w, kind, at, who, who, payload)
}

func eventIn(w io.Writer, kind string, at time.Time, who, session int, payload string) {
	fmt.Fprintf(w, `{"source_kind":"%s","time":"%s","attacker_ip":"10.%d.%d.%d","session_id":"session-%d","payload":{%s}}`+"\n",
		kind, at.Format(time.RFC3339Nano), who>>16&255, who>>8&255, who&255, session, payload)
}

func folder(path string, n int, name string, each func(w io.Writer, i int)) error {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return err
	}
	for i := range n {
		var b strings.Builder
		each(&b, i)
		if err := os.WriteFile(filepath.Join(path, fmt.Sprintf(name, i)), []byte(b.String()), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func rule(w io.Writer, i int) {
	fmt.Fprintf(w, `rule_id: E%d
rule_version: 1
name: rule %d of many
applies_to: [command]
match:
  pattern: '\bprogram%d\s+(-[a-z]+\s+)*(start|stop|restart)\b'
emits:
  - {tactic: TA0002, technique_id: T1059, sub_technique_id: T1059.004, confidence: 0.8}
evidence_fields: [command_text]
attack_release: enterprise-v18.1
`, i, i, i)
}

func database(shape string, n int, path string) error {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return err
	}
	defer db.Close()
	for _, q := range []string{
		`CREATE TABLE attackers (uuid TEXT, ip TEXT, identity_id TEXT, first_seen TEXT, last_seen TEXT, commands TEXT, country_code TEXT)`,
		`CREATE TABLE canary_triggers (uuid TEXT, token_uuid TEXT, occurred_at TEXT, src_ip TEXT, user_agent TEXT, request_path TEXT, dns_qname TEXT, raw_headers TEXT, attacker_id TEXT)`,
	} {
		if _, err := db.Exec(q); err != nil {
			return err
		}
	}
	const insert = `INSERT INTO attackers VALUES (?, ?, ?, '2026-05-04 00:00:00', '2026-05-04 01:00:00', ?, ?)`
	if shape == "wide" {
		x := strings.Repeat("x", n)
		for i := range 10 {
			if _, err := db.Exec(insert, fmt.Sprint(i, x), x, x, `[{"command":"`+x+`"}]`, x); err != nil {
				return err
			}
			if _, err := db.Exec(`INSERT INTO canary_triggers VALUES (?, ?, '2026-05-04 00:00:00', ?, ?, ?, ?, ?, ?)`,
				fmt.Sprint(i, x), x, x, x, x, x, `{"a":"`+x+`"}`, nil); err != nil {
				return err
			}
		}
		return nil
	}
	var b strings.Builder
	b.WriteByte('[')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"service":"ssh","decky":"d1","command":"uname -a %d","timestamp":"2026-05-04 00:00:%02d"}`, i, i%60)
	}
	b.WriteByte(']')
	_, err = db.Exec(insert, "11111111-0000-4000-8000-000000000001", "192.0.2.1", nil, b.String(), nil)
	return err
}
