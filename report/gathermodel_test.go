package report

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

// model counts as a gatherer does, in the plainest way.
type model struct {
	o      Options
	events []*ttpcron.Event // that are counted
	others []*ttpcron.Event // that only say what is old
	tags   []*ttpcron.Tag
	olds   []*ttpcron.Tag // the same of tags
}

func newModel(h *history, o Options) *model {
	m := &model{o: o}
	q := o.Query
	untimed := q
	untimed.Window, untimed.ArrivedAfter, untimed.FoundSince = ttpcron.Window{}, 0, time.Time{}
	for i := range h.events {
		e := &h.events[i]
		who, _ := e.Attacker()
		as := ttpcron.Tag{AttackerUUID: who, AttackerIP: e.AttackerIP, IdentityUUID: e.IdentityUUID, SessionID: e.SessionID, DeckyID: e.DeckyID, Seq: e.Seq, EventTime: e.Time}
		timed := q
		timed.FoundSince = time.Time{}
		switch {
		case timed.MatchEvent(&as):
			m.events = append(m.events, e)
		case untimed.MatchEvent(&as):
			m.others = append(m.others, e)
		}
	}
	for i := range h.tags {
		switch t := &h.tags[i]; {
		case q.Match(t):
			m.tags = append(m.tags, t)
		case untimed.Match(t):
			m.olds = append(m.olds, t)
		}
	}
	return m
}

func whoOf(e *ttpcron.Event) string {
	who, _ := e.Attacker()
	return cmp.Or(who, e.IdentityUUID)
}

func whoOfTag(t *ttpcron.Tag) string {
	if t.OfGroup() {
		return "-"
	}
	return cmp.Or(t.AttackerUUID, t.IdentityUUID)
}

// some are the events and tags of a group.
type some struct {
	events, others []*ttpcron.Event
	tags, olds     []*ttpcron.Tag
}

// of gives the groups by a name that events and tags have; "-" is none.
func (m *model) of(event func(*ttpcron.Event) string, tag func(*ttpcron.Tag) string) map[string]*some {
	groups := map[string]*some{}
	at := func(name string) *some {
		if groups[name] == nil {
			groups[name] = &some{}
		}
		return groups[name]
	}
	for i, list := range [][]*ttpcron.Event{m.events, m.others} {
		for _, e := range list {
			if name := event(e); name != "-" {
				p := [...]*[]*ttpcron.Event{&at(name).events, &at(name).others}[i]
				*p = append(*p, e)
			}
		}
	}
	for i, list := range [][]*ttpcron.Tag{m.tags, m.olds} {
		for _, t := range list {
			if name := tag(t); name != "-" {
				p := [...]*[]*ttpcron.Tag{&at(name).tags, &at(name).olds}[i]
				*p = append(*p, t)
			}
		}
	}
	for name, s := range groups {
		if len(s.events)+len(s.tags) == 0 {
			delete(groups, name)
		}
	}
	return groups
}

func noTags(*ttpcron.Tag) string     { return "-" }
func noEvents(*ttpcron.Event) string { return "-" }

func distinct[T any](list []T, of func(T) string) map[string]bool {
	all := map[string]bool{}
	for _, x := range list {
		if name := of(x); name != "-" {
			all[name] = true
		}
	}
	return all
}

// around is how many different values events have, and tags without events.
func (s *some) around(event func(*ttpcron.Event) string, tag func(*ttpcron.Tag) string) map[string]bool {
	all := distinct(s.events, event)
	for _, t := range s.tags {
		if name := tag(t); t.Seq == 0 && name != "-" {
			all[name] = true
		}
	}
	return all
}

func sessionOf(session, sensor string) string {
	if session == "" {
		return "-"
	}
	return session + "|" + sensor
}

func sessionOfEvent(e *ttpcron.Event) string { return sessionOf(e.SessionID, e.DeckyID) }
func sessionOfTag(t *ttpcron.Tag) string     { return sessionOf(t.SessionID, t.DeckyID) }
func sensorOfEvent(e *ttpcron.Event) string  { return e.DeckyID }

