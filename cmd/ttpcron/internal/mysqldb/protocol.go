package mysqldb

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ttpcron/ttpcron/importer"
)

// What a client says that it can do.
const (
	canLongPassword = 1 << 0
	canLongFlag     = 1 << 2
	canDatabase     = 1 << 3
	can41           = 1 << 9
	canTLS          = 1 << 11
	canTransactions = 1 << 13
	canSecure       = 1 << 15
	canPlugins      = 1 << 19

	comQuit  = 0x01
	comQuery = 0x03

	utf8mb4 = 45 // utf8mb4_general_ci, which all versions have

	maxPiece   = 1<<24 - 1 // of a packet
	maxHead    = 1 << 20   // bytes of a packet that is no row
	maxColumns = 4096
	maxLogin   = 10 // packets
)

// Error is what a server says.
type Error struct {
	Code    int
	Message string
}

func (e *Error) Error() string { return fmt.Sprintf("the server says: %s (%d)", e.Message, e.Code) }

// packet reads a packet of at most so many bytes, which are valid until the next call.
func (c *connection) packet(most int) ([]byte, error) {
	c.buf = c.buf[:0]
	if cap(c.buf) > maxHead && most <= maxHead {
		c.buf = nil
	}
	for {
		var head [4]byte
		if err := c.fill(head[:]); err != nil {
			return nil, err
		}
		n := int(head[0]) | int(head[1])<<8 | int(head[2])<<16
		if head[3] != c.seq {
			return nil, errUnknown
		}
		c.seq++
		if len(c.buf)+n > most {
			return nil, errTooMuch
		}
		for left := n; left > 0; { // in pieces, so that only what comes takes memory
			start, piece := len(c.buf), min(left, 64<<10)
			c.buf = slices.Grow(c.buf, piece)[:start+piece]
			if err := c.fill(c.buf[start:]); err != nil {
				return nil, err
			}
			left -= len(c.buf) - start
		}
		if n < maxPiece {
			return c.buf, nil
		}
	}
}

// fill reads, and gives up when nothing comes for long.
func (c *connection) fill(p []byte) error {
	for len(p) > 0 {
		if c.in.Buffered() == 0 {
			if err := c.socket.SetReadDeadline(time.Now().Add(c.quiet)); err != nil {
				return err
			}
			if err := c.cancelled.Err(); err != nil { // this deadline may have taken the place of until's
				return err
			}
		}
		n, err := c.in.Read(p)
		if p = p[n:]; err != nil && len(p) > 0 {
			return err
		}
	}
	return nil
}

// send writes a packet, which must be small.
func (c *connection) send(body []byte) error {
	if len(body) >= maxPiece {
		return errors.New("a question is too long")
	}
	head := []byte{byte(len(body)), byte(len(body) >> 8), byte(len(body) >> 16), c.seq}
	c.seq++
	if err := c.socket.SetWriteDeadline(time.Now().Add(c.quiet)); err != nil {
		return err
	}
	_, err := c.socket.Write(append(head, body...))
	return err
}

// said reads the packet of an error.
func said(p []byte) error {
	if len(p) < 3 {
		return errUnknown
	}
	e := &Error{Code: int(binary.LittleEndian.Uint16(p[1:])), Message: string(p[3:])}
	if len(p) >= 9 && p[3] == '#' {
		e.Message = string(p[9:])
	}
	return e
}

// greeting is what a server says first.
type greeting struct {
	can    uint32
	salt   []byte
	plugin string
}

