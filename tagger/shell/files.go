package shell

import (
	"strings"
	"unicode/utf8"
)

// fileUse says which of a program's arguments are files that it reads or
// writes.
type fileUse struct {
	valued string // short options that take a value
	long   string // long options that take their value as the next argument, each between blanks
	skip   int    // operands before the files (a pattern, a script, a mode)
	given  string // short options that stand for the skipped operand
	reads  bool   // the operands are read
	writes bool   // the operands are written
	last   bool   // only the last operand is written; those before it are read
	readBy string // options whose value is a file read
	out    string // options whose value is a file written, each between blanks, with dashes
}

// uses are the programs whose file operands are known. The options are those of the GNU
// tools, curl, wget and OpenSSL.
var uses = map[string]fileUse{
	"cat":      {reads: true},
	"tac":      {reads: true, valued: "s"},
	"nl":       {reads: true, valued: "bdfhilnsvw"},
	"zcat":     {reads: true},
	"head":     {reads: true, valued: "nc", long: " lines bytes "},
	"tail":     {reads: true, valued: "ncs", long: " lines bytes pid sleep-interval "},
	"more":     {reads: true},
	"less":     {reads: true},
	"grep":     {reads: true, valued: "efABCmdD", skip: 1, given: "ef", long: " regexp file context max-count "},
	"egrep":    {reads: true, valued: "efABCmdD", skip: 1, given: "ef"},
	"fgrep":    {reads: true, valued: "efABCmdD", skip: 1, given: "ef"},
	"zgrep":    {reads: true, valued: "efABCmdD", skip: 1, given: "ef"},
	"rg":       {reads: true, valued: "efABCmgt", skip: 1, given: "ef"},
	"awk":      {reads: true, valued: "Ffv", skip: 1, given: "f"},
	"gawk":     {reads: true, valued: "Ffv", skip: 1, given: "f"},
	"mawk":     {reads: true, valued: "Ffv", skip: 1, given: "f"},
	"nawk":     {reads: true, valued: "Ffv", skip: 1, given: "f"},
	"sed":      {reads: true, valued: "efl", skip: 1, given: "ef", long: " expression file "},
	"cut":      {reads: true, valued: "bcdf", long: " delimiter fields bytes characters "},
	"sort":     {reads: true, valued: "koStT", out: " -o --output "},
	"uniq":     {reads: true, valued: "fsw"},
	"wc":       {reads: true},
	"diff":     {reads: true, valued: "uUC"},
	"rev":      {reads: true},
	"strings":  {reads: true, valued: "nteU"},
	"xxd":      {reads: true, valued: "lscgo"},
	"od":       {reads: true, valued: "AtNjwS"},
	"hexdump":  {reads: true, valued: "ensf"},
	"base64":   {reads: true, valued: "w", long: " wrap "},
	"base32":   {reads: true, valued: "w", long: " wrap "},
	"source":   {reads: true},
	".":        {reads: true},
	"tee":      {writes: true},
	"touch":    {writes: true, valued: "drt", long: " date reference time "},
	"truncate": {writes: true, valued: "sr", long: " size reference "},
	"cp":       {last: true, reads: true, valued: "tS", long: " suffix ", out: " -t --target-directory "},
	"mv":       {last: true, valued: "tS", long: " suffix ", out: " -t --target-directory "},
	"ln":       {last: true, valued: "tS", long: " suffix ", out: " -t --target-directory "},
	"install":  {last: true, reads: true, valued: "tSmog", long: " suffix mode owner group ", out: " -t --target-directory "},
	"scp":      {last: true, reads: true, valued: "cDFiJloPSX"},
	"wget":     {valued: "OPoatTQwUieBDIXlYA", out: " -O -P --output-document --directory-prefix ", readBy: " -i --input-file --post-file "},
	"curl":     {valued: "oTdFHuAbcXxeEmrKCtUwyYzQP", out: " -o --output --create-file ", readBy: " -T --upload-file -K --config "},
	"openssl":  {out: " -out ", readBy: " -in "},
	"gcc":      {out: " -o "},
	"cc":       {out: " -o "},
}

// filesOf fills the files that a command reads and writes.
func (b *build) filesOf(c *call, d *draft) {
	plain := len(c.redirs) == 0 && len(c.at.reads) == 0 && len(c.at.writes) == 0
	use, known := uses[d.Program]
	if plain && !known && d.Program != "dd" {
		return
	}
	from := len(b.strs)
	b.strs = append(b.strs, c.at.reads...)
	for i := range c.redirs {
		if r := &c.redirs[i]; r.op.reads() && r.target.text != "" {
			b.strs = append(b.strs, r.target.text)
		}
	}
	inPlace := d.Program == "sed" && sedInPlace(d.Args)
	if known {
		b.walkFiles(d, &use, !inPlace && (use.reads || use.readBy != ""), false)
	} else if d.Program == "dd" {
		b.ddOperands(d, "if=")
	}
	d.Reads = b.strs[from:len(b.strs):len(b.strs)]

	from = len(b.strs)
	b.strs = append(b.strs, c.at.writes...)
	for i := range c.redirs {
		r := &c.redirs[i]
		if r.target.text != "" && (r.op.writes() || r.op == dupOp && !isDigits(r.target.text) && r.target.text != "-") {
			b.strs = append(b.strs, r.target.text)
		}
	}
	if known {
		if inPlace {
			use.writes = true
		}
		b.walkFiles(d, &use, false, use.writes || use.last || use.out != "")
	} else if d.Program == "dd" {
		b.ddOperands(d, "of=")
	}
	d.Writes = b.strs[from:len(b.strs):len(b.strs)]
}

