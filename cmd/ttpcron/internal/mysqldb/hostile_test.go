package mysqldb

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron/importer"
	"github.com/ttpcron/ttpcron/internal/race"
)

// fake speaks as much of the protocol as it takes to be believed, and then does as a test
// says.
type fake struct {
	net.Conn
	seq   byte
	count func(f *fake) // answers how many rows there are; nil: 2
}

func (f *fake) packet(body ...byte) error {
	head := []byte{byte(len(body)), byte(len(body) >> 8), byte(len(body) >> 16), f.seq}
	f.seq++
	_, err := f.Write(append(head, body...))
	return err
}

func (f *fake) command() (string, error) {
	var head [4]byte
	if _, err := io.ReadFull(f, head[:]); err != nil {
		return "", err
	}
	body := make([]byte, int(head[0])|int(head[1])<<8|int(head[2])<<16)
	_, err := io.ReadFull(f, body)
	f.seq = head[3] + 1
	return string(body), err
}

func text(s string) []byte { return append([]byte{byte(len(s))}, s...) }

func (f *fake) ok()  { f.packet(0, 0, 0, 2, 0, 0, 0) }
func (f *fake) eof() { f.packet(0xfe, 0, 0, 2, 0) }

// head begins an answer of so many columns.
func (f *fake) head(columns int) {
	f.packet(byte(columns))
	for range columns {
		var def []byte
		for _, s := range []string{"def", "", "", "", "c", ""} {
			def = append(def, text(s)...)
		}
		def = append(def, 0x0c, 33, 0)
		def = binary.LittleEndian.AppendUint32(def, 1<<24)
		f.packet(append(def, 0xfd, 0, 0, 0, 0, 0)...)
	}
	f.eof()
}

func (f *fake) row(values ...string) error {
	var row []byte
	for _, v := range values {
		row = append(row, text(v)...)
	}
	return f.packet(row...)
}

// greet says who it is, and how it wants a login.
func (f *fake) greet(salt []byte, plugin string) error {
	b := append(append([]byte{10}, "8.0.0-fake\x00\x01\x00\x00\x00"...), salt[:8]...)
	b = append(b, 0, 0x01, 0xa2, 33, 2, 0, 0x08, 0x00, 21)
	b = append(append(append(b, make([]byte, 10)...), salt[8:]...), 0)
	return f.packet(append(append(b, plugin...), 0)...)
}

// serve answers what every reading asks first, and leaves the rows to do.
func (f *fake) serve(do func(f *fake)) {
	defer f.Close()
	if f.greet([]byte("abcdefghijklmnopqrst"), "mysql_native_password") != nil {
		return
	}
	if _, err := f.command(); err != nil {
		return
	}
	f.ok()
	for {
		query, err := f.command()
		switch {
		case err != nil || len(query) < 2 || query[0] == 1:
			return
		case strings.Contains(query, "information_schema"):
			f.head(3)
			if strings.Contains(query, "'attackers'") {
				for _, c := range []string{"uuid", "ip", "identity_id", "first_seen", "last_seen", "commands"} {
					f.row(c, "BASE TABLE", "")
				}
			}
			f.eof()
		case strings.Contains(query, "count(*)") && f.count != nil:
			f.count(f)
		case strings.Contains(query, "count(*)"):
			f.head(1)
			f.row("2")
			f.eof()
		case strings.Contains(query, "octet_length"):
			do(f)
			return
		default:
			f.ok()
		}
	}
}

func aRow(f *fake, uuid string) {
	if f.seq < 9 {
		f.head(7)
	}
	f.row("10", uuid, "192.0.2.1", "", "2026-05-04 01:00:00", "", `[{"command":"id"}]`)
}

// TestServerThatDoesNotCount: rows of which the server does not say how many they are are not
// read: they might never end.
func TestServerThatDoesNotCount(t *testing.T) {
	for name, count := range map[string]func(f *fake){
		"an error":    func(f *fake) { f.packet(append([]byte{0xff, 0x28, 0x04}, "no"...)...) },
		"no number":   func(f *fake) { f.head(1); f.row("many"); f.eof() },
		"nothing":     func(f *fake) { f.head(1); f.eof() },
		"another row": func(f *fake) { f.head(2); f.row("1", "2"); f.eof() },
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go (&fake{Conn: c, count: count}).serve(func(f *fake) {
					for f.head(7); f.row("10", "a", "192.0.2.1", "", "2026-05-04 01:00:00", "", `[{"command":"id"}]`) == nil; {
					}
				})
			}
		}()
		f, err := importer.Open(t.Context(), "mysql://x@"+l.Addr().String()+"/decnet", importer.Options{Connect: func(ctx context.Context, s *importer.Server) (importer.ServerConn, error) {
			return connect(ctx, s, 300*time.Millisecond)
		}})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		events := 0
		for b, berr := range f.Batches(t.Context()) {
			if events, err = events+len(b.Events), berr; events > 100 {
				break
			}
		}
		f.Close()
		l.Close()
		if events != 0 || err == nil {
			t.Errorf("%s: %d events, %v", name, events, err)
		}
	}
}

