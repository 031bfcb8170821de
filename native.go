package ttpcron

import (
	"strconv"
	"time"

	"github.com/ttpcron/ttpcron/jsontext"
)

// AppendJSON appends the event in its native form, one line of JSON without the
// newline, which UnmarshalJSON reads back unchanged but for Seq. Unlike
// [json.Marshal] it does not escape <, > and &.
func (e *Event) AppendJSON(dst []byte) []byte {
	dst = append(dst, `{"source_kind":`...)
	dst = jsontext.AppendString(dst, string(e.Kind))
	if e.ID != "" {
		dst = append(dst, `,"source_id":`...)
		dst = jsontext.AppendString(dst, e.ID)
	} else if e.Seq != 0 {
		dst = append(dst, `,"source_id":`...)
		dst = jsontext.AppendString(dst, e.SourceID())
	}
	dst = appendTime(dst, "time", e.Time)
	if e.TimeOrigin != OriginRecorded {
		dst = appendText(dst, "time_origin", e.TimeOrigin.String())
	}
	dst = appendText(dst, "attacker_uuid", e.AttackerUUID)
	if e.AttackerOrigin != OriginRecorded {
		dst = appendText(dst, "attacker_origin", e.AttackerOrigin.String())
	}
	dst = appendText(dst, "attacker_ip", e.AttackerIP)
	if e.AddressOrigin != OriginRecorded {
		dst = appendText(dst, "address_origin", e.AddressOrigin.String())
	}
	dst = appendText(dst, "identity_uuid", e.IdentityUUID)
	dst = appendText(dst, "session_id", e.SessionID)
	if e.SessionOrigin != OriginRecorded {
		dst = appendText(dst, "session_origin", e.SessionOrigin.String())
	}
	if e.Connection != "" {
		dst = appendText(dst, "connection", e.Connection)
	}
	dst = appendText(dst, "decky_id", e.DeckyID)
	if e.Vantage != VantageHoneypot {
		dst = appendText(dst, "vantage", e.Vantage.String())
	}
	if e.Ordinal > 0 {
		dst = append(dst, `,"ordinal":`...)
		dst = strconv.AppendUint(dst, uint64(e.Ordinal), 10)
	}
	dst = append(dst, `,"payload":`...)
	return append(e.Payload.AppendJSON(dst), '}')
}

// MarshalJSON gives what AppendJSON does.
func (e Event) MarshalJSON() ([]byte, error) { return e.AppendJSON(nil), nil }

// UnmarshalJSON reads the native form. Members that it does not know are ignored, null
// counts as missing, and of members with one name the last counts. A missing time or
// payload, or a member of the wrong type, is an error that names it. It does not call
// Validate.
func (e *Event) UnmarshalJSON(data []byte) error {
	var r EventReader
	return r.Read(data, e, nil)
}

// AppendJSON appends the tag as one JSON object with its UUID: DECNET's field
// names, and event_time, attacker_ip and level. Unlike [json.Marshal] it does not
// escape <, > and &. Evidence is copied as it is.
func (t *Tag) AppendJSON(dst []byte) []byte { return t.AppendShown(dst, &t.Claim) }

// AppendShown is AppendJSON for a tag that is shown under other names, those of a claim:
// see [Naming]. If its names in the store differ, which its UUID depends on, they are added
// as "recorded".
func (t *Tag) AppendShown(dst []byte, shown *Claim) []byte {
	dst = append(dst, `{"uuid":`...)
	dst = jsontext.AppendString(dst, t.UUID().String())
	dst = append(dst, `,"source_kind":`...)
	dst = jsontext.AppendString(dst, string(t.SourceKind))
	dst = append(dst, `,"source_id":`...)
	dst = jsontext.AppendString(dst, t.SourceID)
	dst = appendText(dst, "attacker_uuid", t.AttackerUUID)
	dst = appendText(dst, "attacker_ip", t.AttackerIP)
	dst = appendText(dst, "identity_uuid", t.IdentityUUID)
	dst = appendText(dst, "session_id", t.SessionID)
	dst = appendText(dst, "decky_id", t.DeckyID)
	if t.Vantage != VantageHoneypot {
		dst = appendText(dst, "vantage", t.Vantage.String())
	}
	dst = append(dst, `,"tactic":`...)
	dst = appendTechnique(dst, shown)
	dst = append(dst, `,"confidence":`...)
	dst = strconv.AppendFloat(dst, t.Confidence, 'f', -1, 64)
	dst = appendText(dst, "level", t.Level.String())
	dst = append(dst, `,"rule_id":`...)
	dst = jsontext.AppendString(dst, t.RuleID)
	dst = append(dst, `,"rule_version":`...)
	dst = strconv.AppendInt(dst, int64(t.RuleVersion), 10)
	dst = append(dst, `,"evidence":`...)
	switch {
	case len(t.Evidence) > 0:
		dst = append(dst, t.Evidence...)
	case t.Finding != nil:
		dst = t.Finding.AppendEvidence(dst)
	default:
		dst = append(dst, `{}`...)
	}
	dst = append(dst, `,"attack_release":`...)
	dst = jsontext.AppendString(dst, shown.AttackRelease)
	dst = appendText(dst, "mitre_url", shown.MitreURL)
	dst = appendTime(dst, "created_at", t.CreatedAt)
	dst = appendTime(dst, "event_time", t.EventTime)
	if !t.SameNames(shown) {
		dst = append(dst, `,"recorded":`...)
		dst = t.AppendNames(dst)
	}
	return append(dst, '}')
}

// SameNames reports whether two claims have the same technique, tactic and release.
func (c *Claim) SameNames(o *Claim) bool {
	return c.Tactic == o.Tactic && c.TechniqueID == o.TechniqueID && c.SubTechniqueID == o.SubTechniqueID && c.AttackRelease == o.AttackRelease
}

// AppendNames appends a JSON object with the claim's tactic, technique and release.
func (c *Claim) AppendNames(dst []byte) []byte {
	dst = append(dst, `{"tactic":`...)
	dst = appendTechnique(dst, c)
	dst = append(dst, `,"attack_release":`...)
	return append(jsontext.AppendString(dst, c.AttackRelease), '}')
}

// appendTechnique appends the value of "tactic", and the members behind it.
func appendTechnique(dst []byte, c *Claim) []byte {
	dst = jsontext.AppendString(dst, c.Tactic)
	dst = append(dst, `,"technique_id":`...)
	dst = jsontext.AppendString(dst, c.TechniqueID)
	return appendText(dst, "sub_technique_id", c.SubTechniqueID)
}

// MarshalJSON gives what AppendJSON does.
func (t Tag) MarshalJSON() ([]byte, error) { return t.AppendJSON(nil), nil }

// appendText appends a comma and a member, null for an empty string.
func appendText(dst []byte, name, s string) []byte {
	dst = append(dst, ',', '"')
	dst = append(dst, name...)
	dst = append(dst, '"', ':')
	if s == "" {
		return append(dst, "null"...)
	}
	return jsontext.AppendString(dst, s)
}

func appendTime(dst []byte, name string, t time.Time) []byte {
	dst = append(dst, ',', '"')
	dst = append(dst, name...)
	dst = append(dst, '"', ':', '"')
	dst = t.UTC().AppendFormat(dst, time.RFC3339Nano)
	return append(dst, '"')
}
