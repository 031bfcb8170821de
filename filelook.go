package ttpcron

import "time"

// FileLook remembers how a file looked when an import finished with it, so that the next
// import can skip it after one look if nothing has changed. It identifies the file by its
// path.
type FileLook struct {
	Path string
	How  string // how it was read, and by which formats; if that differs, the look is useless
	// What the system says about the file. Changed is the time that no program can set,
	// zero if the system has none.
	Size              int64
	Modified, Changed time.Time
	Inode             uint64
	// The SHA-256 of the first and the last bytes on disk, up to 4 KiB of each.
	Head, Tail [32]byte

	Format  string // recognised; empty for none
	Outcome LookOutcome
	Reason  string // why it was not read to its end
	// The file's read position, which is kept as long as the file is seen.
	PositionFormat string
	PositionHead   FileHead
	SeenAt         time.Time // when it was last seen, to within a day
}

// LookOutcome says how reading a file ended.
type LookOutcome uint8

// How reading a file ended.
const (
	LookRead    LookOutcome = iota // read to its end
	LookUnknown                    // no log
	LookGivenUp                    // reading it would never end, or is refused
	LookBelow                      // it can speak for any sensor, and was not named
	LookLacks                      // it needs a setting that is not set
)

// FileHead is the SHA-256 of the first Length bytes of some content. With a
// format it names a [FilePosition].
type FileHead struct {
	Length int
	Sum    [32]byte
}