func sensorOfTag(t *ttpcron.Tag) string {
	if t.DeckyID == "" && t.SourceKind == ttpcron.Correlation {
		return "-"
	}
	return t.DeckyID
}

func techniqueOfTag(t *ttpcron.Tag) string { return t.Tactic + " " + t.Technique() }

func (s *some) kind(kinds ...ttpcron.SourceKind) (n int) {
	for _, e := range s.events {
		if slices.Contains(kinds, e.Kind) {
			n++
		}
	}
	return n
}

func (s *some) won() (n int) {
	for _, e := range s.events {
		if e.Kind == ttpcron.AuthAttempt && e.Payload.Value("success") == true {
			n++
		}
	}
	return n
}

// told is the first and the last time: of events, or else of tags.
func (s *some) told() (first, last time.Time) {
	var times []time.Time
	for _, e := range s.events {
		times = append(times, e.Time)
	}
	if len(times) == 0 {
		return s.toldByTags()
	}
	return slices.MinFunc(times, time.Time.Compare), slices.MaxFunc(times, time.Time.Compare)
}

func (s *some) toldByTags() (first, last time.Time) {
	if len(s.tags) == 0 {
		return first, last
	}
	byTime := func(a, b *ttpcron.Tag) int { return a.EventTime.Compare(b.EventTime) }
	return slices.MinFunc(s.tags, byTime).EventTime, slices.MaxFunc(s.tags, byTime).EventTime
}

func (s *some) level() (l ttpcron.Level) {
	for _, t := range s.tags {
		l = max(l, ttpcron.Level(levelOf(t)))
	}
	return l
}

// isNew reports whether nothing of it had arrived before.
func (m *model) isNew(s *some) bool {
	if m.o.NewSince.IsZero() {
		return false
	}
	for _, e := range append(slices.Clone(s.events), s.others...) {
		if e.Seq <= m.o.NewAfter {
			return false
		}
	}
	if len(s.events) == 0 {
		return m.areNew(s.tags)
	}
	return true
}

func (m *model) areNew(tags []*ttpcron.Tag) bool {
	for _, t := range tags {
		if t.Seq > m.o.NewAfter || t.SourceKind == ttpcron.Correlation && !t.CreatedAt.Before(m.o.NewSince) {
			continue
		}
		return false
	}
	return !m.o.NewSince.IsZero()
}

// picked are the names that a list of indices refers to.
func picked[T any](list []T, at []int, name func(T) string) map[string]bool {
	all := map[string]bool{}
	for _, i := range at {
		all[name(list[i])] = true
	}
	return all
}

// checker compares what a report says with a model.
type checker struct {
	*testing.T
	r *Report
	m *model
}

func (c *checker) same(what string, got, want any) {
	c.Helper()
	if !reflect.DeepEqual(got, want) {
		c.Errorf("%s: %v, want %v", what, got, want)
	}
}

func (c *checker) seen(what string, got *Seen, s *some, sensors map[string]bool, isNew bool) {
	c.Helper()
	first, last := s.told()
	c.same(what+" first", got.First, first)
	c.same(what+" last", got.Last, last)
	c.same(what+" level", got.Level, s.level())
	c.same(what+" new", got.New, isNew)
	c.same(what+" sensors", picked(c.r.Sensors, got.Sensors, func(s *Sensor) string { return s.Name }), sensors)
	c.same(what+" techniques", picked(c.r.Techniques, got.Techniques, func(t *Technique) string { return t.Tactic + " " + t.ID }), distinct(s.tags, techniqueOfTag))
	if got.Attacker != 0 && (got.Attacker < 0 || got.Attacker >= len(c.r.Cube.Attackers)) {
		c.Errorf("%s: attacker %d of %d", what, got.Attacker, len(c.r.Cube.Attackers))
	}
}

