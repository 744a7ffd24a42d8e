package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const output = `pkg: github.com/lienthong/truc/adapters/postgres
BenchmarkDecode-2   	 1043670	       250.0 ns/op	1947.13 MB/s	       1 B/op	       0 allocs/op
BenchmarkDecode-2   	 1043670	       350.0 ns/op	1947.13 MB/s	       1 B/op	       0 allocs/op
BenchmarkEncode-2   	    1959	    184000 ns/op	       184.0 ns/row	    2675 B/op	    2000 allocs/op
ok  	github.com/lienthong/truc/bus/kafka	1.2s
BenchmarkStage/of_that:_check-2              	  329916	      2000 ns/op	      1900 cpu-ns/row	       0 B/op	       0 allocs/op
BenchmarkDrain/pg_recvlogical-2         	       1	       418.1 B/row	         5.000 cpu-s/Mrow	    100000 rows/s
BenchmarkDrain/truc_to_Kafka-2          	       1	        12.00 cpu-s/Mrow	        87.05 peak-MB	     50000 rows/s	     60000 running-rows/s
BenchmarkDrain/truc_to_Kafka#01-2       	       1	        10.00 cpu-s/Mrow	        81.22 peak-MB	     60000 rows/s	     66000 running-rows/s
BenchmarkDrain/pg_recvlogical#01-2      	       1	       418.5 B/row	         3.000 cpu-s/Mrow	     60000 rows/s
PASS
`

const want = `
one stage, one core  rows/s     ns/row         CPU ns/row  allocs/row
decode               3,333,333  300 (250–350)  –           0.00
encode               5,434,783  184            –           2.00
of that: check       500,000    2,000          1,900       0.00

the whole path  rows/s                   ns/row  ratio to pg_recvlogical  rows/s once running      ratio             CPU s per 1,000,000 rows  peak MB
pg_recvlogical  80,000 (60,000–100,000)  12,500  1.00 (1.00–1.00)         –                        –                 4.00 (3.00–5.00)          –
truc to Kafka   55,000 (50,000–60,000)   18,182  0.75 (0.50–1.00)         63,000 (60,000–66,000)   0.85 (0.60–1.10)  11.00 (10.00–12.00)       84 (81–87)

median (lowest–highest); a ratio is taken within its round
`

func TestTable(t *testing.T) {
	var out strings.Builder
	if err := run(strings.NewReader(output), &out); err != nil {
		t.Fatal(err)
	}
	squeeze := func(s string) string {
		var lines []string
		for line := range strings.Lines(s) {
			lines = append(lines, strings.Join(strings.Fields(line), " "))
		}
		return strings.Join(lines, "\n")
	}
	if diff := cmp.Diff(squeeze(want), squeeze(out.String())); diff != "" {
		t.Error(diff)
	}
}

func TestTableFailsWithABenchmark(t *testing.T) {
	if err := run(strings.NewReader("--- FAIL: BenchmarkDrain/truc_to_Kafka\nFAIL\n"), &strings.Builder{}); err == nil {
		t.Error("a failed benchmark made a table")
	}
}
