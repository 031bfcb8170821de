package report

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ttpcron/ttpcron"
)

// mostNew is the length of a list of what is new; mostRules is how many rules of a
// technique are named.
const (
	mostNew   = 50
	mostRules = 8
)

// ofTechniques fills in the techniques.
func (j *joiner) ofTechniques() {
	t := j.t
	attackers, sessions := t.countActors(), t.countSessions()
	spans, sensors := make([]span, len(t.techniques)), make([][]int, len(t.techniques))
	rules, samples := make([]map[string]int, len(t.techniques)), make([][]*sample, len(t.techniques))
	for i := range spans {
		spans[i], rules[i] = never, map[string]int{}
	}
	for i := range t.claims {
		c := &t.claims[i]
		at := j.techniqueAt[c.technique]
		if at < 0 || c.tags == 0 {
			continue
		}
		row := j.r.Techniques[at]
		row.Level = max(row.Level, ttpcron.Level(c.level))
		row.Levels[c.level] += c.tags
		spans[c.technique].add(c.span)
		rules[c.technique][t.rules[c.rule].id] += c.tags
		sensors[c.technique] = append(sensors[c.technique], j.sensorsOf(nil, &c.sensors)...)
		samples[c.technique] = append(samples[c.technique], c.samples...)
	}
	for i := range t.techniques {
		at := j.techniqueAt[i]
		if at < 0 {
			continue
		}
		row := j.r.Techniques[at]
		row.First, row.Last = spans[i].times()
		slices.Sort(sensors[i])
		row.Seen.Sensors = slices.Compact(sensors[i])
		row.Techniques = []int{at}
		row.Attackers, row.Sessions = max(attackers.techniques[i], t.techniques[i].attackers), max(sessions.techniques[i], t.techniques[i].sessions)
		row.Reached = max(attackers.reached[i][row.Level], t.techniques[i].reached[row.Level])
		row.Rules, row.RuleCount = named(rules[i]), len(rules[i])
		row.Rules = row.Rules[:min(len(row.Rules), mostRules)]
		for _, e := range t.evidence(samples[i]) {
			row.Evidence = append(row.Evidence, &Evidence{Tag: e.tag, Attacker: j.placeOf(e.actor)})
		}
	}
	if !j.o.asksNew() {
		return
	}
	n := &j.r.New.Techniques
	n.By, n.Command = "with the most tags", j.newSince("techniques")
	for _, row := range j.r.Techniques {
		if row.New {
			n.Rows = append(n.Rows, row)
		}
	}
	slices.SortStableFunc(n.Rows, func(a, b *Technique) int { return cmp.Compare(b.Tags, a.Tags) })
	n.Total = len(n.Rows)
	n.Rows = n.Rows[:min(n.Total, mostNew)]
}

// placeOf is an attacker's place in the cube, by the number on the side of tags.
func (j *joiner) placeOf(actor uint32) int {
	if actor == gone {
		return 0
	}
	return int(j.t.actors.at(actor).place)
}

// placeOfHash is placeOf by the hash of who it is.
func (j *joiner) placeOfHash(who uint64) int { return j.placeOf(j.t.actors.find(who)) }

// ofSensors fills in the sensors.
func (j *joiner) ofSensors() {
	e, t, rows := j.e, j.t, j.r.Sensors
	spans, old := make([]span, len(rows)), make([]bool, len(rows))
	for i, row := range rows {
		spans[i], row.Seen.Sensors = never, []int{i}
	}
	for n, at := range j.sensorOfEvents {
		if at < 0 || n >= len(e.sensors) {
			continue
		}
		s := &e.sensors[n]
		rows[at].Events, rows[at].Sessions, rows[at].Attackers = s.events, s.sessions, s.attackers
		spans[at].add(s.span)
		old[at] = s.old
	}
	for n, at := range j.sensorOfTags {
		if at < 0 || n >= len(t.sensors) {
			continue
		}
		s := &t.sensors[n]
		rows[at].Tags, rows[at].Level = s.tags, ttpcron.Level(s.level)
		rows[at].Techniques, _ = j.showed(&s.claims, nil)
		slices.Sort(rows[at].Techniques)
		if rows[at].Events == 0 {
			spans[at].add(s.span)
			old[at] = old[at] || s.old
		}
	}
	for _, sensor := range j.aloneSessions {
		if j.e.sessions.cuts == 0 && sensor != nameless && j.sensorOfTags[sensor] >= 0 {
			rows[j.sensorOfTags[sensor]].Sessions++
		}
	}
	for i, n := range j.attackersOfSensors() {
		rows[i].Attackers = max(rows[i].Attackers, n)
	}
	for i, row := range rows {
		row.First, row.Last = spans[i].times()
		row.New = j.o.asksNew() && !old[i] && (row.Events > 0 || !e.names.lost)
	}
	if !j.o.asksNew() {
		return
	}
	n := &j.r.New.Sensors
	n.By, n.Command = "with the most events", j.newSince("sensors")
	for _, row := range rows {
		if row.New && row.Name != "" {
			n.Rows = append(n.Rows, row)
		}
	}
	slices.SortStableFunc(n.Rows, func(a, b *Sensor) int { return cmp.Or(cmp.Compare(b.Events, a.Events), cmp.Compare(b.Tags, a.Tags)) })
	n.Total = len(n.Rows)
	n.Rows = n.Rows[:min(n.Total, mostNew)]
}

