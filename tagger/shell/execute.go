package shell

import "strings"

// execute applies a command to what is known: the layers that it opens and the text that
// it prints. It returns the latter.
func (b *build) execute(c *call) stream {
	name := b.cmds[c.index].Program
	if c.words[0].sub != nil { // what it prints is run
		b.feed(c, &c.words[0], "sh")
	}
	if isShell(name) {
		return b.runShell(c, name)
	}
	if name == "$SHELL" || name == "${SHELL}" {
		return b.runShell(c, "sh")
	}
	switch name {
	case "eval":
		return b.eval(c)
	case "source", ".":
		return b.runFile(c, name)
	case "su", "script", "flock", "runuser", "sg":
		return b.dashC(c, name)
	case "ssh":
		return b.remoteCommand(c)
	case "watch":
		return b.layer(c, b.operands(c.words[1:], "n"), name)
	case "trap":
		if len(c.words) > 2 && c.words[1].text != "-" {
			b.layer(c, c.words[1].stream(), name)
		}
	case "find":
		b.findExec(c)
		return stream{}
	case "screen", "tmux":
		b.multiplexer(c, name)
		return stream{}
	case "docker", "podman", "nerdctl", "crictl", "kubectl", "oc", "lxc", "incus", "ip":
		b.container(c, name)
		return stream{}
	case "at", "batch":
		if c.in.text != "" {
			b.layer(c, c.in, name)
		}
	case "crontab":
		b.crontab(c)
	case "read":
		b.readVariable(c)
	case "unset":
		for _, w := range c.words[1:] {
			delete(b.vars, w.text)
		}
	case "cd", "true", ":", "set", "export", "declare", "local", "readonly", "typeset", "umask", "shopt", "alias", "sleep", "mkdir", "chmod":
	default:
		if isInterpreter(name) {
			b.interpreted(c, name)
			return stream{}
		}
		if out, ok := b.prints(c, name); ok {
			return out
		}
		b.feedProcesses(c, name)
		return b.runWritten(c)
	}
	return stream{known: true}
}

// stream returns a word as something to be parsed or printed.
func (w *word) stream() stream { return stream{text: w.text, known: w.known, substs: w.substs} }

// feed records that the command executes the output of the substitutions in a word.
func (b *build) feed(c *call, w *word, program string) {
	if w.sub == nil {
		return
	}
	w.sub.feeds = program
	d := &b.cmds[c.index]
	if len(d.fed) < maxNeighbours {
		d.fed = append(d.fed, w.sub)
	}
}

// feedProcesses does what feed does for the process substitutions among the
// arguments and redirections of a command, and for its here-strings.
func (b *build) feedProcesses(c *call, program string) {
	for i := range c.words {
		if w := &c.words[i]; strings.HasPrefix(w.text, "<(") {
			b.feed(c, w, program)
		}
	}
	for i := range c.redirs {
		if w := &c.redirs[i].target; strings.HasPrefix(w.text, "<(") || c.redirs[i].op == herestringOp {
			b.feed(c, w, program)
		}
	}
}

func isShell(name string) bool {
	switch name {
	case "sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "rbash", "fish", "csh", "tcsh", "hush":
		return true
	}
	return false
}

// runShell parses what a shell is given to run: the text after -c, a file that the script
// has written, or its standard input.
func (b *build) runShell(c *call, name string) stream {
	b.feedProcesses(c, name)
	args := c.words[1:]
	command := false
	for len(args) > 0 {
		a := args[0].text
		if len(a) < 2 || a[0] != '-' && a[0] != '+' {
			break
		}
		args = args[1:]
		if strings.HasPrefix(a, "--") {
			if (a == "--rcfile" || a == "--init-file") && len(args) > 0 {
				args = args[1:]
			}
			continue
		}
		if a[0] == '-' && strings.Contains(a, "c") {
			command = true
		}
		if strings.HasSuffix(a, "o") && !command && len(args) > 0 {
			args = args[1:]
		}
		if strings.HasSuffix(a, "s") && !command {
			args = nil
		}
	}
	if command {
		if len(args) == 0 {
			return stream{}
		}
		b.feed(c, &args[0], name)
		return b.layerOf(c, args[0].stream(), name, false)
	}
	if len(args) > 0 && args[0].text != "-" && args[0].text != "/dev/stdin" {
		return b.layer(c, b.files[fileKey(args[0].text)], name)
	}
	return b.layer(c, c.in, name)
}

func (b *build) eval(c *call) stream {
	for i := range c.words[1:] {
		b.feed(c, &c.words[1+i], "eval")
	}
	return b.layer(c, b.joinWords(c.words[1:]), "eval")
}

// operands joins the words after the options.
func (b *build) operands(words []word, valued string) stream {
	for len(words) > 0 && isShort(words[0].text) {
		last := words[0].text[len(words[0].text)-1]
		words = words[1:]
		if strings.IndexByte(valued, last) >= 0 && len(words) > 0 {
			words = words[1:]
		}
	}
	return b.joinWords(words)
}

func (b *build) joinWords(words []word) stream {
	out, _ := b.text.joinWords(words, "")
	return out
}

// runFile parses a file that the script has written, for source and dot.
func (b *build) runFile(c *call, name string) stream {
	b.feedProcesses(c, name)
	if len(c.words) < 2 {
		return stream{}
	}
	return b.layer(c, b.files[fileKey(c.words[1].text)], name)
}

