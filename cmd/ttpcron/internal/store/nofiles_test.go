package store

import (
	"reflect"
	"regexp"
	"testing"
)

// named are fields of requests that hold names of files as something stored. The daemon
// keeps them and opens none.
var named = map[string]string{
	"ttpcron.Reject.File":       "where a line was read that could not be used",
	"ttpcron.FilePosition.Path": "which file was read how far",
	"ttpcron.FileLook.Path":     "how a file looked when it was read",
}

// No request names a file, so that a caller cannot use the daemon's rights on one. A new
// field that sounds like a file's must be judged by a person, and listed in named.
func TestNoCallNamesAFile(t *testing.T) {
	suspect := regexp.MustCompile(`(?i)path|file|dir|folder|socket|output|input`)
	all, seen := reflect.TypeOf(calls).Elem(), map[reflect.Type]bool{}
	var look func(at string, typ reflect.Type)
	look = func(at string, typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Array:
			look(at, typ.Elem())
		case reflect.Map:
			look(at, typ.Key())
			look(at, typ.Elem())
		case reflect.Struct:
			if seen[typ] {
				return
			}
			seen[typ] = true
			for i := range typ.NumField() {
				f := typ.Field(i)
				if name := typ.String() + "." + f.Name; suspect.MatchString(f.Name) && named[name] == "" {
					t.Errorf("%s: the request has %s %s, which sounds like a file", at, name, f.Type)
				}
				look(at, f.Type)
			}
		}
	}
	requests := 0
	for i := range all.NumField() {
		f := all.Field(i)
		do, ok := f.Type.FieldByName("do")
		if f.Type == reflect.TypeFor[copying]() { // its request is none, by its type
			continue
		}
		if !ok || do.Type.Kind() != reflect.Func {
			t.Errorf("%s: it is not known what it is asked with", f.Name)
			continue
		}
		for in := range do.Type.NumIn() {
			if arg := do.Type.In(in); arg.String() != "context.Context" && arg != reflect.TypeFor[*Holder]() && arg.Kind() != reflect.Interface && arg.Kind() != reflect.Func {
				requests++
				look(f.Name, arg)
			}
		}
	}
	if requests < 30 {
		t.Errorf("only %d requests were looked at", requests)
	}
}
