package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/kv/doctor"
)

func dbRecover() *command {
	fs := cli.NewFlags()
	asJSON := fs.Bool("json", false, "print one JSON object")
	return &command{
		Name: "db recover", Args: "NEWFILE", Short: "save what can be saved from a damaged store", Flags: fs,
		Text: `Copies everything that passes its checksum from the damaged store to a new one:
events with their ids and arrival numbers, tags, checkpoints, rule states.
Indexes and counters are rebuilt. Pages that are no longer linked are searched
too. The damaged file is not changed; NEWFILE must not exist.

The exit code is 0 when the new file is written, whatever was lost; the report
lists the losses and their days. A tag is lost with its event. To get lost data
back, import the logs of those days again (if events are missing, NEWFILE does
not remember how far they were read), then let ttpcron run-once or the daemon
run: it looks at those days again by itself.`,
		Examples: "ttpcron db recover rescued.db\nttpcron db check --db rescued.db\nttpcron db restore rescued.db",
		Exits:    []int{exitFailed, exitLocked, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			to, err := oneArg(args, "db recover", "the file to make", "ttpcron db recover rescued.db")
			if err != nil {
				return err
			}
			show, done := watchFile(s.out, s.log, s.now, "recover", pageBytes)
			r, err := doctor.Recover(ctx, s.set.DB, to, s.stores.FileOptions(show))
			done()
			if err != nil {
				return hintExists(s.stores.ForItself(ctx, err), "name a file that does not exist")
			}
			if *asJSON {
				return s.out.JSON(recoveredOf(to, r))
			}
			return printRecovered(s.out, to, r)
		},
	}
}

type recoverJSON struct {
	Path          term.Exact    `json:"path"`
	Whole         bool          `json:"whole"`
	Events        int           `json:"events"`
	Tags          int           `json:"tags"`
	Marks         int           `json:"marks"`
	Stray         int           `json:"stray"`
	MissingEvents int           `json:"missing_events"`
	MissingTags   int           `json:"missing_tags"`
	LostBlocks    int           `json:"lost_blocks"`
	LostTags      int           `json:"lost_tags"`
	WithEvents    int           `json:"lost_tags_with_events"`
	LostRecords   int           `json:"lost_marks"`
	OldHeader     bool          `json:"old_header"`
	NoHeader      bool          `json:"no_header"`
	Uncounted     bool          `json:"uncounted"`
	Reread        bool          `json:"read_logs_again"`
	LookAgain     int           `json:"days_to_look_at_again"`
	LostDays      []string      `json:"lost_days"`
	Findings      []findingJSON `json:"findings"`
	More          int           `json:"more_findings"`
}

func recoveredOf(to string, r doctor.RecoverReport) recoverJSON {
	return recoverJSON{
		Path: term.Exact(to), Whole: r.Whole(), Events: r.Events, Tags: r.Tags, Marks: r.Records, Stray: r.Stray,
		MissingEvents: r.MissingEvents, MissingTags: r.MissingTags, LostBlocks: r.LostBlocks, LostTags: r.LostTags, WithEvents: r.WithEvents, LostRecords: r.LostRecords,
		OldHeader: r.OldHeader, NoHeader: r.NoHeader, Uncounted: r.Uncounted, Reread: r.Reread, LookAgain: r.LookAgain, LostDays: append([]string{}, r.LostDays...), Findings: findingsOf(r.Findings), More: r.More,
	}
}

func printRecovered(out *term.Output, to string, r doctor.RecoverReport) error {
	if err := printFindings(out, r.Findings, r.More); err != nil {
		return err
	}
	if len(r.Findings) > 0 {
		fmt.Fprintln(out)
	}
	fmt.Fprintf(out, "saved into %s: %s, %s and %s\n", term.Clean(to), term.Plural(r.Events, "event", "events"), term.Plural(r.Tags, "tag", "tags"), term.Plural(r.Records, "other record", "other records"))
	if r.Stray > 0 {
		fmt.Fprintf(out, "%s of them lay on pages that nothing leads to any more\n", term.Count(r.Stray))
	}
	if r.Whole() {
		_, err := fmt.Fprintln(out, "nothing was lost")
		return err
	}
	for _, l := range []struct {
		n         int
		one, many string
	}{
		{r.MissingEvents, "event is lost", "events are lost"}, {r.LostBlocks, "block of up to 256 events could not be read", "blocks of up to 256 events each could not be read"},
		{max(r.MissingTags, r.LostTags), "tag is lost", "tags are lost"}, {r.WithEvents, "of them is lost with its event", "of them are lost with their events"}, {r.LostRecords, "other record is lost", "other records are lost"},
	} {
		if l.n > 0 {
			fmt.Fprintln(out, term.Plural(l.n, l.one, l.many))
		}
	}
	if r.OldHeader {
		fmt.Fprintln(out, "one header is damaged; if it was the newer one, the last thing that was written is lost")
	}
	if r.NoHeader {
		fmt.Fprintln(out, "without a header checkpoints, states of rules and read positions of files could not be told apart: they are lost")
	}
	if r.Uncounted {
		fmt.Fprintln(out, "the store's own counts are damaged too: more may be missing than was found")
	}
	if n := len(r.LostDays); n > 0 {
		days := r.LostDays[:min(n, 20)]
		rest := ""
		if n > len(days) {
			rest = fmt.Sprintf(" and %d more", n-len(days))
		}
		others := "; the others are complete"
		if r.Uncounted || r.NoHeader {
			others = ""
		}
		fmt.Fprintf(out, "days with losses: %s%s%s\n", strings.Join(days, ", "), rest, others)
	}
	return printNextSteps(out, to, r)
}

// printNextSteps says how to get back what was lost.
func printNextSteps(out *term.Output, to string, r doctor.RecoverReport) error {
	step := "then"
	if r.Reread || r.LookAgain > 0 {
		_, err := fmt.Fprintf(out, "to get it back: ttpcron db restore %s, ", term.Clean(to))
		if err != nil {
			return err
		}
	}
	if r.Reread {
		step = "and then"
		of := ""
		if len(r.LostDays) > 0 {
			of = "of these days "
		}
		fmt.Fprintf(out, "import the logs %sagain (known events stay), ", of)
	}
	switch {
	case r.LookAgain > 0:
		_, err := fmt.Fprintf(out, "%s ttpcron run-once, which looks at %s again by itself\n", step, term.Plural(r.LookAgain, "day", "days"))
		return err
	case r.Reread:
		_, err := fmt.Fprintf(out, "%s ttpcron run-once\n", step)
		return err
	}
	return nil
}
