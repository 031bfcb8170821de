package tagger

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jsontext"
	"github.com/ttpcron/ttpcron/tagger/shell"
)

// field is something that a rule can test.
type field uint8

const (
	fieldNone field = iota
	fieldText
	fieldDecoded
	fieldPayload
	fieldProgram
	fieldPath
	fieldArgs
	fieldLine
	fieldArgAny
	fieldFlag
	fieldOperand
	fieldWrapper
	fieldAssign
	fieldReads
	fieldWrites
	fieldURL
	fieldPipesTo
	fieldPipedFrom
	fieldHeredoc
	fieldBackground

	// The fields of Sigma's process creation events.
	fieldImage
	fieldCommandLine
	fieldParentImage
	fieldParentCommandLine

	fieldCount
)

// fieldSpelling is how rules and people write the fields. Those in capitals cannot be keys
// of a rule.
var fieldSpelling = [fieldCount]string{
	fieldNone: "none", fieldText: "text", fieldDecoded: "decoded", fieldPayload: "field",
	fieldProgram: "program", fieldPath: "path", fieldArgs: "args", fieldLine: "line",
	fieldArgAny: "arg_any", fieldFlag: "flag", fieldOperand: "operand", fieldWrapper: "wrapper",
	fieldAssign: "assign", fieldReads: "reads", fieldWrites: "writes", fieldURL: "url",
	fieldPipesTo: "pipes_to", fieldPipedFrom: "piped_from", fieldHeredoc: "heredoc",
	fieldBackground: "background",
	fieldImage:      "Image", fieldCommandLine: "CommandLine", fieldParentImage: "ParentImage",
	fieldParentCommandLine: "ParentCommandLine",
}

// fieldNames are the fields that can be keys of a condition.
var fieldNames = func() map[string]field {
	names := map[string]field{}
	for f := fieldText; f <= fieldBackground; f++ {
		if f != fieldPayload {
			names[fieldSpelling[f]] = f
		}
	}
	return names
}()

func (f field) String() string { return fieldSpelling[f] }

func (f field) ofCommand() bool { return f >= fieldProgram && f <= fieldBackground }

func (f field) ofProcess() bool { return f >= fieldImage }

// value returns the value of a field that a simple command has exactly once; many returns
// those of a field that it may have any number of times.
func (f field) of(c *shell.Command) (value string, many []string) {
	switch f {
	case fieldProgram:
		return c.Program, nil
	case fieldPath:
		return c.Path, nil
	case fieldArgs:
		return c.ArgLine, nil
	case fieldLine:
		return c.Line, nil
	case fieldArgAny:
		return "", c.Args
	case fieldFlag:
		return "", c.Flags
	case fieldOperand:
		return "", c.Operands
	case fieldWrapper:
		return "", c.Wrappers
	case fieldAssign:
		return "", c.Assigns
	case fieldReads:
		return "", c.Reads
	case fieldWrites:
		return "", c.Writes
	case fieldURL:
		return "", c.URLs
	case fieldPipesTo:
		return "", c.PipesTo
	case fieldPipedFrom:
		return "", c.PipedFrom
	case fieldHeredoc:
		return "", c.Heredocs
	}
	return "", nil
}

// single reports whether a simple command or process has the field exactly once.
func (f field) single() bool {
	switch f {
	case fieldProgram, fieldPath, fieldArgs, fieldLine:
		return true
	}
	return f.ofProcess()
}

// patternFields is where match.pattern looks when match.field is not given.
var patternFields = map[ttpcron.SourceKind]string{
	ttpcron.Command:           "command_text",
	ttpcron.HTTPRequest:       "raw_url",
	ttpcron.CanaryFingerprint: "ua_signature",
	ttpcron.AuthAttempt:       "username",
	ttpcron.FileTransfer:      "payload_text",
	ttpcron.Stdin:             "input_text",
	ttpcron.Tunnel:            "destination",
	ttpcron.ServiceRequest:    "request_text",
	ttpcron.Alert:             "signature",
	"email":                   "subject",
}

