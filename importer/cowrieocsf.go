package importer

import (
	"bytes"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jsontext"
)

// Since 2026 Cowrie's output_textlog can write OCSF (https://schema.ocsf.io/1.8.0/). Such an
// object has the original record as text in raw_data. Where that is left out, its "unmapped"
// has Cowrie's members for which OCSF has no place.

// isOCSF reports whether the record in hand is one of OCSF.
func (p *cowrieParser) isOCSF() bool { return p.has&(1<<cowClassUID) != 0 && !p.there(cowEventID) }

// unwrapOCSF replaces the members of the record in hand by those of Cowrie's record: of the
// original, or as far as OCSF has them.
func (p *cowrieParser) unwrapOCSF(record []byte) error {
	p.fromOCSF()
	raw := p.member(cowRawData)
	if !raw.IsString() {
		return nil
	}
	var outer [3]string
	for i, m := range ocsfAgree {
		outer[i], _ = p.member(m).Text()
	}
	p.original = raw.AppendText(p.original[:0])
	if line := trimLine(p.original); startsWith(line, '{') && p.scan(line) == nil && p.there(cowEventID) && p.agrees(outer) {
		return nil
	}
	if err := p.scan(record); err != nil {
		return err
	}
	p.fromOCSF()
	return nil
}

// ocsfAgree are the members of which the original must say the same.
var ocsfAgree = [3]cowrieMember{cowEventID, cowSession, cowSrcIP}

func (p *cowrieParser) agrees(outer [3]string) bool {
	for i, m := range ocsfAgree {
		if inner, _ := p.member(m).Text(); outer[i] != "" && inner != outer[i] {
			return false
		}
	}
	return true
}

// fromOCSF finds the members of Cowrie's record in those of OCSF.
func (p *cowrieParser) fromOCSF() {
	if id := memberOf(p.member(cowSession), "uid"); p.member(cowSession).IsObject() {
		p.set(cowSession, id)
	}
	p.fill(cowDurationMS, p.member(cowDuration)) // OCSF's is in milliseconds
	p.has &^= 1 << cowDuration
	if v := p.member(cowUnmapped); v.IsObject() {
		jsontext.EachMember(v.Raw(), func(name []byte, v jsontext.Value) bool {
			if m, ok := cowrieMemberCalled(name); ok {
				p.fill(m, v)
			}
			return true
		})
	}
	if !p.there(cowTimestamp) && !p.there(cowShippedAt) && !p.there(cowEpoch) {
		p.set(cowTimestamp, p.member(cowTime))
	}
	p.fill(cowSrcIP, memberOf(p.member(cowSource), "ip"))
	p.fill(cowSrcPort, memberOf(p.member(cowSource), "port"))
	p.fill(cowDstIP, memberOf(p.member(cowDestination), "ip"))
	p.fill(cowDstPort, memberOf(p.member(cowDestination), "port"))
	p.fill(cowSensor, memberOf(p.member(cowDevice), "hostname"))
	p.fill(cowUsername, memberOf(p.member(cowUser), "name"))
	id, _ := p.member(cowEventID).Plain()
	if bytes.HasPrefix(id, []byte("cowrie.command.")) || bytes.HasPrefix(id, []byte("cowrie.session.input")) {
		p.fill(cowInput, memberOf(p.member(cowProcess), "cmd_line"))
	}
	file := p.member(cowFile)
	p.fill(cowFilename, memberOf(file, "name"))
	p.fill(cowSize, memberOf(file, "size"))
	if hashes := memberOf(file, "hashes").Raw(); startsWith(hashes, '[') {
		jsontext.EachElement(hashes, func(v jsontext.Value) bool {
			if sum := memberOf(v, "value"); len(sum.Raw()) == len(`""`)+64 {
				p.fill(cowShasum, sum)
			}
			return true
		})
	}
	if url := p.member(cowURL); url.IsObject() {
		p.set(cowURL, memberOf(url, "url_string"))
	}
}

// fill sets a member that the record in hand lacks.
func (p *cowrieParser) fill(m cowrieMember, v jsontext.Value) {
	if !p.there(m) {
		p.set(m, v)
	}
}

func (p *cowrieParser) set(m cowrieMember, v jsontext.Value) {
	p.members[m] = v
	p.has |= 1 << m
}

// memberOf returns the member of an object with a name, or the zero value.
func memberOf(object jsontext.Value, name string) (found jsontext.Value) {
	if object.IsObject() {
		jsontext.EachMember(object.Raw(), func(n []byte, v jsontext.Value) bool {
			if string(n) == name {
				found = v
			}
			return true
		})
	}
	return found
}

// pseudonym names an attacker by what a data set has in place of the address.
func (p *cowrieParser) pseudonym(e *ttpcron.Event) {
	if e.AttackerIP != "" || !p.there(cowSrcIPIdentifier) {
		return
	}
	if id := p.scalar(cowSrcIPIdentifier); id != "" {
		if id != p.pseudonymous {
			p.pseudonymous, p.identity = id, ttpcron.AttackerIdentity(id)
		}
		e.IdentityUUID = p.identity
	}
}
