package ttpcron_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/internal/nountest"
)

// A field that the native form forgets is lost in every export of events.
func TestEventJSONKeepsEveryField(t *testing.T) {
	notInJSON := []string{
		"Seq", // numbers the arrival in one store; another counts anew
	}
	for n := range uint64(2) { // the two origins other than recorded
		var e, back ttpcron.Event
		nountest.Fill(t, &e, nountest.After(n), nountest.Values(func(uint64) ttpcron.Origin { return ttpcron.OriginResolved + ttpcron.Origin(n) }))
		line, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		for _, form := range [][]byte{line, e.AppendJSON(nil)} {
			if err := json.Unmarshal(form, &back); err != nil {
				t.Fatal(err)
			}
			if lost := nountest.Differences(e, back); !slices.Equal(lost, notInJSON) {
				t.Errorf("%s loses %v, should lose %v", form, lost, notInJSON)
			}
		}
	}
}
