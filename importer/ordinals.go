package importer

import "github.com/ttpcron/ttpcron"

// maxOrdinals is how many different events are remembered at least.
const maxOrdinals = 1 << 13

// ordinals numbers the events of a source that writes whole seconds, where their
// records say the same. It remembers the last ones of a file, far more than a sensor
// writes within a second: in this way a clock that is set back by a little does no harm.
type ordinals struct {
	// settings name the sensor of a record that names none, which is numbered together with
	// equal ones that name it.
	settings     Settings
	seen, before map[ordinalKey]uint32 // how many there were
}

type ordinalKey [16]byte

// number gives an event its ordinal. The event must be complete, but for the sensor of the settings.
func (o *ordinals) number(e *ttpcron.Event) {
	o.settings.nameSensor(e)
	e.Ordinal = 0
	digest := e.RecordDigest()
	key := ordinalKey(digest[:])
	n, ok := o.seen[key]
	if !ok {
		n = o.before[key]
		if len(o.seen) >= maxOrdinals || o.seen == nil {
			o.before, o.seen = o.seen, map[ordinalKey]uint32{}
		}
	}
	o.seen[key] = n + 1
	e.Ordinal = n
}
