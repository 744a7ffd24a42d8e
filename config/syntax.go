package config

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lienthong/truc/problem"
)

// slips says what the YAML reader's messages mean to somebody who writes a configuration. The first that is contained wins.
var slips = []struct{ message, what, fix string }{
	{"found multiple", "the file holds several YAML documents", "remove the line `---` and what follows it: one file configures one node"},
	{"no documents", "the file is empty", "begin with `agency: H44.15`; the documentation shows a whole file"},
	{"mapping values are not allowed", "a `:` stands where no key can be", "put a value that contains `: ` in quotes, or check the indentation of this line"},
	{" tab", "the line is indented with a tab", "indent with blanks: YAML allows no tabs there"},
	{"block sequence entries are not allowed", "a list item `- …` stands where none can be", "put the list on the lines below its key, or write it as [a, b]"},
	{"comment without preceding", "a `#` follows a value directly", "put a blank before a comment, or the value in quotes"},
	{"scanning a tag", "a plain `!` begins a YAML tag, which is not used here", "put the value in quotes"},
	{"scanning an anchor", "a plain `&` begins a YAML anchor, which is not used here", "put the value in quotes"},
	{"document start", "the file ends here for YAML, and more follows", "check the indentation of this line and the brackets above it"},
	{"unknown escape character", `in double quotes a backslash begins an escape, and this one does not exist`, `use single quotes, 'C:\truc\data', or forward slashes`},
	{"did not find expected ','", "a list `[ … ]` or a mapping `{ … }` is not closed, or a comma is missing", "close it on the line where it began, and separate its items with commas"},
	{"did not find expected key", "the indentation of this line fits none of the lines above", "give the keys of one block the same number of blanks"},
	{"did not find expected '-'", "a list `- …` ends here and something else follows on the same level", "indent this line so that it belongs to a key, or begin it with `- `"},
	{"could not find expected ':'", "a `:` is missing after a key", "write `key: value`, with a blank after the colon"},
	{"unexpected end of stream", "a quotation mark is opened and never closed", "close it on the same line"},
	{"scanning an alias", "a plain `*` begins a YAML alias, which is not used here", "put the value in quotes: \"*\""},
	{"unknown anchor", "a plain `*` begins a YAML alias, which is not used here", "put the value in quotes, or write it out"},
	{"expected node content", "a value is missing here", "write the value, or put it in quotes if it begins with one of , [ ] { } & * # ? | > @ `"},
	{"exceeded max depth", "lists or mappings are nested too deeply", "check the brackets of this line"},
	{"block scalar", "after `|` or `>` the line must end", "put the text on the following lines, indented, or put it in quotes"},
}

// syntaxProblem translates an error of the YAML reader. It never shows the line: it may hold a secret.
func syntaxProblem(err error, data []byte) (problem.Problem, *yaml.Node) {
	p := problem.Problem{
		Code: "config.syntax", What: "the file is not valid YAML here",
		Fix: "check indentation (blanks, no tabs), quotes and brackets of this line and the one above",
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
	if strings.Contains(message, "cannot start any token") {
		p.What, p.Fix = badStart(data, at)
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

// badStart explains a character with which no value can begin.
func badStart(data []byte, at *yaml.Node) (what, fix string) {
	lines := strings.Split(string(data), "\n")
	if at.Line <= len(lines) {
		line := []rune(lines[at.Line-1])
		if at.Column >= 1 && at.Column <= len(line) {
			if c := line[at.Column-1]; c != '\t' {
				return fmt.Sprintf("a value cannot begin with %c", c), "put the value in quotes"
			}
		}
	}
	return "the line is indented with a tab", "indent with blanks: YAML allows no tabs there"
}