func parseGreeting(p []byte) (g greeting, err error) {
	if len(p) > 0 && p[0] == 0xff {
		return g, said(p)
	}
	if len(p) == 0 || p[0] != 10 {
		return g, errUnknown
	}
	_, p, ok := bytes.Cut(p[1:], []byte{0}) // the version
	if !ok || len(p) < 4+8+1+2+1+2+2+1+10 {
		return g, errUnknown
	}
	g.salt = append(g.salt, p[4:12]...)
	g.can = uint32(binary.LittleEndian.Uint16(p[13:])) | uint32(binary.LittleEndian.Uint16(p[18:]))<<16
	p = p[31:]
	if g.can&can41 == 0 || g.can&canSecure == 0 || len(p) < 12 {
		return g, errors.New("the server is too old")
	}
	g.salt = append(g.salt, p[:12]...)
	if g.can&canPlugins != 0 && len(p) > 13 {
		name, _, _ := bytes.Cut(p[13:], []byte{0})
		g.plugin = string(name)
	}
	return g, nil
}

const (
	nativePassword = "mysql_native_password"
	cachingSHA2    = "caching_sha2_password"
)

// login says who is there. trust is nil if the connection is not to be encrypted.
func (c *connection) login(s *importer.Server, password string, trust *tls.Config) error {
	p, err := c.packet(maxHead)
	if err != nil {
		return err
	}
	g, err := parseGreeting(p)
	if err != nil {
		return err
	}
	can := uint32(canLongPassword | canLongFlag | canDatabase | can41 | canTransactions | canSecure | canPlugins)
	head := func() []byte {
		b := binary.LittleEndian.AppendUint32(nil, can)
		b = binary.LittleEndian.AppendUint32(b, maxPiece)
		return append(append(b, utf8mb4), make([]byte, 23)...)
	}
	if trust != nil {
		if g.can&canTLS == 0 {
			return errors.New("the server offers no TLS: tls=off reads without it")
		}
		can |= canTLS
		if err := c.send(head()); err != nil {
			return err
		}
		if c.in.Buffered() > 0 {
			return errUnknown // said in clear text, by whoever is on the way
		}
		encrypted := tls.Client(c.socket, trust)
		if err := encrypted.SetDeadline(time.Now().Add(c.quiet)); err != nil {
			return err
		}
		if err := encrypted.Handshake(); err != nil {
			return err
		}
		c.socket, c.in, c.private = encrypted, bufio.NewReader(encrypted), true
	}
	plugin := g.plugin
	if plugin != cachingSHA2 {
		plugin = nativePassword
	}
	body := append(append(head(), s.User...), 0)
	answer := scramble(plugin, password, g.salt)
	body = append(append(body, byte(len(answer))), answer...)
	body = append(append(body, s.Database...), 0)
	body = append(append(body, plugin...), 0)
	if err := c.send(body); err != nil {
		return err
	}
	return c.proved(plugin, password, g.salt)
}

// proved answers what a server asks until it is content.
func (c *connection) proved(plugin, password string, salt []byte) error {
	for range maxLogin {
		p, err := c.packet(maxHead)
		switch {
		case err != nil:
			return err
		case len(p) == 0:
			return errUnknown
		}
		switch p[0] {
		case 0:
			return nil
		case 0xff:
			return said(p)
		case 0xfe: // another way, please
			name, data, _ := bytes.Cut(p[1:], []byte{0})
			plugin, salt = string(name), bytes.Clone(bytes.TrimSuffix(data, []byte{0}))
			if plugin != nativePassword && plugin != cachingSHA2 {
				return fmt.Errorf("the server wants a login by %.40q; known are %s and %s", plugin, nativePassword, cachingSHA2)
			}
			if err := c.send(scramble(plugin, password, salt)); err != nil {
				return err
			}
		case 1:
			if plugin != cachingSHA2 || len(p) != 2 {
				return errUnknown
			}
			if p[1] == 3 { // it remembers this password
				continue
			}
			if err := c.whole(password, salt); err != nil {
				return err
			}
		default:
			return errUnknown
		}
	}
	return errUnknown
}

