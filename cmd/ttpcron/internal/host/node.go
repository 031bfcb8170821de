package host

import (
	"os"
	"strings"
)

// NodeID tells this node from the others of a fleet, the same at every start.
func NodeID() string {
	if id, err := os.ReadFile("/etc/machine-id"); err == nil && len(strings.TrimSpace(string(id))) > 0 {
		return strings.TrimSpace(string(id))
	}
	name, _ := os.Hostname()
	return name
}
