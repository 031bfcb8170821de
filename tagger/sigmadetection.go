package tagger

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"

	"go.yaml.in/yaml/v3"

	"github.com/ttpcron/ttpcron/tagger/correlation"
	"github.com/ttpcron/ttpcron/tagger/pattern"
)

// sigmaFields maps the fields of Sigma's process creation events.
var sigmaFields = map[string]fieldRef{
	"Image":             {field: fieldImage},
	"CommandLine":       {field: fieldCommandLine},
	"ParentImage":       {field: fieldParentImage},
	"ParentCommandLine": {field: fieldParentCommandLine},
	"User":              {field: fieldPayload, name: "user"},
	"CurrentDirectory":  {field: fieldPayload, name: "pwd"},
}

// sigmaAbsent are the fields of Sigma's process creation events that no shell text shows.
// They are absent from every event.
var sigmaAbsent = map[string]bool{
	"Company": true, "Description": true, "FileVersion": true, "GrandParentImage": true, "Hashes": true, "imphash": true, "Imphash": true,
	"IntegrityLevel": true, "LogonGuid": true, "LogonId": true, "md5": true, "OriginalFileName": true, "ParentProcessGuid": true,
	"ParentProcessId": true, "ParentUser": true, "ProcessGuid": true, "ProcessId": true, "Product": true, "Provider_Name": true,
	"sha1": true, "sha256": true, "TerminalSessionId": true, "UtcTime": true,
}

// sigmaDetection reads the selections and joins them by the condition.
func (r *ruleReader) sigmaDetection(n *yaml.Node) condition {
	selections := map[string]condition{}
	var order []string
	var conditions []string
	var at *yaml.Node
	for _, m := range r.members(n, "detection") {
		field := join("detection", m.key)
		switch m.key {
		case "condition":
			conditions, at = r.texts(m.value, field), m.value
		case "timeframe":
			r.problem(m.at, field, "is of Sigma's first version: several events are the matter of a document with correlation")
		default:
			if c := r.sigmaSelection(m.value, field, 0); c != nil {
				selections[m.key], order = c, append(order, m.key)
			}
		}
	}
	if r.refused() {
		return nil
	}
	if len(conditions) == 0 {
		r.problem(n, "detection.condition", "is missing")
		return nil
	}
	var any anyOf
	used := 0
	for _, text := range conditions {
		c, err := readSigmaExpr(text, selections, order, &used)
		if err != nil {
			r.problem(at, "detection.condition", "%v", err)
			return nil
		}
		any = append(any, c)
	}
	c := settled(any)
	if isNever(c) {
		r.problem(at, "detection.condition", "can never hold: %s", r.whyKnown())
	}
	if isAlways(c) {
		r.problem(at, "detection.condition", "holds of all %s: %s", r.events.name, r.whyKnown())
	}
	return c
}

// whyKnown says why the answer of a condition is known: which of the fields that it asks
// for are always absent.
func (r *ruleReader) whyKnown() string {
	switch len(r.absent) {
	case 0:
		return "a field of a process is absent (null) or has a text, never an empty one"
	case 1:
		return r.absent[0] + " is not shown by " + r.events.name
	}
	return strings.Join(r.absent, ", ") + " are not shown by " + r.events.name
}

// never and always are conditions whose answer is known.
var (
	never  = anyOf{}
	always = allOf{}
)

func isNever(c condition) bool {
	list, is := c.(anyOf)
	return is && len(list) == 0
}

func isAlways(c condition) bool {
	list, is := c.(allOf)
	return is && len(list) == 0
}

// settled simplifies a condition by its known parts.
func settled(c condition) condition {
	switch c := c.(type) {
	case allOf:
		var list allOf
		for _, sub := range c {
			switch sub = settled(sub); {
			case isNever(sub):
				return never
			case !isAlways(sub):
				list = append(list, sub)
			}
		}
		if len(list) == 1 {
			return list[0]
		}
		return list
	case anyOf:
		var list anyOf
		for _, sub := range c {
			switch sub = settled(sub); {
			case isAlways(sub):
				return always
			case !isNever(sub):
				list = append(list, sub)
			}
		}
		if len(list) == 1 {
			return list[0]
		}
		return list
	case noneOf:
		switch sub := settled(anyOf(c)); {
		case isNever(sub):
			return always
		case isAlways(sub):
			return never
		default:
			return noneOf{sub}
		}
	}
	return c
}

