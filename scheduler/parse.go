package scheduler

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// ParseError says what is wrong with an expression, and where.
type ParseError struct {
	Expr   string
	Column int // of the byte in Expr, from 1
	Reason string
}

func (e *ParseError) Error() string {
	return fmt.Sprintf("schedule %.80q: column %d: %s", e.Expr, e.Column, e.Reason)
}

// The limits of an expression and of the interval of @every.
const (
	maxExpr  = 500
	minEvery = time.Second
	maxEvery = 366 * 24 * time.Hour
)

type field struct {
	name     string
	min, max int
	names    string // of the values from min, three letters each
}

var fields = []field{
	{"minute", 0, 59, ""},
	{"hour", 0, 23, ""},
	{"day of month", 1, 31, ""},
	{"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
	{"day of week", 0, 6, "sunmontuewedthufrisat"},
}

// descriptors are words for expressions.
var descriptors = map[string]string{
	"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
	"@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}

// Parse reads an expression: five fields (minute, hour, day of month, month, day
// of week), @every with a duration such as 5m, or @hourly, @daily (@midnight),
// @weekly, @monthly, @yearly (@annually). CRON_TZ=Europe/Berlin before it names
// a time zone, UTC without one. The error is a *[ParseError].
//
// A field is *, or numbers, ranges and steps joined by commas; months and days of the week
// have names of three letters. As in every cron, if neither day field is *, a day that fits
// either one counts.
//
// Everything is checked here, because the library's parser accepts expressions that never
// occur or mean nothing ("," or "*-5") and panics on some.
func Parse(expr string) (*Schedule, error) {
	p := parser{expr: expr}
	s, err := p.parse()
	if err != nil {
		return nil, err
	}
	s.expr = expr
	return s, nil
}

type parser struct{ expr string }

func (p *parser) errorf(at int, format string, args ...any) error {
	return &ParseError{p.expr, at + 1, fmt.Sprintf(format, args...)}
}

// word is a part of an expression and where it begins.
type word struct {
	text string
	at   int
}

func words(expr string) []word {
	var out []word
	start := -1
	for i := 0; i <= len(expr); i++ {
		blank := i == len(expr) || expr[i] == ' ' || expr[i] == '\t'
		switch {
		case blank && start >= 0:
			out = append(out, word{expr[start:i], start})
			start = -1
		case !blank && start < 0:
			start = i
		}
	}
	return out
}

func (p *parser) parse() (*Schedule, error) {
	if len(p.expr) > maxExpr {
		return nil, p.errorf(maxExpr, "longer than %d characters", maxExpr)
	}
	w := words(p.expr)
	s := &Schedule{zone: time.UTC}
	if len(w) > 0 {
		zone, ok := strings.CutPrefix(w[0].text, "CRON_TZ=")
		if !ok {
			zone, ok = strings.CutPrefix(w[0].text, "TZ=")
		}
		if ok {
			var err error
			if s.zone, err = p.zone(zone, w[0].at+len(w[0].text)-len(zone)); err != nil {
				return nil, err
			}
			w = w[1:]
		}
	}
	if len(w) == 0 {
		return nil, p.errorf(len(p.expr), "nothing says when; want five fields, @every 5m or @daily")
	}
	if w[0].text[0] == '@' {
		return p.descriptor(s, w)
	}
	return p.fields(s, w)
}

func (p *parser) zone(name string, at int) (*time.Location, error) {
	if name == "" {
		return nil, p.errorf(at, "the time zone is empty")
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		if _, none := time.LoadLocation("Europe/Berlin"); none != nil {
			return nil, p.errorf(at, "this machine knows no time zone by its name: install tzdata, or use UTC")
		}
		return nil, p.errorf(at, "unknown time zone %.60q", name)
	}
	return zone, nil
}

func (p *parser) descriptor(s *Schedule, w []word) (*Schedule, error) {
	if w[0].text == "@every" {
		return p.every(s, w[1:])
	}
	spec, ok := descriptors[w[0].text]
	if !ok {
		return nil, p.errorf(w[0].at, "unknown word %.20q; want @every, @hourly, @daily, @weekly, @monthly or @yearly", w[0].text)
	}
	if len(w) > 1 {
		return nil, p.errorf(w[1].at, "nothing may follow %s", w[0].text)
	}
	return s, p.compile(s, spec)
}

func (p *parser) every(s *Schedule, w []word) (*Schedule, error) {
	if len(w) == 0 {
		return nil, p.errorf(len(p.expr), "@every needs a duration such as 5m")
	}
	if len(w) > 1 {
		return nil, p.errorf(w[1].at, "nothing may follow the duration")
	}
	d, err := time.ParseDuration(w[0].text)
	switch {
	case err != nil:
		return nil, p.errorf(w[0].at, "%.40q is no duration; want one such as 90s, 5m or 1h30m", w[0].text)
	case d < minEvery || d > maxEvery:
		return nil, p.errorf(w[0].at, "%s is out of range, want 1s to 366 days", d)
	case d%time.Second != 0:
		return nil, p.errorf(w[0].at, "%s is no whole number of seconds", d)
	}
	s.every = d
	return s, nil
}

func (p *parser) fields(s *Schedule, w []word) (*Schedule, error) {
	for i := range w {
		if i == len(fields) {
			return nil, p.errorf(w[i].at, "a sixth field; there are five: minute, hour, day of month, month, day of week")
		}
		if err := p.field(fields[i], w[i]); err != nil {
			return nil, err
		}
	}
	if len(w) < len(fields) {
		return nil, p.errorf(len(p.expr), "the %s is missing; there are five fields: minute, hour, day of month, month, day of week", fields[len(w)].name)
	}
	texts := make([]string, len(w))
	for i := range w {
		texts[i] = w[i].text
	}
	return s, p.compile(s, strings.Join(texts, " "))
}

func (p *parser) field(f field, w word) error {
	at := w.at
	for item := range strings.SplitSeq(w.text, ",") {
		if err := p.item(f, item, at); err != nil {
			return err
		}
		at += len(item) + 1
	}
	return nil
}

// item checks a range with its step: *, 5, 1-5, */2, 1-5/2.
func (p *parser) item(f field, item string, at int) error {
	span, step, stepped := strings.Cut(item, "/")
	if stepped {
		n, err := strconv.ParseUint(step, 10, 16)
		if err != nil || n < 1 || int(n) > f.max {
			return p.errorf(at+len(span)+1, "%.20q is no step for the %s, want 1 to %d", step, f.name, f.max)
		}
	}
	if span == "*" || span == "?" && strings.HasPrefix(f.name, "day") {
		return nil
	}
	low, high, ranged := strings.Cut(span, "-")
	from, err := p.value(f, low, at)
	if err != nil || !ranged {
		return err
	}
	to, err := p.value(f, high, at+len(low)+1)
	if err == nil && to < from {
		err = p.errorf(at+len(low)+1, "the range ends at %s before it begins at %s", high, low)
	}
	return err
}

func (p *parser) value(f field, text string, at int) (int, error) {
	if len(text) == 3 && f.names != "" {
		if i := strings.Index(f.names, strings.ToLower(text)); i >= 0 && i%3 == 0 {
			return f.min + i/3, nil
		}
	}
	n, err := strconv.ParseUint(text, 10, 16)
	switch {
	case text == "":
		return 0, p.errorf(at, "a value of the %s is missing", f.name)
	case err != nil && f.names != "":
		return 0, p.errorf(at, "%.20q is no %s, want %d to %d or a name such as %s", text, f.name, f.min, f.max, f.names[:3])
	case err != nil:
		return 0, p.errorf(at, "%.20q is no %s, want %d to %d", text, f.name, f.min, f.max)
	case f.name == "day of week" && n == 7:
		return 0, p.errorf(at, "day of week 7 is out of range 0 to 6; Sunday is 0")
	case int(n) < f.min || int(n) > f.max:
		return 0, p.errorf(at, "%s %d is out of range %d to %d", f.name, n, f.min, f.max)
	}
	return int(n), nil
}

// compile gives a checked specification to the library, and refuses one that
// never occurs.
func (p *parser) compile(s *Schedule, spec string) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = p.errorf(0, "%v", r)
		}
	}()
	parsed, err := cron.ParseStandard(spec)
	if err != nil {
		return p.errorf(0, "%v", err)
	}
	times, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return p.errorf(0, "no schedule of times")
	}
	times.Location = time.UTC // civil time, see Schedule.Next
	s.times = times
	if s.civil(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return p.errorf(0, "there is no such day in any year")
	}
	return nil
}
