package importer

import (
	"strings"
	"testing"
)

func TestParseServer(t *testing.T) {
	for name, want := range map[string]Server{
		"mysql://u@192.0.2.1/decnet":                                  {User: "u", Database: "decnet", Address: "192.0.2.1:3306", TLS: true},
		"mariadb://u@db.example:3307/d?tls=off":                       {User: "u", Database: "d", Address: "db.example:3307"},
		"mysql://u@[2001:db8::7]/d?ca=/etc/ca.pem":                    {User: "u", Database: "d", Address: "[2001:db8::7]:3306", TLS: true, CA: "/etc/ca.pem"},
		"MYSQL://u@[::1]:1/d":                                         {User: "u", Database: "d", Address: "[::1]:1"},
		"mysql://u@localhost/d?tls=verify":                            {User: "u", Database: "d", Address: "localhost:3306", TLS: true},
		"mysql://u@127.0.0.1/d?password-file=/etc/p%20w":              {User: "u", Database: "d", Address: "127.0.0.1:3306", PasswordFile: "/etc/p w"},
		"mysql://u%40x@/d?socket=/run/mysqld/mysqld.sock":             {User: "u@x", Database: "d", Address: "/run/mysqld/mysqld.sock", Socket: true},
		"mysql://u@db.example/d?socket=/run/s&password-file=relative": {User: "u", Database: "d", Address: "/run/s", Socket: true, PasswordFile: "relative"},
	} {
		got, err := ParseServer(name)
		if err != nil || *got != want || !IsServer(name) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if err == nil && strings.Contains(got.String(), "?") {
			t.Errorf("%s is shown as %s", name, got)
		}
		in, err := ParseInput("decnet:" + name)
		if err != nil || in.Path != name || in.Format != "decnet" {
			t.Errorf("decnet:%s: %+v, %v", name, in, err)
		}
		if again, err := ParseInput(in.String()); err != nil || again != in {
			t.Errorf("%s: %+v, %v", in.String(), again, err)
		}
		if in, err = ParseInput(name); err != nil || in.Path != name || in.Format != Auto {
			t.Errorf("%s: %+v, %v", name, in, err)
		}
		if again, err := ParseInput(in.String()); err != nil || again != in {
			t.Errorf("%s: %+v, %v", in.String(), again, err)
		}
		if x, err := Expand([]string{name}); err != nil || len(x.Files) != 1 || x.Files[0].Path != name || x.Files[0].Below {
			t.Errorf("%s: %+v, %v", name, x, err)
		}
	}
	for name, want := range map[string]string{
		"mysql://u:topsecret@h/d":                     "must not contain the password",
		"mysql://u:topsecret@h/d?x=%":                 "must not contain the password",
		"mysql://u@h/d?password=topsecret":            "must not contain the password",
		"mysql://u:topsecret@h:no/d":                  "is not mysql://USER@HOST:PORT/DATABASE",
		"mysql://h/d":                                 "is not mysql://USER@HOST:PORT/DATABASE",
		"mysql://u@h":                                 "is not mysql://USER@HOST:PORT/DATABASE",
		"mysql://u@h/d/e":                             "is not mysql://USER@HOST:PORT/DATABASE",
		"mysql://u@h/d#x":                             "is not mysql://USER@HOST:PORT/DATABASE",
		"mysql://u@/d":                                "neither a host nor a socket",
		"mysql://u@h/d?tls=maybe":                     "known are verify and off",
		"mysql://u@h/d?allowAllFiles=true":            "unknown option",
		"mysql://u@h/d?ca=":                           "is empty",
		"mysql://u@h/d?tls=off&ca=/x":                 "ca has no use",
		"mysql://u@h/d?socket=/s&tls=verify&socket=/": "takes no tls=verify",
	} {
		_, err := ParseServer(name)
		_, named := ParseInput("decnet:" + name)
		_, opened := Open(t.Context(), name, Options{})
		for _, err := range []error{err, named, opened} {
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "topsecret") {
				t.Errorf("%s: %v, want %s", name, err, want)
			}
		}
		if shown := WithoutPassword("decnet:" + name); strings.Contains(shown, "topsecret") {
			t.Errorf("shown as %s", shown)
		}
	}
	for _, path := range []string{"/var/mysql://x", "mysql:/x", "mysql://", "mysql", "my.sql://"} {
		if IsServer(path) {
			t.Errorf("%s is a server", path)
		}
	}
	// What is nearly a server is not shown with its password either.
	for _, name := range []string{
		"mysql:/u:topsecret@h/d", "mysql:u:topsecret@h/d", "postgres://u:topsecret@h/d", "mariadb+ssl://u:topsecret@h/d", "u:topsecret@tcp(h:1)/d", "user:topsecret@unix(/s)/d",
		"mysql://u@h/d?foo=topsecret", "mysql://u@h/d?PASSWORD=topsecret", "mysql://u@h/d#topsecret", "mysql://u@h/d?password-file=/p&passwd=topsecret", "mysql://u:top/secret@h/d", "mysql://u:x@topsecret@h/d",
	} {
		_, err := ParseInput(name)
		if shown := WithoutPassword(name); err == nil || strings.Contains(err.Error(), "secret") || strings.Contains(shown, "secret") {
			t.Errorf("%s is shown as %s: %v", name, shown, err)
		}
	}
	for _, path := range []string{"/var/log/a:b@c", "./x@y", "logs@old/*.json", "C:\\logs@x"} {
		if in, err := ParseInput(path); err != nil || in.Path != path || WithoutPassword(path) != path {
			t.Errorf("%s: %+v, %v, shown as %s", path, in, err, WithoutPassword(path))
		}
	}
	const plain = "decnet:mysql://u@h/d?password-file=/etc/p"
	if WithoutPassword(plain) != plain || WithoutPassword("/var/log:a@b") != "/var/log:a@b" {
		t.Error("an input without a password is changed")
	}
	if _, err := Open(t.Context(), "mysql://u@h/d", Options{}); err == nil || !strings.Contains(err.Error(), "cannot be read here") {
		t.Error(err)
	}
	if _, err := Open(t.Context(), "mysql://u@h/d", Options{Format: "cowrie-sqlite"}); err == nil || !strings.Contains(err.Error(), "it is a database on a server, not Cowrie") {
		t.Error(err)
	}
}
