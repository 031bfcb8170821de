package cli

import (
	"fmt"
	"strings"
)

// zsh is the script for zsh, from version 5.
func (m *completions) zsh() string {
	var b strings.Builder
	b.WriteString("#compdef ttpcron\n# Completion of ttpcron for zsh, made by: ttpcron completion zsh\n# It runs no program. Write it to a file _ttpcron in a folder of $fpath.\n\n")
	b.WriteString("_ttpcron_commands() {\n  case $1 in\n")
	for _, c := range m.commands {
		if len(c.sub) > 0 {
			fmt.Fprintf(&b, "  %s) reply=(%s) ;;\n", quoted(c.path), explained(c.sub))
		}
	}
	b.WriteString("  *) reply=() ;;\n  esac\n}\n\n_ttpcron_flags() {\n  case $1 in\n")
	for _, c := range m.commands {
		var flags []described
		for _, f := range c.flags {
			flags = append(flags, f.described)
		}
		fmt.Fprintf(&b, "  %s) reply=(%s) ;;\n", quoted(c.path), explained(flags))
	}
	b.WriteString("  esac\n}\n\n# what completes a flag, or the arguments, of a command\n_ttpcron_kind() {\n  case \"$1 $2\" in\n")
	m.kinds(func(path, flag, by string) { fmt.Fprintf(&b, "  %s) kind=%s ;;\n", quoted(path+" "+flag), by) })
	b.WriteString("  *) kind=any ;;\n  esac\n}\n\n_ttpcron_values() {\n  case $1 in\n")
	for i, list := range m.inOrder {
		fmt.Fprintf(&b, "  list%d) compadd -- %s ;;\n", i+1, quotedAll(list))
	}
	fmt.Fprintf(&b, "  topics) compadd -- %s ;;\n", quotedAll(m.topics))
	b.WriteString(zshEnd)
	return b.String()
}

// explained are words with their descriptions, as _describe takes them.
func explained(of []described) string {
	var all []string
	for _, d := range of {
		all = append(all, strings.ReplaceAll(d.name, ":", `\:`)+":"+firstWords(d.text))
	}
	return quotedAll(all)
}

const zshEnd = `  none) compadd -- true false ;;
  files) _files ;;
  dirs) _files -/ ;;
  esac
}

_ttpcron() {
  local cmd= pending= word kind literal= helping= known
  local -i args=0 i
  local -a reply
  for ((i = 2; i < CURRENT; i++)); do
    word=${(Q)words[i]}
    if [[ -n $pending ]]; then pending=; continue; fi
    if [[ -n $literal ]]; then ((args++)); continue; fi
    case $word in
    --) literal=1 ;;
    -*=*) ;;
    -?*)
      word=--${${word#-}#-}
      _ttpcron_kind "$cmd" "$word"
      [[ $kind != none ]] && pending=$word
      ;;
    *)
      if [[ $word == help && -z $cmd && $args == 0 && -z $helping ]]; then helping=1; continue; fi
      reply=() known=
      ((args == 0)) && _ttpcron_commands "$cmd"
      for kind in "${(@)reply}"; do [[ ${kind%%:*} == "$word" ]] && known=1; done
      if [[ -n $known ]]; then cmd+=" $word"; else ((args++)); fi
      ;;
    esac
  done
  word=${words[CURRENT]}
  if [[ -z $pending && -z $literal && $word == -*=* ]]; then
    pending=--${${${word%%=*}#-}#-}
    compset -P '*='
  fi
  if [[ -n $pending ]]; then
    _ttpcron_kind "$cmd" "$pending"
    _ttpcron_values "$kind"
  elif [[ -z $literal && $word == -* ]]; then
    _ttpcron_flags "$cmd"
    _describe -t flags flag reply
  else
    reply=()
    ((args == 0)) && _ttpcron_commands "$cmd"
    ((${#reply})) && _describe -t commands command reply
    [[ -n $helping && -z $cmd ]] && _ttpcron_values topics
    _ttpcron_kind "$cmd" ""
    [[ -z $helping ]] && _ttpcron_values "$kind"
  fi
  return 0
}

if [[ ${funcstack[1]} == _ttpcron ]]; then _ttpcron "$@"; else compdef _ttpcron ttpcron; fi
`
