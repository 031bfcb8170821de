package page

import (
	"time"

	"github.com/ttpcron/ttpcron/report"
)

// Each of these writes a sentence for a reader who does not know the program, with a link
// to the details. It is false if there is nothing to say.

func (d *document) whoCame(t *report.Total) bool {
	d.with("a", capital(atLeast(t.Attackers, t.AtLeast, "attacker")), at("attackers"))
	if t.Sessions > 0 {
		d.say(" opened ")
		d.with("a", plural(t.Sessions, "session"), at("sessions"))
		d.say(" and")
	}
	d.say(" left ", plural(t.Events, "event"))
	if t.Sensors > 0 {
		d.say(" at ")
		d.with("a", plural(t.Sensors, "sensor"), at("sensors"))
	}
	d.say(".")
	return true
}

func (d *document) loginsTried(t *report.Total) bool {
	if t.LoginsTried == 0 {
		return false
	}
	d.say("They tried ")
	d.with("a", plural(t.LoginsTried, "login"), at("credentials"))
	switch {
	case t.LoginsWon == 0:
		d.say("; none worked")
	default:
		d.say("; ")
		d.with("strong", count(t.LoginsWon)+" worked")
	}
	if rows := d.r.Credentials.Rows; len(rows) > 0 && rows[0].User != "" {
		most := rows[0]
		for _, c := range rows {
			if c.Tries > most.Tries && !c.NoUser {
				most = c
			}
		}
		d.say(". The user name tried most was ")
		d.name(most.User)
		d.say(", ", times(most.Tries))
	}
	d.say(".")
	return true
}

func (d *document) whatWasSeen(t *report.Total) bool {
	if t.Tags == 0 {
		d.say("No rule tagged any of it. ")
		d.command("ttpcron run-once")
		d.say(" tags what no run has seen yet; ")
		d.command("ttpcron rules list")
		d.say(" shows the rules.")
		return true
	}
	d.with("a", capital(atLeast(t.TaggedAttackers, t.AtLeast, "attacker")), at("attackers"))
	d.say(" showed ")
	d.with("a", plural(t.Techniques, "technique"), at("techniques"))
	d.say(" of ATT&CK")
	most := -1
	for i, x := range d.r.Techniques {
		if most < 0 || x.Tags > d.r.Techniques[most].Tags {
			most = i
		}
	}
	if most >= 0 && len(d.r.Techniques) > 1 {
		x := d.r.Techniques[most]
		d.say(". The most frequent was ")
		d.techniqueLink(most)
		d.say(" (", plural(x.Tags, "tag"), " by ", plural(x.Attackers, "attacker"), ")")
	}
	d.say(".")
	return true
}

// worstSeen names the most notable technique: among those with the highest level, the one
// that the most attackers showed at this level.
func (d *document) worstSeen(*report.Total) bool {
	worst := -1
	for i, x := range d.r.Techniques {
		if worst < 0 || rank(x.Level) > rank(d.r.Techniques[worst].Level) ||
			rank(x.Level) == rank(d.r.Techniques[worst].Level) && x.Reached > d.r.Techniques[worst].Reached {
			worst = i
		}
	}
	if worst < 0 || rank(d.r.Techniques[worst].Level) < 4 {
		return false
	}
	x := d.r.Techniques[worst]
	ids := map[string]bool{} // one may be under several tactics
	for _, o := range d.r.Techniques {
		if rank(o.Level) == rank(x.Level) {
			ids[o.ID] = true
		}
	}
	n := len(ids)
	d.say(capital(plural(n, "technique")), " reached the level ")
	d.level(x.Level)
	if n > 1 {
		d.say(", by the most attackers ")
	} else {
		d.say(": ")
	}
	d.techniqueLink(worst)
	d.say(" (", atLeast(x.Reached, d.r.Total.AtLeast, "attacker"), ").")
	return true
}

