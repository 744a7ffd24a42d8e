// Command scale works out from measured costs what a province, and what all of them, ask of a Kafka of three brokers, and where
// it stops to fit. It writes docs/scale.md:
//
//	go run ./tests/scale > docs/scale.md
package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

//go:embed costs.json
var measured []byte

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

func run(out io.Writer) error {
	var m costs
	if err := json.Unmarshal(measured, &m); err != nil {
		return fmt.Errorf("read costs.json: %w", err)
	}
	return render(out, m)
}
