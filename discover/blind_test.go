package discover_test

import (
	"path/filepath"
	"testing"
)

func TestBlind(t *testing.T) {
	for _, dir := range tables(t, "testdata/blind") {
		t.Run(filepath.Base(dir), func(t *testing.T) { compare(t, dir, handWritten(t, dir)) })
	}
}
