package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/story"
)

// attacker tells of an attacker.
func (p *storyPage) attacker(ctx context.Context, name string, a *story.Attacker, loose *looseTags, src *storySource) error {
	p.attackerHead(name, a)
	rows := a.Rows()
	first, last := len(rows), 0
	if n := p.o.limit; n > 0 && len(rows) > n {
		first, last = n-n/2, n/2
	}
	if err := p.rows(ctx, a, rows[:first], src); err != nil {
		return err
	}
	if left := rows[first : len(rows)-last]; len(left) > 0 {
		named, visits, events := 0, 0, 0
		for _, row := range left {
			for i := range row {
				if row[i].Unnamed {
					visits++
				} else {
					named++
				}
				events += int(row[i].Events)
			}
		}
		p.say("\n%s\n", p.dim(fmt.Sprintf("%s %s with %s between %s and %s: --limit 0 tells all", p.more(), sessionsAndVisits(named, visits),
			term.Plural(events, "event", "events"), term.Time(left[0][0].First), term.Time(left[len(left)-1][0].First))))
		if err := p.rows(ctx, a, rows[len(rows)-last:], src); err != nil {
			return err
		}
	}
	if a.Untold > 0 {
		p.say("\n%s\n", p.dim(fmt.Sprintf("%s and %s of later sessions: --since tells them", p.more(), term.Plural(a.Untold, "event", "events"))))
	}
	p.findings(loose)
	return nil
}

// sessionsAndVisits counts both, or the one that there is.
func sessionsAndVisits(named, visits int) string {
	switch {
	case visits == 0:
		return term.Plural(named, "session", "sessions")
	case named == 0:
		return term.Plural(visits, "visit", "visits")
	}
	return term.Plural(named, "session", "sessions") + " and " + term.Plural(visits, "visit", "visits")
}

func (p *storyPage) attackerHead(name string, a *story.Attacker) {
	if a.OfGroup {
		p.groupHead(name, a)
		return
	}
	p.say("%s\n", p.bold(p.fit("Attacker "+term.Clean(name)+besideAttacker[a.Actor.Mark], 0)))
	p.field("where", term.Clean(placeText(p.o.places.Of(a.Actor.IP))))
	var also []string
	for _, other := range append(slices.Clone(a.Names.Texts), a.Actor.UUID) {
		if other != "" && other != name {
			also = append(also, term.Clean(other))
		}
	}
	if a.Names.More {
		also = append(also, "and others")
	}
	p.field("also", strings.Join(also, ", "))
	if a.Events == 0 {
		p.field("seen", p.unseen())
	} else {
		p.field("seen", between(a.First, a.Last)+" UTC, "+duration(a.Last.Sub(a.First)))
	}
	sensors := term.Clean(strings.Join(a.Sensors.Texts, ", "))
	if a.Sensors.More {
		sensors += " and others"
	}
	p.field("sensors", sensors)
	did := term.Plural(a.Named, "session", "sessions") + ", " + term.Plural(a.Events, "event", "events")
	visits := ""
	if n := a.Visits(); n > 1 {
		visits = " in " + term.Plural(n, "visit", "visits")
	}
	switch {
	case a.Named == 0:
		did = term.Plural(a.Events, "event", "events") + " without a session" + visits
	case a.Unnamed > 0:
		did += " (" + term.Count(a.Unnamed) + " without a session" + visits + ")"
	}
	p.field("login", loginsText(&a.Logins, ""))
	s := story.Session{Events: a.Events, Kinds: a.Kinds}
	p.field("did", did+": "+didText(&s))
	p.field("tags", p.tagsText(&a.Tags))
}

// unseen says why there are tags and no events.
func (p *storyPage) unseen() string {
	if w := p.o.window; p.o.sensor != "" || !w.Since.IsZero() || !w.Until.IsZero() {
		return "no event matches --since, --until and --sensor, but tags do"
	}
	return "not known: the events are gone from the store, tags are left"
}

// groupHead stands above the findings about a group that names no attacker.
func (p *storyPage) groupHead(name string, a *story.Attacker) {
	p.say("%s\n", p.bold(p.fit("Group "+term.Clean(name), 0)))
	p.say("%s\n", "This is no attacker, but what events of several attackers share.")
	p.say("%s\n", "ttpcron explain --tag UUID lists the events; ttpcron tags --uuid shows UUIDs.")
	p.field("tags", p.tagsText(&a.Tags))
}

// batch is how many sessions are summed up at once.
const batch = 128

