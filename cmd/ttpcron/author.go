package main

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"
	"unicode"

	"github.com/ttpcron/ttpcron/control"
)

// author names who calls the program: the user, the process, and who became that
// user. A daemon takes nothing of it on trust, see daemon.author.
func (a *app) author() string { return authorOf(os.Getuid(), os.Getpid(), a.env["SUDO_USER"]) }

// author names who made a call, by what the kernel says of it. Who became root by
// sudo only the command knows; it is believed of those alone who could write into
// the store anyhow.
func (d *daemon) author(ctx context.Context, stated string) string {
	p, ok := control.PeerOf(ctx)
	if !ok {
		return "unknown"
	}
	_, sudo, _ := strings.Cut(strings.TrimSuffix(stated, ")"), sudoBy)
	if p.UID != 0 && p.UID != os.Geteuid() {
		sudo = ""
	}
	return authorOf(p.UID, p.PID, sudo)
}

const sudoBy = ", sudo by "

// authorOf is such as "ann (uid 1000, process 4711)".
func authorOf(uid, pid int, sudo string) string {
	id := strconv.Itoa(uid)
	name := "somebody"
	if u, err := user.LookupId(id); err == nil {
		name = u.Username
	}
	if sudo == name || !plainName(sudo) {
		sudo = ""
	}
	if sudo != "" {
		sudo = sudoBy + sudo
	}
	return fmt.Sprintf("%s (uid %d, process %d%s)", name, uid, pid, sudo)
}

// plainName reports whether a text can be taken for the name of a user, and for
// nothing else beside it.
func plainName(text string) bool {
	return len(text) <= 64 && !strings.ContainsFunc(text, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("._-+$@\\", r)
	})
}
