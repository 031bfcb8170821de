package census

import (
	"slices"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

// TestValues counts values that are empty or implausible.
func TestValues(t *testing.T) {
	h := &history{}
	for _, e := range []struct {
		kind          ttpcron.SourceKind
		address, json string
	}{
		{ttpcron.AuthAttempt, "192.0.2.7", `{"username":null,"password":null,"success":true}`},
		{ttpcron.FileTransfer, "::ffff:192.0.2.7", `{"url":null,"filename":"x","sha256":null,"direction":null}`},
		{ttpcron.SessionFact, "192.0.2.7", `{"fact":"closed","duration_ms":100000000000000000}`},
		{ttpcron.SessionFact, "192.0.2.7", `{"fact":"client","client_version":null}`},
	} {
		n := len(h.events)
		event := ttpcron.Event{Seq: uint64(n + 1), Kind: e.kind, ID: e.json, AttackerIP: e.address, SessionID: "s", Time: start.Add(time.Duration(n) * time.Second)}
		if err := event.Payload.UnmarshalJSON([]byte(e.json)); err != nil {
			t.Fatal(err)
		}
		h.events = append(h.events, event)
	}
	by := []By{Sessions, Files, Credentials, Attackers}
	c := New(Query{}, by...)
	defer c.Close()
	if err := c.Count(t.Context(), h.source(), 9); err != nil {
		t.Fatal(err)
	}
	rows := make([]*Row, len(by))
	for i := range by {
		if _, err := c.Rows(t.Context(), i, Order{By: &columns[0]}, func(r *Row) error { rows[i] = r; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if s := rows[0]; s == nil || s.Logged.First() != "" || s.Clients.N != 0 || !s.Ended || s.Duration() != 3*time.Second {
		t.Errorf("session: %+v", s)
	}
	if f := rows[1]; f == nil || !slices.Equal(f.Name, []string{"", "x"}) || f.Directions.First() != "" {
		t.Errorf("file: %+v", f)
	}
	if l := rows[2]; l == nil || !slices.Equal(l.Name, []string{"", "", NoUser + NoPassword}) || l.Won != 1 {
		t.Errorf("credentials: %+v", l)
	}
	if a := rows[3]; a == nil || !slices.Equal(a.Addresses.Names(), []string{"192.0.2.7"}) {
		t.Errorf("attacker: %+v", a)
	}
}
