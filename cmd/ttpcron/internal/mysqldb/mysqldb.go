// Package mysqldb asks the MySQL and MariaDB servers that inputs name. It is the only
// package that dials: those that import, tag and store get a connection from [Connect], and
// can reach no network themselves.
//
// It speaks the least of the protocol that reading takes: a login and queries whose answers
// are text. So it knows how large an answer may be before it keeps any of it, and a server
// can ask it for nothing: no local file, no password in clear text.
// (https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html)
package mysqldb

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/importer"
)

// PasswordVariable is the variable with the password of servers that name no file with
// one. It is that of MySQL's own programs.
const PasswordVariable = "MYSQL_PWD"

const (
	dialTimeout = 15 * time.Second
	// quietFor is how long a server may send nothing while it is waited for.
	quietFor    = time.Minute
	maxPassword = 4 << 10
	maxCA       = 1 << 20
)

// Connect connects to a server, as [importer.Connect] says.
func Connect(ctx context.Context, s *importer.Server) (importer.ServerConn, error) {
	c, err := connect(ctx, s, quietFor)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// connect takes a server that sends nothing for so long to be gone.
func connect(ctx context.Context, s *importer.Server, quiet time.Duration) (*connection, error) {
	secret, err := password(s)
	if err != nil {
		return nil, err
	}
	var trust *tls.Config
	if s.TLS {
		if trust, err = trusting(s); err != nil {
			return nil, err
		}
	}
	network := "tcp"
	if s.Socket {
		network = "unix"
	}
	socket, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, network, s.Address)
	if err != nil {
		return nil, err
	}
	c := &connection{raw: socket, socket: socket, quiet: quiet, private: s.Socket}
	c.in = bufio.NewReader(socket)
	err = c.until(ctx, func() error { return c.login(s, secret, trust) })
	if err != nil {
		c.socket.Close()
		return nil, err
	}
	return c, nil
}

// password reads the password of a server. No error repeats it.
func password(s *importer.Server) (string, error) {
	if s.PasswordFile == "" {
		return os.Getenv(PasswordVariable), nil
	}
	text, err := small(s.PasswordFile, maxPassword)
	if err != nil {
		return "", fmt.Errorf("password-file: %w", err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	if line = strings.TrimRight(line, "\r"); line == "" {
		return "", fmt.Errorf("password-file: %s has nothing in its first line", s.PasswordFile)
	}
	return line, nil
}

// small reads a file that must be small.
func small(path string, most int64) ([]byte, error) {
	f, info, err := ttpcron.OpenRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info.Size() > most {
		return nil, fmt.Errorf("%s has more than %d bytes", path, most)
	}
	return io.ReadAll(io.LimitReader(f, most))
}

func trusting(s *importer.Server) (*tls.Config, error) {
	host, _, err := net.SplitHostPort(s.Address)
	if err != nil {
		return nil, err
	}
	c := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if s.CA == "" {
		return c, nil
	}
	text, err := small(s.CA, maxCA)
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	c.RootCAs = x509.NewCertPool()
	if !c.RootCAs.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("ca: %s has no certificate in PEM", s.CA)
	}
	return c, nil
}

// connection is one connection to a server. It is not for use by several at once.
type connection struct {
	raw     net.Conn
	socket  net.Conn // raw, or TLS once that was agreed on
	in      *bufio.Reader
	quiet   time.Duration
	private bool // nobody can read what is sent
	seq     byte // of the next packet
	buf     []byte
	broken  error // why it cannot be used any more

	cancelled context.Context // of what is being done
}

var (
	errTooMuch = errors.New("the server sends more for one row than a row may have")
	errEnded   = errors.New("the server closed the connection")
	errQuiet   = errors.New("the server sent nothing for too long")
	errUnknown = errors.New("the server sends what is not MySQL's protocol")
)

// until does something that ends when ctx does, by cutting the connection.
func (c *connection) until(ctx context.Context, do func() error) error {
	if c.broken != nil {
		return c.broken
	}
	c.cancelled = ctx
	stop := context.AfterFunc(ctx, func() { _ = c.raw.SetDeadline(time.Unix(1, 0)) }) // a connection that is gone needs none
	defer stop()
	err := do()
	var timeout net.Error
	var said *Error
	switch {
	case err == nil || errors.As(err, &said):
		return err
	case ctx.Err() != nil:
		err = ctx.Err()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		err = errEnded
	case errors.As(err, &timeout) && timeout.Timeout():
		err = errQuiet
	}
	c.broken = err
	c.socket.Close()
	return err
}

// Query runs a query, as [importer.ServerConn] says.
func (c *connection) Query(ctx context.Context, query string, most int, row func(values [][]byte) error) error {
	return c.until(ctx, func() error { return c.query(query, most, row) })
}

// Close takes leave of the server.
func (c *connection) Close() error {
	if c.broken == nil {
		c.seq = 0
		_ = c.send([]byte{comQuit}) // it will notice anyhow
		c.broken = net.ErrClosed
		return c.socket.Close()
	}
	return nil
}
