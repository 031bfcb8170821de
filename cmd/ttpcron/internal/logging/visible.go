package logging

import (
	"io"

	"github.com/hashicorp/go-hclog"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/jsontext"
)

// visibleLog escapes what a log line must not send to a terminal, whoever wrote the line.
type visibleLog struct {
	w    io.Writer
	json bool
}

var _ hclog.LevelWriter = visibleLog{}

func (l visibleLog) Write(p []byte) (int, error) { return l.LevelWrite(hclog.Info, p) }

func (l visibleLog) LevelWrite(level hclog.Level, p []byte) (int, error) {
	line := jsontext.AppendVisible(nil, p)
	if !l.json {
		line = term.CleanLines(p)
	}
	var err error
	if w, ok := l.w.(hclog.LevelWriter); ok {
		_, err = w.LevelWrite(level, line)
	} else {
		_, err = l.w.Write(line)
	}
	if err != nil {
		return 0, err
	}
	return len(p), nil
}
