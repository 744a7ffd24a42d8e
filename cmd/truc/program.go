package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/config"
	"github.com/lienthong/truc/problem"
)

// program is one run of the command line: its streams, its environment and what every verb understands.
type program struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	env            func(string) (string, bool)
	adapters       *adapters.Registry

	configFile string   // -c
	json       bool     // --json
	lang       string   // --lang
	args       []string // what is left after the flags
}

// define adds the flags that every verb understands.
func (p *program) define(fs *flag.FlagSet) {
	fs.StringVar(&p.configFile, "c", p.configFile, "tệp cấu hình `FILE`; nếu không nêu: ./truc.yaml, rồi $TRUC_CONFIG / configuration `FILE`; without it ./truc.yaml, then $TRUC_CONFIG")
	fs.BoolVar(&p.json, "json", p.json, "in kết quả dạng JSON / print the result as JSON")
	fs.Func("lang", "ngôn ngữ `LANGUAGE` của thông báo: vi, en hoặc both (tiếng Việt trước); nếu không nêu: $TRUC_LANG, rồi both / `LANGUAGE` of messages: vi, en, or both (Vietnamese first); without it $TRUC_LANG, then both", func(lang string) error {
		if !slices.Contains([]string{"vi", "en", "both"}, lang) {
			return errors.New("it is vi, en or both")
		}
		p.lang = lang
		return nil
	})
}

// languages are those in which messages are printed, in that order. What is not known is both: a message must not be lost to a
// slip in an environment variable.
func (p *program) languages() []problem.Language {
	lang := p.lang
	if lang == "" && p.env != nil {
		lang, _ = p.env("TRUC_LANG")
	}
	switch lang {
	case "vi":
		return []problem.Language{problem.Vietnamese}
	case "en":
		return []problem.Language{problem.English}
	}
	return []problem.Language{problem.Vietnamese, problem.English}
}

// both is a text in the languages of the user, side by side; once where they say the same.
func (p *program) both(t problem.Text) string {
	var parts []string
	for _, l := range p.languages() {
		if said := t.In(l); !slices.Contains(parts, said) {
			parts = append(parts, said)
		}
	}
	return strings.Join(parts, " / ")
}

// say writes one short line in the languages of the user, side by side.
func (p *program) say(w io.Writer, t problem.Text) error {
	_, err := fmt.Fprintln(w, p.short(t))
	return err
}

// answer writes what a command has done, a line for each language of the user.
func (p *program) answer(t problem.Text) error {
	for _, l := range p.languages() {
		if _, err := fmt.Fprintln(p.stdout, t.In(l)); err != nil {
			return err
		}
	}
	return nil
}

// short is a short text in the languages of the user, side by side.
func (p *program) short(t problem.Text) string {
	var parts []string
	for _, l := range p.languages() {
		if part := t.In(l); !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, " · ")
}

// headings writes the head of a table: a line for each language of the user, so that columns stay as narrow as their cells.
func (p *program) headings(w io.Writer, indent string, columns ...problem.Text) {
	for _, l := range p.languages() {
		cells := make([]string, len(columns))
		for i, c := range columns {
			cells[i] = strings.ToUpper(c.In(l))
		}
		fmt.Fprintf(w, "%s%s\n", indent, strings.Join(cells, "\t"))
	}
}

// printUsageError says what is wrong with a command line, and the remedy below.
func (p *program) printUsageError(e *usageError) {
	for _, l := range p.languages() {
		fmt.Fprintf(p.stderr, "truc: %s\n    %s\n", e.what.In(l), e.fix.In(l))
	}
}

// load reads the configuration. From then on its secrets are blanked out of whatever goes to stderr. The configuration is
// nil only when nothing of the file could be understood.
func (p *program) load() (*config.Config, problem.List) {
	path, problems := config.Find(p.configFile, p.env)
	if problems != nil {
		return nil, problems
	}
	c, problems := config.Load(path, p.env)
	if c != nil {
		p.stderr = newRedactor(p.stderr, c.Secrets())
	}
	return c, problems
}

// log is where a verb that runs for a while says what it does.
func (p *program) log(level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: level}))
}

// printJSON writes one value as indented JSON on stdout.
func (p *program) printJSON(v any) error {
	e := json.NewEncoder(p.stdout)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}
