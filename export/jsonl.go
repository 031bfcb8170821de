package export

import (
	"context"
	"flag"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jsontext"
)

// jsonl is the form of tags --json.
var jsonl = Format{
	Name: "jsonl", Short: "one JSON object a line, as ttpcron tags --json prints them",
	New: func(*flag.FlagSet) Write { return writeJSONL },
}

func writeJSONL(ctx context.Context, j *Job) error {
	var line []byte
	for t, err := range j.Selected(ctx) {
		if err != nil {
			return err
		}
		line = append(t.AppendJSON(line[:0], j.Table), '\n')
		if _, err := j.json().Write(line); err != nil {
			return err
		}
	}
	return nil
}

// AppendJSON appends the tag as one JSON object: the output of
// [ttpcron.Tag.AppendShown], with the names of technique and tactic, what the event was
// about, and the mark of its address.
func (t *Tag) AppendJSON(dst []byte, names Names) []byte {
	dst = t.AppendShown(dst, &t.Shown)
	dst = dst[:len(dst)-1]
	dst = appendText(dst, "attacker_mark", string(t.Mark))
	dst = AppendNames(dst, &t.Shown, names)
	dst = appendText(dst, "text", t.Text)
	if !t.Checked {
		dst = append(dst, `,"checked":false`...)
	}
	return append(dst, '}')
}

// AppendNames appends the names of a claim's technique and tactic to an object that is
// being written, or null for names that the release does not have.
func AppendNames(dst []byte, shown *ttpcron.Claim, names Names) []byte {
	dst = appendText(dst, "technique_name", names.TechniqueName(shown.Technique()))
	return appendText(dst, "tactic_name", names.TacticName(shown.Tactic))
}

// Names returns the names of an ATT&CK release, empty for ids that it does not have.
type Names interface {
	TechniqueName(id string) string // with that of the parent before it
	TacticName(id string) string
}

// appendText appends a comma and a member, null for an empty string.
func appendText(dst []byte, name, s string) []byte {
	dst = append(append(append(dst, ',', '"'), name...), '"', ':')
	if s == "" {
		return append(dst, "null"...)
	}
	return jsontext.AppendString(dst, s)
}
