package jsontext

// IsWhole reports whether a text is a whole number of at most 18 digits, at least zero, in its
// only spelling.
func IsWhole(text []byte) bool {
	if len(text) == 0 || len(text) > 18 || text[0] == '0' && len(text) > 1 {
		return false
	}
	for _, c := range text {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
