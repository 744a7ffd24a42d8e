package postgres

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/tests/servers"
)

// secretCell stands in every rejected row: no error may repeat it.
const secretCell = "bí mật 0123456789"

func noValues(t *testing.T, rejections []adapters.Rejection, wants ...string) {
	t.Helper()
	for i, r := range rejections {
		text := r.Err.Error()
		if strings.Contains(text, "bí mật") || strings.Contains(text, "0123456789") {
			t.Errorf("a rejection repeats a value: %s", text)
		}
		for _, want := range strings.Fields(wants[i]) {
			if !strings.Contains(text, want) {
				t.Errorf("rejection %d does not name %s: %s", i, want, text)
			}
		}
	}
}

// TestSinkRejectsAllBadOnes hides one bad change of every kind among 300 good ones, and expects all to be named at once.
func TestSinkRejectsAllBadOnes(t *testing.T) {
	target := &record.Target{Table: "bhyt.nguoi", Key: []string{"id"}, Columns: []string{"name", "code", "age", "xa", "born"}, OnCreate: []string{"status"}}
	b := newBed(t, target, `
		CREATE SCHEMA bhyt;
		CREATE TABLE bhyt.xa (ma text PRIMARY KEY);
		INSERT INTO bhyt.xa VALUES ('01');
		CREATE TABLE bhyt.nguoi (id int PRIMARY KEY, name text NOT NULL, code varchar(40) UNIQUE, age smallint CONSTRAINT tuoi CHECK (age >= 0),
			xa text CONSTRAINT co_xa REFERENCES bhyt.xa, born date, status varchar(5));
		CREATE FUNCTION bhyt.gac() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF new.status = 'cam' THEN RAISE EXCEPTION 'cấm %', new.name; END IF; RETURN new; END $$;
		CREATE TRIGGER gac BEFORE INSERT OR UPDATE ON bhyt.nguoi FOR EACH ROW EXECUTE FUNCTION bhyt.gac();
		INSERT INTO bhyt.nguoi VALUES (9999, 'có sẵn', '`+secretCell+`');`)
	var changes []record.Change
	for i := range 300 {
		changes = append(changes, b.put(i, fmt.Sprint("người ", i), nil, i%100, "01", "2019-06-12", "moi"))
	}
	bad := map[int][]any{ // cells by index
		7:   {nil, nil, 1, "01", nil, "moi"},
		20:  {secretCell, secretCell, 1, "01", nil, "moi"},
		21:  {secretCell, nil, -1, "01", nil, "moi"},
		133: {secretCell, nil, 1, secretCell, nil, "moi"},
		134: {secretCell, nil, 1, "01", secretCell, "moi"},
		200: {secretCell, strings.Repeat(secretCell, 9), 1, "01", nil, "moi"},
		201: {secretCell, nil, 1 << 40, "01", nil, "moi"},
		202: {secretCell, nil, 1, "01", nil, secretCell},
		250: {secretCell, nil, 1, "01", nil, "cam"},
		251: {secretCell + "\x00", nil, 1, "01", nil, "moi"},
		252: {"bí mật \xff", nil, 1, "01", nil, "moi"},
		253: {record.Value{}, nil, 1, "01", nil, "moi"},
		299: {nil, nil, 1, "01", nil, "moi"},
	}
	for i, cells := range bad {
		change := b.put(i, cells...)
		change.Sequence = changes[i].Sequence
		changes[i] = change
	}
	rejections := b.rejected(changes, "7 not-null", "20 unique+", "21 check", "133 foreign-key+", "134 type", "200 type", "201 type", "202 type",
		"250 trigger", "251 type", "252 type", "253 type", "299 not-null")
	noValues(t, rejections, "bhyt.nguoi name", "nguoi_code_key", "tuoi", "co_xa", "born", "code", "age", "status", "P0001", "name", "name", "name", "name")
	b.want("SELECT count(*) FROM bhyt.nguoi", "1")
	b.want("SELECT count(*) FROM truc.sink_entity", "0")
	b.want("SELECT count(*) FROM truc.sink_offset", "0")

	var good []record.Change
	for i, c := range changes {
		if bad[i] == nil {
			good = append(good, c)
		}
	}
	b.apply(good...)
	b.want("SELECT count(*) FROM bhyt.nguoi", strconv.Itoa(1+300-len(bad)))
}

func TestSinkKeyIsRefused(t *testing.T) {
	b := newBed(t, people(), "CREATE SCHEMA bhyt; CREATE TABLE bhyt.nguoi (id int PRIMARY KEY, name text, code text)")
	rejections := b.rejected([]record.Change{b.put(nil, "a", nil), b.put(secretCell, "b", nil), b.put(3, "c", nil), b.remove("không phải số")}, "0 not-null", "1 type", "3 type")
	noValues(t, rejections, "column id", "column id", "column id")
}