// runWritten parses the program itself, when it is a file that the script has
// written.
func (b *build) runWritten(c *call) stream {
	path := c.words[0].text
	if len(b.files) == 0 || strings.IndexByte(path, '/') < 0 {
		return stream{}
	}
	return b.layer(c, b.files[fileKey(path)], "")
}

// dashC parses the command that su, script and flock take after -c.
func (b *build) dashC(c *call, name string) stream {
	for i := 1; i < len(c.words); i++ {
		a := c.words[i].text
		if text, ok := strings.CutPrefix(a, "--command="); ok {
			return b.layer(c, stream{text: text, known: c.words[i].known, substs: c.words[i].substs}, name)
		}
		if (a == "--command" || isShort(a) && a[len(a)-1] == 'c') && i+1 < len(c.words) {
			b.feed(c, &c.words[i+1], name)
			return b.layer(c, c.words[i+1].stream(), name)
		}
	}
	return stream{}
}

// remoteCommand parses the command that ssh runs on another host: it is the
// same person's doing.
func (b *build) remoteCommand(c *call) stream {
	words := c.words[1:]
	for len(words) > 0 && isShort(words[0].text) {
		a := words[0].text
		words = words[1:]
		if strings.IndexByte("BbcDEeFIiJLlmOoPpQRSWw", a[1]) >= 0 && len(a) == 2 && len(words) > 0 {
			words = words[1:]
		}
	}
	if len(words) < 2 {
		if len(words) == 1 && c.in.text != "" {
			return b.layer(c, c.in, "ssh")
		}
		return stream{}
	}
	return b.layer(c, b.joinWords(words[1:]), "ssh")
}

// nested reports a command that another one runs with the given words.
func (b *build) nested(c *call, words []word, wrapper string, background bool) {
	if len(words) == 0 {
		return
	}
	if c.at.nested >= 4 || !b.text.spend(joinedLen(words)) {
		b.bounded = true
		return
	}
	at := c.at.inner()
	at.nested++
	at.process = c.process
	at.wrappers = addWrappers(addWrappers(at.wrappers, c.wrappers...), wrapper)
	at.background = at.background || background
	if index := b.reserve(); index >= 0 {
		b.call(&call{src: c.src, at: at, words: words, start: c.start, end: c.end, first: -1, index: index})
	}
}

// findExec reports the commands after -exec and its like.
func (b *build) findExec(c *call) {
	for i := 1; i < len(c.words); i++ {
		switch c.words[i].text {
		case "-exec", "-execdir", "-ok", "-okdir":
		default:
			continue
		}
		end := i + 1
		for end < len(c.words) && c.words[end].text != ";" && c.words[end].text != "+" {
			end++
		}
		b.nested(c, c.words[i+1:end:end], "find", false)
		i = end
	}
}

// multiplexer reports the command that screen -dm or tmux new -d starts.
func (b *build) multiplexer(c *call, name string) {
	words := c.words[1:]
	valued := "cehpSstTL"
	if name == "tmux" {
		if len(words) == 0 || words[0].text != "new" && words[0].text != "new-session" {
			return
		}
		words, valued = words[1:], "cFnstxye"
	}
	detached := false
	for len(words) > 0 && isShort(words[0].text) {
		a := words[0].text
		words = words[1:]
		detached = detached || strings.Contains(a, "d")
		if strings.IndexByte(valued, a[len(a)-1]) >= 0 && len(words) > 0 {
			words = words[1:]
		}
	}
	if len(words) == 1 && strings.ContainsAny(words[0].text, " ;|&") {
		b.layer(c, words[0].stream(), name)
		return
	}
	b.nested(c, words, name, detached)
}

// crontab parses the commands of the table that crontab reads from its input or
// from a file that the script has written.
func (b *build) crontab(c *call) {
	table := c.in
	for _, w := range c.words[1:] {
		if w.text == "-l" || w.text == "-r" || w.text == "-e" {
			return
		}
		if text, ok := b.files[fileKey(w.text)]; ok {
			table = text
		}
	}
	if !b.text.spend(len(table.text)) {
		return
	}
	out := writer{m: &b.text}
	for line := range strings.Lines(table.text) {
		if command := cronCommand(line); command != "" {
			out.add(command)
			out.addByte('\n')
		}
	}
	table.text = out.text.String()
	b.layer(c, table, "crontab")
}

// cronCommand returns the command in a crontab line.
func cronCommand(line string) string {
	line = strings.TrimSpace(line)
	fields := 5
	switch {
	case line == "" || line[0] == '#':
		return ""
	case line[0] == '@':
		fields = 1
	case line[0] != '*' && (line[0] < '0' || line[0] > '9'):
		return ""
	}
	for range fields {
		n := strings.IndexAny(line, " \t")
		if n < 0 {
			return ""
		}
		line = strings.TrimLeft(line[n:], " \t")
	}
	return line
}

// readVariable assigns what read reads, when that is known.
func (b *build) readVariable(c *call) {
	names := c.words[1:]
	for len(names) > 0 && isShort(names[0].text) {
		names = names[1:]
	}
	if len(names) == 0 || !b.text.spend(len(c.in.text)) {
		return
	}
	line, _, _ := strings.Cut(c.in.text, "\n")
	for _, w := range names {
		if isName(w.text) {
			b.assign(w.text, word{text: line, known: c.in.known && len(names) == 1})
		}
	}
}
