package tagger

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp/syntax"
	"slices"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron"
)

// TestSigmaRulesFire: every Sigma rule that loads fires on events made from its own
// selections. For each way in which its condition can hold, and for each value in its
// lists, the described process is written as a command. TTPCRON_SIGMA_RULES names a folder
// of other rules, such as a checkout of SigmaHQ's.
func TestSigmaRulesFire(t *testing.T) {
	folder, least := "testdata/sigma", 45
	if dir := os.Getenv("TTPCRON_SIGMA_RULES"); dir != "" {
		folder, least = dir, 1
	}
	rs, report := Load(Options{Releases: sigmaReleases, Folders: []Folder{{Name: folder, FS: os.DirFS(folder)}}})
	rules, events, silent := 0, 0, 0
	for _, p := range report.Problems {
		t.Log(p)
	}
	for _, d := range rs.defs {
		if sigma, err := holdsDetection(os.DirFS(folder), d.File); err != nil || !sigma {
			continue
		}
		rules++
		if len(d.Claims) == 0 { // what it matches is asked for all the same
			silent++
			copied := *d
			copied.Claims = []ttpcron.Claim{{RuleID: d.ID, TechniqueID: "T1059", Tactic: "TA0002", Confidence: 1}}
			d = &copied
		}
		n, missed := firesOnItself(byItself(d).Tagger(nil), d)
		events += n
		if n == 0 {
			t.Errorf("%s: no event could be made of its selections", d.File)
		}
		for _, text := range missed {
			t.Errorf("%s does not fire on %q", d.File, text)
		}
	}
	t.Logf("%d rules, %d of them silent, %d events", rules, silent, events)
	if rules < least {
		t.Errorf("only %d rules", rules)
	}
}

func holdsDetection(folder fs.FS, name string) (bool, error) {
	data, err := fs.ReadFile(folder, name)
	return strings.Contains(string(data), "\ndetection:"), err
}

// firesOnItself returns how many events could be made from a rule's selections, and those
// that the rule misses.
func firesOnItself(c *Composite, d *definition) (made int, missed []string) {
	seen := map[string]bool{}
	for _, way := range waysOf(d.match, true) {
		for nth := range mostValues(way) {
			w, ok := wishFor(way, nth)
			if !ok {
				continue
			}
			for _, texts := range w.events() {
				fires, id := false, fmt.Sprint(texts, w.payload)
				if seen[id] {
					continue
				}
				seen[id] = true
				for _, text := range texts {
					e := ttpcron.Event{Kind: ttpcron.Command, ID: "1", AttackerIP: "203.0.113.1", Payload: ttpcron.TextPayload("command_text", text)}
					for name, value := range w.payload {
						e.Payload.Set(name, value)
					}
					tags, _ := c.Tag(&e, nil)
					fires = fires || len(tags) > 0
				}
				if made++; !fires {
					missed = append(missed, texts[0])
				}
			}
		}
	}
	return made, missed
}

// atom is a test that must hold, or must not.
type atom struct {
	test fieldTest
	want bool
}

// maxWays bounds the ways to satisfy one condition.
const maxWays = 64

// waysOf lists the ways in which a condition gets the wanted result.
func waysOf(c condition, want bool) [][]atom {
	every := func(list []condition, want bool) [][]atom {
		ways := [][]atom{nil}
		for _, sub := range list {
			var next [][]atom
			for _, more := range waysOf(sub, want) {
				for _, way := range ways {
					next = append(next, slices.Concat(way, more))
				}
			}
			ways = next[:min(len(next), maxWays)]
		}
		return ways
	}
	either := func(list []condition, want bool) (ways [][]atom) {
		for _, sub := range list {
			ways = append(ways, waysOf(sub, want)...)
		}
		return ways[:min(len(ways), maxWays)]
	}
	switch c := c.(type) {
	case allOf:
		if want {
			return every(c, true)
		}
		return either(c, false)
	case anyOf:
		if want {
			return either(c, true)
		}
		return every(c, false)
	case noneOf:
		if want {
			return every(c, false)
		}
		return either(c, true)
	case fieldTest:
		return [][]atom{{{c, want}}}
	}
	panic(fmt.Sprintf("a Sigma rule holds %T", c))
}

