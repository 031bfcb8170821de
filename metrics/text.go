package metrics

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Format is the format that Write writes, as a content type.
const Format = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"

// family describes the time series of one name. They differ in the value of one
// label; a family without a label has one series.
type family struct{ name, help, kind, label string }

// series is one time series at one moment.
type series struct {
	suffix string // of the family's name
	label  string // the value of the family's label
	le     string // the upper bound of a bucket
	value  float64
}

// exposition collects the series of all families for the text format. It takes a
// series once: a label value that comes back, perhaps because invalid UTF-8 reads
// alike, would make the whole text invalid.
type exposition map[family][]series

func (e exposition) add(f family, label string, v float64) {
	label = strings.ToValidUTF8(label, "?")
	if !slices.ContainsFunc(e[f], func(s series) bool { return s.label == label }) {
		e[f] = append(e[f], series{label: label, value: v})
	}
}

// text writes the families in the order of their names.
func (e exposition) text() []byte {
	families := make([]family, 0, len(e))
	for f := range e {
		families = append(families, f)
	}
	slices.SortFunc(families, func(a, b family) int { return strings.Compare(a.name, b.name) })
	var b bytes.Buffer
	for _, f := range families {
		b.WriteString("# HELP " + f.name + " " + escapeHelp.Replace(f.help) + "\n# TYPE " + f.name + " " + f.kind + "\n")
		all := e[f]
		slices.SortStableFunc(all, func(x, y series) int { return strings.Compare(x.label, y.label) })
		for _, s := range all {
			b.WriteString(f.name + s.suffix)
			switch {
			case f.label != "":
				b.WriteString("{" + f.label + `="` + escapeLabel.Replace(s.label) + `"}`)
			case s.le != "":
				b.WriteString(`{le="` + s.le + `"}`)
			}
			b.WriteString(" " + number(s.value) + "\n")
		}
	}
	return b.Bytes()
}

var (
	escapeHelp  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	escapeLabel = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
)

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// counter is a family of series that only grow.
type counter struct {
	family
	mu sync.Mutex
	n  map[string]float64 // by the value of the label
}

func newCounter(name, help, label string) *counter {
	return &counter{family: family{"ttpcron_" + name, help, "counter", label}, n: map[string]float64{}}
}

// add adds to the series of a label value. Adding 0 makes the series appear.
func (c *counter) add(label string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n[label] += float64(max(0, n))
}

func (c *counter) collect(e exposition) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for label, n := range c.n {
		e.add(c.family, label, n)
	}
}

// histogram counts observations by value.
type histogram struct {
	family
	bounds []float64 // ascending

	mu     sync.Mutex
	counts []uint64 // by the first bound that is not below the observation; the last has none
	sum    float64
}

func newHistogram(name, help string, bounds ...float64) *histogram {
	return &histogram{family: family{name: "ttpcron_" + name, help: help, kind: "histogram"}, bounds: bounds, counts: make([]uint64, len(bounds)+1)}
}

func (h *histogram) observe(v float64) {
	i, _ := slices.BinarySearch(h.bounds, v)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.counts[i]++
	h.sum += v
}

// collect gives the buckets as the format wants them: each counts what the ones
// before it count too.
func (h *histogram) collect(e exposition) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []series
	n := uint64(0)
	for i, count := range h.counts {
		n += count
		le := "+Inf"
		if i < len(h.bounds) {
			le = number(h.bounds[i])
		}
		all = append(all, series{suffix: "_bucket", le: le, value: float64(n)})
	}
	e[h.family] = append(all, series{suffix: "_sum", value: h.sum}, series{suffix: "_count", value: float64(n)})
}
