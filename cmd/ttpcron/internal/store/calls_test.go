package store

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/control"
	"github.com/ttpcron/ttpcron/internal/nountest"
	"github.com/ttpcron/ttpcron/kv"
)

// entry is a call in the list: its name, and zero values of its request and answer.
type entry struct {
	name      string
	req, resp reflect.Type // resp is nil where a file is given
}

// entries lists the calls.
func entries(t *testing.T) (all []entry) {
	t.Helper()
	list := reflect.ValueOf(calls).Elem()
	for i := range list.NumField() {
		e := entry{name: list.Type().Field(i).Name}
		if do := list.Field(i).FieldByName("do"); do.IsValid() {
			e.req, e.resp = do.Type().In(2), do.Type().Out(0)
		} else {
			e.req = reflect.TypeFor[none]()
		}
		all = append(all, e)
	}
	if len(all) < 30 {
		t.Fatalf("the list has %d calls", len(all))
	}
	return all
}

// Requests and answers are decoded unchanged, every field of them: a new field of a noun
// is not lost on the way.
func TestNothingIsLostOnTheWire(t *testing.T) {
	for _, e := range entries(t) {
		for what, of := range map[string]reflect.Type{"takes": e.req, "gives": e.resp} {
			if of == nil {
				continue
			}
			sent, got := reflect.New(of), reflect.New(of)
			nountest.Fill(t, sent.Interface(), nountest.Values(func(uint64) func(kv.Progress) { return func(kv.Progress) {} }))
			var b bytes.Buffer
			if err := gob.NewEncoder(&b).EncodeValue(sent); err != nil {
				t.Errorf("%s %s %s: %v", e.name, what, of, err)
				continue
			}
			if err := gob.NewDecoder(&b).DecodeValue(got); err != nil {
				t.Errorf("%s %s %s: %v", e.name, what, of, err)
				continue
			}
			for _, field := range nountest.Differences(sent.Elem().Interface(), got.Elem().Interface()) {
				if !strings.HasSuffix(field, "Progress") { // a function, which stays where it is asked
					t.Errorf("%s %s %s without %s", e.name, what, of, field)
				}
			}
		}
	}
}

// Lists of nouns are decoded unchanged, whatever bytes they have.
func TestListsOfNouns(t *testing.T) {
	events := []ttpcron.Event{{}, {Kind: "command", ID: "a\xff", Payload: ttpcron.Payload{{Name: "n", Raw: []byte(`[1,"\udcff"]`)}, {Name: "t", Text: "\x00\xfe\n"}}}}
	back := through(t, control.ListOf(events)).Items
	if !reflect.DeepEqual(back, events) {
		t.Errorf("%+v comes back as %+v", events, back)
	}
	rejects := []ttpcron.Reject{{File: "f\xff", Line: -1, Excerpt: []byte("\xff\x00"), ID: ttpcron.NewRejectID("x")}}
	if back := through(t, control.ListOf(rejects)).Items; !reflect.DeepEqual(back, rejects) {
		t.Errorf("%+v comes back as %+v", rejects, back)
	}
}

func through[T any](t testing.TB, v T) (got T) {
	t.Helper()
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(&v); err != nil {
		t.Fatal(err)
	}
	if err := gob.NewDecoder(&b).Decode(&got); err != nil {
		t.Fatal(err)
	}
	return got
}

// FuzzImporting: whatever a caller sends is read or refused, and takes no more memory than
// a limited multiple of it.
func FuzzImporting(f *testing.F) {
	e := ttpcron.Event{Kind: "command", Payload: ttpcron.TextPayload("command_text", "id")}
	for _, q := range []importing{
		{Events: control.ListOf([]ttpcron.Event{e, e})},
		{Rejects: control.ListOf([]ttpcron.Reject{{File: "x"}})},
		{Events: control.ListOf(make([]ttpcron.Event, 50)), Position: &ttpcron.FilePosition{Path: "p"}},
	} {
		var b bytes.Buffer
		if err := gob.NewEncoder(&b).Encode(&q); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, sent []byte) {
		var q importing
		if gob.NewDecoder(bytes.NewReader(sent)).Decode(&q) != nil {
			return
		}
		fields := 0
		for i := range q.Events.Items {
			fields += len(q.Events.Items[i].Payload)
		}
		const most = 32
		if size := len(q.Events.Items)*int(reflect.TypeFor[ttpcron.Event]().Size()) + fields*int(reflect.TypeFor[ttpcron.Field]().Size()) +
			len(q.Rejects.Items)*int(reflect.TypeFor[ttpcron.Reject]().Size()); size > most*len(sent)+2*64<<10 {
			t.Errorf("%d events with %d fields and %d rejects of %d bytes", len(q.Events.Items), fields, len(q.Rejects.Items), len(sent))
		}
		again := through(t, q)
		if got, want := fmt.Sprint(again.Events.Items, again.Rejects.Items), fmt.Sprint(q.Events.Items, q.Rejects.Items); got != want {
			t.Errorf("%s comes back as %s", want, got)
		}
	})
}
