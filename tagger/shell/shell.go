// Package shell splits an attacker's command line into the simple commands that it runs.
//
// Start with [Parser.Parse]. It removes quotes, wrappers such as sudo and busybox,
// variables with literal values, and layers of encoding. A rule can then ask for the
// program wget, whether the text says "wget", "/bin/busybox w'g'et" or "echo
// d2dldA==|base64 -d|sh".
//
// Every text has a result. A text that is not valid shell, or too expensive to parse, is
// split tolerantly. [Limits] bounds work, memory and depth; a text that reaches a limit
// gives what was found so far.
//
// # What counts as run
//
// Nothing is executed. The package follows what a text says for certain. Where it must
// choose, it chooses so that behaviour is seen:
//
//   - All branches of if, case, && and || are reported, the body of a loop once, and the
//     body of a function where it is declared. Of several assignments to a variable, the
//     last one before its use counts, whatever branch it is in.
//   - A wrapper (sudo, env, nohup, busybox, xargs, …) is removed and listed; in
//     [Parser.Processes] it is a process. A program that runs a command given as text
//     (sh -c, eval, su -c, ssh, trap, crontab, find -exec, screen, docker exec) stays.
//     The commands in the text follow it, with the program among their wrappers.
//     Commands that ssh runs on another host are reported too, since the same person
//     runs them.
//   - Printed text counts as run if a shell reads it: through a pipe, a here-document,
//     $(…) in place of a program, sh -c or eval, or from a file that the same text
//     wrote. A file that begins with #! is parsed where it is written. Text that is only
//     decoded is a [Layer], not a command.
//   - A command that prints into a shell through "$(…)" or <(…) pipes to it, as with |.
//   - Decoded are base64, base32, hex, backslash escapes, rev, tr and sed s with literal
//     arguments, if echo, printf, cat, tee or files of the same text provide the input.
//     Compressed or encrypted data is not opened.
//   - In code for Python, Perl, awk and the like, only literal texts in calls such as
//     system("…") are used, also in a literal base64 string.
package shell

// Limits bounds the work that one text can cause. A zero field means its
// default.
type Limits struct {
	// Depth is how many layers of $(…), sh -c, eval and decoding are opened. Default 8.
	Depth int
	// Commands is how many simple commands are kept. Default 4096.
	Commands int
	// Bytes is how much text expansion and decoding may walk and produce. What
	// is left over then is kept as written. Default 1 MiB.
	Bytes int
}

// Script is what a text does. It is immutable, so it can be cached and read by many
// goroutines.
type Script struct {
	// Commands are the simple commands in the order of the text. A command
	// stands before the ones inside its own substitutions and layers.
	Commands []Command
	// Processes are the programs that the text starts, in the same order, if the
	// parser was asked to list them.
	Processes []Process
	// Decoded are the texts that decoding found.
	Decoded []Layer
	// Bounded is true when a limit was met and something may be missing.
	Bounded bool
	// Fallback is true when the text, or a layer of it, is not valid shell or
	// was too costly to parse as such, and was split tolerantly.
	Fallback bool
}

// Command is one simple command, as rules see it. Its lists share memory with those of
// other commands and must not be changed.
type Command struct {
	Program string // base name after wrappers; empty for bare assignments and redirections
	Path    string // the program as written
	Line    string // Program and Args joined by blanks
	ArgLine string // Args joined by blanks

	Args     []string // after quote removal
	Flags    []string // option names: letters of -xyz apart, and xyz; long names without value
	Operands []string // arguments that are no options

	Wrappers []string // what was removed before it, and what runs it: sudo, env, sh
	Assigns  []string // NAME=value
	Reads    []string // files read
	Writes   []string // files written
	URLs     []string // URLs and host-like targets among the arguments

	PipesTo   []string // programs later in the pipeline, or that execute its output
	PipedFrom []string // programs earlier in the pipeline
	Heredocs  []string // here-documents and here-strings given to it

	Background bool // &, nohup, setsid, disown
	Depth      int  // layers of $(…), sh -c, eval and decoding around it

	// Start and End are the bytes of the original text that the command stands
	// in. For a command of a decoded layer they are those of the command that
	// brought the layer, and Original is false.
	Start, End int
	Original   bool
}

// Layer is a decoded text.
type Layer struct {
	Text       string
	How        string // base64, base32, hex, escape (of $'…'), echo, printf, rev, tac, tr, sed
	Depth      int    // layers around it
	Start, End int    // bytes of the original text that it was found in
}
