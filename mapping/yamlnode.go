package mapping

import (
	"math"
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

func (d *decoder) report(at Place, code string, what, fix problem.Text) {
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
		d.report(at, "yaml-alias", problem.Say("YAML anchors and aliases (&name, *name) are not part of the mapping language"), problem.Say("write the text out; if an expression begins with & or *, quote it: '…'"))
		return false
	case n.Style&yaml.TaggedStyle != 0 || n.Tag != "" && !strings.HasPrefix(n.Tag, "!!"):
		d.report(at, "yaml-tag", problem.Say("YAML reads %s as a tag, not as text", n.Tag), problem.Say("quote the expression: %s", singleQuoted(strings.TrimSpace(n.Tag+" "+n.Value))))
		return false
	}
	ok := true
	switch n.Kind {
	case yaml.MappingNode:
		if d.cutAtComma(n, path) {
			return false
		}
		seen := map[string]int{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			k, v := n.Content[i], n.Content[i+1]
			if k.Kind != yaml.ScalarNode {
				d.report(d.place(k, path), "yaml-key", problem.Say("a key must be a single word, found %s", kindOfNode(k)), problem.Say("write name: value"))
				ok = false
				continue
			}
			if k.Tag == "!!merge" {
				d.report(d.place(k, path), "yaml-alias", problem.Say("YAML merge keys (<<) are not part of the mapping language"), problem.Say("write the entries out"))
				ok = false
				continue
			}
			sub := join(path, k.Value)
			if first, twice := seen[k.Value]; twice {
				d.report(d.place(k, sub), "duplicate-key", problem.Say("%q is given twice; the first is in line %d", k.Value, first), problem.Say("remove one of them"))
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

// cutAtComma reports an expression in { … } that YAML ends at a comma inside brackets: { value: code("x", y) } has the keys
// value and y).
func (d *decoder) cutAtComma(n *yaml.Node, path string) bool {
	for i := 0; i+3 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if n.Style&yaml.FlowStyle == 0 || v.Kind != yaml.ScalarNode || v.Style != 0 || openBrackets(v.Value) <= 0 {
			continue
		}
		whole := v.Value
		for j := i + 2; j+1 < len(n.Content) && openBrackets(whole) > 0 && n.Content[j+1].Tag == "!!null"; j += 2 {
			whole += ", " + n.Content[j].Value
		}
		if openBrackets(whole) == 0 {
			d.report(d.place(v, join(path, k.Value)), "yaml-quote", problem.Say("YAML ends this expression at the comma: between { and } it must be quoted"), problem.Verbatim(k.Value+": "+singleQuoted(whole)))
			return true
		}
	}
	return false
}

// openBrackets is how many round brackets a text opens more than it closes.
func openBrackets(s string) int { return strings.Count(s, "(") - strings.Count(s, ")") }

// plainScalar refuses an unquoted scalar that YAML reads as something other than what is written.
func (d *decoder) plainScalar(n *yaml.Node, path string) {
	meaning, plain, differs := differentMeaning(n)
	if !differs {
		return
	}
	fix := problem.Say("write '%s' for the text", n.Value)
	if plain != "" {
		fix = problem.Say("write '%s' for the text, or %s", n.Value, plain)
	}
	d.report(d.place(n, path), "scalar-meaning", problem.Say("%s without quotes is read as %s", n.Value, meaning), fix)
}

// differentMeaning says as what YAML reads a scalar, and how that is written plainly where it can be.
func differentMeaning(n *yaml.Node) (meaning problem.Text, plain string, differs bool) {
	if n.Kind != yaml.ScalarNode || n.Style != 0 {
		return problem.Text{}, "", false
	}
	switch n.Tag {
	case "!!int":
		var i int64
		if n.Decode(&i) != nil {
			return problem.Say("a number too large to be held"), "", true
		}
		plain = strconv.FormatInt(i, 10)
	case "!!float":
		var f float64
		if n.Decode(&f) != nil || math.IsInf(f, 0) || math.IsNaN(f) {
			return problem.Say("a number that no document can hold"), "", true
		}
		plain = strconv.FormatFloat(f, 'f', -1, 64)
		if plain+".0" == n.Value {
			return problem.Text{}, "", false
		}
	case "!!timestamp":
		return problem.Say("a date"), "", true
	case "!!bool":
		plain = strings.ToLower(n.Value)
	case "!!str":
		switch strings.ToLower(n.Value) {
		case "yes", "on":
			return problem.Say("true by some programs and as text by others"), "true", true
		case "no", "off":
			return problem.Say("false by some programs and as text by others"), "false", true
		}
		return problem.Text{}, "", false
	default:
		return problem.Text{}, "", false
	}
	return problem.Verbatim(plain), plain, plain != n.Value
}

func kindOfNode(n *yaml.Node) problem.Text {
	switch {
	case n == nil:
		return problem.Say("nothing")
	case n.Kind == yaml.MappingNode:
		return problem.Say("a group of entries")
	case n.Kind == yaml.SequenceNode:
		return problem.Say("a list")
	}
	switch n.Tag {
	case "!!null":
		return problem.Say("nothing")
	case "!!int", "!!float":
		return problem.Say("a number")
	case "!!bool":
		return problem.Say("true or false")
	}
	return problem.Say("text")
}

// entries returns the pairs of a mapping node.
func (d *decoder) entries(n *yaml.Node, path string, want problem.Text) []pair {
	if n.Kind != yaml.MappingNode {
		d.report(d.place(n, path), "wrong-type", problem.Say("expected %s, found %s", want, kindOfNode(n)), problem.Say("write %s: followed by indented name: value lines", path))
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
func (d *decoder) items(n *yaml.Node, path string, want problem.Text) []*yaml.Node {
	if n.Kind != yaml.SequenceNode {
		d.report(d.place(n, path), "wrong-type", problem.Say("expected a list of %s, found %s", want, kindOfNode(n)), problem.Say("write %s: [ … ]", lastOf(path)))
		return nil
	}
	return n.Content
}

// text returns a scalar's text. Numbers and truth values pass: their meaning is their text (sound saw to it).
func (d *decoder) text(n *yaml.Node, path string) (string, bool) {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" && n.Style == 0 {
		d.report(d.place(n, path), "wrong-type", problem.Say("expected text, found %s", kindOfNode(n)), problem.Say("write %s: text", lastOf(path)))
		return "", false
	}
	return n.Value, true
}

// name is text that may not be empty.
func (d *decoder) name(n *yaml.Node, path string) string {
	s, ok := d.text(n, path)
	if ok && strings.TrimSpace(s) == "" {
		d.report(d.place(n, path), "wrong-type", problem.Say("%s is empty", path), problem.Say("write the name, or remove the line"))
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
		d.report(d.place(n, path), "unknown-word", problem.Say("%q is not possible here; expected one of: %s", s, strings.Join(allowed, ", ")), suggestion(s, allowed))
		return ""
	}
	return s
}

// unknown reports a key that is not part of the language, or not yet.
func (d *decoder) unknown(p pair, allowed []string) {
	d.report(p.at, "unknown-key", problem.Say("unknown key %q", p.key), suggestion(p.key, allowed))
}

// unsupported reports a key of the language that this version does not run.
func (d *decoder) unsupported(at Place, name string, instead problem.Text) {
	d.report(at, "unsupported", problem.Say("%s is not supported by this version", name), instead)
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
