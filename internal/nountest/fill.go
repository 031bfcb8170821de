// Package nountest helps tests show that no field of a noun is lost on its way
// through a file, a wire or a store. [Fill] gives every field a value of its own,
// and [Differences] lists the fields that did not come back.
//
// Fill also fills fields that are added to a noun later, so such a test fails
// until they are carried along.
package nountest

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

// maxDepth bounds how deep types may nest; one that holds itself has no end.
const maxDepth = 32

// Option changes what [Fill] does.
type Option func(*filler)

// Values makes Fill call of for every value of type T, with a number that is at
// least 1 and different each time. It overrides what Fill does by default.
func Values[T any](of func(n uint64) T) Option {
	return func(f *filler) {
		f.hooks[reflect.TypeFor[T]()] = func(n uint64) reflect.Value { return reflect.ValueOf(of(n)) }
	}
}

// After makes Fill choose other values than it does without this option, the same
// ones for the same n.
func After(n uint64) Option { return func(f *filler) { f.n = n << 16 } }

// Fill sets every exported field reachable from the pointer v to a value that is
// not zero, and different from all others as far as its type allows. It always
// chooses the same values. It fails the test for a type that it does not know.
//
// Slices get two elements and maps one. Strings are plain text, or a UUID if the
// name of the field ends in UUID. Times are UTC with nanoseconds, floats lie
// between 0 and 1, and raw JSON is an object. [ttpcron.Event.Validate] accepts a
// filled event.
func Fill(t testing.TB, v any, options ...Option) {
	t.Helper()
	if err := fill(v, options); err != nil {
		t.Fatalf("nountest: %v", err)
	}
}

type filler struct {
	n     uint64
	hooks map[reflect.Type]func(n uint64) reflect.Value
}

func fill(v any, options []Option) error {
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer || p.IsNil() {
		return fmt.Errorf("%T is not a pointer to a value", v)
	}
	f := &filler{hooks: map[reflect.Type]func(uint64) reflect.Value{}}
	for _, o := range append(nouns(), options...) {
		o(f)
	}
	return f.set(p.Elem(), p.Elem().Type().String(), maxDepth)
}

// nouns makes values for the types that do not take just any.
func nouns() []Option {
	return []Option{
		Values(func(n uint64) time.Time { return time.Unix(1_500_000_000+int64(n)*3601, int64(n)*1_000_003+1).UTC() }),
		Values(func(n uint64) json.RawMessage { return json.RawMessage(fmt.Sprintf(`{"n":%d}`, n)) }),
		Values(func(n uint64) ttpcron.Payload {
			return ttpcron.Payload{
				{Name: "command_text", Text: fmt.Sprint("echo ", n)},
				{Name: "raw", Raw: json.RawMessage(fmt.Sprintf(`[%d,{"null":null}]`, n))},
			}
		}),
		Values(func(n uint64) ttpcron.SourceKind { return ttpcron.SourceKind(fmt.Sprint("kind", n)) }),
		Values(func(n uint64) ttpcron.Origin { return oneOf(n, ttpcron.OriginResolved, ttpcron.OriginDerived) }),
		Values(func(uint64) ttpcron.Vantage { return ttpcron.VantageHost }),
		Values(func(n uint64) ttpcron.LookOutcome {
			return oneOf(n, ttpcron.LookUnknown, ttpcron.LookGivenUp, ttpcron.LookBelow, ttpcron.LookLacks)
		}),
		Values(func(n uint64) ttpcron.RuleStatus {
			return oneOf(n, ttpcron.StatusEnabled, ttpcron.StatusDisabled, ttpcron.StatusClipped)
		}),
		Values(func(n uint64) ttpcron.Level {
			return oneOf(n, ttpcron.LevelInformational, ttpcron.LevelLow, ttpcron.LevelHigh, ttpcron.LevelCritical)
		}),
		Values(func(n uint64) netip.Prefix {
			return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}), 32)
		}),
		Values(uuid),
	}
}

func oneOf[T any](n uint64, values ...T) T { return values[n%uint64(len(values))] }

func uuid(n uint64) (u ttpcron.UUID) {
	binary.BigEndian.PutUint64(u[:8], 0x0d6de7c33f3c4a5e)
	binary.BigEndian.PutUint64(u[8:], 0x8d0e<<48|n)
	return u
}

