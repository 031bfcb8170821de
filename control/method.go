package control

import (
	"bytes"
	"context"
	"encoding/gob"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"unicode"
)

// Method is one call: its name, the type of its argument and the type of its result. A
// server and a client that use the same Method cannot disagree on these. Programs keep
// their methods in one list and let [Name] name them.
type Method[Req, Resp any] struct {
	name  string
	large bool
	waits bool
}

// MethodOption says how a method is called.
type MethodOption int

const (
	// Large allows requests of up to MaxLargeRequest bytes. Anything in it that may be long
	// should be a [List], which bounds its memory.
	Large MethodOption = iota
	// Waits is for methods that mostly wait. They do not count as calls at work, so they do
	// not keep others out.
	Waits
)

// NewMethod returns a method. The name may be left empty for one that Name names.
func NewMethod[Req, Resp any](name string, options ...MethodOption) Method[Req, Resp] {
	m := Method[Req, Resp]{name: name}
	for _, o := range options {
		m.large = m.large || o == Large
		m.waits = m.waits || o == Waits
	}
	return m
}

// Serve makes a server answer the method. The context passed to do ends when the caller
// goes away.
func (m *Method[Req, Resp]) Serve(s *Server, do func(ctx context.Context, req Req) (Resp, error)) {
	s.handle(m.name, func(w http.ResponseWriter, r *http.Request) {
		answer, err := s.answer(w, r, m.limit(), m.waits, func(ctx context.Context, body []byte) ([]byte, error) {
			req, err := decode[Req](m.name, body)
			if err != nil {
				return nil, err
			}
			resp, err := do(ctx, req)
			if err != nil {
				return nil, err
			}
			return encode(&resp)
		})
		s.reply(w, answer, err)
	})
}

// Call makes the call and waits for its answer.
func (m *Method[Req, Resp]) Call(ctx context.Context, c *Client, req Req) (out Resp, err error) {
	resp, err := c.post(ctx, m.name, &req, m.limit())
	if err != nil {
		return out, err
	}
	defer resp.Body.Close()
	if err := gob.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&out); err != nil {
		return out, fmt.Errorf("control socket %s: answer to %s: %w", c.path, m.name, err)
	}
	return out, nil
}

// limit is how many bytes a request may have.
func (m *Method[Req, Resp]) limit() int {
	if m.large {
		return MaxLargeRequest
	}
	return MaxRequest
}

func (m *Method[Req, Resp]) setName(name string) { m.name = name }

// named is a method that Name can name.
type named interface{ setName(string) }

// Name gives the methods of a list, a struct whose fields are methods or structs
// that embed one, the names of their fields: LastSeq is called last-seq. It returns
// the list. It panics if a field is not a method.
func Name[L any](list L) *L {
	v := reflect.ValueOf(&list).Elem()
	for i := range v.NumField() {
		m, ok := v.Field(i).Addr().Interface().(named)
		if !ok {
			panic(fmt.Sprintf("control: %s of %s is no method", v.Type().Field(i).Name, v.Type()))
		}
		m.setName(kebab(v.Type().Field(i).Name))
	}
	return &list
}

// kebab writes LastSeq as last-seq.
func kebab(name string) string {
	var b strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// encode writes one value.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// decode reads the value of a request.
func decode[T any](name string, body []byte) (v T, err error) {
	if err := gob.NewDecoder(bytes.NewReader(body)).Decode(&v); err != nil {
		return v, &Fault{Text: fmt.Sprintf("request %s cannot be read: %v", name, err)}
	}
	return v, nil
}
