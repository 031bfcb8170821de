// Package canary derives, from the record of a triggered canary token, who triggered it.
//
// [Signals] derives fields: the class of the client, whether a browser is automated,
// whether its claims about itself contradict each other, and the type of token.
// [Predicate] returns the built-in conditions that rules name as lifter:NAME; they read
// these fields. If the sensor recorded such a field itself, that value is kept.
//
// A browser's fingerprint is written by the visitor: any member may be missing, have
// another type, or be a lie. A contradiction is reported only if both sides of it are
// known.
package canary

import (
	"encoding/json"
	"net/netip"
	"strconv"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jsontext"
)

// The fields that Signals derives. The boolean ones are present only when the
// record answers the question.
const (
	NavigatorWebdriver   = "navigator_webdriver"      // boolean: the browser says that a program drives it
	MatchedTool          = "matched_tool"             // automation tool or headless browser, as the user agent names it
	WebRTCGeoMismatch    = "webrtc_geo_mismatch"      // boolean: WebRTC shows a public address far from the request's
	TZMismatchZones      = "tz_mismatch_zones"        // number: hours between the browser's clock and the country's
	LangCountryMismatch  = "lang_country_mismatch"    // boolean: none of the languages is one of the country's
	PlatformInconsistent = "platform_ua_inconsistent" // boolean: navigator.platform against the user agent
	UAWebGLMismatch      = "ua_webgl_mismatch"        // boolean: the graphics driver against the user agent
	HeaderMismatch       = "ua_header_mismatch"       // boolean: the User-Agent header against navigator.userAgent
	SoftwareRenderer     = "software_renderer"        // swiftshader, llvmpipe, vmware, …: a machine without a graphics card
	ClientClass          = "client_class"             // see the Class constants
	ClientName           = "client_name"              // the client within its class
	TokenKind            = "token_kind"               // what the token looks like to who finds it
	Channel              = "channel"                  // http, dns, aws, smtp: how the trigger arrived
	DNSHint              = "dns_hint"                 // what a label of the queried name says of the use
	Tor                  = "tor"                      // boolean: the record says that the address is a Tor relay
	FingerprintError     = "fingerprint_error"        // why a fingerprint was not read
)

// maxFingerprint bounds the JSON, in bytes, that is searched for a fingerprint.
const maxFingerprint = 1 << 20

// Signals returns the fields that can be derived from the event's payload, sorted by
// name. Fields that the payload already has are left out, except token_kind if it holds
// DECNET's word for the channel. So look for a field here first, then in the payload.
func Signals(e *ttpcron.Event) ttpcron.Payload {
	r := newRecord(e)
	s := signals{event: e}
	s.text(Channel, r.channel)
	s.token(TokenKind, tokenKind(e.Payload, r.channel))
	s.text(DNSHint, dnsHint(r.qname))
	s.client(r)
	if r.tor {
		s.flag(Tor, true)
	}
	s.text(FingerprintError, r.fp.problem)
	s.browser(r)
	return s.out
}

// record is the part of a payload that signals are derived from.
type record struct {
	agent   string // the User-Agent header
	qname   string
	path    string
	channel string
	country string // ISO 3166-1 alpha-2, capitals
	address netip.Addr
	tor     bool
	fp      fingerprint
}

func newRecord(e *ttpcron.Event) *record {
	r := &record{}
	headers := headersOf(e.Payload)
	r.agent = firstText(e.Payload, "user_agent", "useragent", "ua_signature")
	if r.agent == "" {
		r.agent = textOf(headers["user-agent"])
	}
	r.agent = cut(r.agent, 2048)
	r.qname = cut(firstText(e.Payload, "dns_qname"), 1024)
	r.path = cut(firstText(e.Payload, "request_path"), 2048)
	r.country = strings.ToUpper(cut(firstText(e.Payload, "country_code", "country"), 3))
	if len(r.country) != 2 {
		r.country = ""
	}
	address := firstText(e.Payload, "src_ip")
	if address == "" {
		address = e.AttackerIP
	}
	if a, err := netip.ParseAddr(cut(address, 64)); err == nil {
		r.address = a.Unmap().WithZone("")
	}
	r.tor = isTrue(e.Payload, "is_tor_relay") || isTrue(e.Payload, "is_tor") || isTrue(e.Payload, "tor_exit")
	r.channel = channelOf(e.Payload, r)
	raw := headers["_fp"]
	for _, name := range [...]string{"_fp", "fingerprint"} {
		if f := fieldOf(e.Payload, name); raw == nil && f != nil {
			raw = f.Raw
		}
	}
	r.fp = readFingerprint(raw)
	if headers == nil && oversized(e.Payload) {
		r.fp.problem = "headers are longer than " + strconv.Itoa(maxFingerprint) + " bytes"
	}
	return r
}

