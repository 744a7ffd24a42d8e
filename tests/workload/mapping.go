package workload

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Agency is who publishes.
const Agency = "H25.26"

// The files that Write writes, and the datasets their documents belong to.
const (
	// Mapping translates Table into documents of Dataset.
	Mapping = "cong_dan.yaml"
	// PlainMapping copies every column into documents of PlainDataset, which stands in the folder Datasets.
	PlainMapping = "sao_chep.yaml"
	// SinkMapping writes documents of Dataset into the table that CreateSink makes.
	SinkMapping = "nguoi_dan.yaml"

	Dataset      = "dancu.congdan.v1"
	PlainDataset = "bench.congdan.v1"
	Datasets     = "chuan"
)

//go:embed files
var files embed.FS

// Write puts the mappings and the folder of the plain dataset into a directory, beside which a configuration can name them.
func Write(dir string) error {
	err := fs.WalkDir(files, "files", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel("files", filepath.FromSlash(path))
		if err != nil {
			return err
		}
		to := filepath.Join(dir, name)
		if entry.IsDir() {
			return os.MkdirAll(to, 0o750)
		}
		text, err := files.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(to, text, 0o600)
	})
	if err != nil {
		return fmt.Errorf("write the workload's mappings: %w", err)
	}
	return nil
}

// Text returns one of the mappings.
func Text(name string) ([]byte, error) { return files.ReadFile("files/" + name) }
