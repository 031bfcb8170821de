package ttpcron

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestLearn(t *testing.T) {
	base := ofKind(t, Command, `{"command_text":"id","protocol":"ssh","uid":null}`)
	bare := base
	bare.AttackerUUID, bare.AttackerIP = "", ""
	older := ofKind(t, Command, `{"command":"id"}`)
	nobody := bare
	nobody.NameNobody()
	unseen, found := base, base
	unseen.SessionID = ""
	found.SessionOrigin = OriginResolved
	raw := func(name, json string) func(*Event) {
		return func(e *Event) {
			if err := e.Payload.SetRaw(name, []byte(json)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		base              Event
		change            func(*Event) // makes the copy
		learned, disputed bool
	}{
		"nothing":               {base, func(*Event) {}, false, false},
		"a field":               {base, raw("user", `"root"`), true, false},
		"null before":           {base, raw("uid", `0`), true, false},
		"null":                  {base, raw("protocol", `null`), false, false},
		"another field":         {base, raw("protocol", `"telnet"`), false, true},
		"both":                  {base, func(e *Event) { raw("protocol", `"telnet"`)(e); raw("user", `1`)(e) }, true, true},
		"identity":              {base, func(e *Event) { e.IdentityUUID = "i" }, true, false},
		"session elsewhere":     {unseen, func(e *Event) { e.SessionID, e.SessionOrigin = "s", OriginResolved }, true, false},
		"session, has recorded": {base, func(e *Event) { e.SessionID, e.SessionOrigin = "s", OriginResolved }, false, false},
		"session recorded":      {found, func(e *Event) { e.SessionID, e.SessionOrigin = "s", OriginRecorded }, true, false},
		"another one elsewhere": {found, func(e *Event) { e.SessionID = "s" }, false, true},
		"connection":            {base, func(e *Event) { e.Connection = "T,7" }, true, false},
		"vantage":               {base, func(e *Event) { e.Vantage = VantageHost }, true, false},
		"time":                  {base, func(e *Event) { e.Time, e.TimeOrigin = e.Time.Add(1), OriginDerived }, false, false},
		"address spelled":       {base, func(e *Event) { e.AttackerIP = "::ffff:203.0.113.7" }, false, false},
		"derived, has recorded": {base, func(e *Event) { e.AttackerUUID, e.AttackerOrigin = "x", OriginDerived }, false, false},
		"address for none":      {bare, func(e *Event) { e.AttackerIP, e.AddressOrigin = "203.0.113.7", OriginResolved }, true, false},
		"somebody for nobody":   {nobody, func(e *Event) { e.AttackerIP, e.AddressOrigin, e.IdentityUUID = "203.0.113.7", OriginResolved, "" }, true, false},
		"identity for nobody":   {nobody, func(e *Event) { e.IdentityUUID = "i" }, true, false},
		"nobody for somebody":   {base, func(e *Event) { *e = nobody }, false, false},
		"another text":          {older, raw("command_text", `"ls"`), false, true},
		"the text once more":    {older, raw("command_text", `"id"`), true, false},
		"too much":              {base, func(e *Event) { e.Payload.Set("x", strings.Repeat("x", MaxText-20)) }, false, true},
	} {
		e, o := c.base, c.base
		o.Payload = slices.Clone(o.Payload)
		c.change(&o)
		before := e.AppendJSON(nil)
		learned, disputed := e.Learn(&o)
		if learned != c.learned || disputed != c.disputed {
			t.Errorf("%s: learned %v and disputed %v, want %v and %v", name, learned, disputed, c.learned, c.disputed)
		}
		if !learned && !bytes.Equal(before, e.AppendJSON(nil)) {
			t.Errorf("%s: learned nothing and became %s", name, e.AppendJSON(nil))
		}
		if !bytes.Equal(before, c.base.AppendJSON(nil)) {
			t.Errorf("%s: changed the memory of another event", name)
		}
		if again, _ := e.Learn(&o); again {
			t.Errorf("%s: learned the same twice", name)
		}
		if err := e.Validate(); err != nil && c.base.Validate() == nil {
			t.Errorf("%s: %v", name, err)
		}
		if e.standsForNobody() && (e.AttackerIP != "" || e.AttackerUUID != "") {
			t.Errorf("%s: somebody is nobody", name)
		}
	}
}

// Copies of one record that do not contradict one another make one event, in
// whatever order they come.
func TestLearnInAnyOrder(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		whole := ofKind(t, Command, `{"command_text":"id"}`)
		whole.AttackerUUID = ""
		var copies []Event
		for range 2 + rnd.IntN(4) {
			c := whole
			c.Payload = slices.Clone(c.Payload)
			if rnd.IntN(2) == 0 {
				c.SessionID = ""
			}
			if rnd.IntN(2) == 0 {
				c.DeckyID = ""
			}
			switch rnd.IntN(4) {
			case 0:
				c.AttackerIP = ""
				c.NameNobody()
			case 1:
				c.AttackerIP = ""
				c.IdentityUUID = "i"
			case 2:
				c.AttackerUUID, c.AttackerOrigin = "found", OriginResolved
			}
			for _, name := range []string{"a", "b", "c", "pwd", "user"} {
				if rnd.IntN(2) == 0 {
					c.Payload.Set(name, "says "+name)
				}
			}
			copies = append(copies, c)
		}
		var want []byte
		for range 6 {
			rnd.Shuffle(len(copies), func(i, j int) { copies[i], copies[j] = copies[j], copies[i] })
			e := copies[0]
			for i := range copies[1:] {
				if _, disputed := e.Learn(&copies[1+i]); disputed {
					t.Fatalf("%s disputes %s", copies[1+i].AppendJSON(nil), e.AppendJSON(nil))
				}
			}
			got := e.AppendJSON(nil)
			if want == nil {
				want = got
			}
			if !bytes.Equal(got, want) {
				t.Fatalf("in another order the event is\n%s, not\n%s", got, want)
			}
		}
	}
}

func TestAppendFacts(t *testing.T) {
	e := sample()
	if got := e.AppendFacts(nil); len(got) != 0 {
		t.Errorf("an event that is its record has the facts %q", got)
	}
	seen := map[string]string{}
	for name, change := range map[string]func(*Event){
		"identity": func(e *Event) { e.IdentityUUID = "i" },
		"derived":  func(e *Event) { e.AttackerUUID, e.AttackerOrigin = "i", OriginDerived },
		"resolved": func(e *Event) { e.AttackerUUID, e.AttackerOrigin = "i", OriginResolved },
		"address":  func(e *Event) { e.AddressOrigin = OriginResolved },
		"session":  func(e *Event) { e.SessionOrigin = OriginResolved },
		"vantage":  func(e *Event) { e.Vantage = VantageHost },
		"field":    func(e *Event) { e.Payload.Set("user", "i") },
		"empty":    func(e *Event) { e.Payload.Set("user", "") },
	} {
		e := sample()
		change(&e)
		facts := string(e.AppendFacts(nil))
		if was, ok := seen[facts]; ok || facts == "" {
			t.Errorf("%s and %s have the facts %q", name, was, facts)
		}
		seen[facts] = name
	}
}
