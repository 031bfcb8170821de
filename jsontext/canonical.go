package jsontext

// AppendCanonical appends a JSON value without white space between its tokens and with
// every string as AppendString writes it, so that a value has the same spelling whatever
// programs it passed through. It keeps the order of members and the spelling of numbers.
// On an error it returns dst unchanged.
func AppendCanonical(dst, text []byte) ([]byte, error) {
	var s Scanner
	s.Reset(text)
	out := s.AppendCanonical(dst)
	if err := s.End(); err != nil {
		return dst, err
	}
	return out, nil
}

// AppendCanonical reads the next value and appends it as the function of the same
// name does. If End returns an error, what was appended is incomplete.
func (s *Scanner) AppendCanonical(dst []byte) []byte {
	switch s.Kind() {
	case '{':
		dst = append(dst, '{')
		first := len(dst)
		for s.Object(); s.Member(); {
			if len(dst) > first {
				dst = append(dst, ',')
			}
			name := Value{raw: s.text[s.nameStart:s.nameEnd], escaped: s.nameEscaped}
			dst = append(name.appendCanonical(dst), ':')
			dst = s.AppendCanonical(dst)
		}
		return append(dst, '}')
	case '[':
		dst = append(dst, '[')
		first := len(dst)
		for s.Array(); s.Element(); {
			if len(dst) > first {
				dst = append(dst, ',')
			}
			dst = s.AppendCanonical(dst)
		}
		return append(dst, ']')
	}
	return s.Value().appendCanonical(dst)
}

// appendCanonical appends a value that is neither object nor array.
func (v Value) appendCanonical(dst []byte) []byte {
	if !v.IsString() || !v.escaped && verbatim(v.inside()) == len(v.inside()) {
		return append(dst, v.raw...)
	}
	text, _ := v.Text()
	return AppendString(dst, text)
}
