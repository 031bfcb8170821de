package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
)

// joiner makes a report of both sides.
type joiner struct {
	*Gatherer
	e *eventSide
	t *tagSide
	r *Report

	sensorOfEvents, sensorOfTags []int // index of Report.Sensors by number
	techniqueAt                  []int // index of Report.Techniques by number, -1 for none
	tacticAt                     []int // the same for tactics, by number of the technique
	stamp                        uint32
	stamps                       []uint32 // by number of the technique
	tacticStamps                 []uint32
	aloneSessions                map[uint64]uint16 // sensors of sessions that no event says
	aloneOf                      map[uint64]int    // how many of alone an actor has
}

// Report returns the result. Call it once, after the last event and tag.
func (g *Gatherer) Report() *Report {
	j := &joiner{Gatherer: g, e: g.events, t: g.tags, r: &Report{NewSince: g.o.NewSince}}
	j.favourites()
	j.listSensors()
	j.listTechniques()
	j.findAlone()
	j.total()
	j.days()
	j.cube()
	j.ofTechniques()
	j.ofSensors()
	j.listAttackers()
	j.listSessions()
	j.listLogins()
	j.listFiles()
	j.listRules()
	j.listCanaries()
	j.notes()
	return j.r
}

// favourites picks the most frequent of several names.
func (j *joiner) favourites() {
	e := j.e
	for i := range uint32(e.others.n) {
		t := e.others.at(i)
		var f *favourite
		var text *texts
		switch t.kind {
		case ofAddress:
			if i := e.actors.find(t.owner); i != gone {
				f, text = &e.actors.at(i).address, &e.actors.text
			}
		default:
			if i := e.files.find(t.owner); i != gone {
				f, text = &e.files.at(i).path, &e.files.text
				if t.kind == ofDirection {
					f = &e.files.at(i).direction
				}
			}
		}
		if f == nil {
			continue
		}
		if name := e.others.text.string(t.text); t.times > f.times || t.times == f.times && name < text.string(f.text) {
			f.times, f.text = t.times, text.add(name)
		}
	}
}

// listSensors puts the sensors of events and tags in one order.
func (j *joiner) listSensors() {
	names := map[string]bool{}
	for i, name := range j.e.names.list {
		if i < len(j.e.sensors) && j.e.sensors[i].events > 0 {
			names[name] = true
		}
	}
	for i, name := range j.t.names.list {
		if i < len(j.t.sensors) && j.t.sensors[i].tags > 0 {
			names[name] = true
		}
	}
	index := map[string]int{}
	for name := range names {
		j.r.Sensors = append(j.r.Sensors, &Sensor{Name: name})
	}
	slices.SortFunc(j.r.Sensors, func(a, b *Sensor) int { return strings.Compare(a.Name, b.Name) })
	for i, s := range j.r.Sensors {
		index[s.Name] = i
		s.Name = bounded(s.Name)
	}
	numbers := func(list []string) (at []int) {
		for _, name := range list {
			i, has := index[name]
			if !has {
				i = -1
			}
			at = append(at, i)
		}
		return at
	}
	j.sensorOfEvents, j.sensorOfTags = numbers(j.e.names.list), numbers(j.t.names.list)
}

// listTechniques puts them in the order of the matrix.
func (j *joiner) listTechniques() {
	t := j.t
	tags := make([]int, len(t.techniques))
	for i := range t.claims {
		tags[t.claims[i].technique] += t.claims[i].tags
	}
	var order []int
	for i := 1; i < len(t.techniques); i++ {
		if tags[i] > 0 {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		x, y := &t.techniques[a], &t.techniques[b]
		return cmp.Or(cmp.Compare(x.hour, y.hour), strings.Compare(x.tactic, y.tactic), strings.Compare(x.id, y.id))
	})
	j.techniqueAt, j.tacticAt = make([]int, len(t.techniques)), make([]int, len(t.techniques))
	for i := range j.techniqueAt {
		j.techniqueAt[i] = -1
	}
	tactics := map[string]int{}
	for at, i := range order {
		n := &t.techniques[i]
		j.techniqueAt[i] = at
		j.r.Techniques = append(j.r.Techniques, &Technique{Tactic: n.tactic, ID: n.id, Tags: tags[i], Events: n.events, Seen: Seen{New: j.o.asksNew() && !n.old && !t.unclaimed}})
		if _, has := tactics[n.tactic]; !has {
			tactics[n.tactic] = len(tactics)
		}
		j.tacticAt[i] = tactics[n.tactic]
	}
	j.stamps, j.tacticStamps = make([]uint32, len(t.techniques)), make([]uint32, len(tactics))
}

