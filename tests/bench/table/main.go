// Command table turns the output of the benchmarks, read from standard input, into one table:
//
//	go test -run='^$' -bench=. ./tests/bench | go run ./tests/bench/table
//
// What it reads it repeats on standard error, so that one sees it come.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

func main() {
	if err := run(io.TeeReader(os.Stdin, os.Stderr), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "table:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	benchmarks, err := read(in)
	if err != nil {
		return err
	}
	return write(out, benchmarks)
}

// benchmark is what all rounds of one benchmark measured: unit → values in the order of the rounds.
type benchmark struct {
	name   string
	values map[string][]float64
}

// drains begin the names of the benchmarks of the whole path; baseline is what they are compared with.
const (
	drains   = "Drain/"
	baseline = drains + "pg_recvlogical"
)

// line is a result of `go test -bench`: name, "#01" when the name was used before, "-2" for the processors, iterations, values.
var line = regexp.MustCompile(`^Benchmark(\S+?)(?:#\d+)?(?:-\d+)?\s+\d+\s+(.+)$`)

func read(in io.Reader) ([]*benchmark, error) {
	var all []*benchmark
	scanner := bufio.NewScanner(in)
	for scanner.Scan() {
		text := scanner.Text()
		if strings.HasPrefix(text, "FAIL") || strings.HasPrefix(text, "--- FAIL") {
			return nil, fmt.Errorf("a benchmark failed: %s", text)
		}
		m := line.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		i := slices.IndexFunc(all, func(b *benchmark) bool { return b.name == m[1] })
		if i < 0 {
			i = len(all)
			all = append(all, &benchmark{name: m[1], values: map[string][]float64{}})
		}
		fields := strings.Fields(m[2])
		for ; len(fields) >= 2; fields = fields[2:] {
			v, err := strconv.ParseFloat(fields[0], 64)
			if err != nil {
				return nil, fmt.Errorf("read %q: %w", text, err)
			}
			all[i].values[fields[1]] = append(all[i].values[fields[1]], v)
		}
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("read benchmarks: %w", err)
	}
	return all, nil
}

func write(out io.Writer, all []*benchmark) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\none stage, one core\trows/s\tns/row\tCPU ns/row\tallocs/row")
	for _, b := range all {
		if strings.HasPrefix(b.name, drains) {
			continue
		}
		ns, allocs := b.perRow()
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", b.label(), thousands(1e9/median(ns)), spread(ns, thousands),
			spread(b.values["cpu-ns/row"], thousands), decimal(allocs))
	}
	var base []float64
	for _, b := range all {
		if b.name == baseline {
			base = b.values["rows/s"]
		}
	}
	fmt.Fprintln(w, "\nthe whole path\trows/s\tns/row\tratio to pg_recvlogical\trows/s once running\tratio\tCPU s per 1,000,000 rows\tpeak MB")
	for _, b := range all {
		if !strings.HasPrefix(b.name, drains) {
			continue
		}
		rate := b.values["rows/s"]
		running := b.values["running-rows/s"]
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", b.label(), spread(rate, thousands), thousands(1e9/median(rate)), spread(ratio(rate, base), decimal),
			spread(running, thousands), spread(ratio(running, base), decimal), spread(b.values["cpu-s/Mrow"], decimal), spread(b.values["peak-MB"], thousands))
	}
	fmt.Fprintln(w, "\nmedian (lowest–highest); a ratio is taken within its round")
	return w.Flush()
}

// label is the name without what only the code needs.
func (b *benchmark) label() string {
	name := b.name[strings.LastIndexByte(b.name, '/')+1:]
	switch b.name {
	case baseline:
		return name
	case name:
		return strings.ToLower(name)
	}
	return strings.ReplaceAll(name, "_", " ")
}

// perRow gives nanoseconds by round and the median of the allocations. A benchmark whose operation is many rows says so by
// a metric of its own, ns/row.
func (b *benchmark) perRow() (ns []float64, allocs float64) {
	op := b.values["ns/op"]
	ns, allocs = op, median(b.values["allocs/op"])
	if rows := b.values["ns/row"]; len(rows) > 0 {
		ns = rows
		if len(op) > 0 {
			allocs *= median(rows) / median(op)
		}
	}
	return ns, allocs
}

func ratio(a, base []float64) []float64 {
	var out []float64
	for i := range min(len(a), len(base)) {
		out = append(out, a[i]/base[i])
	}
	return out
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	v = slices.Sorted(slices.Values(v))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

func spread(v []float64, format func(float64) string) string {
	switch len(v) {
	case 0:
		return "–"
	case 1:
		return format(v[0])
	}
	return fmt.Sprintf("%s (%s–%s)", format(median(v)), format(slices.Min(v)), format(slices.Max(v)))
}

func decimal(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) }

// thousands is a whole number with commas: 1,234,567.
func thousands(v float64) string {
	s := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
