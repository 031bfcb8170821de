package inputs

import (
	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/importer"
)

// Readings knows by which version of the program logs were read.
type Readings struct{}

// ForCommandsAlone does what importer.ForCommandsAlone does.
func (Readings) ForCommandsAlone(format string) bool { return importer.ForCommandsAlone(format) }

// ForMore does what importer.ForMore does.
func (Readings) ForMore(format string) bool { return importer.ForMore(format) }

// MayBeOfThem does what importer.MayBeCowries does.
func (Readings) MayBeOfThem(e *ttpcron.Event) bool { return importer.MayBeCowries(e) }
