// Command gen writes a made-up command history to standard output, to measure
// with. See package workload.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/ttpcron/ttpcron/bench/workload"
)

func main() {
	n := flag.Int("n", 100_000, "number of commands")
	kind := flag.String("kind", "real", "`kind` of history: real (nine in ten repeat), unique, or whole (real among all else that a sensor sees)")
	format := flag.String("format", "cowrie", "`format`: cowrie or events")
	seed := flag.Uint64("seed", 0, "another seed gives another history")
	days := flag.Int("days", 0, "how many days it lasts; 0: one for every 25,000 commands, at most 365")
	flag.Parse()
	write, ok := map[string]func(io.Writer, workload.Options) error{
		"cowrie": workload.WriteCowrie, "events": workload.WriteEvents,
	}[*format]
	if !ok || flag.NArg() > 0 || !slices.Contains([]string{"real", "unique", "whole"}, *kind) || *n < 0 || *days < 0 {
		flag.Usage()
		os.Exit(2)
	}
	o := workload.Options{Commands: *n, Unique: *kind == "unique", Whole: *kind == "whole", Seed: *seed, Days: *days}
	if err := write(os.Stdout, o); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}
