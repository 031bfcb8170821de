package control

import "os"

// Encode writes a value as a request has it.
func Encode(v any) ([]byte, error) { return encode(v) }

// Stranger is a user who is neither root nor this one.
var Stranger = os.Geteuid() + 12345
