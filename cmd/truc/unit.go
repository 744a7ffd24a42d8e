package main

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas/units"
)

func unitVerb() verb {
	return verb{
		name: "unit", args: "CODE|TEXT", least: 1, most: -1,
		summary: problem.Text{VI: "tra đơn vị hành chính theo mã hoặc địa chỉ, tại một ngày", EN: "look up an administrative unit by code or address, on a day"},
		help: problem.Text{VI: `
Tìm đơn vị hành chính mà một mã (24, 296, 10978) hoặc một địa chỉ nói đến tại ngày --at. Mã chỉ có nghĩa cùng với ngày: 24 là
Bắc Giang, từ 01/7/2025 là Bắc Ninh. Địa chỉ có thể viết tắt, không dấu, thiếu chữ chỉ cấp hoặc viết ngược thứ tự. Với --to:
đơn vị ấy thành những đơn vị nào ở một ngày về sau.

Mã thoát 3: không rõ là đơn vị nào, hoặc địa bàn đã chia cho nhiều đơn vị.`, EN: `
Finds the administrative unit that a code (24, 296, 10978) or an address means on the day --at. A code means something only
together with a day: 24 is Bắc Giang, and since 1 July 2025 Bắc Ninh. An address may be abbreviated, without marks, without
the words for kinds of units, or turned round. With --to: which units it has become by a later day.

Exit code 3: it is not certain which unit is meant, or its territory was divided among several.`},
		define: func(fs *flag.FlagSet) action {
			var at, to units.Date
			fs.Func("at", "ngày `YYYY-MM-DD` của mã hoặc địa chỉ; nếu không nêu: hôm nay / `YYYY-MM-DD`, the day of the code or address; without it today", parseDay(&at))
			fs.Func("to", "ngày `YYYY-MM-DD` về sau: đơn vị ấy đã thành đơn vị nào / `YYYY-MM-DD`, a later day: what the unit has become", parseDay(&to))
			return func(_ context.Context, p *program) error { return p.unit(strings.Join(p.args, " "), at, to) }
		},
	}
}

func parseDay(d *units.Date) func(string) error {
	return func(s string) error {
		day, ok := units.ParseDate(s)
		if !ok {
			return fmt.Errorf("%q is no day", s)
		}
		*d = day
		return nil
	}
}

// vietnam has no daylight saving.
func vietnam() *time.Location { return time.FixedZone("+07", 7*60*60) }

// unitShown is a unit as it is printed.
type unitShown struct {
	Code  string `json:"code"`
	Level string `json:"level"` // tinh, huyen, xa
	Type  string `json:"type"`
	Name  string `json:"name"`
	// Path is the unit with those it is in: "xã Hồng Khê, huyện Bình Giang, tỉnh Hải Dương".
	Path     string     `json:"path"`
	Province string     `json:"province,omitempty"`
	District string     `json:"district,omitempty"`
	From     units.Date `json:"from,omitempty"`
	Until    units.Date `json:"until,omitempty"` // the day after the last one
	Act      string     `json:"act,omitempty"`
}

// unitAnswer is what truc unit prints with --json.
type unitAnswer struct {
	Text       string      `json:"text"`
	At         units.Date  `json:"at"`
	Outcome    string      `json:"outcome"` // exact, text, ambiguous, unknown
	Unit       *unitShown  `json:"unit,omitempty"`
	Candidates []unitShown `json:"candidates,omitempty"`
	Within     *unitShown  `json:"within,omitempty"`
	To         units.Date  `json:"to,omitempty"`
	Became     []unitShown `json:"became,omitempty"`
	// Sure is false when the sources do not say which of Became it is.
	Sure *bool `json:"sure,omitempty"`
	// Days are others on which the text means something.
	Days []units.Date `json:"otherDays,omitempty"`
}

