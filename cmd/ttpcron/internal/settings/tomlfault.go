package settings

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// tomlError says why a config file is not TOML, in words for somebody who does not know
// the library that reads it.
type tomlError struct {
	line int
	text string
	hint string
}

func (e *tomlError) Error() string { return fmt.Sprintf("%s (line %d)", e.text, e.line) }

// tomlMistake is what makes the library refuse a file.
type tomlMistake struct {
	says []string // parts of what the library says
	text string   // %s: the key of the line
	hint string   // %s: the key of the line
}

var tomlMistakes = []tomlMistake{
	{[]string{"strings cannot have new lines", "U+000A in", "unterminated basic", "unterminated literal"}, "the quote of %s is not closed", `text ends on its own line with the quote that it began with: %s = "text"`},
	{[]string{"not terminated by"}, "the three quotes of %s are not closed", "text that began with three quotes ends with three"},
	{[]string{"array is incomplete", "expected ',' or ']'"}, "the list of %s has no comma between two values, or no ] at its end", `a list looks like this: %s = ["one", "two"]`},
	{[]string{"inline table"}, "the { of %s is not closed, or a comma is missing in it", "a table of its own is easier to read: [%s], with a line for each key"},
	{[]string{"to close table name"}, "the name of a table has no ] behind it", "such as [daemon]"},
	{[]string{"to close array table name"}, "the name of a table has no ]] behind it", "such as [[job]]"},
	{[]string{"expected '=' after key", "expected key", "at start of key"}, "this is neither KEY = VALUE nor a [table]", `such as log-level = "info"; # begins a comment`},
	{[]string{"invalid escape character", "need a character after"}, `a backslash means something in the text of %s`, `write \\ for a backslash, or use single quotes: %s = 'C:\logs'`},
	{[]string{"unicode escape", "hexadecimal digit", "escape sequence"}, `\u in the text of %s is followed by no character's number`, `write \\ for a backslash, or use single quotes: %s = 'text'`},
	{[]string{"invalid UTF-8"}, "the file is not UTF-8 here", "save it as UTF-8"},
	{[]string{"control character", "carriage return"}, "there is a control character here", "delete it; lines end with a newline"},
	{[]string{"already"}, "%s is there already", "keep one of the two; a table too may have its name only once"},
	{[]string{"expected newline", "strings must be quoted", "start of value", "expected keyword", "expected value", "not end of input", "expected number", "expected digit", "extra bytes", "extra characters"},
		"the value of %s is no text in quotes, number, true, false or list", `put text in plain quotes: %s = "text"`},
	{[]string{"too large"}, "the value of %s is too large a number", "numbers go up to 9223372036854775807"},
	{[]string{"leading zeroes", "digit", "float", "sign is not"}, "the value of %s is no number", `put text in quotes: %s = "text"`},
	{[]string{"date", "time", "colon", "hour", "minute", "second"}, "the value of %s is no date or time", `put text in quotes: %s = "text"`},
}

// explainTOML translates the library's message.
func explainTOML(text []byte, at *toml.DecodeError) error {
	line, _ := at.Position()
	said := strings.TrimPrefix(at.Error(), "toml: ")
	lines := bytes.Split(text, []byte("\n"))
	if strings.Contains(said, "not terminated by") {
		line = lastWith(lines, said[len(said)-3:], line)
	}
	key := keyNear(lines, line)
	for _, m := range tomlMistakes {
		for _, part := range m.says {
			if strings.Contains(said, part) {
				return &tomlError{line, filled(m.text, cmp.Or(key, "a key")), filled(m.hint, cmp.Or(key, "key"))}
			}
		}
	}
	return &tomlError{line, said, "ttpcron config --help says what a config file holds"}
}

func filled(text, key string) string { return strings.ReplaceAll(text, "%s", key) }

// lastWith is the last line that has a text in it, else the one given.
func lastWith(lines [][]byte, part string, otherwise int) int {
	for i := len(lines) - 1; i >= 0; i-- {
		if bytes.Contains(lines[i], []byte(part)) {
			return i + 1
		}
	}
	return otherwise
}

// maxKeyShown is how long a key in a message may be.
const maxKeyShown = 60

// keyNear is the key or table that a line sets, or the nearest line above it that sets
// one, as in a list of several lines.
func keyNear(lines [][]byte, line int) string {
	for i := min(line, len(lines)) - 1; i >= 0; i-- {
		l := string(bytes.TrimSpace(lines[i]))
		if table := strings.Trim(l, "[] "); strings.HasPrefix(l, "[") && table != "" && !strings.ContainsAny(table, `"',`) {
			return l[:min(len(l), maxKeyShown)]
		}
		key, _, ok := strings.Cut(l, "=")
		if key = strings.TrimSpace(key); ok && key != "" && len(key) <= maxKeyShown && !strings.ContainsAny(key, `"'#[ `) {
			return key
		}
	}
	return ""
}
