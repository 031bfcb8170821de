package importer

import (
	"bytes"
	"embed"
	"fmt"
	"path"
	"strconv"
	"strings"
	"sync"

	"github.com/pelletier/go-toml/v2"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/importer/mapping"
)

// presetFiles describe the formats of sensors whose records are JSON objects, in the
// language of package mapping. The name of a file is that of its format. It begins with
// three lines: the table, the title and the version.
//
//go:embed presets/*.toml
var presetFiles embed.FS

// presets returns the formats that presetFiles describe. Every command lists the formats, so
// only the first lines are looked at; the rest is read when a file may be of the format.
func presets() (all []Format) {
	entries, err := presetFiles.ReadDir("presets")
	if err != nil {
		panic(err) // it is embedded
	}
	for _, entry := range entries {
		text, err := presetFiles.ReadFile(path.Join("presets", entry.Name()))
		if err != nil {
			panic(err)
		}
		name := strings.TrimSuffix(entry.Name(), ".toml")
		title, version, ok := presetHead(name, text)
		if !ok {
			panic("importer/presets/" + entry.Name() + " does not begin with its table, title and version")
		}
		all = append(all, mappedFormat(name, title, version, errForeign, sync.OnceValue(func() *mapping.Mapping { return readPreset(name, text) })))
	}
	return all
}

// presetHead reads the first three lines of a preset.
func presetHead(name string, text []byte) (title string, version int, ok bool) {
	lines := bytes.SplitN(text, []byte("\n"), 4)
	if len(lines) < 4 || string(lines[0]) != "[format."+name+"]" {
		return "", 0, false
	}
	title, terr := strconv.Unquote(strings.TrimPrefix(string(lines[1]), "title = "))
	version, verr := strconv.Atoi(strings.TrimPrefix(string(lines[2]), "version = "))
	return title, version, terr == nil && verr == nil
}

func readPreset(name string, text []byte) *mapping.Mapping {
	var file struct{ Format map[string]map[string]any }
	err := toml.Unmarshal(text, &file)
	m, faults := mapping.Parse(name, file.Format[name])
	if err != nil || len(faults) > 0 {
		panic(fmt.Sprint("importer/presets/", name, ".toml: ", err, faults)) // TestPresets reads them all
	}
	return m
}

// errUnmet is errForeign for somebody who described the format.
var errUnmet = fmt.Errorf("%w: it does not meet the conditions of recognised-by", errForeign)

// mappedFormat returns the format of records that a mapping describes. Foreign is the error for
// what is no such record.
func mappedFormat(name, title string, version int, foreign error, get func() *mapping.Mapping) Format {
	return Format{
		Name: name, Title: title, Version: version,
		mapping: get,
		lines: &lineFormat{
			recognises: func(line []byte) bool { return startsWith(line, '{') && get().Recognises(line) },
			parser: func(src *source) recordParser {
				p := &mappedParser{withText: get().WithText, foreign: foreign, ordinals: ordinals{settings: src.Settings}}
				p.reader = get().NewReader(mapping.Source{Time: timeOf, Address: plainAddress, Zone: src.Zone, Host: src.Host, Number: p.ordinals.number})
				return p
			},
			needs:   func([]byte, bool) needs { return needs{zone: get().NeedsZone} },
			recalls: true,
			many:    mapping.MaxEvents,
		},
	}
}

// RecordTypes lists what becomes of the format's records.
func (f *Format) RecordTypes() []RecordType {
	if f.mapping == nil {
		return f.Records
	}
	all := append([]RecordType(nil), f.Records...)
	for _, k := range f.mapping().Kinds() {
		when := k.When
		if when == "" {
			when = "any"
		}
		all = append(all, RecordType{Name: when, Kinds: []ttpcron.SourceKind{k.Kind}})
	}
	return all
}

// mappedParser reads records as a mapping says.
type mappedParser struct {
	reader   *mapping.Reader
	ordinals ordinals
	withText bool
	foreign  error
}

func (p *mappedParser) parse(record []byte, to *parsed) error {
	if p.withText && !startsWith(record, '{') {
		to.ignore(typeText)
		return nil
	}
	ignored, err := p.reader.Read(record, to.arena, to.add)
	if err == mapping.ErrForeign {
		return p.foreign
	}
	to.ignore(ignored)
	return err
}

// continues makes the sessions of an earlier file known.
func (p *mappedParser) continues(from recordParser) {
	if before, ok := from.(*mappedParser); ok {
		p.reader.Continue(before.reader)
		p.ordinals.seen, p.ordinals.before = before.ordinals.seen, before.ordinals.before
	}
}

// NewCatalog returns the formats of this program and those that mappings describe. A mapping
// with the name of another format takes its place. Mappings come first when files are
// recognised.
func NewCatalog(mappings []*mapping.Mapping) *Catalog {
	c := &Catalog{}
	for _, m := range mappings {
		f := mappedFormat(m.Name, m.Title, m.Version, errUnmet, func() *mapping.Mapping { return m })
		f.sum = m.Sum()
		c.formats = append(c.formats, f)
	}
	own := len(c.formats)
	for _, f := range formats {
		if named, _ := (&Catalog{formats: c.formats[:own]}).find(f.Name); named == nil {
			c.formats = append(c.formats, f)
		}
	}
	return c
}

// Findings says, one sentence each, where a description of the file's format does not fit its
// records: members that no record has, conditions that none meets, records that lack what an
// event needs. It is empty for formats that the user did not describe, for files that were not
// read with Options.Account, and where all fits.
func (f *File) Findings() []string {
	log, ok := f.reader.(*logReader)
	if !ok || f.format == nil || f.format.sum == "" {
		return nil
	}
	parser := log.parser
	if u, ok := parser.(*unlessRicher); ok {
		parser = u.recordParser
	}
	if p, ok := parser.(*mappedParser); ok {
		return p.reader.Findings()
	}
	return nil
}
