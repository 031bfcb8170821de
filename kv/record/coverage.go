package record

import (
	"encoding/binary"
	"fmt"

	"github.com/ttpcron/ttpcron"
)

// AppendCoverage appends the record of a day's coverage: one part after the
// other.
func AppendCoverage(dst []byte, k KindDay, list []ttpcron.Coverage) []byte {
	dst = typeCoverage.Begin(dst)
	for i := range list {
		c := &list[i]
		dst = binary.AppendUvarint(AppendText(dst, c.RuleSet), c.UpTo)
		for _, n := range [...]int{c.Events, c.Tagged, c.Tags, c.Skipped, c.Bounded} {
			dst = AppendInt(dst, n)
		}
		if len(list) == 1 && c.After == 0 && c.Since.IsZero() && !c.Uncounted {
			break // the usual case, and all that the first records could say
		}
		dst = AppendTime(binary.AppendUvarint(dst, c.After), c.Since)
		dst = AppendBool(dst, c.Uncounted)
	}
	return End(dst, []byte(k.Kind), DayKey(k.Day))
}

// ReadCoverage reads the coverage of a kind and day; a missing record is none.
func ReadCoverage(k KindDay, rec []byte) (list []ttpcron.Coverage, err error) {
	if rec == nil {
		return nil, nil
	}
	r, err := typeCoverage.Open(rec, []byte(k.Kind), DayKey(k.Day))
	for err == nil && len(r.Rest) > 0 {
		c := ttpcron.Coverage{Kind: k.Kind, Day: k.Day, RuleSet: r.Text(), UpTo: r.Uvarint()}
		for _, n := range [...]*int{&c.Events, &c.Tagged, &c.Tags, &c.Skipped, &c.Bounded} {
			*n = r.Int()
		}
		if len(r.Rest) > 0 {
			c.After, c.Since, c.Uncounted = r.Uvarint(), r.Time(), r.Bool()
		}
		list, err = append(list, c), r.Err
	}
	if err != nil {
		return nil, fmt.Errorf("coverage of %s events of %s: %w", k.Kind, k.Day, err)
	}
	return list, nil
}
