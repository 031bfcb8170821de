package export

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
)

// misp is a list of MISP events: one for each UTC day, or several for a large day.
var misp = Format{
	Name: "misp", Short: "MISP: an event for each day, techniques as galaxy tags",
	New: func(fs *flag.FlagSet) Write {
		o := &mispOptions{}
		fs.StringVar(&o.org, "org", "ttpcron", "misp: the organisation `NAME` that the events belong to")
		fs.BoolVar(&o.sensors, "with-sensors", false, "misp: name the sensors, except names that are addresses (default: no names, since events may be shared)")
		return o.write
	},
}

type mispOptions struct {
	org     string
	sensors bool
}

const (
	mostAttributes = 10_000  // of an event; MISP becomes slow with more
	mostEventBytes = 8 << 20 // of JSON of an event
)

// mispSpace is the namespace of events and organisations; those of attributes and objects
// are the UUIDs of their events.
var mispSpace = ttpcron.DeriveUUID(urlSpace, []byte("ttpcron:misp:v1"))

// mispEvent is an event without its attributes and objects, which follow.
type mispEvent struct {
	UUID         string    `json:"uuid"`
	Info         text      `json:"info"`
	Date         string    `json:"date"`
	Timestamp    string    `json:"timestamp"`
	ThreatLevel  string    `json:"threat_level_id"`
	Analysis     string    `json:"analysis"`
	Distribution string    `json:"distribution"`
	Published    bool      `json:"published"`
	Orgc         mispOrg   `json:"Orgc"`
	Tag          []mispTag `json:"Tag"`
}

type mispOrg struct {
	Name text   `json:"name"`
	UUID string `json:"uuid"`
}

type mispTag struct {
	Name string `json:"name"`
}

type mispAttribute struct {
	UUID         string    `json:"uuid"`
	Relation     string    `json:"object_relation,omitempty"`
	Type         string    `json:"type"`
	Category     string    `json:"category"`
	Value        text      `json:"value"`
	ToIDs        bool      `json:"to_ids"`
	Distribution string    `json:"distribution"`
	Uncorrelated bool      `json:"disable_correlation"`
	Timestamp    string    `json:"timestamp"`
	Comment      text      `json:"comment,omitempty"`
	First        string    `json:"first_seen,omitempty"`
	Last         string    `json:"last_seen,omitempty"`
	Tag          []mispTag `json:"Tag,omitempty"`
}

// mispObject is an object of MISP's published template cowrie: a session's record.
type mispObject struct {
	Name            string          `json:"name"`
	MetaCategory    string          `json:"meta-category"`
	TemplateUUID    string          `json:"template_uuid"`
	TemplateVersion string          `json:"template_version"`
	UUID            string          `json:"uuid"`
	Timestamp       string          `json:"timestamp"`
	Distribution    string          `json:"distribution"`
	Comment         text            `json:"comment"`
	First           string          `json:"first_seen"`
	Last            string          `json:"last_seen"`
	Attribute       []mispAttribute `json:"Attribute"`
}

// mispWriter writes one export.
type mispWriter struct {
	*mispOptions
	j        *Job
	selected string // what the UUIDs of events depend on
	day      ttpcron.Day
	sorted   sorter // the tags of the day
	events   int

	part                int
	uuid                ttpcron.UUID // of the event
	attributes, objects bytes.Buffer // of the event, each after a comma
	n                   int          // attributes of the event
	seen                map[string]int
	level               ttpcron.Level
	changed             time.Time
	tags                map[string]struct{}
	group               mispGroup
}

func (o *mispOptions) write(ctx context.Context, j *Job) error {
	w := &mispWriter{mispOptions: o, j: j, selected: fmt.Sprint(selecting(&j.Query)), sorted: sorter{scratch: j.Scratch}}
	j.noteCutDays()
	if _, err := io.WriteString(j.json(), `{"response":[`); err != nil {
		return err
	}
	var record []byte
	err := j.eachDay(ctx, func(t *Tag) error {
		record = appendMISP(record[:0], t)
		return w.sorted.add(record)
	}, func(day ttpcron.Day) error {
		w.day = day
		return w.endDay()
	})
	if err != nil {
		return err
	}
	_, err = io.WriteString(j.json(), "\n]}\n")
	return err
}

