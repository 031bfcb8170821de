package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/ttpcron/ttpcron/attack"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
)

// version is set by the linker in releases.
var version = ""

func versionCommand() *command {
	fs := cli.NewFlags()
	asJSON := fs.Bool("json", false, "print a JSON object")
	licences := fs.Bool("licences", false, "print the terms of the program and of the ATT&CK table in it")
	return &command{
		Name: "version", Short: "print the version", Flags: fs, Bare: true,
		Examples: "ttpcron version\nttpcron version --licences",
		Run: func(ctx context.Context, s *session, args []string) error {
			if err := cli.NoArgs(args); err != nil {
				return err
			}
			if *licences {
				_, err := fmt.Fprintf(s.out, licenceText, attack.Release, strings.TrimSpace(attack.Licence()))
				return err
			}
			v, revision := buildVersion()
			if *asJSON {
				return s.out.JSON(versionJSON{v, revision, attack.Release, mitreNotice, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH})
			}
			if revision != "" {
				v += " (" + revision + ")"
			}
			_, err := fmt.Fprintf(s.out, "ttpcron %s, ATT&CK %s, %s, %s/%s\n", v, attack.Release, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}

type versionJSON struct {
	Version       string `json:"version"`
	Revision      string `json:"revision"`
	AttackRelease string `json:"attack_release"`
	AttackNotice  string `json:"attack_notice"`
	Go            string `json:"go"`
	Platform      string `json:"platform"`
}

// mitreNotice is the designation that ATT&CK's licence asks for.
const mitreNotice = "(c) 2026 The MITRE Corporation. This work is reproduced and distributed with the permission of The MITRE Corporation."

const licenceText = `ttpcron, copyright 2026 The ttpcron authors, is licensed under the Apache License,
Version 2.0: https://www.apache.org/licenses/LICENSE-2.0

It holds the ids and names of techniques of MITRE ATT&CK, %s. MITRE does
not endorse it. The terms of ATT&CK follow.

%s
`

// buildVersion returns the version that the linker was told, or what the build
// knows of itself.
func buildVersion() (v, revision string) {
	v = version
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v, ""
	}
	if v == "" {
		v = info.Main.Version
	}
	dirty := ""
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			revision = s.Value[:min(12, len(s.Value))]
		case "vcs.modified":
			if s.Value == "true" {
				dirty = "+changes"
			}
		}
	}
	if revision == "" {
		return v, ""
	}
	return v, revision + dirty
}
