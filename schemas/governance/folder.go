// Package governance carries a dataset through its life, draft, proposed, approved, published, deprecated, retired, in a folder
// of standards under version control. What was decided stands beside the schema and is only added to:
//
//	<dataset>/v<major>/schema.json                 the working copy, which the gate of schemas judges and nodes read
//	<dataset>/v<major>/history.jsonl               who decided what, when and why; a line for each step
//	<dataset>/v<major>/published/<version>.json    the text of a published version, never changed
//	<dataset>/v<major>/published/types/*.json      the shared types it was published with
//	<dataset>/v<major>/origin.json                 of a dataset that was taken over from others: their signature
//	trusted.keys                                   whose signatures are believed
//
// The package reads and writes that folder and nothing else; who acts, and when, its callers say.
package governance

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas"
)

// Bounds of a folder; those of schemas are as large.
const (
	maxFile    = 1 << 20
	maxTotal   = 64 << 20
	maxEntries = 20_000
)

// Folder is a folder of standards, read into memory. It is not safe for concurrent use.
type Folder struct {
	dir  string
	name string // how findings call it
	// files are the texts that belong to the standards, by path with slashes.
	files map[string][]byte
	// misplaced are schemas at places that name no dataset and no major version: they are not read.
	misplaced []string
	// beside are the other folders of the same set.
	beside []schemas.Folder
}

// Open reads a folder. Findings call it by name; beside are the other folders that its $refs may lead to.
func Open(dir, name string, beside ...schemas.Folder) (*Folder, error) {
	f := &Folder{dir: dir, name: filepath.ToSlash(name), files: map[string][]byte{}, beside: beside}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open folder of datasets: %w", err)
	}
	defer root.Close()
	if err := f.read(root.FS()); err != nil {
		return nil, err
	}
	return f, nil
}

// read takes in what belongs to the standards.
func (f *Folder) read(fsys fs.FS) error {
	entries, total := 0, 0
	return fs.WalkDir(fsys, ".", func(at string, e fs.DirEntry, err error) error {
		if entries++; entries > maxEntries {
			return f.large()
		}
		switch {
		case err != nil:
			return err
		case e.IsDir() && at != "." && !leadsTo(at):
			return f.pass(fsys, at)
		case path.Base(at) == "schema.json" && !belongs(at):
			f.misplaced = append(f.misplaced, at)
			return nil
		case !e.Type().IsRegular() || !belongs(at):
			return nil
		}
		text, err := readWithin(fsys, at)
		if total += len(text); err == nil && total > maxTotal {
			return f.large()
		}
		f.files[at] = text
		return err
	})
}

// pass leaves a folder out in which no dataset can be, and remembers a schema that somebody put there: ThuVien.The/v1/schema.json.
func (f *Folder) pass(fsys fs.FS, dir string) error {
	for _, form := range []string{"schema.json", "v[0-9]*/schema.json"} {
		found, err := fs.Glob(fsys, path.Join(escaped(dir), form))
		if err == nil && !strings.HasPrefix(path.Base(dir), ".") {
			f.misplaced = append(f.misplaced, found...)
		}
	}
	return fs.SkipDir
}

// escaped is a name in a pattern.
func escaped(name string) string { return patternSigns.ReplaceAllString(name, `\$0`) }

var patternSigns = regexp.MustCompile(`[\\*?\[\]]`)

func readWithin(fsys fs.FS, at string) ([]byte, error) {
	file, err := fsys.Open(at)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = problem.Problem{
			Code: "governance.too-large", Where: at, What: problem.Say("the file is larger than 1 MiB"),
			Fix: problem.Say("keep only schemas, examples and code lists in the folder"),
		}
	}
	return text, err
}

func (f *Folder) large() error {
	return problem.Problem{
		Code: "governance.too-large", Where: f.name, What: problem.Say("the folder holds more than %d MiB or %d files", maxTotal>>20, maxEntries),
		Fix: problem.Say("name the folder that holds <dataset>/v<major>/schema.json only"),
	}
}

var (
	datasetFile = regexp.MustCompile(`^([a-z][a-z0-9]*(?:\.[a-z][a-z0-9]*)*)/v([1-9][0-9]{0,5})/(.+)$`)
	sharedFile  = regexp.MustCompile(`^(codelists|types)/[^/]+\.json$`)
)

var (
	topFolder   = regexp.MustCompile(`^[a-z][a-z0-9]*(\.[a-z][a-z0-9]*)*$`)
	majorFolder = regexp.MustCompile(`^[^/]+/v[1-9][0-9]{0,5}(/(examples|examples/valid|examples/invalid|published|published/types))?$`)
)

// leadsTo says whether a folder can hold files of the standards.
func leadsTo(at string) bool { return topFolder.MatchString(at) || majorFolder.MatchString(at) }

// belongs says whether a file is part of the standards, by its path.
func belongs(at string) bool {
	return at == trustedFile || sharedFile.MatchString(at) || datasetFile.MatchString(at)
}

// where is a path of the folder as findings name it.
func (f *Folder) where(at string) string { return path.Join(f.name, at) }

// Set judges everything in the folder by the gate of schemas, together with what is built in and the folders beside. The error is
// a problem.List.
func (f *Folder) Set() (*schemas.Set, error) { return f.setOf(f.files) }

func (f *Folder) setOf(files map[string][]byte) (*schemas.Set, error) {
	fsys, err := inMemory(files)
	if err != nil {
		return nil, err
	}
	return schemas.LoadFolders(append(slices.Clone(f.beside), schemas.Folder{Name: f.name, FS: fsys})...)
}

// inMemory makes a file system of texts. An archive that is never written to a disk is the one in the standard library that is no
// test's.
func inMemory(files map[string][]byte) (fs.FS, error) {
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	for _, at := range sortedKeys(files) {
		entry, err := w.CreateHeader(&zip.FileHeader{Name: at, Method: zip.Store})
		if err == nil {
			_, err = entry.Write(files[at])
		}
		if err != nil {
			return nil, fmt.Errorf("hold %s: %w", at, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("hold files: %w", err)
	}
	return zip.NewReader(bytes.NewReader(archive.Bytes()), int64(archive.Len()))
}

// write puts texts into the folder. Each file is whole or as it was: a text is written beside its place and moved there.
func (f *Folder) write(files map[string][]byte) error {
	root, err := os.OpenRoot(f.dir)
	if err != nil {
		return fmt.Errorf("open folder of datasets: %w", err)
	}
	defer root.Close()
	for _, at := range sortedKeys(files) {
		if err := root.MkdirAll(path.Dir(at), 0o755); err != nil {
			return fmt.Errorf("create folder: %w", err)
		}
		part := path.Join(path.Dir(at), "."+path.Base(at)+".part")
		err := root.WriteFile(part, files[at], 0o644)
		if err == nil {
			err = root.Rename(part, at)
		}
		if err != nil {
			return errors.Join(fmt.Errorf("write file: %w", err), root.Remove(part))
		}
		f.files[at] = files[at]
	}
	return nil
}

// sum is the fingerprint of a text: SHA-256 in hexadecimal. What an editor or version control does to the ends of lines, and a byte
// order mark, do not count.
func sum(text []byte) string {
	h := sha256.Sum256(plain(text))
	return hex.EncodeToString(h[:])
}

func plain(text []byte) []byte {
	return bytes.ReplaceAll(bytes.TrimPrefix(text, []byte("\ufeff")), []byte("\r\n"), []byte("\n"))
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
