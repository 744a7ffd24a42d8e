package governance

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas"
)

// Drafted is what a field table became.
type Drafted struct {
	ID             string   `json:"dataset"`
	Files          []string `json:"files"`
	Fields         int      `json:"fields"`
	Valid, Invalid int      `json:"-"`
}

// Draft makes a dataset of a field table: the schema, examples that show what each rule is for, and a page for people. Everything
// that is wrong with the table is told at once, by row and column. name may name a major version, "thuvien.thebandoc.v2"; file is
// how findings call the table; base is where the schema's $id begins, "" where that of other datasets in the folder does.
func (f *Folder) Draft(name, file, base string, table [][]string) (*Drafted, error) {
	dataset, major, version := SplitName(name)
	d := &draft{folder: f, name: dataset, major: max(1, major)}
	d.dir = fmt.Sprintf("%s/v%d", dataset, d.major)
	if !topFolder.MatchString(dataset) || !strings.Contains(dataset, ".") || version != "" {
		return nil, problem.Problem{Code: "governance.name", Where: name, What: problem.Say("%q is no name of a dataset", name), Fix: problem.Say("write the domain and the thing in lower-case letters without marks, joined by a dot, such as thuvien.thebandoc")}
	}
	for at := range f.files {
		if strings.HasPrefix(at, d.dir+"/") {
			return nil, problem.Problem{Code: "governance.exists", Where: f.where(d.dir), What: problem.Say("the dataset is there already, and nothing is overwritten"), Fix: problem.Say("choose another name; the next major version is %s.v%d", dataset, d.major+1)}
		}
	}
	set, err := f.setOrBuiltin()
	if err != nil {
		return nil, err
	}
	t := tableReader{file: file, set: set, self: row{vi: dataset, en: dataset}}
	t.read(table)
	if t.found.Err() != nil {
		return nil, t.found
	}
	d.table, d.set = &t, set
	d.id = fmt.Sprintf("%s/%s/%d.0.0", strings.TrimRight(firstNonEmpty(base, f.base(), "https://chuan.vidu.example"), "/"), dataset, d.major)
	return d.write()
}

func firstNonEmpty(texts ...string) string {
	return texts[slices.IndexFunc(texts, func(s string) bool { return s != "" })]
}

// base is where the $ids of the folder's datasets begin.
func (f *Folder) base() string {
	for _, d := range f.Datasets() {
		v, _ := decode(d.Working.Schema)
		m, _ := v.(map[string]any)
		id, _ := m["$id"].(string)
		if before, found := strings.CutSuffix(id, "/"+d.Name+"/"+d.Working.Version.String()); found {
			return before
		}
	}
	return ""
}

// setOrBuiltin is the set of the folder, or what is built in while the folder is empty.
func (f *Folder) setOrBuiltin() (*schemas.Set, error) {
	if len(f.files) == 0 {
		return schemas.Builtin()
	}
	return f.Set()
}

type draft struct {
	folder *Folder
	name   string
	major  int
	dir    string
	id     string
	table  *tableReader
	set    *schemas.Set
}

// inner are the fields of a group; "" is the document.
func (d *draft) inner(of string) []row {
	var out []row
	for _, r := range d.table.rows {
		i := strings.LastIndexByte(r.path, '.')
		if i < 0 && of == "" || i >= 0 && r.path[:i] == of {
			out = append(out, r)
		}
	}
	return out
}

// called is the name of a field in its group.
func (r row) called() string {
	return strings.TrimSuffix(r.path[strings.LastIndexByte(r.path, '.')+1:], "[]")
}

func (d *draft) schema() object {
	o := object{{"$schema", "http://json-schema.org/draft-07/schema#"}, {"$id", d.id}, {"title", d.table.self.vi}, {"x-title-en", firstNonEmpty(d.table.self.en, d.table.self.vi)}}
	if d.table.self.source != "" {
		o = append(o, member{"x-nguon", d.table.self.source})
	}
	var key []string
	for _, r := range d.table.rows {
		if r.key {
			key = append(key, r.path)
		}
	}
	return slices.Concat(o, object{{keyKeyword, key}}, d.group(""))
}

func (d *draft) group(of string) object {
	properties, required := object{}, []string{}
	for _, r := range d.inner(of) {
		properties = append(properties, member{r.called(), d.property(r)})
		if r.required {
			required = append(required, r.called())
		}
	}
	o := object{{"type", "object"}}
	if len(required) > 0 {
		o = append(o, member{"required", required})
	}
	return append(o, member{"properties", properties}, member{"additionalProperties", false})
}

