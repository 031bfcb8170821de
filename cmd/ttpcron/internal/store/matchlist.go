package store

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/ttpcron/ttpcron"
)

// MatchList is a list of base matches as it travels: each stream, group and value once,
// since most are those of many matches. Whoever reads it trusts nothing of it, and takes
// no more memory for it than a small multiple of its bytes.
type MatchList struct{ Items []ttpcron.BaseMatch }

// texts are texts that are written once, and then by their number.
type texts struct {
	numbers map[string]uint64
	buf     []byte
}

func (t *texts) append(dst []byte, s string) []byte {
	n, ok := t.numbers[s]
	if !ok {
		n = uint64(len(t.numbers))
		t.numbers[s] = n
		t.buf = append(binary.AppendUvarint(t.buf, uint64(len(s))), s...)
	}
	return binary.AppendUvarint(dst, n)
}

// GobEncode implements gob.GobEncoder.
func (l MatchList) GobEncode() ([]byte, error) {
	t := texts{numbers: map[string]uint64{}}
	streams := map[*ttpcron.Stream]uint64{}
	var defs, list []byte
	var before ttpcron.BaseMatch
	for i := range l.Items {
		m := &l.Items[i]
		if m.Stream == nil {
			return nil, errors.New("base match without stream")
		}
		n, ok := streams[m.Stream]
		if !ok {
			n = uint64(len(streams))
			streams[m.Stream] = n
			defs = t.appendStream(defs, m.Stream)
		}
		list = binary.AppendUvarint(list, n)
		list = t.append(t.append(list, m.Group), m.Values)
		list = binary.AppendVarint(list, m.Time.Unix()-before.Time.Unix())
		list = binary.AppendUvarint(list, uint64(m.Time.Nanosecond()))
		list = binary.AppendVarint(list, int64(m.Seq-before.Seq))
		before = *m
	}
	out := binary.AppendUvarint(nil, uint64(len(t.numbers)))
	out = append(out, t.buf...)
	out = append(binary.AppendUvarint(out, uint64(len(streams))), defs...)
	return append(binary.AppendUvarint(out, uint64(len(l.Items))), list...), nil
}

func (t *texts) appendStream(dst []byte, s *ttpcron.Stream) []byte {
	dst = t.append(t.append(t.append(dst, s.ID), s.Rule), string(s.Kind))
	dst = binary.AppendUvarint(dst, uint64(len(s.Group)))
	for _, f := range s.Group {
		optional := uint64(0)
		if f.Optional {
			optional = 1
		}
		dst = binary.AppendUvarint(t.append(t.append(dst, f.Name), f.From), optional)
	}
	dst = binary.AppendUvarint(dst, uint64(len(s.Values)))
	for _, v := range s.Values {
		dst = t.append(dst, v)
	}
	return append(dst, s.Digest[:]...)
}

// sent reads what was sent.
type sent struct {
	rest  string
	texts []string
	err   error
}

var errNoMatches = errors.New("this is no list of base matches")

func (s *sent) number() uint64 {
	var n uint64
	for shift := uint(0); shift < 64; shift += 7 {
		if s.rest == "" {
			break
		}
		b := s.rest[0]
		s.rest = s.rest[1:]
		if n |= uint64(b&0x7f) << shift; b < 0x80 {
			return n
		}
	}
	s.err = errNoMatches
	return 0
}

func (s *sent) signed() int64 {
	n := s.number()
	return int64(n>>1) ^ -int64(n&1)
}

// count reads how many items follow, each of at least that many bytes.
func (s *sent) count(size int) int {
	n := s.number()
	if s.err != nil || n > uint64(len(s.rest)/size) {
		s.err = errNoMatches
		return 0
	}
	return int(n)
}

func (s *sent) bytes(n int) string {
	if s.err != nil || n > len(s.rest) {
		s.err = errNoMatches
		return ""
	}
	b := s.rest[:n]
	s.rest = s.rest[n:]
	return b
}

func (s *sent) text() string {
	n := s.number()
	if s.err != nil || n >= uint64(len(s.texts)) {
		s.err = errNoMatches
		return ""
	}
	return s.texts[n]
}

func (s *sent) stream() *ttpcron.Stream {
	st := &ttpcron.Stream{ID: s.text(), Rule: s.text(), Kind: ttpcron.SourceKind(s.text())}
	for n := s.count(3); n > 0 && s.err == nil; n-- {
		st.Group = append(st.Group, ttpcron.GroupField{Name: s.text(), From: s.text(), Optional: s.number() == 1})
	}
	for n := s.count(1); n > 0 && s.err == nil; n-- {
		st.Values = append(st.Values, s.text())
	}
	copy(st.Digest[:], s.bytes(len(st.Digest)))
	return st
}

// GobDecode implements gob.GobDecoder.
func (l *MatchList) GobDecode(b []byte) error {
	s := sent{rest: string(b)}
	for n := s.count(1); n > 0 && s.err == nil; n-- {
		s.texts = append(s.texts, s.bytes(s.count(1)))
	}
	var streams []*ttpcron.Stream
	for n := s.count(21); n > 0 && s.err == nil; n-- {
		streams = append(streams, s.stream())
	}
	l.Items = nil
	var sec int64 = (time.Time{}).Unix()
	var seq uint64
	for n := s.count(6); n > 0 && s.err == nil; n-- {
		of := s.number()
		m := ttpcron.BaseMatch{Group: s.text(), Values: s.text()}
		sec += s.signed()
		ns := s.number()
		seq += uint64(s.signed())
		if s.err != nil || of >= uint64(len(streams)) || ns >= uint64(time.Second) {
			return errNoMatches
		}
		m.Stream, m.Time, m.Seq = streams[of], time.Unix(sec, int64(ns)).UTC(), seq
		l.Items = append(l.Items, m)
	}
	if s.err == nil && s.rest != "" {
		s.err = errNoMatches
	}
	return s.err
}

// CheckStreams refuses matches of a stream that is not called what its members say.
func (l *MatchList) CheckStreams() error {
	checked := map[*ttpcron.Stream]bool{}
	for i := range l.Items {
		s := l.Items[i].Stream
		if checked[s] {
			continue
		}
		if checked[s] = true; s.ID != ttpcron.NewStream(s.Rule, s.Kind, s.Group, s.Values, s.Digest).ID {
			return errors.New("a stream of base matches has a name that is not its own")
		}
	}
	return nil
}