// rows shows sessions, or only counts those without a login.
func (p *storyPage) rows(ctx context.Context, a *story.Attacker, rows [][]story.SessionRef, src *storySource) error {
	for len(rows) > 0 {
		n := min(batch, len(rows))
		heads, err := p.heads(ctx, a, rows[:n], src)
		if err != nil {
			return err
		}
		for i, row := range rows[:n] {
			p.say("\n")
			if len(row) > 1 {
				p.quiet(row)
				continue
			}
			h := heads[i]
			if !p.o.full {
				p.short(h)
				continue
			}
			one := src.within(h.First, h.Last).of(h.ID, h.Sensor)
			if err := p.text(ctx, h, one); err != nil {
				return err
			}
		}
		rows = rows[n:]
	}
	return nil
}

// heads sums up the sessions of rows that are shown one by one.
func (p *storyPage) heads(ctx context.Context, a *story.Attacker, rows [][]story.SessionRef, src *storySource) ([]*head, error) {
	heads := make([]*head, len(rows))
	at := map[uint64][]int{}
	var first, last time.Time
	for i, row := range rows {
		if len(row) > 1 {
			continue
		}
		heads[i] = &head{}
		at[row[0].Key()] = append(at[row[0].Key()], i)
		if first.IsZero() || row[0].First.Before(first) {
			first = row[0].First
		}
		if row[0].Last.After(last) {
			last = row[0].Last
		}
	}
	if len(at) == 0 {
		return heads, nil
	}
	of := func(key uint64, when time.Time) *head {
		for _, i := range at[key] {
			if rows[i][0].Has(when) {
				return heads[i]
			}
		}
		return nil
	}
	part := src.within(first, last)
	tags := *part
	tags.q.Window = src.q.Window // findings begin before the session does
	for t, err := range tags.Tags(ctx, ttpcron.Window{Since: first.Add(-maxSlot), Until: last.Add(1)}) {
		if err != nil {
			return nil, err
		}
		if t.Seq == 0 && t.SessionID == "" {
			continue // such findings come after all sessions
		}
		if h := of(a.Key(t.DeckyID, t.SessionID), t.EventTime); h != nil {
			h.Tags.Add(t)
			if t.Seq == 0 {
				h.loose.add(t)
			} else if x := h.excerpt(t.SourceKind); x != nil {
				x.AddTag(t)
			}
		}
	}
	for e, err := range part.Events(ctx) {
		if err != nil {
			return nil, err
		}
		if h := of(a.Key(e.DeckyID, e.SessionID), e.Time); h != nil {
			h.Add(e, p.o.own)
			if x := h.excerpt(e.Kind); x != nil {
				x.Add(e.Seq, shortText(e))
			}
		}
	}
	return heads, nil
}

// maxSlot is how long before a session one of its findings may begin.
const maxSlot = 31 * 24 * time.Hour

// quiet counts sessions without a login.
func (p *storyPage) quiet(row []story.SessionRef) {
	tries, failed := 0, 0
	last := row[0].Last
	for i := range row {
		tries += int(row[i].Tries)
		failed += int(row[i].Failed)
		if row[i].Last.After(last) {
			last = row[i].Last
		}
	}
	text := term.Plural(tries, "try to log in", "tries to log in")
	switch {
	case tries == 0:
		text = "no try to log in"
	case failed == tries:
		text += ", none let in"
	default:
		text += ", whether one was let in is not recorded"
	}
	begin := between(row[0].First, last)
	for i, line := range wrapWords(term.Plural(len(row), "session", "sessions")+", "+text, p.width-2-len(begin)) {
		if i == 0 {
			p.say("%s  %s\n", p.bold(begin), line)
		} else {
			p.say("    %s\n", line)
		}
	}
}

// shortText is an event in a short story.
func shortText(e *ttpcron.Event) string {
	t := story.Tell(e)
	switch t.What {
	case story.Typed:
		return t.Text
	case story.Other:
		return string(t.What) + " " + t.Text
	}
	return shown[t.What] + aloneText(e, &t)
}

// aloneText is the text of an event that is told without details: with the host, the service
// or the port.
func aloneText(e *ttpcron.Event, t *story.Telling) string {
	switch t.What {
	case story.Web, story.Requested, story.Scanned:
		return e.Telling()
	}
	return t.Text
}

