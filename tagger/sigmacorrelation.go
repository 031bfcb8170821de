package tagger

import (
	"strings"
	"unicode"

	"github.com/ttpcron/ttpcron"
	"go.yaml.in/yaml/v3"
)

// sigmaGroupFields maps the names that Sigma's rules usually have for what correlations
// group by to those of native events.
var sigmaGroupFields = func() map[string]string {
	fields := map[string]string{}
	for name, spellings := range map[string]string{
		ttpcron.FieldAttackerIP: "src_ip src SourceIp SourceIP SourceAddress source.ip source.address IpAddress ClientIP client.ip client_ip c-ip rhost remote_ip remote_addr id.orig_h",
		ttpcron.FieldSessionID:  "session SessionId SessionID session.id",
		ttpcron.FieldDeckyID:    "host hostname Hostname HostName Computer ComputerName host.name host.hostname sensor",
		"username":              "User user UserName user.name TargetUserName TargetUser AccountName",
		"password":              "Password user.password",
		"command_text":          "CommandLine process.command_line",
		"raw_url":               "c-uri cs-uri url.original",
		"user_agent":            "c-useragent cs-user-agent user_agent.original",
		"method":                "cs-method http.request.method",
		"dst_ip":                "DestinationIp destination.ip",
		"dst_port":              "DestinationPort destination.port",
	} {
		for _, s := range strings.Fields(spellings) {
			fields[s] = name
		}
	}
	return fields
}()

// sigmaCorrelation reads Sigma's rule over several events.
func (r *ruleReader) sigmaCorrelation(root *yaml.Node, m sigmaMembers) {
	d := r.def
	r.required(root, "title", d.Name != "")
	for _, other := range []struct {
		key string
		at  *yaml.Node
	}{{"detection", m.detection}, {"logsource", m.logsource}} {
		if other.at != nil {
			r.problem(other.at, other.key, "a document has either correlation or detection")
		}
	}
	if d.ID == "" { // Sigma asks for none
		d.ID = plainName(d.name)
	}
	if d.ID == "" {
		d.ID = plainName(d.Name)
	}
	r.required(root, "id", d.ID != "")
	r.sigmaDate(root, m)
	if r.refused() {
		return
	}
	d.Level = r.level(m.levelAt, strings.ToLower(m.level))
	r.correlation(m.correlation, true)
	r.nativeFields()
	r.sigmaClaims(m.tags)
}

// plainName makes an id of a name.
func plainName(name string) string {
	id := strings.Join(strings.FieldsFunc(name, func(c rune) bool { return c <= ' ' || c == '|' || unicode.IsSpace(c) || unicode.IsControl(c) }), "_")
	return ttpcron.Shorten(id, 120)
}

// nativeFields gives the fields that a correlation names the names of native events, but
// for aliases.
func (r *ruleReader) nativeFields() {
	c := r.def.correlation
	native := func(list []string) {
		for i, name := range list {
			if _, alias := c.Aliases[name]; !alias {
				list[i] = nativeField(name)
			}
		}
	}
	native(c.GroupBy)
	native(c.Condition.Fields)
	for _, of := range c.Aliases {
		for rule, name := range of {
			of[rule] = nativeField(name)
		}
	}
}

func nativeField(name string) string {
	if native, ok := sigmaGroupFields[name]; ok {
		return native
	}
	return name
}

// silence takes the claims of rules that a correlation of the same file names which does
// not let them have any of their own: Sigma's generate, false where it is missing.
func silence(defs []*definition) {
	for _, c := range defs {
		if c.correlation == nil || !c.sigma || c.generate {
			continue
		}
		for _, ref := range c.refs() {
			for _, d := range defs {
				if d != c && d.sigma && (d.ID == ref || d.name == ref) {
					d.Claims, d.Silent = nil, "it feeds "+c.ID+", which has no generate: true"
				}
			}
		}
	}
}
