package tagger

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/jsontext"
)

// agents are the clients that testdata/ordinary.tsv names.
var agents = map[string]string{
	"firefox": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "chrome": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
	"google": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "bing": "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
	"curl": "curl/8.5.0", "app": "okhttp/4.12.0", "python": "python-requests/2.31.0", "feed": "Feedly/1.0 (+http://www.feedly.com/fetcher.html; 12 subscribers)", "monitor": "Uptime-Kuma/1.23.11",
}

// ordinaryRequests is what a website with a shop, a blog and an API gets all day, from people,
// crawlers, editors and monitoring: method, address, client and body.
func ordinaryRequests(t *testing.T) (events []ttpcron.Event) {
	t.Helper()
	data, err := os.ReadFile("testdata/ordinary.tsv")
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		f := strings.Split(line, "\t")
		if len(f) < 3 || agents[f[2]] == "" {
			t.Fatalf("line %d: %q", i+1, line)
		}
		e := ttpcron.Event{Kind: ttpcron.HTTPRequest, ID: fmt.Sprint(i), AttackerIP: "203.0.113.1", Vantage: ttpcron.VantageHost}
		if len(f) > 3 {
			e.Payload.Set("body", f[3])
		}
		headers := []byte(`{"Accept":"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8","Cookie":"_ga=GA1.2.1; PHPSESSID=a1b2; wp-settings-1=libraryContent%3Dbrowse","User-Agent":`)
		_ = e.Payload.SetRaw("headers", append(jsontext.AppendString(headers, agents[f[2]]), '}'))
		e.Payload.Set("method", f[0])
		e.Payload.Set("raw_url", f[1])
		e.Payload.Set("user_agent", agents[f[2]])
		events = append(events, e)
	}
	return events
}

// TestOrdinaryRequests: the everyday requests to a website get no tag that views of hosts
// show, and few others.
func TestOrdinaryRequests(t *testing.T) {
	events := ordinaryRequests(t)
	if len(events) < 200 {
		t.Fatalf("%d requests", len(events))
	}
	c := loadEmbedded().Tagger(nil)
	all := 0
	for i := range events {
		tags, v := c.Tag(&events[i], nil)
		if v.Bounded {
			t.Errorf("%s: a limit was met", events[i].Telling())
		}
		for _, tag := range tags {
			all++
			if ttpcron.DefaultMinLevels().Show(tag.Level, ttpcron.VantageHost) {
				t.Errorf("%s %s: %s", tag.RuleID, tag.Level, events[i].Telling())
			} else {
				t.Logf("%s %s: %s", tag.RuleID, tag.Level, events[i].Telling())
			}
		}
	}
	if all > len(events)/50 {
		t.Errorf("%d tags of %d requests", all, len(events))
	}
}
