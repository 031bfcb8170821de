package carried

import "strings"

// programs are the programs with which attackers' commands begin, and what must follow each.
var programs = func() map[string]shape {
	m := map[string]shape{}
	for _, s := range []struct {
		is    shape
		names string
	}{
		{alone, "id whoami uname ls pwd ifconfig ipconfig netstat hostname ps env dir set reboot printenv lscpu systeminfo tasklist"},
		{anything, "echo printf ping ping6 nslookup dig killall pkill touch sleep expr ver nohup sudo busybox toybox export unset"},
		{typical, `cat cd chmod chown rm mkdir mv cp kill head tail grep egrep find awk sed tee ln tar unzip gunzip
			base64 xxd dd wget curl tftp ftpget ftp scp rsync axel aria2c lynx sh bash ash dash zsh ksh csh python python2 python3 perl php ruby lua node
			nc ncat netcat socat telnet telnetd powershell powershell.exe pwsh cmd cmd.exe ip ss mount iptables crontab useradd usermod adduser passwd
			systemctl service chattr mknod mkfifo openssl certutil certutil.exe bitsadmin mshta regsvr32 rundll32 net wmic type strings od stat xargs
			eval source exec command env setsid time traceroute host whereis which w who last df free lsblk du docker kubectl insmod ulimit`},
	} {
		for _, name := range strings.Fields(s.names) {
			if _, ok := m[name]; !ok {
				m[name] = s.is
			}
		}
	}
	return m
}()

// shape is what must follow a program for a text to look like a command.
type shape uint8

const (
	noProgram shape = iota
	alone           // nothing, or typical arguments
	anything        // any argument
	typical         // an option, path, address, number, variable, quote
)

// firstWord returns the program that a text begins with, without quotes and its folder, and
// what follows. Wrappers and assignments before it are left out.
func firstWord(s string) (word, rest string) {
	for range 4 {
		s = strings.TrimLeft(s, " \t\r\n({!")
		word, rest = cutWord(s)
		name, _, assigned := strings.Cut(word, "=")
		switch {
		case assigned && name != "" && strings.Trim(name, nameBytes) == "":
		case baseOf(word) == "busybox" || word == "sudo" || word == "nohup" || word == "exec" || word == "command" || word == "time" || word == "setsid" || word == "then" || word == "do" || word == "if":
			if inner, _ := cutWord(strings.TrimLeft(blanks(rest), " \t")); inner == "" || inner[0] == '-' {
				return baseOf(word), rest
			}
		default:
			return baseOf(word), rest
		}
		s = blanks(rest)
	}
	return baseOf(word), rest
}

const nameBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

// blanks replaces the variable that stands for a blank at the beginning of a text.
func blanks(s string) string {
	for _, v := range [...]string{"${IFS}", "$IFS$9", "$IFS"} {
		if rest, ok := strings.CutPrefix(s, v); ok {
			return " " + rest
		}
	}
	return s
}

// maxWord is how long the name of a program may be.
const maxWord = 128

// cutWord returns the first word without its quotes.
func cutWord(s string) (word, rest string) {
	var b []byte
	i := 0
loop:
	for ; i < len(s) && i < maxWord; i++ {
		switch c := s[i]; c {
		case ' ', '\t', '\r', '\n', ';', '|', '&', '<', '>', '(', ')', '`', '}', '{', ',':
			break loop
		case '$':
			if strings.HasPrefix(s[i:], "$IFS") || strings.HasPrefix(s[i:], "${IFS}") {
				break loop
			}
			if b != nil {
				b = append(b, c)
			}
		case '\'', '"', '\\':
			if b == nil {
				b = append(make([]byte, 0, 32), s[:i]...)
			}
		default:
			if b != nil {
				b = append(b, c)
			}
		}
	}
	if b == nil {
		return s[:i], s[i:]
	}
	return string(b), s[i:]
}

func baseOf(word string) string { return word[strings.LastIndexByte(word, '/')+1:] }

// isProgram reports whether a word is a program that attackers run.
func isProgram(word string) bool {
	return programs[baseOf(word)] != noProgram || strings.HasPrefix(word, "/bin/") || strings.HasPrefix(word, "/usr/bin/") || strings.HasPrefix(word, "/tmp/")
}

