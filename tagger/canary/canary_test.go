package canary

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron"
)

const (
	windowsChrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
	linuxFirefox  = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"
	linuxChrome   = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
	iPhoneSafari  = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1"
	macSafari     = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15"
	androidChrome = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36"
	headless      = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/131.0.0.0 Safari/537.36"
)

// opened is the trigger of an HTML canary by a browser.
func opened(t testing.TB, agent, source, country, fp string) *ttpcron.Event {
	t.Helper()
	e := &ttpcron.Event{Kind: ttpcron.CanaryFingerprint, AttackerIP: source}
	e.Payload.Set("user_agent", agent)
	e.Payload.Set("request_path", "/t/a/x.html")
	e.Payload.Set("generator", "fingerprint_html")
	e.Payload.Set("token_kind", "http")
	if country != "" {
		e.Payload.Set("country_code", country)
	}
	if err := e.Payload.SetRaw("headers", []byte(`{"Host":"x","_fp":`+fp+`}`)); err != nil {
		t.Fatal(err)
	}
	return e
}

// fired returns the predicates that hold for an event, with their evidence.
func fired(t testing.TB, e *ttpcron.Event) []string {
	t.Helper()
	signals := Signals(e)
	var out []string
	for _, name := range slices.Sorted(maps.Keys(predicates)) {
		check, known, err := Predicate("lifter:"+name, nil)
		if !known || err != nil {
			t.Fatal(name, known, err)
		}
		if evidence, ok := check(e, signals); ok {
			out = append(out, fmt.Sprintf("%s %s=%s", strings.TrimPrefix(name, "canary_"), evidence.Metric, evidence.MatchedSignature))
		}
	}
	return out
}

