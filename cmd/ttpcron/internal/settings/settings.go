// Package settings makes the settings of a command, and the configuration of a
// daemon, from flags, environment and config file.
//
// Start with [Reader]. What it returns is never changed: a daemon that reloads
// reads another one. The start of a daemon, its reload and a check of the config
// file call the same function, [Reader.Daemon].
package settings

import (
	"errors"
	"flag"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/importer"
)

// Settings are the settings that every command has. Flags win over TTPCRON_*
// variables, and those over the config file.
type Settings struct {
	Config      string // the file that was named, empty for the default one
	DB          string // the store; empty where there is no place for one
	Socket      string // where a daemon answers, empty for the default places
	LockTimeout time.Duration
	LogLevel    string
	LogJSON     bool
	Role        string
	Embedded    bool // the embedded pack of rules is in force
	// Correlations says that rules over several events are in force.
	Correlations bool
	Rules        []string
	Inputs       []string // as importer.Catalog.ParseInput reads them
	Formats      *importer.Catalog
	Kinds        []ttpcron.SourceKind // of event that are imported; nil: all
	OwnNetworks  ttpcron.Networks
	Attack       *attack.Table // the release of ATT&CK in whose names tags and rules are shown

	// DefaultDB reports whether nobody named the store.
	DefaultDB bool
}

// The roles of a host. DECNET calls the host that keeps the tags its master.
const (
	RoleStandalone = "standalone"
	RoleMaster     = "master"
	RoleAgent      = "agent"
)

// decnetMode is the variable in which DECNET names a host's role.
const decnetMode = "DECNET_MODE"

// decnetRole is the role in DECNET's own variable, or empty. DECNET treats everything but
// an agent as a master; here an invalid value leaves the choice to the config file.
func decnetRole(env map[string]string) string {
	switch mode := strings.ToLower(strings.TrimSpace(env[decnetMode])); mode {
	case RoleAgent, RoleMaster:
		return mode
	}
	return ""
}

// shared are the flags of every command, as they are parsed.
type shared struct {
	Settings
	rules cli.List
}

// Share defines the flags that every command has. What they are set to is taken
// from the flag set, see [Given].
func Share(fs *flag.FlagSet) { (&shared{}).define(fs) }

func (s *shared) define(fs *flag.FlagSet) {
	fs.StringVar(&s.Config, "config", "", "read settings from `FILE`, in TOML (default "+SystemConfig+", else $XDG_CONFIG_HOME/ttpcron/ttpcron.toml)")
	fs.StringVar(&s.DB, "db", "", "use the store in `FILE`")
	fs.StringVar(&s.Socket, "socket", "", "socket `FILE` of a daemon that holds the store (default: the name of the store with .sock, else "+SystemSocket+")")
	fs.DurationVar(&s.LockTimeout, "lock-timeout", 5*time.Second, "wait up to `DURATION` for a store that another process holds")
	fs.StringVar(&s.LogLevel, "log-level", "info", "log `LEVEL` and above: trace, debug, info, warn, error or off")
	fs.BoolVar(&s.LogJSON, "log-json", false, "log as JSON lines")
	fs.StringVar(&s.Role, "role", RoleStandalone, "`ROLE` of this host: standalone, master or agent; an agent makes no tags")
	fs.BoolVar(&s.Embedded, "embedded", true, "use the embedded pack of rules; --embedded=false: only those of --rules")
	fs.BoolVar(&s.Correlations, "correlations", true, "use correlations, rules over several events; --correlations=false saves work and space")
	fs.Var(&s.rules, "rules", "load rule files from `DIR` over the embedded pack; can be repeated")
	fs.Var((*cli.Networks)(&s.OwnNetworks), ownNetworksFlag, "mark addresses in `NETWORK`, such as 192.0.2.0/24 or one address, as your own; can be repeated")
	fs.Var((*cli.Kinds)(&s.Kinds), kindsFlag, "import only events of `KIND`, such as command or auth_attempt; can be repeated")
	s.Attack = attack.Current()
	fs.Var((*release)(&s.Settings), attackReleaseFlag, "show ids and names of ATT&CK `RELEASE` "+strings.Join(attack.Releases(), " or "))
}

// release is the flag that sets Settings.Attack.
type release Settings

// String returns what Set takes.
func (r *release) String() string {
	if r.Attack == nil {
		return ""
	}
	return r.Attack.Number()
}

// Set implements flag.Value.
func (r *release) Set(s string) error {
	table, ok := attack.In(s)
	if !ok {
		return errors.New("want " + cli.Or(attack.Releases()))
	}
	r.Attack = table
	return nil
}

// ShareInputs defines the flag --input of the commands that import.
func ShareInputs(fs *flag.FlagSet, usage string) { fs.Var(new(cli.List), inputFlag, usage) }

const (
	inputFlag         = "input"
	kindsFlag         = "kinds"
	ownNetworksFlag   = "own-networks"
	attackReleaseFlag = "attack-release"
)

// SharedFlags are the names of the flags that Share defines.
var SharedFlags = []string{"config", "db", "socket", "lock-timeout", "log-level", "log-json", "role", "embedded", "correlations", "rules", kindsFlag, ownNetworksFlag, attackReleaseFlag}

// SharedText is what help says of these flags and of those of commands.
const SharedText = `You can also set every flag as TTPCRON_NAME in the environment, such as
TTPCRON_LOG_LEVEL, and most flags in the config file. A flag overrides the
environment, which overrides the file. A list is separated by commas in the
environment and is an array in the file. In the file, the flags of a command are
keys of a table with its name, such as [run-once]. ttpcron config check shows
what a file would do.`

