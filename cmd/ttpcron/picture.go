package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/settings"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/jobs"
)

// picture is the short view of the findings.
type picture struct {
	under      *attack.Table // whose names it has
	title      string
	techniques []techniqueCount
	attackers  []attackerCount
	about      bool // the attackers' counts may be too low
	marked     int  // tags of addresses that are marked, whose attackers are left out
	marks      string
	leftOut    int    // tags of hosts that are below medium
	also       string // what else is known of attackers, as a heading
	counted    bool   // of techniques more than tags is known
}

type techniqueCount struct {
	tactic, technique           string
	tags                        int
	events, attackers, sessions int // where that was counted
}

type attackerCount struct {
	name string
	tags int
	more string // what else is known of it
}

// The size of a picture.
const (
	perTactic     = 6
	mostAttackers = 5
)

// printPicture shows the techniques and attackers of a run: those in its window, as
// stored, or of the tags that it made.
func printPicture(ctx context.Context, out *term.Output, db *store.Store, r jobs.Report, set *settings.Settings, dry bool) error {
	p := pictureOfRun(r.Found)
	if len(set.OwnNetworks) > 0 {
		p.marks = "own networks and resolvers"
	}
	if w := r.Run.Window; !dry && !w.Since.IsZero() {
		s, err := db.Tags.Summary(context.WithoutCancel(ctx), w, ttpcron.DefaultMinLevels(), set.OwnNetworks, set.Attack)
		if err != nil {
			return err
		}
		p = pictureOfSummary(s)
		p.title = "since " + term.Time(w.Since)
	}
	p.under = set.Attack
	return p.print(out, out.Term)
}

func pictureOfRun(f jobs.Picture) picture {
	p := picture{title: "in what this run tagged", also: "TECHNIQUES", about: f.Approximate, marked: f.Marked, leftOut: f.LeftOut, marks: "resolvers"}
	for _, t := range f.Techniques {
		p.techniques = append(p.techniques, techniqueCount{tactic: t.Tactic, technique: t.Technique, tags: t.Tags})
	}
	for _, at := range f.Attackers {
		p.attackers = append(p.attackers, attackerCount{cmp.Or(at.IP, at.UUID), at.Tags, term.Count(at.Techniques)})
	}
	return p
}

func pictureOfSummary(s ttpcron.Summary) picture {
	p := picture{also: "LAST (UTC)", marked: s.OwnTags, leftOut: s.LeftOut, marks: "own networks"}
	for _, t := range s.Techniques {
		p.techniques = append(p.techniques, techniqueCount{tactic: t.Tactic, technique: cmp.Or(t.SubTechniqueID, t.TechniqueID), tags: t.Tags})
	}
	for _, at := range s.Attackers {
		p.attackers = append(p.attackers, attackerCount{cmp.Or(at.AttackerIP, at.AttackerUUID, at.IdentityUUID), at.Tags, term.Time(at.Last)})
	}
	return p
}

