package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/host"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/ruleset"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/settings"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/kv"
)

// verdict is the result of an examination.
type verdict string

const (
	isWrong    verdict = "wrong"
	isDoubtful verdict = "doubtful"
	isRight    verdict = "right"
)

// examined is one thing that the doctor says.
type examined struct {
	Check   string  `json:"check"`
	Verdict verdict `json:"verdict"`
	Text    string  `json:"text"`
	Do      string  `json:"do,omitempty"` // what to do next
}

// examination is one thing that the doctor looks at. A new one is an entry here.
type examination struct {
	name, about string
	look        func(*patient, context.Context)
}

// examinations are the doctor's checks, in order.
func examinations() []examination {
	return []examination{
		{"config", "the config file: faults, and who else may change it", (*patient).lookAtConfig},
		{"store", "the file: is it a store, who owns, may use and holds it", (*patient).lookAtStore},
		{"filesystem", "where the store is: network, memory, container, read-only", (*patient).lookAtFilesystem},
		{"disk", "free space for imports, for db compact, and within the store", (*patient).lookAtDisk},
		{"temp", "the folder for temporary files", (*patient).lookAtTemp},
		{"limits", "memory of the control group, file sizes, address space", (*patient).lookAtLimits},
		{"clock", "is it synchronised, and does it fit the stored times", (*patient).lookAtClock},
		{"rules", "broken, inert and overdue rules", (*patient).lookAtRules},
		{"inputs", "can they be read, what are they, when did they last grow", (*patient).lookAtInputs},
		{"daemon", "is one running, which version, is it healthy", (*patient).lookAtDaemon},
		{"systemd", "units: installed, enabled, failed, two for one store", (*patient).lookAtUnits},
		{"runs", "when and how the last one ended; what waits for the next", (*patient).lookAtRuns},
		{"kinds", "events without rules or with future dates; pruning on hold", (*patient).lookAtKinds},
	}
}

// machine is what the doctor asks the system.
type machine struct {
	user          host.User // who asks
	free          func(dir string) (int64, error)
	filesystem    func(path string) (host.Filesystem, bool)
	synchronised  func() (is, known bool)
	memoryLimit   func() (int64, bool)
	fileSizeLimit func() (int64, bool)
	largestStore  func() int64 // that can be mapped; 0 for any
	units         func(context.Context) ([]unit, bool)
}

// thisMachine asks the system that the program runs on.
func thisMachine() machine {
	u, err := host.UserNamed(fmt.Sprint(os.Geteuid()))
	if err != nil {
		u = host.User{Name: fmt.Sprintf("user %d", os.Geteuid()), ID: os.Geteuid(), Groups: []int{os.Getegid()}}
	}
	if groups, err := os.Getgroups(); err == nil {
		u.Groups = append(u.Groups, groups...)
	}
	return machine{u, host.FreeBytes, host.FilesystemOf, host.ClockSynchronised, host.MemoryLimit, host.FileSizeLimit, kv.MaxBytes, systemdUnits}
}

// patient is an installation, with the facts about it.
type patient struct {
	machine
	env    map[string]string
	now    time.Time
	conf   *settings.Daemon
	stores *store.Opener

	units   []unit
	systemd bool      // there is a systemd to ask
	service host.User // as whom runs are made
	status  *status   // nil where the store cannot be read
	failed  error     // why it cannot
	rules   ruleset.Set

	check string // the examination in hand
	found []examined
}

func doctorCommand() *command {
	fs := cli.NewFlags()
	asJSON := fs.Bool("json", false, "print one JSON object a line: check, verdict, text, do")
	var list strings.Builder
	for _, e := range examinations() {
		fmt.Fprintf(&list, "  %-11s %s\n", e.name, e.about)
	}
	return &command{
		Name: "doctor", Short: "check this machine: what is fine, doubtful or wrong", Flags: fs, Raw: true,
		Text: `Checks everything that ttpcron needs to run unattended, says what is fine, what is
doubtful and what is wrong, and what to do about it:

` + list.String() + `
It changes nothing. It works as any user, with or without a store, systemd or a
running daemon; it sees most as root or as the service user. Access is judged by
permission bits, so it does not see what a unit's sandbox hides. The exit status
is 1 if something is wrong, and 0 if something is only doubtful. ttpcron config
check shows what each job would do; ttpcron db check reads the whole store.`,
		Examples: "ttpcron doctor\nsudo -u ttpcron ttpcron doctor\nttpcron doctor --json | jq -r 'select(.verdict == \"wrong\").text'",
		Exits:    []int{exitFailed, exitInterrupted},
		Run: func(ctx context.Context, s *session, args []string) error {
			if err := cli.NoArgs(args); err != nil {
				return err
			}
			found := examine(ctx, s, thisMachine())
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return tellExamined(s.out, found, *asJSON)
		},
	}
}

