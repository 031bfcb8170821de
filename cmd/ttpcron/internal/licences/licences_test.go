package licences

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write licences.txt.gz anew")

// platforms are those that releases are built for: they link different modules.
var platforms = []string{"linux/amd64", "linux/arm64", "linux/arm", "darwin/amd64", "darwin/arm64", "windows/amd64"}

// component is something that is linked.
type component struct {
	name    string // with its version
	root    string // folder
	folders []string
}

// licenceFile is a name of a file with terms in it.
var licenceFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents|unlicense|copyright)`)

// leftOut are files that do not affect what is linked.
var leftOut = map[string]string{
	"modernc.org/memory LICENSE-LOGO":         "where its logo is from, which is a picture",
	"modernc.org/sqlite LICENSE-3RD-PARTY.md": "repeats what stands here already, with the licences of its tests",
	"modernc.org/sqlite LICENSE-SQLITE_VEC":   "of its package vec, which is not linked",
}

// permissive are the licences that may be linked, with texts that identify each. A text
// may have several; if it has none, or a word of copyleft, a person must read it.
var permissive = []struct{ spdx, phrase string }{
	{"Apache-2.0", "Apache License Version 2.0, January 2004"},
	{"Apache-2.0", "Licensed under the Apache License, Version 2.0"},
	{"BSD-3-Clause", "to endorse or promote products derived from this software without specific prior written permission"},
	{"BSD-2-Clause", "Redistributions in binary form must reproduce the above copyright notice"},
	{"MIT", "Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files"},
	{"ISC", "Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted"},
	{"public domain", "dedicated to the public domain by the authors"},
	{"patent grant", "Additional IP Rights Grant (Patents)"},
}

var copyleft = regexp.MustCompile(`(?i)GNU (Lesser |Affero )?General Public|Mozilla Public License|Eclipse Public|Common Development and Distribution|Creative Commons|Commons Clause|Server Side Public|Business Source License|non-?commercial (use|purposes?) only`)

// spdxOf names the licences in a text, in the order of permissive.
func spdxOf(text string) ([]string, error) {
	flat := strings.Join(strings.Fields(strings.ReplaceAll(text, "*", " ")), " ")
	if word := copyleft.FindString(flat); word != "" {
		return nil, fmt.Errorf("it speaks of %q", word)
	}
	var found []string
	for _, p := range permissive {
		if !strings.Contains(flat, p.phrase) || slices.Contains(found, p.spdx) || p.spdx == "BSD-2-Clause" && slices.Contains(found, "BSD-3-Clause") {
			continue
		}
		found = append(found, p.spdx)
	}
	if found == nil {
		return nil, fmt.Errorf("it is none of the licences that may be linked: %.200s", flat)
	}
	return found, nil
}

func goTool(t *testing.T, env []string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = filepath.Join("..", "..", "..", "..")
	cmd.Env = append(os.Environ(), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v: %s", strings.Join(args, " "), err, stderr.Bytes())
	}
	return out
}

// linked lists the modules that the program links on any platform, in order.
func linked(t *testing.T) []component {
	byName := map[string]*component{}
	for _, platform := range platforms {
		goos, arch, _ := strings.Cut(platform, "/")
		out := goTool(t, []string{"CGO_ENABLED=0", "GOOS=" + goos, "GOARCH=" + arch, "GOARM=7"}, "list", "-deps", "-json=Dir,Module", "./cmd/ttpcron")
		for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
			var p struct {
				Dir    string
				Module *struct {
					Path, Version, Dir string
					Main               bool
				}
			}
			if err := dec.Decode(&p); err != nil {
				t.Fatal(err)
			}
			if p.Module == nil || p.Module.Main {
				continue
			}
			name := p.Module.Path + " " + p.Module.Version
			c := byName[name]
			if c == nil {
				c = &component{name: name, root: p.Module.Dir}
				byName[name] = c
			}
			// Folders between a linked package and the root may have terms of their own.
			for d := p.Dir; len(d) >= len(c.root) && !slices.Contains(c.folders, d); d = filepath.Dir(d) {
				c.folders = append(c.folders, d)
			}
		}
	}
	var all []component
	for _, c := range byName {
		slices.Sort(c.folders)
		all = append(all, *c)
	}
	slices.SortFunc(all, func(a, b component) int { return cmp.Compare(a.name, b.name) })
	goRoot := strings.TrimSpace(string(goTool(t, nil, "env", "GOROOT")))
	top := filepath.Join("..", "..", "..", "..")
	return append([]component{
		{name: "github.com/ttpcron/ttpcron", root: top, folders: []string{top}},
		{name: "Go standard library", root: goRoot, folders: []string{goRoot}},
	}, all...)
}

// collected is the text that the package should hold.
func collected(t *testing.T) string {
	var list, texts strings.Builder
	at, heads, order := map[string]int{}, [][]string{}, []string{}
	for _, c := range linked(t) {
		var names []string
		for _, folder := range c.folders {
			files, err := os.ReadDir(folder)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				path, err := filepath.Rel(c.root, filepath.Join(folder, f.Name()))
				if err != nil {
					t.Fatal(err)
				}
				module, _, _ := strings.Cut(c.name, " ")
				if f.IsDir() || !licenceFile.MatchString(f.Name()) || strings.HasSuffix(f.Name(), ".go") || leftOut[module+" "+path] != "" || c.name == "github.com/ttpcron/ttpcron" && path == "NOTICE" {
					continue
				}
				raw, err := os.ReadFile(filepath.Join(folder, f.Name()))
				if err != nil {
					t.Fatal(err)
				}
				text := strings.Trim(strings.ReplaceAll(string(raw), "\r\n", "\n"), "\n")
				spdx, err := spdxOf(text)
				if err != nil {
					t.Errorf("%s, %s: %v", c.name, path, err)
				}
				for _, name := range spdx {
					if !slices.Contains(names, name) {
						names = append(names, name)
					}
				}
				if _, known := at[text]; !known {
					at[text] = len(order)
					order, heads = append(order, text), append(heads, nil)
				}
				heads[at[text]] = append(heads[at[text]], c.name+", "+path)
			}
		}
		if names == nil {
			t.Errorf("%s has no licence", c.name)
		}
		fmt.Fprintf(&list, "  %-52s  %s\n", c.name, strings.Join(names, ", "))
	}
	for i, text := range order {
		fmt.Fprintf(&texts, "\n%s\n%s\n\n%s\n", strings.Repeat("=", 79), strings.Join(heads[i], "\n"), text)
	}
	return list.String() + texts.String()
}

// What is linked has its licence in the program, with the version that go.mod names.
func TestLicencesOfWhatIsLinked(t *testing.T) {
	want := collected(t)
	if *update {
		var b bytes.Buffer
		w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(want)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("licences.txt.gz", b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		t.Logf("%d bytes of text, %d packed", len(want), b.Len())
		packed = b.Bytes()
	}
	var got bytes.Buffer
	if err := Write(&got); err != nil {
		t.Fatal(err)
	}
	if got.String() == want {
		return
	}
	have, wants := strings.Split(got.String(), "\n"), strings.Split(want, "\n")
	for i := range max(len(have), len(wants)) {
		if i >= len(have) || i >= len(wants) || have[i] != wants[i] {
			t.Fatalf("licences.txt.gz differs from the modules in line %d: go test ./cmd/ttpcron/internal/licences -update, and read what changed\nhas  %q\nwant %q", i+1, at(have, i), at(wants, i))
		}
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(its end)"
}

func TestSPDX(t *testing.T) {
	for text, want := range map[string]string{
		"MIT License\n\nPermission is hereby granted, free of charge, to any person obtaining\na copy of this software and associated documentation files":                                                                 "[MIT]",
		"Redistributions in binary form must reproduce the above copyright notice":                                                                                                                                         "[BSD-2-Clause]",
		"Redistributions in binary form must reproduce the above\n// * copyright notice. Neither the name may be used to endorse or promote products derived from this software without specific prior written permission": "[BSD-3-Clause]",
		"GNU GENERAL PUBLIC LICENSE\nVersion 3": "error",
		"Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files, as the Mozilla Public License asks": "error",
		"All rights reserved.": "error",
	} {
		spdx, err := spdxOf(text)
		got := fmt.Sprint(spdx)
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%q: %s (%v), want %s", text, got, err, want)
		}
	}
}
