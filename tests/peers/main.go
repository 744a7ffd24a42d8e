// Command peers renders docs/benchmarks.md and its charts anew from the raw data in docs/benchmarks/results.json, without measuring:
//
//	go run ./tests/peers
//
// `make bench-peers` measures: truc and Kafka Connect with Debezium on the same work, in alternation. That is the test TestMeasure
// here, which runs only when asked.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	dir := "docs"
	if len(os.Args) > 1 {
		dir = os.Args[1]
	}
	if err := run(dir); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func run(dir string) error {
	path := filepath.Join(dir, "benchmarks", "results.json")
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("%w; `make bench-peers` measures, or name another folder than %s", err, dir)
	}
	b, err := ReadBook(path)
	if err != nil {
		return err
	}
	return Render(b, dir)
}
