package mapping

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ncruces/go-strftime"

	"github.com/ttpcron/ttpcron"
)

// Error is a mistake in a description.
type Error struct {
	Key  string // such as "event[1].payload.url"; empty: the name of the format
	Text string
}

func (e *Error) Error() string {
	if e.Key == "" {
		return e.Text
	}
	return e.Key + ": " + e.Text
}

// isFormatName reports whether a text is a name of 2 to 32 small letters, digits and -.
func isFormatName(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (i == 0 || c != '-' && (c < '0' || c > '9')) {
			return false
		}
	}
	return len(s) >= 2 && len(s) <= 32
}

// Parse reads the table [format.NAME] of a config file, as a TOML library decodes it. It
// returns everything that is wrong with the table.
func Parse(name string, table map[string]any) (*Mapping, []*Error) {
	p := parser{m: &Mapping{Name: name, Title: name, Version: 1}}
	if !isFormatName(name) {
		p.fault("", "the name %q is not 2 to 32 small letters, digits and -, beginning with a letter", name)
	}
	p.format(table)
	text, err := json.Marshal(table)
	if err != nil {
		p.fault("", "has a number that is none: %v", err)
	}
	sum := sha256.Sum256(text)
	p.m.sum = hex.EncodeToString(sum[:6])
	return p.m, p.faults
}

// parser reads one description.
type parser struct {
	m       *Mapping
	faults  []*Error
	shared  map[string]any // the keys of the format
	payload map[string]any // the fields of every event that does not set them itself
	element *names         // of the list whose elements are being described; nil: of none
}

// maxFaults bounds the faults that are listed.
const maxFaults = 20

func (p *parser) fault(key, text string, args ...any) {
	if len(p.faults) < maxFaults {
		p.faults = append(p.faults, &Error{key, fmt.Sprintf(text, args...)})
	}
}

// keys returns the keys of a table in order, with - for _, and reports those that are not
// known.
func (p *parser) keys(at string, table map[string]any, known ...string) map[string]any {
	out := map[string]any{}
	for _, key := range slices.Sorted(maps.Keys(table)) {
		name := strings.ReplaceAll(key, "_", "-")
		switch {
		case !slices.Contains(known, name):
			if near := misspelt(name, known); near != "" {
				p.fault(join(at, key), "is not known; did you mean %s?", near)
			} else {
				p.fault(join(at, key), "is not known; known are %s", strings.Join(known, ", "))
			}
		case out[name] != nil:
			p.fault(join(at, key), "is there twice, with - and with _")
		default:
			out[name] = table[key]
		}
	}
	return out
}

func join(at, key string) string {
	if at == "" {
		return key
	}
	return at + "." + key
}

// common are the keys that a format sets for all its events, and an event for itself.
var common = []string{"time", "address", "session", "sensor", "id"}

func (p *parser) format(table map[string]any) {
	m := p.m
	keys := p.keys("", table, append([]string{"title", "version", "vantage", "recognised-by", "type", "richer", "richer-lacks", "whole-seconds", "with-text", "payload", "event"}, common...)...)
	if v, ok := keys["title"]; ok {
		if m.Title = p.str("title", v); len(m.Title) > maxTitle || !isShown(m.Title) {
			p.fault("title", "is not one line of up to %d bytes without control characters", maxTitle)
		}
	}
	if v, ok := keys["version"]; ok {
		if n, ok := v.(int64); ok && n > 0 && n < 1000 {
			m.Version = int(n)
		} else {
			p.fault("version", "is not a number from 1 to 999")
		}
	}
	if v, ok := keys["vantage"]; ok {
		switch p.str("vantage", v) {
		case ttpcron.VantageHoneypot.String():
		case ttpcron.VantageHost.String():
			m.Vantage = ttpcron.VantageHost
		default:
			p.fault("vantage", "is neither honeypot nor host")
		}
	}
	if v, ok := keys["whole-seconds"]; ok {
		m.WholeSeconds = p.boolean("whole-seconds", v)
	}
	if v, ok := keys["with-text"]; ok {
		m.WithText = p.boolean("with-text", v)
	}
	p.recognisedBy(keys["recognised-by"])
	if v, ok := keys["richer"]; ok {
		m.Richer = p.str("richer", v)
	}
	if v, ok := keys["richer-lacks"]; ok {
		for _, kind := range p.texts("richer-lacks", v) {
			m.Own = append(m.Own, ttpcron.SourceKind(kind))
		}
	}
	if v, ok := keys["type"]; ok {
		m.kind = p.places("type", v)
	}
	var base event
	p.shared = keys
	p.own("", keys, &base)
	if v, ok := keys["payload"]; ok {
		if p.payload, ok = v.(map[string]any); !ok {
			p.fault("payload", "is not a table of fields")
		}
	}
	events := tables(keys["event"])
	if len(events) == 0 {
		p.fault("event", "is missing: each [[format.%s.event]] says which records become events of which kind", m.Name)
	}
	if len(events) > maxEventTables {
		p.fault("event", "there are more than %d", maxEventTables)
		events = nil
	}
	for i, v := range events {
		at := fmt.Sprintf("event[%d]", i+1)
		if t, ok := v.(map[string]any); ok {
			p.event(at, t, base)
		} else {
			p.fault(at, "is not a table")
		}
	}
}

