// Package control lets processes of one machine use what one of them has open: through a
// [Server] behind a unix socket, which knows who calls, and a [Client].
//
// Start with a list of [Method] values, which both sides share. The server then uses
// [Listen], [NewServer] and each method's Serve; the client uses [Dial] and each method's
// Call. A call is an HTTP POST to /v1/NAME that carries one value, encoded by encoding/gob,
// and gets a value or an error with its kind back. Both are read whole before they are
// used, so a caller that is slow, asleep or gone holds only a connection, and not for long.
// Unbounded lists are read in pages.
//
// The server takes calls only from its own user, root and members of the socket's group.
// They may do everything that the registered methods do. Limits keep any one of them from
// using up the server's memory or connections.
package control

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Protocol is the version of the calls. A client and a server of different
// versions do not talk to each other.
const Protocol = 2

// Bounds of a server.
const (
	// MaxRequest is the most bytes of a call's value, unless the method takes more.
	MaxRequest = 64 << 10
	// MaxLargeRequest is the most bytes of the value for a method that takes large ones.
	MaxLargeRequest = 8 << 20
	// MaxConnections is how many are open at once; others wait.
	MaxConnections = 96

	maxOfUser  = 64               // of these, from one user who is neither root nor the server's own
	maxWorking = 8                // calls at work at once; others wait
	maxLarge   = 2                // large requests in memory at once; others wait
	maxHeader  = 16 << 10         // bytes
	readTime   = 30 * time.Second // to receive a request
	writeTime  = 30 * time.Second // to take an answer, or a part of a long one
	idleTime   = 30 * time.Second // of a connection between two requests
	maxAnswer  = 256 << 20        // bytes that a client reads
)

// protocolHeader names the protocol of a request and of an answer.
const protocolHeader = "Ttpcron-Protocol"

// Fault is an error as it is sent: its text and, if the server knows one, a kind. From the
// kind the client makes an error that errors.Is and errors.As recognise.
type Fault struct {
	Kind   string
	Text   string
	Detail []byte // depends on the kind
}

// Error returns the text.
func (f *Fault) Error() string { return f.Text }

// Kinds of faults that the package itself knows.
const (
	kindCanceled = "canceled" // context.Canceled
	kindDeadline = "deadline" // context.DeadlineExceeded
)

// FaultOf turns an error into a Fault. It tries more first, which may be nil, or
// return nil.
func FaultOf(err error, more func(error) *Fault) *Fault {
	var f *Fault
	switch {
	case errors.As(err, &f):
		return f
	case more != nil:
		if f := more(err); f != nil {
			return f
		}
	}
	f = &Fault{Text: err.Error()}
	switch {
	case errors.Is(err, context.Canceled):
		f.Kind = kindCanceled
	case errors.Is(err, context.DeadlineExceeded):
		f.Kind = kindDeadline
	}
	return f
}

// ErrorOf turns a Fault back into an error. It tries more first, which may be nil,
// or return nil.
func ErrorOf(f *Fault, more func(*Fault) error) error {
	if more != nil {
		if err := more(f); err != nil {
			return err
		}
	}
	switch f.Kind {
	case kindCanceled:
		return &known{f.Text, context.Canceled}
	case kindDeadline:
		return &known{f.Text, context.DeadlineExceeded}
	}
	return f
}

// known is an error with the server's text that wraps an error known to the caller.
type known struct {
	text string
	is   error
}

func (k *known) Error() string { return k.text }
func (k *known) Unwrap() error { return k.is }

// Known returns an error with its own text that wraps is.
func Known(text string, is error) error { return &known{text, is} }

// ProtocolError says that client and server are of different versions.
type ProtocolError struct{ Client, Server string }

// Error says what to do.
func (e *ProtocolError) Error() string {
	return fmt.Sprintf("the server speaks version %q of the protocol and this program version %q: restart the one that is older", e.Server, e.Client)
}
