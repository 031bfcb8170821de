package settings

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestSplitList(t *testing.T) {
	for value, want := range map[string][]string{
		"a": {"a"}, "a,b": {"a", "b"}, `a\,b/c`: {"a,b/c"}, `a\,b,c`: {"a,b", "c"}, `\,`: {","}, `a,\,b`: {"a", ",b"},
		`a\,\,b`: {"a,,b"}, `a\b`: {`a\b`}, `a\`: {`a\`}, `a,b\`: {"a", `b\`}, "a,,b": {"a", "", "b"}, `\`: {`\`},
	} {
		if got := splitList(value); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", value, got, want)
		}
	}
}

// doubts are what is said of an environment.
func doubts(env ...string) []string {
	r := Reader{Env: map[string]string{}}
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		r.Env[name] = value
	}
	var all []string
	for _, f := range r.Doubts([]string{"db", "input", "lock-timeout", "batch-size", "rules"}) {
		all = append(all, strings.TrimSuffix(f.Text+"; "+f.Hint, "; "))
	}
	return all
}

// An unknown variable is reported with the name that was probably meant; variables set by
// orchestrators are not.
func TestVariablesThatMeanNothing(t *testing.T) {
	for _, fine := range []string{
		"TTPCRON_DB=x", "TTPCRON_LOCK_TIMEOUT=5s", "TTPCRON_INPUTS=x", "TTPCRON_LOK_TIMEOUT=", "PATH=/bin", "XTTPCRON_FOO=1",
		"TTPCRON_PORT=tcp://10.0.0.1:9090", "TTPCRON_PORT_9090_TCP=tcp://10.0.0.1:9090", "TTPCRON_PORT_9090_TCP_ADDR=10.0.0.1", "TTPCRON_PORT_53_UDP_PROTO=udp",
		"TTPCRON_SERVICE_HOST=10.0.0.1", "TTPCRON_SERVICE_PORT=9090", "TTPCRON_SERVICE_PORT_METRICS=9090", "TTPCRON_METRICS_SERVICE_HOST=10.0.0.1",
		"TTPCRON_METRICS_PORT_9090_TCP_PORT=9090", "TTPCRON_NAME=/web/ttpcron", "TTPCRON_ENV_PATH=/bin",
	} {
		if got := doubts(fine); len(got) > 0 {
			t.Errorf("%s: %q", fine, got)
		}
	}
	for odd, want := range map[string]string{
		"TTPCRON_LOK_TIMEOUT=5s": "the variable TTPCRON_LOK_TIMEOUT means nothing; did you mean TTPCRON_LOCK_TIMEOUT?",
		"TTPCRON_IMPUT=x":        "the variable TTPCRON_IMPUT means nothing; did you mean TTPCRON_INPUT?",
		"TTPCRON_QUITE_ELSE=x":   "the variable TTPCRON_QUITE_ELSE means nothing; ttpcron COMMAND --help lists the flags: each is a variable",
		"TTPCRON_PORTS=x":        "the variable TTPCRON_PORTS means nothing; ttpcron COMMAND --help lists the flags: each is a variable",
	} {
		if got := doubts(odd); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q", odd, got)
		}
	}
	var many []string
	for i := range 40 {
		many = append(many, fmt.Sprintf("TTPCRON_X%d=secret", i))
	}
	got := doubts(many...)
	if len(got) != maxDoubts+1 || got[maxDoubts] != "35 more variables mean nothing, whose names begin with TTPCRON_" || strings.Contains(fmt.Sprint(got), "secret") {
		t.Errorf("%q", got)
	}
	if got := doubts("TTPCRON_INPUT=a", "TTPCRON_INPUTS=b"); len(got) != 1 || got[0] != "TTPCRON_INPUTS is not used: TTPCRON_INPUT is set too; set one of them" {
		t.Errorf("%q", got)
	}
}

// A path that was cut at its comma is named; two paths are not.
func TestPathsCutInTwo(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, path := range []string{"a,b/cowrie.json", "x", "y", "p,q,r"} {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for value, want := range map[string]string{
		"a,b/cowrie.json":            `cut at the commas into "a" and "b/cowrie.json", and there is a file or folder "a,b/cowrie.json"; write \, for a comma in a path`,
		"x,cowrie:a,b/cowrie.json,y": `cut at the commas into "cowrie:a" and "b/cowrie.json", and there is a file or folder "a,b/cowrie.json"`,
		"p,q,r":                      `cut at the commas into "p" and "q" and "r"`,
		"x,y":                        "",
		"x,missing":                  "",
		`a\,b/cowrie.json`:           "",
	} {
		for _, name := range []string{"TTPCRON_INPUT", "TTPCRON_INPUTS", "TTPCRON_RULES"} {
			got := fmt.Sprint(doubts(name+"="+value, "TTPCRON_DB=x"))
			if want == "" && strings.Trim(got, "[] ") != "" || !strings.Contains(got, want) {
				t.Errorf("%s=%s: %s", name, value, got)
			}
		}
	}
}
