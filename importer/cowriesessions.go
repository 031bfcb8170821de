package importer

import (
	"hash/maphash"
	"math/bits"
)

// What a record says may need another one of its session: sensors of 2015 wrote the
// attacker's address only when the session began, and those of 2016 no record of type
// cowrie.command.input.

// cowrieSession is what is known of a session from the records that were read. It has
// no pointers, so that it holds on to nothing.
type cowrieSession struct {
	address   [46]byte
	length    uint8  // of address; 0: not known
	connected bool   // the record of its beginning was read
	input     bool   // a cowrie.command.input of it was read
	stdin     uint64 // of the last text that a program read
	attempted uint64 // of the last command that an exploit came with
}

// cowrieSessions knows the sessions that were in use last: at least
// maxCowrieSessions of them, at most twice as many.
type cowrieSessions struct {
	seed       maphash.Seed
	young, old map[uint64]cowrieSession
	input      uint64 // the last session that was found to have one
}

const maxCowrieSessions = 8192

// key names a session; 0 is none.
func (c *cowrieSessions) key(session, sensor string) uint64 {
	if session == "" {
		return 0
	}
	return c.hash(session, sensor)
}

func (c *cowrieSessions) hash(a, b string) uint64 {
	return maphash.String(c.seed, a) ^ bits.RotateLeft64(maphash.String(c.seed, b), 23) | 1
}

// find returns what is known of a session.
func (c *cowrieSessions) find(key uint64) cowrieSession {
	s, ok := c.young[key]
	if !ok {
		if s, ok = c.old[key]; ok {
			c.put(key, s)
		}
	}
	return s
}

// put keeps what is known of a session.
func (c *cowrieSessions) put(key uint64, s cowrieSession) {
	if key == 0 {
		return
	}
	if len(c.young) >= maxCowrieSessions {
		c.old, c.young = c.young, nil
	}
	if c.young == nil {
		c.young = map[uint64]cowrieSession{}
	}
	c.young[key] = s
	if c.input == key {
		c.input = 0
	}
}

// begins notes that the record of a session's beginning was read.
func (c *cowrieSessions) begins(key uint64, address string) {
	s := cowrieSession{connected: true}
	if len(address) <= len(s.address) {
		s.length = uint8(copy(s.address[:], address))
	}
	c.put(key, s)
}

// hasInput notes that a cowrie.command.input of a session was read.
func (c *cowrieSessions) hasInput(key uint64) {
	if key == c.input {
		return
	}
	if s := c.find(key); !s.input {
		s.input = true
		c.put(key, s)
	}
	c.input = key
}

// reads notes that a program read a text. It is false for a record that repeats what
// the one before it in the session says.
func (c *cowrieSessions) reads(key uint64, text string, program []byte, repeats bool) bool {
	s, sum := c.find(key), c.hash(text, string(program))
	if repeats && s.stdin == sum {
		return false
	}
	s.stdin = sum
	c.put(key, s)
	return true
}

// attempts notes that an exploit came with a command. It is false when the exploit
// before it in the session came with the same: one record says that it was tried, and
// another that it worked.
func (c *cowrieSessions) attempts(key uint64, command string) bool {
	s, sum := c.find(key), c.hash(command, "")
	if s.attempted == sum {
		return false
	}
	s.attempted = sum
	c.put(key, s)
	return true
}

// continues makes the sessions of an earlier file known.
func (p *cowrieParser) continues(from recordParser) { p.sessions = from.(*cowrieParser).sessions }
