package reference

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/record"
)

var testTable = &record.Table{
	Name: "danh_muc", Key: []int{0, 1}, Identity: []int{0, 1}, Version: 1,
	Columns: []record.Column{{Name: "danh_muc", Kind: record.Text}, {Name: "ma", Kind: record.Text}, {Name: "ten", Kind: record.Text, Nullable: true}},
}

// edition is a state of the table: "1=một 2=hai -3" has two rows, and 3 was withdrawn.
type edition string

func (e edition) env() adapters.Env {
	return adapters.Env{Name: "danhmuc", Reference: func() ([]adapters.ReferenceTable, error) {
		t := adapters.ReferenceTable{Table: testTable}
		for word := range strings.FieldsSeq(string(e)) {
			if code, withdrawn := strings.CutPrefix(word, "-"); withdrawn {
				t.Withdrawn = append(t.Withdrawn, record.Row{record.TextValue("thu"), record.TextValue(code)})
				continue
			}
			code, name, _ := strings.Cut(word, "=")
			t.Rows = append(t.Rows, record.Row{record.TextValue("thu"), record.TextValue(code), record.TextValue(name)})
		}
		return []adapters.ReferenceTable{t}, nil
	}}
}

func open(t *testing.T, e edition, position []byte, run uint32) (*Source, error) {
	t.Helper()
	s := NewSource(e.env())
	s.now = func() time.Time { return time.Unix(0, 0) } // the plans are 1, 2, 3
	t.Cleanup(func() { s.Close() })
	return s, s.Open(t.Context(), adapters.Start{Position: position, Tables: []adapters.TableStart{{Table: "danh_muc", Run: run}}})
}

