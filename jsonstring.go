package ttpcron

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"unicode/utf8"
)

// Attackers send bytes that are not UTF-8, and JSON cannot hold them. Python,
// in which Cowrie and OpenCanary are written, reads byte 0xNN of such input as
// the lone surrogate U+DCNN (PEP 383, "surrogateescape") and its json module
// writes that as \udcNN. AppendJSONString and DecodeJSONString keep the same
// convention, so that text survives a round trip byte for byte.

const hexDigits = "0123456789abcdef"

// AppendJSONString appends s as a JSON string. A byte 0xNN that is not part of
// valid UTF-8 is written \udcNN (PEP 383). Control characters, DEL, and the
// line separators U+2028 and U+2029 are escaped.
func AppendJSONString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			switch {
			case r == utf8.RuneError && n == 1:
				dst = append(dst, s[start:i]...)
				dst = append(dst, `\udc`...)
				dst = append(dst, hexDigits[c>>4], hexDigits[c&15])
			case r == '\u2028' || r == '\u2029' || r >= 0x80 && r < 0xa0:
				dst = append(dst, s[start:i]...)
				dst = append(dst, `\u`...)
				dst = append(dst, hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
			default:
				i += n
				continue
			}
			i += n
			start = i
			continue
		}
		if c >= 0x20 && c != '"' && c != '\\' && c != 0x7f {
			i++
			continue
		}
		dst = append(dst, s[start:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

// DecodeJSONString decodes one JSON string, quotes included. A lone \udcNN
// from 80 to ff becomes the byte 0xNN (PEP 383), and raw bytes that are not
// UTF-8 stay as they are; any other lone surrogate becomes U+FFFD, as in
// [encoding/json]. What AppendJSONString made comes back byte for byte.
func DecodeJSONString(raw []byte) (string, error) {
	if len(raw) < 2 || raw[0] != '"' || raw[len(raw)-1] != '"' || !json.Valid(raw) {
		return "", errors.New("not a JSON string")
	}
	return decodeString(raw), nil
}

// decodeString is DecodeJSONString of a string known to be valid.
func decodeString(raw []byte) string {
	body := raw[1 : len(raw)-1]
	if bytes.IndexByte(body, '\\') < 0 {
		return string(body)
	}
	return string(appendUnescaped(make([]byte, 0, len(body)), body))
}

// appendUnescaped decodes the inside of a string that json.Valid accepted.
func appendUnescaped(out, body []byte) []byte {
	for i := 0; i < len(body); {
		c := body[i]
		if c != '\\' {
			out = append(out, c)
			i++
			continue
		}
		switch e := body[i+1]; e {
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r := hexRune(body[i+2 : i+6])
			i += 6
			switch {
			case r >= 0xd800 && r < 0xdc00 && i+6 <= len(body) && body[i] == '\\' && body[i+1] == 'u':
				low := hexRune(body[i+2 : i+6])
				if low < 0xdc00 || low > 0xdfff {
					out = utf8.AppendRune(out, utf8.RuneError)
					continue
				}
				out = utf8.AppendRune(out, (r-0xd800)<<10|(low-0xdc00)+0x10000)
				i += 6
			case r >= 0xdc80 && r <= 0xdcff:
				out = append(out, byte(r))
			default:
				out = utf8.AppendRune(out, r) // a surrogate becomes U+FFFD
			}
			continue
		default:
			out = append(out, e)
		}
		i += 2
	}
	return out
}

func hexRune(digits []byte) rune {
	n, _ := strconv.ParseUint(string(digits), 16, 32)
	return rune(n)
}
