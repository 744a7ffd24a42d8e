package postgres

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
)

func TestSinkCheckTargets(t *testing.T) {
	b := newBed(t, people(), `
		CREATE SCHEMA bhyt;
		CREATE TABLE bhyt.nguoi (id int PRIMARY KEY, name text, code text);
		CREATE TABLE bhyt.day (id int PRIMARY KEY, name text, code text);
		INSERT INTO bhyt.day SELECT g, 'cũ', NULL FROM generate_series(1, 42) g;
		CREATE TABLE bhyt.khac (id int, name text NOT NULL, ten_dai text GENERATED ALWAYS AS (upper(name)) STORED, so int NOT NULL, stt int GENERATED ALWAYS AS IDENTITY);
		CREATE UNIQUE INDEX ON bhyt.khac (id) WHERE name <> '';
		CREATE VIEW bhyt.xem AS SELECT * FROM bhyt.nguoi;
		CREATE VIEW bhyt.tom_tat AS SELECT id, max(name) AS name FROM bhyt.nguoi GROUP BY id;
		CREATE FUNCTION bhyt.thay() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$;
		CREATE VIEW bhyt.hom_thu AS SELECT id, max(name) AS name FROM bhyt.nguoi GROUP BY id;
		CREATE TRIGGER thay INSTEAD OF INSERT ON bhyt.hom_thu FOR EACH ROW EXECUTE FUNCTION bhyt.thay();`)
	b.target.Table = "bhyt.day"
	b.apply(b.put(1, "mới", nil), b.put(100, "thêm", nil), b.remove(2))
	target := func(table string, alter func(*record.Target)) *record.Target {
		t := &record.Target{Pipeline: "giao", Table: table, Key: []string{"id"}, Columns: []string{"name"}}
		if alter != nil {
			alter(t)
		}
		return t
	}
	for _, c := range []struct {
		name   string
		target *record.Target
		want   []string // code, "?" for a warning, and what the texts must hold
	}{
		{"fine", target("bhyt.nguoi", nil), nil},
		{"a view is updated", target("bhyt.xem", func(t *record.Target) { t.Write = record.UpdateOnly }), nil},
		{"a view has no key", target("bhyt.xem", nil), []string{"sink.no-unique-key"}},
		{"a view that cannot be updated", target("bhyt.tom_tat", func(t *record.Target) { t.Write = record.UpdateOnly }), []string{"sink.not-writable bhyt.tom_tat UPDATE DELETE"}},
		{"a view that cannot be filled", target("bhyt.tom_tat", func(t *record.Target) { t.Write = record.AppendOnly }), []string{"sink.not-writable INSERT"}},
		{"a view with a trigger", target("bhyt.hom_thu", func(t *record.Target) { t.Write = record.AppendOnly }), nil},
		{"table", target("bhyt.nguoii", nil), []string{"sink.unknown-table bhyt.nguoi"}},
		{"no schema", target("nguoi", nil), []string{"sink.unknown-table bhyt.nguoi"}},
		{"column", target("bhyt.nguoi", func(t *record.Target) { t.Columns = []string{"nam"} }), []string{"sink.unknown-column name"}},
		{"adopts", target("bhyt.day", nil), []string{"sink.adopts-rows? 40"}},
		{"everything", target("bhyt.khac", func(t *record.Target) { t.Columns = []string{"ten_dai", "stt"} }), []string{
			"sink.generated-column ten_dai", "sink.identity-column stt", "sink.no-unique-key CREATE",
			"sink.unfilled-column? name", "sink.unfilled-column? so",
		}},
		{"an inbox that cannot be filled", target("bhyt.khac", func(t *record.Target) { t.Write = record.AppendOnly }), []string{"sink.unfilled-column so"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, err := b.sink.CheckTargets(b.ctx, []*record.Target{c.target})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for i, p := range found {
				mark := ""
				if p.Warning {
					mark = "?"
				}
				line := p.Code + mark
				if i < len(c.want) {
					for _, word := range strings.Fields(c.want[i])[1:] {
						if strings.Contains(p.What.EN+p.Fix.EN, word) {
							line += " " + word
						}
					}
				}
				if p.Where != "giao: "+c.target.Table || p.What.EN == "" || p.Fix.EN == "" {
					t.Errorf("a finding without place, text or remedy: %+v", p)
				}
				got = append(got, line)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s\n%v", diff, found)
			}
		})
	}
	// The remedy works.
	missing := target("bhyt.khac", func(t *record.Target) { t.Columns, t.OnCreate = []string{"name"}, []string{"so"} })
	found, err := b.sink.CheckTargets(b.ctx, []*record.Target{missing})
	if err != nil || len(found) != 1 {
		t.Fatalf("%v, %v", found, err)
	}
	execute(t, b.dsn, found[0].Fix.EN)
	if found, err := b.sink.CheckTargets(b.ctx, []*record.Target{missing}); err != nil || len(found) != 0 {
		t.Errorf("after %s: %v, %v", "the fix", found, err)
	}
}

