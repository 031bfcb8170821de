package main

import (
	"reflect"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

func TestWire(t *testing.T) {
	at := time.Date(2026, 5, 4, 5, 49, 5, 123456789, time.UTC)
	events := []ttpcron.Event{
		{Payload: ttpcron.Payload{}},
		{Kind: "command", ID: "a\xff", Time: at, AttackerUUID: "u", AttackerIP: "192.0.2.1", AttackerOrigin: ttpcron.OriginResolved, TimeOrigin: ttpcron.OriginDerived, IdentityUUID: "i", SessionID: "s", DeckyID: "d",
			Payload: ttpcron.Payload{{Name: "n", Raw: []byte(`[1,"\udcff"]`)}, {Name: "t", Text: "\x00\xfe\n"}}},
		{Kind: "odd", Time: time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC), Payload: ttpcron.Payload{}},
	}
	if got, err := readEvents(wireEvents(events)); err != nil || !reflect.DeepEqual(got, events) {
		t.Errorf("%+v, %v", got, err)
	}
	tags := []ttpcron.Tag{{}, {
		Claim:      ttpcron.Claim{RuleID: "R1", RuleVersion: 2, Tactic: "TA0001", TechniqueID: "T1", SubTechniqueID: "T1.1", Confidence: 0.7, AttackRelease: "r", MitreURL: "m"},
		SourceKind: "command", SourceID: "x", AttackerUUID: "u", AttackerIP: "ip", IdentityUUID: "i", SessionID: "s", DeckyID: "d",
		Evidence: []byte(`{"a":"\u0000"}`), CreatedAt: at, EventTime: at.Add(-time.Hour),
	}}
	if got, err := readTags(wireTags(tags)); err != nil || !reflect.DeepEqual(got, tags) {
		t.Errorf("%+v, %v", got, err)
	}
	rejects := []ttpcron.Reject{{File: "f", Line: -1, Format: "x", Reason: "r", Excerpt: []byte("\xff\x00"), At: at, ID: ttpcron.NewRejectID("x")}}
	if got, err := readRejects(wireRejects(rejects)); err != nil || !reflect.DeepEqual(got, rejects) {
		t.Errorf("%+v, %v", got, err)
	}
	for n, whole := 1, wireEvents(events[1:2]); n < len(whole); n++ {
		if got, err := readEvents(whole[:n]); err == nil {
			t.Fatalf("%d of %d bytes give %+v", n, len(whole), got)
		}
	}
}

// FuzzWire: whatever a caller sends is read or refused, and takes no more memory
// than a bounded multiple of it.
func FuzzWire(f *testing.F) {
	e := ttpcron.Event{Kind: "command", Time: time.Unix(1, 2), Payload: ttpcron.TextPayload("command_text", "id")}
	f.Add(wireEvents([]ttpcron.Event{e, e}))
	f.Add(wireTags([]ttpcron.Tag{{SourceID: "x"}}))
	f.Add(wireRejects([]ttpcron.Reject{{File: "x"}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if events, err := readEvents(b); err == nil {
			fields := 0
			for i := range events {
				fields += len(events[i].Payload)
			}
			if 10*len(events)+3*fields > len(b) {
				t.Errorf("%d events with %d fields of %d bytes", len(events), fields, len(b))
			}
			if again, err := readEvents(wireEvents(events)); err != nil || len(again) != len(events) {
				t.Errorf("written again: %d events, %v", len(again), err)
			}
		}
		if tags, err := readTags(b); err == nil && 20*len(tags) > len(b) {
			t.Errorf("%d tags of %d bytes", len(tags), len(b))
		}
		if rejects, err := readRejects(b); err == nil && 7*len(rejects) > len(b) {
			t.Errorf("%d rejects of %d bytes", len(rejects), len(b))
		}
	})
}
