package live

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron/report/page"
)

func TestForms(t *testing.T) {
	b := newBench(t)
	d := b.door("127.0.0.1:9847", Policy{On: true})
	plain := ask(d, "GET", "/report", "localhost:9847")
	tag := plain.Header().Get("ETag")
	if plain.Header().Get("Content-Length") != fmt.Sprint(plain.Body.Len()) || tag == "" || plain.Header().Get("Vary") != "Accept-Encoding" {
		t.Errorf("headers %v", plain.Header())
	}
	zipped := ask(d, "GET", "/report", "localhost:9847", "Accept-Encoding", "br, gzip")
	z, err := gzip.NewReader(zipped.Body)
	if err != nil || zipped.Header().Get("Content-Encoding") != "gzip" {
		t.Fatalf("%v, %v", err, zipped.Header())
	}
	if text, err := io.ReadAll(z); err != nil || string(text) != plain.Body.String() {
		t.Errorf("%q, %v", text, err)
	}
	for header, want := range map[string]int{tag: 304, `"other", ` + strings.TrimPrefix(tag, "W/"): 304, "*": 304, `"other"`: 200, "": 200} {
		w := ask(d, "GET", "/report", "localhost:9847", "If-None-Match", header)
		if w.Code != want || w.Code == 304 && w.Body.Len() > 0 {
			t.Errorf("%q: %d with %d bytes, want %d", header, w.Code, w.Body.Len(), want)
		}
	}
	for header, want := range map[string]bool{"": false, "gzip": true, "GZIP;q=0.5": true, "gzip;q=0": false, "gzip; q=0.000": false, "gzip;q=x": false, "br": false, "identity, gzip": true, "xgzip": false} {
		if takesGzip(header) != want {
			t.Errorf("%q takes gzip: %t", header, !want)
		}
	}
}

// Who takes the page slowly, or not at all, keeps nobody else from it, and is left alone in
// the end.
func TestSlowReaders(t *testing.T) {
	b := newBench(t)
	b.s.o.Make = func(_ context.Context, w io.Writer) error {
		noise := make([]byte, page.MaxBytes)
		for i, x := 0, uint32(1); i < len(noise); i++ {
			x = x*1664525 + 1013904223
			noise[i] = byte(x >> 24)
		}
		_, err := w.Write(noise)
		return err
	}
	server := httptest.NewUnstartedServer(nil)
	d := b.s.Door(server.Listener.Addr().String(), server.Listener.Addr(), Policy{On: true})
	server.Config.Handler = d
	server.Start()
	defer server.Close()
	for range 20 {
		c, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "GET /report HTTP/1.1\r\nHost: %s\r\n\r\n", server.Listener.Addr())
	}
	resp, err := http.Get(server.URL + "/report")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if n, err := io.Copy(io.Discard, resp.Body); err != nil || n != page.MaxBytes {
		t.Errorf("%d bytes, %v", n, err)
	}
	server.CloseClientConnections()
}
