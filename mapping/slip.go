package mapping

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/lienthong/truc/problem"
)

// keyLine splits a line of YAML into its key and what stands behind it.
var keyLine = regexp.MustCompile(`^(\s*(?:- +)?(?:"[^"]*"|'[^']*'|[^\s:#'"{\[]+):[ \t]+)(\S.*?)\s*$`)

// slip reports a syntax error in our own words. When quoting the value of a line mends it, the corrected line is the fix
// and the mended text is returned; otherwise nil.
func (d *decoder) slip(data []byte, le *yaml.LoadError) []byte {
	lines := bytes.SplitAfter(data, []byte{'\n'})
	at := Place{File: d.file, Line: le.Mark.Line, Column: max(le.Mark.Column, 1)}
	for _, n := range []int{le.Mark.Line, le.Mark.Line - 1} {
		if n < 1 || n > len(lines) || d.corrected[n] {
			continue
		}
		for _, mend := range []func([][]byte, int) []byte{d.copied, d.glued} {
			if mended := mend(lines, n); mended != nil {
				d.corrected[n] = true
				return mended
			}
		}
	}
	for n := 1; n <= min(le.Mark.Line, len(lines)); n++ {
		line := strings.TrimRight(string(lines[n-1]), "\r\n")
		if d.corrected[n] || !unclosed(line) {
			continue
		}
		d.corrected[n] = true
		at.Line, at.Column = n, len(line)-len(strings.TrimLeft(line, " "))+1
		d.report(at, "yaml-quote", problem.Say("the quote opened in this line is not closed in it"), problem.Say(`%s"`, strings.TrimSpace(line)))
		return slices.Concat(bytes.Join(lines[:n-1], nil), []byte(line+"\"\n"), bytes.Join(lines[n:], nil))
	}
	for _, n := range []int{le.Mark.Line, le.ContextMark.Line, le.Mark.Line - 1} {
		// A line is corrected once: where that does not help, its quotes are not what is wrong.
		if n < 1 || n > len(lines) || d.corrected[n] {
			continue
		}
		line := strings.TrimRight(string(lines[n-1]), "\r\n")
		for _, corrected := range corrections(line) {
			mended := bytes.Join([][]byte{bytes.Join(lines[:n-1], nil), []byte(corrected + "\n"), bytes.Join(lines[n:], nil)}, nil)
			if !laterError(mended, n) {
				continue
			}
			at.Line, at.Column = n, len(line)-len(strings.TrimLeft(line, " "))+1
			d.corrected[n] = true
			d.report(at, "yaml-quote", problem.Say("YAML does not read this expression as one text: it must be quoted"), problem.Verbatim(strings.TrimSpace(corrected)))
			return mended
		}
	}
	d.report(at, "yaml-syntax", problem.Say("this is not YAML: %s", d.syntaxFault(le)), problem.Say("correct the line; every level is indented with the same number of blanks, and expressions with special characters stand in single quotes"))
	return nil
}

// notOneDocument reports a file that is empty, or that begins anew in its middle.
func (d *decoder) notOneDocument() {
	content := false
	for i, line := range d.lines {
		at := Place{File: d.file, Line: i + 1, Column: 1}
		if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7F }) {
			d.report(at, "yaml-document", problem.Say("the line holds a control character"), problem.Say("remove it: a mapping is plain text"))
			return
		}
		marker := line == "---" || strings.HasPrefix(line, "--- ")
		if marker && content {
			d.report(at, "yaml-document", problem.Say("a second document begins here"), problem.Say("remove the line --- and what follows it: a file holds one mapping"))
			return
		}
		content = content || !marker && strings.TrimSpace(line) != "" && !strings.HasPrefix(strings.TrimSpace(line), "#")
	}
	what := problem.Say("the file cannot be read as YAML")
	if !content {
		what = problem.Say("the file is empty")
	}
	d.report(Place{File: d.file, Line: 1, Column: 1}, "yaml-document", what, problem.Say("begin with dataset: …"))
}

// copied reports characters that came with a copied text and stopped the reader at a line, and returns the line without them.
func (d *decoder) copied(lines [][]byte, n int) []byte {
	line := strings.TrimRight(string(lines[n-1]), "\r\n")
	offset, name, found := problem.Strange(line)
	if !found || strings.Contains(line[:offset], "#") {
		return nil
	}
	plain := problem.Plain(line)
	d.report(Place{File: d.file, Line: n, Column: utf8.RuneCountInString(line[:offset]) + 1}, "strange-character", problem.Say("the line holds %s", name), problem.Verbatim(strings.TrimSpace(plain)))
	return slices.Concat(bytes.Join(lines[:n-1], nil), []byte(plain+"\n"), bytes.Join(lines[n:], nil))
}

var gluedColon = regexp.MustCompile(`^(\s*(?:- +)?[A-Za-z0-9_]+):([^\s:/].*)$`)

