package importer

import (
	"bytes"

	"github.com/ttpcron/ttpcron"
)

// message is the text of a record, after the time and the system.
type message struct {
	event    ttpcron.Event // with all that events of any kind have
	protocol string        // that the record names; empty if it names none
	who      *speaker      // at the other end of the connection that the record names
	plain    bool          // the record names a session, and no part that speaks
	cef      bool          // the record is CEF: it names neither, but the address and the sensor
	text     []byte        // behind the words by which its type is known
}

// messageType is a type of messages.
type messageType struct {
	begins string
	kind   ttpcron.SourceKind
	read   func(p *cowrieTextParser, m *message, to *parsed) error // nil: of no interest
	why    string
}

// cowrieMessages are the known types of messages. The first that matches counts.
var cowrieMessages = []messageType{
	{"CMD: ", ttpcron.Command, (*cowrieTextParser).command, "unless nothing was typed"},
	{"CMD:", ttpcron.Command, (*cowrieTextParser).command, "unless nothing was typed"},
	{"Command found: ", "", nil, "repeats the command"},
	{"Command not found: ", "", nil, "repeats the command"},
	{"INPUT (", ttpcron.Stdin, (*cowrieTextParser).stdin, ""},
	{"login attempt [", ttpcron.AuthAttempt, (*cowrieTextParser).login, ""},
	{"public key attempt for user ", ttpcron.AuthAttempt, (*cowrieTextParser).key, ""},
	{"New connection: ", ttpcron.SessionFact, (*cowrieTextParser).opened, ""},
	{"Connection lost", ttpcron.SessionFact, (*cowrieTextParser).closed, ""},
	{"connection lost", ttpcron.SessionFact, (*cowrieTextParser).closed, ""},
	{"Remote SSH version: ", ttpcron.SessionFact, (*cowrieTextParser).client, ""},
	{"SSH client hassh fingerprint: ", ttpcron.SessionFact, (*cowrieTextParser).kex, ""},
	{"Terminal Size: ", ttpcron.SessionFact, (*cowrieTextParser).size, ""},
	{"request_env: ", ttpcron.SessionFact, (*cowrieTextParser).variable, ""},
	{"Downloaded URL (", ttpcron.FileTransfer, (*cowrieTextParser).downloaded, ""},
	{"Attempt to download file(s) from URL (", ttpcron.FileTransfer, (*cowrieTextParser).notDownloaded, ""},
	{"Saved redir contents with SHA-256 ", ttpcron.FileTransfer, (*cowrieTextParser).saved, ""},
	{"Saved stdin contents with SHA-256 ", ttpcron.FileTransfer, (*cowrieTextParser).saved, ""},
	{"SFTP Uploaded file \"", ttpcron.FileTransfer, (*cowrieTextParser).uploaded, ""},
	{"Uploaded file \"", ttpcron.FileTransfer, (*cowrieTextParser).uploaded, ""},
	{"direct-tcp connection request to ", ttpcron.Tunnel, (*cowrieTextParser).tunnel, ""},
	{"discarded direct-tcp forward request ", ttpcron.Tunnel, (*cowrieTextParser).tunnelData, ""},
	{"Log opened.", "", (*cowrieTextParser).started, "the sensor began"},
	{"twistd ", "", (*cowrieTextParser).started, "the sensor began"},
}

// otherMessage is the type of all other messages.
const otherMessage = "other message"

// name is the beginning of a type's messages, without what belongs to the value.
func (t *messageType) name() string {
	return string(bytes.TrimRight([]byte(t.begins), " :([\""))
}

func typeOf(text []byte) *messageType {
	for i := range cowrieMessages {
		if t := &cowrieMessages[i]; len(text) >= len(t.begins) && text[0] == t.begins[0] && string(text[:len(t.begins)]) == t.begins {
			return t
		}
	}
	return nil
}