func (f *filler) set(v reflect.Value, path string, depth int) error {
	if depth == 0 {
		return fmt.Errorf("%s: nested too deep", path)
	}
	f.n++
	if hook := f.hooks[v.Type()]; hook != nil {
		v.Set(hook(f.n))
		if v.IsZero() {
			return fmt.Errorf("%s: the value given for %s is zero", path, v.Type())
		}
		return nil
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(f.n%(1<<(v.Type().Bits()-1)-1)) + 1)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		v.SetUint(f.n%(1<<(v.Type().Bits()-1)) + 1)
	case reflect.Float32, reflect.Float64:
		v.SetFloat(float64(f.n) / float64(f.n+1))
	case reflect.String:
		v.SetString(text(path, f.n))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return f.set(v.Elem(), path, depth-1)
	case reflect.Struct:
		return f.fields(v, path, depth)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		return f.elements(v, path, depth)
	case reflect.Array:
		return f.elements(v, path, depth)
	case reflect.Map:
		return f.entry(v, path, depth)
	default:
		return fmt.Errorf("%s: no value is known for %s", path, v.Type())
	}
	return nil
}

func text(path string, n uint64) string {
	name := path[strings.LastIndexByte(path, '.')+1:]
	if strings.HasSuffix(name, "UUID") {
		return uuid(n).String()
	}
	return fmt.Sprint(name, " ", n)
}

func (f *filler) fields(v reflect.Value, path string, depth int) error {
	exported := 0
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if embedsFields(field) {
			exported++
			if err := f.fields(v.Field(i), path, depth-1); err != nil {
				return err
			}
			continue
		}
		if !field.IsExported() {
			continue
		}
		exported++
		if err := f.set(v.Field(i), path+"."+field.Name, depth-1); err != nil {
			return err
		}
	}
	if exported == 0 {
		return fmt.Errorf("%s: %s has no exported field", path, v.Type())
	}
	return nil
}

// embedsFields reports whether a field embeds an unexported struct, whose exported
// fields are promoted.
func embedsFields(f reflect.StructField) bool {
	return f.Anonymous && !f.IsExported() && f.Type.Kind() == reflect.Struct
}

func (f *filler) elements(v reflect.Value, path string, depth int) error {
	for i := range v.Len() {
		if err := f.set(v.Index(i), fmt.Sprintf("%s[%d]", path, i), depth-1); err != nil {
			return err
		}
	}
	return nil
}

func (f *filler) entry(v reflect.Value, path string, depth int) error {
	key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
	if err := errors.Join(f.set(key, path+"[key]", depth-1), f.set(value, path+"[value]", depth-1)); err != nil {
		return err
	}
	v.Set(reflect.MakeMap(v.Type()))
	v.SetMapIndex(key, value)
	return nil
}

// Differences returns the paths of the exported fields, such as Sources[1].Events,
// in which two values of one type differ. Times are equal if they are the same
// instant.
func Differences(want, got any) []string {
	a, b := reflect.ValueOf(want), reflect.ValueOf(got)
	if a.Type() != b.Type() {
		return []string{fmt.Sprintf("%T is not %T", got, want)}
	}
	return differences(nil, a, b, "")
}

func differences(list []string, a, b reflect.Value, path string) []string {
	switch {
	case a.Type() == reflect.TypeFor[time.Time]():
		if !a.Interface().(time.Time).Equal(b.Interface().(time.Time)) {
			list = append(list, path)
		}
		return list
	case a.Kind() == reflect.Pointer && !a.IsNil() && !b.IsNil():
		return differences(list, a.Elem(), b.Elem(), path)
	case a.Kind() == reflect.Struct:
		for i := range a.NumField() {
			if field := a.Type().Field(i); embedsFields(field) {
				list = differences(list, a.Field(i), b.Field(i), path)
			} else if field.IsExported() {
				list = differences(list, a.Field(i), b.Field(i), strings.TrimPrefix(path+"."+field.Name, "."))
			}
		}
		return list
	case a.Kind() == reflect.Slice && a.Len() == b.Len():
		for i := range a.Len() {
			list = differences(list, a.Index(i), b.Index(i), fmt.Sprintf("%s[%d]", path, i))
		}
		return list
	}
	if !reflect.DeepEqual(a.Interface(), b.Interface()) {
		list = append(list, path)
	}
	return list
}
