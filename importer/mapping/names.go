package mapping

import "strings"

// names says which members of an object are used. The dots of a name are steps into nested
// objects. At each step, a member whose own name is the whole rest, dots included, counts too.
type names struct {
	root  node
	count int
	at    map[string]int // the slot of each name
}

// node is a place in an object on the way to members that are used.
type node struct {
	slot int // of the value itself, from 1; 0: it is not used
	sub  map[string]*node
}

// maxNames bounds the names of a mapping.
const maxNames = 256

// slotOf returns where the value of a name will be, and makes room for it.
func (n *names) slotOf(name string) int {
	if slot, ok := n.at[name]; ok {
		return slot
	}
	if n.at == nil {
		n.at = map[string]int{}
	}
	n.count++
	n.at[name] = n.count
	at := &n.root
	for rest, more := name, true; more; {
		at.child(rest).slot = n.count
		var part string
		part, rest, more = strings.Cut(rest, ".")
		at = at.child(part)
	}
	return n.count
}

func (n *node) child(name string) *node {
	if n.sub == nil {
		n.sub = map[string]*node{}
	}
	if n.sub[name] == nil {
		n.sub[name] = &node{}
	}
	return n.sub[name]
}

// place is where a value is found: in the element of the list that an event is made from,
// else in the record.
type place struct {
	name            string
	element, record int // slots; 0: not there
}
