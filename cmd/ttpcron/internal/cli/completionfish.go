package cli

import (
	"fmt"
	"strings"
)

// fish is the script for fish, from version 3.
func (m *completions) fish() string {
	var b strings.Builder
	b.WriteString("# Completion of ttpcron for fish, made by: ttpcron completion fish\n# It runs no program. Write it to ~/.config/fish/completions/ttpcron.fish.\n\n")
	b.WriteString("function __ttpcron_commands\n    switch \"$argv[1]\"\n")
	for _, c := range m.commands {
		if len(c.sub) > 0 {
			fmt.Fprintf(&b, "        case %s\n            printf '%%s\\t%%s\\n' %s\n", fishQuoted(c.path), fishExplained(c.sub))
		}
	}
	b.WriteString("    end\nend\n\nfunction __ttpcron_flags\n    switch \"$argv[1]\"\n")
	for _, c := range m.commands {
		var flags []described
		for _, f := range c.flags {
			flags = append(flags, f.described)
		}
		fmt.Fprintf(&b, "        case %s\n            printf '%%s\\t%%s\\n' %s\n", fishQuoted(c.path), fishExplained(flags))
	}
	b.WriteString("    end\nend\n\n# what completes a flag, or the arguments, of a command\nfunction __ttpcron_kind\n    switch \"$argv[1] $argv[2]\"\n")
	m.kinds(func(path, flag, by string) {
		fmt.Fprintf(&b, "        case %s\n            echo %s\n", fishQuoted(path+" "+flag), by)
	})
	b.WriteString("        case '*'\n            echo any\n    end\nend\n\nfunction __ttpcron_values\n    switch $argv[1]\n")
	for i, list := range m.inOrder {
		fmt.Fprintf(&b, "        case list%d\n            printf '%%s\\n' %s\n", i+1, fishQuotedAll(list))
	}
	fmt.Fprintf(&b, "        case topics\n            printf '%%s\\n' %s\n", fishQuotedAll(m.topics))
	b.WriteString(fishEnd)
	return b.String()
}

// fishQuoted is a word in the quotes of fish, where a backslash is one too.
func fishQuoted(word string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(word) + "'"
}

func fishQuotedAll(words []string) string {
	var all []string
	for _, w := range words {
		all = append(all, fishQuoted(w))
	}
	return strings.Join(all, " ")
}

func fishExplained(of []described) string {
	var all []string
	for _, d := range of {
		all = append(all, d.name, firstWords(d.text))
	}
	return fishQuotedAll(all)
}

const fishEnd = `        case none
            printf '%s\n' true false
        case files
            __fish_complete_path $argv[2]
        case dirs
            __fish_complete_directories $argv[2] ''
    end
end

function __ttpcron_complete
    set -l words (commandline -opc)
    set -l cur (commandline -ct)
    set -l cmd ''
    set -l pending ''
    set -l literal ''
    set -l helping ''
    set -l args 0
    for word in $words[2..-1]
        if test -n "$pending"
            set pending ''
        else if test -n "$literal"
            set args (math $args + 1)
        else if test "$word" = --
            set literal 1
        else if string match -qr -- '^-.*=' "$word"
            continue
        else if string match -qr -- '^-.' "$word"
            set -l name --(string replace -r -- '^--?' '' "$word")
            test (__ttpcron_kind "$cmd" "$name") = none; or set pending $name
        else if test "$word" = help -a -z "$cmd" -a $args = 0 -a -z "$helping"
            set helping 1
        else if test $args = 0; and contains -- "$word" (__ttpcron_commands "$cmd" | string replace -r '\t.*' '')
            set cmd "$cmd $word"
        else
            set args (math $args + 1)
        end
    end
    if test -n "$pending"
        __ttpcron_values (__ttpcron_kind "$cmd" "$pending") "$cur"
    else if test -z "$literal"; and string match -qr -- '^-.*=' "$cur"
        set -l name (string replace -r '=.*' '' -- "$cur")
        set -l value (string replace -r '^[^=]*=' '' -- "$cur")
        for word in (__ttpcron_values (__ttpcron_kind "$cmd" --(string replace -r -- '^--?' '' "$name")) "$value")
            printf '%s\n' "$name=$word"
        end
    else if test -z "$literal"; and string match -q -- '-*' "$cur"
        __ttpcron_flags "$cmd"
    else
        test $args = 0; and __ttpcron_commands "$cmd"
        test -n "$helping" -a -z "$cmd"; and __ttpcron_values topics
        test -z "$helping"; and __ttpcron_values (__ttpcron_kind "$cmd" '') "$cur"
    end
end

complete -c ttpcron -f -a '(__ttpcron_complete)'
`
