package importer

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// The encoding of what is not read is said where that is text, and only there.
func TestEncodingOfWhatIsNotRead(t *testing.T) {
	noise := make([]byte, 8<<10)
	rng := rand.NewChaCha8([32]byte{})
	_, _ = rng.Read(noise)
	elf := append([]byte("\x7fELF\x02\x01\x01"), make([]byte, 5000)...)
	for _, tt := range []struct{ name, content, format, want string }{
		{"prose", "hello\n", "", "UTF-8"},
		{"other script", "привет, мир\nそして\n", "", "UTF-8"},
		{"page", "<!doctype html>\n<html></html>\n", "", "UTF-8"},
		{"UTF-16", "\xff\xfeh\x00i\x00\n\x00", "", "UTF-16"},
		{"program", string(elf), "", ""},
		{"program said to be a log", string(elf), "cowrie", ""},
		{"program said to be a database", string(elf), "decnet", ""},
		{"noise", string(noise), "", ""},
		{"archive", "PK\x03\x04 and so on, in letters", "", ""},
		{"Latin-1", "\xe9\xe8\xe0\xfc\xf6 hello\n", "", ""},
	} {
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, []byte(tt.content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(t.Context(), path, Options{Format: tt.format})
		var unknown *UnknownFormatError
		if !errors.As(err, &unknown) {
			t.Errorf("%s: %v", tt.name, err)
		} else if got := unknown.Found.Encoding; got != tt.want {
			t.Errorf("%s: encoding %q, want %q", tt.name, got, tt.want)
		}
	}
	// Noise that is said to be a log is read, and is no text either.
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, noise, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Open(t.Context(), path, Options{Format: "cowrie"})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got := f.Recognition(); got.Encoding != "" || got.Format != "cowrie" {
		t.Errorf("%+v", got)
	}
}
