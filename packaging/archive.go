//go:build ignore

// Command archive packs a folder as .tar.gz or .zip, so that the same files give
// the same bytes: sorted by name, owned by root, all of one time.
// go run packaging/archive.go -time SECONDS FOLDER FILE
package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"flag"
	"io"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// entry is a file or folder as it goes into the archive.
type entry struct {
	name, path string
	mode       fs.FileMode
	size       int64
}

func main() {
	log.SetFlags(0)
	seconds := flag.Int64("time", 0, "time of all files, in seconds since 1970")
	flag.Parse()
	if flag.NArg() != 2 {
		log.Fatal("usage: archive -time SECONDS FOLDER FILE")
	}
	dir, name := flag.Arg(0), flag.Arg(1)
	if err := pack(dir, name, time.Unix(*seconds, 0).UTC()); err != nil {
		log.Fatal(err)
	}
}

func pack(dir, name string, when time.Time) error {
	entries, err := list(dir)
	if err != nil {
		return err
	}
	out, err := os.Create(name)
	if err != nil {
		return err
	}
	if strings.HasSuffix(name, ".zip") {
		err = packZip(out, entries, when)
	} else {
		err = packTar(out, entries, when)
	}
	if cerr := out.Close(); err == nil {
		err = cerr
	}
	return err
}

// list walks a folder in the order of names, whatever the file system's is.
func list(dir string) (entries []entry, err error) {
	parent := filepath.Dir(filepath.Clean(dir))
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(parent, path)
		if err != nil {
			return err
		}
		e := entry{name: filepath.ToSlash(name), path: path, mode: 0o644, size: info.Size()}
		switch {
		case d.IsDir():
			e.name, e.mode, e.size = e.name+"/", fs.ModeDir|0o755, 0
		case info.Mode()&0o100 != 0:
			e.mode = 0o755
		}
		entries = append(entries, e)
		return nil
	})
	return entries, err
}

func packTar(out io.Writer, entries []entry, when time.Time) error {
	z, err := gzip.NewWriterLevel(out, gzip.BestCompression)
	if err != nil {
		return err
	}
	t := tar.NewWriter(z)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Mode: int64(e.mode.Perm()), Size: e.size, ModTime: when, Typeflag: tar.TypeReg, Uname: "root", Gname: "root", Format: tar.FormatUSTAR}
		if e.mode.IsDir() {
			h.Typeflag = tar.TypeDir
		}
		if err := t.WriteHeader(h); err != nil {
			return err
		}
		if err := content(t, e); err != nil {
			return err
		}
	}
	if err := t.Close(); err != nil {
		return err
	}
	return z.Close()
}

func packZip(out io.Writer, entries []entry, when time.Time) error {
	z := zip.NewWriter(out)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Modified: when, Method: zip.Deflate}
		h.SetMode(e.mode)
		w, err := z.CreateHeader(h)
		if err != nil {
			return err
		}
		if err := content(w, e); err != nil {
			return err
		}
	}
	return z.Close()
}

// content copies what is in a file, and of a folder nothing.
func content(w io.Writer, e entry) error {
	if e.mode.IsDir() {
		return nil
	}
	f, err := os.Open(e.path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}
