package census

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"

	"github.com/ttpcron/ttpcron"
)

// maxName is how many bytes a part of a group's name has, and a name in a list. A longer
// text is kept as its beginning and a hash of the whole.
const maxName = 256

// bounded returns a text, or its short form if it is long.
func bounded(s string) string {
	if len(s) <= maxName {
		return s
	}
	h := sha256.Sum256([]byte(s))
	return ttpcron.CutText(s, maxName-40) + "… sha256:" + hex.EncodeToString(h[:8])
}

// appendPart appends a text so that keys are ordered as the texts are, and that its end is
// seen.
func appendPart(dst []byte, s string) []byte {
	for i := range len(s) {
		if dst = append(dst, s[i]); s[i] == 0 {
			dst = append(dst, 0xff)
		}
	}
	return append(dst, 0, 0)
}

// cutPart cuts the first text off a key.
func cutPart(key []byte) (part string, rest []byte) {
	var text []byte
	for {
		i := bytes.IndexByte(key, 0)
		if i < 0 || i+1 == len(key) {
			return string(append(text, key...)), nil
		}
		text = append(text, key[:i]...)
		if key[i+1] != 0xff {
			return string(text), key[i+2:]
		}
		text, key = append(text, 0), key[i+2:]
	}
}

// afterParts returns what follows so many texts in a key.
func afterParts(key []byte, n int) []byte {
	for ; n > 0; n-- {
		for {
			i := bytes.IndexByte(key, 0)
			if i < 0 || i+1 >= len(key) {
				return nil
			}
			end := key[i+1] != 0xff
			if key = key[i+2:]; end {
				break
			}
		}
	}
	return key
}