// attackersOfSensors counts the attackers of events, and those that only tags without
// events name.
func (j *joiner) attackersOfSensors() []int {
	n := make([]int, len(j.r.Sensors))
	for i := range uint32(j.e.actors.n) {
		var alone *idSet
		if k := j.t.actors.find(j.e.actors.hashOf(i)); k != gone {
			alone = &j.t.actors.at(k).sensors
		}
		for _, at := range j.sensorsOf(&j.e.actors.at(i).sensors, alone) {
			n[at]++
		}
	}
	for i := range uint32(j.t.actors.n) {
		if j.e.actors.find(j.t.actors.hashOf(i)) == gone {
			for _, at := range j.sensorsOf(nil, &j.t.actors.at(i).sensors) {
				n[at]++
			}
		}
	}
	return n
}

// ranked is an attacker by numbers, before it is written out.
type ranked struct {
	tags, events uint32
	name         string
	ofEvents     uint32 // number among those of events, gone for none
	ofTags       uint32 // the same for tags
}

func (j *joiner) rank(ofEvents, ofTags uint32) ranked {
	x := ranked{ofEvents: ofEvents, ofTags: ofTags}
	if ofTags != gone {
		x.tags, x.name = j.t.actors.at(ofTags).tags, j.tagName(ofTags)
	}
	if ofEvents != gone {
		a := j.e.actors.at(ofEvents)
		x.events = a.events
		if a.address.text != 0 {
			x.name = j.e.actors.text.string(a.address.text)
		} else if x.name == "" {
			x.name = j.e.actors.text.string(a.who)
		}
	}
	return x
}

func (j *joiner) listAttackers() {
	before := func(a, b *ranked) bool {
		return cmp.Or(cmp.Compare(b.tags, a.tags), cmp.Compare(b.events, a.events), strings.Compare(a.name, b.name)) < 0
	}
	top, fresh := best[ranked]{most: j.o.Rows, before: before}, best[ranked]{most: mostNew, before: before}
	n, freshN := 0, 0
	each := func(ofEvents, ofTags uint32) {
		x := j.rank(ofEvents, ofTags)
		if j.o.Tagged && x.tags == 0 {
			return
		}
		n++
		top.add(x)
		if j.isNew(&x) {
			freshN++
			fresh.add(x)
		}
	}
	for i := range uint32(j.e.actors.n) {
		if ofTags := j.t.actors.find(j.e.actors.hashOf(i)); j.e.actors.at(i).events > 0 || ofTags != gone {
			each(i, ofTags)
		}
	}
	for i := range uint32(j.t.actors.n) {
		if j.e.actors.find(j.t.actors.hashOf(i)) == gone {
			each(gone, i)
		}
	}
	cut := j.e.actors.cuts+j.t.actors.cuts > 0
	if n = max(n, j.t.most.actors); !j.o.Tagged {
		n = j.r.Total.Attackers
	}
	j.r.Attackers = Top[*Attacker]{Total: n, AtLeast: cut, By: "with the most tags", Command: "ttpcron attackers"}
	rows := map[ranked]*Attacker{}
	write := func(list []ranked) (out []*Attacker) {
		for _, x := range list {
			if rows[x] == nil {
				rows[x] = j.attacker(&x)
			}
			out = append(out, rows[x])
		}
		return out
	}
	j.r.Attackers.Rows = write(top.list)
	if j.o.asksNew() {
		j.r.New.Attackers = Top[*Attacker]{Rows: write(fresh.list), Total: freshN, AtLeast: cut, By: "with the most tags", Command: j.newSince("attackers")}
	}
}

// isNew reports whether an attacker is new. For attackers that may have been dropped
// before, that is unknown.
func (j *joiner) isNew(x *ranked) bool {
	if !j.o.asksNew() || j.e.actors.cuts > 0 && (x.ofEvents == gone || x.ofEvents >= j.e.actors.sure) || j.t.actors.cuts > 0 && x.events == 0 {
		return false
	}
	return (x.ofEvents == gone || !j.e.actors.at(x.ofEvents).old) && (x.events > 0 || !j.t.actors.at(x.ofTags).old)
}

