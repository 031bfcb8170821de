package metrics_test

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/ttpcron/ttpcron"
	"github.com/ttpcron/ttpcron/metrics"
)

// exposed returns the names of all time series with the names of their labels.
func exposed(t *testing.T) map[string]map[string]bool {
	t.Helper()
	m := metrics.New("host")
	m.Run(&ttpcron.Run{})
	var b bytes.Buffer
	if err := m.Write(&b, state()); err != nil {
		t.Fatal(err)
	}
	p := expfmt.NewTextParser(model.LegacyValidation)
	families, err := p.TextToMetricFamilies(&b)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]map[string]bool{}
	for name, f := range families {
		labels := map[string]bool{"instance": true, "job": true}
		for _, metric := range f.Metric {
			for _, l := range metric.Label {
				labels[l.GetName()] = true
			}
		}
		if f.Metric[0].Histogram != nil {
			labels["le"] = true
			for _, suffix := range []string{"_bucket", "_count", "_sum"} {
				names[name+suffix] = labels
			}
			continue
		}
		names[name] = labels
	}
	return names
}

var (
	metricName = regexp.MustCompile(`\bttpcron_[a-z0-9_]+\b`)
	selector   = regexp.MustCompile(`\b(ttpcron_[a-z0-9_]+)\{([^}]*)\}`)
	matcher    = regexp.MustCompile(`^\s*([a-z_]+)\s*(=|!=|=~|!~)\s*"[^"]*"\s*$`)
)

// checkExpr checks what can be checked of an expression without Prometheus: that
// all of its metrics exist, and their labels, and that its brackets match.
func checkExpr(t *testing.T, where, expr string, names map[string]map[string]bool) {
	t.Helper()
	if strings.TrimSpace(expr) == "" {
		t.Errorf("%s: no expression", where)
	}
	for _, name := range metricName.FindAllString(expr, -1) {
		if names[name] == nil {
			t.Errorf("%s: there is no metric %s", where, name)
		}
	}
	for _, s := range selector.FindAllStringSubmatch(expr, -1) {
		for _, part := range strings.Split(s[2], ",") {
			m := matcher.FindStringSubmatch(part)
			if m == nil || !names[s[1]][m[1]] {
				t.Errorf("%s: %s has no label as in %q", where, s[1], part)
			}
		}
	}
	var open []rune
	quoted := false
	for _, r := range expr {
		if r == '"' {
			quoted = !quoted
		}
		if quoted {
			continue
		}
		switch i := strings.IndexRune("([{)]}", r); {
		case i >= 3 && (len(open) == 0 || open[len(open)-1] != rune("([{"[i-3])):
			t.Errorf("%s: brackets do not match in %s", where, expr)
			return
		case i >= 3:
			open = open[:len(open)-1]
		case i >= 0:
			open = append(open, r)
		}
	}
	if len(open) > 0 || quoted {
		t.Errorf("%s: something is left open in %s", where, expr)
	}
}

func TestAlerts(t *testing.T) {
	text, err := os.ReadFile("../packaging/prometheus-alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr         string
				For                 string
				Labels, Annotations map[string]string
			}
		}
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&file); err != nil {
		t.Fatal(err)
	}
	names := exposed(t)
	seen := map[string]bool{}
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			if r.Alert == "" || seen[r.Alert] || r.Annotations["summary"] == "" || r.Labels["severity"] == "" {
				t.Errorf("alert %q: its name is missing or taken, or it has no summary or severity", r.Alert)
			}
			seen[r.Alert] = true
			if _, err := model.ParseDuration(r.For); r.For != "" && err != nil {
				t.Errorf("%s: for: %v", r.Alert, err)
			}
			checkExpr(t, r.Alert, r.Expr, names)
		}
	}
	if len(seen) < 5 {
		t.Errorf("%d alerts", len(seen))
	}
}

func TestDashboard(t *testing.T) {
	text, err := os.ReadFile("../packaging/grafana-dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Title, UID string
		Panels     []struct {
			ID          int
			Title, Type string
			GridPos     struct{ X, Y, W, H int }
			Targets     []struct{ RefID, Expr string }
		}
		Templating struct {
			List []struct{ Name, Query string }
		}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	if board.Title == "" || board.UID == "" || len(board.Panels) < 5 {
		t.Errorf("title %q, uid %q, %d panels", board.Title, board.UID, len(board.Panels))
	}
	names := exposed(t)
	taken := map[[2]int]string{}
	ids := map[int]bool{}
	for _, p := range board.Panels {
		if ids[p.ID] || p.Title == "" || p.Type == "" || len(p.Targets) == 0 {
			t.Errorf("panel %d %q: its id is taken, or something is missing", p.ID, p.Title)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("%q lies over %q or beside the grid", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		for _, target := range p.Targets {
			checkExpr(t, p.Title, target.Expr, names)
		}
	}
	for _, v := range board.Templating.List {
		for _, name := range metricName.FindAllString(v.Query, -1) {
			if names[name] == nil {
				t.Errorf("variable %s: there is no metric %s", v.Name, name)
			}
		}
	}
}

// docs/metrics.md names every metric, and no other.
func TestDocumentation(t *testing.T) {
	text, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	names := exposed(t)
	doc := map[string]bool{}
	for _, name := range metricName.FindAllString(string(text), -1) {
		doc[name] = true
		if names[name] == nil && names[name+"_count"] == nil {
			t.Errorf("docs/metrics.md names %s, which does not exist", name)
		}
	}
	for name := range names {
		for _, suffix := range []string{"_bucket", "_count", "_sum"} {
			name = strings.TrimSuffix(name, suffix)
		}
		if !doc[name] {
			t.Errorf("docs/metrics.md lacks %s", name)
		}
	}
}