func TestVerdicts(t *testing.T) {
	const nvidia = `"gl":{"v":"WebKit","r":"WebKit WebGL","uv":"Google Inc. (NVIDIA)","ur":"ANGLE (NVIDIA, NVIDIA GeForce RTX 3060 (0x2504) Direct3D11 vs_5_0 ps_5_0, D3D11)"}`
	for _, c := range []struct {
		name, agent, source, country, fp string
		want                             []string
	}{
		// Real browsers raise nothing.
		{"Chrome on Windows", windowsChrome, "203.0.113.7", "DE",
			`{"nav":{"ua":"` + windowsChrome + `","pl":"Win32","lg":"de-DE","lgs":["de-DE","de","en-US","en"],"hc":8,"dm":8,"tp":0,"wd":false},"tz":{"z":"Europe/Berlin","off":-60},` + nvidia + `,"rtc":{"ip":["192.168.1.5","203.0.113.7"]},"au":{"err":"x"}}`, nil},
		{"Safari on an iPhone", iPhoneSafari, "203.0.113.7", "US",
			`{"nav":{"ua":"` + iPhoneSafari + `","pl":"iPhone","lg":"en-US","lgs":["en-US"],"tp":5,"wd":false},"tz":{"z":"America/Los_Angeles","off":480},"gl":{"v":"WebKit","r":"WebKit WebGL","uv":"Apple Inc.","ur":"Apple GPU"},"rtc":{"ip":["a1b2.local"]}}`, nil},
		{"an iPad that asks for desktop sites", macSafari, "203.0.113.7", "FR",
			`{"nav":{"ua":"` + macSafari + `","pl":"MacIntel","lg":"fr-FR","tp":5},"tz":{"z":"Europe/Paris","off":-120},"gl":{"ur":"Apple GPU"}}`, nil},
		{"Firefox on Linux", linuxFirefox, "203.0.113.7", "NL",
			`{"nav":{"ua":"` + linuxFirefox + `","pl":"Linux x86_64","lg":"en-US","lgs":["en-US","en"],"hc":4,"wd":false},"tz":{"z":"Europe/Amsterdam","off":-120},"gl":{"uv":"Intel","ur":"Mesa Intel(R) UHD Graphics 620 (KBL GT2)"},"rtc":{"ip":[]}}`, nil},
		{"Firefox in WSL", linuxFirefox, "203.0.113.7", "US",
			`{"nav":{"ua":"` + linuxFirefox + `","pl":"Linux x86_64","lgs":["en-US"]},"tz":{"off":300},"gl":{"ur":"D3D12 (NVIDIA GeForce RTX 3060)"}}`, nil},
		{"Chrome on Android", androidChrome, "203.0.113.7", "IN",
			`{"nav":{"ua":"` + androidChrome + `","pl":"Linux armv81","lgs":["en-IN","hi"]},"tz":{"z":"Asia/Kolkata","off":-330},"gl":{"ur":"ANGLE (Qualcomm, Adreno (TM) 640, OpenGL ES 3.2)"}}`, nil},
		{"Windows on Arm", windowsChrome, "203.0.113.7", "US",
			`{"nav":{"ua":"` + windowsChrome + `","pl":"Win32"},"gl":{"ur":"ANGLE (Qualcomm, Qualcomm(R) Adreno(TM) 8cx Direct3D11 vs_5_0 ps_5_0)"}}`, nil},
		{"a traveller two hours from home", windowsChrome, "203.0.113.7", "GB",
			`{"nav":{"ua":"` + windowsChrome + `","pl":"Win32","lgs":["en-GB"]},"tz":{"z":"Europe/Helsinki","off":-180}}`, nil},
		{"a migrant's language", windowsChrome, "203.0.113.7", "DE", `{"nav":{"lgs":["tr-TR","tr"]}}`, nil},
		{"a Chinese user who has the country's language too", windowsChrome, "203.0.113.7", "FR", `{"nav":{"lgs":["zh-CN","fr"]}}`, nil},
		{"no country known", windowsChrome, "203.0.113.7", "", `{"nav":{"lgs":["zh-CN"]},"tz":{"off":-480}}`, nil},
		{"a country that is not in the table", windowsChrome, "203.0.113.7", "VA", `{"nav":{"lgs":["zh-CN"]},"tz":{"off":-480}}`, nil},
		{"WebRTC in the neighbourhood", windowsChrome, "203.0.113.7", "", `{"rtc":{"ip":["203.0.200.9"]}}`, nil},
		{"WebRTC over IPv6 only", windowsChrome, "203.0.113.7", "", `{"rtc":{"ip":["2001:db8::1"]}}`, nil},
		{"carrier-grade NAT", windowsChrome, "203.0.113.7", "", `{"rtc":{"ip":["100.64.3.4","10.0.0.1","169.254.1.1"]}}`, nil},
		{"a proxy at home", windowsChrome, "10.1.2.3", "", `{"rtc":{"ip":["203.0.113.7"]}}`, nil},
		{"SwiftShader alone", windowsChrome, "203.0.113.7", "", `{"nav":{"pl":"Win32"},"gl":{"ur":"Google SwiftShader"}}`, nil},

		// What predicates are for.
		{"Selenium", windowsChrome, "203.0.113.7", "", `{"nav":{"wd":true}}`, []string{"webdriver navigator_webdriver=true"}},
		{"headless Chrome", headless, "203.0.113.7", "",
			`{"nav":{"ua":"` + headless + `","pl":"Linux x86_64","wd":true},"gl":{"ur":"ANGLE (Google, Vulkan 1.3.0 (SwiftShader Device (Subzero) (0x0000C0DE)), SwiftShader driver)"}}`,
			[]string{"automation_hash matched_tool=headless_chrome", "webdriver navigator_webdriver=true"}},
		{"headless Chrome that hides its header", windowsChrome, "203.0.113.7", "", `{"nav":{"ua":"` + headless + `"}}`, []string{"automation_hash matched_tool=headless_chrome"}},
		{"Windows that runs on Linux", windowsChrome, "203.0.113.7", "", `{"nav":{"ua":"` + windowsChrome + `","pl":"Linux x86_64"}}`,
			[]string{"platform_inconsistency platform_ua_inconsistent=true"}},
		{"Windows with a Mac's graphics", windowsChrome, "203.0.113.7", "", `{"nav":{"pl":"Win32"},"gl":{"ur":"Apple M2"}}`,
			[]string{"platform_inconsistency ua_webgl_mismatch=true"}},
		{"Mac with Direct3D", macSafari, "203.0.113.7", "", `{` + nvidia + `}`, []string{"platform_inconsistency ua_webgl_mismatch=true"}},
		{"iPhone on Mesa", iPhoneSafari, "203.0.113.7", "", `{"gl":{"ur":"llvmpipe (LLVM 15.0.7, 256 bits)"}}`, []string{"platform_inconsistency ua_webgl_mismatch=true"}},
		{"WebRTC elsewhere", windowsChrome, "192.0.2.45", "", `{"rtc":{"ip":["10.0.0.2","198.51.100.17"]}}`, []string{"webrtc_leak webrtc_geo_mismatch=true"}},
		{"WebRTC elsewhere over IPv6", windowsChrome, "2001:db8::1", "", `{"rtc":{"ip":["2a00:1450::1"]}}`, []string{"webrtc_leak webrtc_geo_mismatch=true"}},
		{"a clock on the other side of the world", windowsChrome, "203.0.113.7", "NL", `{"tz":{"z":"Asia/Shanghai","off":-480}}`,
			[]string{"tz_lang_mismatch tz_mismatch_zones=6"}},
		{"languages of elsewhere", windowsChrome, "203.0.113.7", "BR", `{"nav":{"lg":"ru-RU","lgs":["ru-RU","ru","en-US","en"]}}`,
			[]string{"tz_lang_mismatch lang_country_mismatch=true"}},
	} {
		if got := fired(t, opened(t, c.agent, c.source, c.country, c.fp)); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestSignals(t *testing.T) {
	for _, c := range []struct{ name, payload, want string }{
		{"nothing", `{}`, `{}`},
		{"curl", `{"user_agent":"curl/8.5.0","token_kind":"http","generator":"env_file"}`,
			`{"channel":"http","client_class":"http_library","client_name":"curl","token_kind":"env_file"}`},
		{"an AWS key in use", `{"user_agent":"aws-cli/2.15.30 Python/3.11.8","token_kind":"aws_passive"}`,
			`{"channel":"aws","client_class":"http_library","client_name":"aws-cli","token_kind":"aws_keys"}`},
		{"a name looked up", `{"dns_qname":"k7f3q.ssh.canary.example.net","token_kind":"dns","generator":"ssh_key"}`,
			`{"channel":"dns","client_class":"resolver","dns_hint":"ssh","token_kind":"ssh_key"}`},
		{"a name looked up, token unknown", `{"dns_qname":"x.L4J.abc.canarytokens.com."}`,
			`{"channel":"dns","client_class":"resolver","dns_hint":"log4shell","token_kind":"dns"}`},
		{"a Canarytokens hit over Tor", `{"channel":"HTTP","token_type":"ms_word","is_tor_relay":true,"useragent":"Mozilla/4.0 (compatible; ms-office; MSOffice 16)"}`,
			`{"client_class":"office","client_name":"microsoft_office","token_kind":"document","tor":true}`},
		{"a link preview", `{"user_agent":"Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"}`,
			`{"channel":"http","client_class":"link_preview","client_name":"slack","token_kind":"web_bug"}`},
		{"the placement tells the kind", `{"user_agent":"x","placement_path":"/home/a/.kube/config"}`,
			`{"channel":"http","client_class":"unknown","token_kind":"kubeconfig"}`},
		{"the agent is in the headers only", `{"headers":{"USER-AGENT":"Wget/1.21"}}`,
			`{"channel":"http","client_class":"http_library","client_name":"wget","token_kind":"web_bug"}`},
		{"the sensor's word stands", `{"user_agent":"curl/8","client_class":"browser","tor":false,"token_kind":"lure","matched_tool":"x","is_tor":true}`,
			`{"channel":"http","client_name":"curl"}`},
		{"a field that is null or empty is none", `{"user_agent":"curl/8","client_class":null,"client_name":""}`,
			`{"channel":"http","client_class":"http_library","client_name":"curl","token_kind":"web_bug"}`},
		{"virtual machine", `{"user_agent":"` + linuxChrome + `","headers":{"_fp":{"gl":{"ur":"SVGA3D; build: RELEASE;  LLVM;"}}}}`,
			`{"channel":"http","client_class":"browser","client_name":"chrome","software_renderer":"vmware","token_kind":"web_bug"}`},
		{"a browser that says it is driven", `{"user_agent":"` + linuxChrome + `","headers":{"_fp":{"nav":{"wd":true}}}}`,
			`{"channel":"http","client_class":"automation","client_name":"chrome","navigator_webdriver":true,"token_kind":"web_bug"}`},
		{"a header that names another system", `{"user_agent":"` + windowsChrome + `","_fp":{"nav":{"ua":"` + linuxChrome + `","pl":"Linux x86_64"}}}`,
			`{"channel":"http","client_class":"browser","client_name":"chrome","platform_ua_inconsistent":false,"token_kind":"web_bug","ua_header_mismatch":true}`},
		{"headers as text", `{"raw_headers":"{\"User-Agent\":\"curl/8\",\"_fp\":{\"nav\":{\"wd\":false}}}"}`,
			`{"channel":"http","client_class":"http_library","client_name":"curl","navigator_webdriver":false,"token_kind":"web_bug"}`},

		// Hostile fingerprints.
		{"errors", `{"headers":{"_fp":{"nav":{"err":"x"},"tz":{"err":"x"},"gl":{"err":"x"},"rtc":{"err":"x"}}}}`, `{}`},
		{"nulls", `{"headers":{"_fp":{"nav":null,"tz":null,"gl":null,"rtc":null}}}`, `{}`},
		{"other types", `{"headers":{"_fp":{"nav":[1],"tz":"x","gl":7,"rtc":{"ip":"1.2.3.4"}}}}`, `{}`},
		{"other types inside", `{"headers":{"_fp":{"nav":{"ua":1,"pl":{},"lg":[],"lgs":{"a":1},"wd":"true"},"tz":{"off":"60"},"gl":{"ur":[]},"rtc":{"ip":[1,null,{}]}}}}`, `{}`},
		{"absurd numbers", `{"country_code":"NL","headers":{"_fp":{"tz":{"off":1e300},"nav":{"wd":1}}}}`, `{}`},
		{"no object", `{"headers":{"_fp":[1,2]}}`, `{"fingerprint_error":"fingerprint is no JSON object"}`},
		{"no fingerprint", `{"headers":{"_fp":null}}`, `{}`},
		{"no headers", `{"headers":"x"}`, `{}`},
	} {
		var e ttpcron.Event
		if err := json.Unmarshal([]byte(c.payload), &e.Payload); err != nil {
			t.Fatal(c.name, err)
		}
		if got := string(Signals(&e).AppendJSON(nil)); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.want)
		}
		e.Kind = ttpcron.CanaryFingerprint
		if dns := newRecord(&e).channel == "dns"; e.ByResolver() != dns {
			t.Errorf("%s: by a resolver %v, but the channel is DNS: %v", c.name, e.ByResolver(), dns)
		}
	}
}

