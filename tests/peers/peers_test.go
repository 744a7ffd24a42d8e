package main

import (
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/tests/workload"
)

var update = flag.Bool("update", false, "write the page of testdata anew")

func TestStatistics(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		values        []float64
		median        float64
		p, percentile float64
		said          string
	}{
		{[]float64{3, 1, 2}, 2, 50, 2, "2 (1–3)"},
		{[]float64{4, 1, 3, 2}, 2.5, 99, 4, "2 (1–4)"},
		{[]float64{7}, 7, 1, 7, "7"},
		{[]float64{5, 5}, 5, 100, 5, "5"},
	} {
		if got := Median(test.values); got != test.median {
			t.Errorf("Median(%v): got %v, want %v", test.values, got, test.median)
		}
		if got := Percentile(test.values, test.p); got != test.percentile {
			t.Errorf("Percentile(%v, %v): got %v, want %v", test.values, test.p, got, test.percentile)
		}
		if got := spread(test.values, number); got != test.said {
			t.Errorf("spread(%v): got %s, want %s", test.values, got, test.said)
		}
	}
	if !math.IsNaN(Median(nil)) || !math.IsNaN(Percentile(nil, 50)) {
		t.Error("median or percentile of nothing is a number")
	}
	if got := number(1234567); got != "1,234,567" {
		t.Errorf("number: got %s", got)
	}
}

// A percentile is not a maximum: of a hundred values the 99th leaves one out.
func TestPercentileOfHundred(t *testing.T) {
	t.Parallel()
	var values []float64
	for i := range 100 {
		values = append(values, float64(100-i))
	}
	if p50, p99 := Percentile(values, 50), Percentile(values, 99); p50 != 50 || p99 != 99 {
		t.Errorf("got %v and %v, want 50 and 99", p50, p99)
	}
}

func TestNumbersInKeys(t *testing.T) {
	t.Parallel()
	for _, id := range []int{0, 7, 999_999, 1_000_000, 900_000_003} {
		number := workload.Number(id)
		for _, key := range []string{number, `{"so_dinh_danh":"` + number + `"}`} {
			if got, ok := idOf(numberIn(key)); !ok || got != id {
				t.Errorf("id in key %s: got %d, %v; want %d", key, got, ok, id)
			}
		}
	}
	for _, key := range []string{"", "\x00\x00\x00\x00", "12345678901", "123456 789012"} {
		if number := numberIn(key); number != "" {
			t.Errorf("key %q has the number %s", key, number)
		}
	}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	start := time.Unix(100, 0)
	w := watch{started: start, want: 10_000}
	for i, n := range []int64{0, 6, 1000, 4000, 5500, 9999, 10_003} { // six markers are no event
		if enough := w.see(start.Add(time.Duration(i)*time.Second), n); enough != (n >= 10_000) {
			t.Errorf("after %d records: enough is %v", n, enough)
		}
	}
	want := map[string]float64{FirstEvent: 2, RateStart: 10_000.0 / 6, Rate: 9000.0 / 4, RateWarm: 4500.0 / 2}
	if diff := cmp.Diff(want, w.values(1)); diff != "" {
		t.Error(diff)
	}
	// 12,000 records of 10,000 changes.
	if got := w.values(0.5)[Rate]; got != 4500.0/4 {
		t.Errorf("rate in changes: got %v, want 1125", got)
	}
}

