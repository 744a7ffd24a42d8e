package mapping

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
)

// fingerprint hashes what a mapping means: places, quoting, blanks outside quotes, the order of codes and columns, table
// and examples do not count.
func fingerprint(f *File, key []string) string {
	h := sha256.New()
	put := func(parts ...string) {
		for _, p := range parts {
			h.Write([]byte(p)) // a hash never fails to take bytes
			h.Write([]byte{0})
		}
		h.Write([]byte{1})
	}
	put("mapping/1", f.Direction.String(), f.Dataset)
	put(append([]string{"key"}, key...)...)
	rules := slices.Clone(f.Columns)
	slices.SortFunc(rules, func(a, b ColumnRule) int { return strings.Compare(a.Name, b.Name) })
	for _, r := range rules {
		nulls := slices.Sorted(slices.Values(r.Null))
		put(append([]string{"column", r.Name, r.From, r.Text, r.Zone, string(rune('0' + r.Pad))}, nulls...)...)
	}
	codes := slices.Clone(f.Codes)
	slices.SortFunc(codes, func(a, b CodeMap) int { return strings.Compare(a.Name, b.Name) })
	for _, c := range codes {
		put("codes", c.Name, c.List)
		entries := slices.Clone(c.Entries)
		slices.SortFunc(entries, func(a, b CodeEntry) int { return strings.Compare(a.From, b.From) })
		for _, e := range entries {
			put(e.From, e.To)
		}
	}
	put("only", meaning(f.Only), "deleted", meaning(f.Deleted))
	for _, group := range []struct {
		name string
		list []Assignment
	}{{"let", f.Let}, {"sinkKey", f.SinkKey}, {"values", f.Values}, {"onCreate", f.OnCreate}, {"deleteSet", f.DeleteSet}} {
		for _, a := range group.list {
			put(group.name, a.Name, a.Text, meaning(&a.Value))
		}
	}
	put("sink", string(rune('0'+f.Write)), string(rune('0'+f.OnDelete)), string(rune('0'+f.Conflict)))
	if f.Fields != nil {
		putFields(put, "", f.Fields.Fields)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// meant is the file without what an included file holds for other mappings.
func (c *compiler) meant() *File {
	f := *c.file
	f.Codes = slices.DeleteFunc(slices.Clone(f.Codes), func(m CodeMap) bool { return m.shared && !c.codes[m.Name].used })
	f.Let = slices.DeleteFunc(slices.Clone(f.Let), func(a Assignment) bool {
		b := c.names[a.Name]
		return a.shared && b != nil && b.state == letUnread
	})
	return &f
}

func putFields(put func(...string), path string, fields []Field) {
	for i := range fields {
		putField(put, path, &fields[i])
	}
}

// putField writes a field that is only an expression or an object as it always was: a mapping that does not change keeps its
// fingerprint from version to version.
func putField(put func(...string), path string, f *Field) {
	inner := path + "/" + f.Name
	if p := f.Value.prefix(); p != "" {
		put("prefix", p)
	}
	put("field", path, f.Name, meaning(f.Value))
	for _, e := range f.When {
		put("when", inner, e.prefix(), meaning(e))
	}
	if f.Each != nil {
		put("each", inner, f.Each.Over.prefix(), meaning(f.Each.Over), f.Each.As)
		putField(put, inner, &f.Each.Item)
	}
	if f.List {
		put("list", inner)
		putFields(put, inner, f.Items)
	}
	putFields(put, inner, f.Fields)
}

// prefix is what stands before the columns of an expression.
func (e *Expression) prefix() string {
	if e == nil {
		return ""
	}
	return e.scope.columnPrefix()
}

// meaning is an expression without the blanks that say nothing.
func meaning(e *Expression) string {
	switch {
	case e == nil:
		return ""
	case e.CEL == "":
		var b bytes.Buffer
		if json.Compact(&b, e.Const) != nil {
			return string(e.Const)
		}
		return "=" + b.String()
	}
	var b strings.Builder
	var quote byte
	blank := false
	for i := range len(e.CEL) {
		c := e.CEL[i]
		switch {
		case quote != 0:
			if c == quote && e.CEL[i-1] != '\\' {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == ' ' || c == '\n' || c == '\t' || c == '\r':
			blank = true
			continue
		}
		if blank && b.Len() > 0 && wordByte(e.CEL[i]) && wordByte(b.String()[b.Len()-1]) {
			b.WriteByte(' ')
		}
		blank = false
		b.WriteByte(c)
	}
	return b.String()
}

func wordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
