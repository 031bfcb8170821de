package ttpcron_test

import (
	"os"
	"strings"
	"testing"
)

// The image has no shell, and its user is not root: docs/install.md says which.
func TestImageIsSmall(t *testing.T) {
	recipe, err := os.ReadFile("packaging/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("docs/install.md")
	if err != nil {
		t.Fatal(err)
	}
	var from, user, copied []string
	for line := range strings.Lines(string(recipe)) {
		switch words := strings.Fields(line); {
		case len(words) == 0:
		case words[0] == "FROM":
			from = append(from, words[1])
		case words[0] == "USER":
			user = append(user, words[1])
		case words[0] == "COPY" || words[0] == "ADD":
			copied = append(copied, words[len(words)-1])
		}
	}
	if strings.Join(from, " ") != "scratch" {
		t.Errorf("made from %q", from)
	}
	if strings.Join(copied, " ") != "/usr/bin/ttpcron /etc/ttpcron/ttpcron.toml /var/lib/ttpcron/" {
		t.Errorf("it holds %q", copied)
	}
	if strings.Join(user, " ") != "65532:65532" || !strings.Contains(string(page), "runs as user 65532") {
		t.Errorf("it runs as %q", user)
	}
}
