package importer

import (
	"fmt"
	"strings"

	"github.com/ttpcron/ttpcron"
)

// cowrieForCommands is the last version that gave nothing of Cowrie's logs but commands.
const cowrieForCommands = 2

// ForCommandsAlone reports whether a position of a format comes from a version of the
// program that took only commands from logs from which this one takes more.
func ForCommandsAlone(format string) bool {
	for v := 1; v <= cowrieForCommands; v++ {
		if format == fmt.Sprintf("%s/%d", cowrie.Name, v) {
			return true
		}
	}
	return false
}

// ForMore reports whether a position comes from a version that takes more than commands
// from Cowrie's logs. It returns false for positions of other formats.
func ForMore(format string) bool {
	version, _, _ := strings.Cut(format, " ")
	return strings.HasPrefix(version, cowrie.Name+"/") && !ForCommandsAlone(version)
}

// MayBeCowries reports whether an event may come from one of Cowrie's logs: its id is made
// from its content, and its session is named as Cowrie names them.
func MayBeCowries(e *ttpcron.Event) bool {
	if n := len(e.SessionID); n < 8 || n > 12 || strings.Trim(e.SessionID, "0123456789abcdef") != "" {
		return false
	}
	return e.DeckyID != "" && e.SourceID() == e.ContentID()
}
