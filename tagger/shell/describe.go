package shell

import "strings"

// describe fills the fields of a command from its words and redirections.
func (b *build) describe(c *call) {
	room, need := cap(b.strs)-len(b.strs), 3*len(c.words) // arguments, operands, files
	if len(b.strs) > strsKept/2 && room < strsKept/8 || need > strsKept/8 && room < need {
		b.strs = make([]string, 0, max(strsKept, need)) // what was filled belongs to commands
	}
	d := &b.cmds[c.index]
	d.place = c.at
	d.Depth = c.at.depth
	d.Background = c.background || c.at.background
	d.Start, d.End = c.src.span(c.start, c.end)
	d.Original = c.src.original
	d.Assigns = c.assigns
	d.Wrappers = addWrappers(c.at.wrappers, c.wrappers...)
	if len(c.words) > 0 {
		b.line(c, d)
		b.options(c, d)
	}
	b.filesOf(c, d)
	b.targets(d)
	for i := range c.redirs {
		if text, ok := c.redirs[i].given(); ok && text.text != "" {
			d.Heredocs = append(d.Heredocs, strings.TrimSuffix(text.text, "\n"))
		}
	}
}

// line sets the program, the arguments and the normalised line. If the source has the line
// literally, it is not copied.
func (b *build) line(c *call, d *draft) {
	d.Path = c.words[0].text
	d.Program = c.words[0].name()
	from := len(b.strs)
	size := len(d.Program)
	for _, w := range c.words[1:] {
		b.strs = append(b.strs, w.text)
		size += 1 + len(w.text)
	}
	d.Args = b.strs[from:len(b.strs):len(b.strs)]
	if d.Line = verbatim(c, d.Args, size, d.Program); d.Line == "" {
		var ok bool
		if d.Line, ok = b.copies.line(d.Program, d.Args, size); !ok {
			d.Line = d.Program
			return
		}
	}
	if len(d.Args) > 0 {
		d.ArgLine = d.Line[len(d.Program)+1:]
	}
}

// verbatim returns the source's own text when it is the normalised line, or
// nothing.
func verbatim(c *call, args []string, size int, program string) string {
	from := c.first + c.shift + len(c.words[0].text) - len(program)
	if from < 0 || from+size > len(c.src.text) {
		return ""
	}
	line := c.src.text[from : from+size]
	if !strings.HasPrefix(line, program) {
		return ""
	}
	at := len(program)
	for _, a := range args {
		if line[at] != ' ' || line[at+1:at+1+len(a)] != a {
			return ""
		}
		at += 1 + len(a)
	}
	return line
}

// options fills the flags and operands.
func (b *build) options(c *call, d *draft) {
	flags := 0
	for _, a := range d.Args {
		if len(a) > 1 && a[0] == '-' {
			flags++
		}
	}
	if flags == 0 {
		d.Operands = d.Args
		if len(d.Args) > 0 && d.Program == "tar" {
			d.Flags = b.letters(d.Args[0], "")
		}
		return
	}
	from := len(b.strs)
	ended := false
	for _, a := range d.Args {
		switch {
		case !ended && a == "--":
			ended = true
		case ended || len(a) < 2 || a[0] != '-':
			b.strs = append(b.strs, a)
		}
	}
	d.Operands = b.strs[from:len(b.strs):len(b.strs)]
	from = len(b.strs)
	for _, a := range d.Args {
		if a == "--" {
			break
		}
		if len(a) > 1 && a[0] == '-' && len(b.strs)-from < maxFlags {
			b.flag(a[1:], attached[d.Program])
		}
	}
	d.Flags = b.strs[from:len(b.strs):len(b.strs)]
}

// maxFlags bounds the flags kept of one command.
const maxFlags = 64

// attached has, for common programs, the letters whose value may follow without a blank:
// curl -XPOST has the option X, not P, O, S and T.
var attached = map[string]string{
	"curl": "ACDEFHKPQTUXYbcdemortuwxyz",
	"wget": "ABDIOPQRTUXaeilotw",
	"ssh":  "BDEFIJLOPQRSWbceilmopw",
	"scp":  "DFJPSXcilo",
	"sftp": "BDFJPRSXbcilos",
}

// letters returns the leading letters of an argument, each by itself, up to the
// first that takes what follows it as its value.
func (b *build) letters(arg, valued string) []string {
	from := len(b.strs)
	for i := 0; i < len(arg) && i < 16 && isAlnum(arg[i]); i++ {
		b.strs = append(b.strs, arg[i:i+1])
		if strings.IndexByte(valued, arg[i]) >= 0 {
			break
		}
	}
	return b.strs[from:len(b.strs):len(b.strs)]
}

// flag adds the names of an option, which is given without its first dash; valued are the
// letters that may have an attached value.
func (b *build) flag(s, valued string) {
	if s[0] == '-' {
		if name := flagName(s[1:]); name != "" {
			b.strs = append(b.strs, name)
		}
		return
	}
	b.letters(s, valued)
	if name := flagName(s); len(name) > 1 && name[len(name)-1] != '-' && (len(name) == len(s) || s[len(name)] == '=') {
		b.strs = append(b.strs, name)
	}
}

// flagName returns the name at the start of a long option.
func flagName(s string) string {
	n := 0
	for n < len(s) && n < 64 && (isAlnum(s[n]) || n > 0 && (s[n] == '-' || s[n] == '_')) {
		n++
	}
	return s[:n]
}