func TestSinkCheckReplicaRole(t *testing.T) {
	b := newBed(t, people(), "CREATE SCHEMA bhyt; CREATE TABLE bhyt.nguoi (id int PRIMARY KEY, name text, code text)")
	execute(t, b.dsn, `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET session_replication_role = replica', current_database()); END $$`)
	found, err := openSink(t, b.dsn).CheckTargets(b.ctx, []*record.Target{b.target})
	if err != nil || len(found) != 1 || found[0].Code != "sink.replica-role" || !found[0].Warning {
		t.Errorf("got %v, %v, want a warning that triggers and foreign keys do not work", found, err)
	}
}

func TestSinkDescribe(t *testing.T) {
	b := newBed(t, people(), "CREATE SCHEMA bhyt; CREATE TABLE bhyt.nguoi (id int PRIMARY KEY, name varchar(50) NOT NULL, code text, dai int GENERATED ALWAYS AS (length(name)) STORED)")
	infos, err := b.sink.Describe(b.ctx, "bhyt.nguoi")
	if err != nil {
		t.Fatal(err)
	}
	want := []record.Column{
		{Name: "id", Kind: record.Int, Type: "integer"}, {Name: "name", Kind: record.Text, Type: "character varying(50)"}, {Name: "code", Kind: record.Text, Type: "text", Nullable: true},
	}
	if diff := cmp.Diff(want, infos[0].Table.Columns); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	_, err = b.sink.Describe(b.ctx, "bhyt.nguoii")
	if p, ok := errors.AsType[*problem.Problem](err); !ok || p.Code != "sink.unknown-table" || !strings.Contains(p.Fix.EN, "bhyt.nguoi") {
		t.Errorf("got %v, want a problem that names the table meant", err)
	}
}

// TestSinkRows reads more rows than one chunk, of a key of two columns, in the kinds of the table's columns.
func TestSinkRows(t *testing.T) {
	target := &record.Target{Table: "bhyt.nguoi", Key: []string{"xa", "born"}, Columns: []string{"name", "seen", "amount", "raw"}}
	b := newBed(t, target, "CREATE SCHEMA bhyt; CREATE TABLE bhyt.nguoi (xa text, born date, name text, seen timestamptz, amount numeric(8,2), raw bytea, PRIMARY KEY (xa, born))")
	of := record.BytesOf
	const n = 2*rowsChunk + 100
	var changes []record.Change
	for i := range n {
		c := b.put(0, fmt.Sprintf("tên %d", i), of(record.Timestamp, []byte("2026-11-23T10:22:00.5Z")), of(record.Decimal, []byte("1.5")), of(record.Bytes, []byte{0, 1}))
		c.Key = record.Row{record.TextValue(fmt.Sprintf("3:%d", i)), of(record.Date, []byte("2019-06-12"))}
		changes = append(changes, c)
	}
	b.apply(changes...)
	execute(t, b.dsn, "DELETE FROM bhyt.nguoi WHERE xa = '3:7'; UPDATE bhyt.nguoi SET name = NULL WHERE xa = '3:8'; INSERT INTO bhyt.nguoi VALUES ('của ta', '2000-01-01')")
	seen := map[string]bool{}
	err := b.sink.Rows(b.ctx, target, func(row adapters.SinkRow) error {
		xa := string(row.Key[0].Bytes)
		seen[xa] = true
		var i int
		if _, err := fmt.Sscanf(xa, "3:%d", &i); err != nil {
			t.Fatalf("a row that is not truc's: %s", xa)
		}
		want := adapters.SinkRow{Key: changes[i].Key, Values: changes[i].Values.Clone(), Found: true, Source: changes[i].Source, Sequence: changes[i].Sequence}
		want.Values[2] = of(record.Decimal, []byte("1.50"))
		switch i {
		case 7:
			want.Found, want.Values = false, record.Row{record.NullValue, record.NullValue, record.NullValue, record.NullValue}
		case 8:
			want.Values[0] = record.NullValue
		}
		if diff := cmp.Diff(want, row); diff != "" {
			t.Fatalf("row %d (-want +got):\n%s", i, diff)
		}
		return nil
	})
	if err != nil || len(seen) != n {
		t.Errorf("%d rows, %v; want %d", len(seen), err, n)
	}
	inbox := *target
	inbox.Write = record.AppendOnly
	if err := b.sink.Rows(b.ctx, &inbox, nil); err == nil {
		t.Error("an inbox was read as if it had a present state")
	}
}

