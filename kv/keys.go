package kv

import (
	"encoding/binary"
	"time"

	"github.com/ttpcron/ttpcron"
)

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

var (
	keySchema  = []byte("schema")
	keySecret  = []byte("secret")
	keyArrival = []byte("arrival")
	keyDropped = []byte("rejects-dropped")
)

const dayNanos = 24 * int64(time.Hour)

// nanosOf returns the nanoseconds of t since the day began.
func nanosOf(t time.Time, day ttpcron.Day) int64 {
	return (t.Unix()-int64(day)*86400)*int64(time.Second) + int64(t.Nanosecond())
}

// timeOf returns the instant so many nanoseconds after the day began.
func timeOf(day ttpcron.Day, nanos int64) time.Time {
	return time.Unix(int64(day)*86400+nanos/int64(time.Second), nanos%int64(time.Second)).UTC()
}

func appendDay(dst []byte, d ttpcron.Day) []byte {
	return binary.BigEndian.AppendUint32(dst, uint32(d))
}

// dayKey is the key of a day. Days before 1970 are never stored.
func dayKey(d ttpcron.Day) []byte { return appendDay(make([]byte, 0, 4), d) }

func parseDay(k []byte) (ttpcron.Day, bool) {
	if len(k) != 4 {
		return 0, false
	}
	d := ttpcron.Day(binary.BigEndian.Uint32(k))
	return d, d >= 0
}

const blockKeySize = 12

func blockKey(d ttpcron.Day, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(appendDay(make([]byte, 0, blockKeySize), d), seq)
}

func parseBlockKey(k []byte) (d ttpcron.Day, seq uint64, ok bool) {
	if len(k) != blockKeySize {
		return 0, 0, false
	}
	d, ok = parseDay(k[:4])
	return d, binary.BigEndian.Uint64(k[4:]), ok
}

// tagKey orders the tags of a day by event time, then UUID. A replay in order of
// time thus adds keys at the end of the bucket, however many tags a day has,
// where the UUID alone would scatter them over its pages.
type tagKey [22]byte

func makeTagKey(nanos int64, u ttpcron.UUID) (k tagKey) {
	putNanos(k[:6], nanos)
	copy(k[6:], u[:])
	return k
}

func parseTagKey(k []byte) (nanos int64, u ttpcron.UUID, ok bool) {
	if len(k) != len(tagKey{}) {
		return 0, u, false
	}
	for _, c := range k[:6] {
		nanos = nanos<<8 | int64(c)
	}
	return nanos, ttpcron.UUID(k[6:]), nanos < dayNanos
}

func putNanos(k []byte, nanos int64) {
	for i := 5; i >= 0; i-- {
		k[i] = byte(nanos)
		nanos >>= 8
	}
}

// The first bytes of keys in rollups and totals.
const (
	rollupClaim    = 'c'
	rollupAttacker = 'a'
	rollupAlias    = 'x'
	totalKind      = 'k'
	totalTagDays   = 't'
)

func hashKey(first byte, hash uint64) []byte {
	return binary.BigEndian.AppendUint64(append(make([]byte, 0, 9), first), hash)
}

func claimKey(first byte, id uint32) []byte {
	return binary.BigEndian.AppendUint32(append(make([]byte, 0, 5), first), id)
}

func numberKey(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
