package live

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/ttpcron/ttpcron"
)

// Token is what somebody must know to see the page. It does not hold the text itself. The
// zero value lets everybody in.
type Token struct {
	sum [sha256.Size]byte
	set bool
}

// The length of a token in bytes.
const (
	minToken = 16
	maxToken = 1024
)

// tokenHint says how to make one.
const tokenHint = "od -An -tx1 -N24 /dev/urandom | tr -d ' \\n' makes one"

// NewToken returns a token for a text, which has letters, digits and -._~+/= alone, as in
// the header Authorization.
func NewToken(text string) (Token, error) {
	switch {
	case len(text) < minToken:
		return Token{}, fmt.Errorf("the token has %d characters, want at least %d: %s", len(text), minToken, tokenHint)
	case len(text) > maxToken:
		return Token{}, fmt.Errorf("the token has more than %d characters: %s", maxToken, tokenHint)
	}
	for _, c := range []byte(text) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("-._~+/=", rune(c)) {
			return Token{}, errors.New("the token has other characters than letters, digits and -._~+/=: " + tokenHint)
		}
	}
	return Token{sha256.Sum256([]byte(text)), true}, nil
}

// ReadToken reads a token from a file that nobody but its owner and its group may read. A
// line feed at its end is no part of it. Errors never show what is in the file.
func ReadToken(path string) (Token, error) {
	f, info, err := ttpcron.OpenRegular(path)
	if err != nil {
		return Token{}, err
	}
	defer f.Close()
	switch mode := info.Mode().Perm(); {
	case mode&0o007 != 0:
		return Token{}, fmt.Errorf("%s is open to everybody (mode %04o): chmod 640 closes it", path, mode)
	case mode&0o020 != 0:
		return Token{}, fmt.Errorf("the group of %s may change it (mode %04o): chmod 640 forbids it", path, mode)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxToken+3))
	if err != nil {
		return Token{}, err
	}
	t, err := NewToken(strings.TrimRight(string(text), "\r\n"))
	if err != nil {
		return Token{}, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

// Needed reports whether there is a token that somebody must know.
func (t Token) Needed() bool { return t.set }

// is compares in constant time.
func (t Token) is(given string) bool {
	sum := sha256.Sum256([]byte(given))
	return t.set && subtle.ConstantTimeCompare(sum[:], t.sum[:]) == 1
}

// proof is the content of a cookie for a client that knew the token. It does not reveal
// the token, and cannot be made without the key.
func (t Token) proof(key []byte) string {
	mac := hmac.New(sha256.New, key)
	_, _ = mac.Write(t.sum[:])
	return hex.EncodeToString(mac.Sum(nil))
}

// given returns the token that a request brings, and whether that is in its URL.
func given(r *http.Request) (token string, inURL, any bool) {
	if scheme, text, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "bearer") {
		return strings.TrimSpace(text), false, true
	}
	for part := range strings.SplitSeq(r.URL.RawQuery, "&") {
		if name, text, _ := strings.Cut(part, "="); name == "token" {
			// A form writes + as %2B, and a person writes it as it is.
			if plain, err := url.PathUnescape(text); err == nil {
				text = plain
			}
			return text, true, true
		}
	}
	return "", false, false
}
