package kv

import (
	"fmt"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/record"
)

// TestPurgedForms: the forms of purged events can never change, or the events would come
// in again.
func TestPurgedForms(t *testing.T) {
	e := ttpcron.Event{
		Kind: ttpcron.Command, ID: "1~0123456789ab", Time: time.Date(2026, 5, 4, 12, 0, 0, 5, time.UTC), AttackerIP: "::ffff:203.0.113.77", SessionID: "s",
		IdentityUUID: "no part of it", Payload: ttpcron.TextPayload("command_text", "id"),
	}
	db := DB{secret: record.Secret{1, 2, 3}}
	d := record.IdentityOf(&db.secret, &e)
	if got, want := fmt.Sprintf("%x", db.purgedAs(nil, &e, &d)), "[26799c5a6a32ffd2 512e1cc8798e4b79 96e10a02ab9652d2 f63d76d893640a16 3f37e3982e0bf417 d2ae7ddae775e567 d5644e0f41b2bd6 740d3faa3e05f31e 42083135e6ba16f c6fb34f6be576cd7]"; got != want {
		t.Errorf("a given id: %s, want %s", got, want)
	}
	e.AttackerIP = "203.0.113.77"
	if got, want := fmt.Sprintf("%x", db.purgedAs(nil, &e, &d)), "[26799c5a6a32ffd2 512e1cc8798e4b79 96e10a02ab9652d2 f63d76d893640a16 3f37e3982e0bf417 d2ae7ddae775e567 d5644e0f41b2bd6 740d3faa3e05f31e 42083135e6ba16f c6fb34f6be576cd7]"; got != want {
		t.Errorf("an address in another spelling: %s, want %s", got, want)
	}
	e.ID = ""
	d = record.IdentityOf(&db.secret, &e)
	if got, want := fmt.Sprintf("%x", db.purgedAs(nil, &e, &d)), "[17944a500ef444f3]"; got != want {
		t.Errorf("a derived id: %s, want %s", got, want)
	}
	e.AttackerUUID, e.DeckyID = "u", "d"
	if whole, parts := purgedForms(&e); len(parts) != 16 || string(whole[1:]) != string(parts[0][1:]) {
		t.Errorf("%d forms: %q, %q", len(parts), whole, parts)
	}
}
