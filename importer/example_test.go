package importer_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/importer"
)

// A log is read, grows, is rotated and compressed, and reading continues at its earlier
// position.
func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	line := func(second int, input string) string {
		return fmt.Sprintf(`{"eventid":"cowrie.command.input","input":%q,"sensor":"a","timestamp":"2026-05-04T05:49:%02d.000000Z","src_ip":"203.0.113.7","session":"c0ffee00beef"}`+"\n", input, second)
	}
	var positions []ttpcron.FilePosition
	read := func(name, content string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			log.Fatal(err)
		}
		f, err := importer.Open(context.Background(), filepath.Join(dir, name), importer.Options{Positions: importer.PositionList(positions)})
		if err != nil {
			log.Fatal(err)
		}
		defer f.Close()
		for b, err := range f.Batches(context.Background()) {
			if err != nil {
				log.Fatal(err)
			}
			for _, e := range b.Events { // store them, and with them the position
				text, _ := e.Payload.Text("command_text")
				fmt.Println(name, e.Time.Format("15:04:05"), text)
			}
			positions = append(positions, *b.Position)
		}
	}
	first := line(1, "uname -a") + line(2, "id")
	read("cowrie.json", first)
	read("cowrie.json.1", first+strings.TrimSuffix(line(3, "w"), "\n"))
	// Output:
	// cowrie.json 05:49:01 uname -a
	// cowrie.json 05:49:02 id
	// cowrie.json.1 05:49:03 w
}
