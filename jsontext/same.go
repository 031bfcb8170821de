package jsontext

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strconv"
)

// AppendSame appends a form of a JSON value that is equal for values with the same
// meaning and different for others, whatever program wrote them. The form can never
// change, since hashes over it identify events. text must be canonical JSON, see
// [AppendCanonical].
//
// A string, a number and a boolean count as their text, so 22 and "22" are the same:
// programs that pass records on convert between them. Numbers are compared by value: 22,
// 22.0 and 2.2e1 are the same, and so are 0 and -0. The order of members does not
// matter. Of members with one name the last counts, and a null member counts as missing;
// in an array, null keeps its place. Nothing is appended for null.
func AppendSame(dst, text []byte) []byte {
	var s Scanner
	s.Reset(text)
	return s.appendSame(dst)
}

// AppendSameText appends the form of a string.
func AppendSameText[T string | []byte](dst []byte, text T) []byte {
	return append(binary.AppendUvarint(append(dst, sameText), uint64(len(text))), text...)
}

// The forms: text has its length, array and object a SHA-256 over what is in them,
// so that the work is in proportion to the text however deep it is nested.
const (
	sameText   = 't'
	sameArray  = 'a'
	sameObject = 'o'
	sameNull   = 'n' // in an array
)

func (s *Scanner) appendSame(dst []byte) []byte {
	switch s.Kind() {
	case '{':
		return s.appendSameObject(dst)
	case '[':
		return s.appendSameArray(dst)
	}
	v := s.Value()
	switch {
	case v.IsNull():
		return dst
	case v.IsString():
		text, _ := v.Text()
		return AppendSameText(dst, text)
	case v.raw[0] == 't' || v.raw[0] == 'f':
		return AppendSameText(dst, v.raw)
	}
	var stack [64]byte
	return AppendSameText(dst, appendDecimal(stack[:0], v.raw))
}

func (s *Scanner) appendSameArray(dst []byte) []byte {
	var forms []byte
	for s.Array(); s.Element(); {
		n := len(forms)
		if forms = s.appendSame(forms); len(forms) == n {
			forms = append(forms, sameNull)
		}
	}
	sum := sha256.Sum256(forms)
	return append(append(dst, sameArray), sum[:]...)
}

func (s *Scanner) appendSameObject(dst []byte) []byte {
	type member struct{ from, value, to int }
	var members []member
	var forms []byte
	for s.Object(); s.Member(); {
		m := member{from: len(forms)}
		forms = append(forms, s.Name()...)
		m.value = len(forms)
		forms = s.appendSame(forms)
		m.to = len(forms)
		members = append(members, m)
	}
	name := func(m member) []byte { return forms[m.from:m.value] }
	slices.SortStableFunc(members, func(a, b member) int { return bytes.Compare(name(a), name(b)) })
	sorted := make([]byte, 0, len(forms)+2*len(members))
	for i, m := range members {
		if m.value == m.to || i+1 < len(members) && bytes.Equal(name(m), name(members[i+1])) {
			continue
		}
		sorted = binary.AppendUvarint(sorted, uint64(m.value-m.from))
		sorted = append(sorted, forms[m.from:m.to]...)
	}
	sum := sha256.Sum256(sorted)
	return append(append(dst, sameObject), sum[:]...)
}

// maxZeros is how many zeros a number gets before or after its digits, rather than
// an exponent.
const maxZeros = 40

// appendDecimal appends a number in the one spelling that its value has: without
// zeros that say nothing, and with an exponent only where it would have many. A
// number whose exponent has ten digits or more stays as it is spelled.
func appendDecimal(dst, number []byte) []byte {
	rest := number
	negative := rest[0] == '-'
	if negative {
		rest = rest[1:]
	}
	mantissa, exponent := rest, int64(0)
	if i := bytes.IndexAny(rest, "eE"); i >= 0 {
		mantissa = rest[:i]
		n, err := strconv.ParseInt(string(rest[i+1:]), 10, 64)
		if err != nil || n > 999_999_999 || n < -999_999_999 {
			return append(dst, number...)
		}
		exponent = n
	}
	whole, fraction, _ := bytes.Cut(mantissa, []byte{'.'})
	digits := bytes.TrimLeft(append(whole[:len(whole):len(whole)], fraction...), "0")
	exponent -= int64(len(fraction))
	trimmed := bytes.TrimRight(digits, "0")
	exponent += int64(len(digits) - len(trimmed))
	if digits = trimmed; len(digits) == 0 {
		return append(dst, '0')
	}
	if negative {
		dst = append(dst, '-')
	}
	n := int64(len(digits))
	switch {
	case exponent >= 0 && exponent <= maxZeros:
		return append(append(dst, digits...), bytes.Repeat([]byte{'0'}, int(exponent))...)
	case exponent < 0 && -exponent < n:
		dst = append(append(dst, digits[:n+exponent]...), '.')
		return append(dst, digits[n+exponent:]...)
	case exponent < 0 && -exponent-n <= maxZeros:
		dst = append(append(dst, "0."...), bytes.Repeat([]byte{'0'}, int(-exponent-n))...)
		return append(dst, digits...)
	}
	return strconv.AppendInt(append(append(dst, digits...), 'e'), exponent, 10)
}
