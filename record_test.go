package ttpcron

import (
	"fmt"
	"testing"
	"time"
)

// A digest that names a stored event can never change.
func TestRecordDigestGolden(t *testing.T) {
	timeless := sample()
	timeless.TimeOrigin = OriginDerived
	canary := Event{
		Kind: CanaryFingerprint, Time: time.Date(2026, 5, 4, 0, 0, 0, 1, time.UTC), AttackerUUID: "u", AttackerIP: "192.0.2.1",
		Payload: mustPayload(t, `{"dns_qname":"\u003cx","headers":{"a":1},"token_uuid":"t","user_agent":"é"}`),
	}
	other := sample()
	other.Kind, other.Payload = "vendor", mustPayload(t, `{"a":[1,2.50],"b":"x","c":null,"country_code":"NL","d":""}`)
	for name, c := range map[string]struct {
		event Event
		want  string
	}{
		"command":  {sample(), "7796b978a5a357216c8cee0f"},
		"timeless": {timeless, "6a6934089b3758c63a89f43e"},
		"canary":   {canary, "7e3e08e330ebb525de90fcf4"},
		"other":    {other, "5693028f643a0a732cfa77a7"},
	} {
		digest := c.event.RecordDigest()
		if got := fmt.Sprintf("%x", digest[:12]); got != c.want {
			t.Errorf("%s: RecordDigest begins %s, want %s", name, got, c.want)
		}
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
		"id and arrival":     {command, func(e *Event) { e.ID, e.Seq = "x", 7 }, true, true},
		"text":               {command, set("command_text", "other"), false, false},
		"a fact":             {command, set("uid", "1"), true, true},
		"another fact":       {command, set("pwd", "/"), true, true},
		"token":              {canary, set("token_uuid", "other"), false, false},
		"user agent":         {canary, set("user_agent", "other"), false, false},
		"no user agent":      {canary, set("user_agent", ""), true, false},
		"empty user agent":   {canary, func(e *Event) { e.Payload.Set("user_agent", "") }, true, false},
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
		"country of another": {vendor, set("country_code", "DE"), true, true},
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
