package page

import (
	"regexp"
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
	for line := range strings.Lines(scriptSource) {
		for _, literal := range regexp.MustCompile(`"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'`).FindAllString(line, -1) {
			if operators.Replace(literal) != literal {
				t.Errorf("a literal that would be changed: %s", literal)
			}
		}
	}
	if !strings.Contains(policy, "script-src '"+hashOf(script)+"';") {
		t.Error("the policy lets another script act")
	}
	source := "\tif (a && b) {\n\n\t// said\n\t\tb(\"//\"); // kept;\n\t\tc = [\n\t\t\t1,\n\t\t\t2\n\t\t]\n\t}\n"
	if got, want := packed(source), "if (a&&b){b(\"//\"); // kept;\nc=[1,2\n]\n}\n"; got != want {
		t.Errorf("packed is %q, want %q", got, want)
	}
}
