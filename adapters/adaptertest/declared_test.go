package adaptertest

import (
	"strings"
	"testing"

	"github.com/lienthong/truc/adapters/memory"
)

// An adapter that stops declaring what it can do, or whose fixture no longer can show it, must not pass with less.
func TestCapabilitiesAreDeclared(t *testing.T) {
	undeclared := map[string]func(*SourceCapabilities){
		"TwoTables":   func(c *SourceCapabilities) { c.TwoTables = false },
		"AddColumn":   func(c *SourceCapabilities) { c.AddColumn = false },
		"Unreachable": func(c *SourceCapabilities) { c.Unreachable = false },
		"Replays":     func(c *SourceCapabilities) { c.Replays = false },
	}
	for name, forget := range undeclared {
		spec := SourceSpec{Capabilities: fullCapabilities, New: func(testing.TB) SourceFixture {
			return memorySource(smallBatches, func(*memory.TableSpec) {})
		}}
		forget(&spec.Capabilities)
		wantFailure(t, "the source does not declare "+name, func(tb testing.TB) {
			for _, c := range sourceCases() {
				if c.name == "replayer agrees" {
					c.runOn(tb, spec)
				}
			}
		})
	}
	lost := map[string]func(*SourceFixture){
		"TwoTables":   func(f *SourceFixture) { f.Tables[1] = "" },
		"AddColumn":   func(f *SourceFixture) { f.AddColumn = nil },
		"Unreachable": func(f *SourceFixture) { f.Unreachable = nil },
	}
	for name, lose := range lost {
		spec := SourceSpec{Capabilities: fullCapabilities, New: func(testing.TB) SourceFixture {
			f := memorySource(smallBatches, func(*memory.TableSpec) {})
			lose(&f)
			return f
		}}
		wantFailure(t, "the fixture lacks what "+name+" declares", func(tb testing.TB) { sourceCases()[0].runOn(tb, spec) })
	}
	for name, forget := range map[string]func(*SinkCapabilities){
		"Reads":       func(c *SinkCapabilities) { c.Reads = false },
		"Sweeps":      func(c *SinkCapabilities) { c.Sweeps = false },
		"Unreachable": func(c *SinkCapabilities) { c.Unreachable = false },
	} {
		spec := SinkSpec{Capabilities: fullSinkCapabilities, New: memorySink}
		forget(&spec.Capabilities)
		wantFailure(t, "the sink does not declare "+name, func(tb testing.TB) {
			for _, c := range sinkCases() {
				if c.name == "capabilities are declared" {
					c.runOn(tb, spec)
				}
			}
		})
	}
}

func wantFailure(t *testing.T, what string, run func(testing.TB)) {
	t.Helper()
	result := watch(t, run)
	if !result.Failed() || !strings.Contains(result.text(), "declare") && !strings.Contains(result.text(), "capabilities say") {
		t.Errorf("%s, and the suite passes or complains of something else: %s", what, result.text())
	}
}
