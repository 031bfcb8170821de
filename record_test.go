package ttpcron

import (
	"bytes"
	"fmt"
	"math/big"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron/jsontext"
)

// ofKind is an event of a kind whose record has every part that one can have.
func ofKind(t testing.TB, kind SourceKind, payload string) Event {
	e := sample()
	e.Kind, e.AttackerUUID, e.Payload = kind, "0d6de7c3-3f3c-4a5e-8d0e-000000000001", mustPayload(t, payload)
	return e
}

// An ID that is stored can never change: a test that fails here means that
// importing history again would double it.
func TestContentIDGolden(t *testing.T) {
	timeless, bare := sample(), Event{Kind: Command, Time: time.Unix(0, 1), Payload: Payload{}}
	timeless.TimeOrigin = OriginDerived
	numbered, elsewhere := sample(), sample()
	numbered.Ordinal = 1
	elsewhere.SessionOrigin, elsewhere.Connection = OriginResolved, "HoneyPotSSHTransport,7"
	for name, c := range map[string]struct {
		event Event
		want  string
	}{
		"plain":              {sample(), "sha256:7de97ef372caa116dcaedbd189cb2b6f"},
		"timeless":           {timeless, "sha256:23a4b8bb14eaa7028c37f84c614ff710"},
		"bare":               {bare, "sha256:6ce43a16dc6f489541b03c755927d8b1"},
		"second":             {numbered, "sha256:f54e17d968db8c79fda80433f9d190b2"},
		"session of another": {elsewhere, "sha256:65b52845eaaeffa1ba8dc860e65cf7b9"},
		"bytes":              {ofKind(t, Command, `{"command_text":"echo \udcff\u0000\u0085\u2028\u00e9\"\\\n\t<&>"}`), "sha256:b1394a0dd09faac655fc37961984411b"},

		"command":            {ofKind(t, Command, `{"command_text":"uname -a","protocol":"ssh","pwd":"/","src":"::1","uid":0,"user":"root"}`), "sha256:ee7958d4b080871149e211f437b3dd6d"},
		"stdin":              {ofKind(t, Stdin, `{"input_text":"admin","program":"busybox","protocol":"telnet"}`), "sha256:a8201d484d350ed4b7861b06de4a843d"},
		"auth_attempt":       {ofKind(t, AuthAttempt, `{"client_version":"SSH-2.0-Go","key_fingerprint":"SHA256:x","method":"password","password":"","protocol":"ssh","service":"ssh","success":false,"username":"root"}`), "sha256:ad1bb898ed52bc0acea2d1c86ec99f95"},
		"session":            {ofKind(t, SessionFact, `{"client_version":"SSH-2.0-Go","dst_port":22,"duration_ms":10,"fact":"client","hassh":"h","protocol":"ssh","src_port":4000}`), "sha256:ee9d97ab3554c1e85fb0f3addc82615f"},
		"payload":            {ofKind(t, FileTransfer, `{"direction":"in","failed":false,"filename":"a.sh","payload_text":"http://x/a.sh a.sh","sha256":"00","size":7,"url":"http://x/a.sh"}`), "sha256:7eb3e2e2c6b0e2e05aa3373c19573b6d"},
		"tunnel":             {ofKind(t, Tunnel, `{"data":"GET / HTTP/1.1\r\n","destination":"192.0.2.1:80","dst_ip":"192.0.2.1","dst_port":80}`), "sha256:4f9f62a3e5a6f5668e2b82713b747e60"},
		"http_request":       {ofKind(t, HTTPRequest, `{"body":"a=b","headers":{"host":"x"},"host":"x","method":"POST","raw_url":"/login","status":404,"user_agent":"curl"}`), "sha256:7e248b42ee784f27de6ec0cb0b8ba6d8"},
		"scan":               {ofKind(t, Scan, `{"dst_port":"22","protocol":"tcp","scan":"syn"}`), "sha256:c8306068abf62ac9400fbac5360c2033"},
		"service_request":    {ofKind(t, ServiceRequest, `{"request_text":"INFO","service":"redis","user":"default"}`), "sha256:cee84ba5fba84c19747effbb2f56ceb4"},
		"canary_fingerprint": {ofKind(t, CanaryFingerprint, `{"country_code":"NL","dns_qname":"x.test","headers":{"a":[1,null]},"request_path":"/p","token_uuid":"t","ua_signature":"u","user_agent":"u"}`), "sha256:c41304036533290db6b2fa25dd293fda"},
		"alert":              {ofKind(t, Alert, `{"category":"Misc","dst_port":22,"severity":2,"signature":"ET SCAN"}`), "sha256:f363ff192a88e7081fb55c6a8db6de3a"},
		"correlation":        {ofKind(t, Correlation, `{"note":"n"}`), "sha256:0a94db1510414607f545e39d538f240f"},
		"vendor":             {ofKind(t, "vendor", `{"a":[1,2.50,null,{"z":true,"b":"x"}],"b":"x","c":null,"d":"","e":{}}`), "sha256:a5a55b699393e513c338f03ff598ee4a"},
	} {
		if got := c.event.ContentID(); got != c.want {
			t.Errorf("%s: ContentID %s, want %s", name, got, c.want)
		}
		digest := c.event.RecordDigest()
		if got := fmt.Sprintf("%s%x", ContentPrefix, digest[:16]); got != c.event.ContentID() {
			t.Errorf("%s: RecordDigest begins %s, which is not the ContentID", name, got)
		}
	}
}

