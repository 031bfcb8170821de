package mysqldb

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// server is a MariaDB server that a test started.
type server struct {
	dir     string
	socket  string
	address string
	process *exec.Cmd
	as      *syscall.Credential
	flags   []string
}

const (
	testUser     = "ttpcron"
	testPassword = "correct horse"
)

// startServer starts a server of its own in a folder of its own, under a user without
// rights if the test has all. Where none is installed the test is skipped; CI installs one.
func startServer(t *testing.T) *server {
	t.Helper()
	program := ""
	for _, name := range []string{"mariadbd", "/usr/sbin/mariadbd"} {
		if path, err := exec.LookPath(name); err == nil {
			program = path
			break
		}
	}
	if program == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("there is no mariadbd, which CI installs")
		}
		t.Skip("there is no mariadbd")
	}
	dir, err := os.MkdirTemp("", "ttpcron-mysql-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &server{dir: dir, socket: filepath.Join(dir, "s")}
	if os.Getuid() == 0 {
		u, err := user.Lookup("nobody")
		if err != nil {
			t.Fatal(err)
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		s.as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(dir, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	install := s.command("mariadb-install-db", "--no-defaults", "--datadir="+filepath.Join(dir, "data"), "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve")
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s.certify(t)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.address = free.Addr().String()
	free.Close()
	s.start(t, program)
	t.Cleanup(func() { s.kill() })
	return s
}

// certify makes a certificate for the server, signed by itself, which clients may trust.
func (s *server) certify(t *testing.T) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	cert, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: cert}, "key.pem": {Type: "PRIVATE KEY", Bytes: private}} {
		path := filepath.Join(s.dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if s.as != nil {
			if err := os.Chown(path, int(s.as.Uid), int(s.as.Gid)); err != nil {
				t.Fatal(err)
			}
		}
		s.flags = append(s.flags, "--ssl-"+strings.TrimSuffix(name, ".pem")+"="+path)
	}
}

func (s *server) command(name string, args ...string) *exec.Cmd {
	c := exec.Command(name, args...)
	c.Dir = s.dir
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "TMPDIR=" + s.dir}
	c.SysProcAttr = &syscall.SysProcAttr{Credential: s.as}
	return c
}

func (s *server) start(t *testing.T, program string) {
	t.Helper()
	_, port, _ := net.SplitHostPort(s.address)
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s.process = s.command(program, append([]string{"--no-defaults", "--datadir=" + filepath.Join(s.dir, "data"), "--socket=" + s.socket, "--bind-address=127.0.0.1", "--port=" + port,
		"--innodb-buffer-pool-size=16M", "--innodb-log-file-size=8M", "--max-allowed-packet=64M", "--skip-name-resolve"}, s.flags...)...)
	s.process.Stdout, s.process.Stderr = log, log
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		err := s.client("", "SELECT 1").Run()
		if err == nil {
			return
		}
		if time.Since(began) > time.Minute {
			said, _ := os.ReadFile(log.Name())
			t.Fatalf("the server does not start: %v\n%s", err, said)
		}
	}
}

// kill ends the server as a crash does.
func (s *server) kill() {
	if s.process != nil && s.process.Process != nil {
		s.process.Process.Kill()
		s.process.Wait()
	}
	s.process = nil
}

// client is MariaDB's own, as who may do everything.
func (s *server) client(database, statements string) *exec.Cmd {
	c := s.command("mariadb", "--no-defaults", "--socket="+s.socket, "--user=root", "--default-character-set=utf8mb4", database)
	c.Stdin = strings.NewReader(statements)
	return c
}

func (s *server) run(t *testing.T, database string, statements ...string) {
	t.Helper()
	if out, err := s.client(database, strings.Join(statements, ";\n")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// decnet makes DECNET's database as SQLModel makes it on MySQL, with the rows of the
// importer's test data, and a user who may only read.
func (s *server) decnet(t *testing.T) {
	t.Helper()
	s.run(t, "", "CREATE DATABASE decnet CHARACTER SET utf8mb4", "CREATE USER '"+testUser+"'@'%' IDENTIFIED BY '"+testPassword+"'", "GRANT SELECT ON decnet.* TO '"+testUser+"'@'%'")
	s.run(t, "decnet",
		`CREATE TABLE attackers (uuid VARCHAR(64) NOT NULL PRIMARY KEY, ip VARCHAR(64) NOT NULL, identity_id VARCHAR(64), first_seen VARCHAR(64) NOT NULL, last_seen VARCHAR(64) NOT NULL, commands LONGTEXT, country_code VARCHAR(2), asn INTEGER, INDEX ix_attackers_ip (ip))`,
		`CREATE TABLE canary_tokens (uuid VARCHAR(64) NOT NULL PRIMARY KEY, kind VARCHAR(32) NOT NULL, generator VARCHAR(64), instrumenter VARCHAR(64), placement_path VARCHAR(255), decky_name VARCHAR(64))`,
		`CREATE TABLE canary_triggers (uuid VARCHAR(64) NOT NULL PRIMARY KEY, token_uuid VARCHAR(64) NOT NULL, occurred_at VARCHAR(64) NOT NULL, src_ip VARCHAR(64), user_agent TEXT, request_path TEXT, dns_qname TEXT, raw_headers LONGTEXT, attacker_id VARCHAR(64))`,
		"SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES'", testdata(t, "rows.sql")[0])
}

func testdata(t *testing.T, names ...string) (all []string) {
	t.Helper()
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "importer", "testdata", "decnet", name))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(text))
	}
	return all
}
