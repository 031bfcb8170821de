package control_test

import (
	"bytes"
	"encoding/gob"
	"reflect"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron/control"
)

// A list is decoded unchanged, whole and in parts, and its parts have the requested
// length.
func TestList(t *testing.T) {
	items := make([]question, 1000)
	for i := range items {
		items[i] = question{strings.Repeat("\xff", i%7*100), i}
	}
	var back []question
	for part, err := range control.Parts(items, 4096) {
		if err != nil {
			t.Fatal(err)
		}
		sent, err := part.GobEncode()
		if err != nil || len(sent) > 4096 && len(part.Items) > 1 {
			t.Fatalf("a part of %d items has %d bytes: %v", len(part.Items), len(sent), err)
		}
		var got control.List[question]
		if err := got.GobDecode(sent); err != nil || !reflect.DeepEqual(got.Items, part.Items) {
			t.Fatalf("%d items come back as %d: %v", len(part.Items), len(got.Items), err)
		}
		back = append(back, got.Items...)
	}
	if !reflect.DeepEqual(back, items) {
		t.Errorf("%d items come back as %d", len(items), len(back))
	}
	whole, err := control.ListOf(items).GobEncode()
	if err != nil {
		t.Fatal(err)
	}
	var got control.List[question]
	if err := got.GobDecode(whole); err != nil || !reflect.DeepEqual(got.Items, items) {
		t.Errorf("%d items come back as %d: %v", len(items), len(got.Items), err)
	}
	for n := 0; n < len(whole); n += 997 {
		if err := got.GobDecode(whole[:n]); err == nil && len(got.Items) == len(items) {
			t.Fatalf("%d bytes of %d are the whole list", n, len(whole))
		}
	}
}

// Empty items cannot take much more memory than they have bytes.
func TestListBoundsMemory(t *testing.T) {
	type wide struct{ A [200]int64 }
	var b bytes.Buffer
	enc := gob.NewEncoder(&b)
	for range 100_000 {
		if err := enc.Encode(struct{ B int }{}); err != nil {
			t.Fatal(err)
		}
	}
	var got control.List[struct {
		B int
		wide
	}]
	if err := got.GobDecode(b.Bytes()); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("%d items of %d bytes: %v", len(got.Items), b.Len(), err)
	}
}

func TestSmall(t *testing.T) {
	for n, ok := range map[int]bool{10: true, control.MaxSmall + 1: false} {
		sent, err := control.Small[string]{Value: strings.Repeat("x", n)}.GobEncode()
		if err != nil {
			t.Fatal(err)
		}
		var got control.Small[string]
		if err := got.GobDecode(sent); (err == nil) != ok || ok && len(got.Value) != n {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

// A list of methods names them.
func TestName(t *testing.T) {
	list := control.Name(struct {
		LastSeq control.Method[question, reply]
		Backup  control.FileMethod[question]
	}{LastSeq: control.NewMethod[question, reply]("", control.Waits)})
	s := control.NewServer(control.Options{})
	list.LastSeq.Serve(s, nil)
	list.Backup.Serve(s, nil)
	if got := strings.Join(s.Methods(), " "); got != "last-seq backup" {
		t.Errorf("named %s", got)
	}
	defer func() {
		if recover() == nil {
			t.Error("a list with something else than methods is named")
		}
	}()
	control.Name(struct{ N int }{})
}
