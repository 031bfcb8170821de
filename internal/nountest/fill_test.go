package nountest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

type inner struct{ Text string }

type embedded struct{ Promoted string }

type everything struct {
	Text     string
	OwnUUID  string
	Bool     bool
	Int      int
	Small    int8
	Day      ttpcron.Day
	Unsigned uint64
	Byte     byte
	Float    float64
	Time     time.Time
	Since    time.Duration
	Bytes    []byte
	Raw      json.RawMessage
	Hash     [4]byte
	List     []inner
	Pointer  *inner
	Map      map[string]int
	Payload  ttpcron.Payload
	Origin   ttpcron.Origin
	embedded
	private int
}

func TestFillSetsEveryExportedField(t *testing.T) {
	var v everything
	Fill(t, &v)
	r := reflect.ValueOf(v)
	for i := range r.NumField() {
		if f := r.Type().Field(i); f.IsExported() && r.Field(i).IsZero() {
			t.Errorf("%s is zero", f.Name)
		}
	}
	for _, part := range []any{v.List[0].Text, v.List[1].Text, v.Pointer.Text, v.Promoted, v.Hash[3], v.Bytes[1], v.Time.Nanosecond() % 1000} {
		if reflect.ValueOf(part).IsZero() {
			t.Errorf("a part of %+v is zero", v)
		}
	}
	if v.private != 0 {
		t.Error("a field that is not exported was set")
	}
	if _, ok := ttpcron.ParseUUID(v.OwnUUID); !ok || !json.Valid(v.Raw) || v.Float <= 0 || v.Float >= 1 || v.Time.Location() != time.UTC {
		t.Errorf("%+v holds a value that is none of its kind", v)
	}
	texts := []string{v.Text, v.OwnUUID, v.List[0].Text, v.List[1].Text, v.Pointer.Text, v.Promoted}
	slices.Sort(texts)
	if len(slices.Compact(texts)) != len(texts) {
		t.Errorf("texts are alike: %q", texts)
	}
}

func TestFillIsTheSameEachTimeUnlessToldOtherwise(t *testing.T) {
	var a, b, other everything
	Fill(t, &a)
	Fill(t, &b)
	Fill(t, &other, After(1))
	if d := Differences(a, b); d != nil {
		t.Errorf("two calls differ in %v", d)
	}
	if d := Differences(a, other); !slices.Contains(d, "Time") || !slices.Contains(d, "List[1].Text") {
		t.Errorf("after others only %v differ", d)
	}
}

func TestFillTakesGivenValues(t *testing.T) {
	var v everything
	Fill(t, &v, Values(func(n uint64) inner { return inner{fmt.Sprint("given ", n)} }))
	if !strings.HasPrefix(v.List[1].Text, "given ") || v.List[0] == v.List[1] {
		t.Errorf("list %v", v.List)
	}
}

func TestFillRefusesWhatItDoesNotKnow(t *testing.T) {
	type endless struct{ Next *endless }
	for want, v := range map[string]any{
		"no value is known for error":   &struct{ Err error }{},
		"no value is known for func()":  &struct{ F func() }{},
		"has no exported field":         &struct{ In struct{ private int } }{},
		"nested too deep":               &endless{},
		"not a pointer to a value":      everything{},
		"is zero":                       new(everything),
		"no value is known for chan in": &struct{ C map[string]chan int }{},
	} {
		err := fill(v, []Option{Values(func(uint64) inner { return inner{} })})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%T: %v, want %q", v, err, want)
		}
	}
}

// The nouns of the root package are what the others carry around.
func TestFillMakesNounsThatCanBeStored(t *testing.T) {
	var e ttpcron.Event
	Fill(t, &e)
	if err := e.Validate(); err != nil {
		t.Error(err)
	}
	for _, v := range []any{
		new(ttpcron.Tag), new(ttpcron.Coverage), new(ttpcron.Cursor), new(ttpcron.Run), new(ttpcron.Reject), new(ttpcron.FilePosition),
		new(ttpcron.FileLook), new(ttpcron.RuleState), new(ttpcron.RuleSet), new(ttpcron.Retirement), new(ttpcron.AuditEntry), new(ttpcron.TagQuery),
	} {
		Fill(t, v)
	}
}

func TestDifferencesNamesTheFields(t *testing.T) {
	var a, b everything
	Fill(t, &a)
	Fill(t, &b)
	b.Time = b.Time.In(time.FixedZone("", 3600))
	if d := Differences(&a, &b); d != nil {
		t.Errorf("the same instant differs: %v", d)
	}
	b.Pointer.Text, b.Promoted, b.Map, b.List = "", "", nil, b.List[:1]
	b.Time = b.Time.Truncate(time.Microsecond)
	want := []string{"Time", "List", "Pointer.Text", "Map", "Promoted"}
	if d := Differences(&a, &b); !slices.Equal(d, want) {
		t.Errorf("differences %v, want %v", d, want)
	}
}