func TestHuge(t *testing.T) {
	for _, fp := range []string{
		`{"nav":{"ua":"` + strings.Repeat("x", maxFingerprint) + `"}}`,
		strings.Repeat("[", 5000) + strings.Repeat("]", 5000),
	} {
		e := opened(t, windowsChrome, "203.0.113.7", "", fp)
		if _, ok := Signals(e).Text(FingerprintError); !ok {
			t.Errorf("%.20s…: no fingerprint_error", fp)
		}
	}
	long := strings.Repeat("a.", 1<<20)
	e := &ttpcron.Event{}
	for _, name := range []string{"user_agent", "dns_qname", "placement_path", "src_ip", "request_path", "country_code"} {
		e.Payload.Set(name, long)
	}
	for _, f := range Signals(e) {
		if len(f.Text)+len(f.Raw) > 256 {
			t.Errorf("%s is %d bytes long", f.Name, len(f.Text)+len(f.Raw))
		}
	}
}

func TestClient(t *testing.T) {
	for agent, want := range map[string]string{
		"":                               " ",
		"x":                              "unknown ",
		"Mozilla/5.0":                    "unknown ",
		windowsChrome:                    "browser chrome",
		windowsChrome + " Edg/131.0.0.0": "browser edge",
		linuxFirefox:                     "browser firefox",
		iPhoneSafari:                     "browser safari",
		androidChrome:                    "browser chrome",
		headless:                         "automation headless_chrome",
		"Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/538.1 (KHTML, like Gecko) PhantomJS/2.1.1 Safari/538.1": "automation phantomjs",
		"curl/8.5.0":             "http_library curl",
		"Wget/1.21.4":            "http_library wget",
		"python-requests/2.31.0": "http_library python-requests",
		"Python-urllib/3.11":     "http_library python-urllib",
		"Go-http-client/1.1":     "http_library go-http-client",
		"git/2.43.0":             "http_library git",
		"Boto3/1.34.69 md/Botocore#1.34.69 ua/2.0 os/linux#6.1.0":                                   "http_library boto3",
		"mysql-connector-java-8.0.33":                                                               "http_library mysql-connector",
		"Microsoft-WebDAV-MiniRedir/10.0.19045":                                                     "http_library windows_webdav",
		"Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.19041.1":            "http_library powershell",
		"Mozilla/4.0 (compatible; ms-office; MSOffice 16)":                                          "office microsoft_office",
		"Mozilla/5.0 zgrab/0.x":                                                                     "scanner zgrab",
		"Mozilla/5.0 (compatible; CensysInspect/1.1; +https://about.censys.io/)":                    "scanner censys",
		"Mozilla/5.0 (compatible; Nmap Scripting Engine; https://nmap.org/book/nse.html)":           "scanner nmap",
		"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)":                  "scanner google",
		"Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)":                         "link_preview discord",
		"facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)":                 "link_preview facebook",
		"TelegramBot (like TwitterBot)":                                                             "link_preview twitter",
		"Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)": "mail_gateway gmail",
	} {
		class, name := client(agent)
		if got := class + " " + name; got != want {
			t.Errorf("%q: got %q, want %q", agent, got, want)
		}
	}
}

