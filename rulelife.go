package ttpcron

import (
	"strconv"
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
	// Ceiling is the confidence to which the rule's state clipped it; 1 for
	// none.
	Ceiling float64
}

// RuleSet lists the rules that were in force under a fingerprint, by ascending
// ID. Rules that could emit nothing are not in it.
type RuleSet struct {
	Fingerprint string
	Rules       []RuleDef
}

// RuleChange is a rule of a set that another set lacks or has otherwise.
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
	ChangeUnknown = "unknown" // what the other set had is not known
)

// Since lists the rules of the set that may give events tags which old does not
// give them. Rules that old has and the set has not need no work, nor do those
// that are clipped otherwise than before: a ceiling is no part of a tag's
// identity, so that the tags are there already.
func (s *RuleSet) Since(old *RuleSet) []RuleChange {
	was := make(map[string]*RuleDef, len(old.Rules))
	for i := range old.Rules {
		was[old.Rules[i].ID] = &old.Rules[i]
	}
	var changes []RuleChange
	for i := range s.Rules {
		r := &s.Rules[i]
		c := RuleChange{RuleID: r.ID, Version: r.Version}
		o := was[r.ID]
		switch {
		case o == nil:
			c.Why = ChangeNew
		case o.Version != r.Version:
			c.Was, c.Why = o.Version, ChangeVersion
		case o.Digest != r.Digest:
			c.Was, c.Why = o.Version, ChangeEdited
		default:
			continue
		}
		changes = append(changes, c)
	}
	return changes
}

// Retirement hides the tags of a bad rule, or of one version of it, from every
// view. The tags stay in the store, so that it can be undone.
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

// AuditEntry records that somebody changed what a rule does in operation.
type AuditEntry struct {
	Number  uint64 // ascending, from 1
	At      time.Time
	By      string
	Action  string // one of the Audit constants
	RuleID  string
	Version int // AllVersions unless the change concerns one version
	Before  string
	After   string // what the change put in the place of Before
	Reason  string
}

// The changes that are recorded.
const (
	AuditStateSet   = "state set"
	AuditStateClear = "state clear"
	AuditRetire     = "retire"
	AuditUnretire   = "unretire"
)

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
