package main

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
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
	z, err := gzip.NewWriterLevel(out, gzip.BestCompression)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(z)
	for _, v := range all {
		var into []string
		for _, t := range v.into {
			into = append(into, strconv.Itoa(line[t]))
		}
		to := strings.Join(into, ",")
		if v.vague {
			to = "?" + to
		}
		fmt.Fprintln(w, strings.Join([]string{v.code, v.province, v.district, v.kind, v.name, v.from, v.until, v.act, to}, "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return z.Close()
}
