package importer

import (
	"fmt"
	"net/netip"
	"path"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
)

// auditAttempts says which login attempts a process has reported.
type auditAttempts struct {
	at                time.Time
	op                string // the operation that first reported a password
	failed, succeeded bool
}

// user reads a record about a user, which a program wrote.
func (p *auditParser) user(node, kind string, h *auditHead, to *parsed) error {
	said := map[string]string{}
	err := eachAuditField(h.fields, func(f auditField) {
		switch name := string(f.name); name {
		case "acct", "cmd", "cwd", "exe":
			said[name] = clip(f.decoded(), 64<<10)
		case "addr", "auid", "op", "pid", "res", "result", "ses", "terminal", "uid", "ID", "UID", "AUID":
			if s := string(f.value); s != "?" && s != auditUnset {
				said[name] = clip(s, maxHostName)
			}
		}
	})
	if err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	address := ""
	if a, err := netip.ParseAddr(said["addr"]); err == nil {
		address = plainAddress(a.String())
	}
	ses := said["ses"]
	success := said["res"] == "success" || said["res"] == "1" || strings.EqualFold(said["result"], "success")
	session := auditSession{node, ses}
	switch {
	case kind == "LOGIN" && ses != "":
		p.sessions.Drop(session)
	case (kind == "USER_START" || kind == "USER_LOGIN") && success && ses != "" && address != "":
		p.sessions.Put(session, address)
	}
	switch kind {
	case "USER_AUTH", "USER_ERR", "USER_LOGIN":
		if p.firstReport(node, kind, said, success, h.at) {
			p.attempt(node, said, success, address, h.at, to)
			to.lines++
			return nil
		}
	case "USER_CMD":
		_, execs := p.execs.Get(node)
		if text := said["cmd"]; text != "" && !execs {
			p.sudo(node, said, text, success, h.at, to)
			to.lines++
			return nil
		}
	}
	to.ignoreAnother(kind, 1)
	return nil
}

// firstReport reports whether a record is the first about a login attempt. sshd and the PAM modules
// that it calls both report a password, and then sshd reports the login.
func (p *auditParser) firstReport(node, kind string, said map[string]string, success bool, at time.Time) bool {
	process := auditSession{node, said["pid"]}
	a, _ := p.attempts.Get(process)
	if d := at.Sub(a.at); d > auditPidForgets || d < -auditPidForgets {
		a = auditAttempts{}
	}
	first := true
	switch op := said["op"]; {
	case said["pid"] == "":
		return true
	case kind == "USER_LOGIN":
		first = success && !a.succeeded || !success && !a.failed
	case strings.HasPrefix(op, "pubkey") || strings.HasPrefix(op, "key"):
	case a.op == "":
		a.op = op
	default:
		first = a.op == op
	}
	a.at, a.failed, a.succeeded = at, a.failed || !success, a.succeeded || success
	p.attempts.Put(process, a)
	return first
}

func (p *auditParser) attempt(node string, said map[string]string, success bool, address string, at time.Time, to *parsed) {
	l := &p.list
	*l = (*l)[:0]
	l.some("exe", said["exe"])
	switch op := said["op"]; {
	case strings.HasPrefix(op, "pubkey") || strings.HasPrefix(op, "key"):
		l.text("method", "publickey")
	case op == "password":
		l.text("method", op)
	}
	l.number("pid", said["pid"])
	service := path.Base(said["exe"])
	switch {
	case said["exe"] == "":
		service = ""
	case strings.HasPrefix(service, "sshd"):
		service = "ssh"
		l.text("protocol", service)
	}
	l.some("service", service)
	l.truth("success", success)
	l.some("tty", said["terminal"])
	user := said["acct"]
	if user == "" || strings.HasPrefix(user, "(") { // (unknown), (invalid user)
		user = named(said["ID"])
	}
	l.some("username", user)
	p.give(&ttpcron.Event{Kind: ttpcron.AuthAttempt, Time: at, DeckyID: node}, said["ses"], address, to)
}

// sudo reads the command that a user gave to sudo.
func (p *auditParser) sudo(node string, said map[string]string, text string, success bool, at time.Time, to *parsed) {
	l := &p.list
	*l = (*l)[:0]
	l.number("auid", said["auid"])
	l.text("command_text", text)
	l.some("exe", said["exe"])
	if !success {
		l.truth("failed", true)
	}
	l.some("login_user", named(said["AUID"]))
	l.number("pid", said["pid"])
	l.some("pwd", said["cwd"])
	l.some("tty", said["terminal"])
	l.number("uid", said["uid"])
	l.some("user", named(said["UID"]))
	p.give(&ttpcron.Event{Kind: ttpcron.Command, Time: at, DeckyID: node}, said["ses"], "", to)
}
