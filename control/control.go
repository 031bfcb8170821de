// Package control lets processes of one machine use what one of them has open:
// a [Server] behind a unix socket that knows who calls, and a [Client].
//
// Start with a list of [Method] values, which both sides share. The server goes on
// with [Listen], [NewServer] and the Serve of each method, the client with [Dial]
// and their Call. A call is an HTTP POST to /v1/NAME that carries one value in the
// encoding of encoding/gob and gets one back, or an error with its kind. Both are
// read whole before anything is done with them, so a caller that is slow, asleep or
// gone holds nothing of the server but a connection, and that not for long. What
// has no end is asked for in pages.
//
// The server takes calls of its own user, of root and of members of the group
// that the socket belongs to, and of nobody else. They may do all that the
// methods registered do; bounds keep one of them from taking the memory or all
// connections of the server.
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
	// MaxRequest is how many bytes the value of a call may have, unless the
	// method takes more.
	MaxRequest = 64 << 10
	// MaxLargeRequest is how many bytes the value may have of a method that
	// takes large ones.
	MaxLargeRequest = 8 << 20
	// MaxConnections is how many are open at once; others wait.
	MaxConnections = 96

	maxOfUser  = 64               // of these, of one user who is neither root nor the server's
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

// Fault is an error as it travels: its text and, where the server knows one, a
// kind, from which the client makes an error that errors.Is and errors.As
// recognise.
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

// known is an error with the text that the server gave. It wraps one that the
// caller knows.
type known struct {
	text string
	is   error
}

func (k *known) Error() string { return k.text }
func (k *known) Unwrap() error { return k.is }

// Known returns an error that wraps is and has a text of its own.
func Known(text string, is error) error { return &known{text, is} }

// ProtocolError says that client and server are of different versions.
type ProtocolError struct{ Client, Server string }

// Error says what to do.
func (e *ProtocolError) Error() string {
	return fmt.Sprintf("the server speaks version %q of the protocol and this program version %q: restart the one that is older", e.Server, e.Client)
}
