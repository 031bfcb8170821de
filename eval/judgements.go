package eval

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Judgements holds which techniques describe a command, according to analysts. Commands
// are identified by a hash of their text, so judgements can be stored and shared without
// the commands.
type Judgements map[TextHash]map[string]float64

// TextHash is the first 12 hexadecimal digits of the SHA-256 of a command's text.
type TextHash [6]byte

// HashText returns the hash of a command's text.
func HashText(command string) TextHash {
	sum := sha256.Sum256([]byte(command))
	return TextHash(sum[:])
}

func (j Judgements) of(command string) map[string]float64 {
	if j == nil {
		return nil
	}
	return j[HashText(command)]
}

// MaxJudgements is how many judgements can be read.
const MaxJudgements = 1 << 20

// ReadJudgements reads lines of a command's hash, a technique and the share of
// analysts, 0 to 1, who say that it describes the command, with tabs between them.
// Empty lines and those that begin with # are passed over. Messages call r name.
func ReadJudgements(name string, r io.Reader) (Judgements, error) {
	in := bufio.NewReaderSize(r, 1<<16)
	j := Judgements{}
	for number, n := 1, 0; ; number++ {
		line, err := readLine(in)
		if errors.Is(err, io.EOF) {
			return j, nil
		}
		if err != nil && !errors.Is(err, errLong) {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		if err == nil && (len(line) == 0 || line[0] == '#') {
			continue
		}
		if err == nil {
			err = j.line(string(line))
		}
		if n++; err == nil && n > MaxJudgements {
			err = fmt.Errorf("more than %d judgements", MaxJudgements)
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, number, err)
		}
	}
}

func (j Judgements) line(line string) error {
	fields := strings.Split(line, "\t")
	if len(fields) != 3 {
		return errors.New("want a hash, a technique and a share, with tabs between them")
	}
	var hash TextHash
	if n, err := hex.Decode(hash[:], []byte(fields[0][:min(len(fields[0]), 2*len(hash))])); err != nil || n != len(hash) || len(fields[0]) != 2*len(hash) {
		return errors.New("the hash is none: want 12 hexadecimal digits")
	}
	if !techniqueID.MatchString(fields[1]) {
		return errors.New("the technique is none: want Tnnnn or Tnnnn.nnn")
	}
	share, err := strconv.ParseFloat(fields[2], 64)
	if err != nil || !isShare(share) {
		return errors.New("the share is none: want 0 to 1")
	}
	of := j[hash]
	if of == nil {
		of = map[string]float64{}
		j[hash] = of
	}
	if _, ok := of[fields[1]]; ok {
		return errors.New("judged a second time")
	}
	of[fields[1]] = share
	return nil
}

func isShare(f float64) bool { return f >= 0 && f <= 1 }
