// Command measure runs a program and reports its cost: wall and processor time, bytes
// written to storage, and the peak of anonymous memory. The maximum resident set, which
// other tools report, includes the pages of a mapped store and says little.
//
//	measure [-o FILE] PROGRAM ARGUMENT...
//
// It leaves the program's input and output alone and writes one line of "name=value"
// pairs to FILE, or to standard error.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

func main() {
	file := flag.String("o", "", "`file` to write the figures to")
	flag.Parse()
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "usage: measure [-o FILE] PROGRAM ARGUMENT...")
		os.Exit(2)
	}
	line, code, err := measure(flag.Args())
	if err == nil && *file != "" {
		err = os.WriteFile(*file, []byte(line), 0o644)
	} else if err == nil {
		fmt.Fprint(os.Stderr, line)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		os.Exit(1)
	}
	os.Exit(code)
}

func measure(args []string) (line string, code int, err error) {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return "", 0, err
	}
	done, peak := make(chan struct{}), make(chan int64)
	go func() { peak <- watch(cmd.Process.Pid, done) }()
	err = cmd.Wait()
	elapsed := time.Since(start)
	close(done)
	anon := <-peak
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		err = nil // the exit code says it
	}
	if err != nil {
		return "", 0, err
	}
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	// The kernel counts write_bytes of /proc/PID/io in units of 512 here.
	written := int64(usage.Oublock) * 512
	line = fmt.Sprintf("seconds=%.3f user=%.3f system=%.3f written=%d anon=%d\n", elapsed.Seconds(),
		cmd.ProcessState.UserTime().Seconds(), cmd.ProcessState.SystemTime().Seconds(), written, anon)
	return line, cmd.ProcessState.ExitCode(), nil
}

// watch looks at a process a hundred times a second until done, and returns the
// most RssAnon that it saw, in bytes.
func watch(pid int, done <-chan struct{}) (peak int64) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)); err == nil {
			peak = max(peak, rssAnon(status))
		}
		select {
		case <-done:
			return peak
		case <-tick.C:
		}
	}
}

// rssAnon reads the line "RssAnon:    1234 kB".
func rssAnon(status []byte) int64 {
	for line := range bytes.Lines(status) {
		if rest, ok := bytes.CutPrefix(line, []byte("RssAnon:")); ok {
			kb, _ := strconv.ParseInt(string(bytes.TrimSpace(bytes.TrimSuffix(bytes.TrimSpace(rest), []byte("kB")))), 10, 64)
			return kb << 10
		}
	}
	return 0
}
