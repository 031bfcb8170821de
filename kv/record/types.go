package record

// The types of records, with the version that this program writes of each. A
// field that is added to a type comes last and raises its version.
var (
	TypeBlock      = Type{"block of events", 3}
	TypeMatches    = Type{"block of base matches", 1}
	typeDay        = Type{"counts of a day", 1}
	typeCoverage   = Type{"coverage", 1}
	typeIndexRuns  = Type{"list of an index", 1}
	typeIndexChunk = Type{"chunk of an index", 1}
	typeClaim      = Type{"claim", 4}
	typeTag        = Type{"tag", 3}
	typeTally      = Type{"count of a claim", 1}
	typeAttacker   = Type{"count of an attacker", 2}
	typeAlias      = Type{"name in a day", 2}
	typeTotal      = Type{"total of a claim", 1}
	typeKindTotal  = Type{"total of a kind", 1}
	typeTagDays    = Type{"number of days", 1}
	typeCursor     = Type{"checkpoint", 1}
	typeRun        = Type{"run", 6}
	typeReject     = Type{"reject", 1}
	typePosition   = Type{"read position", 1}
	typeLook       = Type{"look of a file", 1}
	typeState      = Type{"state of a rule", 1}
	typePruned     = Type{"pruning", 3}
	typeRuleSet    = Type{"rule set", 2}
	typeRetirement = Type{"retirement", 1}
	typeAudit      = Type{"audit entry", 1}
	typeSchema     = Type{"schema", 1}
	typeSecret     = Type{"secret", 1}
	typeArrival    = Type{"arrival number", 1}
	typeArrived    = Type{"time of arrival", 1}
	typeDropped    = Type{"rejects dropped", 1}
	typeJobs       = Type{"times of jobs", 1}
	typeClock      = Type{"clock", 1}
	typeUpgrade    = Type{"upgrade", 1}
	typeStream     = Type{"stream", 1}
	typeMatchDay   = Type{"base matches of a day", 1}
	typeStreamDays = Type{"streams of a day", 1}
)
