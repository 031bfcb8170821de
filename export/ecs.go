package export

import (
	"context"
	"flag"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
)

// ecs is Elastic's Common Schema, with a document for each tag: its lists of techniques
// and tactics are parallel, which is only possible for one technique.
//
// Every document is an intrusion detection event, whatever was seen: as process starts,
// which commands are elsewhere, they would trigger alert rules.
var ecs = Format{
	Name: "ecs", Short: "documents of the Elastic Common Schema, for _bulk",
	New: func(fs *flag.FlagSet) Write {
		index := fs.String("index", "logs-ttpcron.tags-default", "ecs: create documents in the index or data stream `NAME`")
		plain := fs.Bool("no-actions", false, "ecs: write no action line before each document, for Filebeat and Elastic Agent")
		return func(ctx context.Context, j *Job) error {
			if err := checkIndex(*index); err != nil {
				return err
			}
			if *plain {
				*index = ""
			}
			return writeECS(ctx, j, *index)
		}
	},
}

const ecsVersion = "9.5.0"

// checkIndex refuses what Elasticsearch refuses
// (https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-indices-create).
func checkIndex(name string) error {
	if name == "" || len(name) > 255 || strings.ContainsAny(name, "\\/*?\"<>| ,#:") || strings.ContainsAny(name[:1], "-_+.") || strings.ToLower(name) != name || unicodeText(name) != name || hasControl(name) {
		return fmt.Errorf("--index %q is no name of an index: lower case, no blanks, none of \\/*?\"<>|,#: and not beginning with - _ + or a dot", name)
	}
	return nil
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r >= 0x7f && r < 0xa0 })
}

// writeECS writes documents, each with the action that creates it if there is an index.
func writeECS(ctx context.Context, j *Job, index string) error {
	var o object
	found := evidence{}
	for t, err := range j.Selected(ctx) {
		if err != nil {
			return err
		}
		o.b = o.b[:0]
		if index != "" {
			o.begin()
			o.in("create", func() {
				o.text("_index", index)
				o.text("_id", t.UUID)
			})
			o.end()
			o.b = append(o.b, '\n')
		}
		found.read(t.Evidence)
		o.begin()
		o.text("@timestamp", stamp(t.EventTime))
		o.in("ecs", func() { o.text("version", ecsVersion) })
		o.text("message", t.headline(j.Table))
		ecsEvent(&o, t)
		o.in("rule", func() {
			o.text("id", t.RuleID)
			o.text("version", strconv.Itoa(t.RuleVersion))
		})
		ecsThreat(&o, t, j.Table)
		ecsWho(&o, t, found)
		ecsWhat(&o, t, found)
		o.in("labels", func() { o.text("attack_release", t.Shown.AttackRelease) })
		o.texts("tags", "ttpcron", t.Shown.Technique())
		ecsOwn(&o, t)
		o.end()
		if _, err := j.json().Write(append(o.b, '\n')); err != nil {
			return err
		}
	}
	return nil
}

func ecsEvent(o *object, t *Tag) {
	o.in("event", func() {
		o.text("kind", "event")
		o.texts("category", "intrusion_detection")
		o.texts("type", "info")
		o.text("id", t.UUID)
		o.text("module", "ttpcron")
		o.text("dataset", "ttpcron.tags")
		o.text("created", stamp(t.CreatedAt))
		o.float("risk_score", percent(t.Confidence))
		o.number("severity", levelNumber(t.Level))
	})
}

// percent is a confidence from 0 to 100, without the digits that floating point adds.
func percent(confidence float64) float64 {
	f, _ := strconv.ParseFloat(strconv.FormatFloat(confidence*100, 'f', 4, 64), 64)
	return f
}

// levelNumber counts levels, 1 for informational to 5 for critical.
func levelNumber(l ttpcron.Level) int64 {
	levels := ttpcron.Levels()
	for i, other := range levels {
		if l.AtLeast(other) {
			return int64(len(levels) - i)
		}
	}
	return 0
}

