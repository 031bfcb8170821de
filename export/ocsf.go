package export

import (
	"context"
	"flag"
	"strconv"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
)

// ocsf is the Open Cybersecurity Schema Framework: class 2004, Detection Finding.
var ocsf = Format{
	Name: "ocsf", Short: "Detection Findings of OCSF 1.8.0, one JSON object a line",
	New: func(*flag.FlagSet) Write { return writeOCSF },
}

const ocsfVersion = "1.8.0"

func writeOCSF(ctx context.Context, j *Job) error {
	var o object
	found := evidence{}
	for t, err := range j.Selected(ctx) {
		if err != nil {
			return err
		}
		found.read(t.Evidence)
		o.b = o.b[:0]
		o.begin()
		ocsfClass(&o)
		o.number("time", t.CreatedAt.UnixMilli()) // of the finding; that of what was done follows
		o.number("start_time", t.EventTime.UnixMilli())
		_, until := t.span()
		o.number("end_time", until.UnixMilli())
		o.number("severity_id", levelNumber(t.Level))
		o.number("confidence_score", int64(percent(t.Confidence)+0.5))
		o.number("confidence_id", confidenceID(t.Confidence))
		o.bool("is_alert", false)
		o.number("status_id", 1)
		o.text("message", t.headline(j.Table))
		o.in("metadata", func() {
			o.text("version", ocsfVersion)
			o.text("uid", t.UUID)
			o.text("original_time", t.EventTime.UTC().Format(time.RFC3339Nano))
			o.in("product", func() {
				o.text("name", "ttpcron")
				o.text("vendor_name", "ttpcron")
				o.text("version", j.Version)
			})
		})
		ocsfFinding(&o, t, until, j.Table)
		o.list("evidences", func() { ocsfEvidence(&o, t, found) })
		o.list("observables", func() {
			if ip := address(t.AttackerIP); ip != "" {
				o.in("", func() {
					o.text("name", "evidences.src_endpoint.ip")
					o.number("type_id", 2) // IP Address
					o.text("value", ip)
				})
			}
		})
		ocsfUnmapped(&o, t)
		o.end()
		if _, err := j.json().Write(append(o.b, '\n')); err != nil {
			return err
		}
	}
	return nil
}

func ocsfClass(o *object) {
	for _, x := range [...]struct {
		name string
		id   int64
	}{{"category_uid", 2}, {"class_uid", 2004}, {"activity_id", 1}, {"type_uid", 200401}} {
		o.number(x.name, x.id)
	}
}

// confidenceID is 1 for low, 2 for medium, 3 for high.
func confidenceID(confidence float64) int64 {
	switch {
	case confidence >= 0.8:
		return 3
	case confidence >= 0.5:
		return 2
	}
	return 1
}

func ocsfFinding(o *object, t *Tag, until time.Time, table *attack.Table) {
	c := &t.Shown
	o.in("finding_info", func() {
		o.text("uid", t.UUID)
		title := table.TechniqueName(c.Technique())
		if title == "" {
			title = c.Technique()
		}
		o.text("title", title)
		o.number("created_time", t.CreatedAt.UnixMilli())
		o.number("first_seen_time", t.EventTime.UnixMilli())
		o.number("last_seen_time", until.UnixMilli())
		o.in("analytic", func() {
			o.text("uid", t.RuleID)
			o.text("version", strconv.Itoa(t.RuleVersion))
			o.number("type_id", 1) // Rule
		})
		o.list("attacks", func() {
			o.in("", func() {
				o.text("version", t.release())
				thing := func(member, kind, id, name string) {
					if id != "" {
						o.in(member, func() {
							o.text("uid", id)
							o.text("name", name)
							o.text("src_url", versionedURL(t.release(), kind, id))
						})
					}
				}
				thing("tactic", "tactics", c.Tactic, table.TacticName(c.Tactic))
				thing("technique", "techniques", c.TechniqueID, ownName(table, c.TechniqueID))
				thing("sub_technique", "techniques", c.SubTechniqueID, ownName(table, c.SubTechniqueID))
			})
		})
	})
}

// versionedURL is the page of a tactic or a technique in a release.
func versionedURL(release, kind, id string) string {
	major, _, _ := strings.Cut(release, ".")
	return "https://attack.mitre.org/versions/v" + major + "/" + kind + "/" + strings.ReplaceAll(id, ".", "/") + "/"
}

// ocsfEvidence writes one evidence. A process must have an id: it is the event's.
func ocsfEvidence(o *object, t *Tag, found evidence) {
	o.in("", func() {
		if t.SourceKind == ttpcron.Command {
			o.in("process", func() {
				o.text("uid", t.SourceID)
				o.text("cmd_line", t.Text)
			})
		}
		o.in("src_endpoint", func() { o.text("ip", address(t.AttackerIP)) })
		if t.DeckyID != "" {
			o.in("device", func() {
				o.number("type_id", 1) // Server: what a honeypot plays, too
				o.text("name", t.DeckyID)
			})
		}
		if user := found["username"]; user != "" {
			o.in("user", func() { o.text("name", user) })
		}
		if url := found["url"]; url != "" {
			o.in("url", func() { o.text("url_string", url) })
		}
		o.name("data")
		if o.b = unicodeJSON(o.b, t.Evidence); len(t.Evidence) == 0 {
			o.b = append(o.b, "{}"...)
		}
	})
}

func ocsfUnmapped(o *object, t *Tag) {
	o.in("unmapped", func() {
		o.text("source_kind", string(t.SourceKind))
		o.text("source_id", t.SourceID)
		o.text("session_id", t.SessionID)
		o.text("attacker_uuid", t.AttackerUUID)
		o.text("attacker_address", t.AttackerIP)
		o.text("identity_uuid", t.IdentityUUID)
		o.text("attacker_mark", string(t.Mark))
		o.text("level", t.Level.String())
		o.text("text", t.Text)
		o.text("vantage", t.Vantage.String())
		o.bool("checked", t.Checked)
	})
}
