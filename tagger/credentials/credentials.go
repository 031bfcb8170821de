// Package credentials knows the logins that products ship with. [Find] returns the
// product whose first login is a given user name and password.
//
// The list is defaults.tsv, which says what belongs in it: facts about products, not
// passwords that are often tried.
package credentials

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
)

// Class is the kind of a default login.
type Class string

// The classes.
const (
	Device Class = "device" // of a factory, which people hardly ever type
	System Class = "system" // of a system or an appliance, which administrators use
	Guess  Class = "guess"  // of some products, and everybody's first guess
)

// Classes lists the classes.
func Classes() []Class { return []Class{Device, System, Guess} }

// Default is a login that a product ships with.
type Default struct {
	Class   Class
	Product string
}

type login struct{ username, password string }

//go:embed defaults.tsv
var list string

// Digest changes whenever the list does.
func Digest() string {
	sum := sha256.Sum256([]byte(list))
	return hex.EncodeToString(sum[:8])
}

var defaults = sync.OnceValue(func() map[login]Default {
	found, err := read(list)
	if err != nil {
		panic(err) // the list is part of the program
	}
	return found
})

// Find returns what is known about a login. As in a real system, case matters.
func Find(username, password string) (Default, bool) {
	d, ok := defaults()[login{username, password}]
	return d, ok
}

func read(list string) (map[login]Default, error) {
	found := map[login]Default{}
	for i, line := range strings.Split(strings.TrimSuffix(list, "\n"), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		columns := strings.Split(line, "\t")
		if len(columns) != 4 || columns[1] == "" || columns[3] == "" {
			return nil, fmt.Errorf("defaults.tsv:%d: want class, user name, password and product", i+1)
		}
		class, by := Class(columns[0]), login{columns[1], columns[2]}
		if class != Device && class != System && class != Guess {
			return nil, fmt.Errorf("defaults.tsv:%d: unknown class %q", i+1, class)
		}
		if _, twice := found[by]; twice {
			return nil, fmt.Errorf("defaults.tsv:%d: %s/%s is there twice", i+1, by.username, by.password)
		}
		found[by] = Default{class, columns[3]}
	}
	return found, nil
}
