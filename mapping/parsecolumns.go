package mapping

import (
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/lienthong/truc/mapping/value"
	"github.com/lienthong/truc/problem"
)

// encodings are the words for text encodings.
func encodings() []string {
	var names []string
	for _, e := range value.Encodings() {
		names = append(names, e.Name)
	}
	return names
}

func (d *decoder) encoding(n *yaml.Node, path string) string {
	return d.word(n, path, encodings()...)
}

func (d *decoder) columnRules(n *yaml.Node) []ColumnRule {
	var out []ColumnRule
	for _, p := range d.entries(n, "columns", problem.Say("columns with what to know about them")) {
		r := ColumnRule{At: p.at, Name: p.key}
		if p.value.Kind == yaml.ScalarNode {
			d.report(p.at, "wrong-type", problem.Say("in a source mapping columns declare how cells are read, found an expression"), problem.Say("write expressions under fields; here { text: …, null: […], pad: …, from: …, zone: … }"))
			continue
		}
		for _, q := range d.entries(p.value, p.at.Path, problem.Say("text, null, pad, from or zone")) {
			switch q.key {
			case "text":
				r.Text = d.encoding(q.value, q.at.Path)
			case "null":
				for i, item := range d.items(q.value, q.at.Path, problem.Say("texts that mean null")) {
					if s, ok := d.text(item, q.at.Path+"["+strconv.Itoa(i)+"]"); ok {
						r.Null = append(r.Null, strings.TrimSpace(s))
					}
				}
			case "pad":
				r.Pad = d.padding(q.value, q.at.Path)
			case "from":
				r.From, _ = d.text(q.value, q.at.Path)
			case "zone":
				r.Zone = d.zone(q.value, q.at.Path)
			default:
				d.unknown(q, []string{"text", "null", "pad", "from", "zone"})
			}
		}
		if r.Name == "*" && (r.From != "" || r.Pad != 0) {
			d.report(p.at, "wrong-type", problem.Say(`"*" stands for every column: from and pad belong to one`), problem.Say("give them to the column itself"))
		}
		out = append(out, r)
	}
	return out
}

func (d *decoder) padding(n *yaml.Node, path string) int {
	const longest = 64
	s, ok := d.text(n, path)
	if !ok {
		return 0
	}
	v, err := strconv.Atoi(s)
	if err != nil || v < 1 || v > longest {
		d.report(d.place(n, path), "wrong-type", problem.Say("pad is a length from 1 to %d, found %q", longest, s), problem.Say("write pad: 12"))
		return 0
	}
	return v
}

func (d *decoder) zone(n *yaml.Node, path string) string {
	s, ok := d.text(n, path)
	if !ok {
		return ""
	}
	if _, err := time.LoadLocation(s); err != nil || s == "" || s == "Local" {
		d.report(d.place(n, path), "unknown-zone", problem.Say("%q is not a time zone", s), problem.Say("write a name such as Asia/Ho_Chi_Minh or UTC"))
		return "UTC" // so that what needs a zone is not told to declare one
	}
	return s
}

func (d *decoder) codes(n *yaml.Node) []CodeMap {
	var out []CodeMap
	for _, p := range d.entries(n, "codes", problem.Say("code tables")) {
		c := CodeMap{At: p.at, Name: p.key}
		mapped := false
		var file *pair
		for _, q := range d.entries(p.value, p.at.Path, problem.Say("list, map and file")) {
			switch q.key {
			case "list":
				c.List, _ = d.text(q.value, q.at.Path)
				c.ListAt = d.place(q.value, q.at.Path)
			case "map":
				mapped = q.value.Kind != yaml.MappingNode || len(q.value.Content) > 0 // of another kind: told below
				for _, e := range d.entries(q.value, q.at.Path, problem.Say(`"code": "code" entries`)) {
					if to, ok := d.text(e.value, e.at.Path); ok {
						c.Entries = append(c.Entries, CodeEntry{At: e.at, From: strings.TrimSpace(e.key), To: to})
					}
				}
			case "file":
				mapped, file = true, &q
			default:
				d.unknown(q, []string{"list", "map", "file"})
			}
		}
		if file != nil { // after map, so that what stands in both is told at the file's line
			if name := d.name(file.value, file.at.Path); name != "" {
				d.codeFile(&c, d.place(file.value, file.at.Path), name)
			}
		}
		if !mapped {
			d.report(p.at, "missing-key", problem.Say("the code table has no codes"), problem.Say(`add map: { "1": "1", … }, or file: codes/ten.csv`))
		}
		out = append(out, c)
	}
	return out
}
