package record

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jsontext"
)

// Stores up to schema 4 identified events by other digests than that of
// [ttpcron.Event.AppendRecord]. They are kept here for two reasons: to recognise the names
// that such a store gave to events whose ID was used again, and events that were pruned
// there, of which only a hash is left. See also [ContentID4].

// FormerNames returns the suffixes that stores up to schema 2, and 3 to 4, added to an ID
// that another event had: "~" and twelve hexadecimal digits. (If somebody made two records
// collide in these, there were more digits.)
func FormerNames(e *ttpcron.Event) [2]string {
	payload, record := formerPayloadDigest(e), sha256.Sum256(formerRecord(nil, e))
	return [...]string{"~" + hex.EncodeToString(payload[:6]), "~" + hex.EncodeToString(record[:6])}
}

// FormerPayload hashes the payload digest of an event with a given id, as stores up
// to schema 2 did.
func (s *Secret) FormerPayload(e *ttpcron.Event) uint64 {
	digest := formerPayloadDigest(e)
	return s.hash(hashDigest, "", string(digest[:]))
}

// FormerRecord hashes the content of an event with a given id, as stores of schema 3 and 4
// did.
func (s *Secret) FormerRecord(e *ttpcron.Event) uint64 {
	return s.sip(formerRecord([]byte{hashFormer}, e))
}

// formerlyLearned names the payload fields that were taken to describe the attacker
// or the token of an event rather than the event.
var formerlyLearned = map[string]bool{
	"asn": true, "country_code": true, "decky_name": true, "generator": true,
	"instrumenter": true, "placement_path": true, "token_kind": true,
}

func formerPayloadDigest(e *ttpcron.Event) [sha256.Size]byte {
	b := jsontext.AppendString(nil, string(e.Kind))
	p := slices.DeleteFunc(slices.Clone(e.Payload), func(f ttpcron.Field) bool { return formerlyLearned[f.Name] })
	return sha256.Sum256(p.AppendJSON(b))
}

func formerUUID(e *ttpcron.Event) string {
	if e.AttackerOrigin != ttpcron.OriginRecorded {
		return ""
	}
	return e.AttackerUUID
}

// formerFields are the identity fields as they were; they have not changed since.
var formerFields = map[ttpcron.SourceKind][]string{
	"command": {"command_text"}, "stdin": {"input_text", "program"},
	"auth_attempt": {"key_fingerprint", "password", "service", "success", "username"},
	"session":      {"client_version", "fact", "hassh"}, "payload": {"direction", "filename", "sha256", "url"},
	"tunnel": {"data", "dst_ip", "dst_port"}, "http_request": {"body", "host", "method", "raw_url"},
	"scan": {"dst_port", "protocol", "scan"}, "service_request": {"request_text", "service", "user"},
	"canary_fingerprint": {"dns_qname", "request_path", "token_uuid", "user_agent"},
}

func formerRecord(dst []byte, e *ttpcron.Event) []byte {
	dst = jsontext.AppendString(dst, string(e.Kind))
	if e.TimeOrigin == ttpcron.OriginRecorded {
		dst = e.Time.UTC().AppendFormat(dst, time.RFC3339Nano)
	}
	for _, s := range [...]string{formerUUID(e), e.AttackerIP, e.SessionID, e.DeckyID} {
		dst = jsontext.AppendString(dst, s)
	}
	names, listed := formerFields[e.Kind]
	for i := range e.Payload {
		f := &e.Payload[i]
		switch {
		case listed && !slices.Contains(names, f.Name), !listed && formerlyLearned[f.Name]:
		case f.Raw == nil && f.Text != "":
			dst = jsontext.AppendString(jsontext.AppendString(dst, f.Name), f.Text)
		case f.Raw != nil && string(f.Raw) != "null":
			dst = append(jsontext.AppendString(dst, f.Name), f.Raw...)
		}
	}
	return dst
}