// The canonical form of a record, in full.
func TestAppendRecord(t *testing.T) {
	e := ofKind(t, Tunnel, `{"data":"x","dst_ip":"192.0.2.1","dst_port":8.0e1,"destination":"a fact"}`)
	e.AttackerIP = "::ffff:203.0.113.7"
	e.Ordinal, e.Connection = 258, "T,7"
	const want = "ttpcron:event:v1\nk\x06tunnelt\x1b2026-05-04T05:49:05.586207Zu\x240d6de7c3-3f3c-4a5e-8d0e-000000000001a\x0b203.0.113.7s\x0cd3adb33f0001c\x03T,7d\x08sensor-1n\x03258" +
		"h\x04data" + "\x2d\x71\x16\x42\xb7\x26\xb0\x44\x01\x62\x7c\xa9\xfb\xac\x32\xf5\xc8\x53\x0f\xb1\x90\x3c\xc4\xdb\x02\x25\x87\x17\x92\x1a\x48\x81" +
		"f\x06dst_ipt\x09192.0.2.1f\x08dst_portt\x0280"
	if got := string(e.AppendRecord(nil)); got != want {
		t.Errorf("the record is\n%q, want\n%q", got, want)
	}
}

// What the record itself does not hold, and what may be learned later, is no part
// of what an event is.
func TestContentIDCountsWhatTheRecordHolds(t *testing.T) {
	base := sample()
	id := base.ContentID()
	for name, c := range map[string]struct {
		change func(*Event)
		same   bool
	}{
		"kind":            {func(e *Event) { e.Kind = AuthAttempt }, false},
		"time":            {func(e *Event) { e.Time = e.Time.Add(1) }, false},
		"same instant":    {func(e *Event) { e.Time = e.Time.In(time.FixedZone("", 3600)) }, true},
		"text":            {func(e *Event) { e.Payload.Set("command_text", "uname") }, false},
		"a fact":          {func(e *Event) { e.Payload.Set("user", "root") }, true},
		"address":         {func(e *Event) { e.AttackerIP = "203.0.113.8" }, false},
		"same address":    {func(e *Event) { e.AttackerIP = "::ffff:203.0.113.7" }, true},
		"session":         {func(e *Event) { e.SessionID = "" }, false},
		"sensor":          {func(e *Event) { e.DeckyID = "sensor-2" }, false},
		"connection":      {func(e *Event) { e.Connection = "T,7" }, false},
		"ordinal":         {func(e *Event) { e.Ordinal = 1 }, false},
		"identity":        {func(e *Event) { e.IdentityUUID = "x" }, true},
		"field moved":     {func(e *Event) { e.SessionID, e.DeckyID = e.SessionID+e.DeckyID, "" }, false},
		"members swapped": {func(e *Event) { e.SessionID, e.DeckyID = e.DeckyID, e.SessionID }, false},
		"recorded uuid":   {func(e *Event) { e.AttackerUUID = "x" }, false},
		"derived uuid":    {func(e *Event) { e.AttackerUUID, e.AttackerOrigin = e.Attacker() }, true},
		"resolved uuid":   {func(e *Event) { e.AttackerUUID, e.AttackerOrigin = "x", OriginResolved }, true},
		"no address":      {func(e *Event) { e.AttackerIP = "" }, false},
		"vantage":         {func(e *Event) { e.Vantage = VantageHost }, true},
		"id and seq":      {func(e *Event) { e.ID, e.Seq = "other", 7 }, true},
	} {
		e := sample()
		c.change(&e)
		if got := e.ContentID() == id; got != c.same {
			t.Errorf("%s: same ContentID is %v, want %v", name, got, c.same)
		}
	}
}

