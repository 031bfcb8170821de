package mapping

import (
	"slices"
	"strings"

	"github.com/ttpcron/ttpcron"
)

// content describes the payload of a kind.
type content struct {
	// needs are fields. An event without any of them would say nothing, and is not made.
	needs []string
	// empty says that these fields may be empty texts.
	empty bool
	also  []string // further fields that rules and views know
}

// contents are the kinds whose fields are known. docs/sources.md lists them.
var contents = map[ttpcron.SourceKind]content{
	ttpcron.Command:           {needs: []string{"command_text"}, also: []string{"argv", "protocol", "pwd", "uid", "user", "src"}},
	ttpcron.Stdin:             {needs: []string{"input_text"}, also: []string{"program", "protocol"}},
	ttpcron.AuthAttempt:       {needs: []string{"username", "password", "key_fingerprint"}, empty: true, also: []string{"client_version", "key", "key_type", "method", "protocol", "service", "success"}},
	ttpcron.SessionFact:       {needs: []string{"fact"}, also: []string{"client_version", "dst_ip", "dst_port", "duration_ms", "hassh", "name", "protocol", "src_port", "term_size", "value"}},
	ttpcron.FileTransfer:      {needs: []string{"url", "filename", "sha256", "payload_text"}, also: []string{"direction", "error", "failed", "md5", "method", "size"}},
	ttpcron.Tunnel:            {needs: []string{"dst_ip", "data", "destination"}, also: []string{"dst_port", "orig_ip", "orig_port"}},
	ttpcron.HTTPRequest:       {needs: []string{"raw_url", "body", "method"}, also: []string{"dst_port", "headers", "host", "protocol", "status", "user_agent"}},
	ttpcron.Scan:              {needs: []string{"scan", "dst_port"}, also: []string{"protocol"}},
	ttpcron.ServiceRequest:    {needs: []string{"request_text"}, also: []string{"cve", "dst_port", "service", "user"}},
	ttpcron.CanaryFingerprint: {also: []string{"channel", "dns_qname", "headers", "request_path", "token_kind", "token_uuid", "ua_signature", "user_agent"}},
}

// facts are the words of the field fact.
var facts = []string{"opened", "client", "kex", "var", "size", "params", "closed"}

// words are fields that may only have certain texts.
var words = map[ttpcron.SourceKind]map[string][]string{
	ttpcron.SessionFact:  {"fact": facts},
	ttpcron.FileTransfer: {"direction": {"in", "out"}},
}

// flags are fields that are true or false.
var flags = map[ttpcron.SourceKind]string{ttpcron.AuthAttempt: "success", ttpcron.FileTransfer: "failed"}

// check finds fields and values that no rule and no view could use.
func (p *parser) check(at string, e *event) {
	known, ok := contents[e.kind]
	if !ok {
		return
	}
	var names []string
	for i := range e.payload {
		f := &e.payload[i]
		names = append(names, f.name)
		key := join(at, "payload."+f.name)
		if near := misspelt(f.name, slices.Concat(known.needs, known.also)); near != "" {
			p.fault(key, "is not a field of %s; did you mean %s?", e.kind, near)
		}
		if list := words[e.kind][f.name]; list != nil {
			for _, c := range f.constants() {
				if c.Raw != nil || !slices.Contains(list, c.Text) {
					p.fault(key, "becomes %q, want %s", shown(c), strings.Join(list, " or "))
				}
			}
		}
		if flags[e.kind] == f.name {
			for _, c := range f.constants() {
				if s := string(c.Raw); s != "true" && s != "false" {
					p.fault(key, "becomes %q, want true or false, without quotes", shown(c))
				}
			}
		}
	}
	if len(known.needs) > 0 && !slices.ContainsFunc(known.needs, func(n string) bool { return slices.Contains(names, n) }) {
		p.fault(join(at, "payload"), "has no %s, without which an event of this kind says nothing", strings.Join(known.needs, " or "))
	}
}

func shown(f ttpcron.Field) string {
	if f.Raw != nil {
		return string(f.Raw)
	}
	return f.Text
}

// constants are the values that do not come from a record.
func (v *value) constants() (all []ttpcron.Field) {
	if v.constant != nil {
		all = append(all, *v.constant)
	}
	if v.otherwise != nil {
		all = append(all, *v.otherwise)
	}
	for _, c := range v.changes {
		all = append(all, c)
	}
	return all
}

// misspelt returns the known name that differs from a name by one letter, which is missing,
// added or changed.
func misspelt(name string, names []string) string {
	if len(name) < 4 || slices.Contains(names, name) {
		return ""
	}
	for _, n := range names {
		if len(n) >= 4 && oneLetter(name, n) {
			return n
		}
	}
	return ""
}

// misspeltKind returns the known kind that somebody probably meant. Most other names are kinds of
// the user's own.
func misspeltKind(kind ttpcron.SourceKind) ttpcron.SourceKind {
	if kind == "canary" { // its name in flags and reports
		return ttpcron.CanaryFingerprint
	}
	var known []string
	for _, k := range ttpcron.Kinds() {
		known = append(known, string(k))
	}
	return ttpcron.SourceKind(misspelt(string(kind), known))
}

func oneLetter(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) == len(b) {
		return a[i+1:] == b[i+1:]
	}
	return a[i:] == b[i+1:]
}