func (c *checker) whole() {
	m, r := c.m, c.r
	all := &some{events: m.events, tags: m.tags}
	tagged := map[string]bool{}
	ids := map[string]bool{}
	for _, t := range m.tags {
		ids[t.Technique()] = true
		if t.SourceKind != ttpcron.Correlation {
			tagged[string(t.SourceKind)+" "+t.SourceID] = true
		}
	}
	attackers := len(m.of(whoOf, whoOfTag))
	sensors := m.of(sensorOfEvent, sensorOfTag)
	delete(sensors, "")
	want := Total{Events: len(m.events), Tags: len(m.tags), Tagged: len(tagged), Attackers: attackers, TaggedAttackers: len(distinct(m.tags, whoOfTag)), Sessions: len(all.around(sessionOfEvent, sessionOfTag)),
		Sensors: len(sensors), Techniques: len(ids), Level: all.level(), LoginsTried: all.kind(ttpcron.AuthAttempt), LoginsWon: all.won(), Files: all.kind(ttpcron.FileTransfer)}
	c.same("total", r.Total, want)
	first, last := all.told()
	c.same("first", r.First, first)
	c.same("last", r.Last, last)
	kinds := map[string]int{}
	for _, e := range m.events {
		kinds[string(e.Kind)]++
	}
	c.same("kinds", r.Kinds, named(kinds))
	c.same("notes", len(r.Notes), 0)
}

func (c *checker) techniques() {
	groups := c.m.of(noEvents, techniqueOfTag)
	c.same("techniques", len(c.r.Techniques), len(groups))
	news := 0
	for _, row := range c.r.Techniques {
		what := row.Tactic + " " + row.ID
		s := groups[what]
		if s == nil {
			c.Errorf("%s is not there", what)
			continue
		}
		isNew := c.m.areNew(append(slices.Clone(s.tags), s.olds...))
		c.seen(what, &row.Seen, s, distinct(s.tags, sensorOfTag), isNew)
		if isNew {
			news++
		}
		rules, events, levels := map[string]int{}, map[string]bool{}, [6]int{}
		var highest []*ttpcron.Tag
		for _, t := range s.tags {
			if levelOf(t) == uint8(s.level()) {
				highest = append(highest, t)
			}
			rules[t.RuleID]++
			levels[levelOf(t)]++
			if t.SourceKind != ttpcron.Correlation {
				events[t.SourceID] = true
			}
		}
		c.same(what+" counts", []int{row.Tags, row.Events, row.Attackers, row.Sessions, row.RuleCount}, []int{len(s.tags), len(events), len(distinct(s.tags, whoOfTag)), len(distinct(s.tags, sessionOfTag)), len(rules)})
		c.same(what+" levels", row.Levels, levels)
		c.same(what+" reached", row.Reached, len(distinct(highest, whoOfTag)))
		c.same(what+" rules", row.Rules, named(rules))
		c.evidence(what, row, s)
	}
	if !c.m.o.NewSince.IsZero() {
		c.same("new techniques", c.r.New.Techniques.Total, news)
	}
}

// The evidence must be of the technique, of the highest level, and of several attackers if
// it has room.
func (c *checker) evidence(what string, row *Technique, s *some) {
	levels := 0
	for _, e := range row.Evidence {
		i := slices.IndexFunc(s.tags, func(t *ttpcron.Tag) bool {
			return t.UUID() == e.Tag.UUID() && t.EventTime.Equal(e.Tag.EventTime) && t.Seq == e.Tag.Seq
		})
		if i < 0 {
			c.Errorf("%s: evidence %+v is no tag of it", what, e.Tag)
		}
		if ttpcron.Level(levelOf(&e.Tag)) == s.level() {
			levels++
		}
	}
	ofLevel := map[string]bool{}
	for _, t := range s.tags {
		if ttpcron.Level(levelOf(t)) == s.level() {
			ofLevel[string(t.SourceKind)+t.SourceID] = true
		}
	}
	if want := min(len(ofLevel), mostEvidence); levels < want {
		c.Errorf("%s: %d of the highest level as evidence, want %d", what, levels, want)
	}
}