const (
	maxEventTables = 64
	maxTitle       = 200 // bytes
)

// isShown reports whether a text can be shown as it is.
func isShown(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// recognisedBy reads the conditions of the format's records: a table, or a list of tables of
// which a record has to meet one.
func (p *parser) recognisedBy(v any) {
	for _, v := range tablesOr(v) {
		var a alternative
		a.conditions, _ = p.conditions("recognised-by", v)
		some := false
		for _, c := range a.conditions {
			if !c.there && len(c.want) == 0 {
				continue
			}
			some = true
			first, _, dotted := strings.Cut(c.place.name, ".")
			hint := strconv.Quote(first)
			if dotted { // the member's own name may go on behind the dot
				hint = hint[:len(hint)-1]
			}
			a.hints = append(a.hints, []byte(hint))
		}
		if !some {
			p.fault("recognised-by", "names no member that a record must have, such as recognised-by = { eventid = \"adbhoney.*\" }")
		}
		p.m.recognised = append(p.m.recognised, a)
	}
}

// tablesOr returns a list of tables, or the only table.
func tablesOr(v any) []any {
	if all := tables(v); all != nil {
		return all
	}
	return []any{v}
}

// tables returns a list of tables, nil if the value is no list.
func tables(v any) []any {
	if list, is := v.([]map[string]any); is {
		all := []any{}
		for _, t := range list {
			all = append(all, t)
		}
		return all
	}
	all, _ := v.([]any)
	return all
}

// own reads the keys that formats and events have in common. An event inherits those that it
// lacks from its format.
func (p *parser) own(at string, keys map[string]any, e *event) {
	if v, ok := keys["time"]; ok {
		e.time, e.moment = p.time(join(at, "time"), v)
	}
	for _, one := range []struct {
		key string
		to  **value
	}{{"address", &e.address}, {"session", &e.session}, {"sensor", &e.sensor}, {"id", &e.id}} {
		if v, ok := keys[one.key]; ok {
			own := p.value(join(at, one.key), v)
			*one.to = &own
		}
	}
	if e.session != nil {
		p.m.remembers = true
	}
}

func (p *parser) event(at string, table map[string]any, base event) {
	keys := p.keys(at, table, append([]string{"kind", "when", "unless", "each", "numbered", "payload"}, common...)...)
	e := base
	if v, ok := keys["each"]; ok {
		name := p.str(join(at, "each"), v)
		e.each = &place{name: name, record: p.slot(join(at, "each"), &p.m.names, name)}
		p.element = &e.names
		defer func() { p.element = nil }()
		faults := p.faults // that the format's own keys have were found before
		p.own("", p.shared, &e)
		p.faults = faults
	}
	p.own(at, keys, &e)
	e.kind = ttpcron.SourceKind(p.str(join(at, "kind"), keys["kind"]))
	if err := e.kind.Validate(); err != nil || e.kind == ttpcron.Correlation {
		p.fault(join(at, "kind"), "%q is not a kind of event, such as command or auth_attempt", e.kind)
	} else if near := misspeltKind(e.kind); near != "" {
		p.fault(join(at, "kind"), "%q is not a kind that ttpcron knows; did you mean %s?", e.kind, near)
	}
	var when, unless string
	e.when, when = p.conditions(join(at, "when"), keys["when"])
	for _, v := range tablesOr(keys["unless"]) {
		conditions, text := p.conditions(join(at, "unless"), v)
		if conditions != nil {
			e.unless = append(e.unless, conditions)
		}
		if unless != "" && text != "" {
			unless += ", not "
		}
		unless += text
	}
	e.summary = summary(e.each, when, unless)
	if e.time == nil {
		p.fault(join(at, "time"), "is missing, here and in the format")
	}
	if v, ok := keys["numbered"]; ok {
		e.numbered = p.boolean(join(at, "numbered"), v)
	}
	payload, ok := keys["payload"].(map[string]any)
	if !ok && (keys["payload"] != nil || p.payload == nil) {
		p.fault(join(at, "payload"), "is not a table of fields")
	}
	if p.payload != nil {
		own := payload
		payload = maps.Clone(p.payload)
		maps.Copy(payload, own)
	}
	for _, name := range slices.Sorted(maps.Keys(payload)) {
		if !isFieldName(name) {
			p.fault(join(at, "payload."+name), "is not a name of letters, digits and _")
		}
		e.payload = append(e.payload, field{name, p.value(join(at, "payload."+name), payload[name])})
	}
	p.check(at, &e)
	p.m.events = append(p.m.events, e)
}

// isFieldName reports whether a text is a name of up to 64 letters, digits and _.
func isFieldName(s string) bool {
	for i := range len(s) {
		if c := s[i] | 0x20; (c < 'a' || c > 'z') && s[i] != '_' && (i == 0 || s[i] < '0' || s[i] > '9') {
			return false
		}
	}
	return len(s) > 0 && len(s) <= 64
}

func summary(each *place, when, unless string) string {
	var all []string
	if each != nil {
		all = append(all, "each of "+each.name)
	}
	if when != "" {
		all = append(all, when)
	}
	if unless != "" {
		all = append(all, "not "+unless)
	}
	return strings.Join(all, ", ")
}

// slot returns the slot of a name.
func (p *parser) slot(at string, n *names, name string) int {
	if name == "" || len(name) > 256 || strings.Count(name, ".") > maxPath || !isShown(name) {
		p.fault(at, "%.80q is not the name of a member, or has more than %d dots", name, maxPath)
		return n.slotOf("?")
	}
	if n.count >= maxNames && n.at[name] == 0 {
		p.fault(at, "more than %d members are used", maxNames)
		return n.slotOf("?")
	}
	return n.slotOf(name)
}

// place returns where a name is looked for.
func (p *parser) place(at, name string) place {
	where := place{name: name}
	if p.element != nil {
		where.element = p.slot(at, p.element, name)
	}
	if name != itself {
		where.record = p.slot(at, &p.m.names, name)
	} else if p.element == nil {
		p.fault(at, `"." is an element of a list, and there is no each`)
	}
	return where
}

// places reads a name, or a list of names. Of a list, the first that the record has counts.
func (p *parser) places(at string, v any) (all []place) {
	switch v := v.(type) {
	case string:
		return []place{p.place(at, v)}
	case []any:
		for _, one := range v {
			all = append(all, p.place(at, p.str(at, one)))
		}
		if len(all) > 0 {
			return all
		}
	}
	p.fault(at, "is not the name of a member, and not a list of names")
	return []place{{name: "?"}}
}

// value reads what a value is made from: a name, a list of names, or a table.
func (p *parser) value(at string, v any) (out value) {
	table, ok := v.(map[string]any)
	if !ok {
		out.from = p.places(at, v)
		return out
	}
	keys := p.keys(at, table, "from", "join", "value", "decode", "match", "part", "cut-prefix", "cut-suffix", "lower", "missing", "milliseconds", "map", "default", "last")
	sources := 0
	if v, ok := keys["from"]; ok {
		out.from = p.places(join(at, "from"), v)
		sources++
	}
	if v, ok := keys["join"]; ok {
		out.join = p.places(join(at, "join"), v)
		sources++
	}
	if v, ok := keys["value"]; ok {
		out.constant = p.constant(join(at, "value"), v)
		sources++
	}
	if sources != 1 {
		p.fault(at, "has to have one of from, join and value")
	}
	out.decode = p.choice(join(at, "decode"), keys["decode"], decodeBase64, decodeHex)
	if v, ok := keys["match"]; ok {
		out.match = p.pattern(join(at, "match"), v)
	}
	out.part = p.choice(join(at, "part"), keys["part"], partHost, partPort)
	if v, ok := keys["cut-prefix"]; ok {
		out.cutPrefix = p.str(join(at, "cut-prefix"), v)
	}
	if v, ok := keys["cut-suffix"]; ok {
		out.cutSuffix = p.str(join(at, "cut-suffix"), v)
	}
	if v, ok := keys["lower"]; ok {
		out.lower = p.boolean(join(at, "lower"), v)
	}
	if v, ok := keys["missing"]; ok {
		out.missing = p.texts(join(at, "missing"), v)
	}
	if v, ok := keys["milliseconds"]; ok {
		out.milliseconds = p.boolean(join(at, "milliseconds"), v)
	}
	if v, ok := keys["last"]; ok {
		if out.last = p.boolean(join(at, "last"), v); p.element == nil {
			p.fault(join(at, "last"), "is for the elements of a list, and there is no each")
		}
	}
	if v, ok := keys["default"]; ok {
		out.otherwise = p.constant(join(at, "default"), v)
	}
	if v, ok := keys["map"]; ok {
		out.changes = map[string]ttpcron.Field{}
		changes, ok := v.(map[string]any)
		if !ok || len(changes) == 0 {
			p.fault(join(at, "map"), "is not a table of texts and what they become")
		}
		for from, to := range changes {
			if c := p.constant(join(at, "map."+from), to); c != nil {
				out.changes[from] = *c
			}
		}
	}
	if (out.works() || out.missing != nil) && out.from == nil && sources == 1 {
		p.fault(at, "only what comes from a member can be changed")
	}
	return out
}

const (
	// maxPattern bounds the length of a regular expression.
	maxPattern = 1024
	// maxSteps bounds what a regular expression may have to do for each byte of a text:
	// (?:a?){1000} takes microseconds.
	maxSteps = 300
)

// pattern reads a regular expression.
func (p *parser) pattern(at string, v any) *regexp.Regexp {
	text := p.str(at, v)
	if len(text) > maxPattern {
		p.fault(at, "is longer than %d bytes", maxPattern)
		return nil
	}
	re, err := regexp.Compile(text)
	if err != nil {
		p.fault(at, "%v", err)
		return nil
	}
	if stepsOf(text) > maxSteps {
		p.fault(at, "would take too long for a long text: it repeats too much, such as in {100}")
	}
	return re
}

// stepsOf returns how many steps a regular expression may take for a byte.
func stepsOf(pattern string) int {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return 0
	}
	program, err := syntax.Compile(re.Simplify())
	if err != nil {
		return 0
	}
	return len(program.Inst)
}

