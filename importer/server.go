package importer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// Server is a database on a server, as an input names it:
// mysql://USER@HOST:PORT/DATABASE?OPTION=VALUE. It never has the password itself.
type Server struct {
	User, Database string
	Address        string // host and port, or the path of a socket
	Socket         bool   // it is a socket on this machine
	PasswordFile   string // whose first line is the password; empty: none
	TLS            bool   // the connection is encrypted, and the server shows who it is
	CA             string // a file of certificates that are trusted instead of the system's; may be empty
}

// ServerConn is one connection to a server.
type ServerConn interface {
	// Query runs a query and passes each row of the answer to row, as texts, nil for NULL,
	// which are valid until it returns. A row of more than so many bytes is an error, and so
	// is what row returns. After an error that is not the server's own answer the
	// connection cannot be used again.
	Query(ctx context.Context, query string, most int, row func(values [][]byte) error) error
	Close() error
}

// Connect connects to a server. The error never contains a password.
type Connect func(ctx context.Context, s *Server) (ServerConn, error)

var serverSchemes = []string{"mysql://", "mariadb://"}

// IsServer reports whether an input's path names a database on a server, and no file.
func IsServer(path string) bool {
	for _, scheme := range serverSchemes {
		if len(path) > len(scheme) && strings.EqualFold(path[:len(scheme)], scheme) {
			return true
		}
	}
	return false
}

const defaultMySQLPort = "3306"

var errServerPassword = errors.New("the name of a database must not contain the password: put it into a file and name that with ?password-file=FILE, or into the variable MYSQL_PWD")

// ParseServer reads the path of an input for which IsServer is true. The error does not
// repeat the path, which may contain a password.
func ParseServer(path string) (*Server, error) {
	u, err := url.Parse(path)
	if err != nil {
		return nil, errors.New("the name of a database is not mysql://USER@HOST:PORT/DATABASE")
	}
	s := &Server{User: u.User.Username(), Database: strings.TrimPrefix(u.Path, "/")}
	if _, secret := u.User.Password(); secret {
		return nil, errServerPassword
	}
	if s.User == "" || s.Database == "" || strings.Contains(s.Database, "/") || u.Fragment != "" {
		return nil, errors.New("the name of a database is not mysql://USER@HOST:PORT/DATABASE")
	}
	host, port := u.Hostname(), u.Port()
	if port == "" {
		port = defaultMySQLPort
	}
	s.Address = host + ":" + port
	if strings.Contains(host, ":") {
		s.Address = "[" + host + "]:" + port
	}
	s.TLS = !isThisMachine(host)
	options, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, errors.New("the options of a database are not OPTION=VALUE&OPTION=VALUE")
	}
	for _, name := range slices.Sorted(maps.Keys(options)) { // socket before tls, which it decides
		values := options[name]
		value := values[len(values)-1]
		switch {
		case name == "password" || name == "passwd" || name == "pwd":
			return nil, errServerPassword
		case value == "":
			return nil, fmt.Errorf("the option %.40q of a database is empty", name)
		case name == "password-file":
			s.PasswordFile = value
		case name == "socket":
			s.Address, s.Socket, s.TLS = value, true, false
		case name == "ca":
			s.CA = value
		case name == "tls" && (value == "off" || value == "verify"):
			s.TLS = value == "verify"
		case name == "tls":
			return nil, fmt.Errorf("tls=%.40q: known are verify and off", value)
		default:
			return nil, fmt.Errorf("unknown option %.40q of a database; known are %s", name, strings.Join(serverOptions, ", "))
		}
	}
	switch {
	case host == "" && !s.Socket:
		return nil, errors.New("the name of a database has neither a host nor a socket")
	case s.Socket && s.TLS:
		return nil, errors.New("a socket on this machine takes no tls=verify")
	case s.CA != "" && !s.TLS:
		return nil, errors.New("ca has no use without tls=verify")
	}
	return s, nil
}

// String names the server without its options.
func (s *Server) String() string {
	u := url.URL{Scheme: "mysql", User: url.User(s.User), Path: "/" + s.Database}
	if u.Host = s.Address; s.Socket {
		u.Host = "localhost"
	}
	return u.String()
}

// isThisMachine reports whether a host is this machine, whose connections nobody reads on
// their way.
func isThisMachine(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// serverOptions are the options that the name of a database may have. None is a secret.
var serverOptions = []string{"ca", "password-file", "socket", "tls"}

// likeServer is what somebody writes who means a server: a URL of any scheme, one of MySQL
// without its slashes, or the name that programs in Go give a database. Its group is all of
// it that comes before the host.
var likeServer = newExpression(`(?i)(?:[a-z][a-z0-9+.-]*://|(?:mysql|mariadb)(?:\+[a-z]+)?:/?)([^/?#]*@|.*@)?|^([^/@]*:.*@)(?:tcp|unix)\(`)

// IsLikeServer reports whether an input's path names something on a server, whether or not it
// can be read.
func IsLikeServer(path string) bool { return likeServer.MatchString(path) }

// WithoutPassword returns an input as it may be shown. If somebody wrote a password into it,
// everything before the host is left out. Options and fragments that no database has are
// left out too.
func WithoutPassword(input string) string {
	m := likeServer.FindStringSubmatchIndex(input)
	if m == nil {
		return input
	}
	end := m[1]
	for _, group := range [][]int{m[2:4], m[4:6]} {
		if from, to := group[0], group[1]; from >= 0 && strings.Contains(input[from:to], ":") {
			input = input[:from] + "…" + input[to-1:]
			end = from + len("…@")
		}
	}
	end = min(end, len(input))
	more := strings.IndexAny(input[end:], "?#")
	if more < 0 {
		return input
	}
	more += end
	options, err := url.ParseQuery(input[more+1:])
	for name := range options {
		if !slices.Contains(serverOptions, name) {
			err = errServerPassword
		}
	}
	if input[more] == '#' || strings.Contains(input[more:], "#") || err != nil {
		return input[:more+1] + "…"
	}
	return input
}
