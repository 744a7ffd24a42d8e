package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"text/tabwriter"

	"golang.org/x/text/unicode/norm"

	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas"
)

func codeVerbs() []verb {
	return []verb{
		{
			name: "code list", args: "[LIST]", most: 1,
			summary: problem.Text{VI: "các danh mục, hoặc các mã của một danh mục", EN: "the code lists, or the codes of one"},
			help: problem.Text{VI: `
Danh mục đi kèm truc, và danh mục trong các thư mục datasets: của cấu hình (codelists/*.json), như mã định danh cơ quan của
bạn. Mỗi danh mục có phiên bản, thời hạn hiệu lực và nguồn; "tạm" là chưa đối chiếu với văn bản gốc.`, EN: `
The code lists that come with truc, and those in the folders under datasets: of the configuration (codelists/*.json), such as
your agency identifiers. Each has a version, the days it is in force and a source; "provisional" was not compared with its act.`},
			define: func(*flag.FlagSet) action {
				return func(_ context.Context, p *program) error { return p.codeList() }
			},
		},
		{
			name: "code lookup", args: "LIST TEXT", least: 2, most: -1,
			summary: problem.Text{VI: "tra mã theo tên hoặc tên khác", EN: "find a code by a name or an alias"},
			help: problem.Text{VI: `
So mã, tên và tên khác: nguyên văn, rồi không phân biệt hoa thường, rồi không dấu, rồi theo âm (i/y, k/c), bỏ khoảng trắng và
gạch nối. Hàm lookup của ánh xạ tra đúng như vậy.

Mã thoát 3: không khớp mã nào, hoặc khớp nhiều mã.`, EN: `
Compares codes, names and aliases: as they are, then without case, then without marks, then by sound (i/y, k/c) without
blanks and hyphens. The lookup function of mappings does the same.

Exit code 3: no code fits, or several do.`},
			define: func(*flag.FlagSet) action {
				return func(_ context.Context, p *program) error {
					return p.codeLookup(p.args[0], strings.Join(p.args[1:], " "))
				}
			},
		},
	}
}

// codeListShown is a code list as it is printed.
type codeListShown struct {
	ID          string         `json:"id"`
	Version     string         `json:"version"`
	Title       problem.Text   `json:"title"`
	From        string         `json:"from,omitempty"`
	To          string         `json:"to,omitempty"`
	Source      string         `json:"source"`
	Provisional string         `json:"provisional,omitempty"`
	Count       int            `json:"count"`
	Codes       []schemas.Code `json:"codes,omitempty"`
}

func shownList(l *schemas.CodeList) codeListShown {
	return codeListShown{
		ID: l.ID, Version: l.Version, Title: problem.Text{VI: l.Title["vi"], EN: l.Title["en"]}, From: l.From, To: l.To,
		Source: l.Source, Provisional: l.Provisional, Count: len(l.Codes()),
	}
}

func (p *program) namedCodeList(id string) (*schemas.CodeList, error) {
	set, problems := p.datasetsFor(".")
	if err := problems.Err(); err != nil {
		return nil, problems
	}
	l, err := set.CodeList(id)
	if err == nil {
		return l, nil
	}
	if fault := new(problem.Problem); errors.As(err, fault) {
		return nil, &usageError{what: fault.What, fix: fault.Fix}
	}
	return nil, err
}

func (p *program) codeList() error {
	if len(p.args) == 1 {
		l, err := p.namedCodeList(p.args[0])
		if err != nil {
			return err
		}
		return p.printCodeList(l)
	}
	set, problems := p.datasetsFor(".")
	if err := problems.Err(); err != nil {
		return problems
	}
	var all []codeListShown
	for _, l := range set.CodeLists() {
		all = append(all, shownList(l))
	}
	if p.json {
		return p.printJSON(all)
	}
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	p.headings(t, "", problem.Say("list"), problem.Say("version"), problem.Say("codes"), problem.Say("in force from"), problem.Say("until"), problem.Say("state"), problem.Say("title"))
	for _, l := range all {
		state := "-"
		if l.Provisional != "" {
			state = p.short(problem.Say("provisional"))
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\t%s\t%s\n", l.ID, l.Version, l.Count, orDash(l.From), orDash(l.To), state, p.short(l.Title))
	}
	return t.Flush()
}

func (p *program) printCodeList(l *schemas.CodeList) error {
	shown := shownList(l)
	if p.json {
		shown.Codes = l.Codes()
		return p.printJSON(shown)
	}
	fmt.Fprintf(p.stdout, "%s %s: %s\n", l.ID, l.Version, p.short(shown.Title))
	if err := p.answer(problem.Say("source: %s", l.Source)); err != nil {
		return err
	}
	if l.Provisional != "" {
		if err := p.answer(problem.Say("provisional: %s", l.Provisional)); err != nil {
			return err
		}
	}
	return p.printCodes(l.Codes())
}

func (p *program) printCodes(codes []schemas.Code) error {
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	p.headings(t, "  ", problem.Say("code"), problem.Say("name"), problem.Say("aliases"))
	for _, c := range codes {
		name := problem.Text{VI: c.VI, EN: c.EN}
		if c.EN == "" {
			name.EN = c.VI
		}
		fmt.Fprintf(t, "  %s\t%s\t%s\n", c.Code, p.short(name), orDash(strings.Join(c.Aliases, "; ")))
	}
	return t.Flush()
}

// codeFound is what truc code lookup prints with --json.
type codeFound struct {
	List    string         `json:"list"`
	Version string         `json:"version"`
	Text    string         `json:"text"`
	Outcome string         `json:"outcome"` // found, ambiguous, unknown
	Codes   []schemas.Code `json:"codes,omitempty"`
}

func (p *program) codeLookup(list, text string) error {
	l, err := p.namedCodeList(list)
	if err != nil {
		return err
	}
	clean := strings.Join(strings.Fields(norm.NFC.String(text)), " ")
	a := codeFound{List: l.ID, Version: l.Version, Text: text, Outcome: "found"}
	for _, i := range l.Find([]byte(clean), nil) {
		a.Codes = append(a.Codes, l.Codes()[i])
	}
	var what problem.Text
	switch len(a.Codes) {
	case 0:
		a.Outcome, what = "unknown", problem.Say("no code of %s %s is called so; truc code list %s lists them", l.ID, l.Version, l.ID)
	case 1:
		what = problem.Say("one code of %s %s:", l.ID, l.Version)
	default:
		a.Outcome, what = "ambiguous", problem.Say("%d codes of %s %s may be meant:", len(a.Codes), l.ID, l.Version)
	}
	switch {
	case p.json:
		err = p.printJSON(a)
	default:
		if err = p.answer(what); err == nil && len(a.Codes) > 0 {
			err = p.printCodes(a.Codes)
		}
	}
	if err == nil && len(a.Codes) != 1 {
		err = &codeError{code: exitNo}
	}
	return err
}
