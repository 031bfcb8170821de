package importer

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
)

// members reads gzip data as gzip(1) does: one member after the other, and NULs
// after them, with which tapes and copying in blocks fill up a file, as nothing.
// A member behind such NULs is read too.
type members struct {
	from   *bufio.Reader
	member *gzip.Reader
	ended  bool // the member has, and what follows it is not known yet
}

// errNothingYet says that a read found nothing, and that the next one continues: the reader
// can be interrupted between two calls, however many NULs or empty members there are.
var errNothingYet = errors.New("nothing yet")

func newMembers(from *bufio.Reader) (*members, error) {
	member, err := gzip.NewReader(from)
	if err != nil {
		return nil, err
	}
	member.Multistream(false)
	return &members{from: from, member: member}, nil
}

func (m *members) Read(p []byte) (int, error) {
	if m.ended {
		return 0, m.next()
	}
	n, err := m.member.Read(p)
	if err == io.EOF {
		m.ended, err = true, errNothingYet
	}
	return n, err
}

// next moves to the next member, past at most a buffer of NULs.
func (m *members) next() error {
	if some, err := skipPadding(m.from); some || err != nil {
		return err
	}
	if err := m.member.Reset(m.from); err != nil {
		return err
	}
	m.member.Multistream(false)
	m.ended = false
	return errNothingYet
}

// skipPadding skips a buffer of NULs at most. It reports whether there were some; the
// error is errNothingYet then.
func skipPadding(from *bufio.Reader) (bool, error) {
	if _, err := from.Peek(1); err != nil {
		return false, err
	}
	waiting, err := from.Peek(from.Buffered())
	if err != nil {
		return false, err
	}
	n := len(waiting) - len(bytes.TrimLeft(waiting, "\x00"))
	if n == 0 {
		return false, nil
	}
	if _, err := from.Discard(n); err != nil {
		return true, err
	}
	return true, errNothingYet
}
