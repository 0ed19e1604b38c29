package render

import (
	"cmp"
	"slices"

	"github.com/modferry/modferry/internal/failure"
	"github.com/modferry/modferry/internal/report"
)

// Phase is a part of the time that a file took.
type Phase struct {
	Key, Name string
	From, MS  float64 // milliseconds, from the start of the run
}

// The phases that no probe has, beside those of Stages.
const (
	phaseWait   = "pause"
	phaseFailed = "failed"
	phaseBody   = "body"
	phaseVerify = "verify"
)

var phaseNames = map[string]string{
	phaseWait: "waiting", phaseFailed: "failed attempts", phaseBody: "body", phaseVerify: "verify and extract",
}

// PhasesOf divides the time of an attempt that brought its file, in the order in
// which it went by. What no phase accounts for was spent waiting, for a connection or
// a redirect; in results that do not tell the body apart it is taken for the body.
func PhasesOf(a report.Attempt) []Phase {
	var all []Phase
	sum := 0.0
	add := func(key, name string, ms *float64) {
		if ms != nil && *ms > 0 {
			all = append(all, Phase{Key: key, Name: name, MS: *ms})
			sum += *ms
		}
	}
	for _, p := range Phases {
		add(p.Key, p.Name, p.Of(a))
	}
	add(phaseBody, phaseNames[phaseBody], a.BodyMS)
	add(phaseVerify, phaseNames[phaseVerify], a.VerifyMS)
	if rest := a.MS - sum; rest > 0 && a.BodyMS != nil {
		all = append([]Phase{{Key: phaseWait, Name: phaseNames[phaseWait], MS: rest}}, all...)
	} else if rest > 0 {
		all = append(all, Phase{Key: phaseBody, Name: phaseNames[phaseBody], MS: rest})
	}
	at, end := a.StartMS, a.StartMS+a.MS
	for i := range all {
		all[i].From, all[i].MS = at, min(all[i].MS, end-at)
		at += all[i].MS
	}
	return slices.DeleteFunc(all, func(p Phase) bool { return p.MS <= 0 })
}

// timed reports whether the times of all attempts for m are known.
func timed(m report.Module) bool {
	for i, a := range m.Attempts {
		if a.StartMS < m.StartMS || i > 0 && a.StartMS <= 0 || a.MS <= 0 {
			return false
		}
	}
	return len(m.Attempts) > 0
}

// phases divides the time of a file: its attempts, and the waits before and between
// them. Of attempts at the same time the one that brought the file counts, else the
// one that began first.
func phases(m report.Module) []Phase {
	if !timed(m) {
		key := phaseBody
		if m.Failed() {
			key = phaseFailed
		}
		return []Phase{{key, phaseNames[key], m.StartMS, m.MS}}
	}
	var all []Phase
	at, end := m.StartMS, m.StartMS+m.MS
	until := func(ms float64) { // the wait for what began then
		if wait := ms - at; wait > 0 {
			all = append(all, Phase{phaseWait, phaseNames[phaseWait], at, wait})
			at = ms
		}
	}
	tries := slices.Clone(m.Attempts)
	slices.SortStableFunc(tries, func(a, b report.Attempt) int { return cmp.Compare(a.StartMS, b.StartMS) })
	brought := slices.IndexFunc(tries, func(a report.Attempt) bool { return a.Class == "" })
	if brought >= 0 {
		end = tries[brought].StartMS
	}
	for _, a := range tries {
		to := min(a.StartMS+a.MS, end)
		if a.Class == "" || to <= max(a.StartMS, at) {
			continue
		}
		until(a.StartMS)
		key := failedPhase(a)
		all = append(all, Phase{key, phaseNames[key], at, to - at})
		at = to
	}
	if brought >= 0 {
		until(end)
		all = append(all, PhasesOf(tries[brought])...)
		at, end = end+tries[brought].MS, m.StartMS+m.MS
	}
	if end-at >= leastWait {
		until(end)
	}
	return all
}

// failedPhase is what an attempt that brought nothing was: one that the end of the run
// cut short was waiting for its answer.
func failedPhase(a report.Attempt) string {
	if a.Class == failure.Cancelled {
		return phaseWait
	}
	return phaseFailed
}

// leastWait is the shortest time after the last attempt that was spent waiting for
// another one, in milliseconds: less than that is bookkeeping.
const leastWait = 5

// phaseOrder is the order in which phases are told.
var phaseOrder = []string{phaseWait, "lookup", "connect", "tls", "first_byte", phaseBody, phaseVerify, phaseFailed}

// phaseName is the name of a phase in words.
func phaseName(key string) string {
	for _, p := range Phases {
		if p.Key == key {
			return p.Name
		}
	}
	return cmp.Or(phaseNames[key], key)
}
