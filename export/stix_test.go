package export

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
)

// stixMembers are the members of objects that the tests look at.
type stixMembers struct {
	Type, ID, Value, Created, Modified string
	Name                               string
	First                              string   `json:"first_seen"`
	Last                               string   `json:"last_seen"`
	FirstObserved                      string   `json:"first_observed"`
	LastObserved                       string   `json:"last_observed"`
	By                                 string   `json:"created_by_ref"`
	Of                                 string   `json:"sighting_of_ref"`
	Where                              []string `json:"where_sighted_refs"`
	Observed                           []string `json:"observed_data_refs"`
	Objects                            []string `json:"object_refs"`
	Count                              int
	Extensions                         map[string]sightedTags
}

type stixDocument struct {
	Type, ID string
	Objects  []stixMembers
}

func stixBundlesOf(t testing.TB, stream []byte) (bundles []stixDocument) {
	t.Helper()
	for dec := json.NewDecoder(bytes.NewReader(stream)); dec.More(); {
		var b stixDocument
		if err := dec.Decode(&b); err != nil {
			t.Fatal(err)
		}
		bundles = append(bundles, b)
	}
	return bundles
}

// checkBundle checks what schemas do not: every id belongs to one object and the right
// namespace, all references are there, and times are in order.
func checkBundle(t testing.TB, b stixDocument) {
	t.Helper()
	ids := map[string]stixMembers{}
	for _, o := range b.Objects {
		kind, id, _ := strings.Cut(o.ID, "--")
		if _, ok := ttpcron.ParseUUID(id); !ok || kind != o.Type {
			t.Errorf("%s has the id %q", o.Type, o.ID)
		}
		if _, twice := ids[o.ID]; twice {
			t.Errorf("%s is there twice", o.ID)
		}
		ids[o.ID] = o
		if o.Value != "" && o.ID != observableID(o.Type, `{"value":"`+o.Value+`"}`) {
			t.Errorf("%s is not the id of %s", o.ID, o.Value)
		}
		for _, times := range [][2]string{{o.Created, o.Modified}, {o.First, o.Last}, {o.FirstObserved, o.LastObserved}} {
			if times[0] > times[1] {
				t.Errorf("%s: %s is after %s", o.ID, times[0], times[1])
			}
		}
	}
	referred := map[string]bool{}
	for _, o := range b.Objects {
		refs := slices.Concat([]string{o.By, o.Of}, o.Where, o.Observed, o.Objects)
		for id, x := range o.Extensions {
			refs = append(refs, id, x.Address)
		}
		for _, ref := range refs {
			referred[ref] = true
			if _, ok := ids[ref]; ref != "" && !ok {
				t.Errorf("%s refers to %s, which is missing", o.ID, ref)
			}
		}
	}
	for id, o := range ids {
		if o.Type != "sighting" && o.Type != "identity" && o.Type != "extension-definition" && !referred[id] {
			t.Errorf("nothing refers to %s", id)
		}
	}
}

func tagUUIDs(tags []Tag) []string {
	var ids []string
	for _, t := range tags {
		ids = append(ids, t.UUID)
	}
	slices.Sort(ids)
	return ids
}

func sightedUUIDs(bundles []stixDocument) (ids []string) {
	for _, b := range bundles {
		for _, o := range b.Objects {
			for _, x := range o.Extensions {
				ids = append(ids, x.Tags...)
			}
		}
	}
	slices.Sort(ids)
	return ids
}

func TestStix(t *testing.T) {
	tags := sampleTags(700)
	for i, flags := range [][]string{nil, {"--observed-data"}, {"--split", "100"}, {"--split", "100", "--observed-data", "--producer", "A|b\xff\x1b"}} {
		t.Run(fmt.Sprint(flags), func(t *testing.T) {
			stream, _ := exportTo(t, stix, tags, flags...)
			bundles := stixBundlesOf(t, stream)
			seen := map[string]bool{}
			for _, b := range bundles {
				checkBundle(t, b)
				if seen[b.ID] {
					t.Errorf("%s is there twice", b.ID)
				}
				seen[b.ID] = true
				if i >= 2 && len(b.Objects) > 100 {
					t.Errorf("a bundle has %d objects", len(b.Objects))
				}
				for _, o := range b.Objects {
					if o.Type == "sighting" && (o.Count != len(o.Extensions[stixTags.ID].Tags) || len(o.Where) != 1) {
						t.Errorf("%s counts %d tags of %d", o.ID, o.Count, len(o.Extensions[stixTags.ID].Tags))
					}
				}
			}
			if (len(bundles) > 1) != (i >= 2) {
				t.Errorf("%d bundles", len(bundles))
			}
			if got, want := sightedUUIDs(bundles), tagUUIDs(tags); !slices.Equal(got, want) {
				t.Errorf("%d tags, want %d", len(got), len(want))
			}
		})
	}
}

