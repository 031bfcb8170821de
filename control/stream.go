package control

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"time"
)

// FileMethod is a call that returns the content of a file. See [Method].
type FileMethod[Req any] struct{ name string }

func (m *FileMethod[Req]) setName(name string) { m.name = name }

// Serve makes a server answer the method with a file that do makes for it and that is
// closed afterwards. The caller reads it at its own pace, but must read some of it in every
// half minute. One such call is at work at a time.
func (m *FileMethod[Req]) Serve(s *Server, do func(ctx context.Context, req Req) (File, error)) {
	one := make(chan struct{}, 1)
	s.handle(m.name, func(w http.ResponseWriter, r *http.Request) {
		if !s.acquire(r.Context(), one) {
			return
		}
		defer func() { <-one }()
		var f File
		_, err := s.answer(w, r, MaxRequest, true, func(ctx context.Context, body []byte) ([]byte, error) {
			req, err := decode[Req](m.name, body)
			if err != nil {
				return nil, err
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

// File is what a FileMethod answers with.
type File struct {
	io.ReadCloser
	Size int64 // in bytes
}

// Call makes the call and passes the content of the file to take, which must not be slow:
// the server waits half a minute for each piece.
func (m *FileMethod[Req]) Call(ctx context.Context, c *Client, req Req, take func(size int64, content io.Reader) error) error {
	resp, err := c.post(ctx, m.name, &req, MaxRequest)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return take(resp.ContentLength, resp.Body)
}
