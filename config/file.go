package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/lienthong/truc/problem"
)

// maxFile bounds the file. A configuration has a few kilobytes: a bigger one is the wrong file.
const maxFile = 4 << 20

// file is the text of one configuration as a tree, together with what is wrong with it so far and with what must not be shown.
type file struct {
	name string // as the user wrote it, for places
	dir  string // secrets by file are relative to it
	env  func(string) (string, bool)
	root *yaml.Node

	findings []finding
	hidden   map[*yaml.Node]bool            // scalars that hold a secret
	broken   map[*yaml.Node]problem.Problem // scalars with a reference that leads nowhere
	secrets  []string
}

// finding is a problem with the place it is sorted by.
type finding struct {
	line, column int
	path         string
	problem.Problem
}

// spot is one value of the file: at is the node a person is pointed to (the key, or the element of a list).
type spot struct {
	at, value *yaml.Node
	path      string
}

// entries returns the pairs of a mapping as spots, each with its key.
func (s spot) entries() []spot {
	var out []spot
	for i := 0; i+1 < len(s.value.Content); i += 2 {
		k := s.value.Content[i]
		out = append(out, spot{at: k, value: s.value.Content[i+1], path: join(s.path, k.Value)})
	}
	return out
}

// entry returns the value under a key.
func (s spot) entry(key string) (spot, bool) {
	if s.value == nil || s.value.Kind != yaml.MappingNode {
		return spot{}, false
	}
	for _, e := range s.entries() {
		if e.at.Value == key {
			return e, true
		}
	}
	return spot{}, false
}

// element returns one element of a list.
func (s spot) element(i int) spot {
	n := s.value.Content[i]
	return spot{at: n, value: n, path: fmt.Sprintf("%s[%d]", s.path, i)}
}

// follow goes along path as far as it leads and returns the last spot that is there.
func (s spot) follow(path string) spot {
	for path != "" && s.value != nil {
		var next spot
		var ok bool
		if rest, isIndex := strings.CutPrefix(path, "["); isIndex {
			number, after, _ := strings.Cut(rest, "]")
			i := -1
			_, err := fmt.Sscanf(number, "%d", &i)
			if err == nil && s.value.Kind == yaml.SequenceNode && i >= 0 && i < len(s.value.Content) {
				next, ok, path = s.element(i), true, strings.TrimPrefix(after, ".")
			}
		} else {
			end := strings.IndexAny(path, ".[")
			if end < 0 {
				end = len(path)
			}
			next, ok = s.entry(path[:end])
			path = strings.TrimPrefix(path[end:], ".")
		}
		if !ok {
			return s
		}
		s = next
	}
	return s
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// top is the whole file.
func (f *file) top() spot { return spot{at: f.root, value: f.root} }

// place writes where a spot is: "truc.yaml:12:5 sources.hotich.postgres.dsn".
func (f *file) place(at *yaml.Node, path string) string {
	where := f.name
	if at != nil && at.Line > 0 {
		where = fmt.Sprintf("%s:%d:%d", f.name, at.Line, at.Column)
	}
	if path != "" {
		where += " " + path
	}
	return where
}

// report records a problem at a spot.
func (f *file) report(s spot, p problem.Problem) {
	line, column := 0, 0
	if s.at != nil {
		line, column = s.at.Line, s.at.Column
	}
	p.Where = f.place(s.at, s.path)
	// What a walk over the tree found is found again by whoever needs the value.
	if found := (finding{line: line, column: column, path: s.path, Problem: p}); !slices.Contains(f.findings, found) {
		f.findings = append(f.findings, found)
	}
}

// problems returns everything that was reported, in the order of the file.
func (f *file) problems() problem.List {
	slices.SortStableFunc(f.findings, func(a, b finding) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.column, b.column))
	})
	var out problem.List
	for _, p := range f.findings {
		out = append(out, p.Problem)
	}
	return out
}

// readFile returns the content of a configuration file, or the one problem that prevents it.
func readFile(path string) ([]byte, problem.List) {
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		return nil, unreadable(path, problem.Say("is a folder, a file was expected"), problem.Say("name the file itself: truc -c %s", filepath.Join(path, "truc.yaml")))
	}
	if err == nil && !info.Mode().IsRegular() {
		return nil, unreadable(path, problem.Say("is no file but a device or a pipe"), problem.Say("write the configuration into a file and name that with -c"))
	}
	if err == nil && info.Size() > maxFile {
		return nil, unreadable(path, problem.Say("is larger than 4 MiB and cannot be a configuration"), problem.Say("check the path given with -c"))
	}
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, unreadable(path, problem.Say("does not exist"), problem.Say("check the path given with -c, or create the file"))
	case errors.Is(err, fs.ErrPermission):
		return nil, unreadable(path, problem.Say("may not be read by this user"), problem.Say("give the user that runs truc the right to read it"))
	case err != nil:
		return nil, unreadable(path, problem.Say("cannot be read: %s", reason(err)), problem.Say("check the path given with -c"))
	}
	return data, nil
}

func unreadable(path string, what, fix problem.Text) problem.List {
	return problem.List{{Code: "config.unreadable", Where: path, What: problem.Say("the configuration file %s", what), Fix: fix}}
}

// reason strips the path, which the caller names already, from a file error.
func reason(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

// parse reads the tree. It reports and returns false when there is none.
func (f *file) parse(data []byte) bool {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if p, at, bad := badEncoding(data); bad {
		f.report(spot{at: at}, p)
		return false
	}
	var doc yaml.Node
	if err := yaml.Load(data, &doc); err != nil {
		p, at := syntaxProblem(err, data)
		f.report(spot{at: at}, p)
		return false
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		f.report(spot{at: &yaml.Node{Line: 1, Column: 1}}, problem.Problem{
			Code: "config.wrong-type", What: problem.Say("a configuration is a mapping of keys to values, as in `agency: H44.15`"),
			Fix: problem.Say("begin the file with the key agency"),
		})
		return false
	}
	f.root = doc.Content[0]
	return true
}

// badEncoding finds text that is not UTF-8 before the YAML reader does, which does not say where.
func badEncoding(data []byte) (problem.Problem, *yaml.Node, bool) {
	at := &yaml.Node{Line: 1, Column: 1}
	if bytes.HasPrefix(data, []byte{0xFF, 0xFE}) || bytes.HasPrefix(data, []byte{0xFE, 0xFF}) {
		return problem.Problem{Code: "config.encoding", What: problem.Say("the file is UTF-16"), Fix: problem.Say("save it as UTF-8")}, at, true
	}
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size <= 1 {
			return problem.Problem{
				Code: "config.encoding", What: problem.Say("the byte 0x%02X is not UTF-8", data[i]), Fix: problem.Say("save the file as UTF-8"),
			}, at, true
		}
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0x7F {
			return problem.Problem{
				Code: "config.encoding", What: problem.Say("the file holds the control character 0x%02X", r), Fix: problem.Say("remove it: a configuration is plain text"),
			}, at, true
		}
		i += size
		at.Column++
		if r == '\n' {
			at.Line, at.Column = at.Line+1, 1
		}
	}
	return problem.Problem{}, nil, false
}
