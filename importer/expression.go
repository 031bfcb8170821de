package importer

import (
	"regexp"
	"sync"
)

// expression is a regular expression that is compiled when it is first used: most commands
// of the program read no log, and compiling all of them would take longer than those run.
type expression struct {
	text string
	once sync.Once
	re   *regexp.Regexp
}

func newExpression(text string) *expression { return &expression{text: text} }

// compiled panics if the text is no regular expression.
func (e *expression) compiled() *regexp.Regexp {
	e.once.Do(func() { e.re = regexp.MustCompile(e.text) })
	return e.re
}

func (e *expression) Match(b []byte) bool                  { return e.compiled().Match(b) }
func (e *expression) MatchString(s string) bool            { return e.compiled().MatchString(s) }
func (e *expression) FindSubmatch(b []byte) [][]byte       { return e.compiled().FindSubmatch(b) }
func (e *expression) FindStringSubmatch(s string) []string { return e.compiled().FindStringSubmatch(s) }
func (e *expression) FindStringSubmatchIndex(s string) []int {
	return e.compiled().FindStringSubmatchIndex(s)
}
func (e *expression) FindSubmatchIndex(b []byte) []int       { return e.compiled().FindSubmatchIndex(b) }
func (e *expression) FindAllString(s string, n int) []string { return e.compiled().FindAllString(s, n) }
