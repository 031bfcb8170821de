package importer

import (
	"errors"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// utf16Looked is how many bytes must be ASCII in UTF-16 for a text without byte order mark
// to count as UTF-16.
const utf16Looked = 32

// utf16Order reports whether a text that begins with head is UTF-16, as PowerShell writes
// redirected output, and which byte of a unit comes first. NULs that a file system left at
// the beginning of a log do not count.
func utf16Order(head []byte) (big, ok bool) {
	if len(head) >= 2 && (head[0] == 0xff && head[1] == 0xfe || head[0] == 0xfe && head[1] == 0xff) {
		return head[0] == 0xfe, true
	}
	if len(head) < utf16Looked {
		return false, false
	}
	for _, big := range []bool{false, true} {
		high, low := 1, 0
		if big {
			high, low = 0, 1
		}
		ascii := true
		for i := 0; i < utf16Looked && ascii; i += 2 {
			ascii = head[i+high] == 0 && head[i+low] != 0 && head[i+low] < utf8.RuneSelf
		}
		if ascii {
			return big, true
		}
	}
	return false, false
}

// utf16Reader turns UTF-16 into UTF-8. A surrogate that has no partner becomes the
// three bytes that UTF-8 would have for it, which are none of a character's, so that
// different texts stay different.
type utf16Reader struct {
	r    io.Reader
	big  bool
	in   []byte // read, not decoded
	out  []byte // decoded, not given out
	err  error
	buf  [utf16Buffer]byte
	text [2 * utf16Buffer]byte
}

const utf16Buffer = 16 << 10

func newUTF16(r io.Reader, big bool) *utf16Reader { return &utf16Reader{r: r, big: big} }

func (u *utf16Reader) Read(p []byte) (int, error) {
	if len(u.out) == 0 {
		if u.err != nil {
			return 0, u.err
		}
		if err := u.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, u.out)
	u.out = u.out[n:]
	return n, nil
}

// fill reads and decodes. It may decode nothing.
func (u *utf16Reader) fill() error {
	kept := copy(u.buf[:], u.in)
	n, err := u.r.Read(u.buf[kept:])
	if n < 0 || n > len(u.buf)-kept {
		n, err = 0, errors.New("reader returned an impossible count")
	}
	nothing := err == errNothingYet
	if !nothing {
		u.err = err
	}
	u.in = u.buf[:kept+n]
	u.decode()
	if len(u.out) == 0 && u.err == nil && (nothing || n > 0) {
		return errNothingYet
	}
	if len(u.out) == 0 {
		return u.err
	}
	return nil
}

// decode decodes what has been read. At the end it also decodes half a pair, and half a
// unit, which stays a byte.
func (u *utf16Reader) decode() {
	out := u.text[:0]
	in := u.in
	for len(in) >= 2 {
		r := u.unit(in)
		switch {
		case r < utf8.RuneSelf:
			out = append(out, byte(r))
		case !utf16.IsSurrogate(r):
			out = utf8.AppendRune(out, r)
		case len(in) < 4 && u.err == nil && r < 0xdc00:
			u.in, u.out = in, out
			return
		default:
			if len(in) >= 4 {
				if pair := utf16.DecodeRune(r, u.unit(in[2:])); pair != utf8.RuneError {
					out = utf8.AppendRune(out, pair)
					in = in[4:]
					continue
				}
			}
			out = append(out, 0xe0|byte(r>>12), 0x80|byte(r>>6)&0xbf, 0x80|byte(r)&0xbf)
		}
		in = in[2:]
	}
	if u.err != nil && len(in) == 1 {
		out, in = append(out, in[0]), nil
	}
	u.in, u.out = in, out
}

func (u *utf16Reader) unit(b []byte) rune {
	if u.big {
		return rune(b[0])<<8 | rune(b[1])
	}
	return rune(b[1])<<8 | rune(b[0])
}
