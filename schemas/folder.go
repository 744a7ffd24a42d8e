package schemas

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/lienthong/truc/problem"
)

// Folder is a directory of standards, laid out like schemas/data. What is in it need not be trusted: nothing outside of FS is
// read, and no more of it than the bounds below.
type Folder struct {
	// Name is how messages call the folder; places in it begin with it.
	Name string
	FS   fs.FS

	// builtin: it comes with truc, and its examples are proven by the test of the build. Running them again would be most of
	// the time that every start takes.
	builtin bool
}

// Bounds of a folder, far beyond what a country's standards need: what is larger is another folder than was meant.
const (
	maxFolderEntries = 20_000
	maxFolderBytes   = 64 << 20
	maxFolderDepth   = 5 // <dataset>/v<major>/examples/valid/<file>
)

// folder is a folder that is being read.
type folder struct {
	Folder
	bytes int64
}

// shown is a path in the folder as messages name it.
func (f *folder) shown(name string) string { return path.Join(f.Name, name) }

// role says what a file is by its place.
type role uint8

const (
	roleNone role = iota
	roleCodeList
	roleTypes
	roleDataset
	roleMisplaced
)

func roleOf(name string) role {
	dir, base := path.Split(name)
	switch {
	case path.Ext(name) != ".json":
		return roleNone
	case dir == "codelists/":
		return roleCodeList
	case dir == "types/":
		return roleTypes
	case base == "schema.json" && strings.Count(name, "/") == 2:
		return roleDataset
	case base == "schema.json":
		return roleMisplaced
	}
	return roleNone
}

// errTooLarge stops the walk through a folder.
var errTooLarge = errors.New("more files than a folder of standards has")

// read takes up codelists/*.json, types/*.json and <dataset>/v<major>/schema.json.
func (l *loader) read(f *folder) {
	entries, found := 0, 0
	err := fs.WalkDir(f.FS, ".", func(name string, entry fs.DirEntry, err error) error {
		if entries++; entries > maxFolderEntries {
			return errTooLarge
		}
		switch {
		case err != nil:
			l.problems = append(l.problems, f.unreadable(name, err))
			return fs.SkipDir
		case entry.IsDir() && name != "." && (strings.HasPrefix(entry.Name(), ".") || strings.Count(name, "/") >= maxFolderDepth-1):
			return fs.SkipDir
		case entry.IsDir():
			l.expectSchema(f, name)
			return nil
		case linkToFolder(f.FS, name, entry):
			l.problems = append(l.problems, f.unreadable(name, problem.Say("links to folders are not followed")))
			return nil
		}
		is := roleOf(name)
		if is == roleNone {
			l.notePublished(f, name)
			return nil
		}
		found++
		if is == roleMisplaced {
			l.problems = append(l.problems, misplaced(f.shown(name)))
			return nil
		}
		raw, ps := f.text(name)
		if l.problems = append(l.problems, ps...); ps == nil {
			l.add(f, name, raw, is)
		}
		return nil
	})
	switch {
	case errors.Is(err, errTooLarge):
		l.problems = append(l.problems, problem.Problem{
			Code: "schema.folder", Where: f.Name, What: problem.Say("the folder has more than %d files and folders: it is not one of datasets only", maxFolderEntries),
			Fix: problem.Say("name a folder that holds <dataset>/v<major>/schema.json, codelists/ and types/ only"),
		})
	case err != nil:
		l.problems = append(l.problems, f.unreadable(".", err))
	case found == 0 && len(l.problems) == 0:
		l.problems = append(l.problems, problem.Problem{
			Code: "schema.folder", Where: f.Name, What: problem.Say("the folder holds neither a dataset nor a code list nor types"),
			Fix: problem.Say("name the folder that holds <dataset>/v<major>/schema.json; truc's own schemas/data is an example"),
		})
	}
}

// linkToFolder reports whether an entry that is not hidden leads to a folder elsewhere.
func linkToFolder(fsys fs.FS, name string, entry fs.DirEntry) bool {
	if entry.Type()&fs.ModeSymlink == 0 || strings.HasPrefix(entry.Name(), ".") {
		return false
	}
	info, err := fs.Stat(fsys, name)
	return err == nil && info.IsDir()
}

// expectSchema reports a folder of a major version without its schema.
func (l *loader) expectSchema(f *folder, dir string) {
	major, ok := strings.CutPrefix(path.Base(dir), "v")
	if !ok || strings.Count(dir, "/") != 1 || strings.Trim(major, "0123456789") != "" {
		return
	}
	if _, err := fs.Stat(f.FS, path.Join(dir, "schema.json")); errors.Is(err, fs.ErrNotExist) {
		l.problems = append(l.problems, problem.Problem{
			Code: "schema.missing", Where: f.shown(path.Join(dir, "schema.json")), What: problem.Say("the file does not exist, and a folder of a dataset's major version needs it"),
			Fix: problem.Say("write the schema, or remove the folder %s", f.shown(dir)),
		})
	}
}

