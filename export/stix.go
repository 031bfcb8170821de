package export

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/ttpcron/ttpcron"
)

// stix is a bundle of STIX 2.1: a sighting for each technique, sensor, attacker and UTC
// day, and what it refers to.
var stix = Format{
	Name: "stix", Short: "STIX 2.1: a sighting for each technique, sensor, attacker and day",
	New: func(fs *flag.FlagSet) Write {
		o := &stixOptions{producer: "ttpcron"}
		fs.Func("producer", "stix: `NAME` of the producer of sensors and sightings; each installation needs its own (default ttpcron)", func(s string) error {
			if s == "" {
				return fmt.Errorf("the name is empty")
			}
			o.producer = s
			return nil
		})
		fs.BoolVar(&o.observed, "observed-data", false, "stix: add observed addresses and commands; OpenCTI then counts each sighting once")
		fs.Func("split", "stix: one bundle a line, of at most `N` objects each, for receivers that refuse large ones (default: one bundle)", func(s string) error {
			n, err := strconv.Atoi(s)
			if err != nil || n < leastSplit {
				return fmt.Errorf("want a number of %d or more", leastSplit)
			}
			o.split = n
			return nil
		})
		return o.write
	},
}

type stixOptions struct {
	producer string
	observed bool
	split    int
}

const (
	leastSplit   = 100    // objects of a bundle, more than a sighting and what it refers to
	mostSighting = 10_000 // tags of a sighting; further ones have another
	mostCommands = 20     // of what a sighting observed
)

// stixTags defines what a sighting says about its tags.
var stixTags = propertyExtension("ttpcron-tags",
	"The tags that a sighting stands for, and by whom and what they were made.",
	"tag_uuids: list of string, the UUID of each tag (UUIDv5 of source_kind|source_id|rule_id|rule_version|technique_id|sub_technique_id). "+
		"day: string, the UTC day. part: integer, from 2 where a day has more tags than one sighting. "+
		"level: string, the highest level, one of informational, low, medium, high, critical. rule_ids: list of string. "+
		"tactic_ids: list of string, of ATT&CK. attack_release: string. vantage: string, honeypot or host. "+
		"attacker_ref: identifier of the ipv4-addr or ipv6-addr. attacker_uuid, identity_uuid: string. "+
		"attacker_mark: string, own-network or resolver, of an address that is not an attacker's. "+
		"slot: boolean, true if only correlations found this: the window of their events ended between first_seen and last_seen, and may have begun before.",
	"1.0", "2026-01-01T00:00:00.000Z")

// stixSighting is a sighting of a technique.
type stixSighting struct {
	stixCommon
	Confidence int                    `json:"confidence"`
	First      string                 `json:"first_seen"`
	Last       string                 `json:"last_seen"`
	Count      int                    `json:"count"`
	Of         string                 `json:"sighting_of_ref"`
	Observed   []string               `json:"observed_data_refs,omitempty"`
	Where      []string               `json:"where_sighted_refs"`
	Extensions map[string]sightedTags `json:"extensions"`
}

// sightedTags is what [stixTags] defines.
type sightedTags struct {
	Type     string   `json:"extension_type"`
	Day      string   `json:"day"`
	Part     int      `json:"part,omitempty"`
	Level    string   `json:"level"`
	Rules    []text   `json:"rule_ids"`
	Tactics  []text   `json:"tactic_ids"`
	Release  text     `json:"attack_release"`
	Vantage  string   `json:"vantage"`
	Address  string   `json:"attacker_ref,omitempty"`
	Attacker text     `json:"attacker_uuid,omitempty"`
	Identity text     `json:"identity_uuid,omitempty"`
	Mark     string   `json:"attacker_mark,omitempty"`
	Slot     bool     `json:"slot,omitempty"`
	Tags     []string `json:"tag_uuids"`
}

// stixObserved is the observed data of a sighting.
type stixObserved struct {
	stixCommon
	First   string   `json:"first_observed"`
	Last    string   `json:"last_observed"`
	Number  int      `json:"number_observed"`
	Objects []string `json:"object_refs"`
}

