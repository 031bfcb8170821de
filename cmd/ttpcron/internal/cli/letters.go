package cli

import "flag"

// Letter gives a flag a second name of one letter: -o for --output. It is one flag all
// the same: help shows it once, and it is one key of the config file.
func Letter(fs *flag.FlagSet, letter, name string) {
	f := fs.Lookup(name)
	fs.Var(&lettered{f.Value, name}, letter, f.Usage)
}

// LetteredFlag returns the name of the flag of which one is the letter, empty for a flag
// that is one by itself.
func LetteredFlag(f *flag.Flag) string {
	if l, ok := f.Value.(*lettered); ok {
		return l.name
	}
	return ""
}

// lettered is the value of a flag under its letter.
type lettered struct {
	flag.Value
	name string
}

// IsBoolFlag reports whether the flag needs no value.
func (l *lettered) IsBoolFlag() bool { return isBool(l.Value) }

func isBool(v flag.Value) bool {
	b, ok := v.(interface{ IsBoolFlag() bool })
	return ok && b.IsBoolFlag()
}

// letters are the letters of flags, by their names.
func letters(fs *flag.FlagSet) map[string]string {
	by := map[string]string{}
	fs.VisitAll(func(f *flag.Flag) {
		if name := LetteredFlag(f); name != "" {
			by[name] = f.Name
		}
	})
	return by
}
