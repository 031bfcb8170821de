package ttpcron

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// SourceKind names the sort of activity that an event records. Rules say which kinds they
// apply to. Kinds that the program does not know are kept.
type SourceKind string

// The kinds that the program knows, and what one event of each is. See
// [SourceKind.IdentityFields] for what distinguishes two events of a kind.
const (
	Command           SourceKind = "command"            // a shell command that the attacker typed; payload command_text
	CanaryFingerprint SourceKind = "canary_fingerprint" // a canary token that was triggered
	AuthAttempt       SourceKind = "auth_attempt"       // a login attempt; payload username, password
	HTTPRequest       SourceKind = "http_request"       // a request to a decoy web server; payload raw_url
	FileTransfer      SourceKind = "payload"            // a file that came in or went out; payload payload_text
	Scan              SourceKind = "scan"               // a port scan or a probe of a port
	ServiceRequest    SourceKind = "service_request"    // a request in another protocol; payload request_text
	SessionFact       SourceKind = "session"            // a fact about a session, such as that it was opened; payload fact
	Stdin             SourceKind = "stdin"              // text typed into a running program, never a shell command; payload input_text
	Tunnel            SourceKind = "tunnel"             // a forwarded connection that was asked for, or its data; payload destination
	Alert             SourceKind = "alert"              // an alert of an intrusion detection system; payload signature
	Correlation       SourceKind = "correlation"        // a finding over several events, not an event
)

// Kinds lists the kinds that the program knows, including those that it only stores and
// passes to rules.
func Kinds() []SourceKind {
	return []SourceKind{
		Command, CanaryFingerprint, AuthAttempt, HTTPRequest, FileTransfer, Scan, ServiceRequest, SessionFact, Stdin, Tunnel, Alert, Correlation,
	}
}

// Validate says why a text cannot be the name of a kind. A name has letters, digits and _ .
// : - and is at most 64 bytes long.
func (k SourceKind) Validate() error {
	switch {
	case k == "":
		return errors.New("source_kind is missing")
	case len(k) > 64:
		return errors.New("source_kind is longer than 64 bytes")
	case !k.plain():
		return fmt.Errorf("source_kind %.80q has other characters than letters, digits and _ . : -", k)
	}
	return nil
}

// MaxText is the most bytes that an event's payload may have, names and values together;
// [Event.Validate] refuses more.
const MaxText = 4 << 20

// Origin says how the attacker, the address, the session or the time of an event came
// to be known. Only what is recorded is part of the event's identity.
type Origin uint8

const (
	OriginRecorded Origin = iota // the record says so
	OriginResolved               // found elsewhere: an attacker by address among those of the source, an address or a session in another record
	OriginDerived                // derived: an attacker from the address, see DeriveAttacker; a time from when the attacker was last seen
)

// String returns "recorded", "resolved" or "derived".
func (o Origin) String() string {
	switch o {
	case OriginResolved:
		return "resolved"
	case OriginDerived:
		return "derived"
	}
	return "recorded"
}

// Vantage says where an event was seen from. It is not part of the event's identity.
type Vantage uint8

const (
	VantageHoneypot Vantage = iota // by a honeypot or canary: anyone who acts is an attacker
	VantageHost                    // in the logs of a real host: it may have been the owner
)

// String returns "honeypot" or "host".
func (v Vantage) String() string {
	if v == VantageHost {
		return "host"
	}
	return "honeypot"
}

// Event is one thing that an attacker did, as a sensor recorded it. An event is
// a value: nothing changes it after it is stored.
type Event struct {
	Kind SourceKind
	// ID is the id that the source gives the event within its kind. It is empty if the
	// source gives none; see SourceID.
	ID   string
	Time time.Time // when it happened, UTC
	// TimeOrigin is OriginDerived if the event's record does not hold the time, so that
	// reading it again may give another.
	TimeOrigin Origin

	AttackerUUID   string // empty when unknown; see Attacker
	AttackerIP     string
	AttackerOrigin Origin // how AttackerUUID was found
	AddressOrigin  Origin // how AttackerIP was found
	IdentityUUID   string
	SessionID      string
	SessionOrigin  Origin // how SessionID was found
	// Connection is what the record calls the connection if it does not name the
	// session, such as "HoneyPotSSHTransport,7"; otherwise empty. It is part of the
	// identity.
	Connection string
	DeckyID    string // the sensor or decoy
	Vantage    Vantage

	// Ordinal is the number of equal records of the same second before this one in the
	// file, if the source writes whole seconds; otherwise 0. It is part of the identity.
	Ordinal uint32

	Payload Payload

	// Seq is the event's arrival number in the store, from 1; 0 before it is stored. It
	// orders history by arrival and is not part of the event's identity.
	Seq uint64
}