// sigmaSelection reads a mapping of fields, all of which must hold, a list, one of which
// must hold, or a keyword that may be anywhere in the text.
func (r *ruleReader) sigmaSelection(n *yaml.Node, field string, depth int) condition {
	n = r.visit(n)
	if depth > maxNested {
		r.problem(n, field, "nested deeper than %d", maxNested)
		return nil
	}
	switch n.Kind {
	case yaml.ScalarNode:
		if !r.keywords(n, field) {
			return nil
		}
		return r.sigmaTest(fieldRef{field: fieldText}, []string{"contains"}, []*yaml.Node{n}, field)
	case yaml.SequenceNode:
		var any anyOf
		for i, c := range n.Content {
			if c := r.sigmaSelection(c, index(field, i), depth+1); c != nil {
				any = append(any, c)
			}
		}
		if len(n.Content) == 0 {
			r.problem(n, field, "the list is empty")
		}
		return any
	}
	var all allOf
	for _, m := range r.members(n, field) {
		if c := r.sigmaField(m, join(field, m.key)); c != nil {
			all = append(all, c)
		}
	}
	if len(all) == 0 && !r.refused() {
		r.problem(n, field, "is empty: it would match everything")
	}
	return all
}

// sigmaField reads one field with its modifiers: Name|modifier|…: values.
func (r *ruleReader) sigmaField(m member, field string) condition {
	parts := strings.Split(m.key, "|")
	name, modifiers := parts[0], parts[1:]
	ref := fieldRef{field: fieldText}
	if name == "" {
		if !r.keywords(m.at, field) {
			return nil
		}
		if !slices.Contains(modifiers, "contains") && !slices.Contains(modifiers, "re") {
			modifiers = append([]string{"contains"}, modifiers...)
		}
	} else {
		var ok bool
		if ref, ok = r.events.field(name); !ok {
			return r.sigmaOther(m, name, modifiers, field)
		}
	}
	values := []*yaml.Node{m.value}
	if m.value.Kind == yaml.SequenceNode {
		values = m.value.Content
		if len(values) == 0 || len(values) > maxList {
			r.problem(m.value, field, "list of %d values, want 1 to %d", len(values), maxList)
			return nil
		}
	}
	return r.sigmaTest(ref, modifiers, values, field)
}

// keywords reports whether the events have a text to search for keywords.
func (r *ruleReader) keywords(n *yaml.Node, field string) bool {
	if !r.events.keywords {
		r.problem(n, field, "keywords are looked for in the text of events, and %s have none", r.events.name)
	}
	return r.events.keywords
}

// sigmaOther reads a test of a field that is none of the payload.
func (r *ruleReader) sigmaOther(m member, name string, modifiers []string, field string) condition {
	if r.events == sigmaLogins && slices.Contains(sigmaOutcomes, name) {
		return r.sigmaOutcome(m, modifiers, field)
	}
	if r.events != sigmaProcesses && correlation.OfEveryEvent(name) {
		r.problem(m.at, field, "%s is no part of the payload, and cannot be tested: correlations group by it", shorten(name, 40))
		return nil
	}
	return r.sigmaAbsent(m, name, modifiers, field)
}

// sigmaAbsent reads a test of a field that the events do not show: only a test for its
// absence holds.
func (r *ruleReader) sigmaAbsent(m member, name string, names []string, field string) condition {
	if !r.events.absent[name] {
		r.warning(m.at, field, "%q is no field of %s: it counts as absent", shorten(name, 40), r.events.usual)
	}
	if !slices.Contains(r.absent, name) {
		r.absent = append(r.absent, shorten(name, 40))
	}
	holds, negate, absent := false, slices.Contains(names, "neq"), true
	if slices.Contains(names, "exists") {
		holds = !r.boolean(m.value, field)
	} else {
		values := []*yaml.Node{m.value}
		if m.value.Kind == yaml.SequenceNode {
			values = m.value.Content
		}
		for _, n := range values {
			null := r.visit(n).Tag == "!!null"
			holds, absent = holds || null, absent && null
		}
		if slices.Contains(names, "all") {
			holds = absent
		}
	}
	if holds != negate {
		return always
	}
	return never
}

// Limits of the forms that modifiers give a value.
const (
	maxSigmaEncodings = 8
	maxSigmaForms     = 64
)

type sigmaModifiers struct {
	op     string // "", contains, startswith, endswith, re or exists
	flags  string // of a regular expression
	all    bool
	cased  bool
	negate bool
	encode []string // changes to the value, in order
}

