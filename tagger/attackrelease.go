package tagger

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/ttpcron/ttpcron"
)

// AttackRelease is what the loader needs to know about an ATT&CK release to check the
// claims of rules.
type AttackRelease struct {
	Name string // as rules spell it, such as "enterprise-v19.1"
	// Technique looks up a technique or sub-technique by id. When it is nil the ids
	// are only checked for their form.
	Technique func(id string) (Technique, bool)
	// Tactics are the ids (TAnnnn) of the tactics by their short names, such as
	// "initial-access".
	Tactics map[string]string
}

// Technique is what the loader needs to know about an ATT&CK technique.
type Technique struct {
	Tactics    []string // TAnnnn
	Revoked    bool
	RevokedBy  string // the id of the technique that took its place
	Deprecated bool
}

func (t *Technique) live() bool { return !t.Revoked && !t.Deprecated }

func (a *AttackRelease) lookup(id string) (t Technique, ok bool) {
	if a.Technique == nil {
		return t, false
	}
	return a.Technique(id)
}

// named reports whether a rule names the release; some write v19.1 or 19.1.
func (a *AttackRelease) named(name string) bool { return releaseNumber(name) == releaseNumber(a.Name) }

func releaseNumber(name string) string {
	return strings.TrimPrefix(strings.TrimPrefix(name, "enterprise-"), "v")
}

// releaseOf returns the release of a claim in a rule that names none: the newest in which
// the technique is active and has one of the tactics, or else the newest in which it is
// active, or else the newest that knows it. The technique is that release's. It is false
// for an unknown id.
func (o *Options) releaseOf(id string, tactics ...string) (from *AttackRelease, t Technique, ok bool) {
	best := 0
	for i := range o.Releases {
		a := &o.Releases[i]
		have, known := a.lookup(id)
		fit := 1
		switch {
		case !known:
			continue
		case have.live() && slices.ContainsFunc(tactics, func(tactic string) bool { return slices.Contains(have.Tactics, tactic) }):
			fit = 3
		case have.live():
			fit = 2
		}
		if fit > best {
			best, from, t = fit, a, have
		}
	}
	return from, t, best > 0
}

// tactic returns the id of a tactic by its short name in any release, or "".
func (o *Options) tactic(name string) string {
	for i := range o.Releases {
		if id := o.Releases[i].Tactics[name]; id != "" {
			return id
		}
	}
	return ""
}

// newest is the name of the newest release: the release of rules whose claims do not imply
// another.
func (o *Options) newest() string {
	if len(o.Releases) == 0 {
		return ""
	}
	return o.Releases[0].Name
}

// known lists the releases that can be checked.
func (o *Options) known() string {
	var names []string
	for _, a := range o.Releases {
		names = append(names, a.Name)
	}
	return strings.Join(names, " and ")
}

// checkTechnique checks a claim against the release that the rule names, or else finds the
// release of its ids. It is false for a claim that cannot be used.
func (r *ruleReader) checkTechnique(n *yaml.Node, field string, c *ttpcron.Claim) bool {
	from, t, ok := r.options.releaseOf(c.Technique(), c.Tactic)
	named := slices.IndexFunc(r.options.Releases, func(a AttackRelease) bool { return a.named(c.AttackRelease) })
	at := join(field, "technique_id")
	if c.SubTechniqueID != "" {
		at = join(field, "sub_technique_id")
	}
	switch {
	case c.AttackRelease == "" && ok:
		c.AttackRelease = from.Name
	case c.AttackRelease == "":
		c.AttackRelease = r.options.newest()
	case named >= 0 && ok:
		release := &r.options.Releases[named]
		had, there := release.lookup(c.Technique())
		if !there {
			r.warning(n, at, "%s is unknown in %s, which the rule names, and known in %s", c.Technique(), release.Name, from.Name)
			break
		}
		from, t = release, had
	}
	switch {
	case len(r.options.Releases) == 0 || r.options.Releases[0].Technique == nil:
	case !ok && named < 0 && c.AttackRelease != r.options.newest():
		r.warning(n, at, "%s is unknown in %s, the releases that can be checked", c.Technique(), r.options.known())
	case !ok:
		r.problem(n, at, "%s is unknown in %s", c.Technique(), r.options.known())
		return false
	case t.Revoked:
		r.warning(n, at, "%s was revoked in %s; %s took its place", c.Technique(), from.Name, t.RevokedBy)
	case t.Deprecated:
		r.warning(n, at, "%s is deprecated in %s", c.Technique(), from.Name)
	case !slices.Contains(t.Tactics, c.Tactic):
		r.warning(n, join(field, "tactic"), "%s does not belong to %s in %s (%s)", c.Technique(), c.Tactic, from.Name, strings.Join(t.Tactics, ", "))
	}
	return true
}
