package importer

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
)

var (
	rawTrue  = json.RawMessage("true")
	rawFalse = json.RawMessage("false")
)

func (p *cowrieParser) commandInput() error {
	read := p.command
	if p.hasRealm() {
		read = p.stdin
	}
	if err := read(false); err != nil {
		return err
	}
	if len(p.to.events) > 0 {
		p.sessions.hasInput(p.session())
	}
	return nil
}

// commandResult reads whether a command was found. Such a record comes behind one of
// cowrie.command.input since September 2016, and stood alone before.
func (p *cowrieParser) commandResult() error {
	if p.hasRealm() {
		return p.stdin(true)
	}
	return p.command(true)
}

// hasRealm reports whether the input went to a program.
func (p *cowrieParser) hasRealm() bool {
	raw := p.member(cowRealm).Raw()
	return len(raw) > 0 && string(raw) != `""`
}

// typed returns the typed text: input, or the text in message if a shipper uses the name
// input for something else.
func (p *cowrieParser) typed() (string, error) {
	input := p.member(cowInput)
	if s, ok := p.to.arena.decoded(input); ok {
		return s, nil
	}
	message, _ := p.to.arena.decoded(p.member(cowMessage))
	for _, before := range [...]string{"CMD: ", "Command found: ", "Command not found: "} {
		if s, ok := strings.CutPrefix(message, before); ok {
			return s, nil
		}
	}
	if realm, ok := strings.CutPrefix(message, "INPUT ("); ok {
		if _, s, ok := strings.Cut(realm, "): "); ok {
			return s, nil
		}
	}
	if raw := input.Raw(); len(raw) > 0 && !nests(raw) {
		return p.to.arena.Text(raw), nil
	}
	return "", errNoInput
}

// inputSince is when all sensors should write cowrie.command.input, which appeared on 18
// September 2016. Before that, if the beginning of a session was not read, such records
// may be in another file.
var inputSince = time.Date(2016, 10, 1, 0, 0, 0, 0, time.UTC)

// command makes the event of a line that the attacker typed. An empty line, when only Enter
// was pressed, is ignored, and so is a repeated one.
func (p *cowrieParser) command(repeats bool) error {
	text, err := p.typed()
	if err != nil || text == "" {
		return err
	}
	e, err := p.event(ttpcron.Command)
	if err != nil {
		return err
	}
	if repeats {
		if s := p.sessions.find(p.session()); s.input || !s.connected && !e.Time.Before(inputSince) {
			return nil
		}
	}
	return p.addCommand(&e, text)
}

func (p *cowrieParser) addCommand(e *ttpcron.Event, text string) error {
	p.put("command_text", text)
	p.protocol("protocol")
	return p.add(e)
}

// sessionInput reads text that was typed into a program. Without realm the program is
// unknown.
func (p *cowrieParser) sessionInput() error { return p.stdin(false) }

func (p *cowrieParser) stdin(repeats bool) error {
	text, err := p.typed()
	if err != nil || text == "" {
		return err
	}
	e, err := p.event(ttpcron.Stdin)
	if err != nil {
		return err
	}
	if repeats && p.sessions.repeats(p.session(), text, p.member(cowRealm).Raw()) {
		return nil
	}
	p.put("input_text", text)
	if p.hasRealm() {
		p.text("program", cowRealm)
	}
	p.protocol("protocol")
	if err := p.add(&e); err != nil {
		return err
	}
	p.sessions.reads(p.session(), text, p.member(cowRealm).Raw())
	return nil
}

// chpasswd reads a change of password by a line for chpasswd: "user:password". The record
// has hardly more than the user.
func (p *cowrieParser) chpasswd() error {
	line, ok := p.to.arena.decoded(p.member(cowInput))
	if !ok {
		if line, ok = p.to.arena.decoded(p.member(cowUsername)); !ok {
			return errors.New("username is missing or not a string")
		}
		if password, ok := p.member(cowPassword).Text(); ok {
			line += ":" + password
		}
	}
	e, err := p.event(ttpcron.Stdin)
	if err != nil {
		return err
	}
	p.put("input_text", line)
	p.put("program", "chpasswd")
	p.protocol("protocol")
	return p.add(&e)
}

// login makes the event of an attempt to log in, or without success of a key that was
// only offered.
func (p *cowrieParser) login(success json.RawMessage) error {
	e, err := p.event(ttpcron.AuthAttempt)
	if err != nil {
		return err
	}
	p.text("key", cowKey)
	p.text("key_fingerprint", cowFingerprint)
	switch {
	case p.there(cowFingerprint) || p.there(cowKey):
		p.keyType()
		p.put("method", "publickey")
	case p.there(cowPassword):
		p.put("method", "password")
	}
	p.text("password", cowPassword)
	p.protocol("protocol")
	p.protocol("service")
	if success != nil {
		p.fields = append(p.fields, ttpcron.Field{Name: "success", Raw: success})
	}
	p.text("username", cowUsername)
	return p.add(&e)
}

// keyType adds the type of a key, with which the key itself begins. A shipper may use the
// name type for something else.
func (p *cowrieParser) keyType() {
	key, _ := p.member(cowKey).Text()
	if word, _, ok := strings.Cut(key, " "); ok && word != "" {
		p.put("key_type", p.to.arena.Text([]byte(word)))
		return
	}
	p.text("key_type", cowKeyType)
}

