package importer

import "github.com/ttpcron/ttpcron/importer/recent"

// A record may need an earlier one of its session: in 2015 sensors wrote the attacker's
// address only at the beginning of the session, and in 2016 they had no record of type
// cowrie.command.input.

// cowrieSession is what the records read so far say about a session. It has no pointers,
// so it keeps no other memory alive.
type cowrieSession struct {
	address   [46]byte
	length    uint8  // of address; 0: not known
	connected bool   // the record of its beginning was read
	input     bool   // a cowrie.command.input of it was read
	stdin     uint64 // of the last text that a program read
	attempted uint64 // of the last command that an exploit came with
}

// cowrieSessions has the sessions that were used last, by a key of their names. Key 0 is
// no session.
type cowrieSessions struct {
	recent.Map[uint64, cowrieSession]
	hash  recent.Hash
	input uint64 // the last session that was found to have one
}

func (c *cowrieSessions) key(session, sensor string) uint64 {
	if session == "" {
		return 0
	}
	return c.hash.Key(session, sensor)
}

// find returns what is known about a session.
func (c *cowrieSessions) find(key uint64) cowrieSession {
	s, _ := c.Get(key)
	return s
}

// put stores what is known about a session.
func (c *cowrieSessions) put(key uint64, s cowrieSession) {
	if key == 0 {
		return
	}
	c.Put(key, s)
	if c.input == key {
		c.input = 0
	}
}

// begins records that the beginning of a session was read.
func (c *cowrieSessions) begins(key uint64, address string) {
	s := cowrieSession{connected: true}
	if len(address) <= len(s.address) {
		s.length = uint8(copy(s.address[:], address))
	}
	c.put(key, s)
}

// hasInput records that a session has a cowrie.command.input.
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

// repeats reports whether the session's last record had the same text read by a program.
func (c *cowrieSessions) repeats(key uint64, text string, program []byte) bool {
	return c.find(key).stdin == c.hash.Key(text, string(program))
}

// reads records that a program read a text.
func (c *cowrieSessions) reads(key uint64, text string, program []byte) {
	s := c.find(key)
	s.stdin = c.hash.Key(text, string(program))
	c.put(key, s)
}

// tried reports whether the session's previous exploit had the same command: one record
// says that it was tried, another that it worked.
func (c *cowrieSessions) tried(key uint64, command string) bool {
	return c.find(key).attempted == c.hash.Key(command, "")
}

// tries records an exploit's command.
func (c *cowrieSessions) tries(key uint64, command string) {
	s := c.find(key)
	s.attempted = c.hash.Key(command, "")
	c.put(key, s)
}

// continues makes the sessions of an earlier file known.
func (p *cowrieParser) continues(from recordParser) { p.sessions = from.(*cowrieParser).sessions }