// TestSinkInboxKeepsOrder: rows of an inbox come in the order of the events, deletions among them.
func TestSinkInboxKeepsOrder(t *testing.T) {
	target := &record.Target{Table: "bhyt.thu", Key: []string{"id"}, Columns: []string{"name"}, OnCreate: []string{"status"}, Write: record.AppendOnly, OnDelete: record.DeleteSets, DeleteSet: []string{"status"}}
	b := newBed(t, target, "CREATE SCHEMA bhyt; CREATE TABLE bhyt.thu (n serial, id int, name text, status text)")
	batch := []record.Change{b.put(5, "a", "moi"), b.put(1, "b", "moi"), b.remove(5, "huy"), b.put(5, "c", "moi"), b.put(5, "d", "moi"), b.remove(1, "huy")}
	other := batch[0]
	other.Source = "/agencies/H26/hotich/khaisinh" // sources do not compare in an inbox
	b.apply(append(batch, other)...)
	b.apply(batch[2:]...)
	b.want("SELECT n, id, name, status FROM bhyt.thu", "1 5 a moi", "2 1 b moi", "3 5 - huy", "4 5 c moi", "5 5 d moi", "6 1 - huy", "7 5 a moi")
	b.apply(b.put(5, "e", "moi"))
	b.want("SELECT count(*) FROM bhyt.thu", "8")
}

// TestSinkPipelinesSideBySide: pipelines that share a sink, a table and keys, each from a goroutine of its own.
func TestSinkPipelinesSideBySide(t *testing.T) {
	b := newBed(t, people(), "CREATE SCHEMA bhyt; CREATE TABLE bhyt.nguoi (id int PRIMARY KEY, name text, code text)")
	const pipelines, batches, keys = 4, 8, 50
	var wg sync.WaitGroup
	for p := range pipelines {
		target := people()
		target.Pipeline, target.Conflict = fmt.Sprint("giao", p), record.ConflictReplaces
		wg.Go(func() {
			partition := adapters.TopicPartition{Topic: "t", Partition: int32(p)}
			for i := range int64(batches) {
				var changes []record.Change
				for k := range keys {
					changes = append(changes, record.Change{
						Target: target, Key: rowOf((k*7 + p) % keys), Values: rowOf(fmt.Sprint(p, " ", i), nil), Source: fmt.Sprint("s", p), Sequence: fmt.Sprintf("%04d", int(i)*keys+k),
					})
				}
				for {
					err := b.sink.Apply(b.ctx, target.Pipeline, changes, adapters.Offsets{partition: {Next: i}}, adapters.Offsets{partition: {Next: i + 1}})
					if err == nil {
						break
					}
					if !isUnreachable(err) { // a deadlock with another pipeline would be one
						t.Error(err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	b.want("SELECT count(*) FROM bhyt.nguoi", strconv.Itoa(keys))
	b.want("SELECT sum(next_offset) FROM truc.sink_offset", strconv.Itoa(pipelines*batches))
	// The table holds what the bookkeeping says it holds.
	b.want(`SELECT count(*) FROM bhyt.nguoi n JOIN truc.sink_entity e ON e.key = n.id::text JOIN truc.sink_name s ON s.id = e.source WHERE s.name = 's' || split_part(n.name, ' ', 1)`, strconv.Itoa(keys))
}

// TestSinkTwoSourcesRaceForKeys: of two sources that create the same keys at once one gets them, and the other's events
// are rejected, not skipped in silence.
func TestSinkTwoSourcesRaceForKeys(t *testing.T) {
	b := newBed(t, people(), "CREATE SCHEMA bhyt; CREATE TABLE bhyt.nguoi (id int PRIMARY KEY, name text, code text)")
	const keys = 40
	for round := range int64(5) {
		var wg sync.WaitGroup
		rejected := make([]int, 2)
		for p := range rejected {
			target := people()
			target.Pipeline = fmt.Sprint("giao", p)
			partition := adapters.TopicPartition{Topic: "t", Partition: int32(p)}
			var changes []record.Change
			for k := range keys {
				key := int(round)*keys + (k*(7+6*p))%keys
				changes = append(changes, record.Change{Target: target, Key: rowOf(key), Values: rowOf(fmt.Sprint("s", p), nil), Source: fmt.Sprint("s", p), Sequence: "1"})
			}
			wg.Go(func() {
				err := b.sink.Apply(b.ctx, target.Pipeline, changes, adapters.Offsets{partition: {Next: round}}, adapters.Offsets{partition: {Next: round + 1}})
				if r, ok := errors.AsType[*adapters.RejectedError](err); ok {
					rejected[p] = len(r.Rejections)
					err = b.sink.Apply(b.ctx, target.Pipeline, nil, adapters.Offsets{partition: {Next: round}}, adapters.Offsets{partition: {Next: round + 1}})
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if rejected[0]+rejected[1] != keys {
			t.Errorf("rejected: %v, want %d for one of them", rejected, keys)
		}
	}
	b.want("SELECT count(*) FROM bhyt.nguoi", strconv.Itoa(5*keys))
}
