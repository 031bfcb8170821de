package ttpcron

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// However many names there are, and whatever is in them, little is kept and all is
// counted.
func TestNameCountsAreBounded(t *testing.T) {
	var c NameCounts
	for i := range 1000 {
		c.Count(fmt.Sprint("name", i), 2)
	}
	sum := 0
	for _, n := range c {
		sum += n
	}
	if len(c) != MaxNames+1 || sum != 2000 || c[OtherNames] != 2*(1000-MaxNames) {
		t.Errorf("%d names, %d in all, %d others", len(c), sum, c[OtherNames])
	}
	var long NameCounts
	for _, name := range []string{strings.Repeat("x", MaxName+1), strings.Repeat("x", MaxName+2), strings.Repeat("x", MaxName-1) + "é", "bad\xff\xfe"} {
		long.Count(name, 1)
	}
	want := NameCounts{strings.Repeat("x", MaxName): 2, strings.Repeat("x", MaxName-1): 1, "bad\ufffd": 1}
	if !maps.Equal(long, want) {
		t.Errorf("%v, want %v", long, want)
	}
	text, err := json.Marshal(long)
	var back NameCounts
	if err == nil {
		err = json.Unmarshal(text, &back)
	}
	if err != nil || !maps.Equal(back, long) {
		t.Errorf("%v came back as %v, %v", long, back, err)
	}
	var none NameCounts
	if none.Count("x", 0); none != nil {
		t.Errorf("%v was made of nothing", none)
	}
}

// Whether a name is told apart depends on what was counted, not on the order in
// which a map gives it.
func TestNameCountsAddTheMostFrequentFirst(t *testing.T) {
	var rare, frequent NameCounts
	for i := range MaxNames {
		rare.Count(fmt.Sprint("a", i), 1)
		frequent.Count(fmt.Sprint("b", i), 100+i)
	}
	var c NameCounts
	c.Add(NameCounts{"b0": 1, OtherNames: 5})
	c.Add(frequent)
	c.Add(rare)
	names := c.Names()
	if len(names) != MaxNames+1 || names[0] != fmt.Sprint("b", MaxNames-1) || names[MaxNames] != OtherNames || c[OtherNames] != 5+MaxNames || c["b0"] != 101 {
		t.Errorf("%d names, %v, %d others", len(names), names, c[OtherNames])
	}
	if equal := (NameCounts{"b": 2, "a": 2, OtherNames: 9, "c": 3}).Names(); !slices.Equal(equal, []string{"c", "a", "b", OtherNames}) {
		t.Errorf("%v", equal)
	}
}
