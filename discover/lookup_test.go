package discover_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/discover"
	"github.com/lienthong/truc/mapping/value"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/schemas"
)

// tablesOf is a source of tables in memory. A table in refused may not be read.
type tablesOf struct {
	tables  []*record.Table
	rows    map[string][]record.Row
	refused map[string]bool
	scanned []string
}

func (s *tablesOf) add(name, columns string, rows ...[]any) *record.Table {
	t, cells := grid(columns, rows...)
	t.Name = name
	s.tables = append(s.tables, t)
	if s.rows == nil {
		s.rows = map[string][]record.Row{}
	}
	s.rows[name] = cells
	return t
}

func (s *tablesOf) Describe(context.Context, ...string) ([]adapters.TableInfo, error) {
	var out []adapters.TableInfo
	for _, t := range s.tables {
		out = append(out, adapters.TableInfo{Table: t, Rows: int64(len(s.rows[t.Name]))})
	}
	return out, nil
}

func (s *tablesOf) Scan(_ context.Context, name string, fn func(*record.Table, []record.Row) error) error {
	s.scanned = append(s.scanned, name)
	if s.refused[name] {
		return &adapters.RefusedError{Where: name}
	}
	for _, t := range s.tables {
		if t.Name == name {
			return fn(t, s.rows[name])
		}
	}
	return nil
}

// explainedBy drafts for a table beside the others of a source; a foreign key leads from each column in foreign.
func explainedBy(t *testing.T, s *tablesOf, table *record.Table, foreign ...adapters.Relation) *discover.Draft {
	t.Helper()
	set, err := schemas.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	d, err := discover.New(discover.Options{Set: set, Dataset: "hotich.khaisinh.v1"})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.LearnFrom(t.Context(), s, s); err != nil {
		t.Fatal(err)
	}
	draft := d.Describe(adapters.TableInfo{Table: table, Rows: 20, Relations: foreign}, table, s.rows[table.Name]).Draft
	checkDraft(t, draft, table, set)
	return draft
}

func births(s *tablesOf, column string, codes ...any) *record.Table {
	return s.add("ht_khaisinh", "id,ho_ten,"+column, people(20, func(i int) []any { return []any{i, "Nguyễn Văn Mẫu", codes[i%len(codes)]} })...)
}

// TestLookupTables: what a table of the source says of codes is written, and what it does not say stays open.
func TestLookupTables(t *testing.T) {
	tcvn3 := func(s string) string {
		b, ok := value.EncodeTCVN3(nil, []byte(s))
		if !ok {
			t.Fatal(s)
		}
		return string(b)
	}
	key := func(column, table, code string) adapters.Relation {
		return adapters.Relation{Columns: []string{column}, Table: table, References: []string{code}}
	}
	people := [][]any{{10, "Kinh"}, {11, "Tày"}, {12, "hmong"}, {13, "Khơ-Me"}}
	for _, c := range []struct {
		name, column string
		codes        []any
		lookups      func(s *tablesOf)
		foreign      []adapters.Relation
		want         map[string]string
		live         bool
	}{
		{
			"a foreign key goes before the list's own numbers", "dan_toc",
			[]any{10, 11},
			func(s *tablesOf) { s.add("bang_x", "ma,ten", people...) },
			[]adapters.Relation{key("dan_toc", "bang_x", "ma")},
			map[string]string{"10": "01", "11": "02", "12": "08", "13": "05"},
			true,
		},
		{
			"a table that is called alike and has the codes", "ma_dan_toc",
			[]any{10, 11},
			func(s *tablesOf) { s.add("DM_DANTOC", "ma,ten", people...) }, nil,
			map[string]string{"10": "01", "11": "02", "12": "08", "13": "05"},
			true,
		},
		{
			"a table that is called otherwise", "dan_toc",
			[]any{10, 11},
			func(s *tablesOf) { s.add("bang_x", "ma,ten", people...) }, nil,
			map[string]string{"10": "", "11": ""},
			false,
		},
		{
			"a table that lacks codes of the column", "dan_toc",
			[]any{10, 99},
			func(s *tablesOf) { s.add("DM_DANTOC", "ma,ten", people...) }, nil,
			map[string]string{"10": "", "99": ""},
			false,
		},
		{
			"names that are no names of the list", "dan_toc",
			[]any{10, 11},
			func(s *tablesOf) {
				s.add("DM_DANTOC", "ma,ten", []any{10, "Kinh"}, []any{11, "Nhóm B"}, []any{12, "Nhóm C"})
			},
			[]adapters.Relation{key("dan_toc", "DM_DANTOC", "ma")},
			map[string]string{"10": "", "11": ""},
			false,
		},
		{
			"a name that the list lacks stays open", "dan_toc",
			[]any{10, 11, 12},
			func(s *tablesOf) {
				s.add("DM_DANTOC", "ma,ten", []any{10, "Kinh"}, []any{11, "Tày"}, []any{12, "Chưa rà soát"})
			}, nil,
			map[string]string{"10": "01", "11": "02", "12": ""},
			true,
		},
		{
			"two tables that disagree", "gioi_tinh",
			[]any{1, 2},
			func(s *tablesOf) {
				s.add("DM_GIOITINH", "ma,ten", []any{1, "Nam"}, []any{2, "Nữ"})
				s.add("GIOITINH", "ma,ten", []any{1, "Nữ"}, []any{2, "Nam"})
			}, nil,
			map[string]string{"1": "", "2": ""},
			false,
		},
		{
			"names in an encoding of old", "gioi_tinh",
			[]any{1, 2},
			func(s *tablesOf) {
				s.add("DM_GIOITINH", "ma,ten", []any{1, "Nam"}, []any{2, tcvn3("Nữ")}, []any{3, tcvn3("Không xác định")})
			}, nil,
			map[string]string{"1": "1", "2": "2", "3": "0"},
			true,
		},
		{"the list's own numbers with their zeros", "dan_toc", []any{"01", "06", "10"}, func(*tablesOf) {}, nil, map[string]string{"01": "01", "06": "06", "10": "10"}, true},
		{"numbers that could be the list's own", "dan_toc", []any{"10", "11"}, func(*tablesOf) {}, nil, map[string]string{"10": "", "11": ""}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &tablesOf{}
			c.lookups(s)
			d := explainedBy(t, s, births(s, c.column, c.codes...), c.foreign...)
			i := 0
			for i < len(d.Proposals) && (len(d.Proposals[i].Columns) == 0 || d.Proposals[i].Columns[0] != c.column) {
				i++
			}
			if i == len(d.Proposals) || d.Proposals[i].Codes == nil {
				t.Fatalf("no codes:\n%s", d.YAML)
			}
			p := d.Proposals[i]
			got := map[string]string{}
			for _, e := range p.Codes.Entries {
				got[e.From] = e.To
				if e.To != "" && (e.Confidence < 0.8 || e.Confidence > 1) {
					t.Errorf("confidence %.2f of %s", e.Confidence, e.From)
				}
			}
			if !c.live && p.Codes.Lookup != nil {
				t.Errorf("explained by %+v, which shows its rows", p.Codes.Lookup)
			}
			if fmt.Sprint(got) != fmt.Sprint(c.want) || p.Live != c.live {
				t.Errorf("codes %v, live %v; want %v, %v\n%s", got, p.Live, c.want, c.live, d.YAML)
			}
		})
	}
}

