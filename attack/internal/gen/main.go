// Command gen writes one of package attack's tables from a STIX 2 bundle of ATT&CK for
// Enterprise, the file enterprise-attack.json that MITRE publishes (gzip or
// not). It copies ids, names, tactics, platforms, revocations and when an object was
// made, and nothing else.
package main

import (
	"cmp"
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"slices"
	"strings"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("gen: ")
	out := flag.String("o", "", "`file` to write, such as enterprise-19.1.tsv")
	flag.Parse()
	if flag.NArg() != 1 || *out == "" {
		log.Fatal("usage: gen -o file BUNDLE")
	}
	objects, err := read(flag.Arg(0))
	if err != nil {
		log.Fatal(err)
	}
	table, err := build(objects)
	if err != nil {
		log.Fatalf("%s: %v", flag.Arg(0), err)
	}
	if err := os.WriteFile(*out, []byte(table), 0o644); err != nil {
		log.Fatal(err)
	}
}

// object holds the members of all the STIX types that build reads.
type object struct {
	Type         string   `json:"type"`
	ID           string   `json:"id"`
	Created      string   `json:"created"`
	Name         string   `json:"name"`
	ShortName    string   `json:"x_mitre_shortname"`
	Revoked      bool     `json:"revoked"`
	Deprecated   bool     `json:"x_mitre_deprecated"`
	Platforms    []string `json:"x_mitre_platforms"`
	TacticRefs   []string `json:"tactic_refs"`
	Relationship string   `json:"relationship_type"`
	Source       string   `json:"source_ref"`
	Target       string   `json:"target_ref"`
	Phases       []struct {
		Chain string `json:"kill_chain_name"`
		Name  string `json:"phase_name"`
	} `json:"kill_chain_phases"`
	References []struct {
		Source string `json:"source_name"`
		ID     string `json:"external_id"`
	} `json:"external_references"`
}

// attackID is the id that people use, such as T1059.004.
func (o *object) attackID() string {
	for _, r := range o.References {
		if r.Source == "mitre-attack" {
			return r.ID
		}
	}
	return ""
}

func read(path string) ([]object, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	var bundle struct {
		Objects []object `json:"objects"`
	}
	if err := json.NewDecoder(r).Decode(&bundle); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return bundle.Objects, nil
}

func build(objects []object) (string, error) {
	byRef := map[string]*object{}
	successor := map[string]string{}
	var matrix *object
	var techniques []*object
	for i := range objects {
		o := &objects[i]
		byRef[o.ID] = o
		switch {
		case o.Type == "x-mitre-matrix":
			if matrix != nil {
				return "", errors.New("more than one matrix")
			}
			matrix = o
		case o.Type == "attack-pattern" && o.attackID() != "":
			techniques = append(techniques, o)
		case o.Type == "relationship" && o.Relationship == "revoked-by" && !o.Revoked:
			successor[o.Source] = o.Target
		}
	}
	if matrix == nil {
		return "", errors.New("no matrix")
	}
	var out strings.Builder
	var tactics []*object
	for _, ref := range matrix.TacticRefs {
		t := byRef[ref]
		if t == nil {
			return "", fmt.Errorf("the matrix names a tactic %s that is missing", ref)
		}
		tactics = append(tactics, t)
		fmt.Fprintf(&out, "%s\t%s\t%s\n", t.attackID(), t.Name, t.ShortName)
	}
	slices.SortFunc(techniques, func(a, b *object) int { return cmp.Compare(a.attackID(), b.attackID()) })
	for _, t := range techniques {
		next := ""
		switch {
		case t.Revoked:
			if next = liveSuccessor(t.ID, byRef, successor); next == "" {
				return "", fmt.Errorf("%s is revoked and has no live successor", t.attackID())
			}
		case t.Deprecated:
			next = "-"
		}
		slices.Sort(t.Platforms)
		fmt.Fprintf(&out, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", t.attackID(), t.Name,
			strings.Join(tacticsOf(t, tactics), ","), strings.Join(t.Platforms, ","), next, strings.TrimPrefix(t.ID, "attack-pattern--"), t.Created)
	}
	return out.String(), nil
}

// tacticsOf returns the ids of a technique's tactics in matrix order.
func tacticsOf(t *object, tactics []*object) (ids []string) {
	for _, tactic := range tactics {
		for _, p := range t.Phases {
			if p.Chain == "mitre-attack" && p.Name == tactic.ShortName {
				ids = append(ids, tactic.attackID())
				break
			}
		}
	}
	return ids
}

func liveSuccessor(ref string, byRef map[string]*object, successor map[string]string) string {
	for range 10 { // revocations form short chains; a circle ends here
		ref = successor[ref]
		o := byRef[ref]
		if o == nil {
			return ""
		}
		if !o.Revoked {
			return o.attackID()
		}
	}
	return ""
}
