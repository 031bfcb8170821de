package main

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron/bench/workload"
	"github.com/ttpcron/ttpcron/internal/race"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
	"github.com/ttpcron/ttpcron/kv/kvtest"
)

// TestKill kills the program with SIGKILL at random moments of imports and runs, again and
// again on one store, then lets it finish. The store must end with the events and tags of
// an undisturbed program.
func TestKill(t *testing.T) {
	t.Parallel()
	histories, size := 4, 60_000
	if testing.Short() {
		histories, size = 1, 30_000
	}
	k := newKiller(t, size)
	whole := k.store("whole.db")
	importTime, runTime := k.time(whole, "import", k.log), k.time(whole, "run-once", "--since-days", "3650")
	wantTags, wantEvents := k.tags(whole), allEvents(t, whole)
	if len(wantEvents) <= size || len(wantTags) == 0 { // there are other events beside the commands
		t.Fatalf("undisturbed: %d events, %d tags", len(wantEvents), len(wantTags))
	}
	// A fast machine may need more of them until a kill hits a run.
	for seed := 0; seed < histories || k.inside == 0 && seed < 10*histories; seed++ {
		k.rnd = rand.New(rand.NewPCG(uint64(seed), 7))
		db := k.store("killed.db")
		k.until(db, importTime, func(s kv.Stats) float64 { return float64(events(s)) / float64(len(wantEvents)) }, "import", k.log)
		k.until(db, runTime, func(s kv.Stats) float64 { return float64(tags(s)) / float64(len(wantTags)) }, "run-once", "--since-days", "3650")
		if got := allEvents(t, db); !slices.Equal(got, wantEvents) {
			t.Errorf("seed %d: %d events, want %d, or others", seed, len(got), len(wantEvents))
		}
		if got := k.tags(db); !slices.Equal(got, wantTags) {
			t.Errorf("seed %d: %d tags, want %d, or others", seed, len(got), len(wantTags))
		}
		// Nothing is left to do, by any way of asking.
		for _, args := range [][]string{{"import", "--json", k.log}, {"run-once", "--json"}, {"run-once", "--json", "--since-days", "3650"}} {
			out := k.run(db, args...)
			if strings.Contains(out, `"new":`) && sum(t, out, "new") != 0 || strings.Contains(out, `"inserted":`) && sum(t, out, "inserted") != 0 {
				t.Errorf("seed %d: %v afterwards: %s", seed, args, out)
			}
		}
		kvtest.Check(t, db)
		if r, err := doctor.Check(t.Context(), db, doctor.Options{}); err != nil || r.Damaged() {
			t.Errorf("seed %d: %v, %+v", seed, err, r.Findings)
		}
	}
	t.Logf("%d kills, %d of them while the program ran, after %d of which the store was found part of the way", k.kills, k.alive, k.inside)
	if k.alive == 0 || k.inside == 0 {
		t.Errorf("no kill landed inside: the history is too small for this machine")
	}
}

type killer struct {
	t                    *testing.T
	dir, binary, log     string
	env                  []string
	rnd                  *rand.Rand
	kills, alive, inside int
}

func newKiller(t *testing.T, size int) *killer {
	t.Helper()
	if race.Enabled {
		t.Skip("the detector sees nothing of the program that this test builds: it is of the run without it")
	}
	k := &killer{t: t, dir: t.TempDir()}
	k.binary, k.log = filepath.Join(k.dir, "ttpcron"), filepath.Join(k.dir, "cowrie.json")
	if out, err := exec.Command("go", "build", "-o", k.binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	f, err := os.Create(k.log)
	if err != nil {
		t.Fatal(err)
	}
	if err := workload.WriteCowrie(f, workload.Options{Commands: size, Seed: 1, Days: 9}); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	rules, err := filepath.Abs("testdata/rules")
	if err != nil {
		t.Fatal(err)
	}
	k.env = []string{"TTPCRON_CONFIG=" + os.DevNull, "TTPCRON_EMBEDDED=false", "TTPCRON_RULES=" + rules, "HOME=" + k.dir}
	return k
}

func (k *killer) store(name string) string {
	path := filepath.Join(k.dir, name)
	os.Remove(path)
	return path
}

// copy copies a store that no process holds.
func (k *killer) copy(db string) string {
	k.t.Helper()
	b, err := os.ReadFile(db)
	if err == nil {
		err = os.WriteFile(db+".copy", b, 0o600)
	}
	if err != nil {
		k.t.Fatal(err)
	}
	return db + ".copy"
}

func (k *killer) command(db string, args ...string) *exec.Cmd {
	cmd := exec.Command(k.binary, args...)
	cmd.Env = append(k.env, "TTPCRON_DB="+db)
	return cmd
}

// run runs a command to its end.
func (k *killer) run(db string, args ...string) string {
	k.t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := k.command(db, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		k.t.Fatalf("ttpcron %v: %v\n%s", args, err, stderr.Bytes())
	}
	return stdout.String()
}

func (k *killer) time(db string, args ...string) time.Duration {
	k.t.Helper()
	start := time.Now()
	k.run(db, args...)
	return time.Since(start)
}

// kill starts a command and kills it at a random moment within a time.
func (k *killer) kill(db string, within time.Duration, args ...string) {
	k.t.Helper()
	cmd := k.command(db, args...)
	if err := cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	time.Sleep(time.Duration(k.rnd.Float64() * float64(within)))
	k.kills++
	cmd.Process.Kill()
	var exit *exec.ExitError
	if err := cmd.Wait(); errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
		k.alive++
	}
}

// until runs a command and kills it at a random moment in the first quarter of its usual
// time, again and again, then lets it finish. After each kill, the store must be sound.
func (k *killer) until(db string, whole time.Duration, share func(kv.Stats) float64, args ...string) {
	k.t.Helper()
	done := 0.0
	for range 40 {
		k.kill(db, whole/4, args...)
		s, ok := k.stats(db)
		if !ok {
			continue
		}
		if done = share(s); done == 1 {
			break
		}
		if done > 0 {
			k.inside++
		}
	}
	k.run(db, args...)
}

// stats opens the store as the next command will.
func (k *killer) stats(path string) (kv.Stats, bool) {
	k.t.Helper()
	if _, err := os.Stat(path); err != nil {
		return kv.Stats{}, false
	}
	db, err := kv.Open(k.t.Context(), path, kv.Options{})
	if err != nil {
		k.t.Fatalf("after a kill: %v", err)
	}
	defer db.Close()
	s, err := db.Stats(k.t.Context())
	if err != nil {
		k.t.Fatalf("after a kill: %v", err)
	}
	return s, true
}

func events(s kv.Stats) (n int) {
	for _, k := range s.Kinds {
		n += k.Events
	}
	return n
}

func tags(s kv.Stats) (n int) {
	for _, k := range s.Kinds {
		n += k.Tags
	}
	return n
}

var createdAt = regexp.MustCompile(`"created_at":"[^"]*",`)

// tags lists what tags --json shows, ordered by uuid, without the time of
// tagging.
func (k *killer) tags(db string) []string {
	k.t.Helper()
	lines := strings.Split(strings.TrimSpace(createdAt.ReplaceAllString(k.run(db, "tags", "--json"), "")), "\n")
	slices.Sort(lines) // a line begins with its uuid
	return lines
}
