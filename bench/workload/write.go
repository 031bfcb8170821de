package workload

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"io"

	"github.com/ttpcron/ttpcron/jsontext"
)

// WriteEvents writes a history as native events, one JSON object a line.
func WriteEvents(w io.Writer, o Options) error {
	out := bufio.NewWriterSize(w, 1<<20)
	var line []byte
	for e := range Events(o) {
		line = append(e.AppendJSON(line[:0]), '\n')
		if _, err := out.Write(line); err != nil {
			return err
		}
	}
	return out.Flush()
}

// WriteCowrie writes a history as Cowrie logs it: the commands among the
// connections, logins and downloads of their sessions, and of the scans that
// get no further.
func WriteCowrie(w io.Writer, o Options) error {
	out := bufio.NewWriterSize(w, 1<<20)
	var line []byte
	for r := range records(o) {
		line = appendCowrie(line[:0], &r)
		if _, err := out.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	return out.Flush()
}

func appendCowrie(dst []byte, r *record) []byte {
	s := r.session
	port := 32768 + s.number%28000
	protocol, dstPort := "ssh", 2222
	if s.telnet {
		protocol, dstPort = "telnet", 2223
	}
	dst = append(dst, `{"eventid":`...)
	switch r.step.kind {
	case connect:
		dst = fmt.Appendf(dst, `"cowrie.session.connect","src_ip":"%s","src_port":%d,"dst_ip":"192.0.2.10","dst_port":%d,"session":"%s","protocol":"%s","message":"New connection: %s:%d (192.0.2.10:%d) [session: %s]"`,
			s.ip, port, dstPort, s.id, protocol, s.ip, port, dstPort, s.id)
		return appendEnd(dst, r, false)
	case version:
		dst = append(dst, `"cowrie.client.version","version":"SSH-2.0-Go","message":"Remote SSH version: SSH-2.0-Go"`...)
	case loginFailed:
		user, password := r.credentials()
		dst = fmt.Appendf(dst, `"cowrie.login.failed","username":"%s","password":"%s","message":"login attempt [%[1]s/%[2]s] failed"`, user, password)
	case exchange:
		dst = fmt.Appendf(dst, `"cowrie.client.kex","hassh":"%s","hasshAlgorithms":%q,"kexAlgs":[%[2]q],"keyAlgs":["ssh-ed25519","ecdsa-sha2-nistp256","rsa-sha2-512","ssh-rsa"],"encCS":["aes128-ctr","aes192-ctr","aes256-ctr","chacha20-poly1305@openssh.com"],"macCS":["hmac-sha2-256","hmac-sha2-512","hmac-sha1"],"compCS":["none"],"langCS":[""],"message":"SSH client hassh fingerprint: %[1]s"`,
			r.step.text, "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,diffie-hellman-group14-sha256")
	case upload:
		dst = fmt.Appendf(dst, `"cowrie.session.file_upload","filename":"%s","outfile":"var/lib/cowrie/downloads/%s","shasum":"%[2]s","destfile":"/tmp/%[1]s","duplicate":true,"message":"SFTP Uploaded file"`, r.step.text[:5], r.step.text)
	case downloaded:
		dst = append(dst, `"cowrie.session.file_download","duplicate":false,"url":`...)
		dst = jsontext.AppendString(dst, r.step.text)
		sum := sha256.Sum256([]byte(r.step.text))
		dst = fmt.Appendf(dst, `,"outfile":"var/lib/cowrie/downloads/%x","shasum":"%[1]x","destfile":"-","message":"Downloaded URL with SHA-256 %[1]x"`, sum)
	case tunnel:
		dst = fmt.Appendf(dst, `"cowrie.direct-tcpip.request","dst_ip":"%s","dst_port":443,"src_port":%d,"message":"direct-tcp connection request to %[1]s:443 from 127.0.0.1:%[2]d"`, r.step.text, port)
	case loginSucceeded:
		user, password := r.credentials()
		dst = fmt.Appendf(dst, `"cowrie.login.success","username":"%s","password":"%s","message":"login attempt [%[1]s/%[2]s] succeeded"`, user, password)
	case command:
		dst = append(dst, `"cowrie.command.input","input":`...)
		dst = jsontext.AppendString(dst, r.step.text)
		dst = append(dst, `,"message":`...)
		dst = jsontext.AppendString(dst, "CMD: "+r.step.text)
	case download:
		dst = append(dst, `"cowrie.session.file_download.failed","url":`...)
		dst = jsontext.AppendString(dst, r.step.text)
		dst = append(dst, `,"message":`...)
		dst = jsontext.AppendString(dst, "Attempt to download file(s) from URL ("+r.step.text+") failed")
	case closed:
		dst = fmt.Appendf(dst, `"cowrie.session.closed","duration":%.6f,"message":"Connection lost after %d seconds"`, r.step.after.Seconds(), int(r.step.after.Seconds()))
	}
	return appendEnd(dst, r, true)
}

// appendEnd appends the members that every line ends with.
func appendEnd(dst []byte, r *record, who bool) []byte {
	dst = append(dst, `,"sensor":"`...)
	dst = append(dst, r.session.sensor...)
	dst = append(dst, `","timestamp":"`...)
	dst = appendTime(dst, r.at)
	if who {
		dst = append(dst, `","src_ip":"`...)
		dst = append(dst, r.session.ip...)
		dst = append(dst, `","session":"`...)
		dst = append(dst, r.session.id...)
	}
	return append(dst, `"}`...)
}
