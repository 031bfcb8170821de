package page

import (
	"bytes"
	"testing"

	"github.com/ttpcron/ttpcron/report"
)

func TestKnown(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, &report.Report{}, Options{}); err != nil {
		t.Fatal(err)
	}
	if !Known(b.Bytes()[:KnownBytes]) {
		t.Error("a page is not known by its beginning")
	}
	for _, other := range []string{"", "<!doctype html>\n<title>ttpcron report</title>", "x" + b.String()} {
		if Known([]byte(other)) {
			t.Errorf("%.60q is taken for a page", other)
		}
	}
}
