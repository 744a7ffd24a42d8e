package config

import (
	"errors"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/lienthong/truc/problem"
)

// slips says what the YAML reader's messages mean to somebody who writes a configuration. The first that is contained wins.
var slips = []struct {
	message   string
	what, fix problem.Text
}{
	{"found multiple", problem.Say("the file holds several YAML documents"), problem.Say("remove the line `---` and what follows it: one file configures one node")},
	{"no documents", problem.Say("the file is empty"), problem.Say("begin with `agency: H44.15`; the documentation shows a whole file")},
	{"mapping values are not allowed", problem.Say("a `:` stands where no key can be"), problem.Say("put a value that contains `: ` in quotes, or check the indentation of this line")},
	{" tab", problem.Say("the line is indented with a tab"), problem.Say("indent with blanks: YAML allows no tabs there")},
	{"block sequence entries are not allowed", problem.Say("a list item `- …` stands where none can be"), problem.Say("put the list on the lines below its key, or write it as [a, b]")},
	{"comment without preceding", problem.Say("a `#` follows a value directly"), problem.Say("put a blank before a comment, or the value in quotes")},
	{"scanning a tag", problem.Say("a plain `!` begins a YAML tag, which is not used here"), problem.Say("put the value in quotes")},
	{"scanning an anchor", problem.Say("a plain `&` begins a YAML anchor, which is not used here"), problem.Say("put the value in quotes")},
	{"document start", problem.Say("the file ends here for YAML, and more follows"), problem.Say("check the indentation of this line and the brackets above it")},
	{"unknown escape character", problem.Say("in double quotes a backslash begins an escape, and this one does not exist"), problem.Say("use single quotes, 'C:\\truc\\data', or forward slashes")},
	{"did not find expected ','", problem.Say("a list `[ … ]` or a mapping `{ … }` is not closed, or a comma is missing"), problem.Say("close it on the line where it began, and separate its items with commas")},
	{"did not find expected key", problem.Say("the indentation of this line fits none of the lines above"), problem.Say("give the keys of one block the same number of blanks")},
	{"did not find expected '-'", problem.Say("a list `- …` ends here and something else follows on the same level"), problem.Say("indent this line so that it belongs to a key, or begin it with `- `")},
	{"could not find expected ':'", problem.Say("a `:` is missing after a key"), problem.Say("write `key: value`, with a blank after the colon")},
	{"unexpected end of stream", problem.Say("a quotation mark is opened and never closed"), problem.Say("close it on the same line")},
	{"scanning an alias", problem.Say("a plain `*` begins a YAML alias, which is not used here"), problem.Say(`put the value in quotes: "*"`)},
	{"unknown anchor", problem.Say("a plain `*` begins a YAML alias, which is not used here"), problem.Say("put the value in quotes, or write it out")},
	{"expected node content", problem.Say("a value is missing here"), problem.Say("write the value, or put it in quotes if it begins with one of , [ ] { } & * # ? | > @ `")},
	{"exceeded max depth", problem.Say("lists or mappings are nested too deeply"), problem.Say("check the brackets of this line")},
	{"block scalar", problem.Say("after `|` or `>` the line must end"), problem.Say("put the text on the following lines, indented, or put it in quotes")},
}

