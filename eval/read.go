package eval

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jsontext"
)

// FileRead counts the lines of one file.
type FileRead struct {
	Name     string
	Lines    int // not counting empty ones
	Labelled int // commands with a technique_id
	Judged   int // commands without one that have the member judged: attackers' commands without a label
	Harmless int // commands with neither
	LeftOut  int // commands with neither that are marked security_tool or also_in_attack_data, which are not looked at
	// Malformed lines are no JSON object, have no command_text, or have a
	// technique_id or a judgement that is none.
	Malformed int
	Faults    []Fault // the first of them, at most MaxFaults
}

// MaxFaults is how many malformed lines of a file are described.
const MaxFaults = 10

// Fault is a malformed line.
type Fault struct {
	Line int // from 1
	Text string
}

// maxLine is how long a line may be: a text as long as one may be, every byte
// of it escaped.
const maxLine = 6*ttpcron.MaxText + 1<<16

type row struct {
	command   string
	technique string
	test      string
	testID    string
	judged    map[string]float64 // nil: the row has no such member
	leaveOut  bool
}

var techniqueID = regexp.MustCompile(`^T\d{4}(\.\d{3})?$`)

// Read measures the commands of r, JSON objects one a line, which messages call
// name. Lines that cannot be used are counted and passed over; an error is one
// of reading, or of ctx.
func (m *Measure) Read(ctx context.Context, name string, r io.Reader) error {
	m.report.Files = append(m.report.Files, FileRead{Name: name})
	f := &m.report.Files[len(m.report.Files)-1]
	in := bufio.NewReaderSize(r, 1<<16)
	for number := 1; ; number++ {
		if number%256 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		line, err := readLine(in)
		if err != nil && !errors.Is(err, errLong) {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return fmt.Errorf("read %s: %w", name, err)
		}
		if len(line) == 0 && err == nil {
			continue
		}
		f.Lines++
		if err == nil {
			err = m.line(f, line)
		}
		if err != nil {
			f.Malformed++
			if len(f.Faults) < MaxFaults {
				f.Faults = append(f.Faults, Fault{number, err.Error()})
			}
		}
	}
}

func (m *Measure) line(f *FileRead, line []byte) error {
	r, err := parseRow(line)
	switch {
	case err != nil:
		return err
	case r.technique != "":
		f.Labelled++
		m.labelled(r)
	case r.judged != nil:
		f.Judged++
		m.attack(r)
	case r.leaveOut:
		f.LeftOut++
	default:
		f.Harmless++
		m.harmless(r)
	}
	return nil
}

func parseRow(line []byte) (*row, error) {
	var j struct {
		Command   json.RawMessage    `json:"command_text"`
		Technique *string            `json:"technique_id"`
		Test      string             `json:"test"`
		TestID    string             `json:"test_id"`
		Judged    map[string]float64 `json:"judged"`
		Tool      bool               `json:"security_tool"`
		Also      bool               `json:"also_in_attack_data"`
	}
	if err := json.Unmarshal(line, &j); err != nil {
		var kind *json.UnmarshalTypeError
		switch {
		case !errors.As(err, &kind):
			return nil, errors.New("it is not JSON")
		case kind.Field == "":
			return nil, errors.New("no JSON object but " + kind.Value)
		}
		return nil, fmt.Errorf("%s is %s, want %s", kind.Field, kind.Value, kind.Type)
	}
	if j.Command == nil {
		return nil, errors.New("no command_text")
	}
	r := &row{test: j.Test, testID: j.TestID, judged: j.Judged, leaveOut: j.Tool || j.Also}
	var err error
	if r.command, err = jsontext.DecodeString(j.Command); err != nil {
		return nil, errors.New("command_text is no string")
	}
	if r.command == "" {
		return nil, errors.New("command_text is empty")
	}
	if j.Technique != nil {
		if r.technique = *j.Technique; !techniqueID.MatchString(r.technique) {
			return nil, errors.New("technique_id is none: want Tnnnn or Tnnnn.nnn")
		}
	}
	for id, share := range j.Judged {
		if !techniqueID.MatchString(id) {
			return nil, errors.New("judged names what is no technique: want Tnnnn or Tnnnn.nnn")
		}
		if !isShare(share) {
			return nil, fmt.Errorf("judged says %v of %s, want 0 to 1", share, id)
		}
	}
	return r, nil
}

var errLong = fmt.Errorf("longer than %d bytes", maxLine)

// readLine returns the next line without its end; the bytes are good until the
// next call. errLong means that the line was passed over, io.EOF that there are
// no more.
func readLine(in *bufio.Reader) ([]byte, error) {
	var long []byte
	for {
		part, err := in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			if long = append(long, part...); len(long) <= maxLine {
				continue
			}
			return nil, skipLine(in)
		}
		if err != nil && (!errors.Is(err, io.EOF) || len(part)+len(long) == 0) {
			return nil, err
		}
		if long != nil {
			part = append(long, part...)
		}
		if len(part) > maxLine {
			return nil, errLong
		}
		for len(part) > 0 && (part[len(part)-1] == '\n' || part[len(part)-1] == '\r') {
			part = part[:len(part)-1]
		}
		return part, nil
	}
}

func skipLine(in *bufio.Reader) error {
	for {
		_, err := in.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case err == nil || errors.Is(err, io.EOF):
			return errLong
		default:
			return err
		}
	}
}