// mostValues is the length of a way's longest list of values.
func mostValues(way []atom) int {
	most := 1
	for _, a := range way {
		if a.want {
			t := a.test.test
			most = max(most, len(t.equals), len(t.contains), len(t.startsWith), len(t.endsWith), len(t.globs), len(t.patterns))
		}
	}
	return most
}

// wanted is what one field must satisfy.
type wanted struct {
	equal, begin, end []string
	within            []string
	absent            bool
	asked             bool
}

func nthOf[T any](list []T, n int) T { return list[n%len(list)] }

// add adds what the nth values of a test require.
func (w *wanted) add(t *valueTest, nth int) bool {
	w.asked = true
	if len(t.equals) > 0 {
		w.equal = append(w.equal, nthOf(t.equals, nth))
	}
	if len(t.startsWith) > 0 {
		w.begin = append(w.begin, nthOf(t.startsWith, nth))
	}
	if len(t.endsWith) > 0 {
		w.end = append(w.end, nthOf(t.endsWith, nth))
	}
	if len(t.contains) > 0 {
		w.within = append(w.within, nthOf(t.contains, nth))
	}
	w.within = append(w.within, t.containsAll...)
	if len(t.globs) > 0 {
		w.addGlob(nthOf(t.globs, nth))
	}
	if len(t.patterns) > 0 {
		re, err := syntax.Parse(nthOf(t.patterns, nth).String(), syntax.Perl)
		if err != nil {
			return false
		}
		w.within = append(w.within, sample(re.Simplify()))
	}
	return true
}

// addGlob adds a text that a glob matches.
func (w *wanted) addGlob(glob string) {
	before, after := strings.HasPrefix(glob, "*"), strings.HasSuffix(glob, "*") && !strings.HasSuffix(glob, `\*`)
	var out strings.Builder
	for i := 0; i < len(glob); i++ {
		switch c := glob[i]; {
		case c == '*' && (i == 0 || i == len(glob)-1):
		case c == '*' || c == '?':
			out.WriteByte('x')
		case c == '\\' && i+1 < len(glob):
			i++
			out.WriteByte(glob[i])
		default:
			out.WriteByte(c)
		}
	}
	text := out.String()
	switch {
	case before && after:
		w.within = append(w.within, text)
	case before:
		w.end = append(w.end, text)
	case after:
		w.begin = append(w.begin, text)
	default:
		w.equal = append(w.equal, text)
	}
}

// sample returns a text that an expression matches.
func sample(re *syntax.Regexp) string {
	var out strings.Builder
	switch re.Op {
	case syntax.OpLiteral:
		return string(re.Rune)
	case syntax.OpCharClass:
		if len(re.Rune) == 0 {
			return ""
		}
		for _, likely := range "x1 -/" {
			for i := 0; i+1 < len(re.Rune); i += 2 {
				if re.Rune[i] <= likely && likely <= re.Rune[i+1] {
					return string(likely)
				}
			}
		}
		return string(re.Rune[0])
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return "x"
	case syntax.OpCapture, syntax.OpPlus:
		return sample(re.Sub[0])
	case syntax.OpRepeat:
		for range re.Min {
			out.WriteString(sample(re.Sub[0]))
		}
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			out.WriteString(sample(sub))
		}
	case syntax.OpAlternate:
		return sample(re.Sub[0])
	}
	return out.String()
}

func longest(list []string) string {
	best := ""
	for _, s := range list {
		if len(s) > len(best) {
			best = s
		}
	}
	return best
}

var (
	closeGaps = []string{"", " ", "x", " x ", "x "}
	wideGaps  = []string{" ", "", " x ", "x ", "x"}
)