func (j *joiner) attacker(x *ranked) *Attacker {
	row := &Attacker{Tags: int(x.tags), Events: int(x.events)}
	both, level, who := never, uint8(0), uint64(0)
	var ofEvents, ofTags *idSet
	if x.ofTags != gone {
		a := j.t.actors.at(x.ofTags)
		both, level, who, ofTags = a.span, a.level, j.t.actors.hashOf(x.ofTags), &a.sensors
		row.Address, row.UUID = j.t.actors.text.string(a.address), j.t.actors.text.string(a.who)
	}
	if x.ofEvents != gone {
		a := j.e.actors.at(x.ofEvents)
		if a.events > 0 {
			both = a.span
		}
		who, ofEvents = j.e.actors.hashOf(x.ofEvents), &a.sensors
		row.Sessions, row.Commands, row.Requests, row.Logins, row.Won, row.Files, row.Canaries = int(a.sessions), int(a.commands), int(a.requests), int(a.logins), int(a.won), int(a.files), int(a.canaries)
		if a.address.text != 0 {
			row.Address = j.e.actors.text.string(a.address.text)
		}
		row.UUID = j.e.actors.text.string(a.who)
		if a.events > 0 && a.resolver == a.events {
			row.Mark = ttpcron.MarkResolver
		}
	}
	if row.UUID == "" && row.Address != "" {
		row.UUID = ttpcron.DeriveAttacker(row.Address)
	}
	if j.o.Own.Contains(row.Address) {
		row.Mark = ttpcron.MarkOwnNetwork
	}
	row.Sessions += j.aloneOf[who]
	row.Seen = j.seen(both, level, j.isNew(x))
	row.Seen.Sensors = j.sensorsOf(ofEvents, ofTags)
	row.Seen.Attacker = j.placeOf(x.ofTags)
	if x.ofTags != gone {
		row.Techniques, row.Tactics = j.showed(&j.t.actors.at(x.ofTags).claims, nil)
		slices.Sort(row.Techniques)
	}
	return row
}

func (j *joiner) listLogins() {
	e := j.e
	type ranked struct {
		tries          uint32
		user, password string
		i              uint32
	}
	top := best[ranked]{most: j.o.Rows, before: func(a, b *ranked) bool {
		return cmp.Or(cmp.Compare(b.tries, a.tries), strings.Compare(a.user, b.user), strings.Compare(a.password, b.password)) < 0
	}}
	n := 0
	for i := range uint32(e.logins.n) {
		f := e.logins.at(i)
		if f.tries == 0 {
			continue
		}
		if n++; len(top.list) < top.most || f.tries >= top.list[top.most-1].tries {
			top.add(ranked{f.tries, e.logins.text.string(f.user), e.logins.text.string(f.password), i})
		}
	}
	list := &j.r.Credentials
	list.Total, list.AtLeast, list.By = max(n, e.most.logins), e.logins.cuts > 0, "tried most often"
	if list.Command = "ttpcron credentials --users"; j.o.WithPasswords {
		list.Command = "ttpcron credentials"
	}
	for _, x := range top.list {
		f := e.logins.at(x.i)
		row := &Credential{Seen: j.seen(f.span, 0, !f.old && e.logins.cuts == 0), User: x.user, Password: x.password, Tries: int(f.tries), Won: int(f.won), Attackers: int(f.attackers), Passwords: int(f.passwords),
			NoUser: f.lacks&noUser != 0, NoPassword: f.lacks&noPassword != 0, OnlyKey: f.lacks&onlyKey != 0}
		row.Seen.Sensors = j.sensorsOf(&f.sensors, nil)
		list.Rows = append(list.Rows, row)
	}
}

func (j *joiner) listFiles() {
	e := j.e
	type ranked struct {
		times     uint32
		sum, path string
		i         uint32
	}
	before := func(a, b *ranked) bool {
		return cmp.Or(cmp.Compare(b.times, a.times), strings.Compare(a.sum, b.sum), strings.Compare(a.path, b.path)) < 0
	}
	top, fresh := best[ranked]{most: j.o.Rows, before: before}, best[ranked]{most: mostNew, before: before}
	n, freshN := 0, 0
	for i := range uint32(e.files.n) {
		f := e.files.at(i)
		if f.times == 0 {
			continue
		}
		n++
		x := ranked{f.times, e.files.text.string(f.sum), e.files.text.string(f.path.text), i}
		top.add(x)
		if j.o.asksNew() && !f.old && e.files.cuts == 0 {
			freshN++
			fresh.add(x)
		}
	}
	showed := j.showedByFile()
	rows := map[uint32]*File{}
	write := func(list []ranked) (out []*File) {
		for _, x := range list {
			if rows[x.i] == nil {
				rows[x.i] = j.file(x.i, showed[e.files.hashOf(x.i)])
			}
			out = append(out, rows[x.i])
		}
		return out
	}
	j.r.Files = Top[*File]{Rows: write(top.list), Total: max(n, e.most.files), AtLeast: e.files.cuts > 0, By: "seen most often", Command: "ttpcron files"}
	if j.o.asksNew() {
		j.r.New.Files = Top[*File]{Rows: write(fresh.list), Total: freshN, AtLeast: e.files.cuts > 0, By: "seen most often", Command: j.newSince("files")}
	}
}

