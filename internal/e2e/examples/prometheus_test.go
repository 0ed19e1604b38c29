package examples

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/mirror/mirrortest"
)

// exported is what expressions may ask of a server: its series by name, each with the
// names and values of its labels.
type exported map[string]map[string][]string

// metrics are those of a server that has seen what there is to count: answers, a mirror
// that fails and one that does not, and a client without a token.
func metrics(t *testing.T) exported {
	t.Helper()
	f := mirrortest.Build(t, mirrortest.Module{Path: "example.test/m", Version: "v1.0.0", Size: 1000})
	bad := mirrortest.Start(t, mirrortest.Options{Faults: []mirrortest.Rule{mirrortest.Always("*", mirrortest.Status(503))}})
	good := mirrortest.Start(t, mirrortest.Options{Fixtures: f})
	server := "http://" + serve(t, map[string]string{
		"GOPROXY": bad.URL + "|" + good.URL, "GOSUMDB": "off", "MODFERRY_NO_PROBE": "true",
		"MODFERRY_RELAY_TOKEN": "0123456789abcdef0123456789abcdef", "MODFERRY_KEEP_DIR": t.TempDir(),
	})
	for path, want := range map[string]int{
		"/0123456789abcdef0123456789abcdef/example.test/m/@v/v1.0.0.mod": 200,
		"/0123456789abcdef0123456789abcdef/example.test/m/@v/list":       200,
		"/example.test/m/@v/v1.0.0.mod":                                  401,
	} {
		if body, status := get(t, server+path); status != want {
			t.Fatalf("%s: %d %s", path, status, body)
		}
	}
	text, _ := get(t, server+"/metrics")
	p := expfmt.NewTextParser(model.LegacyValidation)
	families, err := p.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	series := exported{}
	for name, family := range families {
		has := map[string][]string{"job": nil, "instance": nil} // Prometheus' own
		for _, m := range family.GetMetric() {
			for _, l := range m.GetLabel() {
				has[l.GetName()] = append(has[l.GetName()], l.GetValue())
			}
		}
		if family.GetType() == dto.MetricType_HISTOGRAM {
			series[name+"_sum"], series[name+"_count"] = has, has
			has["le"] = nil
			name += "_bucket"
		}
		series[name] = has
	}
	return series
}

// values are what labels may be besides what the server counted already.
func values(label string) []string {
	switch label {
	case "class":
		var all []string
		for _, c := range failure.Classes() {
			all = append(all, string(c))
		}
		return all
	case "cache":
		return []string{"HIT", "MISS", "STORE", "STALE"}
	}
	return nil
}

// lacks is what an expression asks for that the server does not have.
func (x exported) lacks(text string) []string {
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(text)
	if err != nil {
		return []string{err.Error()}
	}
	var problems []string
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			if x[n.Name] == nil {
				problems = append(problems, "no metric "+n.Name)
				return nil
			}
			for _, m := range n.LabelMatchers {
				problems = append(problems, x.unmatched(n.Name, m)...)
			}
		case *parser.AggregateExpr:
			for _, label := range n.Grouping {
				if !x.labelled(n, label) {
					problems = append(problems, fmt.Sprintf("nothing in %s has the label %s", n.Expr, label))
				}
			}
		}
		return nil
	})
	return problems
}

// unmatched is what is wrong with a condition on a label.
func (x exported) unmatched(name string, m *labels.Matcher) []string {
	if m.Name == model.MetricNameLabel {
		return nil
	}
	has, ok := x[name][m.Name]
	if !ok {
		return []string{name + " has no label " + m.Name}
	}
	if m.Name == "job" || m.Name == "code" {
		return nil // anything
	}
	var problems []string
	for word := range strings.SplitSeq(m.Value, "|") {
		if !slices.Contains(has, word) && !slices.Contains(values(m.Name), word) {
			problems = append(problems, fmt.Sprintf("%s of %s is never %s", m.Name, name, word))
		}
	}
	return problems
}

