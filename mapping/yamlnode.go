package mapping

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lienthong/truc/problem"
)

// decoder walks the YAML nodes of one file strictly and collects what is wrong with them.
type decoder struct {
	file string
	// path is the file's place in the folder of the files, load what they have in common.
	path     string
	load     *loading
	lines    []string
	problems problem.List
	// corrected are the numbers of the lines that were mended while reading.
	corrected map[int]bool
}

// pair is one entry of a YAML mapping.
type pair struct {
	key   string
	at    Place
	value *yaml.Node
}

func (d *decoder) place(n *yaml.Node, path string) Place {
	return Place{File: d.file, Line: n.Line, Column: n.Column, Path: path}
}

func (d *decoder) report(at Place, code, what, fix string) {
	d.problems = append(d.problems, problem.Problem{Code: "mapping." + code, Where: at.String(), What: what, Fix: fix})
}

// line returns a line of the file as written, without its end.
func (d *decoder) line(n int) string {
	if n < 1 || n > len(d.lines) {
		return ""
	}
	return d.lines[n-1]
}

// sound reports what no mapping may hold anywhere: anchors, aliases, merges, tags, keys given twice, and plain scalars
// whose meaning to YAML is not their text. It answers whether the tree is fit to be decoded, which the last two do not prevent.
func (d *decoder) sound(n *yaml.Node, path string) bool {
	at := d.place(n, path)
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		d.report(at, "yaml-alias", "YAML anchors and aliases (&name, *name) are not part of the mapping language", "write the text out; if an expression begins with & or *, quote it: '…'")
		return false
	case n.Style&yaml.TaggedStyle != 0 || n.Tag != "" && !strings.HasPrefix(n.Tag, "!!"):
		d.report(at, "yaml-tag", fmt.Sprintf("YAML reads %s as a tag, not as text", n.Tag), "quote the expression: "+singleQuoted(strings.TrimSpace(n.Tag+" "+n.Value)))
		return false
	}
	ok := true
	switch n.Kind {
	case yaml.MappingNode:
		seen := map[string]int{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			k, v := n.Content[i], n.Content[i+1]
			if k.Kind != yaml.ScalarNode {
				d.report(d.place(k, path), "yaml-key", "a key must be a single word, found "+kindOfNode(k), "write name: value")
				ok = false
				continue
			}
			if k.Tag == "!!merge" {
				d.report(d.place(k, path), "yaml-alias", "YAML merge keys (<<) are not part of the mapping language", "write the entries out")
				ok = false
				continue
			}
			sub := join(path, k.Value)
			if first, twice := seen[k.Value]; twice {
				d.report(d.place(k, sub), "duplicate-key", fmt.Sprintf("%q is given twice; the first is in line %d", k.Value, first), "remove one of them")
			} else {
				seen[k.Value] = k.Line
			}
			// on, off, yes and no are common column names, and as keys nobody takes them for truth values.
			if k.Tag != "!!str" {
				d.plainScalar(k, sub)
			}
			ok = d.sound(v, sub) && ok
		}
	case yaml.SequenceNode:
		for i, v := range n.Content {
			ok = d.sound(v, path+"["+strconv.Itoa(i)+"]") && ok
		}
	case yaml.ScalarNode:
		d.plainScalar(n, path)
	}
	return ok
}

// plainScalar refuses an unquoted scalar that YAML reads as something other than what is written.
func (d *decoder) plainScalar(n *yaml.Node, path string) {
	meaning, differs := differentMeaning(n)
	if !differs {
		return
	}
	fix := fmt.Sprintf("write '%s' for the text", n.Value)
	if !strings.Contains(meaning, " ") {
		fix += ", or " + meaning
	} else if strings.HasPrefix(meaning, "true") || strings.HasPrefix(meaning, "false") {
		fix += ", or " + strings.Fields(meaning)[0]
	}
	d.report(d.place(n, path), "scalar-meaning", fmt.Sprintf("%s without quotes is read as %s", n.Value, meaning), fix)
}