// examine looks at everything.
func examine(ctx context.Context, s *session, m machine) []examined {
	p := &patient{machine: m, env: s.env, now: s.now(), check: "config"}
	conf, err := s.reader.Daemon(s.given)
	if err != nil {
		p.wrongly(hintOf(err), "%v", err)
		given := settings.Given{"config": {os.DevNull}}
		for name, values := range s.given {
			if name != "config" {
				given[name] = values
			}
		}
		if conf, err = s.reader.Daemon(given); err != nil {
			return p.found
		}
	}
	p.conf = conf
	s.use(&conf.Settings)
	p.stores = s.stores
	p.gather(ctx, s)
	for _, e := range examinations() {
		if ctx.Err() == nil {
			p.check = e.name
			e.look(p, ctx)
		}
	}
	return p.found
}

// gather collects the facts that several examinations need.
func (p *patient) gather(ctx context.Context, s *session) {
	p.units, p.systemd = p.machine.units(ctx)
	p.service = p.user
	for _, u := range p.units {
		if name := u.facts["User"]; name != "" && u.loaded() {
			if as, err := host.UserNamed(name, strings.Fields(u.facts["SupplementaryGroups"])...); err == nil {
				p.service = as
				break
			}
		}
	}
	looked := *p.stores
	looked.LockTimeout = min(looked.LockTimeout, time.Second)
	p.stores = &looked
	set := p.conf.Settings
	set.Rules, set.Embedded = nil, true // which have an examination of their own
	one := *s
	one.stores, one.set = p.stores, &set
	st, err := gatherStatus(ctx, &one)
	if p.failed = err; err == nil {
		p.status = &st
	}
}

func (p *patient) say(v verdict, do, format string, args ...any) {
	p.found = append(p.found, examined{p.check, v, fmt.Sprintf(format, args...), do})
}

func (p *patient) rightly(format string, args ...any) { p.say(isRight, "", format, args...) }

func (p *patient) doubtfully(do, format string, args ...any) { p.say(isDoubtful, do, format, args...) }

func (p *patient) wrongly(do, format string, args ...any) { p.say(isWrong, do, format, args...) }

// unwell reports whether an examination has found something that is not right.
func (p *patient) unwell(check string) bool {
	return slices.ContainsFunc(p.found, func(e examined) bool { return e.Check == check && e.Verdict != isRight })
}

// doctorWidth is how wide a line of text may be behind the verdict and the check.
const doctorWidth = 56

// tellExamined prints the results, faults first.
func tellExamined(out *term.Output, found []examined, asJSON bool) error {
	count := map[verdict]int{}
	colours := map[verdict]string{isWrong: term.Red, isDoubtful: term.Yellow, isRight: term.Green}
	for _, v := range []verdict{isWrong, isDoubtful, isRight} {
		for _, e := range found {
			if e.Verdict != v {
				continue
			}
			count[v]++
			if asJSON {
				if err := out.JSON(e); err != nil {
					return err
				}
				continue
			}
			text := cli.Wrap(term.Clean(e.Text), doctorWidth)
			if e.Do != "" {
				text += "\n" + cli.Wrap("→ "+term.Clean(e.Do), doctorWidth)
			}
			fmt.Fprintf(out, "%s  %-11s %s\n", out.Term.Paint(colours[v], fmt.Sprintf("%-8s", v)), e.Check, strings.ReplaceAll(text, "\n", "\n"+strings.Repeat(" ", 22)))
		}
	}
	if !asJSON {
		fmt.Fprintf(out, "\n%d wrong, %d doubtful, %d right.\n", count[isWrong], count[isDoubtful], count[isRight])
	}
	if n := count[isWrong]; n > 0 {
		return fmt.Errorf("%s wrong", term.Plural(n, "thing is", "things are"))
	}
	return nil
}