// values lists candidate texts for a wanted value, with gaps between their parts.
func (w *wanted) values(gaps []string) []string {
	if len(w.equal) > 0 {
		return w.equal[:1]
	}
	begin, end := longest(w.begin), longest(w.end)
	var within []string
	for _, s := range w.within {
		if !strings.Contains(begin, s) && !strings.Contains(end, s) && !slices.ContainsFunc(within, func(o string) bool { return strings.Contains(o, s) }) {
			within = append(within, s)
		}
	}
	var out []string
	for _, gap := range gaps {
		for _, list := range [][]string{within, reversed(within)} {
			parts := slices.Concat([]string{begin}, list, []string{end})
			parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" })
			text := joined(parts, gap)
			out = append(out, text, text+"x", text+" x", "x"+text, "x "+text)
		}
	}
	return out
}

// joined joins parts with a gap between them, but never adds a second blank.
func joined(parts []string, gap string) string {
	var out strings.Builder
	for i, p := range parts {
		if i > 0 && !(gap == " " && (strings.HasSuffix(parts[i-1], " ") || strings.HasPrefix(p, " "))) {
			out.WriteString(gap)
		}
		out.WriteString(p)
	}
	return out.String()
}

func reversed(list []string) []string {
	out := slices.Clone(list)
	slices.Reverse(out)
	return out
}

// wish is the process that a rule's author describes.
type wish struct {
	way                             []atom
	program                         string // as it is typed
	image, line                     string
	parent, parentImage, parentLine string
	text                            string // what keywords ask for
	payload                         map[string]string
	asks                            map[field]*wanted
}

// wishFor makes the process for a way, with the nth values of its lists.
func wishFor(way []atom, nth int) (*wish, bool) {
	w := &wish{way: way, payload: map[string]string{}, asks: map[field]*wanted{}}
	payload := map[string]*wanted{}
	for f := fieldImage; f < fieldCount; f++ {
		w.asks[f] = &wanted{}
	}
	w.asks[fieldText] = &wanted{}
	for _, a := range way {
		asks := w.asks[a.test.field.field]
		if a.test.field.field == fieldPayload {
			if asks = payload[a.test.field.name]; asks == nil {
				asks = &wanted{}
				payload[a.test.field.name] = asks
			}
		}
		switch {
		case a.test.test.empty():
			asks.absent = asks.absent || !a.want
			asks.asked = asks.asked || a.want
		case a.want && !asks.add(a.test.test, nth):
			return nil, false
		}
	}
	for name, asks := range payload {
		if asks.asked {
			text, ok := firstOf(asks.values(closeGaps), func(s string) bool { return w.passes(fieldPayload, name, s) })
			if !ok {
				return nil, false
			}
			w.payload[name] = text
		}
	}
	if asks := w.asks[fieldText]; asks.asked {
		var ok bool
		if w.text, ok = firstOf(asks.values(wideGaps), func(s string) bool { return w.passes(fieldText, "", s) }); !ok {
			return nil, false
		}
	}
	return w, w.own() && w.ofParent()
}

func firstOf(list []string, passes func(string) bool) (string, bool) {
	i := slices.IndexFunc(list, passes)
	if i < 0 {
		return "", false
	}
	return list[i], true
}

// passes reports whether a value satisfies what the way wants of the field.
func (w *wish) passes(f field, name, value string) bool {
	for _, a := range w.way {
		if a.test.field.field != f || a.test.field.name != name {
			continue
		}
		var ev evaluation
		ev.begin(value, nil)
		_, _, held := a.test.test.passes(&ev, fieldArgAny, value)
		if held = held && (value != "" || !a.test.test.empty()); held != a.want {
			return false
		}
	}
	return true
}

// own makes the image and line of the process.
func (w *wish) own() (ok bool) {
	w.program, w.image, w.line, ok = w.process(fieldImage, fieldCommandLine)
	return ok
}