func mustOpen(t *testing.T, e edition, position []byte, run uint32) *Source {
	t.Helper()
	s, err := open(t, e, position, run)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// quiet says that a source has nothing to say.
func quiet(s *Source) bool {
	tables, _ := s.load()
	for _, w := range s.wanted {
		if len(between(s.position.Tables[w.Table], tables[w.Table], s.run(w)).records) > 0 {
			return false
		}
	}
	return s.position.Plan == nil
}

// read reads some batches, all there are for -1, each of them saved, and returns what they say and the last position.
func read(t *testing.T, s *Source, batches int) (said []string, position []byte) {
	t.Helper()
	for ; batches != 0 && !quiet(s); batches-- {
		b, err := s.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range b.Records {
			said = append(said, words(r))
		}
		position = b.Position
		if err := s.Ack(t.Context(), position); err != nil {
			t.Fatal(err)
		}
	}
	return said, position
}

func words(r record.Record) string {
	row := r.After
	if r.Op == record.Delete {
		row = r.Before
	}
	out := fmt.Sprintf("%s %d.%d", r.Op, r.Order.Major, r.Order.Minor)
	for _, v := range row {
		if v.Kind == record.Unchanged {
			out += " ?"
		} else {
			out += " " + string(v.Bytes)
		}
	}
	return out
}

// sorted forgets the places: the order of the rows is that of hashes.
func sorted(said []string) map[string]int {
	out := map[string]int{}
	for _, s := range said {
		f := strings.Fields(s)
		out[strings.Join(append(f[:1:1], f[2:]...), " ")]++
	}
	return out
}

func want(t *testing.T, about string, said []string, expected ...string) {
	t.Helper()
	m := map[string]int{}
	for _, e := range expected {
		m[e]++
	}
	if diff := cmp.Diff(m, sorted(said)); diff != "" {
		t.Errorf("%s (-want +got)\n%s", about, diff)
	}
}

// TestDifferences: everything is said once; after that what differs, and nothing where nothing does.
func TestDifferences(t *testing.T) {
	said, first := read(t, mustOpen(t, "1=một 2=hai 3=ba", nil, 1), -1)
	want(t, "the first start", said, "snapshot thu 1 một", "snapshot thu 2 hai", "snapshot thu 3 ba", "snapshot-end")
	if last := said[len(said)-1]; !strings.HasPrefix(last, "snapshot-end 1.4") {
		t.Errorf("the last record is %q", last)
	}
	if said, _ := read(t, mustOpen(t, "3=ba 1=một 2=hai", first, 1), -1); said != nil {
		t.Errorf("a second start says %v", said)
	}
	said, second := read(t, mustOpen(t, "1=một 2=HAI 4=bốn -3", first, 1), -1)
	want(t, "another edition", said, "update thu 2 HAI", "create thu 4 bốn", "delete thu 3 ?")
	for _, s := range said {
		if !strings.Contains(s, " 2.") {
			t.Errorf("%q does not come after the first edition", s)
		}
	}
	if said, _ := read(t, mustOpen(t, "1=một 2=HAI 4=bốn -3", second, 1), -1); said != nil {
		t.Errorf("another start with the new edition says %v", said)
	}
	said, _ = read(t, mustOpen(t, "1=một 2=HAI 3=lại 4=bốn", second, 1), -1)
	want(t, "a code that comes back", said, "create thu 3 lại")
	said, _ = read(t, mustOpen(t, "1=một 4=bốn", second, 2), -1)
	want(t, "all is read anew, and what vanished is swept", said, "snapshot thu 1 một", "snapshot thu 4 bốn", "snapshot-end")
}

// TestVanished: a row that is not there any more, and was not withdrawn, is a mistake of the table.
func TestVanished(t *testing.T) {
	_, first := read(t, mustOpen(t, "1=một 2=hai", nil, 1), -1)
	_, err := open(t, "1=một", first, 1)
	var refused *adapters.RefusedError
	if !errors.As(err, &refused) || !strings.Contains(refused.What.EN, "1 rows of danh_muc") {
		t.Errorf("opened with %v", err)
	}
	if _, err := open(t, "1=một -2", first, 1); err != nil {
		t.Errorf("one that was withdrawn: %v", err)
	}
}

// TestPlanComesFirst: nothing is said before the plan is on record; begun again it says the same at the same places.
func TestPlanComesFirst(t *testing.T) {
	s := mustOpen(t, "1=một 2=hai 3=ba", nil, 1)
	b, err := s.Read(t.Context())
	if err != nil || len(b.Records) != 0 {
		t.Fatalf("the first batch has %d records, %v", len(b.Records), err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if b, err := s.Read(ctx); err == nil {
		t.Errorf("%d records before the plan is on record", len(b.Records))
	}
	if err := s.Ack(t.Context(), b.Position); err != nil {
		t.Fatal(err)
	}
	all, _ := read(t, s, -1)
	again, _ := read(t, mustOpen(t, "3=ba 2=hai 1=một", b.Position, 1), -1)
	if diff := cmp.Diff(all, again); diff != "" {
		t.Errorf("begun again (-before +after)\n%s", diff)
	}
}

// TestGivenUp: a plan was begun, and another edition is started. What the plan may have said is said again as it is now, and at
// places of its own.
func TestGivenUp(t *testing.T) {
	_, first := read(t, mustOpen(t, "1=một 2=hai 3=ba", nil, 1), -1)
	_, begun := read(t, mustOpen(t, "1=MỘT 2=hai 3=ba 4=bốn", first, 1), 1)
	if string(begun) == string(first) {
		t.Fatal("nothing was begun")
	}
	said, last := read(t, mustOpen(t, "1=một 2=hai 3=ba -4", begun, 1), -1)
	want(t, "the old edition again, without what was begun", said, "update thu 1 một", "delete thu 4 ?")
	for _, s := range said {
		if !strings.Contains(s, " 3.") {
			t.Errorf("%q is at a place of the plan that was given up", s)
		}
	}
	if said, _ := read(t, mustOpen(t, "1=một 2=hai 3=ba -4", last, 1), -1); said != nil {
		t.Errorf("after that it says %v", said)
	}
	if _, err := open(t, "1=một 2=hai 3=ba", begun, 1); err == nil {
		t.Error("a code that may have been said, and is neither there nor withdrawn, is passed over")
	}
	said, _ = read(t, mustOpen(t, "1=một 2=hai 3=ba", begun, 2), -1)
	want(t, "a snapshot tells all anew", said, "snapshot thu 1 một", "snapshot thu 2 hai", "snapshot thu 3 ba", "snapshot-end")

	_, given := read(t, mustOpen(t, "1=một 2=hai 3=ba 5=năm -4", begun, 1), 1)
	said, _ = read(t, mustOpen(t, "1=một 2=hai 3=ba", given, 2), -1)
	want(t, "also of what was given up before", said, "snapshot thu 1 một", "snapshot thu 2 hai", "snapshot thu 3 ba", "snapshot-end")

	// The same in the middle of a snapshot, of which something is on the topics that no later end of it sweeps.
	_, begun = read(t, mustOpen(t, "1=một 2=hai", nil, 1), 1)
	said, _ = read(t, mustOpen(t, "1=một -2", begun, 1), -1)
	want(t, "a snapshot that was given up", said, "snapshot thu 1 một", "delete thu 2 ?", "snapshot-end")
	if _, err := open(t, "1=một", begun, 1); err == nil {
		t.Error("a row of a snapshot that was given up vanishes")
	}
}

// TestLostBus: a source that begins anew, because the bus was lost, numbers its plans above those that subscribers know; a clock that
// is set back does not matter.
func TestLostBus(t *testing.T) {
	number := func(unix int64, position []byte, e edition) (major uint64, last []byte) {
		s := NewSource(e.env())
		defer s.Close()
		s.now = func() time.Time { return time.Unix(unix, 0) }
		if err := s.Open(t.Context(), adapters.Start{Position: position, Tables: []adapters.TableStart{{Table: "danh_muc", Run: 1}}}); err != nil {
			t.Fatal(err)
		}
		_, last = read(t, s, -1)
		return s.position.Major, last
	}
	first, position := number(1000, nil, "1=một")
	second, _ := number(900, position, "1=MỘT")
	anew, _ := number(1100, nil, "1=một")
	if first != 1000 || second != 1001 || anew != 1100 {
		t.Errorf("the plans are %d, %d and, anew, %d", first, second, anew)
	}
}

// TestLargeTable: a plan of many batches goes on where it was saved.
func TestLargeTable(t *testing.T) {
	var text strings.Builder
	for i := range 3*batchSize + 7 {
		fmt.Fprintf(&text, "%d=x%d ", i, i)
	}
	e := edition(text.String())
	whole, _ := read(t, mustOpen(t, e, nil, 1), -1)
	head, position := read(t, mustOpen(t, e, nil, 1), 3)
	tail, last := read(t, mustOpen(t, e, position, 1), -1)
	if diff := cmp.Diff(whole, append(head, tail...)); diff != "" || len(head) != 2*batchSize {
		t.Errorf("%d, then %d of %d records: %s", len(head), len(tail), len(whole), diff)
	}
	if len(last) > 40*len(whole) {
		t.Errorf("the position has %d bytes for %d rows", len(last), len(whole))
	}
}

func TestRefusals(t *testing.T) {
	_, first := read(t, mustOpen(t, "1=một", nil, 1), -1)
	s := NewSource(edition("1=một").env())
	err := s.Open(t.Context(), adapters.Start{Position: first, Floor: record.Order{Major: 9}, Tables: []adapters.TableStart{{Table: "danh_muc", Run: 1}}})
	var diverged *adapters.DivergenceError
	if !errors.As(err, &diverged) {
		t.Errorf("behind the topics it opens with %v", err)
	}
	var refused *adapters.RefusedError
	if err := s.Open(t.Context(), adapters.Start{Tables: []adapters.TableStart{{Table: "khac", Run: 1}}}); !errors.As(err, &refused) || !strings.Contains(refused.Fix.EN, "danh_muc") {
		t.Errorf("without the table it opens with %v", err)
	}
	if err := s.Open(t.Context(), adapters.Start{Position: []byte(`{"v":2}`)}); !errors.As(err, &refused) {
		t.Errorf("at a position of another version it opens with %v", err)
	}
	if _, err := s.Describe(t.Context(), "khac"); err == nil {
		t.Error("a table that is not there is described")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := s.Read(t.Context()); !errors.Is(err, adapters.ErrClosed) {
		t.Errorf("closed, it reads %v", err)
	}
	if err := NewSource(adapters.Env{Name: "danhmuc"}).Open(t.Context(), adapters.Start{Tables: []adapters.TableStart{{Table: "danh_muc"}}}); !errors.As(err, &refused) {
		t.Errorf("without standards it opens with %v", err)
	}
}
