package mapping

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lienthong/truc/problem"
)

// Files is where the other files of a mapping are: those it includes, and its code tables.
type Files struct {
	// Root is the folder that holds them all, the configuration's. A mapping reads nothing outside it: its problems quote
	// lines of what it reads, and whoever moves the folder moves everything that the mapping needs.
	Root fs.FS
	// Path is the mapping's own place in Root, with slashes: the names in it are relative to its folder.
	Path string
}

// loading is what the files of one mapping have in common while they are read.
type loading struct {
	files *Files
	// shown is what stands before a path in Root to make the name that problems show.
	shown string
	// open are the files being read, the mapping first; done those that were read.
	open []string
	done map[string]bool
}

func newLoading(name string, files *Files) *loading {
	l := &loading{files: files, done: map[string]bool{}}
	if files != nil {
		l.open = []string{path.Clean(files.Path)}
		if before, ok := strings.CutSuffix(strings.ReplaceAll(name, `\`, "/"), files.Path); ok {
			l.shown = name[:len(before)]
		}
	}
	return l
}

// sharedKeys are what an included file holds.
func sharedKeys() []string { return []string{"include", "let", "codes", "shapes"} }

// include reads the files that a file names. What is in them comes before what is in the file itself.
func (d *decoder) include(f *File, n *yaml.Node, at string) {
	for i, item := range d.items(n, at, problem.Say("files")) {
		where := fmt.Sprintf("%s[%d]", at, i)
		name, ok := d.text(item, where)
		if !ok {
			continue
		}
		place := d.place(item, where)
		file, ok := d.locate(place, name)
		if !ok {
			continue
		}
		if j := slices.Index(d.load.open, file); j >= 0 {
			d.report(place, "include-circle", problem.Say("the files include each other in a circle: %s", strings.Join(append(slices.Clone(d.load.open[j:]), file), " → ")), problem.Say("remove one of the lines"))
			continue
		}
		if d.load.done[file] {
			continue // by another way: it is the same file, and nothing stands twice
		}
		d.load.done[file] = true
		if data, ok := d.readFile(place, name, file); ok {
			d.included(f, file, data)
		}
	}
}

// included decodes one included file.
func (d *decoder) included(f *File, file string, data []byte) {
	inner := newDecoder(d.load.shown+file, file, data, d.load)
	d.load.open = append(d.load.open, file)
	if root := inner.root(data); root != nil {
		inner.sharedFile(f, root)
	}
	d.load.open = d.load.open[:len(d.load.open)-1]
	d.problems = append(d.problems, inner.problems...)
}

func (d *decoder) sharedFile(f *File, root *yaml.Node) {
	if root.Kind != yaml.MappingNode {
		d.report(d.place(root, ""), "wrong-type", problem.Say("an included file holds name: value lines, found %s", kindOfNode(root)), problem.Say("begin with shapes:, codes: or let:"))
		return
	}
	if !d.sound(root, "") {
		return
	}
	pairs := d.entries(root, "", problem.Say("name: value lines"))
	for _, p := range pairs {
		if p.key == "include" {
			d.include(f, p.value, p.key)
		}
	}
	part := &File{}
	for _, p := range pairs {
		switch p.key {
		case "include":
		case "let":
			part.Let = d.assignments(p.value, p.key, false)
		case "codes":
			part.Codes = d.codes(p.value)
		case "shapes":
			part.Shapes = d.shapes(p.value)
		default:
			if slices.Contains(slices.Concat(sourceKeys(), sinkKeys()), p.key) {
				d.report(p.at, "wrong-file", problem.Say("%s does not belong in an included file: it holds what several mappings share", p.key), problem.Say("write it into the mapping itself; here %s", strings.Join(sharedKeys(), ", ")))
				continue
			}
			d.unknown(p, sharedKeys())
		}
	}
	for i := range part.Let {
		part.Let[i].shared = true
	}
	for i := range part.Codes {
		part.Codes[i].shared = true
	}
	for i := range part.Shapes {
		part.Shapes[i].shared = true
	}
	f.Let, f.Codes, f.Shapes = append(f.Let, part.Let...), append(f.Codes, part.Codes...), append(f.Shapes, part.Shapes...)
}

// named is something that a mapping and the files it includes give a name.
type named struct {
	at         Place
	kind, name string
}

// givenTwice reports names that two files give; in one file it was told when the file was read.
func (d *decoder) givenTwice(f *File) {
	var all []named
	for _, a := range f.Let {
		all = append(all, named{a.At, "let", a.Name})
	}
	for _, c := range f.Codes {
		all = append(all, named{c.At, "code table", c.Name})
	}
	for _, s := range f.Shapes {
		all = append(all, named{s.At, "shape", s.Name})
	}
	first := map[named]Place{}
	for _, n := range all {
		key := named{kind: n.kind, name: n.name}
		before, twice := first[key]
		switch {
		case !twice:
			first[key] = n.at
		case before.File != n.at.File:
			d.report(n.at, "given-twice", problem.Say("the %s %s is given in two files; the first is at %s:%d", n.kind, n.name, before.File, before.Line), problem.Say("remove one of them, or give one another name"))
		}
	}
}

// locate finds the place in Root of a file named in this one.
func (d *decoder) locate(at Place, name string) (file string, ok bool) {
	if d.load.files == nil || d.load.files.Root == nil {
		d.report(at, "no-files", problem.Say("other files cannot be read from here"), problem.Say("write what stands in them into the mapping"))
		return "", false
	}
	if strings.Contains(name, `\`) {
		d.report(at, "outside", problem.Say("%q is written with \\", name), problem.Say("write the path with /, relative to this file"))
		return "", false
	}
	if path.IsAbs(name) || len(name) > 1 && name[1] == ':' {
		d.report(at, "outside", problem.Say("%q is an absolute path, which no other computer has", name), problem.Say("put the file below the configuration's folder, and write its path relative to this file"))
		return "", false
	}
	file = path.Join(path.Dir(d.path), name)
	if !fs.ValidPath(file) || file == "." {
		d.report(at, "outside", problem.Say("%q leads out of the configuration's folder: a mapping reads nothing outside it", name), problem.Say("put the file below the configuration's folder"))
		return "", false
	}
	return file, true
}

// readFile reads a file of Root, within bounds.
func (d *decoder) readFile(at Place, name, file string) ([]byte, bool) {
	report := func(what, fix problem.Text) ([]byte, bool) {
		d.report(at, "unreadable", what, fix)
		return nil, false
	}
	readable := problem.Say("check that it is a file that the user running truc may read")
	root := d.load.files.Root
	info, err := fs.Stat(root, file)
	var pathError *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		fix := problem.Say("correct the path: it is relative to this file")
		if near := similar(path.Base(file), neighbours(root, file)); len(near) > 0 {
			fix = problem.Say("correct the path: it is relative to this file. In that folder is %s", strings.Join(near, ", "))
		}
		return report(problem.Say("the file %s does not exist", name), fix)
	case err != nil && strings.Contains(err.Error(), "escapes"): // os.Root gives it no name
		d.report(at, "outside", problem.Say("%q is a link that leads out of the configuration's folder: a mapping reads nothing outside it", name), problem.Say("put the file itself below the configuration's folder"))
		return nil, false
	case errors.As(err, &pathError):
		return report(problem.Say("the file %s cannot be read: %v", name, pathError.Err), readable)
	case err != nil:
		return report(problem.Say("the file %s cannot be read: %v", name, err), readable)
	case !info.Mode().IsRegular():
		return report(problem.Say("%s is not a file", name), readable)
	case info.Size() > maxFile:
		return report(problem.Say("the file %s is larger than %d bytes", name, maxFile), problem.Say("check that it is the right one; a mapping or a code table is much smaller"))
	}
	data, err := fs.ReadFile(root, file)
	if errors.As(err, &pathError) {
		err = pathError.Err
	}
	if err != nil {
		return report(problem.Say("the file %s cannot be read: %v", name, err), readable)
	}
	return data, true
}

// neighbours are the files beside one that is not there.
func neighbours(root fs.FS, file string) []string {
	entries, err := fs.ReadDir(root, path.Dir(file))
	if err != nil {
		return nil // the folder is not there either
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}

// notUTF8 says in which encoding a text that is not UTF-8 seems to be saved.
func notUTF8(data []byte) problem.Text {
	if bytes.HasPrefix(data, []byte{0xff, 0xfe}) || bytes.HasPrefix(data, []byte{0xfe, 0xff}) {
		return problem.Say("the file is UTF-16 (\"Unicode\"), not UTF-8 text")
	}
	return problem.Say("the file is not UTF-8 text")
}
