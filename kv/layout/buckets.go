package layout

// The names of the buckets.
const (
	Meta      = "meta"
	History   = "history"
	DayCounts = "days"
	Coverage  = "coverage"
	Identity  = "identity"
	Named     = "named"
	Claims    = "claims"
	Tags      = "tags"
	Rollups   = "rollups"
	Totals    = "totals"
	Cursors   = "cursors"
	Runs      = "runs"
	Rejects   = "rejects"
	Positions = "marks"
	States    = "states"
	Pruned    = "pruned"
	RuleSets  = "rulesets"
	Retired   = "retired"
	Audit     = "audit"
	Rejected  = "rejected"
	Looks     = "looks"
	Arrivals  = "arrivals"
	Purged    = "purged"
	Streams   = "streams"
	Matches   = "matches"
)

// Buckets are the buckets of a store, in the order in which reports name them.
var Buckets = []Bucket{
	{
		Name: Meta, Holds: "schema, secret, last arrival, when jobs ran, what was seen of the clock and what maintenance holds back",
		Key: "schema, secret, arrival, jobs, clock, rejects-dropped", Remedy: Recover,
	},
	{
		Name: History, Holds: "blocks of events",
		Key: "<kind> / <day 4> <first arrival 8>", Nested: Kinds, Remedy: Recover, GrowsWith: WithEvents,
	},
	{
		Name: DayCounts, Holds: "counts of the events of a day",
		Key: "<kind> / <day 4>", Nested: Kinds, Remedy: Rebuild, Recovery: Rebuilt, GrowsWith: WithEvents,
	},
	{
		Name: Coverage, Holds: "what rules have looked at on a day",
		Key: "<kind> / <day 4>", Nested: Kinds, Check: checkCoverage, Remedy: LookAgain, GrowsWith: WithEvents,
	},
	{
		Name: Identity, Holds: "hashes of content-derived ids",
		Key: "<kind> / <day 4> <run 4> <hash 8>", Nested: Kinds, Remedy: Rebuild, Recovery: Rebuilt, GrowsWith: WithEvents,
	},
	{
		Name: Named, Holds: "hashes of given ids, with the digest and place of the event",
		Key: "<run 4> <hash 8>", IsIndex: true, Remedy: Rebuild, Recovery: Rebuilt, GrowsWith: WithEvents,
	},
	{
		Name: Claims, Holds: "what many tags have in common: kind, rule, version, technique …",
		Key: "<number 4>", Remedy: Recover, Recovery: Rebuilt,
	},
	{
		Name: Tags, Holds: "tags",
		Key: "<day 4> / <nanosecond of the day 6> <uuid 16>", Nested: Days, Remedy: Recover, GrowsWith: WithTags,
	},
	{
		Name: Rollups, Holds: "counts of the tags of a day, and the names that can be found in it",
		Key: "<day 4> / c <claim 4>, a <hash 8>, x <hash 8>", Nested: Days, Remedy: Rebuild, Recovery: Rebuilt, GrowsWith: WithTags,
	},
	{
		Name: Totals, Holds: "counts of the whole store",
		Key: "k <kind>, c <claim 4>, t", Remedy: Rebuild, Recovery: Rebuilt, GrowsWith: WithTags,
	},
	{
		Name: Cursors, Holds: "where runs resume",
		Key: "<kind>", ByKind: true, Check: checkCursor, Remedy: SetCheckpoint,
	},
	{
		Name: Runs, Holds: "the last runs",
		Key: "<id>", Number: Entries, Check: checkRun, Noun: "runs", Remedy: Rebuild, Recovery: Copied,
	},
	{
		Name: Rejects, Holds: "lines that could not be used",
		Key: "<number 8>", Number: Last, Remedy: Rebuild,
	},
	{
		Name: Positions, Holds: "how far files were read",
		Key: "<hash 8>", Number: Entries, Check: checkPosition, Noun: "read positions", Remedy: Rebuild,
	},
	{
		Name: States, Holds: "the states of rules",
		Key: "<rule id>", Check: checkState, Remedy: SetState, Recovery: Copied,
	},
	{
		Name: Pruned, Holds: "what was taken out of a kind, and before which day nothing comes in again",
		Key: "<kind>", ByKind: true, Remedy: Recover,
	},
	{
		Name: RuleSets, Holds: "the rules that coverage speaks of, and what is judged of base matches",
		Key: "<fingerprint>", Check: checkRuleSet, Remedy: LookAgain,
	},
	{
		Name: Retired, Holds: "rules whose tags are hidden",
		Key: "<rule id> 0 <version 8>", Check: checkRetirement, Remedy: SetState, Recovery: Copied,
	},
	{
		Name: Audit, Holds: "who changed what of a rule",
		Key: "<number 8>", Number: Last, Check: checkAudit, Remedy: Rebuild, Recovery: Copied,
	},
	{
		Name: Rejected, Holds: "hashes of all rejects that there ever were",
		Key: "<run 4> <hash 8>", IsIndex: true, Remedy: Rebuild, Recovery: Rebuilt,
	},
	{
		Name: Looks, Holds: "how files looked when they were read",
		Key: "<hash 8>", Number: Entries, Late: true, Check: checkLook, Noun: "looks of files", Remedy: Rebuild, Recovery: LeftOut,
	},
	{
		Name: Arrivals, Holds: "when events arrived: an entry for each import that brought some, or for those of a second",
		Key: "<last arrival 8>", Late: true, Check: checkArrived, Remedy: Rebuild, Recovery: Copied, GrowsWith: WithEvents,
	},
	{
		Name: Purged, Holds: "hashes of the events that were purged, which do not come in again",
		Key: "<run 4> <hash 8>", IsIndex: true, Late: true, Remedy: Recover,
	},
	{
		Name: Streams, Holds: "streams of base matches: rule, kind, what they are grouped by and which values they have",
		Key: "<number 4>", Late: true, Check: checkStream, Remedy: Recover, Recovery: LeftOut,
	},
	{
		Name: Matches, Holds: "base matches of correlations, by group",
		Key:    "<day 4> / <run 4> <grouping 4> <hash of the group 12> <nanosecond of the day 6> <arrival 8> <stream 4>",
		Nested: Days, Late: true, Remedy: Rebuild, Recovery: LeftOut, GrowsWith: WithEvents,
	},
}