func (r *ruleReader) sigmaModifiers(names []string, at *yaml.Node, field string) (m sigmaModifiers, ok bool) {
	for _, name := range names {
		switch name {
		case "contains", "startswith", "endswith", "re", "exists":
			if m.op != "" {
				r.problem(at, field, "modifiers %s and %s cannot stand together", m.op, name)
				return m, false
			}
			m.op = name
		case "all":
			m.all = true
		case "cased":
			m.cased = true
		case "neq":
			m.negate = true
		case "i", "m", "s":
			if m.op != "re" {
				r.problem(at, field, "modifier %s stands only after re", name)
				return m, false
			}
			m.flags += name
		case "ignorecase":
			m.flags += "i"
		case "multiline":
			m.flags += "m"
		case "dotall":
			m.flags += "s"
		case "windash", "base64", "base64offset", "wide", "utf16le", "utf16be", "utf16":
			if m.encode = append(m.encode, name); len(m.encode) > maxSigmaEncodings {
				r.problem(at, field, "more than %d modifiers that change a value", maxSigmaEncodings)
				return m, false
			}
		default:
			r.problem(at, field, "modifier %q is not supported", shorten(name, 40))
			return m, false
		}
	}
	if why := m.contradiction(); why != "" {
		r.problem(at, field, "%s", why)
		return m, false
	}
	return m, true
}

// contradiction says why modifiers cannot be combined.
func (m sigmaModifiers) contradiction() string {
	switch {
	case m.flags != "" && m.op != "re":
		return "modifiers of a regular expression stand only after re"
	case m.op == "re" && (len(m.encode) > 0 || m.cased):
		return "modifiers that change a value cannot stand with re"
	case m.op == "exists" && (len(m.encode) > 0 || m.cased || m.all):
		return "modifier exists cannot stand with others"
	}
	wide := -1
	for i, name := range m.encode {
		switch name {
		case "wide", "utf16le", "utf16be", "utf16":
			wide = i
		case "base64", "base64offset":
			wide = -1
		}
	}
	if wide >= 0 {
		return "modifier " + m.encode[wide] + " without base64 after it: commands hold no UTF-16"
	}
	return ""
}

// sigmaTest makes the condition that a field's values satisfy the modifiers.
func (r *ruleReader) sigmaTest(ref fieldRef, names []string, values []*yaml.Node, field string) condition {
	m, ok := r.sigmaModifiers(names, values[0], field)
	if !ok {
		return nil
	}
	if m.op == "exists" {
		want := r.boolean(values[0], field)
		c := condition(fieldTest{ref, &valueTest{}})
		if want == m.negate {
			c = noneOf{c}
		}
		return c
	}
	var list []condition
	for i, n := range values {
		n = r.visit(n)
		if n.Kind == yaml.ScalarNode && n.Tag == "!!null" && m.op == "" && ref.field != fieldText {
			list = append(list, noneOf{fieldTest{ref, &valueTest{}}}) // the field is absent
			continue
		}
		if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
			r.problem(n, field, "value %d is %s, want a text", i+1, kindOf(n))
			return nil
		}
		if n.Value == "" && m.op != "" {
			r.problem(n, field, "value %d is empty: it would match everything", i+1)
			return nil
		}
		if n.Value == "" && ref.field.ofProcess() {
			list = append(list, never)
			continue
		}
		t := r.sigmaValue(n, m, field)
		if t == nil {
			return nil
		}
		list = append(list, fieldTest{ref, t})
	}
	c := condition(anyOf(list))
	if m.all {
		c = allOf(list)
	} else if t := mergedTest(list); t != nil {
		c = fieldTest{ref, t}
	}
	if m.negate {
		c = noneOf{c}
	}
	return c
}

// mergedTest joins alternative tests of one field into a single test with a list, if they
// use only one operator.
func mergedTest(list []condition) *valueTest {
	if slices.ContainsFunc(list, func(c condition) bool { _, is := c.(fieldTest); return !is }) {
		return nil // a value that must be absent
	}
	first := list[0].(fieldTest).test
	out := &valueTest{
		equals: first.equals, contains: first.contains, containsAll: first.containsAll, startsWith: first.startsWith, endsWith: first.endsWith,
		globs: first.globs, patterns: first.patterns, not: first.not, ignoreCase: first.ignoreCase, countMin: first.countMin,
	}
	for _, c := range list[1:] {
		t := c.(fieldTest).test
		switch {
		case len(out.equals) > 0 && len(t.equals) > 0:
			out.equals = append(out.equals, t.equals...)
		case len(out.contains) > 0 && len(t.contains) > 0:
			out.contains = append(out.contains, t.contains...)
		case len(out.startsWith) > 0 && len(t.startsWith) > 0:
			out.startsWith = append(out.startsWith, t.startsWith...)
		case len(out.endsWith) > 0 && len(t.endsWith) > 0:
			out.endsWith = append(out.endsWith, t.endsWith...)
		default:
			return nil
		}
	}
	return out
}

