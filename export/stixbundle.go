package export

import (
	"crypto/sha1"
	"encoding/json"
	"hash"
	"io"

	"github.com/ttpcron/ttpcron"
)

// stixBundles writes objects into one bundle, or into several of bounded size, each with
// everything that its objects refer to.
type stixBundles struct {
	out   io.Writer
	most  int   // objects of a bundle; 0: there is one bundle
	fixed []any // objects with which every bundle begins

	n     int // objects of this bundle so far; 0: none has begun
	sum   hash.Hash
	known map[string]struct{} // ids of what this bundle has, or what was lately asked for
	later sorter              // of one bundle: what others refer to, written at its end
	line  []byte
}

// mostKnown is how many ids of references a single bundle remembers. Repetitions beyond
// that are removed later.
const mostKnown = 50_000

// stixRef is an object that others refer to.
type stixRef struct {
	id   string
	make func() any
}

// add writes an object and the objects that it refers to, unless this bundle has them.
func (b *stixBundles) add(object any, refs ...stixRef) error {
	if b.most > 0 {
		lacking := 1
		for _, r := range refs {
			if _, ok := b.known[r.id]; !ok {
				lacking++
			}
		}
		if b.n+lacking > b.most {
			if err := b.end(); err != nil {
				return err
			}
		}
	}
	if err := b.begin(); err != nil {
		return err
	}
	for _, r := range refs {
		if err := b.refer(r); err != nil {
			return err
		}
	}
	return b.write(object)
}

func (b *stixBundles) refer(r stixRef) error {
	if _, ok := b.known[r.id]; ok {
		return nil
	}
	if b.most == 0 && len(b.known) >= mostKnown {
		clear(b.known)
	}
	b.known[r.id] = struct{}{}
	if b.most > 0 {
		return b.write(r.make())
	}
	line, err := json.Marshal(r.make())
	if err != nil {
		return err
	}
	return b.later.add(line)
}

func (b *stixBundles) begin() error {
	if b.n > 0 {
		return nil
	}
	b.sum, b.known = sha1.New(), map[string]struct{}{}
	if _, err := io.WriteString(b.out, `{"type":"bundle","objects":[`); err != nil {
		return err
	}
	for _, object := range b.fixed {
		if err := b.write(object); err != nil {
			return err
		}
	}
	return nil
}

func (b *stixBundles) write(object any) error {
	line, err := json.Marshal(object)
	if err != nil {
		return err
	}
	return b.writeLine(line)
}

func (b *stixBundles) writeLine(line []byte) error {
	b.line = b.line[:0]
	if b.n > 0 {
		b.line = append(b.line, ',')
	}
	if b.most == 0 {
		b.line = append(b.line, '\n')
	}
	b.line = append(b.line, line...)
	b.n++
	b.sum.Write(line)
	_, err := b.out.Write(b.line)
	return err
}

// end ends the bundle, if one has begun. Its id follows from its content.
func (b *stixBundles) end() error {
	if b.n == 0 {
		return nil
	}
	var last []byte
	err := b.later.each(func(line []byte) error {
		if string(line) == string(last) {
			return nil
		}
		last = append(last[:0], line...)
		return b.writeLine(line)
	})
	if err != nil {
		return err
	}
	id := "bundle--" + ttpcron.DeriveUUID(stixSpace, b.sum.Sum([]byte("bundle|"))).String()
	end := `],"id":"` + id + "\"}\n"
	if b.most == 0 {
		end = "\n" + end
	}
	b.n = 0
	_, err = io.WriteString(b.out, end)
	return err
}