func TestPredicate(t *testing.T) {
	for _, c := range []struct {
		name     string
		settings map[string]any
		payload  string
		want     string // metric=signature, "" for no match
	}{
		{"canary_webdriver", nil, `{"navigator_webdriver":true}`, "navigator_webdriver=true"},
		{"canary_webdriver", nil, `{"navigator_webdriver":"true"}`, "navigator_webdriver=true"},
		{"canary_webdriver", nil, `{"navigator_webdriver":false}`, ""},
		{"canary_webdriver", nil, `{"navigator_webdriver":1}`, ""},
		{"canary_webdriver", nil, `{}`, ""},
		{"canary_automation_hash", nil, `{"matched_tool":"puppeteer"}`, "matched_tool=puppeteer"},
		{"canary_automation_hash", map[string]any{"catalogues": []any{"Headless-Chrome", "selenium"}}, `{"matched_tool":"headless_chrome"}`, "matched_tool=headless_chrome"},
		{"canary_automation_hash", map[string]any{"catalogues": []any{"selenium"}}, `{"matched_tool":"headless_chrome"}`, ""},
		{"canary_automation_hash", map[string]any{"catalogues": "selenium"}, `{"canvas_audio_hash_match":true}`, "canvas_audio_hash_match=true"},
		{"canary_automation_hash", map[string]any{"catalogues": "selenium"}, `{"canvas_audio_hash_match":"selenium"}`, "canvas_audio_hash_match=selenium"},
		{"canary_automation_hash", nil, `{"canvas_audio_hash_match":false,"matched_tool":null}`, ""},
		{"canary_webrtc_leak", nil, `{"webrtc_geo_mismatch":true}`, "webrtc_geo_mismatch=true"},
		{"canary_tz_lang_mismatch", nil, `{"tz_mismatch_zones":3}`, "tz_mismatch_zones=3"},
		{"canary_tz_lang_mismatch", nil, `{"tz_mismatch_zones":2}`, ""},
		{"canary_tz_lang_mismatch", nil, `{"tz_mismatch_zones":["a","b","c"]}`, "tz_mismatch_zones=3"},
		{"canary_tz_lang_mismatch", map[string]any{"min_zones": 5}, `{"tz_mismatch_zones":4}`, ""},
		{"canary_tz_lang_mismatch", nil, `{"lang_country_mismatch":true,"tz_mismatch_zones":1}`, "lang_country_mismatch=true"},
		{"canary_platform_inconsistency", nil, `{"ua_webgl_mismatch":true}`, "ua_webgl_mismatch=true"},
		{"canary_platform_inconsistency", map[string]any{"unknown": 1}, `{"platform_ua_inconsistent":true}`, "platform_ua_inconsistent=true"},
	} {
		check, known, err := Predicate(c.name, c.settings)
		if !known || err != nil {
			t.Fatalf("%s: known %v, %v", c.name, known, err)
		}
		var e ttpcron.Event
		if err := json.Unmarshal([]byte(c.payload), &e.Payload); err != nil {
			t.Fatal(err)
		}
		got := ""
		if evidence, ok := check(&e, Signals(&e)); ok {
			got = evidence.Metric + "=" + evidence.MatchedSignature
		}
		if got != c.want {
			t.Errorf("%s %v on %s: got %q, want %q", c.name, c.settings, c.payload, got, c.want)
		}
	}
	if _, known, _ := Predicate("ipv6_leak", nil); known {
		t.Error("an unknown predicate is known")
	}
	for name, settings := range map[string]map[string]any{
		"canary_automation_hash":  {"catalogues": 5},
		"canary_tz_lang_mismatch": {"min_zones": "many"},
	} {
		if _, known, err := Predicate(name, settings); !known || err == nil {
			t.Errorf("%s %v: no error", name, settings)
		}
	}
}

