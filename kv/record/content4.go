package record

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jsontext"
)

// ContentID4 is the ID that stores up to schema 4 gave to an event whose source gave it
// none: a hash of everything in its record.
func ContentID4(e *ttpcron.Event) string {
	var stack [512]byte
	b := jsontext.AppendString(stack[:0], string(e.Kind))
	b = e.Time.UTC().AppendFormat(b, time.RFC3339Nano)
	uuid := e.AttackerUUID
	if e.AttackerOrigin != ttpcron.OriginRecorded {
		uuid = "" // found out, not recorded
	}
	for _, s := range [...]string{uuid, e.AttackerIP, e.IdentityUUID, e.SessionID, e.DeckyID} {
		b = jsontext.AppendString(b, s)
	}
	sum := sha256.Sum256(e.Payload.AppendJSON(b))
	return ContentPrefix + hex.EncodeToString(sum[:16])
}
