package settings

import (
	"errors"
	"strings"
	"testing"
)

// A file at a default place that vanishes is not taken for the wish to have none.
func TestConfigThatVanishes(t *testing.T) {
	for _, tt := range []struct {
		old, now File
		want     string
	}{
		{File{Path: "a", Found: true}, File{Path: "a"}, "a is gone"},
		{File{Path: "a", Found: true}, File{Path: "b", Found: true}, "a is gone"},
		{File{Path: "a", Found: true}, File{Path: "a", Found: true, Empty: true}, "a is empty"},
		{File{Path: "a", Found: true}, File{Path: "a", Found: true}, ""},
		{File{Path: "a", Found: true, Empty: true}, File{Path: "a", Found: true, Empty: true}, ""},
		{File{Path: "a"}, File{Path: "a", Found: true}, ""},
		{File{Path: "a"}, File{Path: "a"}, ""},
	} {
		err := Lost(&Daemon{File: tt.old}, &Daemon{File: tt.now})
		if err == nil {
			err = errors.New("")
		}
		if !strings.Contains(err.Error(), tt.want) || tt.want == "" && err.Error() != "" {
			t.Errorf("%+v, then %+v: %v", tt.old, tt.now, err)
		}
	}
}
