package story

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
)

// What is the type of an event, in the words of a story.
type What string

// The sorts.
const (
	Connected What = "connected"
	Fact      What = "fact" // of the connection: client, hassh, terminal, a variable
	Login     What = "login"
	Typed     What = "typed" // a command
	Input     What = "input" // text typed into a program
	Fetched   What = "fetched"
	Wrote     What = "wrote"    // a file, by a redirect or from standard input
	Uploaded  What = "uploaded" // a file that the attacker brought along
	Sent      What = "sent"     // a file that went out
	Tunneled  What = "tunnel"
	Requested What = "request" // in another protocol
	Web       What = "web"     // a request to a web server
	Scanned   What = "scan"
	Triggered What = "canary"
	Alerted   What = "alert" // by a sensor that watches the network
	Closed    What = "closed"
	Other     What = "event"
)

// Telling is how a story describes an event.
type Telling struct {
	What    What
	Text    string // the attacker's own
	Outcome Outcome
	Details []Detail
}

// Outcome is the result of an action, if it was recorded.
type Outcome string

// The outcomes.
const (
	Unknown Outcome = ""
	Worked  Outcome = "worked"
	Failed  Outcome = "failed"
)

// Detail is a further named value of an event.
type Detail struct{ Name, Text string }

// Tell describes an event.
func Tell(e *ttpcron.Event) Telling {
	t := Telling{What: Other, Text: e.Telling()}
	switch e.Kind {
	case ttpcron.Command:
		t.What = Typed
	case ttpcron.Stdin:
		t.What = Input
	case ttpcron.AuthAttempt:
		t.What, t.Outcome = Login, outcome(e, "success", Worked, Failed)
		t.detail(e, "service", "service")
		t.detail(e, "method", "method")
		if e.SessionID == "" { // else its beginning says where
			t.to(e)
		}
		if _, has := e.Payload.Text("password"); has { // else it is in the text
			t.detail(e, "key", "key_fingerprint")
		}
	case ttpcron.FileTransfer:
		tellFile(&t, e)
	case ttpcron.Tunnel:
		t.What = Tunneled
		if data, _ := e.Payload.Text("data"); data != "" && data != t.Text {
			t.Details = append(t.Details, Detail{"data", data})
		}
	case ttpcron.ServiceRequest:
		t.What = Requested
		if text := value(e, "request_text"); text != "" {
			t.Text = text
		}
		t.detail(e, "service", "service")
		t.to(e)
		t.detail(e, "user", "user")
		t.detail(e, "agent", "user_agent")
		t.detail(e, "cve", "cve")
	case ttpcron.HTTPRequest:
		tellWeb(&t, e)
	case ttpcron.Scan:
		t.What = Scanned
		t.Text = value(e, "scan")
		t.detail(e, "protocol", "protocol")
		t.to(e)
		t.detail(e, "ports", "ports")
		t.detail(e, "domain", "domain")
	case ttpcron.CanaryFingerprint:
		tellToken(&t, e)
	case ttpcron.Alert:
		t.What = Alerted
		t.detail(e, "category", "category")
		t.detail(e, "severity", "severity")
		t.detail(e, "signature id", "signature_id")
		t.detail(e, "protocol", "protocol")
		t.to(e)
	case ttpcron.SessionFact:
		tellFact(&t, e)
	}
	return t
}

func (t *Telling) detail(e *ttpcron.Event, name, field string) {
	if v := value(e, field); v != "" && v != t.Text {
		t.Details = append(t.Details, Detail{name, v})
	}
}

// to says where somebody turned to. Sensors write port 0 or -1 where they know none.
func (t *Telling) to(e *ttpcron.Event) {
	to, port := value(e, "dst_ip"), value(e, "dst_port")
	if n, err := strconv.Atoi(port); err == nil && n <= 0 {
		port = ""
	}
	if port != "" {
		port = "port " + port
	}
	if to != "" && port != "" {
		to += " "
	}
	if to += port; to != "" {
		t.Details = append(t.Details, Detail{"to", to})
	}
}

