package inputs

import (
	"context"
	"fmt"
	"iter"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/cmd/ttpcron/internal/term"
	"github.com/ttpcron/ttpcron/importer"
)

// UselessError says that a file gave nothing but rejects.
type UselessError struct {
	Path  string
	Lines int
	First string // why the first of them could not be used
}

func (e *UselessError) Error() string {
	return fmt.Sprintf("%s: %s; the first: %s", e.Path, e.what(), e.First)
}

func (e *UselessError) what() string {
	if e.Lines == 1 {
		return "its one line could not be used"
	}
	return fmt.Sprintf("none of its %s lines could be used", term.Count(e.Lines))
}

// demanded is a file that must contain something usable.
type demanded struct{ *importer.File }

// Batches yields those of the file, and then a UselessError if they held nothing but
// rejects, as far as the file was not read before: what was may have been of use.
func (f *demanded) Batches(ctx context.Context) iter.Seq2[ttpcron.Batch, error] {
	return func(yield func(ttpcron.Batch, error) bool) {
		useless := UselessError{Path: f.Path()}
		useful := false
		for b, err := range f.File.Batches(ctx) {
			useful = useful || err != nil || len(b.Events)+b.Report.LeftOut > 0 || b.Report.Ignored > b.Report.IgnoredTypes[importer.EmptyLine]
			if useless.Lines == 0 && len(b.Rejects) > 0 {
				useless.First = b.Rejects[0].Reason
			}
			useless.Lines += b.Report.Rejected
			if !yield(b, err) {
				return
			}
		}
		if before, _ := f.Resumed(); !useful && useless.Lines > 0 && before == 0 {
			yield(ttpcron.Batch{}, &useless)
		}
	}
}