// constant reads a value that is always the same.
func (p *parser) constant(at string, v any) *ttpcron.Field {
	switch v := v.(type) {
	case string:
		return &ttpcron.Field{Text: v}
	case bool:
		return &ttpcron.Field{Raw: json.RawMessage(strconv.FormatBool(v))}
	case int64:
		return &ttpcron.Field{Raw: json.RawMessage(strconv.FormatInt(v, 10))}
	}
	p.fault(at, "is not a text, a whole number, true or false")
	return &ttpcron.Field{}
}

func (p *parser) choice(at string, v any, of ...string) string {
	if v == nil {
		return ""
	}
	s := p.str(at, v)
	if !slices.Contains(of, s) {
		p.fault(at, "is %q, want %s", s, strings.Join(of, " or "))
	}
	return s
}

func (p *parser) str(at string, v any) string {
	s, ok := v.(string)
	if !ok || s == "" {
		p.fault(at, "is not a text in quotes")
	}
	return s
}

// texts reads a list of texts and numbers.
func (p *parser) texts(at string, v any) (all []string) {
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		p.fault(at, "is not a list of texts")
	}
	for _, one := range list {
		all = append(all, p.wanted(at, one))
	}
	return all
}

func (p *parser) boolean(at string, v any) bool {
	b, ok := v.(bool)
	if !ok {
		p.fault(at, "is neither true nor false")
	}
	return b
}