func (d *draft) property(r row) object {
	o := object{{"title", r.vi}, {"x-title-en", r.en}}
	for _, m := range (object{{classKeyword, r.class}, {"x-can-cu", r.ground}, {"x-nguon", r.source}}) {
		if m.value != "" {
			o = append(o, m)
		}
	}
	var one object
	switch {
	case r.group:
		one = d.group(r.path)
	case r.kind.definition != "":
		one = object{{"$ref", sharedTypes + "#/definitions/" + r.kind.definition}}
	default:
		one = append(one, r.kind.schema...)
	}
	if r.codes != "" {
		one = append(one, member{codesKeyword, d.list(r.codes)})
	}
	if !r.list {
		if r.most >= 0 {
			one = append(one, member{"minLength", r.least}, member{"maxLength", r.most})
		}
		return append(o, one...)
	}
	most := r.most
	if most < 0 {
		most = 100
	}
	if r.kind.text && r.codes == "" {
		one = append(one, member{"minLength", 1}, member{"maxLength", 500})
	}
	return append(o, member{"type", "array"}, member{"minItems", max(1, r.least)}, member{"maxItems", most}, member{"items", one})
}

// list is how a schema names a code list: in the version that is there now.
func (d *draft) list(id string) any {
	l, err := d.set.CodeList(id)
	if err != nil {
		return id // the table's fault, told with its row
	}
	return object{{"id", id}, {"version", l.Version}}
}

// write makes all files, has the gate judge them, and puts them into the folder.
func (d *draft) write() (*Drafted, error) {
	files := map[string][]byte{}
	put := func(at string, v any) error {
		text, err := indented(v)
		files[path.Join(d.dir, at)] = text
		return err
	}
	e := examples{draft: d}
	if err := put("schema.json", d.schema()); err != nil {
		return nil, err
	}
	// The gate takes no schema without examples; these two hold whatever the table says.
	first := map[string][]byte{}
	for at, text := range d.folder.files {
		first[at] = text
	}
	first[d.dir+"/schema.json"] = files[d.dir+"/schema.json"]
	var err error
	if first[d.dir+"/examples/valid/a.json"], err = indented(e.document("", 1, false)); err != nil {
		return nil, err
	}
	first[d.dir+"/examples/invalid/a.json"] = []byte(`{"about": "a", "expect": [{"pointer": "", "rule": "type"}], "document": "văn bản"}`)
	set, err := d.folder.setOf(first)
	if err != nil {
		return nil, err
	}
	loaded, err := set.Dataset(fmt.Sprintf("%s.v%d", d.name, d.major))
	if err != nil {
		return nil, err
	}
	e.loaded = loaded
	if ps := e.samples(); ps != nil {
		return nil, ps
	}
	for at, v := range e.all() {
		if err := put("examples/"+at, v); err != nil {
			return nil, err
		}
	}
	files[d.dir+"/README.md"] = d.page(loaded)
	whole := map[string][]byte{}
	for _, m := range []map[string][]byte{d.folder.files, files} {
		for at, text := range m {
			whole[at] = text
		}
	}
	if _, err := d.folder.setOf(whole); err != nil {
		return nil, err
	}
	if err := d.folder.write(files); err != nil {
		return nil, err
	}
	out := &Drafted{ID: loaded.ID(), Fields: len(d.table.rows), Valid: e.valid, Invalid: e.invalid}
	for _, at := range sortedKeys(files) {
		out.Files = append(out.Files, d.folder.where(at))
	}
	return out, nil
}

// page is a description for people, in both languages.
func (d *draft) page(loaded *schemas.Dataset) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s · %s\n\n`%s`\n\n", d.table.self.vi, firstNonEmpty(d.table.self.en, d.table.self.vi), loaded.ID())
	if d.table.self.source != "" {
		fmt.Fprintf(&b, "Nguồn · Source: %s\n\n", d.table.self.source)
	}
	fmt.Fprintf(&b, "Khóa · Key: `%s`\n\n", strings.Join(loaded.KeyProperties(), "`, `"))
	b.WriteString("| Trường · Field | Tên · Title | Kiểu · Type | Bắt buộc · Required | Danh mục · Code list | Phân loại · Class | Nguồn · Source |\n|---|---|---|---|---|---|---|\n")
	cell := func(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
	for _, r := range d.table.rows {
		required := ""
		if r.required {
			required = "x"
		}
		kind := r.kind.words[0] + " · " + r.kind.words[1]
		if r.most >= 0 {
			kind += fmt.Sprintf(" (%d–%d)", r.least, r.most)
		}
		fmt.Fprintf(&b, "| `%s` | %s · %s | %s | %s | %s | %s | %s |\n", r.path, cell(r.vi), cell(r.en), kind, required, r.codes, r.class, cell(r.source))
	}
	b.WriteString("\nViết tiếp: ai công bố, ai dùng, điều gì hay bị hiểu nhầm. · Go on: who publishes it, who uses it, what is often misunderstood.\n")
	return []byte(b.String())
}