func (j *joiner) file(i uint32, claims []uint16) *File {
	f := j.e.files.at(i)
	text := &j.e.files.text
	row := &File{Seen: j.seen(f.span, 0, !f.old && j.e.files.cuts == 0), SHA256: text.string(f.sum), Path: text.string(f.path.text), Direction: text.string(f.direction.text),
		Size: f.size, Times: int(f.times), Attackers: int(f.attackers)}
	row.Seen.Sensors = j.sensorsOf(&f.sensors, nil)
	j.shows(&row.Seen, claims)
	return row
}

// shows lists the techniques that something showed.
func (j *joiner) shows(s *Seen, claims []uint16) {
	for _, id := range claims {
		c := &j.t.claims[id]
		s.Level = max(s.Level, ttpcron.Level(c.level))
		if at := j.techniqueAt[c.technique]; at >= 0 {
			s.Techniques = append(s.Techniques, at)
		}
	}
	slices.Sort(s.Techniques)
	s.Techniques = slices.Compact(s.Techniques)
}

// showedByFile says which claims tags of the transfers of a file make.
func (j *joiner) showedByFile() map[uint64][]uint16 {
	files := map[uint64]uint64{}
	for _, x := range j.e.transfers {
		files[x.seq] = x.file
	}
	showed := map[uint64][]uint16{}
	for _, x := range j.t.joined {
		if file, has := files[x.seq]; has && !slices.Contains(showed[file], x.claim) {
			showed[file] = append(showed[file], x.claim)
		}
	}
	return showed
}

func (j *joiner) listRules() {
	t := j.t
	attackers, sessions := t.countActors().rules, t.countSessions().rules
	rows, spans := make([]*Rule, len(t.rules)), make([]span, len(t.rules))
	for i := range t.claims {
		c := &t.claims[i]
		if c.tags == 0 || c.rule == 0 {
			continue
		}
		if rows[c.rule] == nil {
			n := &t.rules[c.rule]
			spans[c.rule] = never
			rows[c.rule] = &Rule{ID: n.id, Events: n.events, Attackers: max(attackers[c.rule], n.attackers), Sessions: max(sessions[c.rule], n.sessions), Seen: Seen{New: j.o.asksNew() && !n.old && !t.unclaimed}}
		}
		row := rows[c.rule]
		row.Tags += c.tags
		spans[c.rule].add(c.span)
		row.Seen.Sensors = append(row.Seen.Sensors, j.sensorsOf(nil, &c.sensors)...)
		j.shows(&row.Seen, []uint16{uint16(i)})
	}
	list := &j.r.Rules
	list.By, list.Command = "with the most tags", "ttpcron rules noise"
	for i, row := range rows {
		if row == nil {
			continue
		}
		row.First, row.Last = spans[i].times()
		slices.Sort(row.Seen.Sensors)
		row.Seen.Sensors = slices.Compact(row.Seen.Sensors)
		list.Rows = append(list.Rows, row)
	}
	slices.SortFunc(list.Rows, func(a, b *Rule) int { return cmp.Or(cmp.Compare(b.Tags, a.Tags), strings.Compare(a.ID, b.ID)) })
	list.Total = len(list.Rows)
	list.Rows = list.Rows[:min(list.Total, j.o.Rows)]
}

func (j *joiner) listCanaries() {
	e := j.e
	e.newestCanaries()
	list := &j.r.Canaries
	list.Total, list.By, list.Command = e.canaryN, "the newest", "ttpcron export-events --source canary"
	showed := map[uint64][]uint16{}
	for _, x := range j.t.joined {
		showed[x.seq] = append(showed[x.seq], x.claim)
	}
	for _, c := range e.canaries {
		row := &c.Canary
		row.First, row.Last = (&span{c.at, c.at}).times()
		if c.on != nameless && j.sensorOfEvents[c.on] >= 0 {
			row.Seen.Sensors = []int{j.sensorOfEvents[c.on]}
		}
		row.Seen.Attacker = j.placeOfHash(c.who)
		j.shows(&row.Seen, showed[c.seq])
		list.Rows = append(list.Rows, row)
	}
}
