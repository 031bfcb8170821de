package main

import (
	"flag"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
)

// settings are the flags that every command has. Flags win over TTPCRON_*
// variables, and those over the config file.
type settings struct {
	config      string
	db          string
	socket      string
	lockTimeout time.Duration
	logLevel    string
	logJSON     bool
	role        string
	embedded    bool
	rules       list
	inputs      list
}

// The roles of a host. DECNET calls the host that keeps the tags its master.
const (
	roleStandalone = "standalone"
	roleMaster     = "master"
	roleAgent      = "agent"
)

// decnetMode is the variable with which DECNET says what a host is to it.
const decnetMode = "DECNET_MODE"

// decnetRole is the role that DECNET's own variable gives a host, empty for none.
// DECNET takes whatever is not an agent for a master; here a value that means
// nothing leaves the word to the config file.
func decnetRole(env map[string]string) string {
	switch mode := strings.ToLower(strings.TrimSpace(env[decnetMode])); mode {
	case roleAgent, roleMaster:
		return mode
	}
	return ""
}

// list is a flag that can be given more than once.
type list []string

func (l *list) String() string     { return strings.Join(*l, ",") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

// share defines the shared flags in a command's flag set.
func (a *app) share(fs *flag.FlagSet) {
	s := &a.set
	fs.StringVar(&s.config, "config", s.config, "`FILE` with settings in TOML (default "+systemConfig+", else $XDG_CONFIG_HOME/ttpcron/ttpcron.toml)")
	fs.StringVar(&s.db, "db", s.db, "`FILE` that holds the store")
	fs.StringVar(&s.socket, "socket", s.socket, "`FILE` where a daemon that has the store answers (default: that of the store with .sock, else "+systemSocket+")")
	fs.DurationVar(&s.lockTimeout, "lock-timeout", 5*time.Second, "wait `DURATION` for a store that another process holds")
	fs.StringVar(&s.logLevel, "log-level", "info", "`LEVEL`: trace, debug, info, warn, error or off")
	fs.BoolVar(&s.logJSON, "log-json", false, "log as JSON lines")
	fs.StringVar(&s.role, "role", roleStandalone, "`ROLE` of this host: standalone, master or agent; tags are not made on an agent")
	fs.BoolVar(&s.embedded, "embedded", true, "use the embedded pack of rules; --embedded=false for those of --rules alone")
	fs.Var(&s.rules, "rules", "`DIR` with rule files, over the embedded pack; can be repeated")
}

// sharedFlags are the flags that share defines.
var sharedFlags = []string{"config", "db", "socket", "lock-timeout", "log-level", "log-json", "role", "embedded", "rules"}

// listFlags take several values from one variable, separated by commas, and
// from an array in the config file.
var listFlags = map[string]bool{"rules": true, "input": true}

// configName is what a flag is called in the config file.
func configName(flagName string) string {
	if flagName == "input" {
		return "inputs"
	}
	return flagName
}

// layer fills in, for a command that is about to run, what its flags did not
// say: from the environment, then from the config file.
func (a *app) layer(c *command) error {
	given := map[string]bool{}
	for fs := c.fs; fs != nil; fs = a.byFlags[fs].group {
		fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	}
	conf, err := a.readConfig()
	if err != nil {
		return err
	}
	c.fs.VisitAll(func(f *flag.Flag) {
		if err != nil || given[f.Name] || f.Name == "config" {
			return
		}
		values, from := a.fallback(c, f.Name, conf)
		for _, v := range values {
			if serr := f.Value.Set(v); serr != nil {
				if a.lenient {
					continue // config check tries all values
				}
				err = usagef("%s: %q is not a value for %s", from, v, f.Name)
				return
			}
			given[f.Name] = true
		}
	})
	if err != nil {
		return err
	}
	if a.set.inputs == nil {
		a.set.inputs, _ = a.fallback(c, "input", conf)
	}
	if a.set.db == "" {
		if a.set.db, err = defaultDB(a.env, os.Geteuid()); err != nil && !c.unstored {
			return err
		}
	}
	return a.settle()
}

// fallback finds a flag's value in the environment or the config file, and
// says where.
func (a *app) fallback(c *command, name string, conf configured) (values []string, from string) {
	variable := "TTPCRON_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
	if v := a.env[variable]; v != "" {
		if listFlags[name] {
			return strings.Split(v, ","), variable
		}
		return []string{v}, variable
	}
	if role := decnetRole(a.env); name == "role" && role != "" {
		return []string{role}, decnetMode
	}
	key := configName(name)
	if !slices.Contains(sharedFlags, name) && key != "inputs" {
		key = c.name + "." + name
	}
	return conf.values[key], "config " + conf.path + ": " + key
}

// settle checks the shared settings and starts the log.
func (a *app) settle() error {
	for _, f := range []struct{ name, value string }{{"log-level", a.set.logLevel}, {"role", a.set.role}, {"lock-timeout", a.set.lockTimeout.String()}} {
		if err := checkShared(f.name, f.value); err != nil && !a.lenient {
			return usagef("%s is %q, %v", f.name, f.value, err)
		}
	}
	level := hclog.LevelFromString(a.set.logLevel)
	var out io.Writer = a.stderr
	if !a.set.logJSON && isJournal(a.stderr.w, a.env["JOURNAL_STREAM"]) {
		out = journal{a.stderr}
	}
	out = visibleLog{out, a.set.logJSON}
	a.log = hclog.New(&hclog.LoggerOptions{
		Name: "ttpcron", Level: level, Output: out, JSONFormat: a.set.logJSON,
		DisableTime: a.env["JOURNAL_STREAM"] != "",
	})
	return nil
}
