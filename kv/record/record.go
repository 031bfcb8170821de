// Package record encodes what a store keeps: keys, and the values under them. It knows no
// transactions and no files.
//
// # Records
//
// Every value in the file is a record: a version byte, a checksum of four bytes,
// little-endian, and a body. The checksum is the CRC-32C of the version, the record's key
// and the body. The key is part of it so that a record in the wrong place is detected too.
// It is given in parts. In an index and in buckets of a kind or a day, it begins with the
// bucket's name.
//
// The version is that of the record's [Type]. A body is a list of fields without names:
// numbers as [encoding/binary]'s varints, text and bytes with their length, times as
// seconds and nanoseconds, names such as UUIDs and addresses packed (see [AppendPacked]). A
// reader takes exactly the fields of the record's version, and refuses anything left over.
//
// # Adding a field
//
// A field that is added to a noun is written last, and raises the version of its
// type in types.go by one. The decoder reads it where [Reader.Version] says that
// it is there:
//
//	if r.Version >= 2 {
//		m.Owner = r.Text()
//	}
//
// So old records stay as they are, with the zero value for the field, and a store needs no
// new schema. A program that is older than a record returns a [NewerError] and does not
// call it damage.
//
// # Keys
//
// Numbers in keys are big-endian, so that the order of keys is the order of
// numbers. Package layout lists the keys of every bucket, docs/store.md every field
// of every record, and a test holds that none is missing there.
package record

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// HeaderSize is the size of what comes before the body of a record.
const HeaderSize = 5

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var (
	errShort    = Damage("record ends early")
	errChecksum = Damage("checksum does not match")
	errPacked   = Damage("packed string has an unknown form")
)

// Damage is the error for bytes that are not what was written.
type Damage string

// Error says what is wrong.
func (d Damage) Error() string { return string(d) }

// Damagef makes a [Damage].
func Damagef(format string, args ...any) error { return Damage(fmt.Sprintf(format, args...)) }

// A Type is a type of record. A program writes records of its version, and reads those of
// every version up to it.
type Type struct {
	Name    string // as errors call it
	Version byte   // that is written, and the highest that is known
}

// Begin appends a header that [End] completes.
func (t *Type) Begin(dst []byte) []byte { return append(dst, t.Version, 0, 0, 0, 0) }

// Open checks a record and returns a reader of its body. The checksum covers the
// version, so a version that is too high was written that way: it is a
// *[NewerError], not damage.
func (t *Type) Open(rec []byte, key ...[]byte) (Reader, error) {
	if err := CheckSum(rec, key...); err != nil {
		return Reader{}, err
	}
	switch v := rec[0]; {
	case v == 0:
		return Reader{}, Damagef("%s of version 0", t.Name)
	case v > t.Version:
		return Reader{}, &NewerError{t.Name, v, t.Version}
	}
	return Reader{Version: rec[0], Rest: rec[HeaderSize:]}, nil
}

// NewerError says that a later version of the program wrote a record.
type NewerError struct {
	Type           string // its name
	Version, Known byte   // of the record, and the highest that this program reads
}

// Error says what to do.
func (e *NewerError) Error() string {
	return fmt.Sprintf("%s of version %d: written by a newer ttpcron, this one knows versions up to %d; use the version of ttpcron that wrote it, or a later one", e.Type, e.Version, e.Known)
}

// End sets the checksum of a record that [Type.Begin] began. The key is given in
// parts.
func End(rec []byte, key ...[]byte) []byte {
	binary.LittleEndian.PutUint32(rec[1:], recordSum(rec, key))
	return rec
}

func recordSum(rec []byte, key [][]byte) uint32 {
	sum := crc32.Update(0, castagnoli, rec[:1])
	for _, k := range key {
		sum = crc32.Update(sum, castagnoli, k)
	}
	return crc32.Update(sum, castagnoli, rec[HeaderSize:])
}

// CheckSum checks the checksum of a record of any type and version.
func CheckSum(rec []byte, key ...[]byte) error {
	switch {
	case len(rec) < HeaderSize:
		return errShort
	case binary.LittleEndian.Uint32(rec[1:]) != recordSum(rec, key):
		return errChecksum
	}
	return nil
}