// tellToken adds what the text does not say: which bait of which kind it was, where it lay,
// and how it was used.
func tellToken(t *Telling, e *ttpcron.Event) {
	t.What = Triggered
	memo, placed, agent := value(e, "memo"), value(e, "placement_path"), value(e, "user_agent")
	if memo != "" || placed != "" {
		t.detail(e, "kind", "token_kind")
	}
	if memo != "" {
		t.detail(e, "placed at", "placement_path")
	}
	t.detail(e, "token", "token_uuid")
	if agent != "" {
		t.detail(e, "path", "request_path")
	}
	if agent != "" || value(e, "request_path") != "" {
		t.detail(e, "looked up", "dns_qname")
	}
	t.detail(e, "channel", "channel")
	t.detail(e, "page", "location")
	t.detail(e, "from", "referer")
}

func tellFile(t *Telling, e *ttpcron.Event) {
	t.What, t.Outcome = Fetched, outcome(e, "failed", Failed, Unknown)
	if value(e, "direction") == "out" {
		t.What = Sent
	}
	switch method := value(e, "method"); {
	case t.What == Fetched && method == "upload":
		t.What = Uploaded
	case t.What == Fetched && method == "download" && t.Outcome != Failed && value(e, "url") == "":
		t.What = Wrote // Cowrie logs it as a download without a URL
	case method != "download":
		t.detail(e, "method", "method")
	}
	t.detail(e, "name", "filename")
	t.detail(e, "sha256", "sha256")
	t.detail(e, "size", "size")
	t.detail(e, "error", "error")
}

func tellWeb(t *Telling, e *ttpcron.Event) {
	t.What = Web
	if text := strings.TrimSpace(value(e, "method") + " " + value(e, "raw_url")); text != "" {
		t.Text = text
	}
	t.detail(e, "host", "host")
	t.to(e)
	t.detail(e, "agent", "user_agent")
	t.detail(e, "status", "status")
	t.detail(e, "body", "body")
	t.detail(e, "user", "username")
	t.detail(e, "referer", "referer")
	t.detail(e, "forwarded for", "forwarded_for")
}

func tellFact(t *Telling, e *ttpcron.Event) {
	t.What = Fact
	switch fact := value(e, "fact"); fact {
	case "opened":
		t.What, t.Text = Connected, ""
		t.detail(e, "from port", "src_port")
		if to := value(e, "dst_ip"); to != "" {
			t.Details = append(t.Details, Detail{"to", to + " port " + value(e, "dst_port")})
		} else {
			t.detail(e, "to port", "dst_port")
		}
		t.detail(e, "by", "protocol")
	case "closed":
		t.What, t.Text = Closed, ""
		if d, ok := Duration(e); ok {
			t.Details = append(t.Details, Detail{"after", d.String()})
		}
	case "client":
		t.Text = "client " + t.Text
	case "kex":
		t.Text = "hassh " + value(e, "hassh")
	case "size":
		t.Text = "terminal " + value(e, "term_size")
	default:
		t.Text = fact
		if name := value(e, "name"); name != "" {
			t.Text += " " + name
			if v := value(e, "value"); v != "" {
				t.Text += "=" + v
			}
		}
	}
}

// Duration returns the length of a session, as recorded when it was closed.
func Duration(e *ttpcron.Event) (time.Duration, bool) {
	ms, err := strconv.ParseFloat(value(e, "duration_ms"), 64)
	if err != nil || !(ms >= 0 && ms <= 1e14) { // NaN is neither
		return 0, false
	}
	return time.Duration(ms * float64(time.Millisecond)), true
}

// value is a field of the payload as text: a string unchanged, nothing for null, anything
// else as JSON.
func value(e *ttpcron.Event, field string) string {
	text, _ := e.Payload.Said(field)
	return text
}

func outcome(e *ttpcron.Event, field string, yes, no Outcome) Outcome {
	var is bool
	if json.Unmarshal([]byte(value(e, field)), &is) != nil {
		return Unknown
	}
	if is {
		return yes
	}
	return no
}
