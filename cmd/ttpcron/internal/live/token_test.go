package live

import (
	"hash/maphash"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const secret = "0123456789abcdef-._~+/="

func TestReadToken(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct {
		name, text string
		mode       os.FileMode
		want       string // in the error
	}{
		{"as it should be", secret, 0o600, ""},
		{"with a line feed", secret + "\n", 0o640, ""},
		{"of Windows", secret + "\r\n", 0o400, ""},
		{"as systemd has it", secret, 0o440, ""},
		{"open to all", secret, 0o644, "is open to everybody (mode 0644)"},
		{"all may change it", secret, 0o602, "is open to everybody"},
		{"the group may change it", secret, 0o660, "may change it"},
		{"short", "0123456789abcde\n", 0o600, "15 characters, want at least 16"},
		{"empty", "", 0o600, "0 characters"},
		{"two lines", secret + "\n" + secret, 0o600, "other characters"},
		{"with a space", "0123456789 abcdef", 0o600, "other characters"},
		{"of other letters", "0123456789abcdefé", 0o600, "other characters"},
		{"long", strings.Repeat("a", 4096), 0o600, "more than 1024"},
	} {
		path := filepath.Join(dir, "token")
		_ = os.Remove(path)
		if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, tt.mode); err != nil {
			t.Fatal(err)
		}
		token, err := ReadToken(path)
		switch {
		case tt.want == "" && (err != nil || !token.is(secret)):
			t.Errorf("%s: %v", tt.name, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || token.Needed()):
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		case err != nil && tt.text != "" && strings.Contains(err.Error(), tt.text):
			t.Errorf("%s: the error shows the token: %v", tt.name, err)
		}
	}
	for _, path := range []string{filepath.Join(dir, "none"), dir, "/dev/zero"} {
		if _, err := ReadToken(path); err == nil {
			t.Errorf("%s is taken for a token", path)
		}
	}
}

func TestTokenThatIsNone(t *testing.T) {
	var none Token
	if none.is("") || none.is(secret) || none.Needed() {
		t.Error("no token is one")
	}
}

func TestGiven(t *testing.T) {
	for _, tt := range []struct {
		url, header string
		want        string
		inURL, any  bool
	}{
		{"/report", "", "", false, false},
		{"/report?token=a%2Bb/c+d%3D", "", "a+b/c+d=", true, true},
		{"/report?a=b&token=x", "", "x", true, true},
		{"/report?token", "", "", true, true},
		{"/report?token=%zz", "", "%zz", true, true},
		{"/report?tokens=x", "", "", false, false},
		{"/report", "Bearer x", "x", false, true},
		{"/report?token=y", "bearer  x ", "x", false, true},
		{"/report", "Basic x", "", false, false},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.URL.Path, r.URL.RawQuery, _ = strings.Cut(tt.url, "?")
		r.Header.Set("Authorization", tt.header)
		if token, inURL, any := given(r); token != tt.want || inURL != tt.inURL || any != tt.any {
			t.Errorf("%s, %q: %q, %t, %t", tt.url, tt.header, token, inURL, any)
		}
	}
}

// Who tries tokens is held up, who knows one is not, and one address holds up no other.
func TestTries(t *testing.T) {
	s := tries{seed: maphash.MakeSeed()}
	now := time.Date(2026, 5, 4, 5, 6, 7, 0, time.UTC)
	bad := netip.MustParseAddr("203.0.113.7")
	other := netip.MustParseAddr("198.51.100.1")
	for s.entry(other) == s.entry(bad) {
		other = other.Next()
	}
	tried := 0
	for range 100 {
		if s.begin(bad, now) == 0 {
			tried++
		}
	}
	if tried != triesAtOnce {
		t.Errorf("%d tries at once, want %d", tried, triesAtOnce)
	}
	for range 10 {
		now = now.Add(tryEvery)
		if s.begin(bad, now) != 0 || s.begin(bad, now) == 0 {
			t.Error("not one try each time")
		}
	}
	for range 100 {
		if s.begin(other, now) != 0 {
			t.Fatal("another address is held up")
		}
		s.forget(other)
	}
	now = now.Add(time.Hour)
	if s.begin(bad, now) != 0 {
		t.Error("nothing is forgotten")
	}
	if a, b := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::ffff:2"); s.entry(a) != s.entry(b) {
		t.Error("one network has as many tries as addresses")
	}
}
