// Package inputs turns what a user named (files, folders, patterns and databases) into what a
// job imports, and says what became of it. Start with [Find]. [Notes] logs what
// became of the files, [Wait] knows which of them a job is waiting for.
package inputs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/cli"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/mysqldb"
	"github.com/ttpcron/ttpcron/importer"
	"github.com/ttpcron/ttpcron/jobs"
)

// Options say how inputs are read.
type Options struct {
	Catalog  *importer.Catalog // of formats; nil: those of this program
	Format   string            // of those that name none; empty: recognised by content
	Settings importer.Settings // of those that do not set them
	Final    bool              // they will not grow
	// Demanding says that a file which was named must hold something of use: one that
	// gives nothing but rejects has failed, see [UselessError].
	Demanding bool
	Kinds     []ttpcron.SourceKind // of event that are asked for; nil: all
	Now       func() time.Time
	Stdin     io.Reader

	sequence *importer.Sequence
}

// Find turns what a user named into files to import. Paths that cannot be
// read are in the list too, so that they are reported in their place. A file to which several
// inputs lead is read as the nearest of them says.
func Find(named []string, o Options) ([]jobs.Input, error) {
	var all []*Way
	instead := func(in jobs.Input) { all = append(all, &Way{instead: &in}) }
	o.sequence = &importer.Sequence{}
	for _, name := range named {
		in, err := o.Catalog.ParseInput(name)
		if err != nil {
			return nil, cli.Usage(err.Error(), "an input is PATH, FORMAT:PATH or FORMAT,SETTING=VALUE:PATH; ttpcron import --list-formats lists the formats")
		}
		if in.Format == importer.Auto && o.Format != "" {
			in.Format = o.Format
		}
		in.Settings = in.Settings.Or(o.Settings)
		x, err := importer.Expand([]string{in.Path})
		for _, f := range x.Files {
			all = append(all, NewWay(in, f))
		}
		for _, left := range x.Left {
			instead(o.leaving(left))
		}
		for _, e := range Errors(err) {
			instead(failing(in.Path, e))
		}
		if len(x.Files)+len(x.Left) == 0 && err == nil {
			instead(failing(in.Path, Nothing(in.Path)))
		}
	}
	var out []jobs.Input
	for _, w := range Nearest(all) {
		switch {
		case w.instead != nil:
			out = append(out, *w.instead)
		case w.Err != nil:
			out = append(out, failing(w.Found.Path, w.Err))
		default:
			out = append(out, o.input(w.Input, w.Found))
		}
	}
	return out, nil
}

// input opens one file when its turn comes. A file that the user did not name, but that is
// in a named folder, may have no known format.
func (o Options) input(in importer.Input, found importer.Found) jobs.Input {
	named := found.Path == in.Path
	open := func(ctx context.Context, known jobs.Known, sequence *importer.Sequence) (*importer.File, error) {
		f, err := importer.Open(ctx, found.Path, importer.Options{Catalog: o.Catalog, Format: in.Format, Settings: in.Settings, Positions: known.Positions, Look: known.Look, Moved: known.Moved, Final: o.Final, Kinds: o.Kinds, Below: found.Below, Named: named, Now: o.Now, Stdin: o.Stdin, Sequence: sequence, Connect: mysqldb.Connect})
		var unknown *importer.UnknownFormatError
		var odd *ttpcron.NotRegularError
		var below *importer.BelowError
		var lacks *importer.LacksError
		if !named && (errors.As(err, &unknown) || errors.As(err, &odd) || errors.As(err, &below) || errors.As(err, &lacks)) {
			err = fmt.Errorf("%w: %w", jobs.ErrPassedOver, err)
		}
		return f, err
	}
	input := jobs.Input{Name: found.Path, Open: func(ctx context.Context, known jobs.Known) (jobs.File, error) {
		f, err := open(ctx, known, o.sequence)
		if err != nil {
			return nil, err
		}
		if named && o.Demanding {
			return &demanded{File: f}, nil
		}
		return f, nil
	}}
	if found.Path != importer.Stdin { // which can be read once
		input.Probe = func(ctx context.Context) error {
			f, err := open(ctx, jobs.Known{}, &importer.Sequence{})
			if err == nil {
				err = f.Close()
			}
			return err
		}
	}
	return input
}

// leaving is the input that says why something which a scan met is not read.
func (o Options) leaving(left *importer.LeftError) jobs.Input {
	return jobs.Input{Name: left.Path, Open: func(_ context.Context, known jobs.Known) (jobs.File, error) {
		return nil, fmt.Errorf("%w: %w", jobs.ErrPassedOver, left.Remembered(known.Look, o.Now()))
	}}
}

func failing(name string, err error) jobs.Input {
	err = InWords(name, err)
	return jobs.Input{Name: name, Err: err, Open: func(context.Context, jobs.Known) (jobs.File, error) { return nil, err }}
}

// InWords says in words that a path leads nowhere, if that is what an error says.
func InWords(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return &missingError{path, err}
	}
	return err
}

// missingError says that a path leads nowhere.
type missingError struct {
	path string
	err  error // the system's
}

func (e *missingError) Error() string { return "there is no file or folder " + e.path }

// Unwrap returns the system's error.
func (e *missingError) Unwrap() error { return e.err }

// Nothing says that a path leads to no file, such as an empty folder.
func Nothing(path string) error { return fmt.Errorf("%s: nothing to read there", path) }

// Errors lists what errors.Join joined.
func Errors(err error) []error {
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		return j.Unwrap()
	}
	if err != nil {
		return []error{err}
	}
	return nil
}