// payloadValues appends the values of a payload field as text: a string as it is, a number
// or boolean in its JSON form, and every such element of a list, up to maxElements. A name
// with dots that is not a field descends into objects.
func payloadValues(dst []string, p ttpcron.Payload, name string) []string {
	for i := range p {
		if p[i].Name != name {
			continue
		}
		if p[i].Raw == nil {
			return append(dst, p[i].Text)
		}
		return appendScalars(dst, p[i].Raw)
	}
	head, rest, ok := strings.Cut(name, ".")
	if !ok {
		return dst
	}
	if rest == everyMember {
		return appendMembers(dst, p, head)
	}
	for i := range p {
		if p[i].Name == head && len(p[i].Raw) > 0 && p[i].Raw[0] == '{' {
			if inner, ok := membersAlong(p[i].Raw, rest); ok {
				return payloadValues(dst, inner, rest)
			}
		}
	}
	return dst
}

// everyMember, behind a dot, stands for all members of an object.
const everyMember = "*"

// appendMembers appends the values of all members of an object.
func appendMembers(dst []string, p ttpcron.Payload, name string) []string {
	for i := range p {
		if p[i].Name != name || len(p[i].Raw) == 0 || p[i].Raw[0] != '{' {
			continue
		}
		jsontext.EachMember(p[i].Raw, func(_ []byte, value jsontext.Value) bool {
			dst = appendScalars(dst, value.Raw())
			return len(dst) < maxElements
		})
	}
	return dst
}

// payloadScalar returns the single value of a payload field that is a text, a number or a
// boolean. has is false if the field is missing or null; plain is false if it must be
// decoded first.
func payloadScalar(p ttpcron.Payload, name string) (value string, has, plain bool) {
	for i := range p {
		if p[i].Name != name {
			continue
		}
		raw := p[i].Raw
		if len(raw) == 0 {
			return p[i].Text, raw == nil, true
		}
		switch string(raw) {
		case "true":
			return "true", true, true
		case "false":
			return "false", true, true
		case "null":
			return "", false, true
		}
		if c := raw[0]; c == '-' || c >= '0' && c <= '9' {
			return string(raw), true, true
		}
		return "", false, false
	}
	return "", false, !isStructured(p, name)
}

// maxElements bounds the elements of a list that are looked at.
const maxElements = 4096

// membersAlong returns the members of a JSON object that a name with dots may
// mean: the name itself, and what it begins with.
func membersAlong(raw json.RawMessage, name string) (ttpcron.Payload, bool) {
	head, _, _ := strings.Cut(name, ".")
	var out ttpcron.Payload
	ok := jsontext.EachMember(raw, func(member []byte, value jsontext.Value) bool {
		if string(member) == name || string(member) == head {
			_ = out.SetRaw(string(member), value.Raw()) // it is JSON
		}
		return true
	})
	return out, ok
}

// isStructured reports whether a name with dots that is no field may lead into one.
func isStructured(p ttpcron.Payload, name string) bool {
	head, _, dotted := strings.Cut(name, ".")
	for i := range p {
		if dotted && p[i].Raw != nil && p[i].Name == head {
			return true
		}
	}
	return false
}

func appendScalars(dst []string, raw json.RawMessage) []string {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return dst
	}
	switch raw[0] {
	case '{', 'n':
		return dst
	case '"':
		if s, err := jsontext.DecodeString(raw); err == nil {
			dst = append(dst, s)
		}
		return dst
	case '[':
		left := maxElements
		jsontext.EachElement(raw, func(element jsontext.Value) bool {
			if raw := element.Raw(); raw[0] != '[' {
				dst = appendScalars(dst, raw)
			}
			left--
			return left > 0
		})
		return dst
	}
	return append(dst, string(raw))
}