// TestHostileServer: a server that stalls, lies or never ends costs neither the memory nor
// the time of the machine.
func TestHostileServer(t *testing.T) {
	for name, tt := range map[string]struct {
		do     func(f *fake)
		events int
		want   string
	}{
		"honest": {func(f *fake) { aRow(f, "a"); aRow(f, "b"); f.eof(); io.Copy(io.Discard, f) }, 2, ""},
		"silent": {func(f *fake) { aRow(f, "a"); io.Copy(io.Discard, f) }, 1, errQuiet.Error()},
		"a row without end": {func(f *fake) {
			aRow(f, "a")
			full := bytes.Repeat([]byte("x"), 1<<24-1)
			for f.packet(full...) == nil {
			}
		}, 1, errTooMuch.Error()},
		"more rows than it counted": {func(f *fake) {
			for range 5 {
				aRow(f, "a")
			}
			f.eof()
		}, 2, "the server sends more than the 2 rows that it counted"},
		"asks for a file": {func(f *fake) { f.packet(append([]byte{0xfb}, "/etc/passwd"...)...); io.Copy(io.Discard, f) }, 0, "the server asks for a file of this machine, and gets none"},
		"an error of any length, with control characters": {func(f *fake) {
			f.packet(append([]byte{0xff, 0x28, 0x04, '#', 'H', 'Y', '0', '0', '0'}, "\x1b[31m"+strings.Repeat("long", 10000)...)...)
		}, 0, "?[31mlong"},
		"rubbish in the answer": {func(f *fake) { f.head(7); f.Write(bytes.Repeat([]byte{0x7f}, 100000)) }, 0, errUnknown.Error()},
		"another answer":        {func(f *fake) { f.head(1); f.row("1"); f.eof() }, 0, "something else than it was asked"},
		"rubbish":               {func(f *fake) { f.Write(bytes.Repeat([]byte{0x7f}, 100000)) }, 0, errUnknown.Error()},
		"gone":                  {func(f *fake) { aRow(f, "a") }, 1, errEnded.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					go (&fake{Conn: c}).serve(tt.do)
				}
			}()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			f, err := importer.Open(t.Context(), "mysql://x@"+l.Addr().String()+"/decnet", importer.Options{Connect: func(ctx context.Context, s *importer.Server) (importer.ServerConn, error) {
				return connect(ctx, s, 300*time.Millisecond)
			}})
			if err != nil {
				t.Fatal(err)
			}
			events := 0
			for b, berr := range f.Batches(t.Context()) {
				events, err = events+len(b.Events), berr
			}
			f.Close()
			runtime.ReadMemStats(&after)
			switch {
			case events != tt.events, (err == nil) != (tt.want == ""), err != nil && !strings.Contains(err.Error(), tt.want):
				t.Errorf("%d events, %v; want %d, %q", events, err, tt.events, tt.want)
			case err != nil && (len(err.Error()) > 600 || strings.Contains(err.Error(), "\x1b")):
				t.Errorf("%d bytes: %q", len(err.Error()), err)
			}
			// The server of the test allocates too, and more so under the race detector.
			most := uint64(400 << 20)
			if race.Enabled {
				most *= 2
			}
			if took := after.TotalAlloc - before.TotalAlloc; took > most {
				t.Errorf("%d MiB were allocated", took>>20)
			}
		})
	}
}