func TestTables(t *testing.T) {
	for _, code := range slices.Sorted(maps.Keys(countries)) {
		c := countries[code]
		if c.from > c.to || c.from < -12*60 || c.to > 14*60 || c.from%15 != 0 || c.to%15 != 0 && code != "RU" {
			t.Errorf("%s: clocks from %d to %d", code, c.from, c.to)
		}
		if !strings.HasPrefix(c.languages, " ") || !strings.HasSuffix(c.languages, " ") {
			t.Errorf("%s: languages %q are not between blanks", code, c.languages)
		}
	}
	for _, m := range clientMarks {
		if m.text != strings.ToLower(m.text) {
			t.Errorf("%q is not in lower case", m.text)
		}
	}
}

// Whatever the headers hold, Signals gives short fields that are JSON, the same
// each time.
func FuzzSignals(f *testing.F) {
	f.Add(`{"nav":{"ua":"`+windowsChrome+`","pl":"Win32","lgs":["de"],"wd":false},"tz":{"off":-60},"gl":{"ur":"Apple M2"},"rtc":{"ip":["198.51.100.17"]}}`, "curl/8", "US")
	f.Add(`{"nav":{"err":"x"},"tz":null,"gl":[],"rtc":{"ip":{"err":1}}}`, headless, "")
	f.Fuzz(func(t *testing.T, fp, agent, country string) {
		e := &ttpcron.Event{AttackerIP: "203.0.113.7"}
		e.Payload.Set("user_agent", agent)
		e.Payload.Set("country_code", country)
		if e.Payload.SetRaw("headers", []byte(`{"_fp":`+fp+`}`)) != nil {
			return
		}
		got := Signals(e).AppendJSON(nil)
		if again := Signals(e).AppendJSON(nil); !json.Valid(got) || string(got) != string(again) || len(got) > 4096 {
			t.Fatalf("%s then %s", got, again)
		}
		fired(t, e)
	})
}

// What does a trigger with a fingerprint cost?
func BenchmarkSignals(b *testing.B) {
	e := opened(b, windowsChrome, "203.0.113.7", "DE",
		`{"nav":{"ua":"`+windowsChrome+`","pl":"Win32","lgs":["de-DE","de","en-US"],"wd":false},"tz":{"z":"Europe/Berlin","off":-60},"gl":{"ur":"ANGLE (NVIDIA Direct3D11)"},"rtc":{"ip":["203.0.113.7"]}}`)
	b.ReportAllocs()
	for b.Loop() {
		Signals(e)
	}
}

func ExampleSignals() {
	e := &ttpcron.Event{Kind: ttpcron.CanaryFingerprint}
	e.Payload.Set("user_agent", "curl/8.5.0")
	e.Payload.Set("generator", "aws_creds")
	fmt.Println(string(Signals(e).AppendJSON(nil)))
	// Output: {"channel":"http","client_class":"http_library","client_name":"curl","token_kind":"aws_keys"}
}
