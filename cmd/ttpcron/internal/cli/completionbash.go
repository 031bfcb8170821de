package cli

import (
	"fmt"
	"strings"
)

// bash is the script for bash, from version 4.
func (m *completions) bash() string {
	var b strings.Builder
	b.WriteString("# Completion of ttpcron for bash, made by: ttpcron completion bash\n# It runs no program. Write it to /usr/share/bash-completion/completions/ttpcron.\n\n")
	b.WriteString("_ttpcron_commands() {\n  case $1 in\n")
	for _, c := range m.commands {
		if len(c.sub) > 0 {
			fmt.Fprintf(&b, "  %s) _ttpcron_add %s ;;\n", quoted(c.path), names(c.sub))
		}
	}
	b.WriteString("  esac\n}\n\n_ttpcron_flags() {\n  case $1 in\n")
	for _, c := range m.commands {
		var flags []described
		for _, f := range c.flags {
			flags = append(flags, f.described)
		}
		fmt.Fprintf(&b, "  %s) _ttpcron_add %s ;;\n", quoted(c.path), names(flags))
	}
	b.WriteString("  esac\n}\n\n# what completes a flag, or the arguments, of a command\n_ttpcron_kind() {\n  case \"$1 $2\" in\n")
	m.kinds(func(path, flag, by string) { fmt.Fprintf(&b, "  %s) kind=%s ;;\n", quoted(path+" "+flag), by) })
	b.WriteString("  *) kind=any ;;\n  esac\n}\n\n_ttpcron_values() {\n  case $1 in\n")
	for i, list := range m.inOrder {
		fmt.Fprintf(&b, "  list%d) _ttpcron_add %s ;;\n", i+1, quotedAll(list))
	}
	fmt.Fprintf(&b, "  topics) _ttpcron_add %s ;;\n", quotedAll(m.topics))
	b.WriteString(bashEnd)
	return b.String()
}

// quoted is a word that no shell does anything with.
func quoted(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }

func quotedAll(words []string) string {
	all := make([]string, len(words))
	for i, w := range words {
		all[i] = quoted(w)
	}
	return strings.Join(all, " ")
}

func names(of []described) string {
	var all []string
	for _, d := range of {
		all = append(all, d.name)
	}
	return quotedAll(all)
}

const bashEnd = `  none) _ttpcron_add true false ;;
  files) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
  dirs) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
  esac
}

# adds the words that begin with what is typed
_ttpcron_add() {
  local word
  for word in "$@"; do
    [[ $word == "$cur"* ]] || continue
    printf -v word %q "$word"
    COMPREPLY+=("$word")
  done
}

_ttpcron() {
  local cur=${COMP_WORDS[COMP_CWORD]} cmd= last= pending= word kind literal= helping= i args=0 known
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if [[ $word == '=' && -n $last ]]; then pending=$last; continue; fi
    last=
    if [[ -n $pending ]]; then pending=; continue; fi
    if [[ -n $literal ]]; then ((args++)); continue; fi
    case $word in
    --) literal=1 ;;
    -?*)
      last=--${word##-}; [[ $word == --* ]] && last=$word
      _ttpcron_kind "$cmd" "$last"
      [[ $kind != none ]] && pending=$last
      ;;
    *)
      if [[ $word == help && -z $cmd && $args == 0 && -z $helping ]]; then helping=1; continue; fi
      local keep=$cur; cur= COMPREPLY=()
      ((args == 0)) && _ttpcron_commands "$cmd"
      cur=$keep known=
      for kind in "${COMPREPLY[@]}"; do [[ $kind == "$word" ]] && known=1; done
      COMPREPLY=()
      if [[ -n $known ]]; then cmd+=" $word"; else ((args++)); fi
      ;;
    esac
  done
  if [[ $cur == '=' && -n $last ]]; then pending=$last cur=; fi
  if [[ -n $pending ]]; then
    _ttpcron_kind "$cmd" "$pending"
    _ttpcron_values "$kind"
  elif [[ -z $literal && $cur == -* ]]; then
    _ttpcron_flags "$cmd"
  else
    ((args == 0)) && _ttpcron_commands "$cmd"
    [[ -n $helping && -z $cmd ]] && _ttpcron_values topics
    _ttpcron_kind "$cmd" ""
    [[ -z $helping ]] && _ttpcron_values "$kind"
  fi
  return 0
}

complete -F _ttpcron ttpcron
`