// An address that was found in another record is no part of this one.
func TestAddressFoundElsewhere(t *testing.T) {
	without, found := sample(), sample()
	without.AttackerIP = ""
	found.AddressOrigin = OriginResolved
	if without.ContentID() != found.ContentID() || !without.SameRecord(&found) {
		t.Error("an address that was found elsewhere makes another event")
	}
	if uuid, _ := found.Attacker(); uuid != DeriveAttacker(found.AttackerIP) {
		t.Errorf("the attacker is %s", uuid)
	}
}

// A session that another record tells is no part of this one.
func TestSessionFoundElsewhere(t *testing.T) {
	without, found, other := sample(), sample(), sample()
	without.SessionID = ""
	found.SessionOrigin = OriginResolved
	other.SessionID, other.SessionOrigin = "another", OriginResolved
	for _, e := range []Event{found, other} {
		if without.ContentID() != e.ContentID() || !without.SameRecord(&e) || !e.SameRecord(&found) {
			t.Errorf("session %s, which was found elsewhere, makes another event", e.SessionID)
		}
	}
}

// A value counts, not its spelling; a field that is empty is there, null is not.
func TestRecordValues(t *testing.T) {
	id := func(payload string) string {
		e := ofKind(t, AuthAttempt, payload)
		return e.ContentID()
	}
	for _, same := range [][]string{
		{`{"username":22}`, `{"username":"22"}`, `{"username":22.0}`, `{"username":2.2e1}`, `{"username":22,"password":null}`},
		{`{"success":true}`, `{"success":"true"}`},
		{`{"password":""}`, `{"password":"","method":"none"}`},
		{`{"password":{"a":1,"b":[null,"x"]}}`, `{"password":{"b":[null,"x"],"a":1.0}}`, `{"password":{"a":0,"b":[null,"x"],"a":"1","c":null}}`},
	} {
		for _, p := range same[1:] {
			if id(p) != id(same[0]) {
				t.Errorf("%s and %s are two events", same[0], p)
			}
		}
	}
	seen := map[string]string{}
	for _, p := range []string{
		`{}`, `{"password":""}`, `{"username":""}`, `{"password":"null"}`, `{"password":"x"}`, `{"username":"x"}`, `{"password":"ft\u0001x"}`,
		`{"password":[]}`, `{"password":{}}`, `{"password":[null]}`, `{"password":["a","b"]}`, `{"password":["b","a"]}`, `{"password":["ab"]}`,
		`{"password":{"a":"b"}}`, `{"password":{"ab":""}}`, `{"password":[["a"],"b"]}`, `{"password":["a",["b"]]}`,
		`{"success":false}`, `{"success":0}`, `{"success":-1}`, `{"success":1.5}`, `{"success":15}`, `{"success":1e400}`, `{"success":1e401}`, `{"success":1e-400}`,
	} {
		if was, ok := seen[id(p)]; ok {
			t.Errorf("%s and %s are one event", was, p)
		}
		seen[id(p)] = p
	}
}