// endDay writes a day's events. The oldest comes first, so later additions to a split day
// extend its last event.
func (w *mispWriter) endDay() error {
	w.part = 0
	w.begin()
	err := w.sorted.each(func(record []byte) error {
		if w.group.holds(record) {
			w.group.add(record)
			return nil
		}
		if err := w.endGroup(); err != nil {
			return err
		}
		w.group.begin(record)
		return nil
	})
	return cmp.Or(err, w.endGroup(), w.end())
}

// begin begins an event.
func (w *mispWriter) begin() {
	w.part++
	key := strings.Join([]string{"event", w.org, w.j.Table.Number(), w.day.String(), strconv.Itoa(w.part), w.selected}, "|")
	w.uuid = ttpcron.DeriveUUID(mispSpace, []byte(key))
	w.attributes.Reset()
	w.objects.Reset()
	w.n, w.level, w.changed = 0, ttpcron.LevelInformational, time.Time{}
	w.seen, w.tags = map[string]int{}, map[string]struct{}{}
}

// end writes the event, if anything is in it.
func (w *mispWriter) end() error {
	if w.n == 0 {
		return nil
	}
	info := "ttpcron: what sensors recorded on " + w.day.String()
	if w.part > 1 {
		info += ", part " + strconv.Itoa(w.part)
	}
	if only := selecting(&w.j.Query); len(only) > 0 {
		info += "; only " + strings.Join(only, ", ")
	}
	e := mispEvent{
		UUID: w.uuid.String(), Info: text(info), Date: w.day.String(), Timestamp: unix(w.changed), ThreatLevel: threatLevel(w.level),
		Analysis: "2", Distribution: "0", Orgc: mispOrg{text(w.org), ttpcron.DeriveUUID(mispSpace, []byte("org|"+w.org)).String()}, Tag: mispTags(w.tags),
	}
	head, err := json.Marshal(&e)
	if err != nil {
		return err
	}
	comma := ","
	if w.events++; w.events == 1 {
		comma = ""
	}
	for _, piece := range [][]byte{
		[]byte(comma + "\n" + `{"Event":`), head[:len(head)-1], []byte(`,"Attribute":[`), w.attributes.Bytes(), []byte(`],"Object":[`), w.objects.Bytes(), []byte(`]}}`),
	} {
		if _, err := w.j.json().Write(piece); err != nil {
			return err
		}
	}
	return nil
}

// endGroup adds one record, with its tags, to the event.
func (w *mispWriter) endGroup() error {
	g := &w.group
	if len(g.uuids) == 0 {
		return nil
	}
	if w.n+mostOfObject > mostAttributes || w.attributes.Len()+w.objects.Len() > mostEventBytes {
		if err := w.end(); err != nil {
			return err
		}
		w.begin()
	}
	galaxies := map[string]struct{}{}
	for technique := range g.techniques {
		if tag := galaxyTag(w.j.Table, technique); tag != "" {
			galaxies[tag], w.tags[tag] = struct{}{}, struct{}{}
		}
	}
	if g.level.AtLeast(w.level) {
		w.level = g.level
	}
	w.changed = later(w.changed, g.made)
	to, err := &w.objects, error(nil)
	var b []byte
	if g.session != "" {
		b, err = json.Marshal(w.object(mispTags(galaxies)))
	} else {
		to = &w.attributes
		b, err = json.Marshal(w.plain(mispTags(galaxies)))
	}
	g.uuids = nil
	if to.Len() > 0 {
		to.WriteByte(',')
	}
	to.Write(b)
	return err
}

// mostOfObject is the most attributes in an object.
const mostOfObject = 5

