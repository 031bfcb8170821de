package settings

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/importer"
)

const variablePrefix = "TTPCRON_"

// variableOf is the variable of a flag.
func variableOf(flagName string) string {
	return variablePrefix + strings.ToUpper(strings.ReplaceAll(flagName, "-", "_"))
}

// inputsVariable is a second name for --input's variable: that of its key.
var inputsVariable = variableOf(inputsKey)

// variable returns the variable that sets a flag, and its value; empty for none.
func variable(env map[string]string, flagName string) (name, value string) {
	name = variableOf(flagName)
	if env[name] == "" && flagName == inputFlag {
		name = inputsVariable
	}
	return name, env[name]
}

// splitList splits the value of a variable at its commas. One with a backslash
// before it is a comma.
func splitList(value string) (parts []string) {
	part := ""
	for piece := range strings.SplitSeq(value, ",") {
		if before, escaped := strings.CutSuffix(piece, `\`); escaped {
			part += before + ","
			continue
		}
		parts, part = append(parts, part+piece), ""
	}
	if part != "" { // a backslash ends the value
		parts = append(parts, strings.TrimSuffix(part, ",")+`\`)
	}
	return parts
}

// injected are the variables that Docker and Kubernetes set in a container for each other
// one whose name is ttpcron, or begins with it.
var injected = regexp.MustCompile(`^TTPCRON_(.+_)?(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_.+)?)?|NAME|ENV_.+)$`)

// maxDoubts is how many unknown variables are named.
const maxDoubts = 5

// Doubts says what in the environment was hardly meant so: variables that mean
// nothing, and values that were cut in two. Orchestrators set variables of such
// names, so that none of it is an error. Flags are the names of all flags that there are.
func (r *Reader) Doubts(flags []string) (doubts []Fault) {
	known := []string{inputsVariable}
	for _, name := range flags {
		known = append(known, variableOf(name))
	}
	var unknown []string
	for name, value := range r.Env {
		if strings.HasPrefix(name, variablePrefix) && value != "" && !slices.Contains(known, name) && !injected.MatchString(name) {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	for _, name := range unknown[:min(len(unknown), maxDoubts)] {
		hint := "ttpcron COMMAND --help lists the flags: each is a variable"
		typed := strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(name, variablePrefix)), "_", "-")
		if near := cli.Nearest(typed, slices.Concat(flags, []string{inputsKey})); near != "" {
			hint = fmt.Sprintf("did you mean %s?", variableOf(near))
		}
		doubts = append(doubts, Fault{Text: "the variable " + name + " means nothing", Hint: hint})
	}
	if more := len(unknown) - maxDoubts; more > 0 {
		doubts = append(doubts, Fault{Text: fmt.Sprintf("%s nothing, whose names begin with %s", term.Plural(more, "more variable means", "more variables mean"), variablePrefix)})
	}
	if r.Env[inputsVariable] != "" && r.Env[variableOf(inputFlag)] != "" {
		doubts = append(doubts, Fault{Text: inputsVariable + " is not used: " + variableOf(inputFlag) + " is set too", Hint: "set one of them"})
	}
	for _, name := range slices.Sorted(maps.Keys(listFlags)) {
		variable, value := variable(r.Env, name)
		if path, parts := cutPath(splitList(value)); path != "" {
			doubts = append(doubts, Fault{Text: fmt.Sprintf("%s was cut at the commas into %s, and there is a file or folder %q", variable, quoted(parts), path), Hint: `write \, for a comma in a path`})
		}
	}
	return doubts
}

func quoted(parts []string) string {
	var all []string
	for _, p := range parts {
		all = append(all, fmt.Sprintf("%q", p))
	}
	return strings.Join(all, " and ")
}

// maxJoined is how many adjacent values are tried as one path.
const maxJoined = 8

// cutPath finds values next to one another which are no paths, but one together.
func cutPath(values []string) (path string, parts []string) {
	for i := range values {
		for end := i + 2; end <= min(len(values), i+maxJoined); end++ {
			joined := pathOf(strings.Join(values[i:end], ","))
			whole := !slices.ContainsFunc(values[i:end], func(v string) bool { return !exists(pathOf(v)) })
			if exists(joined) && !whole {
				return joined, values[i:end]
			}
		}
	}
	return "", nil
}

// pathOf is an input without the format before it.
func pathOf(value string) string {
	if in, err := importer.ParseInput(value); err == nil {
		return in.Path
	}
	return value
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return path != "" && err == nil
}