// zoneOfInput is what a description writes for a zone that is set for the input.
const zoneOfInput = "input"

// time reads where a time comes from and how it is written.
func (p *parser) time(at string, v any) (*value, moment) {
	how := moment{zone: time.UTC}
	table, ok := v.(map[string]any)
	if !ok {
		return &value{from: p.places(at, v)}, how
	}
	keys := p.keys(at, table, "from", "format", "zone")
	switch v := keys["format"].(type) {
	case nil:
	case string:
		how.layouts = []string{p.layout(join(at, "format"), v)}
	case []any:
		for _, one := range v {
			how.layouts = append(how.layouts, p.layout(join(at, "format"), p.str(join(at, "format"), one)))
		}
	default:
		p.fault(join(at, "format"), "is not a text, and not a list of texts")
	}
	if v, ok := keys["zone"]; ok {
		name := p.str(join(at, "zone"), v)
		if name == zoneOfInput {
			how.zone, p.m.NeedsZone = nil, true
		} else if zone, err := time.LoadLocation(name); err != nil || name == "Local" {
			p.fault(join(at, "zone"), "%q is not a time zone; want a name such as Europe/Berlin, or %q", name, zoneOfInput)
		} else {
			how.zone = zone
		}
	}
	return &value{from: p.places(join(at, "from"), keys["from"])}, how
}

