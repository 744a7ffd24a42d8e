package main

import (
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"
)

//go:embed page.md.tmpl
var page string

// places are those of the page: a small province, the largest, the country, and the country with communes that publish for
// themselves.
func places() []place {
	return []place{
		{"a small province", 500_000, 1},
		{"the largest", 14_000_000, 1},
		{"34 provinces", 102_000_000, 34},
		{"3,321 communes", 102_000_000, 3321},
	}
}

func render(out io.Writer, m costs) error {
	c := usual()
	data := struct {
		Costs    costs
		Cluster  cluster
		Datasets []string
		Loads    []string
		Walls    []string
	}{Costs: m, Cluster: c}
	for _, d := range datasets() {
		data.Datasets = append(data.Datasets, cells("`"+d.id+"`", decimal(d.rows), decimal(d.changes), d.why))
	}
	var loads []load
	for _, p := range places() {
		loads = append(loads, c.carry(p, datasets(), m))
	}
	row := func(what string, of func(l load) string) {
		all := []string{what}
		for _, l := range loads {
			all = append(all, of(l))
		}
		data.Loads = append(data.Loads, cells(all...))
	}
	row("", func(l load) string { return l.name })
	data.Loads = append(data.Loads, cells("---", "--:", "--:", "--:", "--:"))
	row("people", func(l load) string { return number(l.population) })
	row("rows", func(l load) string { return number(l.rows) })
	row("changes a year", func(l load) string { return number(l.changes) })
	row("changes/s in the busiest hour", func(l load) string { return decimal(l.peakEvents) })
	row("topics, dead letters apart", func(l load) string { return number(l.topics) })
	row("partitions, with those of the letters", func(l load) string { return number(l.partitions) })
	row("replicas a broker", func(l load) string { return number(l.replicasPerBroker) })
	row("disk a broker", func(l load) string { return size(l.diskPerBroker) })
	row("network of a broker, in / out, busiest hour", func(l load) string { return size(l.in) + "/s / " + size(l.out) + "/s" })
	row("cores busy in a broker, busiest hour", func(l load) string { return decimal(l.brokerCores) })
	row("first load of its largest table, as fast as it goes", func(l load) string { return span(l.firstLoad) })
	row("the same at 2,000 rows/s from 19:00 to 05:00", func(l load) string { return span(l.paced) })
	row("one subscriber takes all of it", func(l load) string { return span(l.deliver) })
	row("disk of that subscriber", func(l load) string { return size(l.sinkDisk) })
	for _, l := range loads[1:] {
		walls := c.walls(l, m)
		slices.SortStableFunc(walls, func(a, b wall) int {
			switch {
			case a.times < b.times:
				return -1
			case a.times > b.times:
				return 1
			}
			return 0
		})
		for i, w := range walls[:3] {
			name := ""
			if i == 0 {
				name = l.name
			}
			data.Walls = append(data.Walls, cells(name, w.what, w.at, times(w.times)))
		}
	}
	t, err := template.New("page").Funcs(template.FuncMap{"number": number, "bytes": size, "decimal": decimal}).Parse(page)
	if err != nil {
		return fmt.Errorf("read page.md.tmpl: %w", err)
	}
	if err := t.Execute(out, data); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

func cells(of ...string) string { return "| " + strings.Join(of, " | ") + " |" }

// number is a whole number of three significant digits, with commas.
func number(v float64) string {
	s := strconv.FormatFloat(significant(v), 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func significant(v float64) float64 {
	out, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 3, 64), 64)
	return out
}

// decimal is a number of two significant digits, or whole.
func decimal(v float64) string {
	if v >= 100 {
		return number(v)
	}
	out, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 2, 64), 64)
	return strconv.FormatFloat(out, 'f', -1, 64)
}

func size(v float64) string {
	for _, unit := range []string{"B", "kB", "MB", "GB"} {
		if v < 1000 {
			return decimal(v) + " " + unit
		}
		v /= 1000
	}
	return decimal(v) + " TB"
}

func span(seconds float64) string {
	switch d := time.Duration(seconds * float64(time.Second)); {
	case d < 2*time.Minute:
		return decimal(d.Seconds()) + " s"
	case d < 2*time.Hour:
		return decimal(d.Minutes()) + " min"
	case d < 48*time.Hour:
		return decimal(d.Hours()) + " h"
	default:
		return decimal(d.Hours()/24) + " days"
	}
}

func times(v float64) string {
	if v < 1 {
		return "**" + decimal(v) + "**: it does not fit"
	}
	return decimal(v)
}