// beginsProgram reports whether a text begins with a program, whatever follows.
func beginsProgram(s string) bool {
	word, _ := firstWord(s)
	if programs[word] != noProgram {
		return true
	}
	full, _ := cutWord(strings.TrimLeft(s, " \t\r\n"))
	return isPath(full)
}

// isPath reports whether a word is the path of a program.
func isPath(word string) bool {
	for _, folder := range [...]string{"/bin/", "/usr/", "/sbin/", "/tmp/", "/var/", "/dev/shm/", "/opt/", "./"} {
		if strings.HasPrefix(word, folder) && len(word) > len(folder) {
			return true
		}
	}
	return false
}

// maxLooked is how much of a text decides whether it looks like a command.
const maxLooked = 512

// likely reports whether a text begins with a program, followed by what could be its
// arguments.
func likely(s string) bool {
	s = s[:min(len(s), maxLooked)]
	if unmistakable(s) {
		return true
	}
	word, rest := firstWord(s)
	switch programs[word] {
	case anything:
		return argument(rest) != "" || ends(rest) && word == "busybox"
	case alone:
		return ends(rest) || isTypical(argument(rest))
	case typical:
		return isTypical(argument(rest))
	}
	return false
}

// ends reports whether a command ends where s begins.
func ends(s string) bool {
	s = strings.TrimLeft(s, " \t\r")
	return s == "" || strings.IndexByte(";|&)`\n>#'\"}", s[0]) >= 0
}

// argument returns the first argument of a command, or "" if it has none.
func argument(rest string) string {
	s := blanks(rest)
	if s == "" || s[0] != ' ' && s[0] != '\t' && s[0] != '<' && s[0] != '>' && s[0] != ',' {
		return ""
	}
	if s[0] == '<' || s[0] == '>' {
		return s
	}
	s = strings.TrimLeft(s, " \t,")
	end := strings.IndexAny(s, " \t\r\n;|&)`")
	if end < 0 {
		end = len(s)
	}
	return s[:end]
}

// isTypical reports whether an argument looks like one, and not like a word of a sentence.
func isTypical(arg string) bool {
	if arg == "" {
		return false
	}
	switch c := arg[0]; {
	case c == '-' && len(arg) > 1 && arg[1] != ' ', c == '/', c == '~', c == '$', c == '*', c == '<', c == '>', c == '+':
		return len(arg) > 1 || c == '/' || c == '*'
	case c >= '0' && c <= '9':
		return strings.Trim(arg, "0123456789./:-") == ""
	case c == '.':
		return len(arg) > 1 && (arg[1] == '/' || arg[1] == '.')
	case c == '"' || c == '\'':
		return len(arg) > 1
	}
	return strings.ContainsAny(arg, "/=*$") || strings.Contains(arg[:len(arg)-1], ".")
}

