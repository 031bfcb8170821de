package kv_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
	"github.com/ttpcron/ttpcron/kv/doctor"
	"github.com/ttpcron/ttpcron/kv/kvtest"
)

// fresh is the file of a store with nothing stored in it yet.
func fresh(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fresh.db")
	db, err := kv.Open(t.Context(), path, kv.Options{})
	if err == nil {
		err = db.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return readAt(t, path)
}

// unborn checks that a file is known as a store that was never finished, is not
// changed by reading, and becomes a store when it is opened for writing.
func unborn(t *testing.T, name, path string) {
	t.Helper()
	before := readAt(t, path)
	var empty *kv.UnfinishedError
	read := func(what string, err error) {
		t.Helper()
		if !errors.As(err, &empty) || strings.Count(err.Error(), path) != 1 {
			t.Errorf("%s: %s: %v", name, what, err)
		}
	}
	_, err := kv.Open(t.Context(), path, kv.Options{ReadOnly: true})
	read("open", err)
	_, err = doctor.Check(t.Context(), path, doctor.Options{})
	read("check", err)
	if _, err = doctor.Recover(t.Context(), path, path+".new", doctor.Options{}); err == nil {
		t.Errorf("%s: it can be recovered", name)
	}
	read("recover", err)
	if _, err = doctor.Restore(t.Context(), path, path+".other", doctor.Options{}); err == nil {
		t.Errorf("%s: it can be restored", name)
	}
	if err := kv.CheckFile(path); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	if !bytes.Equal(readAt(t, path), before) {
		t.Fatalf("%s: reading has changed it", name)
	}
	works(t, name, path)
}

// works checks that a store can be written to, or made, at a path.
func works(t *testing.T, name, path string) {
	t.Helper()
	db, err := kv.Open(t.Context(), path, kv.Options{NoSync: true})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	_, err = db.Import(t.Context(), ttpcron.Batch{Events: newGenerator(4).events(3)})
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	checked(t, path)
}

// untouched checks that a file is refused by everybody and not changed.
func untouched(t *testing.T, name, path string) {
	t.Helper()
	before := readAt(t, path)
	for _, readOnly := range []bool{true, false} {
		db, err := kv.Open(t.Context(), path, kv.Options{ReadOnly: readOnly})
		if err == nil {
			db.Close()
			t.Fatalf("%s: it opens", name)
		}
		var other *kv.NotStoreError
		var damaged *kv.DamagedError
		if !errors.As(err, &other) && !errors.As(err, &damaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !bytes.Equal(readAt(t, path), before) {
		t.Errorf("%s: it has been changed", name)
	}
}

// TestUnfinished opens every sort of file that a process leaves which is killed
// while it makes a store of an empty one, or that power failure leaves then.
func TestUnfinished(t *testing.T) {
	image, store := kv.BirthImage(), fresh(t)
	if len(store) != kv.BirthBytes {
		t.Fatalf("a new store has %d bytes, not %d", len(store), kv.BirthBytes)
	}
	plain := filepath.Join(t.TempDir(), "plain.db")
	db, err := bbolt.Open(plain, 0o600, &bbolt.Options{PageSize: 4096})
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	if !bytes.Equal(readAt(t, plain), image) {
		t.Fatal("bbolt begins a file otherwise now")
	}
	unborn(t, "empty", write(t, nil))
	for _, n := range []int{80, 511, 4096, 16384, len(store)} {
		unborn(t, fmt.Sprint(n, " zeros"), write(t, make([]byte, n)))
	}
	for _, n := range []int{80, 512, 4096, 4100, 4200, 8192, 12288, 12300, 16384} {
		unborn(t, fmt.Sprint("the first ", n, " bytes"), write(t, image[:n]))
	}
	rnd := rand.New(rand.NewPCG(5, 7))
	for range rounds(20) { // sectors that never came to the disk
		torn := bytes.Clone(image)
		for at := 0; at < len(torn); at += 512 {
			if rnd.IntN(2) == 0 {
				clear(torn[at : at+512])
			}
		}
		if rnd.IntN(2) == 0 {
			torn = append(torn, make([]byte, len(store)-len(torn))...)
		}
		unborn(t, "torn", write(t, torn))
	}
	for at := len(image); at <= len(store); at += 4096 { // the header of the first transaction is missing
		grown := append(bytes.Clone(image), make([]byte, len(store)-len(image))...)
		copy(grown[len(image):at], store[len(image):at])
		unborn(t, fmt.Sprint("pages to ", at), write(t, grown))
	}
}

// TestCertainlyUnfinished takes pieces of finished stores: anything that may have held
// data never counts as unfinished.
func TestCertainlyUnfinished(t *testing.T) {
	store := fresh(t)
	for n := 1; n <= len(store); n++ {
		if kv.Unfinished(bytes.NewReader(store[:n]), int64(n)) {
			t.Fatalf("the first %d bytes of a store", n)
		}
	}
	for n := 1; n <= 16384; n = n*3/2 + 1 {
		untouched(t, fmt.Sprint("the first ", n, " bytes"), write(t, store[:n]))
	}
	for at := 0; at < len(store); at += 512 { // a sector is lost
		torn := bytes.Clone(store)
		clear(torn[at : at+512])
		if kv.Unfinished(bytes.NewReader(torn), int64(len(torn))) {
			t.Errorf("a store without the sector at %d", at)
		}
	}
	for name, change := range map[string]func(b []byte){
		"without first header":   func(b []byte) { clear(b[:4096]) },
		"without second header":  func(b []byte) { clear(b[4096:8192]) },
		"without headers":        func(b []byte) { clear(b[:8192]) },
		"with the first headers": func(b []byte) { copy(b, kv.BirthImage()[:8192]); b[8192] ^= 1 },
		"a byte":                 func(b []byte) { clear(b); b[len(b)-1] = 1 },
	} {
		torn := bytes.Clone(store)
		change(torn)
		if kv.Unfinished(bytes.NewReader(torn), int64(len(torn))) {
			t.Error(name)
		}
	}
	// The header of the only transaction is damaged: bbolt would take the one before.
	torn := bytes.Clone(store)
	torn[20] ^= 1
	untouched(t, "a damaged header", write(t, torn))
}

// TestBirthSparesOthers opens files of other programs, empty databases among them.
func TestBirthSparesOthers(t *testing.T) {
	dir := t.TempDir()
	bolt := func(name string, pageSize int, do func(tx *bbolt.Tx) error) string {
		path := filepath.Join(dir, name)
		db, err := bbolt.Open(path, 0o600, &bbolt.Options{PageSize: pageSize})
		if err == nil {
			err = errors.Join(db.Update(do), db.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	rnd := rand.New(rand.NewPCG(8, 8))
	random := make([]byte, 20_000)
	for i := range random {
		random[i] = byte(rnd.Uint32())
	}
	sqlite := append([]byte("SQLite format 3\x00"), make([]byte, 4080)...)
	for name, path := range map[string]string{
		"bbolt": bolt("theirs.db", 4096, func(tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("theirs")); return err }),
		"bbolt, everything deleted": bolt("deleted.db", 4096, func(tx *bbolt.Tx) error {
			_, err := tx.CreateBucket([]byte("theirs"))
			return errors.Join(err, tx.DeleteBucket([]byte("theirs")))
		}),
		"bbolt, nothing in it":    bolt("nothing.db", 4096, func(*bbolt.Tx) error { return nil }),
		"bbolt, other page size":  bolt("large.db", 16384, func(*bbolt.Tx) error { return nil }),
		"SQLite":                  write(t, sqlite),
		"text":                    write(t, []byte("a note\n")),
		"a letter":                write(t, []byte("x")),
		"random":                  write(t, random),
		"more zeros than a store": write(t, make([]byte, kv.BirthBytes+1)),
		"zeros and a byte":        write(t, append(make([]byte, 5000), 1)),
	} {
		untouched(t, name, path)
	}
}

// TestBirthLeavesNothing makes stores under every sort of path: nothing else is left in
// the folder, and a link leads to the file that it named.
func TestBirthLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "link.db")
	if err := os.Symlink(filepath.Join("sub", "real.db"), link); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	works(t, "a link that leads nowhere yet", link)
	works(t, "a new folder", filepath.Join(dir, "a", "b", "c.db"))
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link: %v, %v", info, err)
	}
	var names []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if !d.IsDir() {
			names = append(names, strings.TrimPrefix(path, dir))
		} else if strings.Contains(d.Name(), ".tmp") {
			t.Errorf("%s is left", path)
		}
		return err
	})
	if err != nil || strings.Join(names, " ") != "/a/b/c.db /link.db /sub/real.db" {
		t.Errorf("%v, %v", names, err)
	}
	loop := filepath.Join(dir, "loop.db")
	if err := os.Symlink(loop, loop); err != nil {
		t.Fatal(err)
	}
	if db, err := kv.Open(t.Context(), loop, kv.Options{}); err == nil {
		db.Close()
		t.Error("a link to itself opens")
	}
}

