package main

import (
	"bytes"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPageIsRendered(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := run(&out); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/scale.md")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(page), "\n"), strings.Split(out.String(), "\n")); diff != "" {
		t.Errorf("docs/scale.md is not what the model says; fix: go run ./tests/scale > docs/scale.md\n%s", diff)
	}
}

// What is reckoned, once by hand.
func TestCarry(t *testing.T) {
	t.Parallel()
	m := costs{SnapshotRows: 1000, PublishRows: 500, DeliverRows: 100, BrokerCPU: 2, EventBytes: 1000, SinkBytes: 500}
	one := []dataset{{id: "a.b", rows: 2, changes: 72}}
	l := usual().carry(place{"two agencies", 1e6, 2}, one, m)
	for what, v := range map[string][2]float64{
		"rows":               {l.rows, 2e6},
		"topics":             {l.topics, 2},
		"partitions":         {l.partitions, 8},
		"replicas a broker":  {l.replicasPerBroker, 8},
		"peak":               {l.peakEvents, 30}, // 72e6 / (2000 h × 3600) × 3
		"disk a broker":      {l.diskPerBroker, 4e9},
		"in":                 {l.in, 30e3},
		"out":                {l.out, 120e3},
		"cores":              {l.brokerCores, 30e-6 * 2 * 13 / 3},
		"first load":         {l.firstLoad, 1000},
		"first load, paced":  {l.paced, 500},
		"delivery":           {l.deliver, 20000},
		"disk of the reader": {l.sinkDisk, 1e9},
	} {
		if math.Abs(v[0]-v[1]) > 1e-9*v[1] {
			t.Errorf("%s: %g, by hand %g", what, v[0], v[1])
		}
	}
	for _, w := range usual().walls(l, m) {
		if w.what == "disk" && math.Abs(w.times-1e12/3*4/4e9) > 1e-6 {
			t.Errorf("%s fits %g times", w.what, w.times)
		}
	}
}

func TestNights(t *testing.T) {
	t.Parallel()
	const hour = 3600
	for work, want := range map[float64]float64{hour: hour, 10 * hour: 10 * hour, 11 * hour: 25 * hour, 21 * hour: 49 * hour} {
		if got := nights(work); got != want {
			t.Errorf("%g h of work in the nights take %g h, want %g", work/hour, got/hour, want/hour)
		}
	}
}