func ecsThreat(o *object, t *Tag, table *attack.Table) {
	c := &t.Shown
	o.in("threat", func() {
		o.text("framework", "MITRE ATT&CK")
		o.in("tactic", func() {
			o.texts("id", c.Tactic)
			o.texts("name", table.TacticName(c.Tactic))
			o.texts("reference", "https://attack.mitre.org/tactics/"+c.Tactic+"/")
		})
		technique := func(id string) {
			o.texts("id", id)
			o.texts("name", ownName(table, id))
			o.texts("reference", attack.URL(id))
		}
		o.in("technique", func() {
			technique(c.TechniqueID)
			if c.SubTechniqueID != "" {
				o.in("subtechnique", func() { technique(c.SubTechniqueID) })
			}
		})
	})
}

// address is the text of an address, or empty.
func address(s string) string {
	a, err := netip.ParseAddr(s)
	if err != nil {
		return ""
	}
	return a.WithZone("").String()
}

func ecsWho(o *object, t *Tag, found evidence) {
	ip := address(t.AttackerIP)
	to := ""
	if t.SourceKind == ttpcron.Tunnel {
		to = address(found["dst_ip"])
	}
	user := found["username"]
	if user == "" {
		user = found["user"]
	}
	o.in("source", func() {
		o.text("address", t.AttackerIP)
		o.text("ip", ip)
	})
	o.in("destination", func() {
		if t.SourceKind == ttpcron.Tunnel {
			o.text("address", found["destination"])
			o.text("ip", to)
		}
	})
	o.in("user", func() { o.text("name", user) })
	o.in("related", func() {
		o.texts("ip", ip, to)
		o.texts("user", user)
		o.texts("hash", found["sha256"])
	})
	if t.Vantage == ttpcron.VantageHost {
		o.in("host", func() { o.text("name", t.DeckyID) })
		return
	}
	o.in("observer", func() {
		o.text("name", t.DeckyID)
		o.text("type", "honeypot")
	})
}

// urlOf is the address in the text of a request, which may begin with its method.
func urlOf(text string) string {
	method, url, is := strings.Cut(text, " ")
	if is && strings.Trim(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
		return url
	}
	return text
}

// ecsWhat has the fields that ECS has for a kind of event.
func ecsWhat(o *object, t *Tag, found evidence) {
	url := found["url"]
	switch t.SourceKind {
	case ttpcron.Command:
		o.in("process", func() { o.text("command_line", t.Text) })
	case ttpcron.HTTPRequest:
		if url = found["raw_url"]; url == "" {
			url = urlOf(t.Text)
		}
		o.in("http", func() { o.in("request", func() { o.text("method", found["method"]) }) })
	case ttpcron.CanaryFingerprint:
		url = found["request_path"]
	case ttpcron.FileTransfer:
		o.in("file", func() { o.in("hash", func() { o.text("sha256", found["sha256"]) }) })
	}
	o.in("url", func() { o.text("original", url) })
	o.in("user_agent", func() { o.text("original", found["user_agent"]) })
	o.in("network", func() { o.text("protocol", strings.ToLower(found["service"])) })
}

// ecsOwn is what ECS has no fields for. The evidence is a text: its members depend on the
// rule, and a member with two types would make the index refuse a document.
func ecsOwn(o *object, t *Tag) {
	o.in("ttpcron", func() {
		o.text("source_kind", string(t.SourceKind))
		o.text("source_id", t.SourceID)
		o.text("session_id", t.SessionID)
		o.text("attacker_uuid", t.AttackerUUID)
		o.text("identity_uuid", t.IdentityUUID)
		o.text("attacker_mark", string(t.Mark))
		o.text("vantage", t.Vantage.String())
		o.text("level", t.Level.String())
		o.float("confidence", t.Confidence)
		o.text("evidence", string(unicodeJSON(nil, t.Evidence)))
		o.bool("checked", t.Checked)
	})
}
