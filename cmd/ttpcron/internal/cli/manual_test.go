package cli

import "testing"

func TestRoff(t *testing.T) {
	m := Manual{Name: "paint-wall", Section: 1, Short: `a "wall"`, Parts: []ManualPart{
		{Heading: "Description", Text: ".dot first\n'quote\nand \\n-x\n\n  .kept `as`\n  it is\nthen …"},
		{Heading: "Flags", Items: []ManualItem{{"--in FILE", "'tis"}, {"--none", ""}}},
	}}
	want := `.\" Made by: ttpcron man
.TH "PAINT\-WALL" 1 "2026\-05\-04" "ttpcron 1"
.SH NAME
paint\-wall
\- a \(dqwall\(dq
.SH "DESCRIPTION"
\&.dot first \(aqquote and \en\-x
.PP
.RS 4
.nf
\&.kept \(gaas\(ga
it is
.fi
.RE
.PP
then \[u2026]
.SH "FLAGS"
.TP
\fB\-\-in\fR \fIFILE\fR
\&\(aqtis
.TP
\fB\-\-none\fR
\&
`
	if got := m.Roff("2026-05-04", "ttpcron 1"); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}
