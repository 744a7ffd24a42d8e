// Package schemas holds the standards that agencies share data by: datasets with their JSON Schemas (draft-07) and the
// code lists these use. A schema enters a Set only through a gate (see README.md), after which two questions are
// asked of it: Accepts, a fast proof on the hot path, and Check, the authority, which words violations.
package schemas

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sync"

	"github.com/lienthong/truc/problem"
)

//go:embed data
var embedded embed.FS

// Set is a closed world of schemas and code lists: a $ref or a code list either is in it or does not exist.
// It is immutable and safe for concurrent use.
type Set struct {
	datasets  map[string]*Dataset
	codeLists map[string]*CodeList
}

// builtinOnce loads once what every other set builds on. It does not change any more.
var builtinOnce = sync.OnceValues(func() (*loader, error) {
	data, err := fs.Sub(embedded, "data")
	if err != nil {
		return nil, fmt.Errorf("open built-in schemas: %w", err)
	}
	l := newLoader()
	return l, l.load(Folder{FS: data, builtin: true})
})

// Builtin returns the standards that come with truc. An error is a problem.List and a defect of the build.
func Builtin() (*Set, error) {
	l, err := builtinOnce()
	if err != nil {
		return nil, err
	}
	return l.set, nil
}

// Load is LoadFolders for directories that messages need not name.
func Load(fsys ...fs.FS) (*Set, error) {
	folders := make([]Folder, len(fsys))
	for i, f := range fsys {
		folders[i].FS = f
	}
	return LoadFolders(folders...)
}

// LoadFolders loads the built-in standards and those of further folders. All files form one set. The error is a
// problem.List with what is wrong in any of them.
func LoadFolders(folders ...Folder) (*Set, error) {
	builtin, err := builtinOnce()
	if err != nil {
		return nil, err
	}
	l := builtin.onTop()
	if err := l.load(folders...); err != nil {
		return nil, err
	}
	return l.set, nil
}

// Dataset returns a dataset by id, "hotich.khaisinh.v1". The error is a problem.Problem that names similar ids.
func (s *Set) Dataset(id string) (*Dataset, error) {
	if d, ok := s.datasets[id]; ok {
		return d, nil
	}
	return nil, unknown("schema.unknown-dataset", problem.Say("dataset"), id, keys(s.datasets))
}

// Has reports whether there is a dataset of that id.
func (s *Set) Has(id string) bool { return s.datasets[id] != nil }

// Datasets returns all datasets, by id.
func (s *Set) Datasets() []*Dataset {
	out := make([]*Dataset, 0, len(s.datasets))
	for _, id := range keys(s.datasets) {
		out = append(out, s.datasets[id])
	}
	return out
}

// CodeList returns a code list by id, "danhmuc.gioitinh". The error is a problem.Problem that names similar ids.
func (s *Set) CodeList(id string) (*CodeList, error) {
	if l, ok := s.codeLists[id]; ok {
		return l, nil
	}
	return nil, unknown("schema.unknown-code-list", problem.Say("code list"), id, keys(s.codeLists))
}

// CodesOf returns the code list of a place in a version that its schema names, nil where it has none.
func (s *Set) CodesOf(n *Node) *CodeList {
	if l, ok := s.codeLists[n.CodeList]; ok {
		l, _ = l.At(n.CodeListVersion)
		return l
	}
	return nil
}

// CodeLists returns all code lists, by id.
func (s *Set) CodeLists() []*CodeList {
	out := make([]*CodeList, 0, len(s.codeLists))
	for _, id := range keys(s.codeLists) {
		out = append(out, s.codeLists[id])
	}
	return out
}

func unknown(code string, kind problem.Text, id string, have []string) problem.Problem {
	fix := problem.Say("this set has %s", quoteList(have))
	if near := nearest(id, have); len(near) > 0 {
		fix = problem.Say("did you mean %s?", quoteList(near))
	}
	return problem.Problem{Code: code, What: problem.Say("there is no %s %q", kind, id), Fix: fix}
}

