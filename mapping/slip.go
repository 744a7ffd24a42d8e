package mapping

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// keyLine splits a line of YAML into its key and what stands behind it.
var keyLine = regexp.MustCompile(`^(\s*(?:- +)?(?:"[^"]*"|'[^']*'|[^\s:#'"{\[]+):[ \t]+)(\S.*?)\s*$`)

// slip reports a syntax error in our own words. When quoting the value of a line mends it, the corrected line is the fix
// and the mended text is returned; otherwise nil.
func (d *decoder) slip(data []byte, le *yaml.LoadError) []byte {
	lines := bytes.SplitAfter(data, []byte{'\n'})
	at := Place{File: d.file, Line: le.Mark.Line, Column: max(le.Mark.Column, 1)}
	for n := 1; n <= min(le.Mark.Line, len(lines)); n++ {
		line := strings.TrimRight(string(lines[n-1]), "\r\n")
		if d.corrected[n] || !unclosed(line) {
			continue
		}
		d.corrected[n] = true
		at.Line, at.Column = n, len(line)-len(strings.TrimLeft(line, " "))+1
		d.report(at, "yaml-quote", "the quote opened in this line is not closed in it", strings.TrimSpace(line)+`"`)
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
			d.report(at, "yaml-quote", "YAML does not read this expression as one text: it must be quoted", strings.TrimSpace(corrected))
			return mended
		}
	}
	d.report(at, "yaml-syntax", "this is not YAML: "+d.syntaxFault(le), "correct the line; every level is indented with the same number of blanks, and expressions with special characters stand in single quotes")
	return nil
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

// syntaxFault says what is wrong in our words, from the position rather than from the library's text.
func (d *decoder) syntaxFault(le *yaml.LoadError) string {
	line := d.line(le.Mark.Line)
	indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
	switch {
	case strings.Contains(indent, "\t"):
		return "a tab is used for indentation"
	case le.Mark.Line > len(d.lines) || le.Mark.Line == len(d.lines) && line == "":
		if le.ContextMark.Line > 0 {
			return fmt.Sprintf("a quote or bracket opened in line %d is never closed", le.ContextMark.Line)
		}
		return "a quote or bracket is never closed"
	case strings.ContainsAny(strings.TrimSpace(line), "{[") && strings.Count(line, "{")+strings.Count(line, "[") != strings.Count(line, "}")+strings.Count(line, "]"):
		return "the brackets of this line do not match"
	case strings.Count(line, `"`)%2 == 1 || strings.Count(line, "'")%2 == 1:
		return "a quote of this line is not closed"
	default:
		return "the indentation or the punctuation of this line does not fit what stands before it"
	}
}
