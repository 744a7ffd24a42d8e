package postgres

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/lienthong/truc/record"
)

// things is a target with a key of two columns and values of several types.
func things() *record.Target {
	return &record.Target{
		Pipeline: "giao_tre_em", Table: "bhyt.vat", Key: []string{"ma", "so"},
		Columns: []string{"ten", "tho", "tien", "co", "ngay"}, OnCreate: []string{"trang_thai"},
	}
}

const createThings = `CREATE SCHEMA bhyt; CREATE TABLE bhyt.vat (ma varchar(20), so int, ten text, tho bytea, tien numeric(12,2), co boolean, ngay date,
	trang_thai text, rieng text DEFAULT 'của cơ quan', PRIMARY KEY (ma, so));`

// fill puts so many things with numbers from first on; the n-th is made by row.
func (b *sinkBed) fill(first, count int) []record.Change {
	var out []record.Change
	for n := first; n < first+count; n++ {
		name := []any{"tên", "", nil, "a\tb\nc\rd\\N\\.", `\N`, `\.`, "{\"ngoặc\"}"}[n%7]
		c := b.put("", name, record.BytesOf(record.Bytes, []byte{0, 9, 10, '\\', byte(n)}), record.BytesOf(record.Decimal, []byte("1250000.505")),
			record.BoolValue(n%2 == 0), record.BytesOf(record.Date, []byte("2019-06-12")), "mới")
		c.Key = record.Row{record.TextValue(fmt.Sprintf("mã:\t%d", n)), record.IntValue(int64(n - 3))}
		out = append(out, c)
	}
	return out
}

// state is all of the table and of the bookkeeping but its times.
func (b *sinkBed) state() string {
	return strings.Join(append(answers(b, b.dsn, "SELECT * FROM bhyt.vat ORDER BY so"),
		answers(b, b.dsn, "SELECT target, key, pipeline, source, generation, sequence, deleted, changed_at <= now() AND changed_at > now() - interval '1 hour' FROM truc.sink_entity ORDER BY key")...), "\n")
}

// conn is the connection of the bed's pipeline.
func (b *sinkBed) conn() *sinkConn { return b.sink.pipelines[b.target.Pipeline].conn }

// TestSinkCopies: what is copied leaves the rows and the bookkeeping that inserting leaves.
func TestSinkCopies(t *testing.T) {
	var states []string
	for _, copies := range []bool{true, false} {
		b := newBed(t, things(), createThings)
		b.apply(b.fill(0, 10)...)
		for _, p := range b.conn().plans {
			if p.copying == nil {
				t.Fatal("the table cannot be copied into")
			}
			if !copies {
				p.copying = nil
			}
		}
		b.apply(b.fill(10, leastCopy)...)
		b.apply(b.fill(10+leastCopy, leastCopy)...)
		if copied := b.conn().copied; copied == 2 != copies {
			t.Errorf("%d rounds were copied", copied)
		}
		states = append(states, b.state())
		b.apply(b.fill(0, 2*leastCopy+10)...) // every key is found again
		b.want("SELECT count(*), count(DISTINCT key) FROM truc.sink_entity", fmt.Sprintf("%[1]d %[1]d", 2*leastCopy+10))
		b.want("SELECT count(*), min(rieng) FROM bhyt.vat", fmt.Sprintf("%d của cơ quan", 2*leastCopy+10))
	}
	if states[0] != states[1] {
		t.Errorf("copied:\n%s\ninserted:\n%s", states[0], states[1])
	}
}

// TestSinkCopiesOnlyWhatIsNew: a key that is known, or a row that the agency has, is left to who looks for it.
func TestSinkCopiesOnlyWhatIsNew(t *testing.T) {
	b := newBed(t, things(), createThings)
	old := b.fill(0, leastCopy)
	b.apply(b.fill(0, leastCopy/2)...)
	b.apply(old[leastCopy/4:]...) // half of them known in a newer version
	b.want("SELECT count(*) FROM bhyt.vat", strconv.Itoa(leastCopy))
	b.apply(b.fill(1000, leastCopy)...)
	b.want("SELECT count(*) FROM bhyt.vat", strconv.Itoa(2*leastCopy))
	b.apply(append(b.fill(2000, leastCopy), b.fill(1000, 1)...)...)
	b.want("SELECT count(*) FROM bhyt.vat", strconv.Itoa(3*leastCopy))
	if copied := b.conn().copied; copied != 0 {
		t.Errorf("%d rounds were copied", copied)
	}
	b.apply(b.fill(3000, leastCopy)...)
	execute(t, b.dsn, "INSERT INTO bhyt.vat (ma, so, ten) VALUES (E'mã:\t4001', 3998, 'cũ')")
	b.apply(b.fill(4000, leastCopy)...)
	b.want("SELECT count(*) FROM bhyt.vat", strconv.Itoa(5*leastCopy))
	b.want("SELECT count(*) FROM bhyt.vat WHERE ten = 'cũ'", "0")
	if careful := b.conn().careful; careful != carefulBatches {
		t.Errorf("%d batches are to be careful", careful)
	}
}

// TestSinkCopiesNotUnderRowSecurity: COPY is refused where policies hold; rows are inserted there.
func TestSinkCopiesNotUnderRowSecurity(t *testing.T) {
	b := newBed(t, things(), createThings+`ALTER TABLE bhyt.vat ENABLE ROW LEVEL SECURITY; DROP ROLE IF EXISTS truc_rls; CREATE ROLE truc_rls LOGIN PASSWORD 'mau';
		GRANT ALL ON SCHEMA bhyt TO truc_rls; GRANT ALL ON bhyt.vat TO truc_rls; CREATE POLICY tat_ca ON bhyt.vat USING (true);
		DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO truc_rls', current_database()); END $$`)
	address, err := url.Parse(b.dsn)
	if err != nil {
		t.Fatal(err)
	}
	address.User = url.UserPassword("truc_rls", "mau")
	t.Cleanup(func() { execute(t, b.dsn, "DROP OWNED BY truc_rls CASCADE; DROP ROLE truc_rls") })
	execute(t, b.dsn, "DROP SCHEMA truc CASCADE")
	b.sink = openSink(t, address.String())
	if err := b.sink.Open(b.ctx); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		b.apply(b.fill(i*leastCopy, leastCopy)...)
	}
	b.want("SELECT count(*) FROM bhyt.vat", strconv.Itoa(3*leastCopy))
	if copied := b.conn().copied; copied != 0 {
		t.Errorf("%d rounds were copied", copied)
	}
}