// opened reads that a session began, and remembers its attacker.
func (p *cowrieParser) opened() error {
	e, err := p.event(ttpcron.SessionFact)
	if err != nil {
		return err
	}
	p.text("dst_ip", p.first(cowDstIP, cowDestIP))
	p.number("dst_port", p.first(cowDstPort, cowDestPort))
	p.put("fact", "opened")
	p.protocol("protocol")
	p.number("src_port", cowSrcPort)
	if err := p.add(&e); err != nil {
		return err
	}
	p.sessions.begins(p.session(), e.AttackerIP)
	return nil
}

func (p *cowrieParser) client() error {
	e, err := p.event(ttpcron.SessionFact)
	if err != nil {
		return err
	}
	p.clientVersion()
	p.put("fact", "client")
	p.protocol("protocol")
	return p.add(&e)
}

// clientVersion adds what the client calls itself. Some versions of Cowrie write it like
// Python's bytes: b'SSH-2.0-Go'.
func (p *cowrieParser) clientVersion() {
	written, plain := p.member(cowVersion).Plain()
	if bytes, ok := strings.CutPrefix(string(written), "b'SSH-"); plain && ok && strings.HasSuffix(bytes, "'") {
		p.put("client_version", p.to.arena.Text(written[len("b'"):len(written)-len("'")]))
		return
	}
	p.text("client_version", cowVersion)
}

func (p *cowrieParser) kex() error {
	e, err := p.event(ttpcron.SessionFact)
	if err != nil {
		return err
	}
	p.put("fact", "kex")
	p.text("hassh", cowHASSH)
	p.protocol("protocol")
	return p.add(&e)
}

func (p *cowrieParser) size() error {
	e, err := p.event(ttpcron.SessionFact)
	if err != nil {
		return err
	}
	p.put("fact", "size")
	p.protocol("protocol")
	if width, height := p.scalar(cowWidth), p.scalar(cowHeight); width != "" && height != "" {
		p.put("term_size", width+"x"+height)
	}
	return p.add(&e)
}

func (p *cowrieParser) variable() error {
	e, err := p.event(ttpcron.SessionFact)
	if err != nil {
		return err
	}
	p.put("fact", "var")
	p.text("name", cowName)
	p.protocol("protocol")
	p.text("value", cowValue)
	return p.add(&e)
}

// params reads which machine the sensor pretended to be.
func (p *cowrieParser) params() error {
	e, err := p.event(ttpcron.SessionFact)
	if err != nil {
		return err
	}
	p.put("fact", "params")
	if p.there(cowArch) {
		p.put("name", "arch")
	}
	p.protocol("protocol")
	p.text("value", cowArch)
	return p.add(&e)
}

func (p *cowrieParser) closed() error {
	e, err := p.event(ttpcron.SessionFact)
	if err != nil {
		return err
	}
	if ms := p.milliseconds(); ms != nil {
		p.fields = append(p.fields, ttpcron.Field{Name: "duration_ms", Raw: ms})
	}
	p.put("fact", "closed")
	p.protocol("protocol")
	return p.add(&e)
}

// file makes the event of a file that came to the sensor, or was to.
func (p *cowrieParser) file(method string, failed bool) error {
	e, err := p.event(ttpcron.FileTransfer)
	if err != nil {
		return err
	}
	p.put("direction", "in")
	if failed {
		p.text("error", cowError)
		p.fields = append(p.fields, ttpcron.Field{Name: "failed", Raw: rawTrue})
	}
	name := p.first(cowDestfile, cowFilename)
	p.text("filename", name)
	p.put("method", method)
	if text := ttpcron.PayloadText(p.scalar(cowURL), p.scalar(name)); text != "" {
		p.put("payload_text", text)
	}
	p.text("sha256", cowShasum)
	p.number("size", cowSize)
	p.text("url", cowURL)
	return p.add(&e)
}

func (p *cowrieParser) tunnel() error {
	e, err := p.event(ttpcron.Tunnel)
	if err != nil {
		return err
	}
	p.text("data", cowData)
	ip, port := p.first(cowDstIP, cowDestIP), p.first(cowDstPort, cowDestPort)
	if host := p.scalar(ip); host != "" {
		p.put("destination", ttpcron.Destination(host, p.scalar(port)))
	}
	p.text("dst_ip", ip)
	p.number("dst_port", port)
	p.text("orig_ip", cowOrigIP)
	p.number("orig_port", cowOrigPort)
	return p.add(&e)
}

// exploit reads of a user name that made a Telnet server let its sender in, or was
// to, and of the command that came with it.
func (p *cowrieParser) exploit() error {
	e, err := p.event(ttpcron.ServiceRequest)
	if err != nil {
		return err
	}
	p.text("cve", cowCVE)
	p.text("request_text", p.first(cowOriginalUsername, cowUsername))
	p.put("service", "telnet")
	p.text("user", cowUsername)
	if err := p.add(&e); err != nil {
		return err
	}
	text := p.scalar(cowAttemptedCommand)
	if text == "" || p.sessions.tried(p.session(), text) {
		return nil
	}
	if e, err = p.event(ttpcron.Command); err != nil {
		return err
	}
	if err := p.addCommand(&e, text); err != nil {
		return err
	}
	p.sessions.tries(p.session(), text)
	return nil
}

// unsure reads a record of 2015 or 2016 with an ambiguous number: a forwarded connection
// or its data, or a public key.
func (p *cowrieParser) unsure() error {
	switch {
	case p.there(cowFingerprint):
		return p.login(nil)
	case p.there(cowDstIP) && p.there(cowDstPort):
		return p.tunnel()
	}
	return nil
}
