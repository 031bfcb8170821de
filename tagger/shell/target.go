package shell

import (
	"slices"
	"strings"
)

// targets fills the URLs and host-like targets among the arguments.
func (b *build) targets(d *draft) {
	from := len(b.strs)
	for _, a := range d.Args {
		b.urlsIn(a)
	}
	for _, a := range d.Assigns {
		if b.lists.spend(len(d.Args)) && !slices.Contains(d.Args, a) { // as in export
			b.urlsIn(a)
		}
	}
	switch d.Program {
	case "scp", "sftp", "rsync", "ssh":
		for _, a := range d.Operands {
			if remote(a) {
				b.strs = append(b.strs, a)
			}
		}
	case "wget", "curl":
		b.bareHosts(d)
	}
	d.URLs = b.strs[from:len(b.strs):len(b.strs)]
}

// urlsIn appends every scheme://… in an argument, without the quotes and
// brackets around it.
func (b *build) urlsIn(a string) {
	for n := 0; n < 64; n++ {
		i := strings.Index(a, "://")
		if i < 0 {
			return
		}
		start := i
		for start > 0 && (isAlnum(a[start-1]) || strings.IndexByte("+-.", a[start-1]) >= 0) {
			start--
		}
		for start < i && (a[start] < 'A' || a[start] > 'z') { // a scheme begins with a letter
			start++
		}
		end := i + 3
		for end < len(a) && a[end] > ' ' && strings.IndexByte("\"'`<>|;)\\", a[end]) < 0 {
			end++
		}
		if start < i && end > i+3 {
			b.strs = append(b.strs, a[start:end])
		}
		a = a[end:]
	}
}

// remote reports whether an operand has the form [user@]host:path of scp, or
// user@host.
func remote(a string) bool {
	host, _, path := strings.Cut(a, ":")
	user, name, at := strings.Cut(host, "@")
	if at {
		return user != "" && hostLike(name)
	}
	return path && len(host) > 1 && hostLike(host)
}

// hostLike reports whether s could be a host name or an IPv4 address.
func hostLike(s string) bool {
	for i := range len(s) {
		if !isAlnum(s[i]) && s[i] != '.' && s[i] != '-' && s[i] != '_' {
			return false
		}
	}
	return s != "" && s[0] != '.' && s[0] != '-'
}

// bareHosts appends the operands of wget and curl that name a host without a
// scheme.
func (b *build) bareHosts(d *draft) {
	use := uses[d.Program]
	for i := 0; i < len(d.Args); i++ {
		a := d.Args[i]
		if len(a) > 1 && a[0] == '-' {
			if _, _, next := use.split(a); next {
				i++
			}
			continue
		}
		host := a
		if n := strings.IndexAny(a, ":/?"); n >= 0 {
			host = a[:n]
		}
		if strings.Contains(host, ".") && hostLike(host) && !strings.Contains(a, "://") {
			b.strs = append(b.strs, a)
		}
	}
}
