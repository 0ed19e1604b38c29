package render

import (
	"fmt"
	"math"
	"strings"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
)

// mostPeriods is into how many spans the time of a run is divided at most.
const mostPeriods = 10

// Periods is what each mirror answered over the run. It divides the
// run into spans of equal length, the shortest that people count in (see niceStep) of
// which mostPeriods are enough. An answer is counted where its
// first byte came, a request without an answer where it failed, by its class.
// Spans without requests are left out; a run of one span has no section, for that
// is what the status codes of the whole say.
func (v *View) Periods() Section {
	last := v.Result.Totals.MS
	mirrors := map[string]bool{}
	for _, m := range v.Result.Modules {
		for _, a := range m.Attempts {
			last = max(last, answered(a))
			mirrors[a.Mirror] = true
		}
	}
	width := max(niceStep(last/mostPeriods), 1)
	by, used := map[string]*[mostPeriods]map[string]int{}, map[int]bool{}
	for _, m := range v.Result.Modules {
		for _, a := range m.Attempts {
			answer := answerOf(a)
			if answer == "" {
				continue
			}
			spans := by[a.Mirror]
			if spans == nil {
				spans = &[mostPeriods]map[string]int{}
				by[a.Mirror] = spans
			}
			i := int(min(answered(a)/width, mostPeriods-1))
			if spans[i] == nil {
				spans[i] = map[string]int{}
			}
			spans[i][answer]++
			used[i] = true
		}
	}
	if len(used) < 2 {
		return Section{}
	}
	t := Table{Thing: "span", Columns: []Column{{Title: "mirror", Head: true, Code: true}, {Title: "since the start", Number: true}, {Title: "answers"}}}
	for _, mirror := range v.ordered(mirrors) {
		if by[mirror] == nil {
			continue
		}
		for i, codes := range by[mirror] {
			if codes != nil {
				from, to := float64(i)*width, float64(i+1)*width
				t.Rows = append(t.Rows, []Cell{{Text: failure.Plain(mirror)}, number(from, report.Millis(from)+" to "+report.Millis(to)), {Text: answers(codes)}})
			}
		}
	}
	s := tabled("course", "HTTP status codes over the run", t)
	s.Note = "Counts the requests for the files of this report, not those of the preflight and for .info files."
	return s
}

// answered is when an attempt was answered, or else failed, in milliseconds
// since the start of the run.
func answered(a report.Attempt) float64 {
	at := a.StartMS
	switch {
	case a.FirstByteMS != nil:
		at += *a.FirstByteMS
	case a.Status == 0:
		at += a.MS
	}
	return min(max(at, 0), math.MaxFloat64)
}

// answerOf is the status code of an attempt, or what happened instead.
func answerOf(a report.Attempt) string {
	if a.Status != 0 {
		return fmt.Sprint(a.Status)
	}
	return strings.TrimSpace(failure.Neutral(a.Class.Title()))
}