func (c *checker) rules() {
	groups := c.m.of(noEvents, func(t *ttpcron.Tag) string { return t.RuleID })
	c.same("rules", []int{len(c.r.Rules.Rows), c.r.Rules.Total}, []int{len(groups), len(groups)})
	for _, row := range c.r.Rules.Rows {
		s := groups[row.ID]
		c.seen(row.ID, &row.Seen, s, distinct(s.tags, sensorOfTag), c.m.areNew(append(slices.Clone(s.tags), s.olds...)))
		events := map[string]bool{}
		for _, t := range s.tags {
			if t.SourceKind != ttpcron.Correlation {
				events[t.SourceID] = true
			}
		}
		c.same(row.ID, []int{row.Tags, row.Events, row.Attackers, row.Sessions}, []int{len(s.tags), len(events), len(distinct(s.tags, whoOfTag)), len(distinct(s.tags, sessionOfTag))})
	}
}

func (c *checker) attackers() {
	groups := c.m.of(whoOf, whoOfTag)
	if c.m.o.Tagged {
		maps.DeleteFunc(groups, func(_ string, s *some) bool { return len(s.tags) == 0 })
	}
	c.same("attackers", []int{len(c.r.Attackers.Rows), c.r.Attackers.Total}, []int{len(groups), len(groups)})
	news := 0
	for i, row := range c.r.Attackers.Rows {
		s := groups[row.UUID]
		if s == nil {
			c.Errorf("no attacker %s", row.UUID)
			continue
		}
		if c.m.isNew(s) {
			news++
		}
		if i > 0 {
			if before := c.r.Attackers.Rows[i-1]; before.Tags < row.Tags || before.Tags == row.Tags && before.Events < row.Events {
				c.Errorf("attacker %d comes too late", i)
			}
		}
		c.seen(row.UUID, &row.Seen, s, s.around(sensorOfEvent, sensorOfTag), c.m.isNew(s))
		c.same(row.UUID, []int{row.Events, row.Tags, row.Sessions, row.Commands, row.Requests, row.Logins, row.Won, row.Files, row.Canaries, row.Tactics},
			[]int{len(s.events), len(s.tags), len(s.around(sessionOfEvent, sessionOfTag)), s.kind(ttpcron.Command), s.kind(ttpcron.HTTPRequest) + s.kind(ttpcron.ServiceRequest), s.kind(ttpcron.AuthAttempt), s.won(), s.kind(ttpcron.FileTransfer), s.kind(ttpcron.CanaryFingerprint),
				len(distinct(s.tags, func(t *ttpcron.Tag) string { return t.Tactic }))})
		c.cubeHas(row, s)
	}
	if !c.m.o.NewSince.IsZero() {
		c.same("new attackers", c.r.New.Attackers.Total, news)
	}
}

// cubeHas compares an attacker's counts in the cube.
func (c *checker) cubeHas(row *Attacker, s *some) {
	if len(s.tags) > 0 && row.Seen.Attacker == 0 {
		c.Errorf("%s is not told apart in the cube", row.UUID)
	}
	if row.Seen.Attacker == 0 {
		return
	}
	tags := 0
	for _, cell := range c.r.Cube.Cells {
		if cell.Attacker == row.Seen.Attacker {
			tags += cell.Tags
		}
	}
	c.same(row.UUID+" in the cube", tags, len(s.tags))
	c.same(row.UUID+" is called", c.r.Cube.Attackers[row.Seen.Attacker], cmp.Or(row.Address, row.UUID))
}

func (c *checker) sensors() {
	groups := c.m.of(sensorOfEvent, sensorOfTag)
	c.same("sensors", len(c.r.Sensors), len(groups))
	for _, row := range c.r.Sensors {
		s := groups[row.Name]
		c.seen("sensor "+row.Name, &row.Seen, s, map[string]bool{row.Name: true}, c.m.isNew(s))
		c.same("sensor "+row.Name, []int{row.Events, row.Tags, row.Attackers, row.Sessions}, []int{len(s.events), len(s.tags), len(s.around(whoOf, whoOfTag)), len(s.around(sessionOfEvent, sessionOfTag))})
	}
}