// TestSinkOneBadOfAThousand: the search halves, so that one bad change costs some round trips, not one for each change.
func TestSinkOneBadOfAThousand(t *testing.T) {
	dsn := servers.Postgres(t).Database(t)
	execute(t, dsn, "CREATE SCHEMA bhyt; CREATE TABLE bhyt.nguoi (id int PRIMARY KEY, name text, born date)")
	address, _ := url.Parse(dsn)
	wire := newDeafWire(t, address.Host)
	address.Host = wire.address
	b := openBed(t, &record.Target{Table: "bhyt.nguoi", Key: []string{"id"}, Columns: []string{"name", "born"}}, address.String())
	b.apply(b.put(5000, "a", nil))
	var changes []record.Change
	for i := range 1000 {
		changes = append(changes, b.put(i, "a", "2020-01-01"))
	}
	for _, bad := range []int{0, 637, 999} {
		good := changes[bad].Values
		changes[bad].Values = rowOf(secretCell, "2020-02-30")
		before := wire.sent.Load()
		noValues(t, b.rejected(changes, fmt.Sprintf("%d type", bad)), "born")
		if n := wire.sent.Load() - before; n > 150 {
			t.Errorf("change %d of 1000 was found after %d round trips", bad, n)
		} else {
			t.Logf("change %d of 1000 was found after %d round trips", bad, n)
		}
		changes[bad].Values = good
	}
}

// TestSinkAllBad is the worst case of the search.
func TestSinkAllBad(t *testing.T) {
	b := newBed(t, people(), "CREATE SCHEMA bhyt; CREATE TABLE bhyt.nguoi (id int PRIMARY KEY, name text NOT NULL, code text)")
	var changes []record.Change
	var want []string
	for i := range 200 {
		changes = append(changes, b.put(i, nil, nil))
		want = append(want, fmt.Sprintf("%d not-null", i))
	}
	b.rejected(changes, want...)
}

// TestSinkForeignKeysInsideABatch: parents and children come in any order, and go in any order.
func TestSinkForeignKeysInsideABatch(t *testing.T) {
	dsn := servers.Postgres(t).Database(t)
	for name, clause := range map[string]string{"immediate": "", "deferred": "DEFERRABLE INITIALLY DEFERRED", "deferrable": "DEFERRABLE"} {
		t.Run(name, func(t *testing.T) {
			target := &record.Target{Table: "bhyt.nguoi", Key: []string{"id"}, Columns: []string{"name", "me"}}
			b := renewBed(t, dsn, target, "CREATE SCHEMA bhyt; CREATE TABLE bhyt.nguoi (id int PRIMARY KEY, name text NOT NULL, me int REFERENCES bhyt.nguoi "+clause+")")
			b.apply(b.put(1, "con", 9), b.put(2, "cháu", 1), b.put(9, "mẹ", nil))
			b.rejected([]record.Change{b.put(3, "mồ côi", 77), b.put(4, "con", 9)}, "0 foreign-key+")
			// The good ones of a batch with a bad one among them: the search meets children before their parents.
			rejections := b.rejected([]record.Change{b.put(10, "con", 12), b.put(11, nil, nil), b.put(12, "mẹ", nil), b.put(5, "cháu", 10)}, "1 not-null")
			noValues(t, rejections, "name")
			b.rejected([]record.Change{b.remove(9)}, "0 foreign-key+")
			b.apply(b.remove(9), b.remove(1), b.remove(2))
			b.want("SELECT count(*) FROM bhyt.nguoi", "0")
		})
	}
}

// TestSinkConflictNamesEverything: all events of a source that has no say on a key are refused at once.
func TestSinkConflictNamesEverything(t *testing.T) {
	b := newBed(t, people(), "CREATE SCHEMA bhyt; CREATE TABLE bhyt.nguoi (id int PRIMARY KEY, name text, code text)")
	b.apply(b.put(1, "phú thọ", nil))
	hanoi := func(c record.Change) record.Change {
		c.Source = "/agencies/H26/hotich/khaisinh"
		return c
	}
	b.rejected([]record.Change{hanoi(b.put(1, "a", nil)), b.put(2, "tốt", nil), hanoi(b.put(1, "b", nil)), hanoi(b.remove(1))}, "0 conflict", "2 conflict")
	// The owner's deletion in the same batch frees the key for what comes after it.
	b.apply(b.remove(1), hanoi(b.put(1, "hà nội", nil)))
	b.want("SELECT id, name FROM bhyt.nguoi", "1 hà nội")
}

// TestSinkOnlyUpdatesWhatIsThere: an adopted row is updated although an insert of the same cells would fail, and insert
// triggers and sequences are left alone.
func TestSinkOnlyUpdatesWhatIsThere(t *testing.T) {
	b := newBed(t, people(), `
		CREATE SCHEMA bhyt;
		CREATE TABLE bhyt.nguoi (id int PRIMARY KEY, name text, code text, so int NOT NULL, n serial, inserted int NOT NULL DEFAULT 0);
		CREATE FUNCTION bhyt.dem() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN new.inserted = 1; RETURN new; END $$;
		INSERT INTO bhyt.nguoi (id, name, so) VALUES (1, 'cũ', 5), (2, 'cũ', 6);
		CREATE TRIGGER dem BEFORE INSERT ON bhyt.nguoi FOR EACH ROW EXECUTE FUNCTION bhyt.dem();`)
	b.apply(b.put(1, "mới", nil))
	b.want("SELECT id, name, so, n, inserted FROM bhyt.nguoi", "1 mới 5 1 0", "2 cũ 6 2 0")
	b.want("SELECT last_value FROM bhyt.nguoi_n_seq", "2")
	rejections := b.rejected([]record.Change{b.put(3, "thêm", nil), b.put(2, "mới", nil)}, "0 not-null")
	noValues(t, rejections, "so")
}
