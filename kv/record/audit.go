package record

import (
	"encoding/binary"
	"fmt"

	"github.com/ttpcron/ttpcron"
)

// maxAuditText bounds each text of an entry, in bytes.
const maxAuditText = 1024

// AppendAudit appends the record of an entry. Its texts are cut to 1024 bytes.
func AppendAudit(dst, key []byte, e *ttpcron.AuditEntry) []byte {
	dst = AppendInt(AppendTime(typeAudit.Begin(dst), e.At), e.Version)
	for _, s := range [...]string{e.By, e.Action, e.RuleID, e.Before, e.After, e.Reason} {
		dst = AppendText(dst, cut(s, maxAuditText))
	}
	return End(dst, key)
}

// ReadAudit reads the record of an entry, whose number is the key.
func ReadAudit(key, rec []byte) (e ttpcron.AuditEntry, err error) {
	if len(key) != 8 {
		return e, Damagef("%x is no number of an entry", key)
	}
	r, err := typeAudit.Open(rec, key)
	if err == nil {
		e = ttpcron.AuditEntry{Number: binary.BigEndian.Uint64(key), At: r.Time(), Version: r.Int()}
		for _, s := range [...]*string{&e.By, &e.Action, &e.RuleID, &e.Before, &e.After, &e.Reason} {
			*s = r.Text()
		}
		err = r.Finish()
	}
	if err != nil {
		return ttpcron.AuditEntry{}, fmt.Errorf("audit entry %x: %w", key, err)
	}
	return e, nil
}
