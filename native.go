package ttpcron

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// AppendJSON appends the event in its native form, one line of JSON without the
// newline, which UnmarshalJSON reads back unchanged but for Seq. Unlike
// [json.Marshal] it does not escape <, > and &.
func (e *Event) AppendJSON(dst []byte) []byte {
	dst = append(dst, `{"source_kind":`...)
	dst = AppendJSONString(dst, string(e.Kind))
	if e.ID != "" {
		dst = append(dst, `,"source_id":`...)
		dst = AppendJSONString(dst, e.ID)
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
	dst = appendText(dst, "identity_uuid", e.IdentityUUID)
	dst = appendText(dst, "session_id", e.SessionID)
	dst = appendText(dst, "decky_id", e.DeckyID)
	dst = append(dst, `,"payload":`...)
	return append(e.Payload.AppendJSON(dst), '}')
}

// MarshalJSON gives what AppendJSON does.
func (e Event) MarshalJSON() ([]byte, error) { return e.AppendJSON(nil), nil }

// UnmarshalJSON reads the native form. Members that it does not know are
// ignored, null counts as missing, and of members with one name the last counts.
// A time or payload that is missing, and any member of the wrong type, is an
// error that names it. It does not call Validate.
func (e *Event) UnmarshalJSON(data []byte) error {
	var out Event
	var kind, at, timeOrigin, origin string
	var unknown string
	member := func(name []byte) *string {
		switch string(name) {
		case "source_kind":
			return &kind
		case "source_id":
			return &out.ID
		case "time":
			return &at
		case "time_origin":
			return &timeOrigin
		case "attacker_uuid":
			return &out.AttackerUUID
		case "attacker_origin":
			return &origin
		case "attacker_ip":
			return &out.AttackerIP
		case "identity_uuid":
			return &out.IdentityUUID
		case "session_id":
			return &out.SessionID
		case "decky_id":
			return &out.DeckyID
		}
		return &unknown
	}
	if !isObject(data) {
		return errNotObject
	}
	err := eachMember(data, func(rawName, value []byte) error {
		name := rawName[1 : len(rawName)-1]
		if bytes.IndexByte(name, '\\') >= 0 {
			name = []byte(decodeString(rawName))
		}
		text := member(name)
		switch {
		case string(name) == "payload" && string(value) != "null":
			return out.Payload.read(value)
		case text == &unknown:
		case string(value) == "null":
			*text = ""
		case value[0] == '"':
			*text = decodeString(value)
		default:
			return fmt.Errorf("%s is not a string", name)
		}
		return nil
	})
	if err != nil {
		return err
	}
	out.Kind = SourceKind(kind)
	if out.TimeOrigin, err = parseOrigin("time_origin", timeOrigin); err != nil {
		return err
	}
	if out.AttackerOrigin, err = parseOrigin("attacker_origin", origin); err != nil {
		return err
	}
	if at == "" {
		return errors.New("time is missing")
	}
	if out.Time, err = time.Parse(time.RFC3339Nano, at); err != nil {
		return fmt.Errorf("time %.40q is not RFC 3339", at)
	}
	if out.Payload == nil {
		return errors.New("payload is missing")
	}
	out.Time = out.Time.UTC()
	*e = out
	return nil
}

func parseOrigin(member, s string) (Origin, error) {
	switch s {
	case "", OriginRecorded.String():
		return OriginRecorded, nil
	case OriginResolved.String():
		return OriginResolved, nil
	case OriginDerived.String():
		return OriginDerived, nil
	}
	return 0, fmt.Errorf("%s %.40q is none of recorded, resolved and derived", member, s)
}

// AppendJSON appends the tag as one JSON object with its UUID: DECNET's field
// names, and event_time and attacker_ip. Unlike [json.Marshal] it does not
// escape <, > and &. Evidence is copied as it is.
func (t *Tag) AppendJSON(dst []byte) []byte {
	dst = append(dst, `{"uuid":`...)
	dst = AppendJSONString(dst, t.UUID().String())
	dst = append(dst, `,"source_kind":`...)
	dst = AppendJSONString(dst, string(t.SourceKind))
	dst = append(dst, `,"source_id":`...)
	dst = AppendJSONString(dst, t.SourceID)
	dst = appendText(dst, "attacker_uuid", t.AttackerUUID)
	dst = appendText(dst, "attacker_ip", t.AttackerIP)
	dst = appendText(dst, "identity_uuid", t.IdentityUUID)
	dst = appendText(dst, "session_id", t.SessionID)
	dst = appendText(dst, "decky_id", t.DeckyID)
	dst = append(dst, `,"tactic":`...)
	dst = AppendJSONString(dst, t.Tactic)
	dst = append(dst, `,"technique_id":`...)
	dst = AppendJSONString(dst, t.TechniqueID)
	dst = appendText(dst, "sub_technique_id", t.SubTechniqueID)
	dst = append(dst, `,"confidence":`...)
	dst = strconv.AppendFloat(dst, t.Confidence, 'f', -1, 64)
	dst = append(dst, `,"rule_id":`...)
	dst = AppendJSONString(dst, t.RuleID)
	dst = append(dst, `,"rule_version":`...)
	dst = strconv.AppendInt(dst, int64(t.RuleVersion), 10)
	dst = append(dst, `,"evidence":`...)
	if len(t.Evidence) == 0 {
		dst = append(dst, `{}`...)
	}
	dst = append(dst, t.Evidence...)
	dst = append(dst, `,"attack_release":`...)
	dst = AppendJSONString(dst, t.AttackRelease)
	dst = appendText(dst, "mitre_url", t.MitreURL)
	dst = appendTime(dst, "created_at", t.CreatedAt)
	dst = appendTime(dst, "event_time", t.EventTime)
	return append(dst, '}')
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
	return AppendJSONString(dst, s)
}

func appendTime(dst []byte, name string, t time.Time) []byte {
	dst = append(dst, ',', '"')
	dst = append(dst, name...)
	dst = append(dst, '"', ':', '"')
	dst = t.UTC().AppendFormat(dst, time.RFC3339Nano)
	return append(dst, '"')
}