// short shows a session in a few lines.
func (p *storyPage) short(h *head) {
	name := "without a session"
	if h.ID != "" {
		name = "session " + term.Clean(h.ID)
	}
	if h.Sensor != "" {
		name += " on " + term.Clean(h.Sensor)
	}
	if took := lasted(&h.Session); took > 0 || h.ID != "" {
		name += ", " + duration(took)
	}
	p.say("%s  %s\n", p.bold(term.Time(h.First)), p.fit(name, 21))
	say := func(text string) {
		for _, line := range wrapWords(text, p.width-4) {
			p.say("    %s\n", line)
		}
	}
	if text := loginsText(&h.Logins, inSession); text != "" {
		say(text + "; " + didText(&h.Session))
	} else {
		say(didText(&h.Session))
	}
	p.excerpt(&h.commands, "$ ", term.Bold, "command", "commands")
	p.excerpt(&h.files, "", "", "file", "files")
	p.excerpt(&h.others, "", "", "event", "events")
	p.byLevel(&h.Tags)
}

// excerpt prints some events of a kind, and how many there are besides.
func (p *storyPage) excerpt(x *story.Excerpt, before, sgr, one, many string) {
	texts, more := x.Texts()
	for _, text := range texts {
		p.say("    %s%s\n", before, p.out.Term.Paint(sgr, p.fit(term.Clean(text), 4+len(before))))
	}
	if more > 0 {
		p.say("    %s\n", p.dim(p.more()+" and "+term.Plural(more, "more "+one, "more "+many)))
	}
}

// byLevel prints the techniques of a session with their confidence, those of the highest
// level first.
func (p *storyPage) byLevel(t *story.Techniques) {
	counts := slices.Clone(t.Counts)
	slices.SortFunc(counts, func(a, b story.TechniqueCount) int {
		return cmp.Or(cmp.Compare(a.Technique, b.Technique), cmp.Compare(b.Confidence, a.Confidence))
	})
	for _, level := range ttpcron.Levels() {
		var ids []string
		for _, c := range counts {
			if id := term.Clean(c.Technique); c.Highest.Rank() == level.Rank() && !slices.ContainsFunc(ids, func(s string) bool { return strings.HasPrefix(s, id+" ") }) {
				ids = append(ids, id+" "+confidence(c.Confidence))
			}
		}
		p.listed(p.level(level)+": ", term.Cells(level.String())+2, ids)
	}
}

// listed prints words between commas behind so many cells, and breaks lines between them.
func (p *storyPage) listed(before string, cells int, words []string) {
	for len(words) > 0 {
		n, line := 1, words[0]
		for n < len(words) && 4+cells+len(line)+len(", ")+len(words[n])+len(",") <= p.width {
			line += ", " + words[n]
			n++
		}
		if words = words[n:]; len(words) > 0 {
			line += ","
		}
		p.say("    %s%s\n", before, line)
		before = strings.Repeat(" ", cells)
	}
}

type attackerJSON struct {
	Type       string                     `json:"type"` // attacker
	IP         *term.Exact                `json:"attacker_ip"`
	UUID       *term.Exact                `json:"attacker_uuid"`
	Identity   *term.Exact                `json:"identity_uuid"`
	Mark       *ttpcron.Mark              `json:"attacker_mark"`
	First      *time.Time                 `json:"first_seen"` // null where only tags are left
	Last       *time.Time                 `json:"last_seen"`
	Sensors    []term.Exact               `json:"sensors"` // some of them
	Sessions   int                        `json:"sessions"`
	Events     int                        `json:"events"`
	Kinds      map[ttpcron.SourceKind]int `json:"events_by_kind"`
	Tried      int                        `json:"logins"`
	Failed     int                        `json:"logins_failed"`
	Worked     int                        `json:"logins_worked"`
	Tags       int                        `json:"tags"`
	Highest    string                     `json:"highest_level"` // empty without tags
	Techniques []techniqueCountJSON       `json:"techniques"`
	OfGroup    bool                       `json:"of_group"` // no attacker, but a group that correlations found something about
}

func attackerJSONOf(o *storyOptions, a *story.Attacker) attackerJSON {
	j := attackerJSON{
		Type: "attacker", IP: exactOrNull(a.Actor.IP), UUID: exactOrNull(a.Actor.UUID), Identity: exactOrNull(a.Actor.Identity), Mark: markOrNull(a.Actor.Mark),
		First: term.TimeOrNull(a.First), Last: term.TimeOrNull(a.Last), Sensors: exactly(a.Sensors.Texts), Sessions: a.Named, Events: a.Events, Kinds: a.Kinds,
		Tried: a.Logins.Tried, Failed: a.Logins.Failed, Worked: a.Logins.Worked, Tags: a.Tags.N, Techniques: techniquesJSON(o, &a.Tags), OfGroup: a.OfGroup,
	}
	if a.Tags.N > 0 {
		j.Highest = a.Tags.Highest.String()
	}
	return j
}
