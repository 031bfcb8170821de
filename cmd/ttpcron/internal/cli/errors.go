package cli

import "fmt"

// UsageError is a mistake in how the program was called or configured.
type UsageError struct {
	Text string
	Hint string // what to do instead; may be empty
}

// Error returns the text.
func (e *UsageError) Error() string { return e.Text }

// Usagef returns a usage error without a hint.
func Usagef(format string, args ...any) error { return &UsageError{Text: fmt.Sprintf(format, args...)} }

// Hinted is an error that knows what to do next.
type Hinted struct {
	Err  error
	Hint string
}

// Error returns the text of the error alone.
func (h Hinted) Error() string { return h.Err.Error() }

// Unwrap returns the error.
func (h Hinted) Unwrap() error { return h.Err }

// NoArgs refuses arguments of a command that has none.
func NoArgs(args []string) error {
	if len(args) > 0 {
		return Usage(fmt.Sprintf("unexpected argument %q", args[0]), "the command takes flags alone, such as --json; --help lists them")
	}
	return nil
}

// Usage returns a usage error that says what to do instead.
func Usage(text, hint string) *UsageError { return &UsageError{text, hint} }

// Hint returns an error that says what to do next.
func Hint(err error, hint string) error { return Hinted{err, hint} }
