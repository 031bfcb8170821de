package main

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/ttpcron/ttpcron/attack"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/licences"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/tagger"
)

// A release sets both with the linker: -X main.version=0.1.0 -X main.commit=5eed945a1b2c
var (
	version = unreleased
	commit  = ""
)

// unreleased is the version of a build that is no release.
const unreleased = "0.1.0-dev"

func versionCommand() *command {
	fs := cli.NewFlags()
	asJSON := fs.Bool("json", false, "print a JSON object")
	terms := fs.Bool("licences", false, "print the licences of the program and of everything in it")
	return &command{
		Name: "version", Short: "print the version", Flags: fs, Bare: true,
		Text: `Prints the version and commit of the program, what built it, the schema of the
stores that it writes, the number of embedded rules with a digest of their files,
and the release of ATT&CK. --version does the same with any command. Neither reads
the config file, a store or rules of yours.`,
		Examples: "ttpcron version\nttpcron version --json | jq -r .version\nttpcron version --licences",
		Run: func(ctx context.Context, s *session, args []string) error {
			if err := cli.NoArgs(args); err != nil {
				return err
			}
			if *terms {
				return printLicences(s.out)
			}
			v := versionNow()
			if *asJSON {
				return s.out.JSON(v)
			}
			_, err := fmt.Fprint(s.out, v)
			return err
		},
	}
}

// versionJSON is everything about the program's version.
type versionJSON struct {
	Version       string `json:"version"`
	Commit        string `json:"commit"` // empty where the build does not know it
	Go            string `json:"go"`
	Platform      string `json:"platform"`
	Schema        int    `json:"schema"`
	Rules         int    `json:"rules"`
	RulesDigest   string `json:"rules_digest"`
	AttackRelease string `json:"attack_release"`
	AttackNotice  string `json:"attack_notice"`
}

func versionNow() versionJSON {
	b := buildNow()
	rules, digest := tagger.Pack()
	return versionJSON{
		b.version, b.commit, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH,
		kv.Schema, rules, digest, attack.Release, mitreNotice,
	}
}

func (v versionJSON) String() string {
	known := v.Commit
	if known == "" {
		known = "unknown"
	}
	return fmt.Sprintf(`ttpcron %s
  commit    %s
  built     with %s for %s
  store     schema %d
  rules     %d embedded, digest %s
  ATT&CK    %s
`, v.Version, known, v.Go, v.Platform, v.Schema, v.Rules, v.RulesDigest, strings.TrimPrefix(v.AttackRelease, "enterprise-v"))
}

// mitreNotice is the designation that ATT&CK's licence asks for.
const mitreNotice = "(c) 2026 The MITRE Corporation. This work is reproduced and distributed with the permission of The MITRE Corporation."

// printLicences prints the licences of everything that is linked.
func printLicences(w io.Writer) error {
	if _, err := fmt.Fprint(w, `ttpcron is copyright 2026 The ttpcron authors, and licensed under the Apache License,
Version 2.0. It is made of the following; the texts come after the list, each once.

`); err != nil {
		return err
	}
	if err := licences.Write(w); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, `
%s
ids and names of techniques of MITRE ATT&CK, %s

MITRE does not endorse this program. The terms of ATT&CK:

%s
`, strings.Repeat("=", 79), strings.TrimPrefix(attack.Release, "enterprise-"), strings.TrimSpace(attack.Licence()))
	return err
}

// build names what the program was made from.
type build struct {
	version string // without a leading v; never empty
	commit  string // 12 hexadecimal digits, "+changes" behind them if files differed; empty where unknown
}

// buildVersion is the version of the program, as everything that names it does.
func buildVersion() string { return buildNow().version }

func buildNow() build {
	info, _ := debug.ReadBuildInfo()
	return buildOf(version, commit, info)
}

// buildOf reads what the linker was given, then what the go command wrote into the
// program: a downloaded module has a version, and a working copy a commit.
func buildOf(linked, commit string, info *debug.BuildInfo) build {
	b := build{strings.TrimPrefix(linked, "v"), commit}
	if b.version == "" {
		b.version = unreleased
	}
	if info == nil {
		return b
	}
	module := strings.TrimPrefix(info.Main.Version, "v")
	pseudo := pseudoVersion.FindStringSubmatch(module)
	// A pseudo-version names a commit alone, and changed files are no release.
	if b.version == unreleased && pseudo == nil && releaseVersion.MatchString(module) {
		b.version = module
	}
	if b.commit != "" {
		return b
	}
	changes := ""
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.commit = s.Value[:min(12, len(s.Value))]
		case "vcs.modified":
			if s.Value == "true" {
				changes = "+changes"
			}
		}
	}
	if b.commit == "" && pseudo != nil {
		b.commit = pseudo[1]
	}
	if b.commit != "" {
		b.commit += changes
	}
	return b
}

var (
	pseudoVersion  = regexp.MustCompile(`[-.]\d{14}-([0-9a-f]{12})(?:\+.*)?$`)
	releaseVersion = regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`)
)