// set changes a field of the payload, or takes it out.
func set(name, text string) func(*Event) {
	return func(e *Event) {
		var kept Payload
		for _, f := range e.Payload {
			if f.Name != name {
				kept = append(kept, f)
			}
		}
		if e.Payload = kept; text != "" {
			e.Payload.Set(name, text)
		}
	}
}

func TestSameRecord(t *testing.T) {
	command := sample()
	command.AttackerUUID = "a"
	command.Payload.Set("uid", "0")
	canary := command
	canary.Kind, canary.Payload = CanaryFingerprint, mustPayload(t, `{"token_uuid":"t","user_agent":"u","request_path":"p","dns_qname":"d","decky_name":"n"}`)
	vendor := command
	vendor.Kind, vendor.Payload = "vendor", mustPayload(t, `{"a":[1],"b":"x","country_code":"NL"}`)
	raw := func(name, json string) func(*Event) {
		return func(e *Event) {
			if err := e.Payload.SetRaw(name, []byte(json)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		base   Event
		change func(*Event)
		same   bool // may be the same event
		equal  bool // and has the same digest
	}{
		"nothing":            {command, func(e *Event) {}, true, true},
		"kind":               {command, func(e *Event) { e.Kind = "stdin" }, false, false},
		"time":               {command, func(e *Event) { e.Time = e.Time.Add(1) }, false, false},
		"zone":               {command, func(e *Event) { e.Time = e.Time.In(time.FixedZone("", 3600)) }, true, true},
		"time derived":       {command, func(e *Event) { e.Time, e.TimeOrigin = e.Time.Add(time.Hour), OriginDerived }, true, false},
		"address":            {command, func(e *Event) { e.AttackerIP = "203.0.113.8" }, false, false},
		"no address":         {command, func(e *Event) { e.AttackerIP = "" }, true, false},
		"attacker":           {command, func(e *Event) { e.AttackerUUID = "b" }, false, false},
		"no attacker":        {command, func(e *Event) { e.AttackerUUID = "" }, true, false},
		"attacker resolved":  {command, func(e *Event) { e.AttackerUUID, e.AttackerOrigin = "b", OriginResolved }, true, false},
		"attacker derived":   {command, func(e *Event) { e.AttackerUUID, e.AttackerOrigin = "b", OriginDerived }, true, false},
		"identity":           {command, func(e *Event) { e.IdentityUUID = "i" }, true, true},
		"session":            {command, func(e *Event) { e.SessionID = "other" }, false, false},
		"no session":         {command, func(e *Event) { e.SessionID = "" }, true, false},
		"sensor":             {command, func(e *Event) { e.DeckyID = "other" }, false, false},
		"no sensor":          {command, func(e *Event) { e.DeckyID = "" }, true, false},
		"session elsewhere":  {command, func(e *Event) { e.SessionID, e.SessionOrigin = "other", OriginResolved }, true, false},
		"connection":         {command, func(e *Event) { e.Connection = "T,7" }, true, false},
		"ordinal":            {command, func(e *Event) { e.Ordinal = 1 }, false, false},
		"id and arrival":     {command, func(e *Event) { e.ID, e.Seq = "x", 7 }, true, true},
		"text":               {command, set("command_text", "other"), false, false},
		"a fact":             {command, set("uid", "1"), true, true},
		"another fact":       {command, set("pwd", "/"), true, true},
		"token":              {canary, set("token_uuid", "other"), false, false},
		"user agent":         {canary, set("user_agent", "other"), false, false},
		"no user agent":      {canary, set("user_agent", ""), true, false},
		"empty user agent":   {canary, func(e *Event) { e.Payload.Set("user_agent", "") }, false, false},
		"null user agent":    {canary, raw("user_agent", "null"), true, false},
		"number for text":    {canary, raw("user_agent", "1"), false, false},
		"path":               {canary, set("request_path", "other"), false, false},
		"name":               {canary, set("dns_qname", "other"), false, false},
		"no name":            {canary, set("dns_qname", ""), true, false},
		"sensor's name":      {canary, set("decky_name", "other"), true, true},
		"country":            {canary, set("country_code", "NL"), true, true},
		"headers":            {canary, raw("headers", `{"a":1}`), true, true},
		"field":              {vendor, set("b", "y"), false, false},
		"no field":           {vendor, set("b", ""), true, false},
		"more fields":        {vendor, set("c", "x"), true, false},
		"raw field":          {vendor, raw("a", "[2]"), false, false},
		"country of another": {vendor, set("country_code", "DE"), false, false},
		"address mapped":     {command, func(e *Event) { e.AttackerIP = "::ffff:203.0.113.7" }, true, true},
		"number as text":     {vendor, raw("b", "1"), false, false},
	} {
		e := c.base
		e.Payload = append(Payload{}, c.base.Payload...)
		c.change(&e)
		if e.SameRecord(&c.base) != c.same || c.base.SameRecord(&e) != c.same {
			t.Errorf("%s: SameRecord is not %v both ways", name, c.same)
		}
		if got := e.RecordDigest() == c.base.RecordDigest(); got != c.equal {
			t.Errorf("%s: same RecordDigest is %v, want %v", name, got, c.equal)
		}
	}
}

// Every field that identifies an event of its kind makes another event.
func TestEveryIdentityField(t *testing.T) {
	for kind, names := range identityFields {
		for _, name := range names {
			a, b := sample(), sample()
			a.Kind, b.Kind = kind, kind
			a.Payload, b.Payload = TextPayload(name, "1"), TextPayload(name, "2")
			if a.SameRecord(&b) || a.RecordDigest() == b.RecordDigest() {
				t.Errorf("%s: another %s is the same event", kind, name)
			}
			if b.Payload = nil; !a.SameRecord(&b) || !b.SameRecord(&a) {
				t.Errorf("%s: without %s it is another event", kind, name)
			}
		}
	}
}

// FuzzRecord reads two events: they have one canonical form exactly if their records
// say the same, whatever the order of members.
func FuzzRecord(f *testing.F) {
	a := ofKind(f, Command, `{"command_text":"id"}`)
	f.Add(a.AppendJSON(nil), a.AppendJSON(nil))
	f.Add([]byte(`{"source_kind":"scan","time":"2026-05-04T05:49:05Z","attacker_ip":"192.0.2.1","payload":{"dst_port":22,"scan":["a",{"b":1}]}}`),
		[]byte(`{"payload":{"scan":["a",{"b":"1"}],"dst_port":"22"},"time":"2026-05-04T05:49:05Z","attacker_ip":"192.0.2.1","source_kind":"scan"}`))
	f.Add([]byte(`{"source_kind":"v","time":"2026-05-04T05:49:05Z","payload":{"a":{"b":null,"c":[1e5]}}}`), []byte(`{"source_kind":"v","time":"2026-05-04T05:49:05Z","payload":{"a":{"c":[100000]}}}`))
	f.Fuzz(func(t *testing.T, one, other []byte) {
		if large.Match(one) || large.Match(other) {
			return
		}
		var a, b Event
		if a.UnmarshalJSON(one) != nil || b.UnmarshalJSON(other) != nil {
			return
		}
		if got, want := bytes.Equal(a.AppendRecord(nil), b.AppendRecord(nil)), recordSays(&a) == recordSays(&b); got != want {
			t.Fatalf("%q and %q: one canonical form is %v, want %v", one, other, got, want)
		}
		turned := a // every object the other way round
		turned.Payload = nil
		for i := range a.Payload {
			f := a.Payload[len(a.Payload)-1-i]
			if f.Raw != nil {
				f.Raw = backwards(f.Raw)
			}
			turned.Payload.put(f)
		}
		if !bytes.Equal(a.AppendRecord(nil), turned.AppendRecord(nil)) {
			t.Fatalf("%q is another event when it is written %s", one, turned.AppendJSON(nil))
		}
		if !a.SameRecord(&turned) {
			t.Fatalf("%q does not have the record of %s", one, turned.AppendJSON(nil))
		}
	})
}

// large matches numbers that are too large to compute with.
var large = regexp.MustCompile(`[eE][+-]?[0-9]{4}`)

// backwards writes the members of every object in the other order. Of members that
// have one name, the last is kept.
func backwards(text []byte) []byte {
	switch text[0] {
	case '{':
		var names []string
		values := map[string][]byte{}
		jsontext.EachMember(text, func(name []byte, v jsontext.Value) bool {
			if _, ok := values[string(name)]; !ok {
				names = append(names, string(name))
			}
			values[string(name)] = backwards(v.Raw())
			return true
		})
		out := []byte{'{'}
		for i := range names {
			if i > 0 {
				out = append(out, ',')
			}
			name := names[len(names)-1-i]
			out = append(append(jsontext.AppendString(out, name), ':'), values[name]...)
		}
		return append(out, '}')
	case '[':
		out := []byte{'['}
		jsontext.EachElement(text, func(v jsontext.Value) bool {
			if len(out) > 1 {
				out = append(out, ',')
			}
			out = append(out, backwards(v.Raw())...)
			return true
		})
		return append(out, ']')
	}
	return text
}

// recordSays tells what a record says by other means than AppendRecord.
func recordSays(e *Event) string {
	at, ip := "", e.AttackerIP
	if e.TimeOrigin == OriginRecorded {
		at = fmt.Sprint(e.Time.Unix(), e.Time.Nanosecond())
	}
	uuid := ""
	if e.AttackerOrigin == OriginRecorded {
		uuid = e.AttackerUUID
	}
	if a, err := netip.ParseAddr(ip); err == nil {
		ip = a.Unmap().String()
	}
	fields := map[string]string{}
	names, listed := e.Kind.IdentityFields()
	for _, f := range e.Payload {
		said := fmt.Sprintf("%q", f.Text)
		if f.Raw != nil {
			said = valueSays(f.Raw)
		}
		if said != "" && (!listed || slices.Contains(names, f.Name)) {
			fields[fmt.Sprintf("%q", f.Name)] = said
		}
	}
	session := ""
	if e.SessionOrigin == OriginRecorded {
		session = e.SessionID
	}
	return fmt.Sprintf("%q %q %q %q %q %q %q %d %v", e.Kind, at, uuid, ip, session, e.Connection, e.DeckyID, e.Ordinal, fields)
}

func valueSays(text []byte) string {
	switch c := text[0]; {
	case c == 'n':
		return ""
	case c == '"':
		s, _ := jsontext.DecodeString(text)
		return fmt.Sprintf("%q", s)
	case c == '{':
		members := map[string]string{}
		jsontext.EachMember(text, func(name []byte, v jsontext.Value) bool {
			delete(members, fmt.Sprintf("%q", name))
			if s := valueSays(v.Raw()); s != "" {
				members[fmt.Sprintf("%q", name)] = s
			}
			return true
		})
		return fmt.Sprint(members)
	case c == '[':
		out := "list"
		jsontext.EachElement(text, func(v jsontext.Value) bool { out += "," + valueSays(v.Raw()); return true })
		return out + "."
	case c == 't' || c == 'f':
		return fmt.Sprintf("%q", text)
	}
	return fmt.Sprintf("%q", decimalOf(text))
}

// decimalOf computes the one spelling of a number.
func decimalOf(text []byte) string {
	n, ok := new(big.Rat).SetString(string(text))
	if !ok {
		panic(fmt.Sprintf("%q is no number", text))
	}
	s := strings.TrimRight(n.FloatString(len(text)+1000), "0")
	s = strings.TrimSuffix(s, ".")
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	whole, fraction, _ := strings.Cut(s, ".")
	short := strings.TrimRight(whole, "0")
	digits := strings.TrimLeft(fraction, "0")
	switch {
	case fraction == "" && len(whole)-len(short) > 40:
		return fmt.Sprintf("%s%se%d", sign, short, len(whole)-len(short))
	case whole == "0" && len(fraction)-len(digits) > 40:
		return fmt.Sprintf("%s%se-%d", sign, digits, len(fraction))
	}
	return sign + s
}