func (c *checker) sessions() {
	groups := c.m.of(sessionOfEvent, sessionOfTag)
	like := map[string]int{}
	set := func(s *some) string {
		return fmt.Sprint(distinct(s.tags, techniqueOfTag))
	}
	for _, s := range groups {
		if len(s.tags) > 0 {
			like[set(s)]++
		}
	}
	want, first := 0, 0
	for _, n := range like {
		want, first = want+n, first+min(n, mostLike)
	}
	c.same("sessions", len(c.r.Sessions.Rows), want)
	if c.m.o.Tagged {
		maps.DeleteFunc(groups, func(_ string, s *some) bool { return len(s.tags) == 0 })
		c.same("all tagged sessions", c.r.Sessions.Total, len(groups))
	}
	listed := map[string]int{}
	for i, row := range c.r.Sessions.Rows {
		s := groups[sessionOf(row.ID, row.Sensor)]
		if listed[set(s)]++; listed[set(s)] > mostLike && i < first {
			c.Errorf("session %d: a third one with the same techniques comes before all others", i)
		}
		sensors := map[string]bool{}
		if slices.ContainsFunc(c.r.Sensors, func(s *Sensor) bool { return s.Name == row.Sensor }) {
			sensors[row.Sensor] = true
		}
		what := "session " + row.ID + " " + row.Sensor
		c.seen(what, &row.Seen, s, sensors, c.m.isNew(s))
		c.same(what, []int{row.Events, row.Commands, row.Tries, row.Won, row.Files, row.Tags, row.Like, row.Tactics},
			[]int{len(s.events), s.kind(ttpcron.Command), s.kind(ttpcron.AuthAttempt), s.won(), s.kind(ttpcron.FileTransfer), len(s.tags), like[set(s)] - 1,
				len(distinct(s.tags, func(t *ttpcron.Tag) string { return t.Tactic }))})
	}
}

// credentialName distinguishes rows of credentials.
func credentialName(c *Credential) string {
	return fmt.Sprint(c.User, "|", c.Password, c.NoUser, c.NoPassword, c.OnlyKey)
}

func (c *checker) credentials() {
	name := func(e *ttpcron.Event) string {
		user, hasUser := e.Payload.Text("username")
		password, has := e.Payload.Text("password")
		key, _ := e.Payload.Text("key_fingerprint")
		switch {
		case e.Kind != ttpcron.AuthAttempt:
			return "-"
		case c.m.o.WithPasswords:
			return credentialName(&Credential{User: bounded(user), Password: bounded(password), NoUser: !hasUser, NoPassword: !has, OnlyKey: !has && key != ""})
		}
		return credentialName(&Credential{User: bounded(user), NoUser: !hasUser})
	}
	groups := c.m.of(name, noTags)
	c.same("credentials", []int{len(c.r.Credentials.Rows), c.r.Credentials.Total}, []int{len(groups), len(groups)})
	for _, row := range c.r.Credentials.Rows {
		s := groups[credentialName(row)]
		what := "login " + credentialName(row)
		if s == nil {
			c.Errorf("no %s", what)
			continue
		}
		c.seen(what, &row.Seen, s, distinct(s.events, sensorOfEvent), c.m.isNew(s))
		passwords := 0
		if !c.m.o.WithPasswords {
			passwords = len(distinct(s.events, func(e *ttpcron.Event) string {
				if password, has := e.Payload.Text("password"); has {
					return password
				}
				return "-"
			}))
		}
		c.same(what, []int{row.Tries, row.Won, row.Attackers, row.Passwords}, []int{len(s.events), s.won(), len(distinct(s.events, whoOf)), passwords})
	}
}

func (c *checker) files() {
	groups := c.m.of(func(e *ttpcron.Event) string {
		if e.Kind != ttpcron.FileTransfer {
			return "-"
		}
		sum, at := fileSum(e)
		return sum + "|" + bounded(at)
	}, noTags)
	c.same("files", []int{len(c.r.Files.Rows), c.r.Files.Total}, []int{len(groups), len(groups)})
	for _, row := range c.r.Files.Rows {
		s := groups[row.SHA256+"|"]
		if row.SHA256 == "" {
			s = groups["|"+row.Path]
		}
		what := "file " + row.SHA256 + " " + row.Path
		for _, e := range s.events {
			for _, t := range c.m.tags {
				if t.Seq == e.Seq {
					s.tags = append(s.tags, t)
				}
			}
		}
		c.seen(what, &row.Seen, s, distinct(s.events, sensorOfEvent), c.m.isNew(&some{events: s.events, others: s.others}))
		paths, directions, size := map[string]int{}, map[string]int{}, uint64(0)
		for _, e := range s.events {
			paths[bounded(path(e))]++
			direction, _ := e.Payload.Said("direction")
			directions[direction]++
			size = max(size, numberOf(e, "size"))
		}
		c.same(what, []any{row.Path, row.Direction, row.Size, row.Times, row.Attackers}, []any{named(paths)[0].Name, named(directions)[0].Name, size, len(s.events), len(distinct(s.events, whoOf))})
	}
}

