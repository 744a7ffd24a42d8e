package main

import (
	"strings"
	"testing"
	"time"

	"github.com/lienthong/truc/pipeline"
	"github.com/lienthong/truc/portal"
)

// TestStatusTellsOfAnotherMapping: since when, and what publishes the rest anew.
func TestStatusTellsOfAnotherMapping(t *testing.T) {
	since := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	s := &portal.Status{Agency: "H44.15", Readers: []portal.Reader{{Source: "hotich", Pipelines: []portal.Publish{
		{Name: "moi", Mapping: "aaaa", Changed: &pipeline.MappingChange{Before: "bbbb", Since: since}}, {Name: "cu", Mapping: "cccc"},
	}}}}
	var b strings.Builder
	p := &program{stdout: &b, lang: "en"}
	if err := p.printStatus(s, since.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	const want = "  moi: mapping aaaa since 2026-03-01T08:00:00Z; what had no event since then is as mapping bbbb or an earlier one made it: truc resnapshot moi publishes it anew\n"
	if !strings.Contains(b.String(), want) || strings.Count(b.String(), "resnapshot") != 1 {
		t.Error(b.String())
	}
}
