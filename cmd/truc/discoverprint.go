package main

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/lienthong/truc/discover"
)

// printTable writes what was found out about a table.
func printTable(b *strings.Builder, t discover.Table) {
	rows := "?"
	if t.Rows >= 0 {
		rows = strconv.FormatInt(t.Rows, 10)
	}
	fmt.Fprintf(b, "Bảng / table %s: ~%s hàng / rows, đã xem / looked at %d\n", t.Name, rows, t.Sampled)
	if t.Unread != "" {
		fmt.Fprintf(b, "  không đọc được hàng / rows cannot be read: %s\n", t.Unread)
	}
	name, kind := 0, 0
	for _, c := range t.Columns {
		name, kind = max(name, utf8.RuneCountInString(c.Name)), max(kind, utf8.RuneCountInString(c.Type))
	}
	for _, c := range t.Columns {
		line := "  " + padded(c.Name, name) + "  " + padded(c.Type, kind) + "  " + strings.Join(columnFacts(c, t.Sampled), " · ")
		b.WriteString(strings.TrimRight(line, " ") + "\n")
		for _, s := range c.Samples {
			fmt.Fprintf(b, "      %s", strconv.Quote(s.Value))
			if s.Decoded != "" {
				fmt.Fprintf(b, "   → %s", s.Decoded)
			}
			b.WriteByte('\n')
		}
	}
	for _, r := range t.Relations {
		fmt.Fprintf(b, "  khóa ngoại / foreign key: (%s) → %s (%s)\n", strings.Join(r.Columns, ", "), r.Table, strings.Join(r.References, ", "))
	}
	for i, f := range t.Fits {
		if i == 3 || i > 0 && f.Score < 0.3 {
			break
		}
		fmt.Fprintf(b, "  bộ dữ liệu / dataset %s (%s / %s): %.2f, bắt buộc / required %d/%d, cột / columns %d/%d\n", f.Dataset, f.Title.VI, f.Title.EN, f.Score, f.Filled, f.Required, f.Placed, len(t.Columns))
	}
	if t.Draft == nil {
		b.WriteString("  không bộ dữ liệu nào hợp / no dataset fits\n")
		return
	}
	printKey(b, t)
}

func printKey(b *strings.Builder, t discover.Table) {
	k := t.Draft.Key
	fmt.Fprintf(b, "  khóa / key: %d/%d thuộc tính có cột / properties have a column", len(k.Parts), len(k.Parts)+len(k.Open))
	if len(k.Parts) > 0 && k.Rows > 0 {
		fmt.Fprintf(b, "; %d/%d hàng mẫu không trùng / sampled rows are unique", k.Unique, k.Rows)
	}
	if len(k.Open) > 0 {
		fmt.Fprintf(b, "; còn thiếu / missing: %s", strings.Join(k.Open, ", "))
	}
	b.WriteByte('\n')
	if len(k.NotCarried) > 0 {
		fmt.Fprintf(b, "  khi xóa hàng, nhật ký không có cột / a deletion does not carry: %s\n    %s\n", strings.Join(k.NotCarried, ", "), t.IdentityFix)
	}
}

func columnFacts(c discover.Column, sampled int) []string {
	var facts []string
	if c.Key {
		facts = append(facts, "khóa / key")
	}
	if sampled > 0 {
		if empty := c.Nulls + c.Blank; empty > 0 {
			facts = append(facts, fmt.Sprintf("%d trống / empty", empty))
		}
		facts = append(facts, fmt.Sprintf("%d khác nhau / distinct", c.Distinct))
	}
	if c.Document != "" {
		facts = append(facts, fmt.Sprintf("%s, %d phần / parts", c.Document, len(c.Inside)))
	}
	if c.Hidden > 0 {
		facts = append(facts, fmt.Sprintf("%d khóa có thể là dữ liệu, không in ra / keys that may be data are not shown", c.Hidden))
	}
	if c.Shape.VI != "" && c.Document == "" {
		facts = append(facts, c.Shape.VI+" / "+c.Shape.EN)
	}
	if c.Suspected != "" {
		facts = append(facts, "nghi là / suspected: "+c.Suspected)
	}
	for _, e := range c.Encodings {
		facts = append(facts, fmt.Sprintf("%s %d/%d", e.Name, e.Clean, e.Values))
	}
	return facts
}

// padded fills a text with blanks to a width in characters.
func padded(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
}
