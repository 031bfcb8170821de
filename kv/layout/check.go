package layout

import (
	"bytes"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv/record"
)

func checkCoverage(s *Store, kind string, k, v []byte) error {
	day, ok := record.ParseDay(k)
	if !ok {
		return record.Damagef("%x is no day", k)
	}
	parts, err := record.ReadCoverage(record.KindDay{Kind: ttpcron.SourceKind(kind), Day: day}, v)
	for _, p := range parts {
		if p.UpTo > s.Arrival {
			return record.Damagef("covers arrivals up to %d, and the last one is %d", p.UpTo, s.Arrival)
		}
	}
	return err
}

func checkCursor(s *Store, _ string, k, v []byte) error {
	c, err := record.ReadCursor(k, v)
	if err == nil && c.Seq > s.Arrival {
		return record.Damagef("the checkpoint %d is greater than the last arrival, %d: events that arrive next would be missed", c.Seq, s.Arrival)
	}
	return err
}

func checkRun(_ *Store, _ string, k, v []byte) error {
	_, err := record.ReadRun(k, v)
	return err
}

func checkPosition(s *Store, _ string, k, v []byte) error {
	m, err := record.ReadPosition(k, v)
	if err == nil && !bytes.Equal(k, record.PositionKey(&s.Secret, m.Format, record.HeadOf(&m))) {
		return record.Damagef("read position %x belongs to another file", k)
	}
	return err
}

func checkLook(s *Store, _ string, k, v []byte) error {
	l, err := record.ReadLook(k, v)
	if err == nil && !bytes.Equal(k, record.LookKey(&s.Secret, l.Path)) {
		return record.Damagef("look %x belongs to another file", k)
	}
	return err
}

func checkState(_ *Store, _ string, k, v []byte) error {
	_, err := record.ReadState(k, v)
	return err
}

func checkRuleSet(_ *Store, _ string, k, v []byte) error {
	_, err := record.ReadRuleSet(k, v)
	return err
}

func checkRetirement(_ *Store, _ string, k, v []byte) error {
	_, err := record.ReadRetirement(k, v)
	return err
}

func checkAudit(_ *Store, _ string, k, v []byte) error {
	_, err := record.ReadAudit(k, v)
	return err
}

func checkArrived(s *Store, _ string, k, v []byte) error {
	a, err := record.ReadArrived(k, v)
	if err == nil && a.Last > s.Arrival {
		return record.Damagef("events up to %d arrived, and the last one is %d", a.Last, s.Arrival)
	}
	return err
}

func checkStream(_ *Store, _ string, k, v []byte) error {
	_, err := record.ReadStream(k, v)
	return err
}