// childBirth makes stores, or finishes empty files, for as long as it lives.
func childBirth(ctx context.Context, path string, finish bool) error {
	for n := 1; ; n++ {
		name := fmt.Sprint(path, n)
		if finish {
			if err := os.WriteFile(name, nil, 0o600); err != nil {
				return err
			}
		}
		db, err := kv.Open(ctx, name, kv.Options{})
		if err == nil {
			err = db.Close()
		}
		if err != nil {
			return err
		}
		fmt.Println(n)
	}
}

// TestKilledBirth kills a process that makes stores. A store that is there is
// whole; only a file that was there before, empty, may be found unfinished.
func TestKilledBirth(t *testing.T) {
	rnd := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 5))
	for _, what := range []string{"birth", "finish"} {
		for range rounds(25) {
			path := filepath.Join(t.TempDir(), "test.db")
			n := killAfter(t, what, path, 1+rnd.IntN(4), time.Duration(rnd.IntN(12_000))*time.Microsecond)
			for i := max(n-1, 1); i <= n+1; i++ {
				name := fmt.Sprint(path, i)
				_, err := os.Stat(name)
				if err != nil && (i <= n || !errors.Is(err, fs.ErrNotExist)) {
					t.Fatal(err)
				}
				db, err := kv.Open(t.Context(), name, kv.Options{ReadOnly: true})
				empty := (*kv.UnfinishedError)(nil)
				switch {
				case err == nil:
					db.Close()
				case i > n && errors.Is(err, fs.ErrNotExist):
				case i > n && what == "finish" && errors.As(err, &empty):
				default:
					t.Fatalf("%s, store %d of %d: %v", what, i, n, err)
				}
				works(t, what, name)
			}
			if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), fmt.Sprintf(".test.db%d.*.tmp", n+1))); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		}
	}
}

// childCreator stores an event in a store that may not exist yet.
func childCreator(ctx context.Context, path string) error {
	fmt.Println("ready")
	db, err := kv.Open(ctx, path, kv.Options{LockTimeout: time.Minute})
	if err != nil {
		return err
	}
	_, err = db.Import(ctx, ttpcron.Batch{Events: newGenerator(uint64(os.Getpid())).events(1)})
	return errors.Join(err, db.Close())
}

// TestCreators lets several processes make one store at once: the events of each are
// there.
func TestCreators(t *testing.T) {
	const creators = 4
	for round := range rounds(8) {
		path := filepath.Join(t.TempDir(), "test.db")
		if round%2 == 1 {
			path = write(t, nil)
		}
		var wait []func() error
		for range creators {
			cmd, out := start(t, "creator", path)
			wait = append(wait, func() error {
				for out.Scan() {
				}
				return cmd.Wait()
			})
		}
		for _, w := range wait {
			if err := w(); err != nil {
				t.Fatal(err)
			}
		}
		db := kvtest.OpenAt(t, path)
		n := 0
		readAll(t, db, func(page []ttpcron.Event) { n += len(page) })
		if n != creators {
			t.Errorf("%d events of %d processes", n, creators)
		}
	}
}
