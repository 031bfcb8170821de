package page

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	dom "golang.org/x/net/html"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jsontext"
	"github.com/ttpcron/ttpcron/report"
)

// texts gives every string of a report another value, once.
func texts(r *report.Report, to func(string) string) {
	walk(reflect.ValueOf(r).Elem(), map[any]bool{}, to)
}

func walk(v reflect.Value, done map[any]bool, to func(string) string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(to(v.String()))
	case reflect.Pointer:
		if !v.IsNil() && !done[v.Interface()] {
			done[v.Interface()] = true
			walk(v.Elem(), done, to)
		}
	case reflect.Slice:
		for i := range v.Len() {
			if v.Type().Elem().Kind() != reflect.Uint8 {
				walk(v.Index(i), done, to)
			}
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() {
				walk(f, done, to)
			}
		}
	}
}

var anID = regexp.MustCompile(`^TA?[0-9]+(\.[0-9]+)?$`)

// isID reports whether a text is an id of ATT&CK, which the page looks up.
func isID(s string) bool { return anID.MatchString(s) }

// harmless gives each text a double that does nothing anywhere and is treated alike: as
// long, as fit for a shell, the same for the same text.
func harmless() func(string) string {
	doubles := map[string]string{}
	return func(s string) string {
		if s == "" || isID(s) || slices.Contains([]string{"worked", "failed", string(ttpcron.MarkResolver), string(ttpcron.MarkOwnNetwork)}, s) {
			return s
		}
		if d, has := doubles[s]; has {
			return d
		}
		fill := "x"
		if !plainWord(s) {
			fill = " "
		}
		d := fmt.Sprintf("d%d%s", len(doubles), fill)
		if len(d) < len(s) {
			d += strings.Repeat("y", len(s)-len(d))
		}
		doubles[s] = d
		return d
	}
}

// shape lists the elements of a page with their attributes, without those that may have
// text.
func shape(root *dom.Node) (list []string) {
	textual := map[string]bool{"title": true, "aria-label": true, "data-tactic": true, "content": true}
	for n := range root.Descendants() {
		if n.Type != dom.ElementNode {
			continue
		}
		line := strings.Repeat(" ", depth(n)) + n.Data
		for _, a := range n.Attr {
			line += " " + a.Key
			if !textual[a.Key] {
				line += "=" + a.Val
			}
		}
		list = append(list, line)
	}
	return list
}

func depth(n *dom.Node) (d int) {
	for range n.Ancestors() {
		d++
	}
	return d
}

func attribute(n *dom.Node, key string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val, true
		}
	}
	return "", false
}

// textOf is the text of an element, without the note about what was left out.
func textOf(n *dom.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if as, _ := attribute(c.Parent, "class"); c.Type == dom.TextNode && as != "cut" {
			b.WriteString(c.Data)
		}
	}
	return b.String()
}

// may are the attributes that an element may have and whose values the program decides.
var may = map[string]bool{}

func init() {
	for _, a := range strings.Fields(`aria-hidden aria-label aria-labelledby aria-live aria-pressed aria-current autocomplete charset class content
		data-a data-axis data-bottom data-d data-f data-h data-js data-l data-left data-o data-right data-s data-scale data-t data-table data-tactic
		data-top data-v data-x d datetime dir for form height hidden href http-equiv id lang list name placeholder rel role rx scope spellcheck tabindex
		title type value viewBox width x y data-kind open`) {
		may[a] = true
	}
}

// check checks what must be true of every page, and returns it parsed.
func check(t testing.TB, page string) *dom.Node {
	t.Helper()
	root, err := dom.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	ids, scripts, styles, elements := map[string]bool{}, 0, 0, 0
	for n := range root.Descendants() {
		switch n.Type {
		case dom.CommentNode:
			t.Errorf("a comment: %q", n.Data)
		case dom.ElementNode:
			elements++
		default:
			continue
		}
		switch n.Data {
		case "script":
			scripts++
			checkScript(t, n)
		case "style":
			styles++
			if textOf(n) != style {
				t.Error("a style that is not the page's")
			}
		case "iframe", "object", "embed", "base", "link", "img", "template", "noscript", "foreignobject":
			t.Errorf("an element %s", n.Data)
		}
		for _, a := range n.Attr {
			if !may[a.Key] {
				t.Errorf("%s has an attribute %s", n.Data, a.Key)
			}
		}
		if id, has := attribute(n, "id"); has {
			if ids[id] {
				t.Errorf("two elements %s", id)
			}
			ids[id] = true
		}
	}
	if scripts != 2 || styles != 1 {
		t.Errorf("%d scripts and %d styles", scripts, styles)
	}
	if tags := startTags(page); tags != elements {
		t.Errorf("%d elements are written, %d are read: some are open or in a place where they cannot be", tags, elements)
	}
	checkLinks(t, root, ids)
	return root
}