// stixWriter writes one export.
type stixWriter struct {
	*stixOptions
	j        *Job
	producer *stixIdentity
	narrowed string // what the ids of sightings depend on beside what they are of
	out      *stixBundles
	day      ttpcron.Day
	sorted   sorter // the tags of the day
	group    sightedGroup
	omitted  int // commands
}

func (o *stixOptions) write(ctx context.Context, j *Job) (err error) {
	w := &stixWriter{stixOptions: o, j: j, producer: producerIdentity(o.producer), narrowed: fmt.Sprint(narrowing(&j.Query)), sorted: sorter{scratch: j.Scratch}}
	fixed := []any{programIdentity(), stixTags}
	if w.producer.ID != programIdentity().ID {
		fixed = append(fixed, w.producer)
	}
	w.out = &stixBundles{out: j.json(), most: o.split, fixed: fixed, later: sorter{scratch: j.Scratch}}
	j.noteCutDays()
	if err := w.out.begin(); err != nil {
		return err
	}
	var record []byte
	err = j.eachDay(ctx, func(t *Tag) error {
		record = appendSighted(record[:0], t, o.observed)
		return w.sorted.add(record)
	}, func(day ttpcron.Day) error {
		w.day = day
		return w.endDay()
	})
	if err != nil {
		return err
	}
	if w.omitted > 0 {
		j.Note("%d commands left out: observed data names %d different ones of a sighting", w.omitted, mostCommands)
	}
	return w.out.end()
}

// endDay writes the sightings of a day.
func (w *stixWriter) endDay() error {
	w.group = sightedGroup{}
	err := w.sorted.each(func(record []byte) error {
		var t sightedTag
		t.decode(record)
		g := &w.group
		if !g.holds(&t) || len(g.tags) >= mostSighting {
			part, made := 1, t.made
			if g.holds(&t) {
				// A tag that a part before this one gained moved others into it.
				part, made = g.part+1, g.made
			}
			if err := w.endGroup(); err != nil {
				return err
			}
			g.begin(&t, part)
			g.made = later(g.made, made)
		}
		w.omitted += g.add(&t)
		return nil
	})
	return cmp.Or(err, w.endGroup())
}

// endGroup writes a sighting.
func (w *stixWriter) endGroup() error {
	g := &w.group
	if len(g.tags) == 0 {
		return nil
	}
	day := w.day.String()
	key := []string{w.stixOptions.producer, g.release, g.technique, g.sensor, g.vantage.String(), g.attacker, day, strconv.Itoa(g.part), w.narrowed}
	created, modified := stixTime(w.day.Start()), stixTime(g.changed())
	pattern, sensor := w.pattern(g.technique), w.producer
	refs := []stixRef{pattern}
	if g.sensor != "" {
		sensor = sensorIdentity(w.producer.ID, g.sensor, g.vantage)
		refs = append(refs, stixRef{sensor.ID, func() any { return sensor }})
	}
	said := sightedTags{
		Type: "property-extension", Day: day, Level: g.level.String(), Rules: texts(g.rules), Tactics: texts(g.tactics), Release: text(g.release),
		Vantage: g.vantage.String(), Attacker: text(g.attackerUUID), Identity: text(g.identityUUID), Mark: g.mark, Slot: !g.ofEvents, Tags: g.tags,
	}
	if g.part > 1 {
		said.Part = g.part
	}
	address := addressObservable(g.attacker)
	if address != nil {
		said.Address = address.ID
		refs = append(refs, stixRef{address.ID, func() any { return address }})
	}
	s := &stixSighting{
		stixCommon: stixObject("sighting", stixID("sighting", key...), w.producer.ID, created, modified),
		Confidence: int(math.Round(100 * min(max(g.confidence, 0), 1))), First: stixTime(g.first), Last: stixTime(g.last), Count: len(g.tags),
		Of: pattern.id, Where: []string{sensor.ID}, Extensions: map[string]sightedTags{stixTags.ID: said},
	}
	if w.observed {
		if o, more := w.observation(g, address, stixID("observed-data", key...)); o != nil {
			s.Observed = []string{o.ID}
			refs = append(append(refs, more...), stixRef{o.ID, func() any { return o }})
		}
	}
	g.tags = nil
	return w.out.add(s, refs...)
}