// listFlags take several values from one variable, separated by commas, and
// from an array in the config file.
var listFlags = map[string]bool{"rules": true, inputFlag: true, kindsFlag: true, ownNetworksFlag: true, httpHostsFlag: true, "mmdb": true}

// configName is a flag's name in the config file.
func configName(flagName string) string {
	if flagName == inputFlag {
		return inputsKey
	}
	return flagName
}

const inputsKey = "inputs"

// InputsKey is the key of the inputs in the config file, and InputFlag the flag.
const (
	InputsKey = inputsKey
	InputFlag = inputFlag
)

// Roles are the roles that a host can have.
func Roles() []string { return []string{RoleStandalone, RoleMaster, RoleAgent} }

// LogLevels are the levels of the log, from the most to nothing.
func LogLevels() []string { return []string{"trace", "debug", "info", "warn", "error", "off"} }

// Given are the flags that were given on a command line, with their values.
type Given map[string][]string

// Has reports whether a flag was given.
func (g Given) Has(name string) bool { return len(g[name]) > 0 }

// Reader makes settings.
type Reader struct {
	Env map[string]string
	// Commands returns fresh flag sets of the commands that may have a table in the
	// config file, by name: its keys are their flags, and its values are tried on
	// them.
	Commands func() map[string]*flag.FlagSet
}

// Request says whose settings are wanted.
type Request struct {
	Command  string        // its name
	Flags    *flag.FlagSet // of the command, the shared ones too; those not given are filled in
	Given    Given
	Unstored bool // it works where there is no place for a store
}

// Read makes the settings of a command, and fills in those of its own flags that
// were not given. Errors are usage errors.
func (r *Reader) Read(q Request) (Settings, error) {
	file, err := r.file(q.Given)
	if err == nil {
		err = file.Err()
	}
	if err != nil {
		return Settings{}, err
	}
	l := layers{r.Env, &file, q.Given}
	if faults := l.fill(q.Flags, q.Command); len(faults) > 0 {
		return Settings{}, faults[0].asError()
	}
	s, faults := l.shared()
	if len(faults) > 0 {
		return Settings{}, faults[0].asError()
	}
	return r.placed(s, q.Unstored)
}

// placed adds the default place of the store.
func (r *Reader) placed(s Settings, unstored bool) (Settings, error) {
	if s.DB != "" {
		return s, nil
	}
	var err error
	if s.DB, err = defaultDB(r.Env, os.Geteuid()); err != nil && unstored {
		err = nil
	}
	s.DefaultDB = true
	return s, err
}

// layers are the sources of values: the first that has one wins.
type layers struct {
	env   map[string]string
	file  *File
	given Given
}

// shared makes the settings that every command has.
func (l layers) shared() (Settings, []Fault) {
	var s shared
	fs := cli.NewFlags()
	s.define(fs)
	faults := l.set(fs)
	faults = append(faults, l.fill(fs, "")...)
	for _, name := range []string{"log-level", "role", "lock-timeout"} {
		f := fs.Lookup(name)
		values, from, ofFile := l.fallback("", name)
		if l.given[name] != nil {
			from = cli.Dashed(name)
		} else if ofFile && values != nil {
			continue // a fault of the file, which is known
		}
		if err := checkShared(name, f.Value.String()); err != nil {
			faults = append(faults, Fault{Text: cli.BadValue(from, f.Value.String(), f, err)})
		}
	}
	s.Rules, s.Inputs, s.Formats = s.rules, l.given[inputFlag], l.file.formats
	if s.Inputs == nil {
		s.Inputs, _, _ = l.fallback("", inputFlag)
	}
	return s.Settings, faults
}

// named is a flag as it was set: as typed, or the variable.
func (l layers) named(flag string) string {
	if name, v := variable(l.env, flag); l.given[flag] == nil && v != "" {
		return name
	}
	return cli.Dashed(flag)
}

// set sets the flags of a set that were given.
func (l layers) set(fs *flag.FlagSet) (faults []Fault) {
	fs.VisitAll(func(f *flag.Flag) {
		for _, v := range l.given[f.Name] {
			if err := f.Value.Set(v); err != nil {
				faults = append(faults, Fault{Text: cli.BadValue(cli.Dashed(f.Name), v, f, err)})
			}
		}
	})
	return faults
}

// fill sets the remaining flags, from the environment, then from the config file. Invalid
// values in the file are faults already.
func (l layers) fill(fs *flag.FlagSet, command string) (faults []Fault) {
	fs.VisitAll(func(f *flag.Flag) {
		if l.given[f.Name] != nil || f.Name == "config" || cli.LetteredFlag(f) != "" {
			return
		}
		values, from, ofFile := l.fallback(command, f.Name)
		for _, v := range values {
			if err := f.Value.Set(v); err != nil && !ofFile {
				faults = append(faults, Fault{Text: cli.BadValue(from, v, f, err)})
				return
			}
		}
	})
	return faults
}

// fallback finds a flag's value in the environment or the config file, and says
// where, and whether that is the file.
func (l layers) fallback(command, name string) (values []string, from string, ofFile bool) {
	if variable, v := variable(l.env, name); v != "" {
		if listFlags[name] {
			return splitList(v), variable, false
		}
		return []string{v}, variable, false
	}
	if role := decnetRole(l.env); name == "role" && role != "" {
		return []string{role}, decnetMode, false
	}
	key := configName(name)
	if !slices.Contains(SharedFlags, name) && key != inputsKey {
		key = command + "." + name
	}
	return l.file.values[key], "config " + l.file.Path + ": " + key, true
}
