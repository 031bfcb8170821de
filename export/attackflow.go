package export

import (
	"context"
	"flag"

	"github.com/ttpcron/ttpcron"
)

// attackFlow is MITRE's Attack Flow 2.0.0, an extension of STIX 2.1: a session as actions,
// each of which leads to the next.
var attackFlow = Format{
	Name: "attack-flow", Short: "Attack Flow 2.0: the actions of one session, for its Builder", OneSession: true,
	New: func(*flag.FlagSet) Write { return writeAttackFlow },
}

// The extension that defines its objects, and its author.
const (
	flowExtension = "extension-definition--fb9c968a-745b-4ade-9b25-c324172197f4"
	flowAuthor    = "identity--fb9c968a-745b-4ade-9b25-c324172197f4"
	flowCreated   = "2022-08-02T19:34:35.143Z"
	flowSchema    = "https://center-for-threat-informed-defense.github.io/attack-flow/stix/attack-flow-schema-2.0.0.json"
)

var flowFixed = []any{
	programIdentity(),
	&stixIdentity{stixObject("identity", flowAuthor, "", flowCreated, flowCreated), "MITRE Center for Threat-Informed Defense", "organization", nil},
	&stixExtension{
		stixObject("extension-definition", flowExtension, flowAuthor, flowCreated, flowCreated),
		"Attack Flow", "Extends STIX 2.1 with features to create Attack Flows.", flowSchema, "2.0.0", []string{"new-sdo"},
	},
}

// newSDO says that an object belongs to the extension.
type newSDO map[string]struct {
	Type string `json:"extension_type"`
}

var flowObject = newSDO{flowExtension: {"new-sdo"}}

// flowAction is a technique that the attacker used.
type flowAction struct {
	stixCommon
	Confidence int             `json:"confidence"`
	Name       text            `json:"name"`
	Tactic     text            `json:"tactic_id"`
	Technique  text            `json:"technique_id"`
	Pattern    string          `json:"technique_ref,omitempty"`
	About      text            `json:"description,omitempty"`
	Start      string          `json:"execution_start"`
	Command    string          `json:"command_ref,omitempty"`
	Effects    []string        `json:"effect_refs,omitempty"`
	References []stixReference `json:"external_references"` // the tag
	Extensions newSDO          `json:"extensions"`
}

// flow is the session.
type flow struct {
	stixCommon
	Name       text     `json:"name"`
	About      text     `json:"description"`
	Scope      string   `json:"scope"`
	Starts     []string `json:"start_refs"`
	Extensions newSDO   `json:"extensions"`
}

// writeAttackFlow writes an action for each tag. Tags come the newest first, and so the
// action that one leads to is known when it is written.
func writeAttackFlow(ctx context.Context, j *Job) error {
	out := &stixBundles{out: j.json(), fixed: flowFixed, later: sorter{scratch: j.Scratch}}
	if err := out.begin(); err != nil {
		return err
	}
	next, made := "", ""
	var first Tag
	sensors := map[string]bool{}
	for t, err := range j.Selected(ctx) {
		if err != nil {
			return err
		}
		if len(sensors) < 2 {
			sensors[t.DeckyID] = true
		}
		a, refs := actionOf(t, j)
		if next != "" {
			a.Effects = []string{next}
		}
		if err := out.add(a, refs...); err != nil {
			return err
		}
		next, made, first = a.ID, max(made, a.Modified), *t
	}
	if next == "" {
		j.Note("no tags match: there is no action, and so no flow")
		return out.end()
	}
	if len(sensors) > 1 {
		j.Note("several sensors have a session of this id: their actions are in one flow, --sensor takes those of one")
	}
	id := stixID("attack-flow", first.SessionID, first.DeckyID, first.AttackerIP, first.AttackerUUID, first.IdentityUUID)
	f := &flow{
		stixObject("attack-flow", id, programIdentity().ID, stixTime(first.EventTime), max(made, stixTime(first.EventTime))),
		text("Session " + first.SessionID), text("What was seen of " + attackerName(&first) + " on " + first.DeckyID), "incident", []string{next}, flowObject,
	}
	if err := out.add(f); err != nil {
		return err
	}
	return out.end()
}

func attackerName(t *Tag) string {
	for _, name := range []string{t.AttackerIP, t.AttackerUUID} {
		if name != "" {
			return name
		}
	}
	return t.IdentityUUID
}

// actionOf makes a tag's action, and what it refers to.
func actionOf(t *Tag, j *Job) (a *flowAction, refs []stixRef) {
	technique := t.Shown.Technique()
	name := j.Table.TechniqueName(technique)
	if name == "" {
		name = technique
	}
	created := stixTime(t.EventTime)
	a = &flowAction{
		stixCommon: stixObject("attack-action", stixID("attack-action", t.UUID), programIdentity().ID, created, max(created, stixTime(t.CreatedAt))),
		Confidence: int(t.Confidence*100 + 0.5), Name: text(name), Tactic: text(t.Shown.Tactic), Technique: text(technique),
		Start: created, References: []stixReference{{Source: "ttpcron", ID: t.UUID}}, Extensions: flowObject,
	}
	if p := attackPattern(j.Table, technique); p != nil {
		a.Pattern = p.ID
		refs = append(refs, stixRef{p.ID, func() any { return p }})
	}
	if t.Text == "" {
		return a, refs
	}
	if t.SourceKind == ttpcron.Command {
		p := commandProcess(t.Text)
		a.Command = p.ID
		refs = append(refs, stixRef{p.ID, func() any { return p }})
	} else {
		a.About = text(string(t.SourceKind) + ": " + t.Text)
	}
	return a, refs
}
