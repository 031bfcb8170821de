package importer

import (
	"slices"

	"github.com/ttpcron/ttpcron"
)

// cowrieType is a type of record and its handling.
type cowrieType struct {
	name string
	// old is the type's number in 2015 and 2016, when its name was KIPP or COW and the
	// number.
	old   int
	kinds []ttpcron.SourceKind
	why   string // as RecordType.Why
	// read yields the events of the current record; none, and no error, if it is ignored
	// after all.
	read func(*cowrieParser) error
}

const (
	whyRecording = "about the recording of a session, not what happened in it"
	whyService   = "what a service outside of the sensor said of an address or a file"
	whySensor    = "about the sensor itself"
	whyRepeats   = "repeats what cowrie.command.input says; a command only where the session has no such record, as up to September 2016. With realm, text typed into a program"
	whyRealm     = "with realm it is text that a program read, and no command; an empty line gives nothing"
)

var (
	typedKinds   = []ttpcron.SourceKind{ttpcron.Command, ttpcron.Stdin}
	stdinKind    = []ttpcron.SourceKind{ttpcron.Stdin}
	authKind     = []ttpcron.SourceKind{ttpcron.AuthAttempt}
	sessionKind  = []ttpcron.SourceKind{ttpcron.SessionFact}
	fileKind     = []ttpcron.SourceKind{ttpcron.FileTransfer}
	tunnelKind   = []ttpcron.SourceKind{ttpcron.Tunnel}
	exploitKinds = []ttpcron.SourceKind{ttpcron.ServiceRequest, ttpcron.Command}
)

// cowrieTypes are the types of records that Cowrie is known to write. Others are counted
// by name and ignored.
//
// The numbers are those of the messages in Kippo's and Cowrie's sources. Up to 13 they are
// certain. 14 to 16 (a forwarded connection, its data, a public key) are not, so these are
// read by the record's content, see cowrieParser.unsure.
var cowrieTypes = []cowrieType{
	{name: "cowrie.session.connect", old: 1, kinds: sessionKind, read: (*cowrieParser).opened},
	{name: "cowrie.login.success", old: 2, kinds: authKind, read: func(p *cowrieParser) error { return p.login(rawTrue) }},
	{name: "cowrie.login.failed", old: 3, kinds: authKind, read: func(p *cowrieParser) error { return p.login(rawFalse) }},
	{name: "cowrie.log.open", old: 4, why: whyRecording},
	{name: "cowrie.command.input", kinds: typedKinds, why: whyRealm, read: (*cowrieParser).commandInput},
	{name: "cowrie.command.success", old: 5, kinds: typedKinds, why: whyRepeats, read: (*cowrieParser).commandResult},
	{name: "cowrie.command.failed", old: 6, kinds: typedKinds, why: whyRepeats, read: (*cowrieParser).commandResult},
	{name: "cowrie.command.chpasswd", kinds: stdinKind, why: "the line that chpasswd read, as far as the record has it", read: (*cowrieParser).chpasswd},
	{name: "cowrie.session.input", old: 8, kinds: stdinKind, why: "an empty line gives nothing", read: (*cowrieParser).sessionInput},
	{name: "cowrie.session.file_download", old: 7, kinds: fileKind, read: func(p *cowrieParser) error { return p.file("download", false) }},
	{name: "cowrie.session.file_download.failed", kinds: fileKind, read: func(p *cowrieParser) error { return p.file("download", true) }},
	{name: "cowrie.session.file_upload", kinds: fileKind, read: func(p *cowrieParser) error { return p.file("upload", false) }},
	{name: "cowrie.direct-tcpip.request", kinds: tunnelKind, read: (*cowrieParser).tunnel},
	{name: "cowrie.direct-tcpip.data", kinds: tunnelKind, read: (*cowrieParser).tunnel},
	{name: "cowrie.direct-tcpip.redirect", kinds: tunnelKind, read: (*cowrieParser).tunnel},
	{name: "cowrie.direct-tcpip.tunnel", kinds: tunnelKind, read: (*cowrieParser).tunnel},
	{name: "cowrie.tunnelproxy-tcpip.data", kinds: tunnelKind, read: (*cowrieParser).tunnel},
	{name: "cowrie.telnet.exploit_attempt", kinds: exploitKinds, why: "a command where it has attempted_command", read: (*cowrieParser).exploit},
	{name: "cowrie.telnet.exploit_success", kinds: exploitKinds, why: "a command where it has attempted_command", read: (*cowrieParser).exploit},
	{name: "cowrie.client.fingerprint", kinds: authKind, why: "a public key that was offered", read: func(p *cowrieParser) error { return p.login(nil) }},
	{name: "cowrie.client.version", old: 9, kinds: sessionKind, read: (*cowrieParser).client},
	{name: "cowrie.client.kex", kinds: sessionKind, read: (*cowrieParser).kex},
	{name: "cowrie.client.size", old: 10, kinds: sessionKind, read: (*cowrieParser).size},
	{name: "cowrie.client.var", old: 13, kinds: sessionKind, read: (*cowrieParser).variable},
	{name: "cowrie.session.params", kinds: sessionKind, read: (*cowrieParser).params},
	{name: "cowrie.session.closed", old: 11, kinds: sessionKind, read: (*cowrieParser).closed},
	{name: "cowrie.log.closed", old: 12, why: whyRecording},
	{name: "cowrie.client.malformed_packet", why: whySensor},
	{name: "cowrie.telnet.option", why: "how a Telnet connection was set up"},
	{name: "cowrie.telnet.error", why: whySensor},
	{name: "cowrie.abuseipdb.*", why: whyService},
	{name: "cowrie.greynoise.*", why: whyService},
	{name: "cowrie.proxy.*", why: whySensor},
	{name: "cowrie.reversedns.*", why: whyService},
	{name: "cowrie.urlhaus.*", why: whyService},
	{name: "cowrie.virustotal.*", why: whyService},
}