func misplaced(where string) problem.Problem {
	return problem.Problem{
		Code: "schema.place", Where: where, What: problem.Say("the place does not name a dataset and a major version"),
		Fix: problem.Say("put the schema at <dataset>/v<major>/schema.json, the dataset being lower-case words joined by dots"),
	}
}

// unreadable reports a file or folder; why is an error or a text.
func (f *folder) unreadable(name string, why any) problem.Problem {
	var p *fs.PathError
	if err, ok := why.(error); ok && errors.As(err, &p) {
		why = p.Err // the path is named already
	}
	return problem.Problem{
		Code: "schema.unreadable", Where: f.shown(name), What: problem.Say("the file or folder cannot be read: %v", why),
		Fix: problem.Say("check that it is there, that the user running truc may read it, and that no link leads out of the folder"),
	}
}

// text reads a file within the bounds, without the byte order mark that editors on Windows begin it with.
func (f *folder) text(name string) ([]byte, problem.List) {
	info, err := fs.Stat(f.FS, name) // before it is opened: opening a pipe would wait for its other end
	switch {
	case err != nil:
		return nil, problem.List{f.unreadable(name, err)}
	case !info.Mode().IsRegular():
		return nil, problem.List{f.unreadable(name, problem.Say("it is no regular file"))}
	}
	file, err := f.FS.Open(name)
	if err != nil {
		return nil, problem.List{f.unreadable(name, err)}
	}
	defer file.Close()
	raw, err := io.ReadAll(io.LimitReader(file, maxSchemaSize+1))
	if err != nil {
		return nil, problem.List{f.unreadable(name, err)}
	}
	f.bytes += int64(len(raw))
	fix := problem.Say("move shared parts to definitions and refer to them by $ref")
	switch {
	case len(raw) > maxSchemaSize:
		return nil, problem.List{{Code: "schema.too-large", Where: f.shown(name), What: problem.Say("the file is larger than 1 MiB"), Fix: fix}}
	case f.bytes > maxFolderBytes:
		return nil, problem.List{{Code: "schema.too-large", Where: f.shown(name), What: problem.Say("with this file the folder has more than %d MiB", maxFolderBytes>>20), Fix: problem.Say("spread the datasets over several folders")}}
	}
	return bytes.TrimPrefix(raw, []byte("\ufeff")), nil
}

// add takes up one file.
func (l *loader) add(f *folder, name string, raw []byte, is role) {
	where := f.shown(name)
	l.texts[where] = raw
	if is == roleCodeList {
		l.addCodeList(f, where, raw)
		return
	}
	l.addSchema(f, name, raw, is)
}

// first reports whether a dataset, code list or schema has a name that nothing else in the set has.
func (l *loader) first(f *folder, id, where string) bool {
	before, twice := l.places[id]
	if !twice {
		l.places[id] = where
		if f.builtin {
			l.places[id] = "truc"
		}
		return true
	}
	l.problems = append(l.problems, problem.Problem{
		Code: "schema.twice", Where: where, What: problem.Say("%q is in the set already: it comes with %s", id, before),
		Fix: problem.Say("remove one of the two; an incompatible change is a new major version in a folder of its own, <dataset>/v2"),
	})
	return false
}

func (l *loader) addCodeList(f *folder, where string, raw []byte) {
	list, ps := parseCodeList(where, raw)
	l.problems = append(l.problems, ps...)
	if list != nil && l.first(f, list.ID, where+"#/id") {
		l.set.codeLists[list.ID] = list
	}
}

func (l *loader) addSchema(f *folder, name string, raw []byte, is role) {
	where := f.shown(name)
	file, ps := parseSchema(where, raw, f.builtin)
	if l.problems = append(l.problems, ps...); file == nil {
		return
	}
	l.files = append(l.files, file)
	var d *Dataset
	if is == roleDataset {
		d, ps = datasetOf(name, file)
		if l.problems = append(l.problems, ps...); d == nil {
			return
		}
	}
	switch {
	case file.id == "": // told
	case !l.first(f, file.id, where+"#/$id"):
	case d == nil:
		l.byID[file.id] = file
	case l.first(f, d.ID(), where):
		l.byID[file.id] = file
		l.datasets = append(l.datasets, loadedDataset{d, f, path.Dir(name)})
	}
}

// maxFindings is how many findings a person is shown at once.
const maxFindings = 100

// found is what is wrong, each finding with the line it points to.
func (l *loader) found() problem.List {
	out := l.problems
	if more := len(out) - maxFindings; more > 0 {
		out = append(out[:maxFindings:maxFindings], problem.Problem{
			Code: "schema.more", What: problem.Say("%d more findings are not shown", more), Fix: problem.Say("mend these first"),
		})
	}
	for i := range out {
		out[i].Where = l.lined(out[i].Where)
	}
	return out
}

// lined turns "file#pointer" into "file:line:column #pointer".
func (l *loader) lined(where string) string {
	for i, c := range where {
		if text, ok := l.texts[where[:i]]; ok && c == '#' {
			line, column := position(text, offsetOf(text, where[i+1:]))
			return fmt.Sprintf("%s:%d:%d %s", where[:i], line, column, where[i:])
		}
	}
	if _, whole := l.texts[where]; whole {
		return where + ":1:1"
	}
	return where
}