func (b *build) ddOperands(d *draft, prefix string) {
	for _, a := range d.Args {
		if name, ok := strings.CutPrefix(a, prefix); ok && name != "" {
			b.strs = append(b.strs, name)
		}
	}
}

func sedInPlace(args []string) bool {
	for _, a := range args {
		if strings.HasPrefix(a, "-i") || strings.HasPrefix(a, "--in-place") || strings.HasPrefix(a, "-ni") || strings.HasPrefix(a, "-ri") || strings.HasPrefix(a, "-Ei") {
			return true
		}
	}
	return false
}

// walkFiles appends the files among the arguments that are read or written.
func (b *build) walkFiles(d *draft, use *fileUse, reads, writes bool) {
	skip := use.skip
	if skip > 0 {
		for _, a := range d.Args {
			if isShort(a) && strings.ContainsAny(a[1:2], use.given) || strings.HasPrefix(a, "--regexp") || strings.HasPrefix(a, "--expression") {
				skip = 0
			}
		}
	}
	operands := 0
	total := countOperands(d.Args, use)
	if d.Program == "scp" && total == 1 && len(d.Operands) == 1 { // the far end: scp -t writes, scp -f reads
		if writes && d.Args[0] == "-t" || reads && d.Args[0] == "-f" {
			b.strs = append(b.strs, d.Operands[0])
		}
		return
	}
	ended := false
	for i := 0; i < len(d.Args); i++ {
		a := d.Args[i]
		if !ended && a == "--" {
			ended = true
			continue
		}
		if !ended && len(a) > 1 && a[0] == '-' {
			option, value, next := use.split(a)
			if next && i+1 < len(d.Args) {
				i++
				value = d.Args[i]
			}
			if value == "" || value == "-" {
				continue
			}
			if writes && use.out != "" && listed(use.out, option) {
				b.strs = append(b.strs, value)
			}
			if reads && (use.readBy != "" && listed(use.readBy, option) || d.Program == "curl" && curlReads(option, &value)) {
				b.strs = append(b.strs, value)
			}
			continue
		}
		operands++
		switch {
		case operands <= skip || a == "-":
		case use.last:
			if isLast := operands == total && total > 1; isLast && writes || !isLast && reads && use.reads {
				b.strs = append(b.strs, a)
			}
		case reads && use.reads || writes && use.writes:
			b.strs = append(b.strs, a)
		}
	}
}

func isShort(a string) bool { return len(a) > 1 && a[0] == '-' && a[1] != '-' }

func countOperands(args []string, use *fileUse) int {
	n := 0
	ended := false
	for i := 0; i < len(args); i++ {
		a := args[i]
		switch {
		case !ended && a == "--":
			ended = true
		case ended || len(a) < 2 || a[0] != '-':
			n++
		default:
			if _, _, next := use.split(a); next {
				i++
			}
		}
	}
	return n
}

// split returns the option of an argument with its dashes, its attached value,
// and whether the value is the next argument. In a cluster of short options the
// last one counts.
func (u *fileUse) split(a string) (option, value string, next bool) {
	if strings.HasPrefix(a, "--") || len(a) > 2 && u.names(a) {
		name, value, attached := strings.Cut(a, "=")
		if attached {
			return name, value, false
		}
		bare := strings.TrimLeft(name, "-")
		return name, "", listed(u.long, bare) || u.names(name)
	}
	for i := 1; i < len(a); i++ {
		if strings.IndexByte(u.valued, a[i]) >= 0 || u.hasLetter(a[i]) {
			return dashed(a[i]), a[i+1:], i == len(a)-1
		}
	}
	return a[:2], "", false
}

// names reports whether the value of the option, written with its dashes, is a
// file.
func (u *fileUse) names(option string) bool {
	return listed(u.out, option) || listed(u.readBy, option)
}

// hasLetter is names for -c.
func (u *fileUse) hasLetter(c byte) bool {
	return c < utf8.RuneSelf && u.names(dashed(c))
}

// dashed returns the option of one letter, or a dash if it is not a letter.
func dashed(c byte) string {
	if c >= utf8.RuneSelf {
		return "-"
	}
	return letterOptions[2*int(c) : 2*int(c)+2]
}

// letterOptions are the options of every byte of ASCII, one after the other.
var letterOptions = func() string {
	var all [2 * utf8.RuneSelf]byte
	for c := range utf8.RuneSelf {
		all[2*c], all[2*c+1] = '-', byte(c)
	}
	return string(all[:])
}()

// listed reports whether a blank-separated list has a name.
func listed(list, name string) bool {
	if name == "" || len(name)+2 > len(list) {
		return false
	}
	for from := 0; ; {
		i := strings.Index(list[from:], name)
		if i < 0 {
			return false
		}
		i += from
		if end := i + len(name); i > 0 && list[i-1] == ' ' && end < len(list) && list[end] == ' ' {
			return true
		}
		from = i + 1
	}
}

// curlReads reports whether the value of a curl option names a file to send,
// and reduces it to the name.
func curlReads(option string, value *string) bool {
	switch option {
	case "-d", "--data", "--data-binary", "--data-ascii", "--json":
		name, ok := strings.CutPrefix(*value, "@")
		*value = name
		return ok && name != ""
	case "-F", "--form":
		_, name, ok := strings.Cut(*value, "=@")
		name, _, _ = strings.Cut(name, ";")
		*value = name
		return ok && name != ""
	}
	return false
}