// loader collects the files of a set and everything that is wrong with them.
type loader struct {
	set  *Set
	byID map[string]*schemaFile
	// settled are files that passed the gate before, files those that are read now.
	settled, files []*schemaFile
	datasets       []loadedDataset
	// places say where code lists and datasets were read, for whoever brings one of the same name.
	places map[string]string
	// published are the earlier texts of datasets.
	published map[string][]publishedText
	texts     map[string][]byte // of files that findings point into, by path
	problems  problem.List
}

type loadedDataset struct {
	dataset *Dataset
	folder  *folder
	dir     string // in the folder
}

func newLoader() *loader {
	return &loader{
		set: &Set{datasets: map[string]*Dataset{}, codeLists: map[string]*CodeList{}}, byID: map[string]*schemaFile{},
		places: map[string]string{}, published: map[string][]publishedText{}, texts: map[string][]byte{},
	}
}

// onTop makes a loader for a set that has what this one has loaded, and more.
func (l *loader) onTop() *loader {
	return &loader{
		set:  &Set{datasets: maps.Clone(l.set.datasets), codeLists: maps.Clone(l.set.codeLists)},
		byID: maps.Clone(l.byID), settled: slices.Concat(l.settled, l.files), places: maps.Clone(l.places), published: map[string][]publishedText{}, texts: map[string][]byte{},
	}
}

// load reads folders into the set. The error is a problem.List.
func (l *loader) load(folders ...Folder) error {
	for _, f := range folders {
		l.read(&folder{Folder: f})
	}
	l.readPublished()
	for _, f := range l.files {
		l.problems = append(l.problems, f.resolve(l.byID)...)
		l.problems = append(l.problems, f.bindCodeLists(l.set)...)
	}
	if l.problems.Err() == nil {
		l.problems = append(l.problems, conditionalCodes(l.files)...)
		l.problems = append(l.problems, recursion(slices.Concat(l.settled, l.files))...)
	}
	// Beyond this point validators run: only on files that passed everything above.
	if l.problems.Err() == nil {
		for _, d := range l.datasets {
			l.problems = append(l.problems, d.open(l)...)
		}
	}
	if l.problems.Err() != nil {
		return l.found()
	}
	return nil
}

// bindCodeLists finds the list of every x-danh-muc.
func (f *schemaFile) bindCodeLists(set *Set) problem.List {
	var ps problem.List
	for _, s := range f.all {
		if s.codeList == "" {
			continue
		}
		list, err := set.CodeList(s.codeList)
		var p problem.Problem
		if errors.As(err, &p) {
			p.Where = s.where() + "/x-danh-muc"
			ps = append(ps, p)
			continue
		}
		var there bool
		if s.list, there = list.At(s.codeListVersion); !there {
			ps = append(ps, problem.Problem{
				Code: "schema.code-version", Where: s.where() + "/x-danh-muc", What: problem.Say("%s has no version %s here", list.ID, s.codeListVersion),
				Fix: problem.Say("name the version that is here, %s, or one before it; or bring the newer list", list.Version),
			})
		}
	}
	return ps
}

// conditionalCodes refuses x-danh-muc where it does not always apply: membership is checked beside the validators,
// which do not know the keyword, so a not or a oneOf around it would be judged without it.
func conditionalCodes(files []*schemaFile) problem.List {
	var ps problem.List
	seen := map[*schema]bool{}
	var visit func([]*schema)
	visit = func(all []*schema) {
		for _, s := range all {
			if seen[s] {
				continue
			}
			seen[s] = true
			if s.codeList != "" {
				ps = append(ps, problem.Problem{
					Code: "schema.code-place", Where: s.where() + "/x-danh-muc", What: problem.Say("the code list is reached through a keyword under which it does not always apply"),
					Fix: problem.Say("reach it through properties, items, allOf and $ref only"),
				})
			}
			visit(s.sameValue())
			visit(s.innerValue())
		}
	}
	for _, f := range files {
		for _, s := range f.all {
			visit(slices.Concat(s.anyOf, s.beside, s.inside))
			if s.additional != nil {
				visit([]*schema{s.additional})
			}
		}
	}
	return ps
}

func keys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.SortFunc(out, cmp.Compare[string])
	return out
}
