package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReport(t *testing.T) {
	t.Parallel()
	const events = `{"Action":"start","Package":"p"}
{"Action":"output","Package":"p","Test":"TestGood","Output":"noise of a good test\n"}
{"Action":"pass","Package":"p","Test":"TestGood"}
{"Action":"output","Package":"p","Test":"TestSkip","Output":"=== RUN   TestSkip\n"}
{"Action":"output","Package":"p","Test":"TestSkip","Output":"    x_test.go:3: no server\n"}
{"Action":"output","Package":"p","Test":"TestSkip","Output":"--- SKIP: TestSkip (0.00s)\n"}
{"Action":"skip","Package":"p","Test":"TestSkip"}
{"Action":"output","Package":"p","Test":"TestBad","Output":"    x_test.go:9: got 1, want 2\n"}
{"Action":"fail","Package":"p","Test":"TestBad"}
{"Action":"fail","Package":"p","Elapsed":1.5}
{"Action":"output","Package":"q","Test":"TestFine","Output":"noise\n"}
{"Action":"pass","Package":"q","Test":"TestFine"}
{"Action":"pass","Package":"q","Elapsed":0.2}
{"Action":"skip","Package":"without/tests"}
{"ImportPath":"r","Action":"build-output","Output":"r.go:1: syntax error\n"}
{"Action":"fail","Package":"r"}
`
	var out strings.Builder
	r := newReport(&out, " on PostgreSQL 17")
	if err := r.read(strings.NewReader(events)); err != nil {
		t.Fatal(err)
	}
	r.summary()
	const want = `    x_test.go:9: got 1, want 2
FAIL      1.5s  p on PostgreSQL 17
ok        0.2s  q on PostgreSQL 17
r.go:1: syntax error
FAIL      0.0s  r on PostgreSQL 17
skipped on PostgreSQL 17: p TestSkip: x_test.go:3: no server
tests on PostgreSQL 17: 2 passed, 1 failed, 1 skipped
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}
