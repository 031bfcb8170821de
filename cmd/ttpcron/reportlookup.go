package main

import (
	"cmp"
	"context"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/store"
	"github.com/ttpcron/ttpcron/report"
)

// lookUp adds what a gatherer leaves to the holder of the store, the rules and the places,
// and only for what is shown.
func (m *reportMaker) lookUp(ctx context.Context, db *store.Store, r *report.Report) error {
	for _, t := range r.Techniques {
		for _, e := range t.Evidence {
			e.Rule = m.rules[e.Tag.RuleID].name
			var err error
			if e.Text, err = m.evidence(ctx, db, &e.Tag); err != nil {
				return err
			}
		}
	}
	for _, rule := range r.Rules.Rows {
		named := m.rules[rule.ID]
		rule.Name, rule.Of = named.name, named.level
	}
	for _, list := range [][]*report.Attacker{r.Attackers.Rows, r.New.Attackers.Rows} {
		for _, a := range list {
			a.Place = placeText(m.places.Of(a.Address))
		}
	}
	return m.tellStories(ctx, db, r.Sessions.Rows)
}

// evidence is the text of a tag's event, or of a finding; empty if the tag is gone
// meanwhile.
func (m *reportMaker) evidence(ctx context.Context, db *store.Store, of *ttpcron.Tag) (string, error) {
	q := ttpcron.TagQuery{
		Window:  ttpcron.Window{Since: of.EventTime, Until: of.EventTime.Add(1)},
		Session: of.SessionID, Sensor: of.DeckyID, Rule: of.RuleID, UpTo: m.q.UpTo,
	}
	for t, err := range db.Tags.Query(ctx, q, m.under) {
		if err != nil {
			return "", err
		}
		if t.SourceID != of.SourceID || t.UUID() != of.UUID() {
			continue
		}
		if !m.passwords {
			t.MaskPasswords()
		}
		return cmp.Or(t.Text, t.TellingEvidence()), nil
	}
	return "", nil
}
