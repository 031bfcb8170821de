package importer

import (
	"slices"
	"strings"

	"github.com/ttpcron/ttpcron"
)

// wants reports whether events of a kind are asked for.
func (o *Options) wants(kind ttpcron.SourceKind) bool {
	return o.Kinds == nil || slices.Contains(o.Kinds, kind)
}

// leaveOut takes the events out of a batch that are not asked for, and counts them.
func (o *Options) leaveOut(b *ttpcron.Batch) {
	if o.Kinds == nil {
		return
	}
	all := len(b.Events)
	b.Events = slices.DeleteFunc(b.Events, func(e ttpcron.Event) bool { return !o.wants(e.Kind) })
	b.Report.LeftOut += all - len(b.Events)
}

// version is a position's format: a file read under another one may lack events, so it is
// read again from the start.
func (o *Options) version(f *Format) string {
	return f.versionName() + o.kindNames() + o.settingNames()
}

// settingNames lists the settings; empty if none is set.
func (o *Options) settingNames() string {
	if s := o.Settings.String(); s != "" {
		return " " + s
	}
	return ""
}

// kindNames lists the kinds that are asked for, each once; empty for all.
func (o *Options) kindNames() string {
	if o.Kinds == nil {
		return ""
	}
	var names []string
	for _, k := range o.Kinds {
		names = append(names, string(k))
	}
	slices.Sort(names)
	return " " + strings.Join(slices.Compact(names), ",")
}