func (w *wish) ofParent() (ok bool) {
	if !w.asks[fieldParentImage].asked && !w.asks[fieldParentCommandLine].asked {
		return w.passes(fieldParentImage, "", "") && w.passes(fieldParentCommandLine, "", "")
	}
	w.parent, w.parentImage, w.parentLine, ok = w.process(fieldParentImage, fieldParentCommandLine)
	return ok
}

// process makes a program, its path and its command line.
func (w *wish) process(image, line field) (program, path_, commandLine string, ok bool) {
	if w.asks[image].absent {
		commandLine, ok = firstOf(w.asks[line].values(wideGaps), func(s string) bool { return w.passes(line, "", s) })
		return "", "", commandLine, ok && w.passes(image, "", "")
	}
	images := []string{"/usr/bin/prog"}
	if w.asks[image].asked {
		images = nil
		for _, v := range w.asks[image].values(closeGaps) {
			v = strings.ReplaceAll(v, " ", "")
			images = append(images, "/usr/bin"+v, "/usr/bin/"+v, v, "/"+v, v+"/x")
		}
		images = slices.DeleteFunc(images, func(s string) bool {
			return !strings.HasPrefix(s, "/") || strings.HasSuffix(s, "/") || strings.Contains(s, "//") || !w.passes(image, "", s)
		})
	} else {
		for _, v := range w.asks[line].values(wideGaps) { // the line tells the program
			if first, _, _ := strings.Cut(v, " "); first != "" && !strings.ContainsAny(first, operators+"=") {
				images = append(images, imageOf(first))
			}
		}
	}
	bodies := []string{""}
	if w.asks[line].asked {
		bodies = w.asks[line].values(wideGaps)
	}
	for _, img := range images {
		programs := []string{img}
		if strings.HasPrefix(img, foundIn) && path.Base(img) == img[len(foundIn):] {
			programs = []string{path.Base(img), img}
		}
		for _, body := range bodies {
			for _, program := range programs {
				alone := program
				if command, is := wrapped[path.Base(program)]; is && image == fieldImage && body == "" {
					alone += command
				}
				for _, candidate := range []string{alone, body, program + body, program + " " + body, program + " x " + body} {
					candidate = strings.TrimRight(candidate, " ")
					if (candidate == program || strings.HasPrefix(candidate, program+" ")) && w.passes(image, "", img) && w.passes(line, "", candidate) {
						return program, img, candidate, true
					}
				}
			}
		}
	}
	return "", "", "", false
}

// wrapped is what goes between a wrapper and the command that it runs; parents has those
// that stay its parent.
var wrapped = map[string]string{
	"nohup": " ./x", "env": " ./x", "nice": " ./x", "doas": " ./x", "sudo": " ./x", "setsid": " ./x", "chroot": " /mnt ./x", "timeout": " 5 ./x", "flock": " /x ./x",
	"busybox": " ls", "stdbuf": " -o0 ./x", "strace": " ./x", "xargs": " ./x", "linux32": " ./x", "unshare": " ./x", "ionice": " ./x",
}

var parents = []string{"sudo", "doas", "xargs", "strace", "ltrace", "fakeroot", "watch", "runuser"}

const operators = "|;&<>()`$\"'\\{}*?#~!\n"

