package control

import (
	"bytes"
	"context"
	"encoding/gob"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// RegisterFile adds a method that answers with the content of a file, which do
// has made for it and which is closed afterwards. The caller takes it at its
// own pace, but must take some within every half minute. One such call is at
// work at a time.
func RegisterFile[Req any](s *Server, name string, do func(ctx context.Context, req Req) (File, error)) {
	one := make(chan struct{}, 1)
	s.mux.HandleFunc("POST /v1/"+name, func(w http.ResponseWriter, r *http.Request) {
		if !s.acquire(r.Context(), one) {
			return
		}
		defer func() { <-one }()
		var f File
		_, err := s.answer(w, r, method{waits: true}, func(ctx context.Context, body []byte) ([]byte, error) {
			var req Req
			err := gob.NewDecoder(bytes.NewReader(body)).Decode(&req)
			if err != nil {
				return nil, &Fault{Text: fmt.Sprintf("request %s cannot be read: %v", name, err)}
			}
			f, err = do(ctx, req)
			return nil, err
		})
		if err != nil {
			s.reply(w, nil, err)
			return
		}
		defer f.Close()
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Length", strconv.FormatInt(f.Size, 10))
		buf := make([]byte, 256<<10)
		for {
			n, err := f.Read(buf)
			if n > 0 {
				_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTime))
				if _, werr := w.Write(buf[:n]); werr != nil {
					return
				}
			}
			if err != nil {
				return // less than Content-Length tells the caller
			}
		}
	})
}

// File is what a method of RegisterFile answers with.
type File struct {
	io.ReadCloser
	Size int64 // in bytes
}

// CallFile makes a call that is answered with a file, and hands its content to
// take, which must not dawdle: the server waits half a minute for each piece.
func CallFile[Req any](ctx context.Context, c *Client, name string, req Req, take func(size int64, content io.Reader) error) error {
	resp, err := c.post(ctx, name, &req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return take(resp.ContentLength, resp.Body)
}
