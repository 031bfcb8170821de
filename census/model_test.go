package census

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
)

// modelGroup is a group with everything that was ever counted for it.
type modelGroup struct {
	Row
	arrived  []uint64 // of everything that says whether the group is new
	ofTags   []uint64
	lists    map[*List]map[string]int
	distinct map[*int]map[string]bool
	tagTimes []time.Time
	times    []time.Time
}

func (g *modelGroup) list(l *List, name string) {
	if g.lists[l] == nil {
		g.lists[l] = map[string]int{}
	}
	g.lists[l][name]++
}

func (g *modelGroup) mark(n *int, name string) {
	if g.distinct[n] == nil {
		g.distinct[n] = map[string]bool{}
	}
	g.distinct[n][name] = true
}

// model counts as a census does, in the plainest way.
func model(h *history, q Query, by By, upTo uint64) []*Row {
	groups := map[string]*modelGroup{}
	of := func(names []string) *modelGroup {
		key := strings.Join(names, "|")
		if groups[key] == nil {
			g := &modelGroup{lists: map[*List]map[string]int{}, distinct: map[*int]map[string]bool{}}
			for _, s := range names {
				g.Name = append(g.Name, bounded(s))
			}
			groups[key] = g
		}
		return groups[key]
	}
	q.Tags.UpTo = upTo
	for i := range h.events {
		e := &h.events[i]
		who, _ := e.Attacker()
		who = cmp.Or(who, e.IdentityUUID)
		names := modelNames(by, q, e)
		untimed := q.Tags
		untimed.Window, untimed.ArrivedAfter = ttpcron.Window{}, 0
		as := ttpcron.Tag{AttackerUUID: who, AttackerIP: e.AttackerIP, IdentityUUID: e.IdentityUUID, SessionID: e.SessionID, DeckyID: e.DeckyID, Seq: e.Seq, EventTime: e.Time}
		if names == nil || !untimed.MatchEvent(&as) || q.Keep != nil && !q.Keep(e.AttackerIP) {
			continue
		}
		g := of(names)
		if selected := q.Tags.MatchEvent(&as); selected || !q.NewSince.IsZero() {
			if g.arrived = append(g.arrived, e.Seq); !selected {
				continue
			}
		} else {
			continue
		}
		g.event(by, e, who)
		if by.joined() && (q.Tagged || by == Files) {
			for k := range h.tags {
				if t := &h.tags[k]; t.Seq == e.Seq && q.Tags.Match(t) {
					g.tag(t)
				}
			}
		}
	}
	for i := range h.tags {
		t := &h.tags[i]
		if by.joined() || q.Keep != nil && !q.Keep(t.AttackerIP) {
			continue
		}
		modelTag(q, by, t, of)
	}
	var rows []*Row
	for _, g := range groups {
		if g.end(q, by) {
			rows = append(rows, &g.Row)
		}
	}
	return rows
}

func modelTag(q Query, by By, t *ttpcron.Tag, of func([]string) *modelGroup) {
	names := map[By][]string{Whole: {}, Attackers: {cmp.Or(t.AttackerUUID, t.IdentityUUID)}, Places: {q.Place(t.AttackerIP)}, Sessions: {t.SessionID, t.DeckyID}, Techniques: {t.Tactic, t.TechniqueID}, Sensors: {t.DeckyID}}[by]
	if t.OfGroup() && (by == Attackers || by == Places) || by == Sessions && t.SessionID == "" || by == Sensors && t.DeckyID == "" && t.SourceKind == ttpcron.Correlation {
		return
	}
	untimed := q.Tags
	untimed.Window, untimed.ArrivedAfter = ttpcron.Window{}, 0
	seq := t.Seq
	if t.SourceKind == ttpcron.Correlation && !t.CreatedAt.Before(q.NewSince) {
		seq = 1 << 63
	}
	if by == Techniques && !q.NewSince.IsZero() && untimed.Match(t) {
		of(names).ofTags = append(of(names).ofTags, seq)
	}
	if !q.Tags.Match(t) {
		return
	}
	g := of(names)
	g.ofTags = append(g.ofTags, seq)
	g.tag(t)
	if by == Techniques || by == Whole {
		g.list(&g.Rules, t.RuleID)
		if t.SourceKind != ttpcron.Correlation {
			g.mark(&g.Tagged, string(t.SourceKind)+t.SourceID)
		}
	}
	if by == Techniques || t.Seq == 0 {
		who := cmp.Or(t.AttackerUUID, t.IdentityUUID)
		if t.OfGroup() {
			who = "-"
		}
		g.around(by, who, t.AttackerIP, t.DeckyID, t.SessionID)
	}
}

