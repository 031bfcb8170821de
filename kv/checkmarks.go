package kv

import (
	"bytes"
	"encoding/binary"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/record"
)

// marks checks the small records: coverage, cursors, runs, file marks, rejects
// and states.
func (c *checker) marks() error {
	c.at("coverage", doCoverage)
	c.directory(c.top[string(bucketCoverage)], func(name string, b bucketRef) {
		kind := ttpcron.SourceKind(name)
		c.values(b, func(k, v []byte) {
			c.kind, c.day = kind, ""
			day, ok := record.ParseDay(k)
			if !ok {
				c.findf("%x is no day", k)
				return
			}
			c.day = day.String()
			c.coverage(record.KindDay{Kind: kind, Day: day}, v)
		})
	})
	c.at("cursors", doCursor)
	c.values(c.top[string(bucketCursors)], func(k, v []byte) {
		c.kind = ttpcron.SourceKind(k)
		cursor, err := record.ReadCursor(k, v)
		c.failed(err)
		if cursor.Seq > c.arrival {
			c.findf("the checkpoint %d is greater than the last arrival, %d: events that arrive next would be missed", cursor.Seq, c.arrival)
		}
	})
	c.at("runs", doRebuild)
	runs := c.count(bucketRuns, func(k, v []byte) error {
		_, err := record.ReadRun(k, v)
		return err
	})
	if n := c.top[string(bucketRuns)].sequence; n != runs {
		c.findf("counts %d runs and holds %d", n, runs)
	}
	c.at("marks", doRebuild)
	marks := c.count(bucketMarks, func(k, v []byte) error {
		m, err := record.ReadMark(k, v)
		if err == nil && !bytes.Equal(k, record.MarkKey(&c.secret, m.Format, record.HeadOf(&m))) {
			return record.Damagef("file mark %x belongs to another file", k)
		}
		return err
	})
	if n := c.top[string(bucketMarks)].sequence; n != marks {
		c.findf("counts %d file marks and holds %d", n, marks)
	}
	c.looks()
	c.rejects()
	c.ruleLife()
	return nil
}

// looks checks how files looked.
func (c *checker) looks() {
	if _, ok := c.top[string(bucketLooks)]; !ok {
		return
	}
	c.at("looks", doRebuild)
	looks := c.count(bucketLooks, func(k, v []byte) error {
		l, err := record.ReadLook(k, v)
		if err == nil && !bytes.Equal(k, record.LookKey(&c.secret, l.Path)) {
			return record.Damagef("look %x belongs to another file", k)
		}
		return err
	})
	if n := c.top[string(bucketLooks)].sequence; n != looks {
		c.findf("counts %d looks of files and holds %d", n, looks)
	}
}

// What to do about damaged marks.
const (
	doCoverage = "ttpcron db recover makes a new file without it; the next run looks at the day again"
	doCursor   = "set it with ttpcron checkpoint set, or checkpoint reset"
	doStates   = "restore a backup (ttpcron db restore), or recover into a new file (ttpcron db recover) and set the rule's state again"
)

// count checks each record of a bucket and counts them.
func (c *checker) count(bucket []byte, check func(k, v []byte) error) (n uint64) {
	c.values(c.top[string(bucket)], func(k, v []byte) {
		n++
		c.failed(check(k, v))
	})
	return n
}

func (c *checker) coverage(at record.KindDay, v []byte) {
	parts, err := record.ReadCoverage(at, v)
	c.failed(err)
	for _, p := range parts {
		if p.UpTo > c.arrival {
			c.findf("covers arrivals up to %d, and the last one is %d", p.UpTo, c.arrival)
		}
	}
}

// ruleLife checks what is kept of rules in operation.
func (c *checker) ruleLife() {
	c.at("states", doStates)
	c.count(bucketStates, func(k, v []byte) error {
		_, err := record.ReadState(k, v)
		return err
	})
	c.at("retired", doStates)
	c.count(bucketRetired, func(k, v []byte) error {
		_, err := record.ReadRetirement(k, v)
		return err
	})
	c.at("rulesets", doCoverage)
	c.count(bucketRuleSets, func(k, v []byte) error {
		_, err := record.ReadRuleSet(k, v)
		return err
	})
	c.at("audit", doRebuild)
	c.count(bucketAudit, func(k, v []byte) error {
		e, err := record.ReadAudit(k, v)
		if err == nil && e.Number > c.top[string(bucketAudit)].sequence {
			return record.Damagef("entry %d of %d", e.Number, c.top[string(bucketAudit)].sequence)
		}
		return err
	})
}

// rejects checks the lines that could not be used, which have rising numbers, and
// their index.
func (c *checker) rejects() {
	c.at("rejects", doRebuild)
	numbered := c.top[string(bucketRejects)].sequence
	last := uint64(0)
	hashes := map[uint64]bool{}
	n := c.count(bucketRejects, func(k, v []byte) error {
		r, err := record.ReadReject(k, v)
		if err == nil {
			last = binary.BigEndian.Uint64(k)
			hashes[c.secret.Reject(&r)] = true
		}
		return err
	})
	if n > MaxRejects || last > numbered || n+c.dropped != numbered {
		c.findf("holds %d rejects up to number %d, and counts %d of which %d were dropped", n, last, numbered, c.dropped)
	}
	harmed := c.harmed["rejects"]
	c.at("rejected", doRebuild)
	x := runCheck{form: record.RejectedIndex(), bad: c.failed}
	x.each = func(_ []byte, hash uint64, _ record.IndexValue) { delete(hashes, hash) }
	c.values(c.top[string(bucketRejected)], x.entry)
	x.end()
	if len(hashes) > 0 && !harmed && !c.harmed["rejected"] {
		c.findf("%d rejects are not in the index", len(hashes))
	}
}
