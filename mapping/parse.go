package mapping

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
)

// Keys of a mapping file. A source has fields, a sink has not.
func sourceKeys() []string {
	return []string{"dataset", "table", "include", "columns", "let", "key", "only", "deleted", "codes", "fields", "shapes", "examples"}
}

func sinkKeys() []string {
	return []string{"dataset", "table", "include", "write", "key", "only", "let", "columns", "codes", "on_create", "on_delete", "conflict", "examples"}
}

// maxFile bounds a mapping file: code tables of some thousand lines fit, a data file given by mistake does not.
const maxFile = 1 << 20

// Parse reads a mapping file strictly: UTF-8 with or without BOM, any line ends. name is used for the places of problems.
// files is where the files are that it includes and that hold its code tables; with nil it must name none.
// A file with faults comes back too, as far as it could be read, so that compiling it tells everything at once; it gives no
// plan. Only what is no YAML at all comes back as nil.
func Parse(name string, data []byte, files *Files) (*File, problem.List) {
	load, own := newLoading(name, files), ""
	if files != nil {
		own = files.Path
	}
	d := newDecoder(name, own, data, load)
	root := d.root(data)
	if root == nil {
		return nil, d.problems
	}
	f := d.mappingFile(root)
	if f != nil {
		d.givenTwice(f)
		d.expand(f)
		f.broken = d.problems.Err() != nil
	}
	return f, d.problems
}