// unmistakable reports whether a text is a shell command wherever it stands.
func unmistakable(s string) bool {
	s = s[:min(len(s), maxLooked)]
	word, rest := firstWord(s)
	full, _ := cutWord(strings.TrimLeft(s, " \t\r\n({!"))
	rooted := strings.HasPrefix(full, "/")
	arg := argument(rest)
	switch word {
	case "wget", "curl", "tftp", "ftpget", "axel", "aria2c", "lynx", "certutil", "certutil.exe", "bitsadmin", "scp", "ftp", "fetch":
		return isFetched(rest)
	case "sh", "bash", "ash", "dash", "zsh", "ksh", "busybox":
		return strings.HasPrefix(arg, "-c") || strings.HasPrefix(arg, "-i") || rooted && (isTypical(arg) || programs[arg] != noProgram) || isPath(arg)
	case "python", "python2", "python3", "perl", "php", "ruby", "node", "lua":
		return (strings.HasPrefix(arg, "-c") || strings.HasPrefix(arg, "-e") || strings.HasPrefix(arg, "-r")) || rooted && isTypical(arg)
	case "nc", "ncat", "netcat", "telnet", "socat":
		return isTypical(arg) && (strings.HasPrefix(arg, "-") || strings.ContainsAny(arg, ".:"))
	case "powershell", "powershell.exe", "pwsh":
		return strings.HasPrefix(arg, "-")
	case "cmd", "cmd.exe":
		return strings.EqualFold(arg, "/c")
	case "cd":
		if !isFolder(arg) {
			return false
		}
		i := strings.IndexAny(rest, ";&|\n")
		return i >= 0 && strings.Trim(rest[i:], ";&|\n ") != ""
	case "rm":
		return strings.HasPrefix(arg, "-") && strings.ContainsAny(arg, "rf") && strings.ContainsAny(rest, "/*;&")
	case "chmod":
		return isTypical(arg) && strings.TrimLeft(arg, "0123456789+-xrwugoas") == "" && len(rest) > len(arg)+2
	case "cat", "head", "tail", "ls", "more", "strings":
		return strings.Contains(rest, "/etc/") || strings.Contains(rest, "/proc/") || rooted && isTypical(arg)
	case "echo", "printf":
		i := strings.IndexByte(rest, '|')
		return i >= 0 && (likely(rest[i+1:]) || isInterpreter(rest[i+1:])) || strings.Contains(rest, ">/") || strings.Contains(rest, "> /") || strings.Contains(rest, `\x`)
	case "crontab", "base64", "iptables", "useradd", "chattr", "mkfifo", "insmod", "killall", "pkill", "kill":
		return isTypical(arg) && strings.HasPrefix(arg, "-")
	}
	return rooted && programs[word] != noProgram && (isTypical(arg) || strings.HasPrefix(full, "/bin/") && arg != "")
}

func isInterpreter(s string) bool {
	word, rest := firstWord(s)
	switch word {
	case "sh", "bash", "ash", "dash", "zsh", "ksh", "python", "python3", "perl", "php":
		return ends(rest)
	}
	return false
}

// isFolder reports whether an argument is a folder that an attacker would change to.
func isFolder(arg string) bool {
	return arg != "" && (arg[0] == '/' || arg[0] == '~' || strings.HasPrefix(arg, "..") || strings.HasPrefix(arg, "$"))
}

// isFetched reports whether the arguments of a download tool say where to download from.
func isFetched(rest string) bool {
	end := strings.IndexAny(rest, ";|\n`")
	if end >= 0 {
		rest = rest[:end]
	}
	if argument(rest) == "" {
		return false
	}
	for i, word := range strings.Fields(separators.Replace(rest)) {
		if word = strings.Trim(word, `'"`); strings.Contains(word, "://") || isHost(word) {
			return true
		}
		if i == 16 {
			break
		}
	}
	return false
}

// isHost reports whether a word is an IPv4 address or a name with a path behind it.
func isHost(word string) bool {
	host, path, slash := strings.Cut(word, "/")
	host, _, _ = strings.Cut(host, ":")
	if strings.Count(host, ".") == 3 && strings.Trim(host, "0123456789.") == "" {
		return true
	}
	return slash && path != "" && len(host) > 3 && strings.Contains(host[1:len(host)-1], ".") && host[0] != '-' && host[0] != '.'
}

// isCommandName reports whether a parameter of that name is a command, as those of web
// shells and diagnostic pages are.
func isCommandName(name string) bool {
	if name == "" || len(name) > 64 {
		return false
	}
	switch name = strings.ToLower(name); name {
	case "exec", "execute", "run", "shell", "system", "cli", "cmdline", "commandline", "commands", "c", "cmds", "utilcmdargs", "arg", "args", "ipcmd":
		return true
	}
	return strings.HasSuffix(name, "cmd") || strings.HasSuffix(name, "command") || strings.HasSuffix(name, "[cmd]") || strings.HasSuffix(name, "command[]")
}

// isFreeText reports whether people write sentences into a parameter of that name.
func isFreeText(name string) bool {
	switch strings.ToLower(name) {
	case "q", "s", "p", "query", "search", "keyword", "keywords", "term", "terms", "text", "title", "subject", "comment", "comments", "content", "contents", "message", "msg",
		"description", "desc", "body", "note", "notes", "summary", "excerpt", "post_content", "post_title", "post_excerpt", "markdown", "html", "name", "label", "question", "answer", "review", "bio", "about", "caption", "searchterm", "search_query", "wd", "log", "password", "pwd", "pass", "user", "username":
		return true
	}
	return false
}
