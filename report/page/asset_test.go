package page

import (
	"strings"
	"testing"
)

// The script that a page carries is at most 30 KiB, and its policy lets that one act.
func TestScript(t *testing.T) {
	const most = 30 << 10
	if len(script) > most {
		t.Errorf("the script has %d bytes, %d too many", len(script), len(script)-most)
	}
	if strings.ContainsAny(scriptSource, "`") || strings.Contains(scriptSource, "/*") {
		t.Error("the script has what may go over several lines, which packed does not know")
	}
	for line := range strings.Lines(script) {
		if line != strings.TrimSpace(line)+"\n" || line == "\n" || strings.HasPrefix(line, "//") {
			t.Errorf("a line that a page need not carry: %q", line)
		}
	}
	if !strings.Contains(policy, "script-src '"+hashOf(script)+"';") {
		t.Error("the policy lets another script act")
	}
	// Nothing but indentation, comments and empty lines is left out.
	if got, want := packed("\ta;\n\n\t// said\n\t\tb(\"//\"); // kept\n"), "a;\nb(\"//\"); // kept\n"; got != want {
		t.Errorf("packed is %q, want %q", got, want)
	}
}
