package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
)

// version is set by the linker in releases.
var version = ""

func (a *app) versionCommand() *command {
	fs := a.newFlags()
	asJSON := fs.Bool("json", false, "print a JSON object")
	return &command{
		name: "version", short: "print the version", fs: fs, bare: true,
		examples: "ttpcron version",
		run: func(ctx context.Context, args []string) error {
			if err := noArgs(args); err != nil {
				return err
			}
			v, revision := buildVersion()
			if *asJSON {
				b := append([]byte(nil), `{"version":`...)
				b = ttpcron.AppendJSONString(b, v)
				b = append(b, `,"revision":`...)
				b = ttpcron.AppendJSONString(b, revision)
				_, err := fmt.Fprintf(a.stdout, "%s,\"attack_release\":%q,\"go\":%q,\"platform\":%q}\n", b, attack.Release, runtime.Version(), runtime.GOOS+"/"+runtime.GOARCH)
				return err
			}
			if revision != "" {
				v += " (" + revision + ")"
			}
			_, err := fmt.Fprintf(a.stdout, "ttpcron %s, ATT&CK %s, %s, %s/%s\n", v, attack.Release, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}

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

// noArgs refuses arguments of a command that has none.
func noArgs(args []string) error {
	if len(args) > 0 {
		return usagef("unexpected argument %q", args[0])
	}
	return nil
}
