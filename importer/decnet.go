package importer

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/ttpcron/ttpcron"
)

// DECNET's database: its attackers' commands and its canary tokens' triggers.
var decnet = Format{
	Name: "decnet", Title: "DECNET's database, SQLite or MySQL", Version: 2,
	Records: []RecordType{
		{Name: "attackers.commands", Kinds: []ttpcron.SourceKind{ttpcron.Command}, Why: "each entry of the list; an entry with an empty text is ignored"},
		{Name: "canary_triggers", Kinds: []ttpcron.SourceKind{ttpcron.CanaryFingerprint}},
		{Name: "canary_tokens", Why: "says of which token a trigger is"},
	},
	database: &databaseFormat{open: openDecnet, served: true},
}

// decnetReader reads commands, then triggers. Each entry of a list of commands, and each
// trigger, counts as a line.
type decnetReader struct {
	tableReader
	shape decnetShape
	badAt int // commands whose own time cannot be read
}

// decnetShape says which of the tables and columns there are: older versions
// have fewer.
type decnetShape struct {
	attackers, triggers, tokens map[string]bool
}

const byDecnet = "DECNET"

var (
	decnetAttackers = tableShape{"attackers", []string{"uuid", "commands"}, []string{"ip", "identity_id", "first_seen", "last_seen", "country_code"}, "no commands are read"}
	decnetTriggers  = tableShape{"canary_triggers", []string{"uuid", "occurred_at"}, []string{"token_uuid", "src_ip", "user_agent", "request_path", "dns_qname", "raw_headers", "attacker_id"}, "no canary events are read"}
	decnetTokens    = tableShape{"canary_tokens", nil, []string{"uuid", "kind", "generator", "instrumenter", "placement_path", "decky_name"}, "triggers are read without what their tokens are"}
)

func openDecnet(ctx context.Context, f *Format, db tableSource, o Options) (reader, error) {
	found, err := shapeOf(ctx, db, byDecnet, []tableShape{decnetAttackers, decnetTriggers, decnetTokens})
	if err == nil {
		err = found.programs()
	}
	if err != nil {
		return nil, err
	}
	r := &decnetReader{
		tableReader: newTableReader(db, f, o),
		shape:       decnetShape{found.columns["attackers"], found.columns["canary_triggers"], found.columns["canary_tokens"]},
	}
	r.tables, r.more = r.both, r.badTimes
	if !r.shape.commandsUsable() && !r.shape.triggersUsable() {
		return nil, &UnknownFormatError{Path: db.label(), Detail: "it is a database without the tables attackers and canary_triggers of DECNET"}
	}
	r.said = append(r.said, r.shape.gaps()...)
	r.counts(ctx, "attackers", "canary_triggers")
	return r, nil
}

func (s *decnetShape) commandsUsable() bool { return decnetAttackers.usable(s.attackers) }
func (s *decnetShape) triggersUsable() bool { return decnetTriggers.usable(s.triggers) }

// gaps says what is missing and what that means.
func (s *decnetShape) gaps() []string {
	gaps := append(decnetAttackers.gaps(s.attackers, byDecnet), decnetTriggers.gaps(s.triggers, byDecnet)...)
	if len(s.triggers) > 0 {
		gaps = append(gaps, decnetTokens.gaps(s.tokens, byDecnet)...)
	}
	return gaps
}

func (r *decnetReader) badTimes() []string {
	if r.badAt == 0 {
		return nil
	}
	return []string{fmt.Sprintf("commands whose time cannot be read: %d; they got the time when their attacker was last seen", r.badAt)}
}

func (r *decnetReader) both() error {
	if r.shape.commandsUsable() {
		if err := r.table(r.commandsQuery(), r.attacker); err != nil {
			return err
		}
	}
	if r.shape.triggersUsable() {
		return r.table(r.triggersQuery(), r.trigger)
	}
	return nil
}

// firstTime returns the first of the texts that can be read as a time.
func firstTime(texts ...sql.RawBytes) (time.Time, bool) {
	for _, s := range texts {
		if t, ok := parseTime(string(s)); ok {
			return t, true
		}
		if t, ok := epoch(string(s)); ok {
			return t, true
		}
	}
	return time.Time{}, false
}
