package host

import (
	"fmt"
	"os/user"
	"strconv"
	"strings"
	"unicode"
)

// SudoBy stands before the name of the user who called sudo, in what AuthorOf
// returns.
const SudoBy = ", sudo by "

// AuthorOf names who did something by user, process and who called sudo, such as "ann (uid 1000, process 4711)".
func AuthorOf(uid, pid int, sudo string) string {
	id := strconv.Itoa(uid)
	name := "somebody"
	if u, err := user.LookupId(id); err == nil {
		name = u.Username
	}
	if sudo == name || !plainName(sudo) {
		sudo = ""
	}
	if sudo != "" {
		sudo = SudoBy + sudo
	}
	return fmt.Sprintf("%s (uid %d, process %d%s)", name, uid, pid, sudo)
}

// plainName reports whether a text can be a user's name, and nothing else.
func plainName(text string) bool {
	return len(text) <= 64 && !strings.ContainsFunc(text, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("._-+$@\\", r)
	})
}