// showed lists the techniques of claims, and counts their tactics.
func (j *joiner) showed(claims *idSet, techniques []int) (list []int, tactics int) {
	j.stamp++
	list = techniques
	j.t.sets.each(claims, func(id uint16) {
		n := j.t.claims[id].technique
		at := j.techniqueAt[n]
		if at < 0 || j.stamps[n] == j.stamp {
			return
		}
		j.stamps[n] = j.stamp
		list = append(list, at)
		if tactic := j.tacticAt[n]; j.tacticStamps[tactic] != j.stamp {
			j.tacticStamps[tactic] = j.stamp
			tactics++
		}
	})
	return list, tactics
}

// findAlone finds the sessions of attackers that only tags without events name.
func (j *joiner) findAlone() {
	e, t := j.e, j.t
	j.aloneOf, j.aloneSessions = map[uint64]int{}, map[uint64]uint16{}
	for _, p := range t.pairs {
		i := e.sessions.find(p.session)
		if i != gone && e.sessions.at(i).events > 0 {
			if a := e.sessions.at(i).actor; a != gone && e.actors.hashOf(a) == p.actor || e.both.has(mix(p.session, p.actor)) {
				continue
			}
		} else {
			j.aloneSessions[p.session] = nameless
			if k := t.sessions.find(p.session); k != gone && t.sessions.at(k).named {
				j.aloneSessions[p.session] = t.sessions.at(k).sensor
			}
		}
		if e.sessions.cuts == 0 && !e.both.lost { // otherwise it may have been counted
			j.aloneOf[p.actor]++
		}
	}
}

func (j *joiner) total() {
	e, t, r := j.e, j.t, j.r
	r.Total = e.total
	r.Total.Tags, r.Total.Tagged, r.Total.Level = t.total.Tags, t.total.Tagged, t.total.Level
	both := e.seen
	if both.first > both.last {
		both = t.seen
	}
	r.First, r.Last = both.times()
	kinds := map[string]int{}
	for kind, n := range e.kinds {
		kinds[string(kind)] = n
	}
	r.Kinds = named(kinds)
	ids := map[string]bool{}
	for _, x := range r.Techniques {
		ids[x.ID] = true
	}
	r.Total.Techniques = len(ids)
	for _, s := range r.Sensors {
		if s.Name != "" {
			r.Total.Sensors++
		}
	}
	r.Total.Attackers = counted(&e.actors, func(a *eventActor) bool { return a.events > 0 })
	for i := range uint32(t.actors.n) {
		if !j.eventful(t.actors.hashOf(i)) {
			r.Total.Attackers++
		}
	}
	r.Total.Attackers = max(r.Total.Attackers, e.most.actors, t.most.actors)
	r.Total.TaggedAttackers = max(t.actors.n, t.most.actors)
	r.Total.Sessions = max(counted(&e.sessions, func(f *eventSession) bool { return f.events > 0 })+len(j.aloneSessions), e.most.sessions, t.most.sessions)
	r.Total.AtLeast = e.actors.cuts+t.actors.cuts > 0 || j.lostSessions() || e.names.lost || t.names.lost || t.met.lost || t.met.seen.lost
}

// lostSessions reports whether there are more sessions than are distinguished.
func (j *joiner) lostSessions() bool {
	return j.e.sessions.cuts+j.t.sessions.cuts > 0 || j.e.both.lost || j.t.alone.lost
}

// eventful reports whether an attacker has events.
func (j *joiner) eventful(who uint64) bool {
	i := j.e.actors.find(who)
	return i != gone && j.e.actors.at(i).events > 0
}

// mostDays is how many days a report has: ten years.
const mostDays = 3660

