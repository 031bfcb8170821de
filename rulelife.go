package ttpcron

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// RuleDef stands for one rule that was in force: enough to tell later whether
// the rule has changed since.
type RuleDef struct {
	ID      string
	Version int
	// Digest is over everything in the definition that decides what the rule
	// emits, and over the version of the engine.
	Digest [16]byte
}

// RuleSet lists the rules that have looked at events under a fingerprint, by
// ascending ID.
type RuleSet struct {
	Fingerprint string
	Rules       []RuleDef
}

// NewRuleSet returns the set of some rules, whose fingerprint is a hash over them.
func NewRuleSet(rules []RuleDef) RuleSet {
	rules = slices.Clone(rules)
	slices.SortFunc(rules, func(a, b RuleDef) int { return strings.Compare(a.ID, b.ID) })
	h := sha256.New()
	for i := range rules {
		fmt.Fprintf(h, "%d:%s@%d %x\x00", len(rules[i].ID), rules[i].ID, rules[i].Version, rules[i].Digest)
	}
	return RuleSet{hex.EncodeToString(h.Sum(nil)[:16]), rules}
}

func (s *RuleSet) byID() map[string]*RuleDef {
	m := make(map[string]*RuleDef, len(s.Rules))
	for i := range s.Rules {
		m[s.Rules[i].ID] = &s.Rules[i]
	}
	return m
}

// Over returns the set together with the rules of an older one whose ids it lacks: the
// rules that have looked at events after the older set and then this one did.
func (s *RuleSet) Over(old *RuleSet) RuleSet {
	have := s.byID()
	rules := slices.Clone(s.Rules)
	for _, r := range old.Rules {
		if have[r.ID] == nil {
			rules = append(rules, r)
		}
	}
	if len(rules) == len(s.Rules) {
		return *s
	}
	return NewRuleSet(rules)
}

// Shared returns the rules that two sets have in common with the same definition.
func (s *RuleSet) Shared(o *RuleSet) RuleSet {
	theirs := o.byID()
	var rules []RuleDef
	for _, r := range s.Rules {
		if t := theirs[r.ID]; t != nil && t.Digest == r.Digest {
			rules = append(rules, r)
		}
	}
	switch len(rules) {
	case len(s.Rules):
		return *s
	case len(o.Rules):
		return *o
	}
	return NewRuleSet(rules)
}

// RuleChange is a rule of a set that another set lacks or has with another definition.
type RuleChange struct {
	RuleID  string
	Version int
	Was     int    // the version in the other set; 0 when it is not there
	Why     string // one of the Change constants
}

// Why a rule has to look at events that another rule set has covered.
const (
	ChangeNew     = "new"     // the other set has no such rule in force
	ChangeVersion = "version" // it has another version
	ChangeEdited  = "edited"  // the version is the same, the definition is not
	ChangeUnknown = "unknown" // it is not known what the other set had
	ChangeKind    = "kind"    // the rule no longer looks at events of a kind
	ChangeMatches = "matches" // base matches of the correlation were removed, as when a rule that it names was changed
)

// Since lists the rules of the set that may give events other tags than old does. The
// digest decides; the version may go up, down or stay. Rules that only old has need no
// work.
func (s *RuleSet) Since(old *RuleSet) []RuleChange {
	was := old.byID()
	var changes []RuleChange
	for i := range s.Rules {
		r := &s.Rules[i]
		c := RuleChange{RuleID: r.ID, Version: r.Version}
		o := was[r.ID]
		switch {
		case o == nil:
			c.Why = ChangeNew
		case o.Digest == r.Digest:
			continue
		case o.Version != r.Version:
			c.Was, c.Why = o.Version, ChangeVersion
		default:
			c.Was, c.Why = o.Version, ChangeEdited
		}
		changes = append(changes, c)
	}
	return changes
}

// Retirement hides the tags of a bad rule, or of one version of it, from every view. The
// tags stay in the store, so it can be undone.
type Retirement struct {
	RuleID  string
	Version int // AllVersions for every version, those to come included
	Reason  string
	SetBy   string
	SetAt   time.Time
}

// AllVersions stands for every version of a rule.
const AllVersions = -1

// Hides reports whether the tags of a claim are hidden.
func (r *Retirement) Hides(c *Claim) bool {
	return c.RuleID == r.RuleID && (r.Version == AllVersions || r.Version == c.RuleVersion)
}

// AuditEntry records that somebody changed a rule's effect, or purged an attacker or a
// session, in which case it names no rule.
type AuditEntry struct {
	Number  uint64 // ascending, from 1
	At      time.Time
	By      string
	Action  string // one of the Audit constants
	RuleID  string
	Version int // AllVersions unless the change concerns one version
	Before  string
	After   string // what replaced Before
	Reason  string
}

// The changes that are recorded.
const (
	AuditStateSet   = "state set"
	AuditStateClear = "state clear"
	AuditRetire     = "retire"
	AuditUnretire   = "unretire"
	// AuditRetag is not an operator's decision: a run has looked at events again with the
	// rule, and their tags have changed.
	AuditRetag = "retagged"
	AuditPurge = "purge"
)

// Shown returns the confidence with which a claim of the rule is shown in a state,
// and false for one that is not shown: the rule is disabled, or clipped below
// MinConfidence.
func (s RuleState) Shown(confidence float64, now time.Time) (float64, bool) {
	switch s.At(now) {
	case StatusDisabled:
		return confidence, false
	case StatusClipped:
		confidence = min(confidence, s.ConfidenceMax)
		return confidence, confidence >= MinConfidence
	}
	return confidence, true
}

// String says what the state does, for people and for the audit trail.
func (s RuleState) String() string {
	text := string(s.Status)
	switch s.Status {
	case "":
		text = string(StatusEnabled)
	case StatusClipped:
		text += " to " + formatConfidence(s.ConfidenceMax)
	}
	if !s.ExpiresAt.IsZero() {
		text += " until " + s.ExpiresAt.UTC().Format(time.RFC3339)
	}
	return text
}

func formatConfidence(c float64) string { return strconv.FormatFloat(c, 'f', -1, 64) }
