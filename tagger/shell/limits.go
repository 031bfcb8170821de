package shell

// What the full parser may be given, measured with mvdan.cc/sh v3.14: it
// recurses for every opening bracket, keyword and backquote, its stack grows by
// 1 KiB a level, and some forms cost the square of the depth ("`a`" repeated
// 20,000 times: 200 ms; "(" 65,000 times: 2.8 s and 256 MiB). Under these bounds
// the worst text found takes 5 ms and 4 MiB. The bounds hold for a text and all
// its layers together.
const (
	maxParsed  = 256 << 10 // bytes
	maxTokens  = 16384     // blanks, operators, quotes, expansions
	maxOpeners = 256       // ( { [ ` and keywords that open something, in one text
	parseCost  = 16        // tokens that a text counts for besides its own: it makes room for words, 3 KiB
)

// tokenClass has the bytes that make the full parser allocate (1) or recurse (2).
var tokenClass = func() (t [256]uint8) {
	for _, c := range " \t\n;&|<>$'\"\\-+!~*?=,%/^" {
		t[c] = 1
	}
	for _, c := range "({[`" {
		t[c] = 2
	}
	return t
}()

// affordable reports whether the full parser may have the text, and accounts
// for it.
func (b *build) affordable(text string) bool {
	if b.parsed+len(text) > maxParsed {
		return false
	}
	tokens, openers := parseCost, 0
	start := true
	for i := 0; i < len(text); i++ {
		switch c := text[i]; tokenClass[c] {
		case 1:
			tokens++
			start = c != '-' && c != '=' && c != '/' && c != '$'
		case 2:
			tokens++
			openers++
			start = true
		default:
			if start && opensClause(text[i:]) {
				openers++
			}
			start = c == ')' || c == '}' || c == '\r'
		}
		if openers > maxOpeners || b.tokens+tokens > maxTokens {
			return false
		}
	}
	b.parsed += len(text)
	b.tokens += tokens
	return true
}

// opensClause reports whether the text begins with a keyword that contains other commands,
// or ends a chain of them.
func opensClause(s string) bool {
	n := 0
	for n < len(s) && n < 9 && s[n] >= 'a' && s[n] <= 'z' {
		n++
	}
	switch s[:n] {
	case "if", "elif", "while", "until", "for", "select", "case", "coproc", "time", "function":
		return true
	}
	return false
}