func (d *document) filesMoved(t *report.Total) bool {
	if t.Files == 0 {
		return false
	}
	d.with("a", plural(max(d.r.Files.Total, 1), "file"), at("files"))
	d.say(" came in or went out, ", times(t.Files), " in all.")
	return true
}

func (d *document) canariesTripped(*report.Total) bool {
	n := d.r.Canaries.Total
	if n == 0 {
		return false
	}
	d.say("Canary tokens were triggered ")
	d.with("a", times(n), at("canaries"))
	d.say(".")
	return true
}

func (d *document) whatIsNew(*report.Total) bool {
	if d.r.NewSince.IsZero() {
		return false
	}
	d.say("New since ", d.r.NewSince.UTC().Format(dayLayout), ": ")
	if newcomersOf(d.r) == 0 {
		d.say("nothing. No attacker, technique, sensor or file that had not been seen before.")
		return true
	}
	if allNew(d.r) {
		d.with("a", "all of it", at("new"))
		d.say(", by the time when it was imported.")
		return true
	}
	n, said := &d.r.New, false
	for _, x := range []struct {
		total int
		more  bool
		one   string
	}{
		{n.Attackers.Total, n.Attackers.AtLeast, "attacker"}, {n.Techniques.Total, n.Techniques.AtLeast, "technique"},
		{n.Sensors.Total, n.Sensors.AtLeast, "sensor"}, {n.Files.Total, n.Files.AtLeast, "file"},
	} {
		if x.total == 0 {
			continue
		}
		if said {
			d.say(", ")
		}
		d.with("a", atLeast(x.total, x.more, x.one), at("new"))
		said = true
	}
	d.say(".")
	return true
}

func (d *document) whatIsLoud(*report.Total) bool {
	n := d.loudRules()
	if n == 0 {
		return false
	}
	d.with("a", plural(n, "rule"), at("rules"))
	if n == 1 {
		d.say(" is loud: it makes more than 5 % of all tags and claims that they matter.")
	} else {
		d.say(" are loud: each makes more than 5 % of all tags and claims that they matter.")
	}
	return true
}

func (d *document) whoIsSilent(*report.Total) bool {
	n := 0
	for _, s := range d.r.Sensors {
		if s.Name != "" && d.silent(s) > 0 {
			n++
		}
	}
	if n == 0 {
		return false
	}
	d.with("a", plural(n, "sensor"), at("sensors"))
	if n == 1 {
		d.say(" was silent for a day or more when the last event of all happened.")
	} else {
		d.say(" were silent for a day or more when the last event of all happened.")
	}
	return true
}

// isOver says so where nothing happened for days before the report was made.
func (d *document) isOver(*report.Total) bool {
	n := int(d.r.Made.Sub(d.last) / (24 * time.Hour))
	if d.last.IsZero() || n < 2 {
		return false
	}
	d.say("Nothing happened after ")
	d.timed(d.last, "2 January 2006 15:04 UTC")
	d.say(": this report was made ", plural(n, "day"), " later. Is there newer history to import?")
	return true
}

// lastOfAll says in brackets when that was.
func (d *document) lastOfAll() string {
	if d.last.IsZero() {
		return ""
	}
	return " (" + d.last.UTC().Format("2 January 2006 15:04") + ")"
}

// silent is for how many whole days a sensor saw nothing, up to the last event of all.
func (d *document) silent(s *report.Sensor) int {
	if s.Last.IsZero() || s.Last.After(d.last) {
		return 0
	}
	return int(d.last.Sub(s.Last) / (24 * time.Hour))
}

// times says how often something was.
func times(n int) string {
	if n == 1 {
		return "once"
	}
	return plural(n, "time")
}

// capital begins a sentence.
func capital(s string) string {
	if s != "" && s[0] >= 'a' && s[0] <= 'z' {
		return string(s[0]-'a'+'A') + s[1:]
	}
	return s
}
