package shell

import "strings"

// wrapper says how to find the command that a program runs in its own
// arguments.
type wrapper struct {
	valued  string // short options that take a value
	long    string // long options that take a value as the next argument, each between blanks
	stops   string // short options with which it runs no command
	skip    int    // operands before the command
	assigns bool   // NAME=value may stand before the command
	behind  bool   // it puts the command into the background
	applets bool   // it holds many programs, the first argument names one: an option means none
	splits  bool   // -S takes a text that holds the command
	forks   bool   // the command is a child of it, and does not take its place
	builtin bool   // the shell does what it does: there is no process
}

// wrappers are the programs that are removed in front of a command. The options are those
// in the manuals of GNU, util-linux, sudo 1.9, OpenDoas and BusyBox.
var wrappers = map[string]wrapper{
	"sudo": {valued: "CDghpRrTtUu", long: " user group host prompt chdir chroot role type other-user close-from command-timeout ",
		stops: "elvVK", assigns: true, forks: true},
	"doas":             {valued: "Cu", stops: "L", assigns: true, forks: true},
	"pkexec":           {long: " user "},
	"runuser":          {valued: "ugGsT", long: " user group supp-group shell ", stops: "cl", forks: true},
	"su-exec":          {skip: 1},
	"gosu":             {skip: 1},
	"setpriv":          {},
	"env":              {valued: "uCS", long: " unset chdir ", assigns: true, splits: true},
	"nohup":            {behind: true},
	"setsid":           {behind: true},
	"nice":             {valued: "n", long: " adjustment "},
	"ionice":           {valued: "cnt", stops: "pPu"},
	"chrt":             {valued: "TPD", stops: "pm", skip: 1},
	"taskset":          {stops: "p", skip: 1},
	"timeout":          {valued: "sk", long: " signal kill-after ", skip: 1, forks: true},
	"stdbuf":           {valued: "ioe", long: " input output error "},
	"time":             {valued: "fo", long: " format output ", forks: true},
	"exec":             {valued: "a", builtin: true},
	"command":          {stops: "vV", builtin: true},
	"builtin":          {builtin: true},
	"busybox":          {applets: true},
	"toybox":           {applets: true},
	"xargs":            {valued: "adEILnPs", long: " arg-file delimiter max-args max-lines max-procs max-chars ", forks: true},
	"watch":            {valued: "n", long: " interval ", forks: true},
	"unshare":          {valued: "RwSGl", long: " root wd setuid setgid propagation map-user map-group "},
	"nsenter":          {valued: "tSG", long: " target setuid setgid "},
	"chroot":           {skip: 1},
	"flock":            {valued: "wE", long: " timeout wait conflict-exit-code ", stops: "c", skip: 1, forks: true},
	"fakeroot":         {valued: "slib", forks: true},
	"setarch":          {skip: 1},
	"linux32":          {},
	"linux64":          {},
	"torsocks":         {},
	"torify":           {},
	"tsocks":           {},
	"proxychains":      {valued: "f"},
	"proxychains4":     {valued: "f"},
	"systemd-run":      {valued: "pHMuE", long: " property host machine unit setenv uid gid nice on-active on-boot on-calendar description slice ", forks: true},
	"dbus-run-session": {forks: true},
	"ltrace":           {valued: "aADeFlnopsuwx", stops: "p", forks: true},
	"strace":           {valued: "abeEIoOPsSuX", stops: "p", forks: true},
}

// unwrap removes wrappers from the front of the command's words and records
// them. A wrapper without a command stays: it is the program.
func (b *build) unwrap(c *call) {
	b.enclosing = b.enclosing[:0]
	for n := 0; n < 16 && len(c.words) > 1; n++ {
		name := c.words[0].name()
		w, ok := wrappers[name]
		if !ok {
			return
		}
		rest, ok := w.strip(&b.text, c, c.words[1:])
		if !ok || len(rest) == 0 {
			return
		}
		if name == "watch" && strings.IndexByte(rest[0].text, ' ') > 0 {
			return // a text for sh -c
		}
		c.wrappers = append(c.wrappers, name)
		c.background = c.background || w.behind
		if b.listing {
			b.enclosing = append(b.enclosing, enclosing{c.words, w.forks, w.builtin})
		}
		c.words = rest
	}
}

// strip returns the command among a wrapper's arguments.
func (w *wrapper) strip(m *budget, c *call, args []word) ([]word, bool) {
	assigns := len(c.assigns)
	skip := w.skip
	for len(args) > 0 {
		arg := args[0].text
		switch {
		case arg == "--":
			args = args[1:]
			if w.assigns {
				args = c.takeAssigns(args)
			}
			if len(args) > skip {
				return args[skip:], true
			}
			c.assigns = c.assigns[:assigns]
			return nil, false
		case len(arg) > 1 && arg[0] == '-' && !w.applets:
			n, stop := w.option(arg)
			if stop || n > len(args) {
				c.assigns = c.assigns[:assigns]
				return nil, false
			}
			if w.splits && (arg == "-S" || arg == "--split-string") {
				return m.splitString(args[1:]), true
			}
			args = args[n:]
		case w.applets:
			return args, arg[0:min(1, len(arg))] != "-"
		case w.assigns && assignment(arg) > 0:
			args = c.takeAssigns(args)
		case skip > 0:
			skip--
			args = args[1:]
		default:
			return args, true
		}
	}
	c.assigns = c.assigns[:assigns]
	return nil, false
}

// option returns how many arguments an option takes, and whether the program runs no
// command if it is given.
func (w *wrapper) option(arg string) (n int, stop bool) {
	if strings.HasPrefix(arg, "--") {
		name := arg[2:]
		if name == "list" || name == "version" || name == "help" || name == "edit" || name == "validate" {
			return 1, true
		}
		if name != "" && listed(w.long, name) {
			return 2, false
		}
		return 1, false
	}
	for i := 1; i < len(arg); i++ {
		if strings.IndexByte(w.stops, arg[i]) >= 0 {
			return 1, true
		}
		if strings.IndexByte(w.valued, arg[i]) >= 0 {
			if i == len(arg)-1 {
				return 2, false
			}
			return 1, false
		}
	}
	return 1, false
}

// takeAssigns moves leading NAME=value words to the assignments.
func (c *call) takeAssigns(args []word) []word {
	for len(args) > 0 && assignment(args[0].text) > 0 {
		c.assigns = append(c.assigns, args[0].text)
		args = args[1:]
	}
	return args
}

// splitString is what env -S does to its argument, roughly.
func (m *budget) splitString(args []word) []word {
	if len(args) == 0 {
		return nil
	}
	var out []word
	for f := range strings.FieldsSeq(args[0].text) {
		if !m.spend(wordCost) {
			break
		}
		out = append(out, word{text: m.unquote(f), known: args[0].known})
	}
	return append(out, args[1:]...)
}
