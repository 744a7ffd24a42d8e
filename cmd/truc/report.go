package main

import (
	"cmp"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/config"
	"github.com/lienthong/truc/problem"
)

// printProblems writes findings for people: what is wrong on one line that begins with its place, the remedy below; then the
// same in the next language.
func printProblems(w io.Writer, languages []problem.Language, l problem.List) {
	for _, p := range l {
		kind := problem.Say("error")
		if p.Warning {
			kind = problem.Say("warning")
		}
		if p.Where != "" {
			fmt.Fprintf(w, "%s: ", p.Where)
		}
		for i, l := range languages {
			if i > 0 {
				fmt.Fprint(w, "  ")
			}
			fmt.Fprintf(w, "%s: %s\n", kind.In(l), p.What.In(l))
			if !p.Fix.Empty() {
				label := "    " + problem.Say("fix").In(l) + ": "
				fmt.Fprintf(w, "%s%s\n", label, strings.ReplaceAll(p.Fix.In(l), "\n", "\n"+strings.Repeat(" ", utf8.RuneCountInString(label))))
			}
		}
	}
}

// distinct drops findings that were reported before word for word: a missing secret is met by the file and by its adapter.
func distinct(l problem.List) problem.List {
	var out problem.List
	for _, p := range l {
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

var placeForm = regexp.MustCompile(`^(.+?):([0-9]+):([0-9]+)`)

// inOrder sorts findings as they stand in each file; files, and places that are not in one, keep the order of their first.
func inOrder(l problem.List) problem.List {
	type place struct{ file, line, column int }
	files := map[string]int{}
	places := map[string]place{}
	for _, p := range l {
		file, at := p.Where, place{}
		if m := placeForm.FindStringSubmatch(p.Where); m != nil {
			file = m[1]
			at.line, _ = strconv.Atoi(m[2])
			at.column, _ = strconv.Atoi(m[3])
		}
		if _, seen := files[file]; !seen {
			files[file] = len(files)
		}
		at.file = files[file]
		places[p.Where] = at
	}
	slices.SortStableFunc(l, func(a, b problem.Problem) int {
		p, q := places[a.Where], places[b.Where]
		return cmp.Or(cmp.Compare(p.file, q.file), cmp.Compare(p.line, q.line), cmp.Compare(p.column, q.column))
	})
	return l
}

// checkResult is what check prints with --json.
type checkResult struct {
	Config   string       `json:"config"`
	OK       bool         `json:"ok"` // nothing that prevents running
	Problems problem.List `json:"problems"`
}

func (p *program) printCheck(c *config.Config, problems problem.List) error {
	code := exitDone
	faults, warnings := 0, 0
	for _, q := range problems {
		switch {
		case q.Warning:
			warnings++
			continue
		case q.Code == unreachable && code == exitDone:
			code = exitUnreachable
		case q.Code == unreachable:
		case q.Code == adapters.GapCode && code != exitUsage:
			code = exitGap
		case q.Code != adapters.GapCode:
			code = exitUsage
		}
		faults++
	}
	if p.json {
		r := checkResult{Config: p.configFile, OK: faults == 0, Problems: problems}
		if c != nil {
			r.Config = c.Path
		}
		if r.Problems == nil {
			r.Problems = problem.List{}
		}
		if err := p.printJSON(r); err != nil {
			return err
		}
	} else {
		printProblems(p.stdout, p.languages(), problems)
		summary := problem.Text{VI: fmt.Sprintf("%d lỗi, %d cảnh báo", faults, warnings), EN: counted(faults, "error") + ", " + counted(warnings, "warning")}
		if faults == 0 {
			summary = problem.Text{
				VI: fmt.Sprintf("%s đã ổn: %d luồng công bố, %d luồng nhận, %d cảnh báo", c.Path, len(c.Publish), len(c.Subscribe), warnings),
				EN: fmt.Sprintf("%s is in order: %s, %s, %s", c.Path, counted(len(c.Publish), "publishing pipeline"), counted(len(c.Subscribe), "delivery"), counted(warnings, "warning")),
			}
		}
		if err := p.say(p.stdout, summary); err != nil {
			return fmt.Errorf("write result: %w", err)
		}
	}
	if code == exitDone {
		return nil
	}
	return &codeError{code: code}
}

// counted writes a number with its noun: "1 error", "2 deliveries".
func counted(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case strings.HasSuffix(noun, "ry"):
		return fmt.Sprintf("%d %sies", n, strings.TrimSuffix(noun, "y"))
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