// glued reports a colon without a blank behind it, which YAML notices a line late, and returns the line with one.
func (d *decoder) glued(lines [][]byte, n int) []byte {
	line := strings.TrimRight(string(lines[n-1]), "\r\n")
	m := gluedColon.FindStringSubmatch(line)
	if m == nil {
		return nil
	}
	mended := m[1] + ": " + m[2]
	d.report(Place{File: d.file, Line: n, Column: utf8.RuneCountInString(m[1]) + 1}, "yaml-syntax", problem.Say("a blank is missing after the colon"), problem.Verbatim(strings.TrimSpace(mended)))
	return slices.Concat(bytes.Join(lines[:n-1], nil), []byte(mended+"\n"), bytes.Join(lines[n:], nil))
}

// unclosed reports whether a line opens a double-quoted value and does not close it.
func unclosed(line string) bool {
	m := keyLine.FindStringSubmatch(line)
	return m != nil && strings.HasPrefix(m[2], `"`) && strings.Count(m[2], `"`)%2 == 1
}

// laterError reports whether the text has no syntax error up to and including a line.
func laterError(data []byte, line int) bool {
	var doc yaml.Node
	err := yaml.Load(data, &doc, yaml.WithUniqueKeys(false))
	if err == nil {
		return true
	}
	le, ok := err.(*yaml.LoadError) //nolint:errorlint // yaml.Load returns it bare
	return ok && le.Mark.Line > line && le.ContextMark.Line != line
}

// corrections proposes a line with its value, or the values of its flow mapping, in single quotes.
func corrections(line string) []string {
	m := keyLine.FindStringSubmatch(line)
	if m == nil {
		return nil
	}
	key, value := m[1], m[2]
	if strings.HasPrefix(value, "{") && strings.HasSuffix(value, "}") {
		return []string{key + "{ " + strings.Join(quoteFlow(value[1:len(value)-1]), ", ") + " }", key + singleQuoted(value)}
	}
	return []string{key + singleQuoted(value)}
}

// quoteFlow quotes the values of a flow mapping that hold what YAML would take for its own.
func quoteFlow(inner string) []string {
	var out []string
	for _, piece := range splitTop(inner) {
		piece = strings.TrimSpace(piece)
		if m := keyLine.FindStringSubmatch(piece); m != nil && strings.ContainsAny(m[2], `?:"#!&*[]{}`) && !strings.HasPrefix(m[2], "'") && !wholeQuoted(m[2]) {
			if !strings.HasPrefix(m[2], "{") {
				piece = m[1] + singleQuoted(m[2])
			}
		}
		out = append(out, piece)
	}
	return out
}

func wholeQuoted(s string) bool {
	return len(s) >= 2 && s[0] == '"' && strings.IndexByte(s[1:], '"') == len(s)-2
}

// splitTop splits at commas that stand outside quotes and brackets.
func splitTop(s string) []string {
	var out []string
	depth, start := 0, 0
	var quote byte
	for i := range len(s) {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '(' || c == '[' || c == '{':
			depth++
		case c == ')' || c == ']' || c == '}':
			depth--
		case c == ',' && depth == 0:
			out = append(out, s[start:i])
			start = i + 1
		}
	}
	return append(out, s[start:])
}

// inList reports whether the nearest line above with the same or less indentation is an element of a list.
func (d *decoder) inList(n int) bool {
	indent := func(s string) int { return len(s) - len(strings.TrimLeft(s, " ")) }
	own := indent(d.line(n))
	for i := n - 1; i > 0; i-- {
		if line := d.line(i); strings.TrimSpace(line) != "" && indent(line) <= own {
			return strings.HasPrefix(strings.TrimLeft(line, " "), "- ") != strings.HasPrefix(strings.TrimLeft(d.line(n), " "), "- ")
		}
	}
	return false
}

// syntaxFault says what is wrong in our words, from the position rather than from the library's text.
func (d *decoder) syntaxFault(le *yaml.LoadError) problem.Text {
	line := d.line(le.Mark.Line)
	indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
	switch {
	case strings.Contains(indent, "\t"):
		return problem.Say("a tab is used for indentation")
	case strings.HasPrefix(line, "%"):
		return problem.Say("a line that begins with %% is none of a mapping's")
	case d.inList(le.Mark.Line):
		return problem.Say("entries of a list (- …) and name: value lines stand below one another")
	case le.Mark.Line > len(d.lines) || le.Mark.Line == len(d.lines) && line == "":
		if le.ContextMark.Line > 0 {
			return problem.Say("a quote or bracket opened in line %d is never closed", le.ContextMark.Line)
		}
		return problem.Say("a quote or bracket is never closed")
	case strings.ContainsAny(strings.TrimSpace(line), "{[") && strings.Count(line, "{")+strings.Count(line, "[") != strings.Count(line, "}")+strings.Count(line, "]"):
		return problem.Say("the brackets of this line do not match")
	case strings.Count(line, `"`)%2 == 1 || strings.Count(line, "'")%2 == 1:
		return problem.Say("a quote of this line is not closed")
	default:
		return problem.Say("the indentation or the punctuation of this line does not fit what stands before it")
	}
}
