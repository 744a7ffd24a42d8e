package postgres

import (
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/record"
)

// tuple builds TupleData: nil is null, "u" an unchanged value, everything else text.
func tuple(cells ...any) []byte {
	b := binary.BigEndian.AppendUint16(nil, uint16(len(cells)))
	for _, c := range cells {
		switch c := c.(type) {
		case nil:
			b = append(b, 'n')
		case byte:
			b = append(b, c)
		case string:
			b = append(b, 't')
			b = binary.BigEndian.AppendUint32(b, uint32(len(c)))
			b = append(b, c...)
		}
	}
	return b
}

// testRelation has an int key, and text columns up to n.
func testRelation(n int) *relation {
	r := &relation{table: &record.Table{Schema: "public", Name: "t", Key: []int{0}, Identity: []int{0}}, name: "public.t"}
	for i := range n {
		c := asText
		if i == 0 {
			c = asInt
		}
		r.codecs = append(r.codecs, c)
		r.identity = append(r.identity, i == 0)
		r.table.Columns = append(r.table.Columns, record.Column{Name: fmt.Sprint("c", i), Kind: c.kind()})
	}
	return r
}

func TestDecodeChange(t *testing.T) {
	join := func(parts ...[]byte) (b []byte) {
		for _, p := range parts {
			b = append(b, p...)
		}
		return b
	}
	n, k, o := []byte{'N'}, []byte{'K'}, []byte{'O'}
	tests := map[string]struct {
		kind    byte
		message []byte
		want    string
		err     error
	}{
		"insert":                   {'I', join(n, tuple("1", "a", nil)), "create +(1,a,∅)", nil},
		"empty is not null":        {'I', join(n, tuple("1", "", nil)), "create +(1,,∅)", nil},
		"update":                   {'U', join(n, tuple("1", "b", "c")), "update +(1,b,c)", nil},
		"unchanged":                {'U', join(n, tuple("1", "b", byte('u'))), "update +(1,b,?)", nil},
		"unchanged under full":     {'U', join(o, tuple("1", "a", "big"), n, tuple("1", "b", byte('u'))), "update -(1,a,big)+(1,b,big)", nil},
		"null under full":          {'U', join(o, tuple("1", nil, "big"), n, tuple("1", "b", byte('u'))), "update -(1,∅,big)+(1,b,big)", nil},
		"key change":               {'U', join(k, tuple("1", nil, nil), n, tuple("2", "b", byte('u'))), "update -(1,?,?)+(2,b,?)", nil},
		"big key unchanged":        {'U', join(k, tuple("1", nil, nil), n, tuple(byte('u'), "b", nil)), "update -(1,?,?)+(1,b,∅)", nil},
		"delete by key":            {'D', join(k, tuple("1", nil, nil)), "delete -(1,?,?)", nil},
		"delete under full":        {'D', join(o, tuple("1", nil, "x")), "delete -(1,∅,x)", nil},
		"too few columns":          {'I', join(n, tuple("1")), "", errAny},
		"not a number":             {'I', join(n, tuple("x", nil, nil)), "", errBadText},
		"no tuple":                 {'I', nil, "", errTruncated},
		"insert with an old tuple": {'I', join(k, tuple("1", nil, nil), n, tuple("1", nil, nil)), "", errTruncated},
		"delete with a new tuple":  {'D', join(n, tuple("1", nil, nil)), "", errTruncated},
		"update without new tuple": {'U', join(k, tuple("1", nil, nil)), "", errTruncated},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r, cells := testRelation(3), &slab{}
			op, before, after, err := r.decodeChange(test.kind, &input{b: test.message}, cells)
			if test.err != nil {
				if err == nil || !errors.Is(test.err, errAny) && !errors.Is(err, test.err) {
					t.Fatalf("error %v, expected %v", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := op.String() + " " + showRow("-", before) + showRow("+", after)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

var errAny = errors.New("any")

// A message that ends early is an error at every length, never a panic and never a shorter row.
func TestDecodeTruncated(t *testing.T) {
	whole := append([]byte{'K'}, tuple("1", nil, nil)...)
	whole = append(append(whole, 'N'), tuple("2", "some text", byte('u'))...)
	for n := range whole {
		if _, _, _, err := testRelation(3).decodeChange('U', &input{b: whole[:n:n]}, &slab{}); err == nil {
			t.Errorf("the first %d of %d bytes were accepted", n, len(whole))
		}
	}
}

func FuzzLog(f *testing.F) {
	f.Add([]byte("I\x00\x00\x00\x01N\x00\x03t\x00\x00\x00\x011nn"))
	f.Add([]byte("R\x00\x00\x00\x01public\x00t\x00d\x00\x01\x01id\x00\x00\x00\x00\x17\xff\xff\xff\xff"))
	f.Add([]byte("B\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01"))
	f.Add([]byte("T\x00\x00\x00\x01\x00\x00\x00\x00\x01"))
	f.Add([]byte("M\x01\x00\x00\x00\x00\x00\x00\x00\x01truc\x00\x00\x00\x00\x01x"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) == 0 {
			return
		}
		kind, r := data[0], testRelation(3)
		in := &input{b: append([]byte(nil), data[1:]...)}
		switch kind {
		case 'I', 'U', 'D':
			in.uint32()
			_, before, after, err := r.decodeChange(kind, in, &slab{})
			if err == nil && (before != nil && len(before) != 3 || after != nil && len(after) != 3) {
				t.Errorf("rows of %d and %d cells", len(before), len(after))
			}
		case 'B':
			_, _ = decodeBegin(in)
		case 'C':
			_, _ = decodeCommit(in)
		case 'R':
			if m, err := decodeRelation(in); err == nil {
				_, _ = newRelation(m, nil, nil, r)
			}
		case 'T':
			_, _ = decodeTruncate(in)
		case 'M':
			if m, err := decodeLogical(in); err == nil {
				parseMark(m, "x")
			}
		}
	})
}

func FuzzValue(f *testing.F) {
	for c := asText; c <= asJSON; c++ {
		for _, s := range []string{"", "t", "-9223372036854775808", "9223372036854775808", "1.5e3", "NaN", `\x00ff`, `\x0`, "2024-02-29 01:02:03.5+00 BC", "infinity", "a   ", "+", "2024-01-01 00:00:00+0"} {
			f.Add(uint8(c), []byte(s))
		}
	}
	f.Fuzz(func(t *testing.T, c uint8, text []byte) {
		n := len(text)
		var v record.Value
		err := codec(c%uint8(asJSON+1)).read(&v, append(make([]byte, 0, n), text...))
		if err == nil && len(v.Bytes) > n {
			t.Errorf("%d bytes became %d", n, len(v.Bytes))
		}
	})
}

// BenchmarkDecode decodes an insert of 21 columns (ids, text, dates, a timestamp, numbers; about 475 bytes) into a batch.
func BenchmarkDecode(b *testing.B) {
	types := []codec{asInt, asText, asText, asText, asDate, asText, asText, asInt, asText, asText, asText, asDate, asDecimal, asBool, asText, asText, asTimestamp, asDateTime, asText, asText, asInt}
	cells := map[codec]string{asInt: "123456", asText: "Phường Vĩnh Yên, tỉnh Phú Thọ", asDate: "1987-03-21", asDecimal: "12.50", asBool: "t", asTimestamp: "2026-01-02 03:04:05.678901+00", asDateTime: "2026-01-02 03:04:05"}
	r := testRelation(len(types))
	var row []any
	for i, c := range types {
		r.codecs[i] = c
		row = append(row, cells[c])
	}
	message := append([]byte{'N'}, tuple(row...)...)
	var pool buffers
	buf := pool.get()
	b.ReportAllocs()
	b.SetBytes(int64(len(message)))
	for b.Loop() {
		if buf.full() {
			buf.done()
			buf = pool.get()
		}
		in := input{b: buf.bytes.copy(message)}
		op, before, after, err := r.decodeChange('I', &in, &buf.cells)
		if err != nil {
			b.Fatal(err)
		}
		buf.records = append(buf.records, record.Record{Table: r.table, Op: op, Before: before, After: after})
	}
}