// Validate reports why an event cannot be stored: no kind, one that is not a
// plain word or that of findings, no time, a time outside the years 1970 to 9999, nobody to
// attribute it to, or a field that is too long.
func (e *Event) Validate() error {
	if err := e.Kind.Validate(); err != nil {
		return err
	}
	switch {
	case e.Kind == Correlation:
		return errors.New("source_kind correlation is that of a finding over several events, which is no event")
	case e.Time.IsZero():
		return errors.New("time is missing")
	case e.Time.Unix() < 0 || e.Time.Year() > 9999:
		return fmt.Errorf("time %s is outside the years 1970 to 9999", e.Time.Format(time.RFC3339))
	case e.AttackerUUID == "" && e.IdentityUUID == "" && e.AttackerIP == "":
		return errors.New("none of attacker_uuid, identity_uuid and attacker_ip is set")
	}
	for _, s := range [...]struct{ name, text string }{
		{"source_id", e.ID}, {"attacker_uuid", e.AttackerUUID}, {"attacker_ip", e.AttackerIP},
		{"identity_uuid", e.IdentityUUID}, {"session_id", e.SessionID}, {"connection", e.Connection}, {"decky_id", e.DeckyID},
	} {
		if len(s.text) > 1024 {
			return fmt.Errorf("%s is longer than 1024 bytes", s.name)
		}
	}
	size := 0
	for _, f := range e.Payload {
		size += len(f.Name) + len(f.Text) + len(f.Raw)
	}
	if size > MaxText {
		return fmt.Errorf("payload is longer than %d bytes", MaxText)
	}
	return nil
}

// plain keeps out "|", which would make the name of a tag ambiguous (see
// [Tag.UUID]), and whatever does not belong on a terminal.
func (k SourceKind) plain() bool {
	for i := range len(k) {
		switch c := k[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '.', c == ':', c == '-':
		default:
			return false
		}
	}
	return true
}

// Attacker returns the UUID that tags of the event carry: AttackerUUID, or what
// DeriveAttacker makes of the address if the event has neither AttackerUUID nor an
// identity.
func (e *Event) Attacker() (uuid string, origin Origin) {
	if e.DerivesAttacker() {
		return DeriveAttacker(e.AttackerIP), OriginDerived
	}
	return e.AttackerUUID, e.AttackerOrigin
}

// DerivesAttacker reports whether only an address is known of the attacker.
func (e *Event) DerivesAttacker() bool {
	return e.AttackerUUID == "" && e.IdentityUUID == "" && e.AttackerIP != ""
}

// Attackers returns the attackers of events. Deriving one from an address costs a hash, so
// it remembers recent ones. It is not safe for concurrent use.
type Attackers struct {
	known *[1 << 9]derivedAttacker
	last  *derivedAttacker
}

type derivedAttacker struct{ address, uuid string }

// Of is [Event.Attacker].
func (a *Attackers) Of(e *Event) (uuid string, origin Origin) {
	if !e.DerivesAttacker() {
		return e.AttackerUUID, e.AttackerOrigin
	}
	if a.last != nil && a.last.address == e.AttackerIP {
		return a.last.uuid, OriginDerived
	}
	if a.known == nil {
		a.known = new([1 << 9]derivedAttacker)
	}
	hash := uint32(2166136261) // FNV-1a
	for i := range len(e.AttackerIP) {
		hash = (hash ^ uint32(e.AttackerIP[i])) * 16777619
	}
	a.last = &a.known[(hash^hash>>16)%uint32(len(a.known))]
	if a.last.address != e.AttackerIP {
		*a.last = derivedAttacker{strings.Clone(e.AttackerIP), DeriveAttacker(e.AttackerIP)}
	}
	return a.last.uuid, OriginDerived
}

// NameNobody gives an event that does not say who did it an identity made from its sensor
// and session, see [SessionIdentity], or from the host whose log it is from, see
// [HostIdentity]. Formats call it if their source can write such records; native events
// must say who it was.
func (e *Event) NameNobody() {
	switch {
	case e.AttackerUUID != "" || e.IdentityUUID != "" || e.AttackerIP != "":
	case e.Vantage == VantageHost:
		e.IdentityUUID = HostIdentity(e.DeckyID)
	default:
		e.IdentityUUID = SessionIdentity(e.DeckyID, e.SessionID)
	}
}

// SourceID returns the event's id within its kind (source_id): its ID, or its ContentID if
// the source gives none.
func (e *Event) SourceID() string {
	if e.ID == "" {
		return e.ContentID()
	}
	return e.ID
}
