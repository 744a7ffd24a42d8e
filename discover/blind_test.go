package discover_test

import (
	"path/filepath"
	"testing"
)

func TestBlind(t *testing.T) {
	for _, dir := range tables(t, "testdata/blind") {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			mappings := handWritten(t, dir)
			if len(mappings) == 0 {
				t.Fatal("no mapping to compare with")
			}
			compare(t, dir, mappings)
		})
	}
}