// events returns the events that the process is to be seen in. Of an event one of
// several texts suffices, which say the same.
func (w *wish) events() (out [][]string) {
	if w.asks[fieldImage].absent {
		return [][]string{{w.line}}
	}
	typed := w.program + rest(w.line[len(w.program):])
	switch {
	case w.parent != "":
		return [][]string{parented(w.parent, w.parentLine, typed)}
	case len(w.way) == 0, !w.asks[fieldImage].asked && !w.asks[fieldCommandLine].asked && w.text != "":
		return [][]string{{"echo " + w.text}}
	}
	if w.text != "" {
		typed += "; echo " + w.text
	}
	out = append(out, []string{typed})
	if w.text == "" {
		out = append(out, []string{"cd /tmp && " + typed}, []string{typed + " &"}, []string{"(" + typed + ")"})
		for around, parent := range map[string]string{"sudo ": "sudo", "nohup ": "", "timeout 5 ": "timeout", "env A=b nice ": ""} {
			if strings.HasPrefix(w.program, "-") || parent != "" && !(w.passes(fieldParentImage, "", imageOf(parent)) && w.passes(fieldParentCommandLine, "", around+w.line)) {
				continue
			}
			out = append(out, []string{around + typed})
		}
	}
	if !w.asks[fieldImage].asked && w.operates() {
		out = append(out, w.asText())
	}
	return out
}

// rest quotes the arguments of a line where a shell would not leave them alone.
func rest(line string) string {
	var out strings.Builder
	for i, word := range strings.Split(strings.TrimPrefix(line, " "), " ") {
		if i == 0 && line == "" {
			break
		}
		out.WriteByte(' ')
		if word == "" || strings.ContainsAny(word, operators) {
			word = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
		out.WriteString(word)
	}
	return out.String()
}

// operates reports whether the line has a pipe, list or redirection that the rule
// asks for.
func (w *wish) operates() bool {
	asks := w.asks[fieldCommandLine]
	return slices.ContainsFunc(slices.Concat(asks.equal, asks.begin, asks.end, asks.within), func(s string) bool { return strings.ContainsAny(s, "|;>&") })
}

// asText is the line as a typed text: the text after sh -c, if it begins with that.
func (w *wish) asText() []string {
	text := strings.TrimPrefix(strings.TrimPrefix(w.line, "sh -c "), "bash -c ")
	if text = strings.TrimSpace(text); strings.ContainsAny(text[:1], "|;&") {
		text = "x " + text
	}
	return []string{text}
}

// parented lists commands in which one program is started by another.
func parented(parent, parentLine, typed string) []string {
	args := rest(parentLine[len(parent):])
	quoted := "'" + strings.ReplaceAll(typed, "'", `'\''`) + "'"
	double := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(typed)
	inCode := func(code string) string {
		return "'" + strings.ReplaceAll(code, "'", `'\''`) + "'"
	}
	switch name := path.Base(parent); {
	case slices.Contains(parents, name):
		return []string{parent + args + " " + typed}
	case slices.Contains([]string{"sh", "bash", "dash", "zsh", "ksh", "ash"}, name):
		if strings.HasSuffix(args, " -c") {
			return []string{parent + args + " " + quoted}
		}
		return []string{parent + args + " <<'EOT'\n" + typed + "\nEOT"}
	case name == "find":
		return []string{parent + args + " . -exec " + typed + ` \;`}
	case name == "su", name == "script":
		return []string{parent + args + " -c " + quoted}
	case strings.HasPrefix(name, "python"):
		return []string{parent + args + " -c " + inCode(`import os; os.system("`+double+`")`)}
	case slices.Contains([]string{"perl", "ruby", "node", "lua", "awk", "gawk", "mawk"}, name):
		return []string{parent + args + " -e " + inCode(`system("`+double+`")`)}
	case name == "php":
		return []string{parent + args + " -r " + inCode(`system("`+double+`");`)}
	case name == "screen":
		return []string{parent + args + " -dm " + typed}
	case name == "docker", name == "podman":
		return []string{parent + args + " exec box " + typed}
	case name == "ssh":
		return []string{parent + args + " 192.0.2.1 " + quoted}
	}
	file := parent
	if !strings.Contains(file, "/") {
		file = imageOf(parent)
		if args == "" {
			parentLine = file
		}
	}
	return []string{
		"PAGER=" + quoted + " " + parent + args,
		"cat > " + file + " <<'EOT'\n#!/bin/sh\n" + typed + "\nEOT\n" + file + args,
	}
}
