// Package report gathers the data for a report about a store: the matrix, who did what
// and when, what is new, what is noise, and the evidence.
//
// Start with [New]. A [Gatherer] gets every event and every tag once, counts them in
// bounded memory, and returns a [Report]: plain values, ranked and cut, with a note of
// what was left out. Package page writes it as one HTML page. Text is not escaped here:
// all of it is as the attacker wrote it.
package report

import (
	"time"

	"github.com/ttpcron/ttpcron"
)

// Report is everything that a report shows.
type Report struct {
	// About the report itself. The caller sets these.
	Made    time.Time
	Version string   // of the program
	Store   string   // the name of its file, without its folder
	Filters []string // in words, what was selected; empty: everything
	Flags   string   // of commands such as tags, that select the same but for the technique, each behind a blank
	Masked  bool     // captured passwords are masked
	Notes   []string // what else the reader must know, a sentence each

	First, Last time.Time // of the events that are counted
	Total       Total
	Kinds       []Named // events by kind, the most frequent first
	NewSince    time.Time
	New         Newcomers

	// Sensors and Techniques are what Seen refers to. Sensors are in the order of their
	// names, techniques in that of tactics in the matrix and of ids.
	Techniques []*Technique
	Sensors    []*Sensor

	Attackers   Top[*Attacker]
	Sessions    Top[*Session]
	Credentials Top[*Credential]
	Files       Top[*File]
	Rules       Top[*Rule]
	Canaries    Top[*Canary]

	Days     []Day     // each day from the first to the last, those without events too
	DaysFrom time.Time // when the first of Days begins; zero: on the day of First
	DaysLeft Day       // what happened on days that are not among them, which lie too far away
	Cube     Cube
}

// FirstDay is when the first of Days begins.
func (r *Report) FirstDay() time.Time {
	if r.DaysFrom.IsZero() {
		return r.First.UTC().Truncate(24 * time.Hour)
	}
	return r.DaysFrom
}

// EachCommand replaces the commands that show complete lists, and says which flags they
// take.
func (r *Report) EachCommand(other func(command string) (line string, takes []string)) {
	for _, of := range []struct {
		command *string
		takes   *[]string
	}{
		{&r.Attackers.Command, &r.Attackers.Takes}, {&r.Sessions.Command, &r.Sessions.Takes},
		{&r.Credentials.Command, &r.Credentials.Takes}, {&r.Files.Command, &r.Files.Takes},
		{&r.Rules.Command, &r.Rules.Takes}, {&r.Canaries.Command, &r.Canaries.Takes},
		{&r.New.Attackers.Command, &r.New.Attackers.Takes}, {&r.New.Techniques.Command, &r.New.Techniques.Takes},
		{&r.New.Sensors.Command, &r.New.Sensors.Takes}, {&r.New.Files.Command, &r.New.Files.Takes},
	} {
		*of.command, *of.takes = other(*of.command)
	}
}

// Total has the totals of the report. Tagged are events with a tag.
type Total struct {
	Events, Tags, Tagged          int
	Attackers, Sessions, Sensors  int
	TaggedAttackers               int // attackers with a tag
	Techniques                    int
	Level                         ttpcron.Level // the highest of a tag, 0 without tags
	AtLeast                       bool          // of attackers, sessions or tagged events there are more than were told apart
	LoginsTried, LoginsWon, Files int
}

// Named is a name with a count.
type Named struct {
	Name  string
	Times int
}

// Top is the first rows of a ranked list.
type Top[T any] struct {
	Rows    []T
	Total   int      // how many there are, those that were left out too
	AtLeast bool     // there are more than Total says: not all were told apart
	By      string   // what they are ranked by, in words: "with the most tags"
	Command string   // the command that shows all of them
	Takes   []string // flags that Command takes, of those by which a page filters, and csv
}

// Left returns how many rows were left out.
func (t *Top[T]) Left() int { return max(t.Total-len(t.Rows), 0) }

// Seen says when and where something was seen. Page filters use it.
type Seen struct {
	First, Last time.Time
	Sensors     []int         // indices of Report.Sensors, ascending
	Techniques  []int         // indices of Report.Techniques, ascending
	Level       ttpcron.Level // the highest of a tag, 0 without tags
	Attacker    int           // index of Cube.Attackers; 0: of none that is listed there
	New         bool          // nothing of it had arrived before Report.NewSince
}

// Technique is a technique under a tactic. A technique with several tactics has one
// entry for each.
type Technique struct {
	Seen
	Tactic, ID          string // as they are shown
	Tags, Events        int    // Events are those that have such a tag
	Attackers, Sessions int
	Reached             int     // attackers with such a tag of the highest level
	Levels              [6]int  // tags by level; 0 is none
	Rules               []Named // ids, the most frequent first, at most 8
	RuleCount           int
	Evidence            []*Evidence // of several attackers where it can be, the most telling first
}

// Evidence is a tag that backs a count.
type Evidence struct {
	Tag      ttpcron.Tag // without its evidence and text
	Rule     string      // its name; the caller finds it
	Text     string      // what the event was about; the caller finds it
	Attacker int         // index of Cube.Attackers
}

// Attacker is who acted.
type Attacker struct {
	Seen
	UUID, Address                                 string // Address is empty where only an identity is known
	Place                                         string // country and network; the caller finds it
	Mark                                          ttpcron.Mark
	Events, Tags, Sessions, Commands, Logins, Won int
	Requests                                      int // to web servers and other services
	Files, Canaries, Tactics                      int
}

// Session is a session of a sensor.
type Session struct {
	Seen
	ID, Sensor, Attacker                               string // Attacker is an address, or else an identity
	Events, Commands, Tries, Won, Files, Tags, Tactics int
	Like                                               int    // how many others show the same techniques
	Story                                              *Story // nil: not told here
}

// Credential is a login that was tried. If passwords are masked, it is a user with any
// password.
type Credential struct {
	Seen
	User, Password string
	// NoUser and NoPassword say that there was none, which is not the same as an empty one;
	// OnlyKey that a key was offered in place of the password.
	NoUser, NoPassword, OnlyKey bool

	Tries, Won int
	Attackers  int
	Passwords  int // different ones of this user; 0 where Password says which
}

// File is a file that was transferred, in either direction.
type File struct {
	Seen
	SHA256, Path, Direction string // SHA256 is empty where it is not known
	Size                    uint64
	Times, Attackers        int
}

// Sensor is where events were seen.
type Sensor struct {
	Seen
	Name                              string
	Events, Tags, Attackers, Sessions int
}

// Rule is a rule with its counts.
type Rule struct {
	Seen
	ID, Name                          string        // the caller finds the name
	Of                                ttpcron.Level // its own level as it is now; 0: not loaded
	Tags, Events, Attackers, Sessions int
}

// Canary is an event of a canary token that was triggered.
type Canary struct {
	Seen
	Token, Attacker, Sensor, Text string
	Mark                          ttpcron.Mark
}

// Newcomers are new since Report.NewSince: none of their events had arrived before. A
// technique is new if no event with such a tag had.
type Newcomers struct {
	Attackers  Top[*Attacker]
	Techniques Top[*Technique]
	Sensors    Top[*Sensor]
	Files      Top[*File]
}

// Day is one day of UTC.
type Day struct {
	Events int
	Tags   [6]int // by level
}
