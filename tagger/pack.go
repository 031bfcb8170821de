package tagger

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io/fs"
)

// Pack describes the embedded rules: their number, and the first 12 hexadecimal digits
// of a SHA-256 over the names and contents of their files. It parses no rule, so a
// program can show its pack without the cost of loading it.
func Pack() (rules int, digest string) {
	h := sha256.New()
	add := func(s []byte) { // the length first: no two packs write the same bytes
		var n [8]byte
		binary.LittleEndian.PutUint64(n[:], uint64(len(s)))
		h.Write(n[:])
		h.Write(s)
	}
	files, err := embedded.ReadDir("rules")
	if err != nil {
		panic(err) // "rules" is embedded
	}
	for _, f := range files { // sorted by name
		text, err := fs.ReadFile(embedded, "rules/"+f.Name())
		if err != nil {
			panic(err)
		}
		add([]byte(f.Name()))
		add(text)
	}
	return len(files), hex.EncodeToString(h.Sum(nil)[:6])
}