func modelNames(by By, q Query, e *ttpcron.Event) []string {
	who, _ := e.Attacker()
	user, _ := e.Payload.Text("username")
	password, hasPassword := e.Payload.Text("password")
	key, hasKey := e.Payload.Text("key_fingerprint")
	login := e.Kind == ttpcron.AuthAttempt
	switch {
	case by == Whole:
		return []string{}
	case by == Attackers:
		return []string{cmp.Or(who, e.IdentityUUID)}
	case by == Places:
		return []string{q.Place(e.AttackerIP)}
	case by == Sessions && e.SessionID != "":
		return []string{e.SessionID, e.DeckyID}
	case by == Sensors:
		return []string{e.DeckyID}
	case by == Credentials && login:
		lacks := ""
		if _, has := e.Payload.Text("username"); !has {
			lacks = "u"
		}
		switch {
		case !hasPassword && hasKey && key != "":
			lacks += "k"
		case !hasPassword:
			lacks += "p"
		}
		return []string{user, password, lacks}
	case by == Users && login:
		return []string{user}
	case by == Passwords && login && hasPassword:
		return []string{password}
	case by == Keys && login && hasKey:
		return []string{key}
	case by == Files && e.Kind == ttpcron.FileTransfer:
		if sum, has := e.Payload.Text("sha256"); has {
			return []string{strings.ToLower(sum), ""}
		}
		return []string{"", path(e)}
	}
	return nil
}

func (g *modelGroup) event(by By, e *ttpcron.Event, who string) {
	g.Events++
	g.list(&g.Kinds, string(e.Kind))
	g.times = append(g.times, e.Time)
	switch e.Kind {
	case ttpcron.Command:
		g.Commands++
	case ttpcron.AuthAttempt:
		if g.Logins++; e.Payload.Value("success") == true {
			if g.Won++; by == Sessions {
				g.list(&g.Logged, bounded(e.Telling()))
			}
		}
	case ttpcron.FileTransfer:
		if g.Files++; by == Files {
			g.list(&g.Paths, path(e))
			g.list(&g.Directions, "")
			if n, ok := e.Payload.Value("size").(float64); ok && n > 0 {
				g.Size = max(g.Size, uint64(n))
			}
		}
	case ttpcron.SessionFact:
		if fact, _ := e.Payload.Text("fact"); fact == "closed" && by == Sessions {
			g.Ended, g.Lasted = true, 1500*time.Millisecond
		}
	}
	g.around(by, who, e.AttackerIP, e.DeckyID, e.SessionID)
}

func (g *modelGroup) around(by By, who, address, sensor, session string) {
	nobody := who == "-"
	if by != Attackers && by != Sessions && !nobody {
		g.mark(&g.Attackers, who)
	}
	if by != Sessions && by != Sensors && sensor != "" {
		g.list(&g.Sensors, sensor)
	}
	if by != Sessions && session != "" {
		g.mark(&g.Sessions, sensor+"|"+session)
	}
	if (by == Attackers || by == Sessions) && !nobody {
		g.list(&g.Addresses, cmp.Or(address, who))
	}
}

func (g *modelGroup) tag(t *ttpcron.Tag) {
	g.Tags++
	g.list(&g.Techniques, t.TechniqueID)
	g.tagTimes = append(g.tagTimes, t.EventTime)
	level, _ := ttpcron.ParseLevel(t.Level.String())
	g.Level = max(g.Level, level)
}

// end finishes the row, and reports whether it is one.
func (g *modelGroup) end(q Query, by By) bool {
	for l, names := range g.lists {
		for _, name := range sortedNames(names) {
			l.add(name, uint64(names[name]))
		}
	}
	for n, names := range g.distinct {
		*n = len(names)
	}
	times := g.times
	if len(times) == 0 {
		times, g.arrived = g.tagTimes, append(g.arrived, g.ofTags...)
	}
	if len(times) == 0 || q.Tagged && g.Tags == 0 {
		return false
	}
	g.First, g.Last = slices.MinFunc(times, time.Time.Compare), slices.MaxFunc(times, time.Time.Compare)
	g.Arrived = slices.Min(g.arrived)
	if !q.NewSince.IsZero() && g.Arrived <= q.NewAfter {
		return false
	}
	if g.Arrived == 1<<63 {
		g.Arrived = 0
	}
	return true
}

func sortedNames(m map[string]int) []string {
	var names []string
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

func sortModel(rows []*Row, o Order) {
	slices.SortFunc(rows, func(a, b *Row) int {
		var c int
		if o.By.text != nil {
			c = strings.Compare(o.By.text(a), o.By.text(b))
		} else {
			c = cmp.Compare(o.By.number(b), o.By.number(a))
		}
		if o.Reverse {
			c = -c
		}
		return cmp.Or(c, cmp.Compare(max(b.Events, b.Tagged), max(a.Events, a.Tagged)), slices.Compare(a.Name, b.Name))
	})
}