// TestStixValid uses OASIS's schemas. Their schema of a bundle refuses every extension
// definition, which fits two of its alternatives, so the bundle is checked without.
func TestStixValid(t *testing.T) {
	kinds := map[string]*jsonschema.Schema{"bundle": validator(t, "stix2.1/common/bundle.json")}
	for kind, folder := range map[string]string{
		"identity": "sdos", "attack-pattern": "sdos", "observed-data": "sdos", "sighting": "sros", "extension-definition": "common",
		"ipv4-addr": "observables", "ipv6-addr": "observables", "process": "observables",
	} {
		kinds[kind] = validator(t, "stix2.1/"+folder+"/"+kind+".json")
	}
	seen := map[string]bool{"bundle": true}
	for _, n := range []int{0, 60} {
		stream, _ := exportTo(t, stix, sampleTags(n), "--observed-data")
		doc := jsonDocument(t, stream).(map[string]any)
		var known []any
		for _, o := range doc["objects"].([]any) {
			kind := o.(map[string]any)["type"].(string)
			if seen[kind] = true; kinds[kind] == nil {
				t.Fatalf("no schema for %s", kind)
			}
			if err := kinds[kind].Validate(o); err != nil {
				t.Error(err)
			}
			if kind != "extension-definition" {
				known = append(known, o)
			}
		}
		doc["objects"] = known
		if err := kinds["bundle"].Validate(doc); err != nil {
			t.Errorf("bundle of %d tags: %v", n, err)
		}
	}
	if len(seen) != len(kinds) {
		t.Errorf("only %v were there", slices.Sorted(maps.Keys(seen)))
	}
}

// TestStixDays holds how tags are gathered: by day, technique, sensor and attacker, and
// into further sightings where they are many.
func TestStixDays(t *testing.T) {
	many := sampleTags(1)
	for i := range 2*mostSighting + 1 {
		tag := many[0]
		tag.SourceID = fmt.Sprint("again-", i)
		tag.UUID = tag.Tag.UUID().String()
		many = append(many, tag)
	}
	stream, _ := exportTo(t, stix, many)
	b := stixBundlesOf(t, stream)[0]
	checkBundle(t, b)
	var counts []int
	for _, o := range b.Objects {
		if o.Type == "sighting" {
			counts = append(counts, o.Count)
		}
	}
	if !slices.Equal(counts, []int{mostSighting, mostSighting, 2}) {
		t.Errorf("sightings of %d tags", counts)
	}
	if got := sightedUUIDs([]stixDocument{b}); !slices.Equal(got, tagUUIDs(many)) {
		t.Errorf("%d tags, want %d", len(got), len(many))
	}

	// A late tag at the beginning of the day moves others into every later sighting: the
	// content of these has changed, though none of their own tags is new.
	modified := func(b stixDocument) (dates []string) {
		for _, o := range b.Objects {
			if o.Type == "sighting" {
				dates = append(dates, o.Modified)
			}
		}
		return dates
	}
	late := many[0]
	late.SourceID, late.CreatedAt = "late", later(late.CreatedAt, late.EventTime).Add(time.Hour)
	late.EventTime = late.EventTime.Add(-time.Second)
	late.UUID = late.Tag.UUID().String()
	before := modified(b)
	stream, _ = exportTo(t, stix, append(many, late))
	for i, date := range modified(stixBundlesOf(t, stream)[0]) {
		if date <= before[i] {
			t.Errorf("sighting %d is of %s, and was of %s before", i, date, before[i])
		}
	}
}

// TestStixIDsAreStable: a sighting with an added tag keeps its id and creation time, and
// is newer.
func TestStixIDsAreStable(t *testing.T) {
	one := sampleTags(1)
	before, _ := exportTo(t, stix, one)
	later := one[0]
	later.SourceID, later.EventTime, later.CreatedAt = "later", later.EventTime.Add(1e9), later.CreatedAt.Add(1e12)
	later.UUID = later.Tag.UUID().String()
	after, _ := exportTo(t, stix, []Tag{later, one[0]})
	find := func(stream []byte) stixMembers {
		for _, o := range stixBundlesOf(t, stream)[0].Objects {
			if o.Type == "sighting" {
				return o
			}
		}
		t.Fatal("no sighting")
		return stixMembers{}
	}
	a, b := find(before), find(after)
	if a.ID != b.ID || a.Created != b.Created || a.Modified >= b.Modified || b.Count != 2 || a.First != b.First || a.Last >= b.Last {
		t.Errorf("%+v\n%+v", a, b)
	}
}

// TestStixUnknownTechnique: a tag of a technique that no release has is there.
func TestStixUnknownTechnique(t *testing.T) {
	tags := sampleTags(1)
	tags[0].Claim.TechniqueID, tags[0].AttackerIP, tags[0].AttackerUUID, tags[0].DeckyID = "T9999", "", "", ""
	tags[0].Shown = attack.Current().Shown(&tags[0].Claim)
	tags[0].UUID = tags[0].Tag.UUID().String()
	stream, _ := exportTo(t, stix, tags)
	b := stixBundlesOf(t, stream)
	checkBundle(t, b[0])
	if got := sightedUUIDs(b); !slices.Equal(got, tagUUIDs(tags)) || !bytes.Contains(stream, []byte(`"name":"T9999"`)) {
		t.Errorf("%s", stream)
	}
}