// TestLookupIsNamed: the draft says from where the meanings are, how the table calls each, and leaves a line for the others.
func TestLookupIsNamed(t *testing.T) {
	s := &tablesOf{}
	s.add("DM_DANTOC", "MA,TEN", []any{1, "Kinh"}, []any{2, "tay"}, []any{3, "Nhóm\x1b[31m mới"})
	table := s.add("ht_khaisinh", "id,ho_ten,dan_toc,dan_toc_me", people(20, func(i int) []any { return []any{i, "Nguyễn Văn Mẫu", i%3 + 1, i%2 + 1} })...)
	yaml := explainedBy(t, s, table).YAML
	for _, line := range []string{
		"the table DM_DANTOC (MA, TEN)", `"1": "01"   # 0.98 Kinh → Kinh`, `"2": "02"   # 0.95 tay → Tày`, `# TODO "3": "?"   # Nhóm`,
		`danToc: code("DM_DANTOC", dan_toc)`, `danToc: code("DM_DANTOC", dan_toc_me)`,
	} {
		if !strings.Contains(yaml, line) {
			t.Errorf("the draft lacks %q:\n%s", line, yaml)
		}
	}
	if n := strings.Count(yaml, "    list: danhmuc.dantoc"); n != 1 {
		t.Errorf("the table is written %d times", n)
	}
	if strings.Contains(yaml, "\x1b") {
		t.Error("an escape sequence is in the draft")
	}
}

// TestOnlySmallTablesAreLearnt: large tables are not read for it, and one that may not be read is passed over.
func TestOnlySmallTablesAreLearnt(t *testing.T) {
	s := &tablesOf{refused: map[string]bool{"bi_mat": true}}
	s.add("rong", "a,b,c,d,e,f,g,h,i,j,k")
	s.add("bi_mat", "ma,ten", []any{1, "Kinh"})
	s.add("DM_DANTOC", "ma,ten", []any{1, "Kinh"}, []any{2, "Tày"})
	d := explainedBy(t, s, births(s, "dan_toc", 1, 2))
	if p := proposal(t, d, "nguoiDuocKhaiSinh.danToc"); !p.Live {
		t.Errorf("not explained: %+v", p)
	}
	for _, name := range s.scanned {
		if name == "rong" {
			t.Error("a table of eleven columns was read")
		}
	}
}
