package page

import "bytes"

// generator identifies a page as a report.
const generator = "ttpcron report"

// KnownBytes is how much of a file [Known] looks at.
const KnownBytes = 1024

// Known reports whether a file that begins so is a page that Write wrote.
func Known(begins []byte) bool {
	begins = begins[:min(len(begins), KnownBytes)]
	return bytes.HasPrefix(begins, []byte("<!doctype html>")) && bytes.Contains(begins, []byte(`<meta name="generator" content="`+generator+`"`))
}
