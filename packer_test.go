package ttpcron

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron/jsontext"
)

// A packer makes what the streams make, of events of any shape, one after another.
func TestPackerIsTheStreams(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	pick := func(list ...string) string { return list[rnd.IntN(len(list))] }
	names := []string{FieldAttackerIP, FieldAttackerUUID, FieldIdentityUUID, FieldSessionID, FieldDeckyID, "username", "password", "success", "list", "absent"}
	var streams []*Stream
	for range 30 {
		var group []GroupField
		for _, name := range names {
			if rnd.IntN(4) == 0 {
				group = append(group, GroupField{Name: name, From: name, Optional: rnd.IntN(3) == 0})
			}
		}
		var values []string
		for _, name := range append(slices.Clone(names), FieldUnmarkedIP) {
			if rnd.IntN(5) == 0 {
				values = append(values, name)
			}
		}
		streams = append(streams, NewStream("R", AuthAttempt, group, values, [16]byte{}))
	}
	own, _ := ParseNetworks("192.0.2.0/24")
	p := NewPacker(streams, own, &Attackers{})
	matched, all := 0, 0
	for i := range 3000 {
		e := &Event{
			Kind: SourceKind(pick(string(AuthAttempt), string(CanaryFingerprint))), Time: time.Unix(int64(i), 0), Seq: uint64(i), Vantage: Vantage(rnd.IntN(2)),
			AttackerIP: pick("", "203.0.113.1", "203.0.113.2", "192.0.2.1", "no address"), AttackerUUID: pick("", "", "u"), IdentityUUID: pick("", "", "i"),
			SessionID: pick("", "s1", strings.Repeat("s", 300)), DeckyID: pick("", "d"),
		}
		e.Payload.Set("username", pick("", "root", strings.Repeat("\xff", 256), strings.Repeat("\xff", 400)))
		for _, raw := range []string{"success", "list", "password", "dns_qname"} {
			if v := pick("", "true", "null", `"x"`, "1e2", "[1,2]", `{"b":1,"a":2}`, strings.Repeat("9", 300), "1e40", "-0", "22.50", "7"); v != "" {
				e.Payload.SetRaw(raw, json.RawMessage(v))
			}
		}
		order := rnd.Perm(len(streams))[:rnd.IntN(len(streams)+1)]
		p.Begin(e)
		var want []BaseMatch
		for _, s := range order {
			p.Add(s)
			if packed, group, ok := streams[s].Append(nil, e, own); ok {
				want = append(want, BaseMatch{streams[s], string(packed[:group]), string(packed[group:]), e.Time, e.Seq})
			}
		}
		if got := p.End(); !slices.Equal(got, want) {
			t.Fatalf("event %d: %v\nwant %v", i, got, want)
		}
		matched, all = matched+len(want), all+len(order)
	}
	if matched == 0 || matched == all {
		t.Errorf("%d of %d matched: the events say nothing", matched, all)
	}
	e := &Event{Kind: AuthAttempt, AttackerIP: "203.0.113.1", SessionID: "s", Time: time.Unix(1, 0)}
	if n := testing.AllocsPerRun(100, func() {
		p.Begin(e)
		for s := range streams {
			p.Add(s)
		}
		p.End()
	}); n > 0 {
		t.Errorf("%v allocations an event", n)
	}
	// The memory of a great event is let go.
	p.packed = make([]byte, keptPacked+1)
	if p.Begin(e); cap(p.packed) > keptPacked {
		t.Errorf("%d bytes are kept", cap(p.packed))
	}
}

// What is short and plain is packed as what is not: in its one spelling.
func TestPackedNumbers(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	plain := 0
	for range 20_000 {
		raw := strconv.FormatInt(rnd.Int64N(1<<uint(1+rnd.IntN(62))), 10)
		switch rnd.IntN(6) {
		case 0:
			raw = [...]string{"true", "false", "null", "0", "-0", "0.0", "1e3", "-7", "00", "[1]", "{}"}[rnd.IntN(11)]
		case 1:
			raw += strings.Repeat("0", rnd.IntN(900))
		}
		if isPlain([]byte(raw)) {
			plain++
		}
		want := jsontext.AppendSame(nil, []byte(raw))
		if len(want) > MaxPacked || len(want) > 0 && want[0] != packedText {
			sum := sha256.Sum256(want)
			want = append([]byte{packedHash}, sum[:]...)
		}
		if got := appendPackedJSON([]byte("x"), []byte(raw)); string(got) != "x"+string(want) {
			t.Fatalf("%s: %q, want %q", raw, got, want)
		}
	}
	if plain < 5000 {
		t.Errorf("%d plain values", plain)
	}
}

// Whom addresses stand for is what it is for each event by itself, whatever is remembered.
func TestAttackers(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	var a Attackers
	for range 5000 {
		e := &Event{AttackerIP: fmt.Sprintf("203.0.%d.%d", rnd.IntN(8), rnd.IntN(250)), AttackerOrigin: OriginResolved}
		switch rnd.IntN(10) {
		case 0:
			e.AttackerUUID = "u"
		case 1:
			e.IdentityUUID = "i"
		case 2:
			e.AttackerIP = ""
		}
		for range 1 + rnd.IntN(2) {
			uuid, origin := a.Of(e)
			if want, from := e.Attacker(); uuid != want || origin != from {
				t.Fatalf("%+v: %q %v, want %q %v", e, uuid, origin, want, from)
			}
		}
	}
}
