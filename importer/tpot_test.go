package importer

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// T-Pot's folder is read sensor by sensor. What attackers left, and what T-Pot writes for
// itself, is not opened, and is named.
func TestTpotFolder(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{
		"tpotce/data/cowrie/log/cowrie.json", "tpotce/data/cowrie/log/cowrie.json.1.gz", "tpotce/data/cowrie/downloads/x.json", "tpotce/data/cowrie/downloads.tgz",
		"tpotce/data/dionaea/log/dionaea.json", "tpotce/data/dionaea/log/dionaea.sqlite", "tpotce/data/dionaea/log/other.sqlite", "tpotce/data/dionaea/binaries/y",
		"tpotce/data/heralding/log/auth.csv", "tpotce/data/nginx/log/access.log", "tpotce/data/elk/data/nodes/z", "tpotce/data/p0f/log/p0f.json",
		"tpotce/docker/nginx/readme", "elsewhere/dionaea/log/dionaea.sqlite", "elsewhere/nginx/access.log", "elsewhere/x.tgz",
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Dir(path), filepath.Base(path), []byte("x"))
	}
	for _, tt := range []struct{ named, want, left string }{
		{"tpotce", "tpotce/data/cowrie/log/cowrie.json.1.gz tpotce/data/cowrie/log/cowrie.json tpotce/data/dionaea/log/dionaea.json tpotce/data/dionaea/log/dionaea.sqlite! " +
			"tpotce/data/dionaea/log/other.sqlite tpotce/data/heralding/log/auth.csv tpotce/docker/nginx/readme",
			"tpotce/data/cowrie/downloads.tgz: it is an archive of captured files, and was not opened; tpotce/data/elk: it is T-Pot's Elasticsearch: the logs that it was made from are in the other folders; " +
				"tpotce/data/nginx: it is T-Pot's own web server: its visitors use T-Pot; tpotce/data/p0f: it is a log of fingerprints, not of what attackers did; " +
				"tpotce: 2 folders of captured files, not entered: tpotce/data/cowrie/downloads, tpotce/data/dionaea/binaries; name one to read what is in it"},
		{"tpotce/data/dionaea", "tpotce/data/dionaea/log/dionaea.json tpotce/data/dionaea/log/dionaea.sqlite! tpotce/data/dionaea/log/other.sqlite",
			"tpotce/data/dionaea: 1 folder of captured files, not entered: tpotce/data/dionaea/binaries; name one to read what is in it"},
		{"tpotce/data/nginx/log", "tpotce/data/nginx/log/access.log!", ""},
		{"elsewhere", "elsewhere/dionaea/log/dionaea.sqlite elsewhere/nginx/access.log elsewhere/x.tgz!", ""},
	} {
		x, err := Expand([]string{filepath.Join(dir, tt.named)})
		if err != nil {
			t.Fatal(err)
		}
		var got, left []string
		for _, f := range x.Files {
			name := strings.TrimPrefix(f.Path, dir+"/")
			if !f.Below {
				name += "!"
			}
			got = append(got, name)
		}
		for _, l := range x.Left {
			left = append(left, strings.ReplaceAll(l.Error(), dir+"/", ""))
		}
		want := strings.Fields(tt.want)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) || strings.Join(left, "; ") != tt.left {
			t.Errorf("%s:\ngot  %v\nwant %v\nleft %q\nwant %q", tt.named, got, want, strings.Join(left, "; "), tt.left)
		}
	}
}