// TestServerThatNeverGreets: a connection that is accepted and no more is given up when the
// import is.
func TestServerThatNeverGreets(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	began := time.Now()
	_, err = importer.Open(ctx, "mysql://x@"+l.Addr().String()+"/decnet", importer.Options{Connect: Connect})
	if !errors.Is(err, context.Canceled) || time.Since(began) > 10*time.Second {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
}

// TestLogins checks what a client sends as a server does, which knows only the digest of a
// password.
func TestLogins(t *testing.T) {
	const password = "correct horse"
	salt := []byte("abcdefghijklmnopqrst")
	sha2Once := sha256.Sum256([]byte(password))
	sha2Known := sha256.Sum256(sha2Once[:])
	sha1Once := sha1.Sum([]byte(password))
	sha1Known := sha1.Sum(sha1Once[:])
	provesSHA2 := func(answer []byte) bool {
		mask := sha256.Sum256(append(sha2Known[:], salt...))
		return len(answer) == len(mask) && sha256.Sum256(xor(answer, mask[:])) == sha2Known
	}
	provesSHA1 := func(answer []byte) bool {
		mask := sha1.Sum(append(bytes.Clone(salt), sha1Known[:]...))
		return len(answer) == len(mask) && sha1.Sum(xor(answer, mask[:])) == sha1Known
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		plugin string
		after  func(f *fake, answer []byte) bool // the server is content
		want   string
	}{
		"native": {"mysql_native_password", func(f *fake, answer []byte) bool { return provesSHA1(answer) }, ""},
		"SHA-256, remembered": {"caching_sha2_password", func(f *fake, answer []byte) bool {
			f.packet(1, 3)
			return provesSHA2(answer)
		}, ""},
		"SHA-256, the whole password under a key": {"caching_sha2_password", func(f *fake, answer []byte) bool {
			f.packet(1, 4)
			if asked, err := f.command(); err != nil || asked != "\x02" || !provesSHA2(answer) {
				return false
			}
			f.packet(append([]byte{1}, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})...)...)
			sealed, err := f.command()
			if err != nil {
				return false
			}
			text, err := rsa.DecryptOAEP(sha1.New(), nil, key, []byte(sealed), nil)
			return err == nil && string(xor(text, salt[:len(text)])) == password+"\x00"
		}, ""},
		"from SHA-256 to native": {"caching_sha2_password", func(f *fake, _ []byte) bool {
			f.packet(append(append([]byte{0xfe}, "mysql_native_password\x00"...), append(salt, 0)...)...)
			answer, err := f.command()
			return err == nil && provesSHA1([]byte(answer))
		}, ""},
		"a way of its own": {"client_ed25519", func(f *fake, _ []byte) bool {
			f.packet(append(append([]byte{0xfe}, "client_ed25519\x00"...), salt...)...)
			f.command()
			return false
		}, `the server wants a login by "client_ed25519"`},
		"in clear text": {"mysql_native_password", func(f *fake, _ []byte) bool {
			f.packet(append([]byte{0xfe}, "mysql_clear_password\x00"...)...)
			if said, err := f.command(); err == nil {
				t.Errorf("said %q", said)
			}
			return false
		}, `the server wants a login by "mysql_clear_password"`},
		"without end": {"caching_sha2_password", func(f *fake, _ []byte) bool {
			for f.packet(1, 3) == nil {
			}
			return false
		}, errUnknown.Error()},
		"refused": {"mysql_native_password", func(f *fake, _ []byte) bool { return false }, "the server says: no (1045)"},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				c, err := l.Accept()
				if err != nil {
					return
				}
				defer c.Close()
				f := &fake{Conn: c}
				f.greet(salt, tt.plugin)
				said, err := f.command()
				if err != nil {
					return
				}
				_, said, _ = strings.Cut(said[32:], "\x00")
				if answer := said[1 : 1+said[0]]; tt.after(f, []byte(answer)) {
					f.ok()
				} else {
					f.packet(append([]byte{0xff, 0x15, 0x04}, "#28000no"...)...)
				}
				io.Copy(io.Discard, c)
			}()
			path := passwordFile(t, password)
			c, err := connect(t.Context(), &importer.Server{User: "u", Database: "d", Address: l.Addr().String(), PasswordFile: path}, time.Second)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
			if err == nil {
				c.Close()
			}
		})
	}
}

// canned is a server whose words are given.
type canned struct{ io.Reader }

func (canned) Write(p []byte) (int, error)      { return len(p), nil }
func (canned) Close() error                     { return nil }
func (canned) LocalAddr() net.Addr              { return nil }
func (canned) RemoteAddr() net.Addr             { return nil }
func (canned) SetDeadline(time.Time) error      { return nil }
func (canned) SetReadDeadline(time.Time) error  { return nil }
func (canned) SetWriteDeadline(time.Time) error { return nil }

// recorder is a server whose words are kept.
type recorder struct {
	canned
	words bytes.Buffer
}

func (r *recorder) Write(p []byte) (int, error) { return r.words.Write(p) }

// FuzzServer: whatever a server says, reading ends, and no value is larger than was asked
// for.
func FuzzServer(f *testing.F) {
	r := &recorder{}
	s := &fake{Conn: r}
	s.greet([]byte("abcdefghijklmnopqrst"), "caching_sha2_password")
	s.seq = 2
	s.packet(1, 3)
	s.ok()
	s.seq = 1
	s.head(2)
	s.row("a", "")
	s.packet(0xfb, 0xfc, 1, 0, 'x')
	s.eof()
	f.Add(r.words.Bytes())
	f.Fuzz(func(t *testing.T, words []byte) {
		socket := canned{bytes.NewReader(words)}
		c := &connection{raw: socket, socket: socket, in: bufio.NewReader(socket), quiet: time.Second}
		if c.until(t.Context(), func() error { return c.login(&importer.Server{User: "u", Database: "d"}, "p", nil) }) != nil {
			return
		}
		const most = 1000
		for range 3 {
			_ = c.Query(t.Context(), "SELECT 1", most, func(values [][]byte) error {
				size := 0
				for _, v := range values {
					size += len(v)
				}
				if size > most {
					t.Fatalf("%d bytes", size)
				}
				return nil
			})
		}
	})
}