func checkScript(t testing.TB, n *dom.Node) {
	t.Helper()
	text := textOf(n)
	if kind, _ := attribute(n, "type"); kind == "application/json" {
		if strings.ContainsAny(text, "<>&\u2028\u2029") || !json.Valid([]byte(text)) {
			t.Error("the data could be taken for something else")
		}
		return
	}
	if text != script {
		t.Error("a script that is not the page's")
	}
}

// byOneTechnique is the only filter that a link of the page has.
var byOneTechnique = regexp.MustCompile(`^technique=T[\d.]+$`)

func checkLinks(t testing.TB, root *dom.Node, ids map[string]bool) {
	t.Helper()
	for n := range root.Descendants() {
		for _, key := range []string{"aria-labelledby", "for", "list"} {
			to, has := attribute(n, key)
			for _, id := range strings.Fields(to) {
				if has && !ids[id] {
					t.Errorf("%s refers to %s, which is not there", n.Data, id)
				}
			}
		}
		to, has := attribute(n, "href")
		to, filter, _ := strings.Cut(to, "?")
		if filter != "" && !byOneTechnique.MatchString(filter) {
			t.Errorf("a link with the filter %s", filter)
		}
		switch id, inside := strings.CutPrefix(to, "#"); {
		case !has:
		case inside && !ids[id]:
			t.Errorf("a link to %s, which is not there", to)
		case !inside && !strings.HasPrefix(to, "https://attack.mitre.org/"):
			t.Errorf("a link to %s", to)
		}
	}
}

func startTags(page string) (n int) {
	z := dom.NewTokenizer(strings.NewReader(page))
	for {
		switch z.Next() {
		case dom.ErrorToken:
			return n
		case dom.StartTagToken, dom.SelfClosingTagToken:
			n++
		}
	}
}

// FuzzPage: no text in a report becomes anything but text. The page has the same elements
// and attributes as with harmless texts, and each text is read back unchanged.
func FuzzPage(f *testing.F) {
	for i, s := range hostile {
		f.Add(s, hostile[(i+5)%len(hostile)], strings.Repeat(s, 60), uint64(i))
	}
	f.Fuzz(func(t *testing.T, a, b, c string, pick uint64) {
		const most = 3000 // longer texts are the matter of TestBudgets
		choice := append(hostile, a, b, ttpcron.CutText(c, most), "", "plain-word", "T1059.004")
		rng := rand.New(rand.NewPCG(pick, 1))
		given := map[string]bool{}
		strange := func(s string) string {
			if rng.IntN(2) == 0 {
				s = choice[rng.IntN(len(choice))]
			}
			given[s] = true
			return s
		}
		r, double := sample(5, usual), sample(5, usual)
		texts(r, strange)
		rng = rand.New(rand.NewPCG(pick, 1))
		double2 := harmless()
		texts(double, func(s string) string { return double2(strange(s)) })

		root := check(t, written(t, r, Options{}))
		got, want := shape(root), shape(check(t, written(t, double, Options{})))
		for i := range max(len(got), len(want)) {
			if i >= len(got) || i >= len(want) || got[i] != want[i] {
				t.Fatalf("element %d is %q, and with harmless texts %q", i, slices.Concat(got, make([]string, i+1))[i], slices.Concat(want, make([]string, i+1))[i])
			}
		}
		back(t, root, given)
	})
}

// back checks that each shown text is one of the given ones.
func back(t *testing.T, root *dom.Node, given map[string]bool) {
	t.Helper()
	names, long := map[string]bool{}, map[string]bool{}
	for s := range given {
		names[jsontext.Clean(ttpcron.CutText(s, maxName))] = true
		long[jsontext.Clean(ttpcron.CutText(s, maxText))] = true
	}
	for n := range root.Descendants() {
		as, _ := attribute(n, "class")
		switch {
		case n.Type == dom.ElementNode && n.Data == "bdi" && !names[textOf(n)],
			n.Type == dom.ElementNode && as == "x" && !long[textOf(n)]:
			t.Errorf("%q is shown, which nobody gave", textOf(n))
		}
	}
}
