package page

import "testing"

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"<script>":      "&lt;script&gt;",
		`" onload="x`:   "&#34; onload=&#34;x",
		"a\u202eb":      `a\u202eb`,
		"\x1b[31m":      `\x1b[31m`,
		"\xff</script>": `\xff&lt;/script&gt;`,
		"line\nline":    `line\nline`,
		"`${x}` & 'y'":  "&#96;${x}&#96; &amp; &#39;y&#39;",
		"naïve 日本":      "naïve 日本",
	} {
		if got := string(appendText(nil, in)); got != want {
			t.Errorf("%q is written %s, want %s", in, got, want)
		}
	}
}

func TestElements(t *testing.T) {
	var h html
	h.el("td", class("num"), num("data-v", 3), flag("hidden", false), said("title", `"><b>`))
	h.with("a", "x", ref("t", 7))
	h.end()
	const want = `<td class="num" data-v="3" title="&#34;&gt;&lt;b&gt;"><a href="#t7">x</a></td>`
	if got := string(h.buf); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
