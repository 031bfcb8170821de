package kv

// The buckets of a store. Numbers in keys are big-endian, so that the order of
// keys is the order of numbers.
//
//	meta      schema, secret, arrival, jobs, clock, rejects-dropped
//	history   <kind> / <day 4> <first arrival 8>  block of events
//	days      <kind> / <day 4>                    counts of a day's events
//	coverage  <kind> / <day 4>                    coverage
//	identity  <kind> / <day 4> <run 4> <hash 8>   hashes of content-derived ids
//	named     <run 4> <hash 8>                    hashes and digests of given ids
//	claims    <number 4>                          kind and claim
//	tags      <day 4> / <nanosecond of the day 6> <uuid 16>   tag
//	rollups   <day 4> / c <claim 4>, a <hash 8>, x <hash 8>   counts of a day's tags
//	totals    k <kind>, c <claim 4>, t            counts of the whole store
//	cursors   <kind>
//	runs      <id>
//	rejects   <number 8>
//	rejected  <run 4> <hash 8>                    hashes of all rejects that there ever were
//	marks     <hash 8>
//	looks     <hash 8>                            how files looked when they were read
//	states    <rule id>
//	pruned    <kind>
//	rulesets  <fingerprint>                       rules that coverage speaks of
//	retired   <rule id> 0 <version>               rules whose tags are hidden
//	audit     <number 8>                          who changed what of a rule
var (
	bucketMeta     = []byte("meta")
	bucketHistory  = []byte("history")
	bucketDays     = []byte("days")
	bucketCoverage = []byte("coverage")
	bucketIdentity = []byte("identity")
	bucketNamed    = []byte("named")
	bucketClaims   = []byte("claims")
	bucketTags     = []byte("tags")
	bucketRollups  = []byte("rollups")
	bucketTotals   = []byte("totals")
	bucketCursors  = []byte("cursors")
	bucketRuns     = []byte("runs")
	bucketRejects  = []byte("rejects")
	bucketRejected = []byte("rejected")
	bucketMarks    = []byte("marks")
	bucketLooks    = []byte("looks")
	bucketStates   = []byte("states")
	bucketPruned   = []byte("pruned")
	bucketRuleSets = []byte("rulesets")
	bucketRetired  = []byte("retired")
	bucketAudit    = []byte("audit")
)

// allBuckets are made with the store, so that readers find every one.
var allBuckets = [][]byte{
	bucketMeta, bucketHistory, bucketDays, bucketCoverage, bucketIdentity, bucketNamed, bucketClaims,
	bucketTags, bucketRollups, bucketTotals, bucketCursors, bucketRuns, bucketRejects, bucketMarks, bucketStates,
	bucketPruned, bucketRuleSets, bucketRetired, bucketAudit, bucketRejected,
}

// lateBuckets are made when they are first needed.
var lateBuckets = [][]byte{bucketLooks}