func (p *program) unit(text string, at, to units.Date) error {
	c, err := units.Builtin()
	if err != nil {
		return err
	}
	if at == 0 {
		at = units.DateOf(time.Now().In(vietnam()))
	}
	if to != 0 && to < at {
		return &usageError{what: problem.Say("--to %s lies before --at %s", to, at), fix: problem.Say("a unit is followed forward in time: give a later day")}
	}
	r := c.Resolve([]byte(text), at)
	show := func(u *units.Unit, on units.Date) *unitShown {
		if u == nil {
			return nil
		}
		return &unitShown{
			Code: u.Code, Level: u.Level.String(), Type: u.Type, Name: u.Name, Path: c.Path(u, on),
			Province: u.Province, District: u.District, From: u.From, Until: u.Until, Act: u.Act,
		}
	}
	a := unitAnswer{Text: text, At: at, Outcome: r.Outcome.String(), Unit: show(r.Unit, at), Within: show(r.Within, at), To: to}
	for _, u := range r.Candidates {
		a.Candidates = append(a.Candidates, *show(u, at))
	}
	certain := r.Unit != nil
	if r.Unit != nil && to != 0 {
		became, sure := r.Unit.On(to)
		for _, u := range became {
			a.Became = append(a.Became, *show(u, to))
		}
		a.Sure = &sure
		certain = len(became) == 1
	}
	if r.Outcome == units.Unknown {
		for _, d := range []units.Date{20191006, 20250630, units.DistrictsEnd, c.Latest()} {
			if c.Resolve([]byte(text), d).Outcome != units.Unknown {
				a.Days = append(a.Days, d)
			}
		}
	}
	if p.json {
		err = p.printJSON(a)
	} else {
		err = p.printUnit(a)
	}
	if err == nil && !certain {
		err = &codeError{code: exitNo}
	}
	return err
}

func (p *program) printUnit(a unitAnswer) error {
	var what problem.Text
	shown := a.Candidates
	switch a.Outcome {
	case "exact":
		what, shown = problem.Say("one unit, by its code, on %s:", a.At), []unitShown{*a.Unit}
	case "text":
		what, shown = problem.Say("one unit, by its name, on %s:", a.At), []unitShown{*a.Unit}
	case "ambiguous":
		what = problem.Say("%d units may be meant on %s; name what they are in, or write the marks:", len(a.Candidates), a.At)
	default:
		what = problem.Say("no unit of %s is meant", a.At)
	}
	if err := p.answer(what); err != nil {
		return err
	}
	if err := p.printUnits(shown); err != nil {
		return err
	}
	if a.Outcome == "unknown" {
		if a.Within != nil {
			if err := p.answer(problem.Say("it would be in %s (%s), which has no unit of this name that day", a.Within.Path, a.Within.Code)); err != nil {
				return err
			}
		}
		for _, d := range a.Days {
			if err := p.answer(problem.Say("on %s one is: try --at %s", d, d)); err != nil {
				return err
			}
		}
		return nil
	}
	if a.Unit == nil || a.To == 0 {
		return nil
	}
	switch {
	case !*a.Sure:
		what = problem.Say("by %s it has become one of these %d units; the sources do not say which:", a.To, len(a.Became))
	case len(a.Became) == 1:
		what = problem.Say("by %s it is, or has become part of:", a.To)
	default:
		what = problem.Say("by %s its territory is divided among %d units; only the address in detail tells which:", a.To, len(a.Became))
	}
	if err := p.answer(what); err != nil {
		return err
	}
	return p.printUnits(a.Became)
}

func (p *program) printUnits(shown []unitShown) error {
	if len(shown) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	p.headings(t, "  ", problem.Say("code"), problem.Say("unit"), problem.Say("from"), problem.Say("until"), problem.Say("act"))
	for _, u := range shown {
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t%s\n", u.Code, u.Path, orDash(u.From.String()), orDash(u.Until.String()), orDash(u.Act))
	}
	return t.Flush()
}
