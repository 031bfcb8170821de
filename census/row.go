package census

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
)

// Row has the counts of a group. Which members have a meaning depends on the property
// counted by, see By.
type Row struct {
	// Name is what the members of the group share, see By. Of a text of more than 256
	// bytes there is the beginning, and a hash of all of it.
	Name []string

	Events   int
	Commands int // those of them that are commands
	Logins   int // those that are login attempts
	Won      int // those that are login attempts and succeeded
	Files    int // those that are transfers of files
	Resolver int // those by resolvers, see [ttpcron.Event.ByResolver]

	Tags   int
	Tagged int           // events that have one of the tags
	Level  ttpcron.Level // the highest of a tag, 0 where there is none

	Attackers, Sessions int // how many different ones

	Kinds      List // of events
	Techniques List // of tags, as they are shown
	Rules      List
	Sensors    List
	Addresses  List // or what else an attacker is known by
	Logged     List // user/password of logins that succeeded
	Clients    List // what they said that they are
	Paths      List // URLs and names of a file
	Directions List

	Size   uint64        // of a file, the highest
	Ended  bool          // the end of the session was recorded
	Lasted time.Duration // what the record of the end says, 0 where it does not

	// First and Last are when the earliest and the latest event happened. Where there is
	// none they are those of tags.
	First, Last time.Time
	// Arrived is the lowest arrival number of an event of the group, with Query.NewSince
	// whenever it happened; 0 where none is known.
	Arrived uint64
}

// Requests is how many of the events are requests to web servers and other services.
func (r *Row) Requests() (n int) {
	for _, k := range r.Kinds.Top {
		if kind := ttpcron.SourceKind(k.Name); kind == ttpcron.HTTPRequest || kind == ttpcron.ServiceRequest {
			n += k.Times
		}
	}
	return n
}

// List has the most frequent names, in order, and the number of distinct ones.
type List struct {
	N   int
	Top []Named // at most 16
}

// Named is a name in a list, with its count.
type Named struct {
	Name  string
	Times int
}

// topNames is the length of a list.
const topNames = 16

// add adds an entry that was not there yet.
func (l *List) add(name string, times uint64) {
	l.N++
	e := Named{name, int(times)}
	i, _ := slices.BinarySearchFunc(l.Top, e, func(a, b Named) int {
		return cmp.Or(cmp.Compare(b.Times, a.Times), strings.Compare(a.Name, b.Name))
	})
	if i == topNames {
		return
	}
	if len(l.Top) == topNames {
		l.Top = l.Top[:topNames-1]
	}
	l.Top = slices.Insert(l.Top, i, e)
}

// Names are the names in the list.
func (l *List) Names() []string {
	names := make([]string, len(l.Top))
	for i := range l.Top {
		names[i] = l.Top[i].Name
	}
	return names
}

// First returns the most frequent name, or "" for an empty list.
func (l *List) First() string {
	if len(l.Top) == 0 {
		return ""
	}
	return l.Top[0].Name
}

// coder writes a row to bytes, or reads it.
type coder struct {
	b       []byte
	reading bool
}

func (c *coder) number(v uint64) uint64 {
	if !c.reading {
		c.b = binary.AppendUvarint(c.b, v)
		return v
	}
	v, n := binary.Uvarint(c.b)
	c.b = c.b[max(n, 0):]
	return v
}

func (c *coder) text(s *string) {
	n := int(c.number(uint64(len(*s))))
	if !c.reading {
		c.b = append(c.b, *s...)
		return
	}
	*s, c.b = string(c.b[:n]), c.b[n:]
}

func (c *coder) time(t *time.Time) {
	i := instantOf(*t)
	i.sec, i.nsec = int64(c.number(uint64(i.sec))), int32(c.number(uint64(i.nsec)))
	*t = i.time()
}

func (c *coder) list(l *List) {
	l.N = int(c.number(uint64(l.N)))
	n := int(c.number(uint64(len(l.Top))))
	if c.reading && n > 0 {
		l.Top = make([]Named, n)
	}
	for i := range l.Top {
		c.text(&l.Top[i].Name)
		l.Top[i].Times = int(c.number(uint64(l.Top[i].Times)))
	}
}

// row writes or reads all of a row.
func (c *coder) row(r *Row) {
	n := int(c.number(uint64(len(r.Name))))
	if c.reading && n > 0 {
		r.Name = make([]string, n)
	}
	for i := range r.Name {
		c.text(&r.Name[i])
	}
	for _, p := range [...]*int{&r.Events, &r.Commands, &r.Logins, &r.Won, &r.Files, &r.Resolver, &r.Tags, &r.Tagged, &r.Attackers, &r.Sessions} {
		*p = int(c.number(uint64(*p)))
	}
	r.Level = ttpcron.Level(c.number(uint64(r.Level)))
	for _, l := range r.lists() {
		c.list(l)
	}
	ended := uint64(0)
	if r.Ended {
		ended = 1
	}
	r.Size, r.Ended, r.Lasted, r.Arrived = c.number(r.Size), c.number(ended) == 1, time.Duration(c.number(uint64(r.Lasted))), c.number(r.Arrived)
	c.time(&r.First)
	c.time(&r.Last)
}

func (r *Row) lists() []*List {
	return []*List{&r.Kinds, &r.Techniques, &r.Rules, &r.Sensors, &r.Addresses, &r.Logged, &r.Clients, &r.Paths, &r.Directions}
}

// again adds to an entry that is there.
func (l *List) again(i int, times uint64) {
	e := l.Top[i]
	l.Top = slices.Delete(l.Top, i, i+1)
	l.N--
	l.add(e.Name, uint64(e.Times)+times)
}