// object is the record of a session.
func (w *mispWriter) object(tags []mispTag) *mispObject {
	g := &w.group
	at := stamp(g.at)
	o := &mispObject{
		Name: "cowrie", MetaCategory: "network", TemplateUUID: "ae085d32-6534-4d52-b3eb-063fccb753e7", TemplateVersion: "3",
		UUID: w.derive("object"), Timestamp: unix(g.made), Distribution: "5", Comment: text(g.comment()), First: at, Last: stamp(g.until),
	}
	add := func(relation, kind, category, value string, correlate bool, tags []mispTag) {
		o.Attribute = append(o.Attribute, mispAttribute{
			UUID: w.derive(relation), Relation: relation, Type: kind, Category: category, Value: text(value), Distribution: "5",
			Uncorrelated: !correlate, Timestamp: unix(g.made), Tag: tags,
		})
	}
	add("session", "text", "Other", unblank(g.session, "-"), false, nil)
	if !g.ofSlot() {
		add("timestamp", "datetime", "Other", at, false, nil)
	}
	if g.address != "" {
		add("src_ip", "ip-src", "Network activity", g.address, true, nil)
	}
	if name := w.sensorName(); name != "" {
		add("sensor", "text", "Other", name, false, nil)
	}
	relation := "message"
	if g.kind == ttpcron.Command || g.kind == ttpcron.Stdin {
		relation = "input"
	}
	add(relation, "text", "Other", w.said(), false, tags)
	w.n += len(o.Attribute)
	return o
}

// plain is a record without a session. MISP allows a value once in an event: this one has
// time and attacker, and a number if that is not enough.
func (w *mispWriter) plain(tags []mispTag) *mispAttribute {
	g := &w.group
	at := stamp(g.at)
	words := []string{at}
	if g.ofSlot() {
		words[0] += "/" + stamp(g.until)
	}
	for _, s := range []string{g.address, w.sensorName(), w.said()} {
		if s != "" {
			words = append(words, s)
		}
	}
	value := strings.Join(words, " ")
	if w.seen[value]++; w.seen[value] > 1 {
		value += fmt.Sprintf(" (%d)", w.seen[value])
	}
	w.n++
	return &mispAttribute{
		UUID: w.derive("attribute"), Type: "text", Category: "Other", Value: text(value), Distribution: "5", Uncorrelated: true,
		Timestamp: unix(g.made), Comment: text(g.comment()), First: at, Last: stamp(g.until), Tag: tags,
	}
}

// derive makes the UUID of a part of a record, within the event.
func (w *mispWriter) derive(part string) string {
	return ttpcron.DeriveUUID(w.uuid, []byte(part+"|"+string(w.group.kind)+"|"+w.group.source)).String()
}

// sensorName is the sensor's name if it is wanted and does not reveal its address.
func (w *mispWriter) sensorName() string {
	if _, err := netip.ParseAddr(w.group.sensor); !w.sensors || err == nil {
		return ""
	}
	return strings.TrimSpace(w.group.sensor)
}

// said is the text, or a substitute: MISP refuses blank values.
func (w *mispWriter) said() string {
	return unblank(w.group.text, strings.Join(slices.Sorted(maps.Keys(w.group.techniques)), " "))
}

func unblank(s, other string) string {
	if strings.TrimSpace(s) == "" {
		return other
	}
	return s
}

// galaxyTag is a technique's tag in MISP's galaxy, which uses its own name without its
// parent's. It is empty for an unknown id.
func galaxyTag(under *attack.Table, id string) string {
	x, ok := under.Lookup(id)
	if !ok {
		if under, ok = attack.Newest(id); !ok {
			return ""
		}
		x, _ = under.Lookup(id)
	}
	return `misp-galaxy:mitre-attack-pattern="` + x.Name + " - " + id + `"`
}

func mispTags(names map[string]struct{}) []mispTag {
	tags := []mispTag{}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		tags = append(tags, mispTag{name})
	}
	return tags
}

// threatLevel is MISP's number for a level: 1 is high, 4 undefined.
func threatLevel(l ttpcron.Level) string {
	switch {
	case l.AtLeast(ttpcron.LevelHigh):
		return "1"
	case l.AtLeast(ttpcron.LevelMedium):
		return "2"
	case l.AtLeast(ttpcron.LevelLow):
		return "3"
	}
	return "4"
}

// unix writes a time as MISP has it.
func unix(t time.Time) string { return strconv.FormatInt(max(t.Unix(), 0), 10) }
