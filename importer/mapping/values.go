package mapping

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jsontext"
)

// value describes where a value comes from and how it is changed.
type value struct {
	from     []place // the first that the record has
	join     []place // or several, joined with spaces
	constant *ttpcron.Field

	decode    string // decodeBase64, decodeHex
	match     *regexp.Regexp
	part      string // partHost, partPort
	cutPrefix string
	cutSuffix string
	lower     bool
	last      bool     // only the last element of a list has it
	missing   []string // texts that count as missing
	// milliseconds says that the value is a duration, in seconds or with a unit.
	milliseconds bool
	changes      map[string]ttpcron.Field // of texts into other values
	otherwise    *ttpcron.Field           // for a record without it
}

const (
	decodeBase64 = "base64"
	decodeHex    = "hex"
	partHost     = "host"
	partPort     = "port"
)

// hexSeparators may lie between the bytes of a text in hexadecimal.
var hexSeparators = strings.NewReplacer(" ", "", ":", "")

// works reports whether the text of the value is changed.
func (v *value) works() bool {
	return v.decode != "" || v.match != nil || v.part != "" || v.cutPrefix != "" || v.cutSuffix != "" || v.lower || v.milliseconds || v.changes != nil
}

// fieldOf returns a value as a field of a payload.
func (r *Reader) fieldOf(v *value, name string) (ttpcron.Field, bool) {
	f := ttpcron.Field{Name: name}
	switch {
	case v.constant != nil:
		f.Text, f.Raw = v.constant.Text, v.constant.Raw
		return f, true
	case v.join != nil:
		if text := r.joined(v.join); len(text) > 0 {
			f.Text = r.room.Text(text)
			return f, true
		}
	}
	found := r.firstOf(v)
	switch raw := found.Raw(); {
	case len(raw) == 0, v.last && !r.final:
		if v.otherwise != nil {
			f.Text, f.Raw = v.otherwise.Text, v.otherwise.Raw
			return f, true
		}
		return f, false
	case v.works():
		if out, ok := r.worked(v, found, f); ok || v.otherwise == nil {
			return out, ok
		}
		f.Text, f.Raw = v.otherwise.Text, v.otherwise.Raw
	case found.IsString():
		f.Text = r.textOf(found)
	case jsontext.IsWhole(raw), string(raw) == "true", string(raw) == "false":
		f.Raw = r.room.Raw(raw)
	default:
		r.scratch, _ = jsontext.AppendCanonical(r.scratch[:0], raw)
		f.Raw = r.room.Raw(r.scratch)
	}
	return f, true
}

// worked returns a value after its changes.
func (r *Reader) worked(v *value, found jsontext.Value, f ttpcron.Field) (ttpcron.Field, bool) {
	text := r.scalar(found)
	switch v.decode {
	case decodeBase64:
		text = decoded64(text)
	case decodeHex:
		if b, err := hex.DecodeString(hexSeparators.Replace(text)); err == nil {
			text = string(b)
		}
	}
	if v.match != nil {
		at := v.match.FindStringSubmatchIndex(text)
		if at == nil {
			return f, false
		}
		group := at[min(2, len(at)-2):] // the first, or the whole
		if group[0] < 0 {               // in an alternative that was not taken
			return f, false
		}
		text = text[group[0]:group[1]]
	}
	switch v.part {
	case partHost:
		text, _ = splitPort(text)
	case partPort:
		if _, text = splitPort(text); text == "" {
			return f, false
		}
	}
	text = strings.TrimSuffix(strings.TrimPrefix(text, v.cutPrefix), v.cutSuffix)
	if v.lower {
		text = strings.ToLower(text)
	}
	if v.milliseconds {
		f.Raw = milliseconds(text)
		return f, f.Raw != nil
	}
	if v.missing != nil && slices.Contains(v.missing, text) {
		return f, false
	}
	if v.changes != nil {
		to, ok := v.changes[text]
		f.Text, f.Raw = to.Text, to.Raw
		return f, ok
	}
	f.Text = text
	return f, true
}