func (c *checker) canaries() {
	s := &some{events: c.m.events}
	n := s.kind(ttpcron.CanaryFingerprint)
	c.same("canaries", []int{len(c.r.Canaries.Rows), c.r.Canaries.Total}, []int{min(n, mostCanaries), n})
	if !c.m.o.WithPasswords {
		for _, row := range c.r.Canaries.Rows {
			if strings.Contains(row.Text, "hunter2") {
				c.Errorf("password in %q", row.Text)
			}
		}
	}
}

func (c *checker) cube() {
	want := map[Cell]int{}
	hours := map[Hour]int{}
	at := func(list []*Sensor, name string) int {
		return slices.IndexFunc(list, func(s *Sensor) bool { return s.Name == name })
	}
	for _, t := range c.m.tags {
		k := Cell{Day: int(ttpcron.DayOf(t.EventTime) - ttpcron.DayOf(c.r.DaysFrom)), Sensor: -1, Level: int(levelOf(t)),
			Technique: slices.IndexFunc(c.r.Techniques, func(x *Technique) bool { return x.Tactic == t.Tactic && x.ID == t.Technique() })}
		if name := sensorOfTag(t); name != "-" {
			k.Sensor = at(c.r.Sensors, name)
		}
		want[k]++
		h := Hour{Hour: (int(t.EventTime.Weekday())+6)%7*24 + t.EventTime.Hour(), Sensor: k.Sensor, Level: k.Level}
		if t.Tactic == "TA9" {
			h.Tactic = -1
		} else {
			for i, x := range c.m.o.Under.Tactics() {
				if x.ID == t.Tactic {
					h.Tactic = i
				}
			}
		}
		hours[h]++
	}
	got := map[Cell]int{}
	for _, k := range c.r.Cube.Cells {
		n := k.Tags
		k.Tags, k.Attacker = 0, 0
		got[k] += n
	}
	c.same("cells", got, want)
	gotHours := map[Hour]int{}
	for _, h := range c.r.Cube.Hours {
		n := h.Tags
		h.Tags = 0
		gotHours[h] += n
	}
	c.same("hours", gotHours, hours)
	if c.r.Cube.DayStep != 1 || c.r.Cube.Left != 0 || c.r.Cube.Sensorless {
		c.Errorf("cube of %d days, %d left", c.r.Cube.DayStep, c.r.Cube.Left)
	}
	days := make([]Day, len(c.r.Days))
	for _, e := range c.m.events {
		days[ttpcron.DayOf(e.Time)-ttpcron.DayOf(c.r.DaysFrom)].Events++
	}
	for _, t := range c.m.tags {
		days[ttpcron.DayOf(t.EventTime)-ttpcron.DayOf(c.r.DaysFrom)].Tags[levelOf(t)]++
	}
	c.same("days", append([]Day{}, c.r.Days...), days)
}

// A report equals that of a model that keeps everything.
func TestModel(t *testing.T) {
	for seed := range uint64(120) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			n := 1 + r.IntN(300)
			h, o := randomHistory(r, n), randomOptions(r, n)
			g := New(o)
			h.show(g)
			c := &checker{t, g.Report(), newModel(h, g.o)}
			c.whole()
			c.techniques()
			c.rules()
			c.attackers()
			c.sensors()
			c.sessions()
			c.credentials()
			c.files()
			c.canaries()
			c.cube()
		})
	}
}
