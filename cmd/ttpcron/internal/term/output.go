package term

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/ttpcron/ttpcron/jsontext"
)

// Output is what a command prints to: data to standard output, everything else to
// standard error. Writes are gathered; Flush sends them.
type Output struct {
	Term Terminal // what standard output is
	Err  *Screen  // standard error

	w *bufio.Writer
}

// NewOutput returns an output to two streams. The environment helps to tell what
// each can show.
func NewOutput(stdout, stderr io.Writer, env map[string]string) *Output {
	return &Output{
		Term: NewTerminal(stdout, env), Err: &Screen{Term: NewTerminal(stderr, env), w: stderr},
		w: bufio.NewWriterSize(stdout, 64<<10),
	}
}

// Write adds to standard output. It implements io.Writer.
func (o *Output) Write(p []byte) (int, error) { return o.w.Write(p) }

// WriteString is Write for a string.
func (o *Output) WriteString(s string) (int, error) { return o.w.WriteString(s) }

// Flush sends what was gathered. An error of an earlier write is returned too.
func (o *Output) Flush() error { return o.w.Flush() }

// Note writes a line for people to standard error, below what has been printed.
func (o *Output) Note(format string, args ...any) {
	_ = o.w.Flush() // the last Flush returns the error
	fmt.Fprintf(o.Err, format+"\n", args...)
}

// Table prints what was gathered in a table, and forgets it: the next call goes on
// below.
func (o *Output) Table(t *Table) error { return t.Part(o, o.Term) }

// JSON prints a value as one line of JSON. All JSON that the program prints goes
// through here or through RawJSON.
func (o *Output) JSON(v any) error {
	var line bytes.Buffer
	enc := json.NewEncoder(&line)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	return o.RawJSON(line.Bytes())
}

// Either prints a value as JSON, or else a line for people.
func (o *Output) Either(asJSON bool, v any, format string, args ...any) error {
	if asJSON {
		return o.JSON(v)
	}
	_, err := fmt.Fprintf(o, format+"\n", args...)
	return err
}

// RawJSON prints JSON, with what [Clean] would escape written as \uXXXX.
func (o *Output) RawJSON(text []byte) error {
	_, err := o.w.Write(jsontext.AppendVisible(nil, text))
	return err
}
