package jsontext_test

import (
	"fmt"

	"github.com/ttpcron/ttpcron/jsontext"
)

// Bytes that are not UTF-8 survive JSON in Python's spelling.
func ExampleAppendString() {
	encoded := jsontext.AppendString(nil, "echo \xff\x00")
	fmt.Println(string(encoded))
	decoded, _ := jsontext.DecodeString(encoded)
	fmt.Printf("%q\n", decoded)
	// Output:
	// "echo \udcff\u0000"
	// "echo \xff\x00"
}