// observation is a group's observed data, nil if nothing can be named.
func (w *stixWriter) observation(g *sightedGroup, address *stixObservable, id string) (o *stixObserved, refs []stixRef) {
	o = &stixObserved{
		stixCommon: stixObject("observed-data", id, w.producer.ID, stixTime(w.day.Start()), stixTime(g.changed())),
		First:      stixTime(g.first), Last: stixTime(g.last), Number: len(g.tags),
	}
	if address != nil {
		o.Objects = append(o.Objects, address.ID)
	}
	for _, line := range slices.Sorted(maps.Keys(g.commands)) {
		p := commandProcess(line)
		o.Objects = append(o.Objects, p.ID)
		refs = append(refs, stixRef{p.ID, func() any { return p }})
	}
	if len(o.Objects) == 0 {
		return nil, nil
	}
	return o, refs
}

// pattern is a technique. One of a rule that names an id of no release has a pattern of the
// producer's.
func (w *stixWriter) pattern(technique string) stixRef {
	if p := attackPattern(w.j.Table, technique); p != nil {
		return stixRef{p.ID, func() any { return p }}
	}
	id := stixID("attack-pattern", w.stixOptions.producer, technique)
	return stixRef{id, func() any {
		return &struct {
			stixCommon
			Name text `json:"name"`
		}{stixObject("attack-pattern", id, w.producer.ID, stixEpoch, stixEpoch), text(technique)}
	}}
}

func texts(set map[string]struct{}) []text {
	out := make([]text, 0, len(set))
	for _, s := range slices.Sorted(maps.Keys(set)) {
		out = append(out, text(s))
	}
	return out
}

// sightedGroup gathers the tags of a sighting.
type sightedGroup struct {
	sightedKey
	part                       int
	first, last, made          time.Time // of events, or else of slots
	latest                     time.Time // of events and of the beginnings of slots
	ofEvents                   bool
	level                      ttpcron.Level
	confidence                 float64
	release, mark              string
	attackerUUID, identityUUID string
	rules, tactics, commands   map[string]struct{}
	tags                       []string
}

func (g *sightedGroup) holds(t *sightedTag) bool {
	return len(g.tags) > 0 && g.sightedKey == t.sightedKey
}

func (g *sightedGroup) begin(t *sightedTag, part int) {
	*g = sightedGroup{
		sightedKey: t.sightedKey, part: part, first: t.at, last: t.until, latest: t.at, made: t.made, level: t.level, release: t.release, mark: t.mark,
		attackerUUID: t.attackerUUID, identityUUID: t.identityUUID,
		rules: map[string]struct{}{}, tactics: map[string]struct{}{}, commands: map[string]struct{}{},
	}
}

// add adds a tag, and returns how many commands that leaves out.
func (g *sightedGroup) add(t *sightedTag) (omitted int) {
	switch ofEvent := t.until.Equal(t.at); {
	case ofEvent && !g.ofEvents:
		g.first, g.last, g.ofEvents = t.at, t.at, true
	case ofEvent == g.ofEvents:
		g.first, g.last = earlier(g.first, t.at), later(g.last, t.until)
	}
	if g.mark != t.mark {
		g.mark = "" // an address that only sometimes looked up names
	}
	g.latest, g.made = later(g.latest, t.at), later(g.made, t.made)
	if t.level.AtLeast(g.level) {
		g.level = t.level
	}
	g.confidence = max(g.confidence, t.confidence)
	g.rules[t.rule], g.tactics[t.tactic] = struct{}{}, struct{}{}
	g.tags = append(g.tags, t.uuid)
	if t.command != "" {
		if _, ok := g.commands[t.command]; !ok && len(g.commands) >= mostCommands {
			return 1
		}
		g.commands[t.command] = struct{}{}
	}
	return 0
}

// changed is when a sighting's content last changed.
func (g *sightedGroup) changed() time.Time { return later(g.made, g.latest) }

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