// whole sends the password itself, on a connection that nobody can read, or under the
// server's key.
func (c *connection) whole(password string, salt []byte) error {
	text := append([]byte(password), 0)
	if c.private {
		return c.send(text)
	}
	if err := c.send([]byte{2}); err != nil {
		return err
	}
	p, err := c.packet(maxHead)
	if err != nil {
		return err
	}
	if len(p) == 0 || p[0] != 1 || len(salt) == 0 {
		return errUnknown
	}
	block, _ := pem.Decode(p[1:])
	if block == nil {
		return errUnknown
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return errUnknown
	}
	public, ok := key.(*rsa.PublicKey)
	if !ok {
		return errUnknown
	}
	for i := range text {
		text[i] ^= salt[i%len(salt)]
	}
	sealed, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, public, text, nil)
	if err != nil {
		return fmt.Errorf("the server's key cannot be used: %w", err)
	}
	return c.send(sealed)
}

// scramble proves that the password is known, without saying it.
func scramble(plugin, password string, salt []byte) []byte {
	if password == "" {
		return nil
	}
	if plugin == cachingSHA2 {
		once := sha256.Sum256([]byte(password))
		twice := sha256.Sum256(once[:])
		mask := sha256.Sum256(append(twice[:], salt...))
		return xor(once[:], mask[:])
	}
	once := sha1.Sum([]byte(password))
	twice := sha1.Sum(once[:])
	mask := sha1.Sum(append(bytes.Clone(salt), twice[:]...))
	return xor(once[:], mask[:])
}

func xor(a, b []byte) []byte {
	out := make([]byte, len(a))
	for i := range a {
		out[i] = a[i] ^ b[i]
	}
	return out
}

func (c *connection) query(query string, most int, row func(values [][]byte) error) error {
	c.seq = 0
	if err := c.send(append([]byte{comQuery}, query...)); err != nil {
		return err
	}
	p, err := c.packet(maxHead)
	switch {
	case err != nil:
		return err
	case len(p) == 0:
		return errUnknown
	case p[0] == 0:
		return nil // nothing is the answer
	case p[0] == 0xff:
		return said(p)
	case p[0] == 0xfb:
		return errors.New("the server asks for a file of this machine, and gets none")
	}
	columns, rest, ok := length(p)
	if !ok || len(rest) > 0 || columns == 0 || columns > maxColumns {
		return errUnknown
	}
	for range columns {
		if _, err := c.packet(maxHead); err != nil {
			return err
		}
	}
	if p, err = c.packet(maxHead); err != nil {
		return err
	}
	if !isEnd(p) {
		return errUnknown
	}
	values := make([][]byte, columns)
	for {
		p, err := c.packet(most)
		switch {
		case err != nil:
			return err
		case isEnd(p):
			return nil
		case len(p) > 0 && p[0] == 0xff:
			return said(p)
		case !cut(values, p):
			return errUnknown
		}
		if err := row(values); err != nil {
			return err
		}
	}
}

func isEnd(p []byte) bool { return len(p) > 0 && len(p) < 9 && p[0] == 0xfe }

// cut cuts a row into its values; NULL is nil, and an empty text is not.
func cut(values [][]byte, p []byte) bool {
	for i := range values {
		if len(p) > 0 && p[0] == 0xfb {
			values[i], p = nil, p[1:]
			continue
		}
		n, rest, ok := length(p)
		if !ok || n > uint64(len(rest)) {
			return false
		}
		values[i], p = rest[:n:n], rest[n:]
		if values[i] == nil {
			values[i] = []byte{}
		}
	}
	return len(p) == 0
}

// length reads a number that takes as many bytes as it needs.
func length(p []byte) (n uint64, rest []byte, ok bool) {
	if len(p) == 0 {
		return 0, nil, false
	}
	size := 0
	switch p[0] {
	case 0xfc:
		size = 2
	case 0xfd:
		size = 3
	case 0xfe:
		size = 8
	case 0xfb, 0xff:
		return 0, nil, false
	default:
		return uint64(p[0]), p[1:], true
	}
	if len(p) < 1+size {
		return 0, nil, false
	}
	for i := size; i > 0; i-- {
		n = n<<8 | uint64(p[i])
	}
	return n, p[1+size:], true
}
