package term

import (
	"fmt"
	"io"
	"sync"
)

// Screen is standard error. A progress bar stands on its last line until
// something else is written.
type Screen struct {
	Term Terminal // what it is

	mu  sync.Mutex
	w   io.Writer
	bar bool // a bar stands on the last line
}

// Write writes below whatever was written before; a bar makes way for it.
func (s *Screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
	return s.w.Write(p)
}

// Through puts a writer in front of the one that is written to now.
func (s *Screen) Through(before func(io.Writer) io.Writer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.w = before(s.w)
}

// Draw shows a bar in place of the one that stands.
func (s *Screen) Draw(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bar = true
	fmt.Fprint(s.w, "\r"+line+"\x1b[K")
}

// Wipe takes the bar away.
func (s *Screen) Wipe() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
}

func (s *Screen) clear() {
	if s.bar {
		fmt.Fprint(s.w, "\r\x1b[K")
		s.bar = false
	}
}

// Unwrap returns what is written to.
func (s *Screen) Unwrap() io.Writer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w
}
