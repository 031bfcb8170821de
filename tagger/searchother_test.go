package tagger

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jsontext"
)

// mostExplained bounds what explaining one event may allocate: every rule of the pack is
// tried, and its results are kept.
const mostExplained = 32 << 20

// TestSearchExplain looks for commands that are costly to explain.
func TestSearchExplain(t *testing.T) {
	rs := loadEmbedded()
	searchCommands(t, "explain-", mostExplained, 8, func(text string) cost {
		e := commandEvent(text)
		return measured(func() (int, bool) {
			x := rs.Explain(*e)
			return x.steps, x.Verdict.Bounded
		})
	})
}

// costlyDetections are Sigma's with what is dearest in them.
var costlyDetections = []string{
	"sel:\n  CommandLine|contains: 'İWgEtK'\ncondition: sel", "sel:\n  CommandLine|re|i: '(a|aa)+(?!a)bc'\ncondition: sel",
	"sel:\n  CommandLine|re: '(\\w+\\s?)*\\1!x'\ncondition: sel", "sel:\n  CommandLine|base64offset|contains:\n    - wget\n    - curl\ncondition: sel",
	"sel:\n  CommandLine|wide|base64offset|contains: wget\ncondition: sel", "sel:\n  CommandLine: '*a*a*a*a*a*a*a*b'\ncondition: sel",
	"sel:\n  Image|endswith: /x\n  CommandLine|contains|all: [wget, curl, XX]\ncondition: sel", "sel:\n  CommandLine|windash|contains: ' -s -e -x '\ncondition: sel",
	"sel:\n  - wget*curl\n  - '*x*y*z*'\ncondition: sel", "a:\n  CommandLine|contains: wget\nb:\n  CommandLine|contains: nothing\ncondition: a and not b",
	"sel:\n  ParentImage|endswith: /sudo\n  CommandLine|cased|startswith: x\ncondition: sel", "a:\n  CommandLine|re: '.*.*.*x$'\nb:\n  CommandLine|neq: x\ncondition: a and b",
}

// costlyRules loads each of the detections n times, and expressions that can only
// be matched by backtracking.
func costlyRules(t testing.TB, n int) *RuleSet {
	files := fstest.MapFS{}
	for i := range n * len(costlyDetections) {
		rule := strings.Replace(sigmaRule(costlyDetections[i%len(costlyDetections)]), "0001", fmt.Sprintf("%04d", i+1), 1)
		files[fmt.Sprintf("%d.yml", i)] = &fstest.MapFile{Data: []byte(rule)}
	}
	rs, report := Load(Options{Releases: sigmaReleases, Folders: []Folder{{Name: "costly", FS: files}}})
	if rs.Len() < n*len(costlyDetections) {
		t.Fatal(report.Problems)
	}
	return rs
}

// TestSearchRules looks for commands that are costly to rules as a user may have
// them.
func TestSearchRules(t *testing.T) {
	c := costlyRules(t, 20).Tagger(nil)
	searchCommands(t, "rules-", mostAllocated, 40, tagging(c))
}

// TestSearchPayload looks for payloads of the other kinds that are costly: canary
// triggers with fingerprints, headers and agents, and any others.
func TestSearchPayload(t *testing.T) {
	c := loadEmbedded().Tagger(nil)
	seed := *searchSeed
	if seed == 0 && *searchTime > 0 {
		seed = uint64(time.Now().UnixNano())
	}
	s := payloads{rnd: rand.New(rand.NewPCG(seed, 3))}
	var most, longest cost
	for until, tried := time.Now().Add(*searchTime), 0; tried < 40 || time.Now().Before(until); tried++ {
		e := s.event()
		now := measured(func() (int, bool) {
			_, v := c.Tag(e, nil)
			return stepsPerEvent - c.ev.budget.Steps, v.Bounded
		})
		if now.allocated > mostAllocated {
			t.Errorf("%s: %v: %.300s", e.Kind, now, shown(e.Payload))
		}
		if now.allocated > most.allocated {
			most = now
			t.Logf("%s: %v: %.300s", e.Kind, now, shown(e.Payload))
		}
		if now.cpu > longest.cpu {
			longest = now
			t.Logf("%s: %v: %.300s", e.Kind, now, shown(e.Payload))
		}
	}
}

func shown(p ttpcron.Payload) string {
	var out strings.Builder
	for _, f := range p {
		fmt.Fprintf(&out, "%s(%d): %.80q ", f.Name, len(f.Text)+len(f.Raw), f.Text+string(f.Raw))
	}
	return out.String()
}

// payloads makes events at random.
type payloads struct {
	rnd  *rand.Rand
	left int // bytes that the payload has room for
}

var payloadNames = []string{
	"user_agent", "useragent", "ua_signature", "headers", "_fp", "fingerprint", "dns_qname", "request_path", "country_code", "country", "src_ip", "is_tor", "is_tor_relay",
	"username", "subject", "raw_url", "path", "payload_text", "text", "command_text", "token_kind", "channel", "body", "method", "password", "matched_tool", "tz_mismatch_zones", "x",
}

