package importer

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// auditHead is the beginning of a line.
type auditHead struct {
	node, kind, stamp []byte
	at                time.Time
	fields            []byte // behind it
}

// cutAuditHead reads "node=web-1 type=EXECVE msg=audit(1777873745.586:4567): ".
func cutAuditHead(line []byte) (h auditHead, ok bool) {
	line, named := bytes.CutPrefix(line, []byte("node="))
	if named {
		if h.node, line, ok = bytes.Cut(line, []byte(" ")); !ok || len(h.node) == 0 || len(h.node) > maxHostName {
			return h, false
		}
	}
	if line, ok = bytes.CutPrefix(line, []byte("type=")); !ok {
		return h, false
	}
	if h.kind, line, ok = bytes.Cut(line, []byte(" msg=audit(")); !ok || len(h.kind) == 0 || len(h.kind) > 64 || bytes.IndexByte(h.kind, ' ') >= 0 {
		return h, false
	}
	end := bytes.IndexByte(line, ')')
	if end < 0 || end > 48 || len(line) < end+2 || line[end+1] != ':' {
		return h, false
	}
	h.stamp, h.fields = line[:end], line[end+2:]
	seconds, serial, ok := bytes.Cut(h.stamp, []byte(":"))
	if !ok || !isDigits(serial) || bytes.IndexByte(seconds, '.') < 0 {
		return h, false
	}
	h.at, ok = epoch(string(seconds))
	return h, ok
}

// auditField is a field of a record.
type auditField struct {
	name, value []byte
	quoted      bool
}

var (
	errAuditQuote = errors.New("a value in quotation marks does not end")
	errNotAudit   = fmt.Errorf("%w: it does not begin with type= and a time", errForeign)
	errNoHost     = errors.New("it does not say which host it is of; set host")
)

// eachAuditField calls do for each field of a record, including those in msg='…' and the enriched
// ones after 0x1D.
func eachAuditField(rest []byte, do func(f auditField)) error {
	for {
		rest = bytes.TrimLeft(rest, " ,\x1d'")
		end := bytes.IndexAny(rest, "= ")
		if end < 0 {
			return nil
		}
		if rest[end] == ' ' { // a word without a value
			rest = rest[end:]
			continue
		}
		f := auditField{name: rest[:end]}
		rest = rest[end+1:]
		switch {
		case len(rest) > 0 && rest[0] == '"':
			n := bytes.IndexByte(rest[1:], '"')
			if n < 0 {
				return errAuditQuote
			}
			f.value, f.quoted, rest = rest[1:1+n], true, rest[n+2:]
		case len(rest) > 0 && rest[0] == '\'' && string(f.name) == "msg":
			rest = rest[1:]
			continue
		default:
			n := bytes.IndexAny(rest, " \x1d'")
			if n < 0 {
				n = len(rest)
			}
			f.value, rest = rest[:n], rest[n:]
		}
		do(f)
	}
}

// decoded decodes a text. The kernel writes it in quotation marks, or in hexadecimal digits if it has
// unusual bytes.
func (f *auditField) decoded() string {
	if !f.quoted {
		if len(f.value) > 0 && len(f.value)%2 == 0 {
			if b, err := hex.DecodeString(string(f.value)); err == nil {
				return string(b)
			}
		}
		if s := string(f.value); s == "?" || s == "(null)" {
			return ""
		}
	}
	return string(f.value)
}