func TestBookGoesOn(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "bin", "results.json")
	b, err := ReadBook(path)
	if err != nil || !b.Started.IsZero() {
		t.Fatalf("no file: got %v, %v", b, err)
	}
	b = fixedBook()
	if err := b.Write(path); err != nil {
		t.Fatal(err)
	}
	again, err := ReadBook(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(b, again); diff != "" {
		t.Error(diff)
	}
	again.Results = append(again.Results, Result{Measure: Kill, Contestant: Truc, Round: 1})
	again.KeepRounds(Inserts, 1)
	if got := again.Rounds(Inserts, Truc); got != 1 {
		t.Errorf("rounds kept: got %d, want 1", got)
	}
	if got := again.Rounds(Kill, Truc); got != 2 {
		t.Errorf("rounds of another measure: got %d, want 2", got)
	}
	again.Results = append(again.Results, Result{Measure: Latency1k}, Result{Measure: Latency5k})
	again.Done = append(again.Done, Latency)
	again.Forget(Latency)
	if diff := cmp.Diff([]string{Inserts}, again.Done); diff != "" || again.Rounds(Latency5k, "") != 0 || again.Rounds(Kill, Truc) != 2 {
		t.Errorf("a measure with parts is forgotten badly: %s", diff)
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadBook(path); err == nil {
		t.Error("a broken file is read without an error")
	}
}

// Ratios compare what ran in the same round, not the first with the first.
func TestRatiosAreOfOneRound(t *testing.T) {
	t.Parallel()
	b := &Book{Results: []Result{
		{Measure: Inserts, Contestant: Truc, Round: 0, Values: map[string]float64{Rate: 100}},
		{Measure: Inserts, Contestant: Truc, Round: 1, Values: map[string]float64{Rate: 300}},
		{Measure: Inserts, Contestant: DebeziumTuned, Round: 1, Values: map[string]float64{Rate: 50}},
	}}
	if diff := cmp.Diff([]float64{6}, b.Ratios(Inserts, Truc, Rate, DebeziumTuned, Rate)); diff != "" {
		t.Error(diff)
	}
}

func TestPage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	page := filepath.Join(dir, "benchmarks.md")
	if err := os.WriteFile(page, []byte("# Mine\n\n"+pageBegin+"\nold\n"+pageEnd+"\n\nmine too\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := fixedBook()
	if err := Render(b, dir); err != nil {
		t.Fatal(err)
	}
	if err := run(dir); err != nil { // again, from the raw data it left
		t.Fatal(err)
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "page.md", got)
	chart, err := os.ReadFile(filepath.Join(dir, "benchmarks", "inserts.svg"))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "inserts.svg", chart)

	if err := os.WriteFile(page, []byte("# Mine\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Render(b, dir); err == nil {
		t.Error("a page without a place for the figures is overwritten")
	}
	if err := run(t.TempDir()); err == nil || !strings.Contains(err.Error(), "make bench-peers") {
		t.Errorf("nothing measured: got %v", err)
	}
}

// Verdicts follow the limits: what is exactly at a limit has met it.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		truc float64
		want string
	}{{99_999, "**not met**"}, {100_000, "met"}, {139_999, "met"}, {140_000, "met, and the aim"}} {
		b := &Book{Results: []Result{
			{Measure: Inserts, Contestant: Truc, Values: map[string]float64{Rate: test.truc}},
			{Measure: Inserts, Contestant: DebeziumTuned, Values: map[string]float64{Rate: 20_000}},
		}}
		if got := targets()[0].verdict(b); !strings.HasSuffix(got, "| "+test.want) {
			t.Errorf("%v against 20,000: got %q, want %q", test.truc, got, test.want)
		}
	}
	if got := targets()[0].verdict(&Book{}); got != "– | not measured" {
		t.Errorf("nothing measured: got %q", got)
	}
	// What has no limit but an aim is not met by missing it.
	late := &Book{Results: []Result{{Measure: Kill, Contestant: Truc, Values: map[string]float64{GoOn: 3}}}}
	if got := targets()[5].verdict(late); got != "3.00 s | **aim not met**" {
		t.Errorf("going on after 3 s: got %q", got)
	}
	slow := &Book{Results: []Result{{Measure: Inserts, Contestant: DebeziumTuned, Round: 1, Values: map[string]float64{Rate: 16_999}}}}
	if diff := cmp.Diff([]int{2}, slow.Invalid()); diff != "" {
		t.Error(diff)
	}
}

// Every picture is well-formed XML with a title and a description, also of names with marks and brackets.
func TestChart(t *testing.T) {
	t.Parallel()
	c := Chart{Title: "A & B", Unit: "<s>", Better: "less", Format: number, Bars: []Bar{{Label: "x < y", Values: []float64{0, 0}}, {Label: "ừ", Ours: true, Values: []float64{1}}}}
	decoder := xml.NewDecoder(strings.NewReader(c.SVG()))
	texts := map[string]string{}
	var element string
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch v := token.(type) {
		case xml.StartElement:
			element = v.Name.Local
		case xml.CharData:
			texts[element] += string(v)
		}
	}
	if got := strings.TrimSpace(texts["title"]); got != "A & B" {
		t.Errorf("title: got %q", got)
	}
	if got := texts["desc"]; !strings.Contains(got, "x < y: 0") || !strings.Contains(got, "ừ: 1") {
		t.Errorf("description: got %q", got)
	}
}

// fixedBook has two rounds of one measure and one of another.
func fixedBook() *Book {
	at := time.Date(2026, 11, 26, 4, 0, 0, 0, time.UTC)
	b := &Book{
		Started: at, Rows: map[string]int{Inserts: 1_000_000, Kill: 400_000}, Done: []string{Inserts}, Failed: map[string]string{Snapshot: "it failed; the log of the run says why", Delivery: "cut", Kill: "it failed; the log of the run says why"},
		Machine: Machine{Cores: 2, MemoryGB: 24, Go: "1.26", Postgres: "15.18", Kafka: "4.3.1", Debezium: "3.7.0.Final", JDBC: "3.6.0.Final", Java: "17", Truc: "v1"},
	}
	for round, factor := range []float64{1, 1.1} {
		for _, r := range []Result{
			{Contestant: Truc, Values: map[string]float64{Rate: 150_000 * factor, RateStart: 140_000, RateWarm: 152_000, CPU: 5, Peak: 90, Bytes: 1053, FirstEvent: 0.2}},
			{Contestant: TrucAgain, Values: map[string]float64{Rate: 153_000, CPU: 5.1}},
			{Contestant: DebeziumTuned, Values: map[string]float64{Rate: 25_000, RateStart: 20_000, RateWarm: 31_000 * factor, CPU: 58, Peak: 2300, Bytes: 1397}},
			{Contestant: RecvLogical, Values: map[string]float64{Rate: 110_000, RateStart: 110_000, CPU: 4.8}},
		} {
			r.Measure, r.Round, r.At = Inserts, round, at
			b.Results = append(b.Results, r)
		}
	}
	b.Results = append(b.Results,
		Result{Measure: Kill, Contestant: Truc, At: at, Values: map[string]float64{Duplicates: 0, Lost: 0, GoOn: 0.8, KilledAt: 200_100}},
		Result{Measure: Kill, Contestant: Debezium, At: at, Values: map[string]float64{Duplicates: 202_091, Lost: 0, GoOn: 9, KilledAt: 202_092}})
	return b
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-update writes it anew):\n%s", name, diff)
	}
}
