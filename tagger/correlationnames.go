package tagger

import (
	"regexp"

	"go.yaml.in/yaml/v3"
)

// looksLikeCorrelation finds what only the rules over several events have.
var looksLikeCorrelation = regexp.MustCompile(`(?m)^correlation[ \t]*:`)

// CorrelationNames returns the names of the correlations in folders, by id. It checks and
// compiles no rule, so it costs a small part of [Load], and ignores what it cannot read. As
// with Load, the last folder that has an id counts, and the first file in it.
func CorrelationNames(folders []Folder) map[string]string {
	names := map[string]string{}
	var left room
	for _, folder := range folders {
		files, _ := ruleFiles(folder.FS, &left)
		own := map[string]bool{}
		for _, file := range files {
			data, err := readFile(folder.FS, file)
			if err != nil || !looksLikeCorrelation.Match(data) {
				continue
			}
			roots, err := documents(data)
			if err != nil {
				continue
			}
			for _, root := range roots {
				if id, name := identity(root); id != "" && name != "" && !own[id] && len(own) < maxRules {
					names[id], own[id] = name, true
				}
			}
		}
	}
	return names
}

// identity returns the id and the name of a rule, as ttpcron or Sigma writes them.
func identity(root *yaml.Node) (id, name string) {
	if root.Kind != yaml.MappingNode || !hasKey(root, "correlation") {
		return "", ""
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		if value.Kind != yaml.ScalarNode {
			continue
		}
		switch key.Value {
		case "rule_id", "id":
			id = value.Value
		case "name", "title":
			// Sigma's name is what other rules call it.
			if name == "" || key.Value == "title" {
				name = oneLine(value.Value)
			}
		}
	}
	return id, name
}