// newDecoder reads one file. shown is its name in problems, path its place in the folder of the files.
func newDecoder(shown, path string, data []byte, load *loading) *decoder {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	return &decoder{file: shown, path: path, load: load, corrected: map[int]bool{}, lines: strings.Split(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n")}
}

// root is the tree of a file, nil when it is not fit to be read.
func (d *decoder) root(data []byte) *yaml.Node {
	if len(data) > maxFile {
		d.report(Place{File: d.file, Line: 1, Column: 1}, "too-large", problem.Say("the file is larger than %d bytes", maxFile), problem.Say("a mapping is a page or two; check that this is one"))
		return nil
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if !utf8.Valid(data) {
		d.report(Place{File: d.file, Line: invalidLine(data), Column: 1}, "not-utf8", notUTF8(data), problem.Say("save it as UTF-8"))
		return nil
	}
	return d.tree(data)
}

func invalidLine(data []byte) int {
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n <= 1 {
			return 1 + bytes.Count(data[:i], []byte{'\n'})
		}
		i += n
	}
	return 1
}

func (d *decoder) mappingFile(root *yaml.Node) *File {
	if root.Kind != yaml.MappingNode {
		d.report(d.place(root, ""), "wrong-type", problem.Say("a mapping file holds name: value lines, found %s", kindOfNode(root)), problem.Say("begin with dataset: …"))
		return nil
	}
	if !d.sound(root, "") {
		return nil
	}
	f := &File{Name: d.file, at: d.place(root, "")}
	pairs := d.entries(root, "", problem.Say("name: value lines"))
	f.Direction = direction(pairs)
	allowed := sourceKeys()
	if f.Direction == Sink {
		allowed = sinkKeys()
	}
	for _, p := range pairs {
		if p.key == "include" {
			d.include(f, p.value, p.key)
		}
	}
	for _, p := range pairs {
		if !d.shared(f, p) && !d.directed(f, p) {
			d.unknownTop(f, p, allowed)
		}
	}
	if !has(pairs, "dataset") {
		d.report(f.at, "missing-key", problem.Say("dataset is missing: the mapping must say which dataset it is for"), problem.Say("add a line such as: dataset: hotich.khaisinh.v1"))
	}
	if f.Direction == Source && !has(pairs, "fields") {
		d.report(f.at, "missing-key", problem.Say("fields is missing: nothing says what the documents are made of"), problem.Say("add fields: with the document's properties"))
	}
	if f.Direction == Sink && !has(pairs, "columns") {
		d.report(f.at, "missing-key", problem.Say("a mapping needs fields (rows become documents) or columns with expressions (documents become rows)"), problem.Say("add fields: or columns:"))
	}
	return f
}

func has(pairs []pair, key string) bool {
	for _, p := range pairs {
		if p.key == key {
			return true
		}
	}
	return false
}

// direction tells a source from a sink: only a source has fields. A file without them is a sink unless its columns are
// declarations ({ text: … }) or it says what only a source says.
func direction(pairs []pair) Direction {
	if has(pairs, "fields") {
		return Source
	}
	for _, word := range []string{"write", "on_create", "on_delete", "conflict"} {
		if has(pairs, word) {
			return Sink
		}
	}
	if has(pairs, "deleted") {
		return Source
	}
	for _, p := range pairs {
		if p.key == "columns" && p.value.Kind == yaml.MappingNode && len(p.value.Content) > 0 && declares(p.value) {
			return Source
		}
	}
	return Sink
}

// declares reports whether every column has a declaration and none an expression.
func declares(columns *yaml.Node) bool {
	for i := 0; i+1 < len(columns.Content); i += 2 {
		v := columns.Content[i+1]
		if v.Kind != yaml.MappingNode {
			return false
		}
		for j := 0; j+1 < len(v.Content); j += 2 {
			if k := v.Content[j].Value; k == "value" || k == "const" {
				return false
			}
		}
	}
	return true
}

func (d *decoder) unknownTop(f *File, p pair, allowed []string) {
	switch p.key {
	case "with":
		d.unsupported(p.at, "with", problem.Say("publish a view that joins the tables"))
	case "fields", "shapes", "deleted", "write", "on_create", "on_delete", "conflict":
		d.report(p.at, "wrong-direction", problem.Say("%s does not belong in a %s mapping", p.key, f.Direction), problem.Say("a source mapping has fields, a sink mapping has columns with expressions: keep them in two files"))
	default:
		d.unknown(p, allowed)
	}
}

// shared decodes the keys of both directions.
func (d *decoder) shared(f *File, p pair) bool {
	switch p.key {
	case "dataset":
		f.Dataset, f.datasetAt = d.name(p.value, p.key), d.place(p.value, p.key)
	case "table":
		f.Table, f.tableAt = d.name(p.value, p.key), d.place(p.value, p.key)
	case "only":
		f.Only = d.expression(p.value, p.key)
	case "include": // read before everything else
	case "let":
		f.Let = append(f.Let, d.assignments(p.value, p.key, false)...)
	case "codes":
		f.Codes = append(f.Codes, d.codes(p.value)...)
	case "examples":
		f.Examples = d.examples(f, p.value)
	default:
		return false
	}
	return true
}

// directed decodes the keys whose form or presence depends on the direction.
func (d *decoder) directed(f *File, p pair) bool {
	if f.Direction == Source {
		switch p.key {
		case "columns":
			f.Columns = d.columnRules(p.value)
		case "key":
			f.Key = d.keyPaths(p.value)
		case "deleted":
			f.Deleted = d.expression(p.value, p.key)
		case "shapes":
			f.Shapes = append(f.Shapes, d.shapes(p.value)...)
		case "fields":
			f.Fields = &Field{At: p.at, Fields: d.fields(p.value, "fields")}
		default:
			return false
		}
		return true
	}
	switch p.key {
	case "columns":
		f.Values = d.assignments(p.value, p.key, true)
	case "key":
		f.SinkKey = d.assignments(p.value, p.key, true)
	case "on_create":
		f.OnCreate = d.assignments(p.value, p.key, true)
	case "write":
		w := d.word(p.value, p.key, "upsert", "update", "append")
		f.Write = map[string]record.Write{"update": record.UpdateOnly, "append": record.AppendOnly}[w]
	case "conflict":
		f.conflictAt = p.at
		w := d.word(p.value, p.key, "reject", "replace", "ignore")
		f.Conflict = map[string]record.Conflict{"replace": record.ConflictReplaces, "ignore": record.ConflictIgnores}[w]
	case "on_delete":
		d.onDelete(f, p.value)
	default:
		return false
	}
	return true
}

func (d *decoder) onDelete(f *File, n *yaml.Node) {
	f.deleteSaid, f.deleteAt = true, d.place(n, "on_delete")
	if n.Kind != yaml.MappingNode {
		w := d.word(n, "on_delete", "delete", "ignore")
		f.OnDelete = map[string]record.OnDelete{"ignore": record.DeleteIgnored}[w]
		return
	}
	fix := problem.Say("write on_delete: { set: { trang_thai: { const: huy } } }, or delete, or ignore")
	if len(n.Content) == 0 {
		d.report(d.place(n, "on_delete"), "wrong-type", problem.Say("nothing stands here; expected delete, ignore or set: …"), fix)
	}
	for _, p := range d.entries(n, "on_delete", problem.Say("delete, ignore or set: …")) {
		if p.key != "set" {
			d.unknown(p, []string{"set"})
			continue
		}
		f.OnDelete = record.DeleteSets
		f.DeleteSet = d.assignments(p.value, "on_delete.set", true)
		if p.value.Kind == yaml.MappingNode && len(p.value.Content) == 0 {
			d.report(p.at, "wrong-type", problem.Say("set names no column"), fix)
		}
	}
}

func (d *decoder) keyPaths(n *yaml.Node) []Path {
	var out []Path
	for i, item := range d.items(n, "key", problem.Say("document properties")) {
		path := "key[" + strconv.Itoa(i) + "]"
		if s, ok := d.text(item, path); ok {
			out = append(out, Path{At: d.place(item, path), Name: s})
		}
	}
	if len(out) == 0 && n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
		d.report(d.place(n, "key"), "wrong-type", problem.Say("key names no property"), problem.Say("name the properties that identify the entity, or leave key out to take the schema's own"))
	}
	return out
}

// tree parses the YAML. A slip that quoting mends is reported with the corrected line, and parsing goes on with it, so that
// everything that is wrong comes out at once.
func (d *decoder) tree(data []byte) *yaml.Node {
	const maxSlips = 50
	for range maxSlips {
		var doc yaml.Node
		err := yaml.Load(data, &doc, yaml.WithUniqueKeys(false))
		if err == nil {
			if len(doc.Content) == 0 {
				break
			}
			return doc.Content[0]
		}
		var le *yaml.LoadError
		if !errors.As(err, &le) || le.Mark.Line == 0 {
			break
		}
		mended := d.slip(data, le)
		if mended == nil {
			return nil
		}
		data = mended
	}
	d.notOneDocument()
	return nil
}
