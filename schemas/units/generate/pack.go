package main

import (
	"compress/gzip"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// next is the day after a day.
func next(day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return t.AddDate(0, 0, 1).Format(time.DateOnly)
}

// pack writes a unit a line: code, province, district, kind, name, from, until, act, and the lines of the units that it
// became, counted from 0; "?" before them says that it became one of these.
func pack(out io.Writer, all []*version) error {
	line := map[*version]int{}
	for i, v := range all {
		line[v] = i
	}
	var lines []string
	for _, v := range all {
		var into []string
		for _, t := range v.into {
			into = append(into, strconv.Itoa(line[t]))
		}
		to := strings.Join(into, ",")
		if v.vague {
			to = "?" + to
		}
		lines = append(lines, strings.Join([]string{v.code, v.province, v.district, v.kind, v.name, v.from, v.until, v.act, to}, "\t"))
	}
	return packLines(out, lines)
}

// packRelation writes what the source says of the merger as it is, so that a test can hold the versions to it.
func packRelation(out io.Writer, into map[string][]string) error {
	var lines []string
	for _, from := range slices.Sorted(maps.Keys(into)) {
		lines = append(lines, from+"\t"+strings.Join(slices.Sorted(slices.Values(into[from])), ","))
	}
	return packLines(out, lines)
}

func packLines(out io.Writer, lines []string) error {
	z, err := gzip.NewWriterLevel(out, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(z, strings.Join(lines, "\n")+"\n"); err != nil {
		return err
	}
	return z.Close()
}
