package postgres

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/tests/servers"
)

// exchangeTable has an own column, note, in every variant.
const exchangeTable = `CREATE SCHEMA bhyt; CREATE TABLE bhyt.nguoi (id int PRIMARY KEY, name text, code %s, note text DEFAULT 'của ta', so int GENERATED ALWAYS AS IDENTITY, dai int GENERATED ALWAYS AS (length(name)) STORED, UNIQUE (code) );`

func TestSinkExchange(t *testing.T) {
	dsn := servers.Postgres(t).Database(t)
	for _, c := range []struct {
		name, code, more string
		value            func(n int) any
	}{
		{"text, nullable", "text", "", func(n int) any { return fmt.Sprintf("c%d", n) }},
		{"text, not null", "text NOT NULL", "", func(n int) any { return fmt.Sprintf("c%d", n) }},
		{"checked text, not null", "text NOT NULL CHECK (code ~ '^c[0-9]$')", "", func(n int) any { return fmt.Sprintf("c%d", n) }},
		{"int, not null", "int NOT NULL CHECK (code BETWEEN 0 AND 9)", "", func(n int) any { return n }},
		{"nulls not distinct", "text", "ALTER TABLE bhyt.nguoi DROP CONSTRAINT nguoi_code_key, ADD UNIQUE NULLS NOT DISTINCT (code);", func(n int) any { return fmt.Sprintf("c%d", n) }},
		{"deferrable", "text NOT NULL", "ALTER TABLE bhyt.nguoi DROP CONSTRAINT nguoi_code_key, ADD UNIQUE (code) DEFERRABLE;", func(n int) any { return fmt.Sprintf("c%d", n) }},
		{"with another row referring", "text NOT NULL", "CREATE TABLE bhyt.the (nguoi int REFERENCES bhyt.nguoi, code text REFERENCES bhyt.nguoi (code));", func(n int) any { return fmt.Sprintf("c%d", n) }},
		{"nullable, with a cascade", "text", "CREATE TABLE bhyt.the (nguoi int REFERENCES bhyt.nguoi ON DELETE CASCADE, code text);", func(n int) any { return fmt.Sprintf("c%d", n) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := renewBed(t, dsn, people(), fmt.Sprintf(exchangeTable, c.code)+c.more)
			b.apply(b.put(1, "một", c.value(1)), b.put(2, "hai", c.value(2)), b.put(3, "ba", c.value(3)), b.put(4, "bốn", c.value(4)))
			execute(t, b.dsn, "UPDATE bhyt.nguoi SET note = 'sửa tay ' || id")
			if lines := answers(t, b.dsn, "SELECT to_regclass('bhyt.the') IS NOT NULL"); lines[0] == "t" {
				execute(t, b.dsn, "INSERT INTO bhyt.the SELECT id, code FROM bhyt.nguoi WHERE id = 1")
			}
			line := func(id int, name string, n int) string {
				return fmt.Sprintf("%d %s %v sửa tay %d %d %d", id, name, c.value(n), id, id, len([]rune(name)))
			}
			const all = "SELECT id, name, code, note, so, dai FROM bhyt.nguoi"
			b.apply(b.put(1, "một", c.value(2)), b.put(2, "hai", c.value(1)))
			b.want(all, line(1, "một", 2), line(2, "hai", 1), line(3, "ba", 3), line(4, "bốn", 4))
			// A ring of three, and a chain: 4 takes what a ring leaves free, a new row takes what 4 leaves.
			b.apply(b.put(1, "một", c.value(3)), b.put(2, "hai", c.value(2)), b.put(3, "ba", c.value(1)))
			b.want(all, line(1, "một", 3), line(2, "hai", 2), line(3, "ba", 1), line(4, "bốn", 4))
			b.apply(b.put(4, "bốn", c.value(5)), b.put(3, "ba", c.value(4)), b.put(1, "một", c.value(1)))
			b.want(all, line(1, "một", 1), line(2, "hai", 2), line(3, "ba", 4), line(4, "bốn", 5))
			// One that wants what a row beyond the batch holds is named, and alone: the exchange beside it is possible.
			rejections := b.rejected([]record.Change{b.put(1, "một", c.value(2)), b.put(2, "hai", c.value(1)), b.put(3, "ba", c.value(5))}, "2 unique+")
			noValues(t, rejections, "bhyt.nguoi")
			b.want(all, line(1, "một", 1), line(2, "hai", 2), line(3, "ba", 4), line(4, "bốn", 5))
		})
	}
}

// TestSinkExchangeKeepsOut: where a deletion would be noticed, rows are not replaced behind anybody's back.
func TestSinkExchangeKeepsOut(t *testing.T) {
	dsn := servers.Postgres(t).Database(t)
	for name, more := range map[string]string{
		"cascade":  "CREATE TABLE bhyt.the (nguoi int REFERENCES bhyt.nguoi ON DELETE CASCADE); INSERT INTO bhyt.the VALUES (1);",
		"set null": "CREATE TABLE bhyt.the (nguoi int REFERENCES bhyt.nguoi ON DELETE SET NULL); INSERT INTO bhyt.the VALUES (1);",
		"trigger": `CREATE TABLE bhyt.the (nguoi int); INSERT INTO bhyt.the VALUES (1);
			CREATE FUNCTION bhyt.xoa() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM bhyt.the; RETURN old; END $$;
			CREATE TRIGGER xoa AFTER DELETE ON bhyt.nguoi FOR EACH ROW EXECUTE FUNCTION bhyt.xoa();`,
	} {
		t.Run(name, func(t *testing.T) {
			b := renewBed(t, dsn, people(), fmt.Sprintf(exchangeTable, "text NOT NULL")+"INSERT INTO bhyt.nguoi (id, code) VALUES (1, 'c1'), (2, 'c2');"+more)
			b.rejected([]record.Change{b.put(1, "một", "c2"), b.put(2, "hai", "c1")}, "0 unique+", "1 unique+")
			b.want("SELECT nguoi FROM bhyt.the", "1")
		})
	}
}

// TestSinkExchangeTwoIndexes passes two unique values round in opposite directions.
func TestSinkExchangeTwoIndexes(t *testing.T) {
	dsn := servers.Postgres(t).Database(t)
	for _, null := range []string{"", "NOT NULL"} {
		target := &record.Target{Table: "bhyt.nguoi", Key: []string{"id"}, Columns: []string{"code", "the", "tinh"}}
		b := renewBed(t, dsn, target, fmt.Sprintf("CREATE SCHEMA bhyt; CREATE TABLE bhyt.nguoi (id int PRIMARY KEY, code int %[1]s UNIQUE, the int %[1]s, tinh int NOT NULL, note text, UNIQUE (tinh, the))", null))
		const n = 12
		numbers := rand.New(rand.NewPCG(1, 2))
		var first []record.Change
		for i := range n {
			first = append(first, b.put(i, i, i, 1))
		}
		b.apply(first...)
		for range 5 {
			codes, cards := numbers.Perm(n), numbers.Perm(n)
			var next []record.Change
			var want []string
			for i := range n {
				next = append(next, b.put(i, codes[i], cards[i], 1))
				want = append(want, fmt.Sprintf("%02d %d %d", i, codes[i], cards[i]))
			}
			b.apply(next...)
			b.want("SELECT to_char(id, 'FM00'), code, the FROM bhyt.nguoi", want...)
		}
	}
}
