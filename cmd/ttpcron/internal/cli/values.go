package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
)

// Age is a flag that says how old something may become: 90d, 26w, 36h. Zero
// means for ever.
type Age time.Duration

// String returns what Set takes.
func (a *Age) String() string {
	if a == nil || *a == 0 {
		return "0"
	}
	d := time.Duration(*a)
	if d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	}
	return d.String()
}

// Set implements flag.Value.
func (a *Age) Set(s string) error {
	d, ok := ParseAgo(s)
	if s == "0" {
		d, ok = 0, true
	}
	if !ok {
		return fmt.Errorf("want a time such as 90d, 26w or 36h")
	}
	*a = Age(d)
	return nil
}

// Size is a flag with a number of bytes: 512MiB, 2GiB, 1000000. Zero means no
// limit.
type Size int64

var sizeUnits = []struct {
	name  string
	bytes int64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}, {"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12},
	{"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}, {"T", 1 << 40}, {"B", 1}, {"", 1}}

// String returns what Set takes.
func (z *Size) String() string {
	if z == nil || *z == 0 {
		return "0"
	}
	for _, u := range []int{3, 2, 1, 0} {
		if b := sizeUnits[u].bytes; int64(*z)%b == 0 {
			return fmt.Sprintf("%d%s", int64(*z)/b, sizeUnits[u].name)
		}
	}
	return strconv.FormatInt(int64(*z), 10)
}

// Set implements flag.Value.
func (z *Size) Set(s string) error {
	for _, u := range sizeUnits {
		text, ok := strings.CutSuffix(s, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		if err != nil || n < 0 || n > (1<<62)/u.bytes {
			break
		}
		*z = Size(n * u.bytes)
		return nil
	}
	return fmt.Errorf("want a size such as 512MiB or 2GiB")
}

// Bounded is an integer flag with limits, which knows whether it was set.
type Bounded struct {
	N, Low, High int
	IsSet        bool
}

// String returns what Set takes, or "" before there is a value.
func (b *Bounded) String() string {
	if b == nil || b.N == 0 && !b.IsSet {
		return ""
	}
	return strconv.Itoa(b.N)
}

// Set implements flag.Value.
func (b *Bounded) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < b.Low || n > b.High {
		return fmt.Errorf("want a whole number from %d to %d", b.Low, b.High)
	}
	b.N, b.IsSet = n, true
	return nil
}

// OneOf is a flag with a few values.
type OneOf struct {
	Value  string
	Values []string
}

// String returns the value.
func (o *OneOf) String() string { return o.Value }

// Set implements flag.Value.
func (o *OneOf) Set(s string) error {
	for _, v := range o.Values {
		if s == v {
			o.Value = s
			return nil
		}
	}
	return errors.New("want " + Or(o.Values))
}

// Choices are the values.
func (o *OneOf) Choices() []string { return o.Values }

// List is a flag that can be given more than once.
type List []string

// String joins the values with commas, for people: see [Values].
func (l *List) String() string { return strings.Join(*l, ",") }

// Set adds a value.
func (l *List) Set(s string) error {
	*l = append(*l, s)
	return nil
}

// Networks is a flag with addresses and networks, which can be given more than once.
type Networks ttpcron.Networks

// String returns what Set takes.
func (n *Networks) String() string { return ttpcron.Networks(*n).String() }

// Set adds networks.
func (n *Networks) Set(s string) error {
	more, err := ttpcron.ParseNetworks(s)
	*n = append(*n, more...)
	return err
}

// Kinds is a flag with kinds of event, by the names of their sources, which can be given
// more than once.
type Kinds []ttpcron.SourceKind

// String returns what Set takes.
func (k *Kinds) String() string {
	var names []string
	for _, kind := range *k {
		names = append(names, string(kind))
	}
	return strings.Join(names, ",")
}

// Set adds kinds, separated by commas. It refuses what is nearly the name of a kind
// that the program knows: all its events would be left out.
func (k *Kinds) Set(s string) error {
	for name := range strings.SplitSeq(s, ",") {
		kind := ttpcron.SourceKind(strings.TrimSpace(name))
		if kind == "canary" {
			kind = ttpcron.CanaryFingerprint
		}
		if err := kind.Validate(); err != nil {
			return fmt.Errorf("want kinds of event, such as %s and %s", ttpcron.Command, ttpcron.AuthAttempt)
		}
		var known []string
		for _, other := range ttpcron.Kinds() {
			known = append(known, string(other))
		}
		if near := Nearest(string(kind), known); near != "" && near != string(kind) {
			return fmt.Errorf("did you mean %s?", near)
		}
		*k = append(*k, kind)
	}
	return nil
}

// MinLevel is a flag with the level at which a view of tags begins, wherever their
// events were seen. Until it is set a view begins where ttpcron.DefaultMinLevels says.
type MinLevel struct {
	Level ttpcron.Level
	IsSet bool
}

// Levels returns where the view begins.
func (m *MinLevel) Levels() ttpcron.MinLevels {
	if !m.IsSet {
		return ttpcron.DefaultMinLevels()
	}
	return ttpcron.FromLevel(m.Level)
}

// Admits reports whether a rule of a level is asked for; until the flag is set, all are.
func (m *MinLevel) Admits(l ttpcron.Level) bool { return !m.IsSet || l.AtLeast(m.Level) }

// String returns what Set takes, or "" before there is a value.
func (m *MinLevel) String() string {
	if m == nil || !m.IsSet {
		return ""
	}
	return m.Level.String()
}

// Choices are the levels.
func (m *MinLevel) Choices() (names []string) {
	for _, l := range ttpcron.Levels() {
		names = append(names, l.String())
	}
	return names
}

// Get implements flag.Getter: a level is a text.
func (m *MinLevel) Get() any { return m.String() }

// Set implements flag.Value.
func (m *MinLevel) Set(s string) error {
	l, ok := ttpcron.ParseLevel(strings.ToLower(s))
	if !ok {
		return fmt.Errorf("want informational, low, medium, high or critical")
	}
	m.Level, m.IsSet = l, true
	return nil
}
