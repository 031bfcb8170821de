package report

// Cube counts tags by several of their properties at once, so that a page can count them
// under a filter.
type Cube struct {
	// Attackers are those that are told apart, by address or else by identity, the one
	// with the most tags first. The first entry, "", stands for all others.
	Attackers []string
	Cells     []Cell // in the order of their members
	Hours     []Hour
	// DayStep is how many days a cell stands for, from its Day on. It is more than 1 only
	// where there would be too many cells.
	DayStep int
	// Sensorless says that the sensors of cells are not told apart, for the same reason.
	Sensorless bool
	Left       int // tags that are in no cell, since their days are not among Report.Days
}

// Cell counts tags of one day, sensor, attacker, technique and level.
type Cell struct {
	Day       int // index of Report.Days
	Sensor    int // index of Report.Sensors; -1: of none, as a finding over several
	Attacker  int // index of Cube.Attackers
	Technique int // index of Report.Techniques
	Level     int // 1 to 5
	Tags      int
}

// Hour counts tags of one hour of a day of the week.
type Hour struct {
	Hour   int // 0 is the hour from midnight on Monday, 167 the last of Sunday, UTC
	Sensor int // as in Cell
	Tactic int // index into the tactics of the release that is shown; -1: none of them
	Level  int
	Tags   int
}
