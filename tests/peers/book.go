package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// The contestants. Where a measure has a case beside it ("1 kB"), it belongs to the measure's name.
const (
	Truc            = "truc"
	TrucAgain       = "truc, again"
	TrucPlain       = "truc, plain copy"
	TrucEmbedded    = "truc, embedded bus"
	Debezium        = "Debezium, as shipped"
	DebeziumTuned   = "Debezium, tuned"
	DebeziumLatency = "Debezium, for latency"
	RecvLogical     = "pg_recvlogical"
	Copy            = "COPY"
	InsertSelect    = "INSERT … SELECT … ON CONFLICT"
	Producer        = "raw producer (kafka-go)"
)

// The values of a result, by what they are called in the raw data.
const (
	Rate       = "rows_per_s"             // from the first event to the last
	RateStart  = "rows_per_s_from_start"  // from the start of the process to the last event
	RateWarm   = "rows_per_s_second_half" // of the second half of the events
	CPU        = "cpu_s_per_million"
	Peak       = "peak_mib"
	Bytes      = "bytes_per_event"
	P50        = "p50_ms"
	P99        = "p99_ms"
	Longest    = "max_ms"
	Achieved   = "tx_per_s" // what the generator reached
	Duplicates = "duplicates"
	Lost       = "lost"
	KilledAt   = "killed_at_event"
	GoOn       = "go_on_s"       // from the restart to the next event
	FirstEvent = "first_event_s" // from the start of the process to its first event
	IdleCPU    = "idle_cpu_s_per_hour"
	IdleRSS    = "idle_mib"
)

// Result is what one contestant did in one round of a measure.
type Result struct {
	Measure    string             `json:"measure"`
	Contestant string             `json:"contestant"`
	Round      int                `json:"round"`
	At         time.Time          `json:"at"`
	Values     map[string]float64 `json:"values"`
}

// Machine is what the figures come from; no names, no paths.
type Machine struct {
	Cores    int    `json:"cores"`
	MemoryGB int    `json:"memory_gb"`
	Go       string `json:"go"`
	Postgres string `json:"postgres"`
	Kafka    string `json:"kafka"`
	Debezium string `json:"debezium"`
	JDBC     string `json:"debezium_jdbc"`
	Java     string `json:"java"`
	Truc     string `json:"truc"`
}

// Book holds all results of a run, the raw data that the page and its charts are made of.
type Book struct {
	Started time.Time `json:"started"`
	// Quick says that the figures are a trial and worth nothing.
	Quick   bool           `json:"quick,omitempty"`
	Machine Machine        `json:"machine"`
	Rows    map[string]int `json:"rows"` // by measure: the rows, events or transactions of one result
	Done    []string       `json:"done"` // measures that are complete
	// Failed says why a measure is not complete.
	Failed  map[string]string `json:"failed,omitempty"`
	Results []Result          `json:"results"`
}

// ReadBook reads raw data; a file that is not there is an empty book.
func ReadBook(path string) (*Book, error) {
	b := &Book{}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err == nil {
		err = json.Unmarshal(text, b)
	}
	if err != nil {
		return nil, fmt.Errorf("read results: %w", err)
	}
	return b, nil
}

// Write writes raw data, whole or not at all.
func (b *Book) Write(path string) error {
	text, err := json.MarshalIndent(b, "", " ")
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o750)
	}
	if err == nil {
		err = os.WriteFile(path+".partial", append(text, '\n'), 0o600)
	}
	if err == nil {
		err = os.Rename(path+".partial", path)
	}
	if err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	return nil
}

// Rounds is how many rounds of a measure a contestant has.
func (b *Book) Rounds(measure, contestant string) int { return len(b.of(measure, contestant)) }

// KeepRounds drops what is beyond the first n rounds of a measure: rounds that not all contestants have run.
func (b *Book) KeepRounds(measure string, n int) {
	b.Results = slices.DeleteFunc(b.Results, func(r Result) bool { return r.Measure == measure && r.Round >= n })
}

// Forget drops a measure and its parts, so that it is measured anew.
func (b *Book) Forget(measure string) {
	b.Done = slices.DeleteFunc(b.Done, func(name string) bool { return name == measure })
	b.Results = slices.DeleteFunc(b.Results, func(r Result) bool { return r.Measure == measure || strings.HasPrefix(r.Measure, measure+"-") })
}

// failed says why a measure, or the one that it is a part of, is not complete.
func (b *Book) failed(measure string) string {
	whole, _, _ := strings.Cut(measure, "-")
	return cmp.Or(b.Failed[measure], b.Failed[whole])
}

func (b *Book) of(measure, contestant string) []Result {
	var found []Result
	for _, r := range b.Results {
		if r.Measure == measure && r.Contestant == contestant {
			found = append(found, r)
		}
	}
	return found
}

// Values lists one value of a contestant, in the order of the rounds.
func (b *Book) Values(measure, contestant, value string) []float64 {
	var values []float64
	for _, r := range b.of(measure, contestant) {
		if v, ok := r.Values[value]; ok {
			values = append(values, v)
		}
	}
	return values
}

// Ratios divides values of two contestants round by round: only what ran side by side is compared.
func (b *Book) Ratios(measure, contestant, value, other, otherValue string) []float64 {
	var ratios []float64
	for _, r := range b.of(measure, contestant) {
		for _, o := range b.of(measure, other) {
			v, ok := r.Values[value]
			w, okOther := o.Values[otherValue]
			if r.Round == o.Round && ok && okOther && w != 0 {
				ratios = append(ratios, v/w)
			}
		}
	}
	return ratios
}

// Contestants of a measure in the order in which they first ran.
func (b *Book) Contestants(measure string) []string {
	var names []string
	for _, r := range b.Results {
		if r.Measure == measure && !slices.Contains(names, r.Contestant) {
			names = append(names, r.Contestant)
		}
	}
	return names
}