func differentMeaning(n *yaml.Node) (meaning string, differs bool) {
	if n.Kind != yaml.ScalarNode || n.Style != 0 {
		return "", false
	}
	switch n.Tag {
	case "!!int":
		var i int64
		if n.Decode(&i) != nil {
			return "a number too large to be held", true
		}
		meaning = strconv.FormatInt(i, 10)
	case "!!float":
		var f float64
		if n.Decode(&f) != nil {
			return "a number", true
		}
		meaning = strconv.FormatFloat(f, 'f', -1, 64)
		if meaning+".0" == n.Value {
			return "", false
		}
	case "!!timestamp":
		return "a date", true
	case "!!bool":
		meaning = strings.ToLower(n.Value)
	case "!!str":
		switch strings.ToLower(n.Value) {
		case "yes", "on":
			return "true by some programs and as text by others", true
		case "no", "off":
			return "false by some programs and as text by others", true
		}
		return "", false
	default:
		return "", false
	}
	return meaning, meaning != n.Value
}

func kindOfNode(n *yaml.Node) string {
	switch {
	case n == nil:
		return "nothing"
	case n.Kind == yaml.MappingNode:
		return "a group of entries"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	}
	switch n.Tag {
	case "!!null":
		return "nothing"
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "true or false"
	}
	return "text"
}

// entries returns the pairs of a mapping node.
func (d *decoder) entries(n *yaml.Node, path, want string) []pair {
	if n.Kind != yaml.MappingNode {
		d.report(d.place(n, path), "wrong-type", fmt.Sprintf("expected %s, found %s", want, kindOfNode(n)), "write "+path+": followed by indented name: value lines")
		return nil
	}
	out := make([]pair, 0, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		out = append(out, pair{key: k.Value, at: d.place(k, join(path, k.Value)), value: n.Content[i+1]})
	}
	return out
}

// items returns the elements of a list.
func (d *decoder) items(n *yaml.Node, path, want string) []*yaml.Node {
	if n.Kind != yaml.SequenceNode {
		d.report(d.place(n, path), "wrong-type", fmt.Sprintf("expected a list of %s, found %s", want, kindOfNode(n)), "write "+lastOf(path)+": [ … ]")
		return nil
	}
	return n.Content
}

// text returns a scalar's text. Numbers and truth values pass: their meaning is their text (sound saw to it).
func (d *decoder) text(n *yaml.Node, path string) (string, bool) {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" && n.Style == 0 {
		d.report(d.place(n, path), "wrong-type", "expected text, found "+kindOfNode(n), "write "+lastOf(path)+": text")
		return "", false
	}
	return n.Value, true
}

// name is text that may not be empty.
func (d *decoder) name(n *yaml.Node, path string) string {
	s, ok := d.text(n, path)
	if ok && strings.TrimSpace(s) == "" {
		d.report(d.place(n, path), "wrong-type", path+" is empty", "write the name, or remove the line")
		return ""
	}
	return s
}

// word returns one of the allowed words, or "" after a report.
func (d *decoder) word(n *yaml.Node, path string, allowed ...string) string {
	s, ok := d.text(n, path)
	if !ok {
		return ""
	}
	if !slices.Contains(allowed, s) {
		d.report(d.place(n, path), "unknown-word", fmt.Sprintf("%q is not possible here; expected one of: %s", s, strings.Join(allowed, ", ")), suggestion(s, allowed))
		return ""
	}
	return s
}

// unknown reports a key that is not part of the language, or not yet.
func (d *decoder) unknown(p pair, allowed []string) {
	d.report(p.at, "unknown-key", fmt.Sprintf("unknown key %q", p.key), suggestion(p.key, allowed))
}

// unsupported reports a key of the language that this version does not run.
func (d *decoder) unsupported(at Place, name, instead string) {
	d.report(at, "unsupported", name+" is not supported by this version", instead)
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func lastOf(path string) string {
	return path[strings.LastIndexByte(path, '.')+1:]
}

// singleQuoted writes a text as YAML in single quotes.
func singleQuoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