var memberNames = []string{
	"user-agent", "User-Agent", "_fp", "nav", "ua", "lgs", "lg", "pf", "wd", "scr", "tz", "tzo", "webgl", "wgl", "r", "v", "rtc", "ips", "err", "K", "ſ", "navigator", "userAgent", "languages",
	"webdriver", "platform", "accept-language", "x-forwarded-for", "timezone", "canvas", "fonts", "plugins", "",
}

var payloadTexts = []string{
	"a", "Mozilla/5.0 (X11; Linux x86_64) ", "HeadlessChrome/", "curl/8 ", "\xff", "é", "\\", "\"", "\n", "K", "swiftshader ", "llvmpipe ", "203.0.113.9,", "en-US,", "../", "%2e%2e%2f", "' or 1=1 --", "${jndi:ldap://",
	"xn--", ".", "(", "<script>", "0", " ", "UNION SELECT ", "A", "=", "wget ",
}

func (s *payloads) event() *ttpcron.Event {
	kinds := []ttpcron.SourceKind{ttpcron.CanaryFingerprint, ttpcron.CanaryFingerprint, ttpcron.HTTPRequest, ttpcron.AuthAttempt, "email", "payload"}
	e := &ttpcron.Event{ID: "e", Kind: kinds[s.rnd.IntN(len(kinds))], Time: time.Unix(0, 0), AttackerIP: "203.0.113.9"}
	s.left = mostEventText - 4096
	if s.rnd.IntN(3) == 0 {
		s.left = 1 << (10 + s.rnd.IntN(10))
	}
	have := map[string]bool{}
	for n := 1 + s.rnd.IntN(8); n > 0 && s.left > 0; n-- {
		name := payloadNames[s.rnd.IntN(len(payloadNames))]
		if have[name] {
			continue
		}
		have[name] = true
		f := ttpcron.Field{Name: name}
		if s.rnd.IntN(2) == 0 {
			f.Text = s.text(s.left)
		} else {
			f.Raw = s.json(0)
			if !json.Valid(f.Raw) {
				panic("not JSON")
			}
		}
		e.Payload = append(e.Payload, f)
	}
	return e
}

func (s *payloads) text(most int) string {
	unit := payloadTexts[s.rnd.IntN(len(payloadTexts))]
	if s.rnd.IntN(3) == 0 {
		unit += payloadTexts[s.rnd.IntN(len(payloadTexts))]
	}
	if s.rnd.IntN(2) == 0 {
		most = min(most, 1<<s.rnd.IntN(20))
	}
	most = max(min(most, s.left), 0)
	text := strings.Repeat(unit, most/len(unit)+1)[:most]
	s.left -= len(text)
	return text
}

// json makes a value of any form; one of its members may take most of the room.
func (s *payloads) json(depth int) json.RawMessage {
	switch n := s.rnd.IntN(10); {
	case s.left < 64 || n == 0 || depth > 20:
		return json.RawMessage([]string{"0", "true", "null", `""`, "-1.5e300", "123456789012345678901234567890"}[s.rnd.IntN(6)])
	case n == 1:
		digits := 1 << s.rnd.IntN(16)
		s.left -= digits
		return json.RawMessage(strings.Repeat("9", digits))
	case n < 4:
		return jsontext.AppendString(nil, s.text(s.left/4))
	case n == 4:
		levels := 1 << s.rnd.IntN(12)
		s.left -= 6 * levels
		inner := s.json(depth + 1)
		open, shut := []string{"[", `{"a":`}[levels%2], []string{"]", "}"}[levels%2]
		return json.RawMessage(strings.Repeat(open, levels) + string(inner) + strings.Repeat(shut, levels))
	case n == 5: // many of one
		unit := s.json(depth + 10)
		many := s.left / (len(unit) + 1) / (1 + s.rnd.IntN(4))
		s.left -= many * (len(unit) + 1)
		return json.RawMessage("[" + strings.Repeat(string(unit)+",", max(many, 0)) + string(unit) + "]")
	case n < 7:
		out := []byte{'['}
		for i := range 1 + s.rnd.IntN(6) {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(out, s.json(depth+1)...)
		}
		return append(out, ']')
	}
	out := []byte{'{'}
	members := 1 + s.rnd.IntN(8)
	if s.rnd.IntN(6) == 0 {
		members = max(s.left/16, 1)
	}
	for i := range members {
		if i > 0 {
			out = append(out, ',')
		}
		name := memberNames[s.rnd.IntN(len(memberNames))]
		if members > 8 {
			name = fmt.Sprintf("%x", i)
		}
		s.left -= len(name) + 4
		out = append(jsontext.AppendString(out, name), ':')
		if members > 8 {
			out = append(out, '0')
			continue
		}
		out = append(out, s.json(depth+1)...)
	}
	return append(out, '}')
}
