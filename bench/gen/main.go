// Command gen writes a synthetic command history to standard output, for
// benchmarks. See package workload.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/ttpcron/ttpcron/bench/workload"
)

func main() {
	n := flag.Int("n", 100_000, "number of commands, or for logins, one-address and addresses of events")
	kind := flag.String("kind", "real", "`kind` of history: real (nine in ten repeat), unique, whole (real among all else that a sensor sees), logins (real among as many login attempts), one-address or addresses (login attempts alone, all by one address or each by one of its own)")
	format := flag.String("format", "cowrie", "`format`: cowrie or events")
	seed := flag.Uint64("seed", 0, "another seed gives another history")
	start := flag.String("start", "2026-01-01", "`date` of its first day")
	days := flag.Int("days", 0, "how many days it lasts; 0: one for every 25,000 commands or logins, at most 365")
	flag.Parse()
	write, ok := map[string]func(io.Writer, workload.Options) error{
		"cowrie": workload.WriteCowrie, "events": workload.WriteEvents,
	}[*format]
	begin, err := time.Parse(time.DateOnly, *start)
	o := workload.Options{Commands: *n, Seed: *seed, Start: begin, Days: *days}
	switch *kind {
	case "real":
	case "unique":
		o.Unique = true
	case "whole":
		o.Whole = true
	case "logins":
		o.Commands, o.Logins = *n/2, *n/2
	case "one-address":
		o.Commands, o.Logins, o.Addresses = 0, *n, 1
	case "addresses":
		o.Commands, o.Logins, o.Addresses = 0, *n, *n
	default:
		ok = false
	}
	if !ok || err != nil || flag.NArg() > 0 || *n < 0 || *days < 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := write(os.Stdout, o); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}