var (
	cowrieByName = cowrieTypesByName()
	cowrieOld    = cowrieTypesByNumber()
	cowrieUnsure = &cowrieType{read: (*cowrieParser).unsure}
)

func cowrieTypesByName() map[string]*cowrieType {
	all := map[string]*cowrieType{}
	for i := range cowrieTypes {
		all[cowrieTypes[i].name] = &cowrieTypes[i]
	}
	return all
}

func cowrieTypesByNumber() (all [100]*cowrieType) {
	for i := range cowrieTypes {
		all[cowrieTypes[i].old] = &cowrieTypes[i]
	}
	all[0] = nil
	return all
}

// cowrieTypeCalled returns the type of records with an eventid, or nil.
func cowrieTypeCalled(id []byte) *cowrieType {
	if t := cowrieByName[string(id)]; t != nil {
		return t
	}
	n, old := oldCowrieNumber(id)
	switch {
	case !old:
		return nil
	case cowrieOld[n] == nil:
		return cowrieUnsure
	}
	return cowrieOld[n]
}

// oldCowrieNumber reads an eventid of 2015 and 2016, such as KIPP0005 or COW0005.
func oldCowrieNumber(id []byte) (n int, ok bool) {
	var digits []byte
	switch {
	case len(id) == len("KIPP0000") && string(id[:4]) == "KIPP":
		digits = id[4:]
	case len(id) == len("COW0000") && string(id[:3]) == "COW":
		digits = id[3:]
	default:
		return 0, false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, n < len(cowrieOld)
}

// cowrieRecords lists the types for those who ask what becomes of each.
func cowrieRecords() []RecordType {
	var all []RecordType
	for _, t := range cowrieTypes {
		all = append(all, RecordType{Name: t.name, Kinds: slices.Clone(t.kinds), Why: t.why})
	}
	return append(all, RecordType{
		Name:  "KIPP0001 to KIPP0016, COW0001 to COW0016",
		Kinds: []ttpcron.SourceKind{ttpcron.Command, ttpcron.Stdin, ttpcron.AuthAttempt, ttpcron.SessionFact, ttpcron.FileTransfer, ttpcron.Tunnel},
		Why:   "what the same records were called in 2015 and 2016",
	})
}
