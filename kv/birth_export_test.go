package kv

// BirthImage is what bbolt writes into a new file.
func BirthImage() []byte { return birthImage() }

// Unfinished reports whether it is certain that nothing was ever stored in a file.
var Unfinished = unfinished

// BirthBytes is the largest file that can be a store which was never finished.
const BirthBytes = birthBytes