// days chooses the days to show: if there are too many, the consecutive ones with the most
// tags.
func (j *joiner) days() {
	r := j.r
	all := map[ttpcron.Day]*Day{}
	for on, d := range j.e.days.m {
		all[on] = &Day{Events: d.Events}
	}
	for on, d := range j.t.days.m {
		if all[on] == nil {
			all[on] = new(Day)
		}
		all[on].Tags = d.Tags
	}
	r.DaysLeft = j.t.days.others
	r.DaysLeft.Events += j.e.days.others.Events
	if len(all) == 0 {
		return
	}
	var on []ttpcron.Day
	for d := range all {
		on = append(on, d)
	}
	slices.Sort(on)
	weight := func(d *Day) (n int) {
		for _, tags := range d.Tags {
			n += tags
		}
		return n + d.Events
	}
	from, sum, most, first := 0, 0, -1, on[0] // on[from] begins those that end with d
	for _, d := range on {
		sum += weight(all[d])
		for ; d-on[from] >= mostDays; from++ {
			sum -= weight(all[on[from]])
		}
		if sum >= most {
			most, first = sum, on[from]
		}
	}
	last := first
	for _, d := range on {
		switch {
		case d < first || d >= first+mostDays:
			r.DaysLeft.Events += all[d].Events
			for level, n := range all[d].Tags {
				r.DaysLeft.Tags[level] += n
			}
		default:
			last = d
		}
	}
	r.DaysFrom, r.Days = first.Start(), make([]Day, last-first+1)
	for d, n := range all {
		if d >= first && d <= last {
			r.Days[d-first] = *n
		}
	}
}

// seen is what is known of something.
func (j *joiner) seen(s span, level uint8, isNew bool) Seen {
	n := Seen{Level: ttpcron.Level(level), New: j.o.asksNew() && isNew}
	n.First, n.Last = s.times()
	return n
}

// sensorsOf are the indices of sensors that events and tags say.
func (j *joiner) sensorsOf(ofEvents, ofTags *idSet) (list []int) {
	if ofEvents != nil {
		j.e.sets.each(ofEvents, func(id uint16) {
			if i := j.sensorOfEvents[id]; i >= 0 {
				list = append(list, i)
			}
		})
	}
	if ofTags != nil {
		j.t.sets.each(ofTags, func(id uint16) {
			if i := j.sensorOfTags[id]; i >= 0 {
				list = append(list, i)
			}
		})
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// notes says what was not distinguished.
func (j *joiner) notes() {
	e, t := j.e, j.t
	say := func(is bool, format string, args ...any) {
		if is {
			j.r.Notes = append(j.r.Notes, fmt.Sprintf(format, args...))
		}
	}
	say(e.actors.cuts+t.actors.cuts > 0, "There are too many attackers to count separately. Those with the fewest events were left out, and the figures of others may be incomplete.")
	say(j.lostSessions(), "There are too many sessions to count separately. Those with the fewest events were left out, and the figures of others may be incomplete.")
	say(e.logins.cuts > 0 || e.loginSeen.lost, "There are more different logins than can be told apart here. What is said of one may lack some.")
	say(e.files.cuts > 0, "There are more files than can be told apart here. What is said of one may lack some.")
	say(e.lost.transfers+t.lost.joined > 0, "Techniques of files are those of the first %d transfers.", j.lim.joined)
	say(e.noSensor+t.noSensor > 0, "There are more than %d sensors. %d events and %d tags of others are counted, and shown at no sensor.", j.lim.sensors, e.noSensor, t.noSensor)
	unnamed := 0
	for i := range t.claims {
		if c := &t.claims[i]; c.technique == 0 || c.rule == 0 {
			unnamed += c.tags
		}
	}
	say(unnamed > 0, "%d tags are of more techniques or rules than can be told apart here. They are in the totals, and in no row of their own.", unnamed)
	say(t.sets.lost || e.sets.lost, "Attackers and sessions show more techniques than can be remembered here. Some lack a few.")
	say(j.r.DaysLeft != Day{}, "%d events happened more than ten years apart from the days that are shown, perhaps by a clock that was wrong.", j.r.DaysLeft.Events)
}

// newSince is the command that lists what is new.
func (j *joiner) newSince(command string) string {
	return "ttpcron " + command + " --new-since " + j.o.NewSince.UTC().Format(time.RFC3339)
}
