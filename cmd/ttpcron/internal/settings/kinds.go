package settings

import (
	"slices"
	"strings"

	"github.com/hashicorp/go-hclog"

	"github.com/ttpcron/ttpcron"
)

// WarnKinds logs which of the kinds that are asked for are neither known nor among those
// that are stored. Such a name may be a collector's own kind, or a mistake that leaves
// events out.
func WarnKinds(log hclog.Logger, asked, stored []ttpcron.SourceKind) {
	known := ttpcron.Kinds()
	var unheard []string
	for _, k := range asked {
		if !slices.Contains(known, k) && !slices.Contains(stored, k) && !slices.Contains(unheard, string(k)) {
			unheard = append(unheard, string(k))
		}
	}
	if len(unheard) > 0 {
		log.Warn("kinds names a kind of event that is neither known nor stored", "kinds", strings.Join(unheard, ", "), "known", strings.Join(kindNames(known), ", "))
	}
}
