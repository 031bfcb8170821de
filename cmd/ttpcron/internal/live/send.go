package live

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron/report/page"
)

// piece is how much is sent at once, in bytes.
const piece = 64 << 10

// pace is how fast an answer must be taken.
type pace struct{ piece, whole time.Duration }

var patience = pace{30 * time.Second, 5 * time.Minute}

// send sends a page. However slowly it is read, only the connection, its slot and the
// compressed page wait.
func (p pace) send(w http.ResponseWriter, r *http.Request, m *made) {
	h := w.Header()
	h.Set("ETag", m.tag)
	h.Set("Vary", "Accept-Encoding")
	if hasTag(r.Header.Get("If-None-Match"), m.tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", page.Policy()+"; frame-ancestors 'none'")
	var body io.Reader = bytes.NewReader(m.zipped)
	size := m.size
	if takesGzip(r.Header.Get("Accept-Encoding")) {
		h.Set("Content-Encoding", "gzip")
		size = len(m.zipped)
	} else if z, err := gzip.NewReader(body); err == nil {
		body = z
	}
	h.Set("Content-Length", strconv.Itoa(size))
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return
	}
	until, conn := time.Now().Add(p.whole), http.NewResponseController(w)
	for {
		next := time.Now().Add(p.piece)
		if until.Before(next) {
			next = until
		}
		_ = conn.SetWriteDeadline(next)
		if _, err := io.CopyN(w, body, piece); err != nil {
			_ = conn.Flush() // or the connection would outlast its place
			return           // it is all there, or the reader is gone
		}
	}
}

// hasTag reports whether a header If-None-Match names a tag.
func hasTag(header, tag string) bool {
	for one := range strings.SplitSeq(header, ",") {
		one = strings.TrimSpace(one)
		if one == "*" || strings.TrimPrefix(one, "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}

// takesGzip reports whether a header Accept-Encoding does.
func takesGzip(header string) bool {
	for one := range strings.SplitSeq(header, ",") {
		name, weight, weighed := strings.Cut(strings.TrimSpace(one), ";")
		if !strings.EqualFold(strings.TrimSpace(name), "gzip") {
			continue
		}
		q, is := strings.CutPrefix(strings.ReplaceAll(weight, " ", ""), "q=")
		n, err := strconv.ParseFloat(q, 64)
		return !weighed || is && err == nil && n > 0
	}
	return false
}