// labelled reports whether a metric below a node has a label.
func (x exported) labelled(node parser.Node, label string) bool {
	found := false
	parser.Inspect(node, func(n parser.Node, _ []parser.Node) error {
		if s, ok := n.(*parser.VectorSelector); ok {
			_, has := x[s.Name][label]
			found = found || has
		}
		return nil
	})
	return found
}

func TestAlertsAndDashboardAskForMetricsThatThereAre(t *testing.T) {
	t.Parallel()
	series := metrics(t)
	for _, wrong := range []string{
		"sum(modferry_requests)", "modferry_mirror_up{host=\"x\"}", "sum by (mirror) (modferry_in_flight)", "rate(modferry_in_flight[)",
		"modferry_upstream_failures_total{class=\"mismatch\"}",
	} {
		if len(series.lacks(wrong)) == 0 {
			t.Errorf("nothing is found wrong with %s", wrong)
		}
	}

	alerts, errs := rulefmt.Parse(example(t, "prometheus-alerts.yml"), false, model.LegacyValidation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	for _, g := range alerts.Groups {
		for _, r := range g.Rules {
			for _, p := range series.lacks(r.Expr) {
				t.Errorf("%s: %s", r.Alert, p)
			}
			if r.Labels["severity"] == "" || r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
				t.Errorf("%s has no severity, summary or description", r.Alert)
			}
			for _, m := range regexp.MustCompile(`\$labels\.(\w+)`).FindAllStringSubmatch(fmt.Sprint(r.Annotations), -1) {
				if !regexp.MustCompile(`by \([^)]*\b` + m[1] + `\b`).MatchString(r.Expr) {
					t.Errorf("%s: its texts name the label %s, which its result does not have", r.Alert, m[1])
				}
			}
		}
	}

	board := grafana(t)
	asked := 0
	for _, p := range board.Panels {
		for _, target := range p.Targets {
			asked++
			text := strings.NewReplacer("$__rate_interval", "5m", "$__range", "1h", "$job", "x").Replace(target.Expr)
			for _, problem := range series.lacks(strings.ReplaceAll(text, `job=~"x"`, `job=~".+"`)) {
				t.Errorf("%s: %s", p.Title, problem)
			}
		}
	}
	if asked < 20 {
		t.Errorf("found %d expressions in the dashboard", asked)
	}
	for _, v := range board.Templating.List {
		if m := regexp.MustCompile(`^label_values\((\w+), job\)$`).FindStringSubmatch(v.Definition); v.Type == "query" && (m == nil || series[m[1]] == nil) {
			t.Errorf("the variable %s asks for %s", v.Name, v.Definition)
		}
	}
}

// dashboard is what is checked of Grafana's format.
type dashboard struct {
	Panels []struct {
		ID      int
		Title   string
		Type    string
		GridPos struct{ X, Y, W, H int }
		Targets []struct{ Expr, RefID string }
	}
	Templating struct {
		List []struct{ Name, Type, Definition string }
	}
	SchemaVersion int
}

func grafana(t *testing.T) dashboard {
	t.Helper()
	var board dashboard
	if err := json.Unmarshal(example(t, "grafana-dashboard.json"), &board); err != nil {
		t.Fatal(err)
	}
	return board
}

func TestPanelsOfTheDashboardHaveTheirPlaces(t *testing.T) {
	t.Parallel()
	board := grafana(t)
	ids, cells := map[int]bool{}, map[[2]int]string{}
	for _, p := range board.Panels {
		if ids[p.ID] || p.Title == "" || p.Type == "" {
			t.Errorf("panel %d %q of type %q has no id of its own, no title or no type", p.ID, p.Title, p.Type)
		}
		ids[p.ID] = true
		if (p.Type == "row") != (len(p.Targets) == 0) {
			t.Errorf("panel %q has %d expressions", p.Title, len(p.Targets))
		}
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := cells[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("panel %q lies over %q, or beyond the right edge", p.Title, other)
				}
				cells[[2]int{x, y}] = p.Title
			}
		}
	}
	if board.SchemaVersion == 0 || len(ids) < 15 {
		t.Errorf("schema version %d, %d panels", board.SchemaVersion, len(ids))
	}
}