func (r *ruleReader) sigmaValue(n *yaml.Node, m sigmaModifiers, field string) *valueTest {
	if m.op == "re" {
		expr := n.Value
		if m.flags != "" {
			expr = "(?" + m.flags + ")" + expr
		}
		p, err := pattern.Compile(expr)
		if err != nil {
			r.problem(n, field, "%s in %q", err, shorten(expr, 60))
			return nil
		}
		return &valueTest{patterns: []*pattern.Pattern{p}}
	}
	texts, err := encoded(n.Value, m.encode)
	if err != nil {
		r.problem(n, field, "%v", err)
		return nil
	}
	t := &valueTest{ignoreCase: !m.cased}
	for _, text := range texts {
		if t.ignoreCase {
			text = pattern.Fold(text) // as the command's value will be
		}
		plain, glob, wild := sigmaWildcards(text)
		switch {
		case wild:
			if m.op == "contains" || m.op == "endswith" {
				glob = "*" + glob
			}
			if m.op == "contains" || m.op == "startswith" {
				glob += "*"
			}
			t.globs = append(t.globs, glob)
		case m.op == "contains":
			t.contains = append(t.contains, plain)
		case m.op == "startswith":
			t.startsWith = append(t.startsWith, plain)
		case m.op == "endswith":
			t.endsWith = append(t.endsWith, plain)
		default:
			t.equals = append(t.equals, plain)
		}
	}
	return t
}

// sigmaWildcards reads a value of a Sigma rule. * and ? are wildcards unless a backslash
// is before them; a backslash is literal unless it is before one of * ? \. It returns the
// value without wildcards, and as a glob.
func sigmaWildcards(s string) (plain, glob string, wild bool) {
	var p, g strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\\' && i+1 < len(s) && strings.IndexByte(`*?\`, s[i+1]) >= 0:
			i++
			p.WriteByte(s[i])
			g.WriteByte('\\')
			g.WriteByte(s[i])
		case c == '*' || c == '?':
			wild = true
			g.WriteByte(c)
		case c == '\\' || c == '[':
			p.WriteByte(c)
			g.WriteByte('\\')
			g.WriteByte(c)
		default:
			p.WriteByte(c)
			g.WriteByte(c)
		}
	}
	return p.String(), g.String(), wild
}

// encoded applies modifiers that change a value; some give several forms of it.
func encoded(s string, modifiers []string) ([]string, error) {
	texts := []string{s}
	if slices.ContainsFunc(modifiers, func(m string) bool { return m != "windash" }) {
		plain, _, wild := sigmaWildcards(s)
		if wild {
			return nil, errors.New("a value with wildcards cannot be encoded")
		}
		texts[0] = plain
	}
	for _, m := range modifiers {
		var out []string
		for _, t := range texts {
			switch m {
			case "wide", "utf16le":
				out = append(out, utf16Bytes(t, binary.LittleEndian))
			case "utf16be":
				out = append(out, utf16Bytes(t, binary.BigEndian))
			case "utf16":
				out = append(out, "\xff\xfe"+utf16Bytes(t, binary.LittleEndian))
			case "base64":
				out = append(out, base64.StdEncoding.EncodeToString([]byte(t)))
			case "base64offset":
				out = append(out, base64Offsets(t)...)
			case "windash":
				for _, dash := range []string{"-", "/", "–", "—", "―"} {
					out = append(out, withDash(t, dash))
				}
			}
		}
		slices.Sort(out)
		if texts = slices.Compact(out); len(texts) > maxSigmaForms {
			return nil, fmt.Errorf("modifiers make %d forms of a value, at most %d are allowed", len(texts), maxSigmaForms)
		}
	}
	return texts, nil
}

func utf16Bytes(s string, order binary.AppendByteOrder) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = order.AppendUint16(b, u)
	}
	return string(b)
}

// base64Offsets returns what the base64 form of any text that contains s must contain.
// That depends on where in a group of three bytes s begins.
func base64Offsets(s string) []string {
	out := make([]string, 0, 3)
	for shift := range 3 {
		enc := base64.StdEncoding.EncodeToString(append(make([]byte, shift), s...))
		begin := []int{0, 2, 3}[shift]
		end := len(enc) - []int{0, 3, 2}[(len(s)+shift)%3]
		if begin < end {
			out = append(out, enc[begin:end])
		}
	}
	return out
}

// withDash replaces the dash of every option in s.
func withDash(s, dash string) string {
	var b strings.Builder
	for i := range len(s) {
		if s[i] == '-' && (i == 0 || s[i-1] == ' ') {
			b.WriteString(dash)
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
