package tagger

import (
	"fmt"
	"regexp"
	"strings"
)

// sigmaToken is a token of a Sigma condition: a parenthesis, a pipe, or a word, which may
// have wildcards.
var sigmaToken = regexp.MustCompile(`\s*([()|]|[^\s()|]+)`)

const maxSigmaTokens = 500

// sigmaExpr reads a condition over selections by recursive descent:
//
//	or  = and {"or" and}
//	and = not {"and" not}
//	not = ["not"] (name | "(" or ")" | ("1" | "any" | "all") "of" ("them" | name*))
type sigmaExpr struct {
	tokens     []string
	at         int
	depth      int
	selections map[string]condition
	order      []string // names of the selections, as written
	used       *int     // how often conditions of the rule have named a selection
}

// readSigmaExpr reads one condition of a rule. used counts for all conditions of the
// rule together, up to maxVisited.
func readSigmaExpr(text string, selections map[string]condition, order []string, used *int) (condition, error) {
	e := &sigmaExpr{selections: selections, order: order, used: used}
	for _, m := range sigmaToken.FindAllStringSubmatch(text, maxSigmaTokens+1) {
		e.tokens = append(e.tokens, m[1])
	}
	if len(e.tokens) > maxSigmaTokens {
		return nil, fmt.Errorf("more than %d words", maxSigmaTokens)
	}
	c, err := e.or()
	if err != nil {
		return nil, err
	}
	if e.at < len(e.tokens) {
		if e.tokens[e.at] == "|" {
			return nil, fmt.Errorf("aggregation (| %s) is not supported", shorten(strings.Join(e.tokens[e.at+1:], " "), 40))
		}
		return nil, fmt.Errorf("%q is not expected here", shorten(e.tokens[e.at], 40))
	}
	return c, nil
}

func (e *sigmaExpr) peek() string {
	if e.at < len(e.tokens) {
		return strings.ToLower(e.tokens[e.at])
	}
	return ""
}

func (e *sigmaExpr) take(word string) bool {
	if e.peek() != word {
		return false
	}
	e.at++
	return true
}

func (e *sigmaExpr) or() (condition, error) {
	var any anyOf
	for {
		c, err := e.and()
		if err != nil {
			return nil, err
		}
		any = append(any, c)
		if !e.take("or") {
			break
		}
	}
	if len(any) == 1 {
		return any[0], nil
	}
	return any, nil
}

func (e *sigmaExpr) and() (condition, error) {
	var all allOf
	for {
		c, err := e.not()
		if err != nil {
			return nil, err
		}
		all = append(all, c)
		if !e.take("and") {
			break
		}
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return all, nil
}

func (e *sigmaExpr) not() (condition, error) {
	if e.depth++; e.depth > maxNested {
		return nil, fmt.Errorf("nested deeper than %d", maxNested)
	}
	defer func() { e.depth-- }()
	if e.take("not") {
		c, err := e.not()
		if err != nil {
			return nil, err
		}
		return noneOf{c}, nil
	}
	if e.take("(") {
		c, err := e.or()
		if err == nil && !e.take(")") {
			err = fmt.Errorf("a parenthesis is not closed")
		}
		return c, err
	}
	return e.selection()
}

// selection reads the name of one selection, or "1 of" or "all of" several.
func (e *sigmaExpr) selection() (condition, error) {
	word := e.peek()
	if word == "" {
		return nil, fmt.Errorf("ends where a selection is expected")
	}
	name := e.tokens[e.at]
	if e.at+1 < len(e.tokens) && strings.EqualFold(e.tokens[e.at+1], "of") {
		return e.several(word)
	}
	e.at++
	c, ok := e.selections[name]
	if !ok {
		return nil, fmt.Errorf("there is no selection %q", shorten(name, 40))
	}
	return c, e.use(1)
}

func (e *sigmaExpr) several(quantity string) (condition, error) {
	if quantity != "1" && quantity != "any" && quantity != "all" {
		return nil, fmt.Errorf("%q of: only 1, any and all are supported", shorten(quantity, 20))
	}
	e.at += 2
	if e.at >= len(e.tokens) {
		return nil, fmt.Errorf("ends where a selection is expected")
	}
	glob := e.tokens[e.at]
	e.at++
	var list []condition
	for _, name := range e.order {
		if strings.EqualFold(glob, "them") && !strings.HasPrefix(name, "_") || sigmaNameMatches(glob, name) {
			list = append(list, e.selections[name])
		}
	}
	if err := e.use(len(list)); err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("no selection is called %q", shorten(glob, 40))
	}
	if quantity == "all" {
		return allOf(list), nil
	}
	return anyOf(list), nil
}

// use counts selections that a condition names: each is tried where it is named.
func (e *sigmaExpr) use(n int) error {
	if *e.used += n; *e.used > maxVisited {
		return fmt.Errorf("names selections more than %d times", maxVisited)
	}
	return nil
}

// sigmaNameMatches compares a selection's name with one that may have *.
func sigmaNameMatches(glob, name string) bool {
	parts := strings.Split(glob, "*")
	if len(parts) == 1 {
		return glob == name
	}
	if !strings.HasPrefix(name, parts[0]) {
		return false
	}
	name = name[len(parts[0]):]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(name, p)
		if i < 0 {
			return false
		}
		name = name[i+len(p):]
	}
	return strings.HasSuffix(name, parts[len(parts)-1])
}