// layout turns a format of strftime(3) into a layout of Go's package time.
func (p *parser) layout(at, format string) string {
	layout, err := strftime.Layout(format)
	switch {
	case err != nil:
		p.fault(at, "%q cannot be read: it may have the conversions of strftime(3) that name a date, a time of day or a zone, such as %%Y-%%m-%%d %%H:%%M:%%S; seconds since 1970 need no format", format)
	case !strings.Contains(layout, "2006") && !strings.Contains(layout, "06"):
		p.fault(at, "%q has no year", format)
	}
	return layout
}

// conditions reads a table of members and what they must say: a text, in which * stands
// for any text, a list of texts, a number, or true or false for there and not there.
func (p *parser) conditions(at string, v any) (all []condition, text string) {
	if v == nil {
		return nil, ""
	}
	table, ok := v.(map[string]any)
	if !ok || len(table) == 0 {
		p.fault(at, "is not a table of members and what they must say")
		return nil, ""
	}
	var texts []string
	for _, name := range slices.Sorted(maps.Keys(table)) {
		key := join(at, name)
		c := condition{place: p.place(key, name)}
		switch v := table[name].(type) {
		case bool:
			if c.there = v; v {
				texts = append(texts, name)
			} else {
				texts = append(texts, "no "+name)
			}
		case []any:
			var wanted []string
			for _, one := range v {
				s := p.wanted(key, one)
				c.want, wanted = append(c.want, newPattern(s)), append(wanted, quoted(s))
			}
			if len(v) == 0 {
				p.fault(key, "is an empty list")
			}
			texts = append(texts, name+" = "+strings.Join(wanted, " or "))
		default:
			s := p.wanted(key, v)
			c.want = []pattern{newPattern(s)}
			texts = append(texts, name+" = "+quoted(s))
		}
		all = append(all, c)
	}
	return all, strings.Join(texts, ", ")
}

// quoted quotes a text that could be mistaken for something else.
func quoted(s string) string {
	if s == "" || strings.ContainsAny(s, " ,=\"") || !isShown(s) {
		return strconv.Quote(s)
	}
	return s
}

func (p *parser) wanted(at string, v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	}
	p.fault(at, "is not a text, a number, a list of them, true or false")
	return ""
}
