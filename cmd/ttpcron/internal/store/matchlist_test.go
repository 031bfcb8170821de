package store

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

func someMatches(n int) []ttpcron.BaseMatch {
	one := ttpcron.NewStream("TC1", ttpcron.AuthAttempt, []ttpcron.GroupField{{Name: "attacker_ip", From: "attacker_ip"}, {Name: "session_id", From: "session_id", Optional: true}}, []string{"username"}, [16]byte{1})
	two := ttpcron.NewStream("TC2", ttpcron.Command, nil, nil, [16]byte{2})
	list := make([]ttpcron.BaseMatch, n)
	for i := range list {
		list[i] = ttpcron.BaseMatch{Stream: one, Group: fmt.Sprint("g\xff", i/3), Values: fmt.Sprint("v\x00", i%5), Time: time.Unix(int64(1_700_000_000-i*7), int64(i)*999_999_999/int64(n)).UTC(), Seq: 1<<63 - uint64(i)*3}
		if i%4 == 1 {
			list[i].Stream, list[i].Group, list[i].Values = two, "", ""
		}
	}
	return list
}

// Base matches are decoded unchanged, and each stream is one pointer.
func TestMatchList(t *testing.T) {
	for _, n := range []int{0, 1, 1000} {
		want := someMatches(n)
		got := through(t, MatchList{want}).Items
		if len(got) != len(want) || n > 0 && !reflect.DeepEqual(got, want) {
			t.Errorf("%d matches come back otherwise", n)
		}
		streams := map[*ttpcron.Stream]bool{}
		for i := range got {
			streams[got[i].Stream] = true
		}
		if len(streams) > 2 {
			t.Errorf("2 streams come back as %d", len(streams))
		}
		if err := (&MatchList{got}).CheckStreams(); err != nil {
			t.Error(err)
		}
	}
	b, err := MatchList{someMatches(10_000)}.GobEncode()
	if err != nil || len(b) > 20*10_000 {
		t.Errorf("10,000 matches have %d bytes, %v", len(b), err)
	}
	forged := someMatches(1)
	forged[0].Stream.ID = "match|command|TC9||"
	if (&MatchList{forged}).CheckStreams() == nil {
		t.Error("a stream with another name is taken")
	}
	if _, err := (MatchList{make([]ttpcron.BaseMatch, 1)}).GobEncode(); err == nil {
		t.Error("a match without stream is sent")
	}
}

// FuzzMatchList: whatever is sent is read or refused, takes no more memory than a limited
// multiple of it, and encodes to the same again.
func FuzzMatchList(f *testing.F) {
	for _, n := range []int{0, 2, 9} {
		b, _ := MatchList{someMatches(n)}.GobEncode()
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var l MatchList
		if l.GobDecode(b) != nil {
			return
		}
		if size := len(l.Items) * int(reflect.TypeFor[ttpcron.BaseMatch]().Size()); size > 32*len(b) {
			t.Errorf("%d matches of %d bytes", len(l.Items), len(b))
		}
		again, err := l.GobEncode()
		if err != nil {
			t.Fatal(err)
		}
		var same MatchList
		if err := same.GobDecode(again); err != nil || !reflect.DeepEqual(same, l) {
			t.Errorf("comes back otherwise: %v", err)
		}
	})
}