// syntaxProblem translates an error of the YAML reader. It never shows the line: it may hold a secret.
func syntaxProblem(err error, data []byte) (problem.Problem, *yaml.Node) {
	p := problem.Problem{
		Code: "config.syntax", What: problem.Say("the file is not valid YAML here"),
		Fix: problem.Say("check indentation (blanks, no tabs), quotes and brackets of this line and the one above"),
	}
	at := &yaml.Node{Line: 1, Column: 1}
	var load *yaml.LoadError
	message := err.Error()
	if errors.As(err, &load) {
		if load.Mark.Line > 0 {
			at.Line, at.Column = load.Mark.Line, load.Mark.Column
		}
		// An open quote or bracket is noticed lines later; where it was opened is what helps.
		open := strings.Contains(load.Message, "end of stream") || strings.Contains(load.Message, "expected ','")
		if open && load.ContextMark.Line > 0 && load.ContextMark.Line < load.Mark.Line {
			at.Line, at.Column = load.ContextMark.Line, load.ContextMark.Column
		}
		message = load.ContextMsg + " " + load.Message
	}
	lines := strings.Split(string(data), "\n")
	if strings.Contains(message, "found multiple") {
		at = secondDocument(lines)
	}
	if p, at, ok := slipOfLine(lines, at); ok {
		return p, at
	}
	if strings.Contains(message, "cannot start any token") {
		p.What, p.Fix = badStart(lines, at)
		return p, at
	}
	for _, s := range slips {
		if strings.Contains(message, s.message) {
			p.What, p.Fix = s.what, s.fix
			break
		}
	}
	return p, at
}

// secondDocument is where the line stands that begins another document.
func secondDocument(lines []string) *yaml.Node {
	content := false
	for i, line := range lines {
		line = strings.TrimSpace(strings.TrimSuffix(line, "\r"))
		if content && (line == "---" || strings.HasPrefix(line, "--- ")) {
			return &yaml.Node{Line: i + 1, Column: 1}
		}
		content = content || line != "" && line != "---" && !strings.HasPrefix(line, "#")
	}
	return &yaml.Node{Line: 1, Column: 1}
}

var (
	gluedColon   = regexp.MustCompile(`^\s*(?:- +)?[A-Za-z0-9_]+(:)[^\s:/]`)
	referencePos = regexp.MustCompile(`(?:^|[\s,\[{:])(\$\{[^}]*\}?)`)
)

// slipOfLine finds what the YAML reader's message would not say, on the line it complains about or the one before: YAML often
// notices a slip one line late.
func slipOfLine(lines []string, at *yaml.Node) (problem.Problem, *yaml.Node, bool) {
	for _, n := range []int{at.Line, at.Line - 1} {
		if n < 1 || n > len(lines) {
			continue
		}
		line := lines[n-1]
		place := func(offset int) *yaml.Node {
			return &yaml.Node{Line: n, Column: utf8.RuneCountInString(line[:offset]) + 1}
		}
		p := problem.Problem{Code: "config.syntax"}
		if offset, name, found := problem.Strange(line); found && !strings.Contains(line[:offset], "#") {
			p.What, p.Fix = problem.Say("the line holds %s", name), problem.Say("delete it and type it again: it came with a copied text")
			return p, place(offset), true
		}
		if m := gluedColon.FindStringSubmatchIndex(line); m != nil {
			p.What, p.Fix = problem.Say("a blank is missing after the `:`"), problem.Say("write `key: value`")
			return p, place(m[2]), true
		}
		if m := referencePos.FindStringSubmatchIndex(line); m != nil && strings.ContainsAny(line[:m[2]], "{[") {
			p.What, p.Fix = problem.Say("a reference ${…} inside `{ }` or `[ ]` must stand in quotes"), problem.Say(`write "%s"`, line[m[2]:m[3]])
			return p, place(m[2]), true
		}
		if n == at.Line && strings.HasPrefix(line, "%") {
			p.What, p.Fix = problem.Say("a line that begins with %% is not used here"), problem.Say("remove it")
			return p, place(0), true
		}
	}
	return problem.Problem{}, nil, false
}

// badStart explains a character with which no value can begin.
func badStart(lines []string, at *yaml.Node) (what, fix problem.Text) {
	if at.Line <= len(lines) {
		line := []rune(lines[at.Line-1])
		if at.Column >= 1 && at.Column <= len(line) {
			if c := line[at.Column-1]; c != '\t' {
				return problem.Say("a value cannot begin with %c", c), problem.Say("put the value in quotes")
			}
		}
	}
	return problem.Say("the line is indented with a tab"), problem.Say("indent with blanks: YAML allows no tabs there")
}