func (p picture) print(w io.Writer, t term.Terminal) error {
	var b strings.Builder
	if len(p.techniques) == 0 {
		fmt.Fprintf(&b, "\nNo technique %s.\n%s", p.title, p.leaving())
		_, err := io.WriteString(w, b.String())
		return err
	}
	names, bars := shares(t.Width, p.counted)
	fmt.Fprintf(&b, "\n%s\n", t.Paint(term.Bold, "Techniques "+p.title))
	p.tactics(&b, t, names, bars)
	b.WriteString(p.leaving())
	fmt.Fprintf(&b, "\n%s\n", t.Paint(term.Bold, "Top attackers"))
	p.top(&b, t)
	if p.marked > 0 {
		fmt.Fprintf(&b, "  (not counted: %s of %s)\n", term.Plural(p.marked, "tag", "tags"), p.marks)
	}
	if p.about {
		b.WriteString("  (about: there were very many attackers)\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// leaving says what the picture leaves out by level.
func (p picture) leaving() string {
	if p.leftOut == 0 {
		return ""
	}
	return fmt.Sprintf("  (without %s of hosts below medium: ttpcron tags --min-level informational)\n", term.Plural(p.leftOut, "tag", "tags"))
}

// top writes the attackers with the most tags.
func (p picture) top(b *strings.Builder, t term.Terminal) {
	list := p.attackers[:min(len(p.attackers), mostAttackers)]
	width, more := 15, term.Cells(p.also)
	for _, at := range list {
		width = min(39, max(width, term.Cells(term.Clean(at.name))))
		more = max(more, len(at.more))
	}
	limit := t.Width
	if limit <= 0 {
		limit = 80
	}
	bars := max(4, min(limit, 120)-width-more-16)
	heading := fmt.Sprintf("%s %7s  %s  %s", t.Fit("ATTACKER", width), "TAGS", strings.Repeat(" ", bars), p.also)
	fmt.Fprintf(b, "  %s\n", t.Paint(term.Bold, heading))
	for _, at := range list {
		bar := meter(t, at.tags, list[0].tags, bars)
		fmt.Fprintf(b, "  %s %7s  %s%s  %s\n", t.Paint(term.Cyan, t.Fit(term.Clean(at.name), width)), term.Count(at.tags),
			bar, strings.Repeat(" ", bars-meterLen(at.tags, list[0].tags, bars)), t.Paint(term.Dim, term.Clean(at.more)))
	}
}

// shares divides a line between names and bars.
func shares(width int, counted bool) (names, bars int) {
	fixed := 25 // margin, id, number and the blanks between
	if counted {
		fixed += 27
	}
	if width <= 0 {
		width = 80
	}
	free := max(24, min(width, 120)-fixed)
	if names = free * 3 / 5; counted {
		names = free * 3 / 4
	}
	return names, free - names
}

// numbers are a technique's counts, or their headings.
func (p picture) numbers(tags, events, attackers, sessions string) string {
	if !p.counted {
		return fmt.Sprintf("%7s", tags)
	}
	return fmt.Sprintf("%7s %7s %9s %8s", tags, events, attackers, sessions)
}

// tactics writes the techniques under their tactics, in the order of the
// matrix.
func (p picture) tactics(b *strings.Builder, t term.Terminal, names, bars int) {
	heading := fmt.Sprintf("%-9s  %s %s", "TECHNIQUE", t.Fit("NAME", names), p.numbers("TAGS", "EVENTS", "ATTACKERS", "SESSIONS"))
	fmt.Fprintf(b, "    %s\n", t.Paint(term.Bold, heading))
	most := 0
	byTactic := map[string][]techniqueCount{}
	for _, c := range p.techniques {
		byTactic[c.tactic] = append(byTactic[c.tactic], c)
		most = max(most, c.tags)
	}
	for _, id := range p.tacticOrder(byTactic) {
		list := byTactic[id]
		fmt.Fprintf(b, "  %s\n", t.Paint(term.Yellow, term.Clean(tacticName(p.under, id))))
		slices.SortFunc(list, func(x, y techniqueCount) int {
			return cmp.Or(cmp.Compare(y.tags, x.tags), cmp.Compare(x.technique, y.technique))
		})
		shown := list
		if len(list) > perTactic+1 {
			shown = list[:perTactic]
		}
		for _, c := range shown {
			numbers := p.numbers(term.Count(c.tags), countOrNone(c.events, c.events), countOrNone(c.attackers, c.events), countOrNone(c.sessions, c.events))
			fmt.Fprintf(b, "    %-9s  %s %s  %s\n", term.Clean(c.technique), t.Fit(shortName(p.under, c.technique, names), names), numbers, meter(t, c.tags, most, bars))
		}
		if rest := list[len(shown):]; len(rest) > 0 {
			tags := 0
			for _, c := range rest {
				tags += c.tags
			}
			fmt.Fprintf(b, "    %-9s  %s %7s\n", "", t.Fit("and "+term.Plural(len(rest), "other", "others"), names), term.Count(tags))
		}
	}
}

// countOrNone shows a count of a technique. Tags of correlations alone are of no single
// event, and may name no session or attacker: what they do not say is not 0.
func countOrNone(n, events int) string {
	if n == 0 && events == 0 {
		return "-"
	}
	return term.Count(n)
}

// tacticOrder lists the tactics in the order of the matrix, and unknown ones after them.
func (p picture) tacticOrder(byTactic map[string][]techniqueCount) []string {
	var order, unknown []string
	for _, tactic := range p.under.Tactics() {
		if byTactic[tactic.ID] != nil {
			order = append(order, tactic.ID)
		}
	}
	for id := range byTactic {
		if !slices.Contains(order, id) {
			unknown = append(unknown, id)
		}
	}
	slices.Sort(unknown)
	return append(order, unknown...)
}

// meter draws a bar for a number's share of the greatest.
func meter(t term.Terminal, n, most, width int) string {
	full := "█"
	if !t.UTF8 {
		full = "#"
	}
	return t.Paint(term.Green, strings.Repeat(full, meterLen(n, most, width)))
}

func meterLen(n, most, width int) int { return min(width, max(1, n*width/max(most, 1))) }