// headersOf returns the headers that are needed here, by name in lower case. It is nil if
// the headers are not an object or too long.
func headersOf(p ttpcron.Payload) map[string]json.RawMessage {
	for _, name := range [...]string{"headers", "raw_headers"} {
		f := fieldOf(p, name)
		if f == nil || len(f.Raw) > maxFingerprint || len(f.Text) > maxFingerprint {
			continue
		}
		raw := f.Raw
		if raw == nil {
			raw = json.RawMessage(f.Text)
		}
		found := map[string]json.RawMessage{}
		if jsontext.EachMember(raw, func(name []byte, value jsontext.Value) bool {
			for _, known := range [...]string{"user-agent", "_fp"} {
				if strings.EqualFold(string(name), known) {
					found[known] = value.Raw()
				}
			}
			return true
		}) {
			return found
		}
	}
	return nil
}

func oversized(p ttpcron.Payload) bool {
	for _, name := range [...]string{"headers", "raw_headers"} {
		if f := fieldOf(p, name); f != nil && len(f.Raw)+len(f.Text) > maxFingerprint {
			return true
		}
	}
	return false
}

func channelOf(p ttpcron.Payload, r *record) string {
	switch kind := strings.ToLower(cut(firstText(p, "channel", "input_channel", TokenKind), 64)); kind {
	case "http", "https":
		return "http"
	case "dns", "smtp":
		return kind
	case "aws_passive", "aws":
		return "aws"
	}
	switch {
	case r.path != "" || r.agent != "":
		return "http"
	case r.qname != "":
		return "dns"
	}
	return ""
}

type signals struct {
	event *ttpcron.Event
	out   ttpcron.Payload
}

// held reports whether the payload has the field itself.
func (s *signals) held(name string) bool {
	f := fieldOf(s.event.Payload, name)
	return f != nil && string(f.Raw) != "null" && (f.Raw != nil || f.Text != "")
}

func (s *signals) text(name, value string) {
	if value != "" && !s.held(name) {
		s.out.Set(name, value)
	}
}

// token sets the kind of the token. It replaces DECNET's words for how a token reports.
func (s *signals) token(name, value string) {
	switch was, _ := s.event.Payload.Text(name); was {
	case "http", "dns", "aws_passive":
		s.out.Set(name, value)
	default:
		s.text(name, value)
	}
}

func (s *signals) flag(name string, value bool) { s.raw(name, strconv.FormatBool(value)) }

func (s *signals) raw(name, value string) {
	if !s.held(name) {
		_ = s.out.SetRaw(name, []byte(value)) // value is JSON
	}
}

// client puts who made the request.
func (s *signals) client(r *record) {
	class, name := client(r.agent)
	if class == "" && r.channel == "dns" {
		class = ClassResolver
	}
	if class == "" && r.agent == "" && r.channel == "" {
		return
	}
	if class == "" {
		class = ClassUnknown
	}
	if class == ClassAutomation {
		s.text(MatchedTool, name)
	}
	if inner, tool := client(r.fp.agent); inner == ClassAutomation {
		class, name = inner, tool
		s.text(MatchedTool, tool)
	}
	if driven := r.fp.webdriver; driven != nil && *driven && class == ClassBrowser {
		class = ClassAutomation
	}
	s.text(ClientClass, class)
	s.text(ClientName, name)
}

// browser sets what a browser's fingerprint says, and how it contradicts itself.
func (s *signals) browser(r *record) {
	fp := &r.fp
	if fp.webdriver != nil {
		s.flag(NavigatorWebdriver, *fp.webdriver)
	}
	agent := fp.agent
	if agent == "" {
		agent = r.agent
	}
	system := systemOf(agent)
	if bad, known := platformContradicts(system, fp.platform); known {
		s.flag(PlatformInconsistent, bad)
	}
	if bad, known := rendererContradicts(system, fp.renderer); known {
		s.flag(UAWebGLMismatch, bad)
	}
	if outer, inner := systemOf(r.agent), systemOf(fp.agent); outer != "" && inner != "" {
		s.flag(HeaderMismatch, outer != inner)
	}
	s.text(SoftwareRenderer, softwareRenderer(fp.renderer))
	if bad, known := addressContradicts(r.address, fp.addresses); known {
		s.flag(WebRTCGeoMismatch, bad)
	}
	if fp.offset != nil {
		if hours, known := clockDistance(*fp.offset, r.country); known {
			s.raw(TZMismatchZones, strconv.Itoa(hours))
		}
	}
	if bad, known := languageContradicts(fp.languages, r.country); known {
		s.flag(LangCountryMismatch, bad)
	}
}

// firstText returns the first of the members that is a string and not empty.
func firstText(p ttpcron.Payload, names ...string) string {
	for _, name := range names {
		if s, ok := p.Text(name); ok && s != "" {
			return s
		}
	}
	return ""
}

func fieldOf(p ttpcron.Payload, name string) *ttpcron.Field {
	for i := range p {
		if p[i].Name == name {
			return &p[i]
		}
	}
	return nil
}

// isTrue reports whether a member is true, or the text "true".
func isTrue(p ttpcron.Payload, name string) bool {
	f := fieldOf(p, name)
	return f != nil && (string(f.Raw) == "true" || f.Raw == nil && strings.EqualFold(f.Text, "true"))
}

func cut(s string, n int) string { return s[:min(len(s), n)] }
