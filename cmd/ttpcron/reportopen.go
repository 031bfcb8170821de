package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
)

// show shows a file in the browser of the user at the screen. If that is impossible, a
// note says why: the file is there all the same.
func show(ctx context.Context, s *session, path string) {
	path, err := filepath.Abs(path) // so that no name is taken for a flag
	if err == nil && !s.out.Term.Is {
		err = errors.New("nobody looks: standard output is no terminal")
	}
	var program string
	if err == nil {
		program, err = browserOf(runtime.GOOS, s.env)
	}
	if err == nil {
		err = start(ctx, program, path)
	}
	if err != nil {
		s.out.Note("not opened: %s; open it in a browser: %s", term.Clean(err.Error()), term.Clean(fileURL(path)))
	}
}

// browserOf names the program that shows a file to the user at the screen.
func browserOf(system string, env map[string]string) (string, error) {
	switch {
	case system == "darwin":
		return "open", nil
	case env["WSL_DISTRO_NAME"] != "":
		return "wslview", nil
	case env["DISPLAY"] == "" && env["WAYLAND_DISPLAY"] == "":
		return "", errors.New("there is no screen: neither DISPLAY nor WAYLAND_DISPLAY is set")
	}
	return "xdg-open", nil
}

// startTime is how long to wait for a program to say that it cannot show a file. One that
// takes longer is a browser itself.
const startTime = 3 * time.Second

// start starts a program, which may run on when this one has ended.
func start(ctx context.Context, program, path string) error {
	cmd := exec.Command(program, path)
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			return fmt.Errorf("%s: %w", program, err)
		}
	case <-time.After(startTime):
	case <-ctx.Done():
	}
	return nil
}