// decoded64 decodes base64 in any of its alphabets. What is not base64 stays as it is.
func decoded64(text string) string {
	for _, e := range [...]*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if b, err := e.DecodeString(text); err == nil {
			return string(b)
		}
	}
	return text
}

// splitPort splits "203.0.113.7:22" and "[2001:db8::7]:22". A text without a port is all
// host.
func splitPort(text string) (host, port string) {
	if at, err := netip.ParseAddrPort(text); err == nil {
		return at.Addr().String(), text[strings.LastIndexByte(text, ':')+1:]
	}
	if _, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return strings.Trim(text, "[]"), ""
	}
	if i := strings.LastIndexByte(text, ':'); i >= 0 && jsontext.IsWhole([]byte(text[i+1:])) {
		return text[:i], text[i+1:]
	}
	return text, ""
}

// firstOf returns the first member, of those that a value names, that the record has.
func (r *Reader) firstOf(v *value) jsontext.Value {
	for _, p := range v.from {
		found := r.find(p)
		if len(found.Raw()) > 0 && (v.missing == nil || !slices.Contains(v.missing, r.scalar(found))) {
			return found
		}
	}
	return jsontext.Value{}
}

// milliseconds returns a duration as JSON: of seconds, as "12.5", or with units as Go writes
// it, "1m1.52s". It is nil for anything else.
func milliseconds(text string) json.RawMessage {
	if len(text) == 0 || len(text) > 32 {
		return nil
	}
	if last := text[len(text)-1]; '0' <= last && last <= '9' {
		text += "s"
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return nil
	}
	return strconv.AppendInt(nil, d.Round(time.Millisecond).Milliseconds(), 10)
}

// joined joins the texts of several values, and of the elements of those that are lists.
func (r *Reader) joined(places []place) []byte {
	r.text = r.text[:0]
	for _, p := range places {
		v := r.find(p)
		if len(v.Raw()) == 0 {
			continue
		}
		if v.Raw()[0] == '[' {
			jsontext.EachElement(v.Raw(), func(item jsontext.Value) bool {
				r.joinText(r.scalar(item))
				return true
			})
			continue
		}
		r.joinText(r.scalar(v))
	}
	return r.text
}

func (r *Reader) joinText(text string) {
	if text == "" {
		return
	}
	if len(r.text) > 0 {
		r.text = append(r.text, ' ')
	}
	r.text = append(r.text, text...)
}

// textOf returns the text of a string.
func (r *Reader) textOf(v jsontext.Value) string {
	if b, plain := v.Plain(); plain {
		return r.room.Text(b)
	}
	r.scratch = v.AppendText(r.scratch[:0])
	return r.room.Text(r.scratch)
}

// scalar returns a value as text: that of a string, else its JSON without white space.
func (r *Reader) scalar(v jsontext.Value) string {
	if s, ok := v.Text(); ok {
		return s
	}
	r.scratch, _ = jsontext.AppendCanonical(r.scratch[:0], v.Raw())
	return string(r.scratch)
}

// again returns the text of a value, or last if that is the same.
func (r *Reader) again(last string, v *value) string {
	if v == nil {
		return ""
	}
	if v.constant == nil && v.join == nil && !v.works() {
		found := r.firstOf(v)
		if b, plain := found.Plain(); plain {
			if last == string(b) {
				return last
			}
			return r.room.Text(b)
		}
	}
	f, ok := r.fieldOf(v, "")
	switch {
	case !ok:
		return ""
	case f.Raw != nil:
		return string(f.Raw)
	}
	return f.Text
}

// address returns the attacker's address.
func (r *Reader) address(e *event) string {
	text := r.again(r.last.AttackerIP, e.address)
	if text == "" {
		return ""
	}
	if text == r.last.AttackerIP {
		return text
	}
	if host, port := splitPort(text); port != "" || host != text {
		text = host
	}
	return r.source.Address(text)
}
