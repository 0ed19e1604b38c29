package main

import (
	"encoding/json"
	"os"
)

// figures is the report as data. Times are in seconds, sizes in bytes, and what
// is unknown or not wanted is absent.
type figures struct {
	Preface []string        `json:"preface"`
	Claims  []claimFigures  `json:"claims"`
	Series  []seriesFigures `json:"series"`
}

type claimFigures struct {
	Case     string  `json:"case"`
	Subject  string  `json:"subject"` // as in the table: a time or a size
	Baseline string  `json:"baseline,omitempty"`
	Ratio    float64 `json:"ratio,omitempty"` // of times
	Share    float64 `json:"share,omitempty"` // of bytes in the cache service
	Wanted   string  `json:"wanted,omitempty"`
	Verdict  string  `json:"verdict,omitempty"`
}

type seriesFigures struct {
	Job     string          `json:"job"`
	Site    string          `json:"site"`
	Side    string          `json:"side"`
	Samples []sampleFigures `json:"samples"`
}

type sampleFigures struct {
	Seconds   float64   `json:"seconds"`
	Parts     []float64 `json:"parts,omitempty"` // of the seconds, one for each command
	Processor float64   `json:"processor_seconds"`
	Peak      int64     `json:"peak_bytes,omitempty"`
	Cached    int64     `json:"cached_bytes,omitempty"`
	Requests  int       `json:"requests,omitempty"`        // by clients of a relay
	Asked     int       `json:"mirror_requests,omitempty"` // by the relay
}

// writeFigures writes the report as JSON; "" for no file.
func writeFigures(name string, preface []string, claims []claim, all []series) error {
	if name == "" {
		return nil
	}
	f := figures{Preface: preface}
	for _, c := range claims {
		cells := c.cells()
		of := claimFigures{Case: c.text, Subject: cells[1], Baseline: cells[2], Wanted: cells[4], Verdict: cells[5]}
		if c.atMost > 0 {
			of.Share = c.share()
		} else {
			of.Ratio = c.ratio()
		}
		f.Claims = append(f.Claims, of)
	}
	for _, s := range all {
		of := seriesFigures{Job: s.job, Site: s.site, Side: s.side}
		for _, one := range s.samples {
			figures := sampleFigures{Seconds: one.elapsed.Seconds(), Processor: one.cpu.Seconds(), Peak: one.peak, Cached: one.cached, Requests: one.requests, Asked: one.asked}
			for _, part := range one.parts {
				figures.Parts = append(figures.Parts, part.Seconds())
			}
			of.Samples = append(of.Samples, figures)
		}
		f.Series = append(f.Series, of)
	}
	data, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(data, '\n'), 0o644)
}
