package postgres

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/tests/servers"
)

// TestSinkTriggerRaises: a trigger that refuses a row refuses that row and no other, whatever SQLSTATE it chose to do so,
// and what it says is not repeated: triggers like to quote the row.
func TestSinkTriggerRaises(t *testing.T) {
	dsn := servers.Postgres(t).Database(t)
	const table = `CREATE SCHEMA bhyt; CREATE TABLE bhyt.nguoi (id int PRIMARY KEY, name text, code text);
		CREATE FUNCTION bhyt.gac() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			IF new.id = 2 THEN RAISE EXCEPTION 'cấm %%', new.name USING ERRCODE = '%s'; END IF; RETURN new; END $$;
		CREATE TRIGGER gac BEFORE INSERT OR UPDATE ON bhyt.nguoi FOR EACH ROW EXECUTE FUNCTION bhyt.gac();`
	for _, state := range []string{"P0001", "42501", "57014", "53100", "55000", "25006", "XX000", "08006", "42P01", "0A000", "28000", "3D000"} {
		t.Run(state, func(t *testing.T) {
			b := renewBed(t, dsn, people(), fmt.Sprintf(table, state))
			rejections := b.rejected([]record.Change{b.put(1, "a", nil), b.put(2, secretCell, nil), b.put(3, "c", nil)}, "1 trigger")
			noValues(t, rejections, state)
		})
	}
	// This one asks for the transaction to be tried again, as the server's own serialization failures do.
	b := renewBed(t, dsn, people(), fmt.Sprintf(table, "40001"))
	if err := b.try(b.put(2, secretCell, nil)); !isUnreachable(err) || strings.Contains(err.Error(), "bí mật") {
		t.Errorf("got %v, want *UnreachableError without what the trigger said", err)
	}
}

// TestSinkTriggerLacksAPrivilege: what goes wrong inside of a trigger without its saying so is the table's fault.
func TestSinkTriggerLacksAPrivilege(t *testing.T) {
	b := newBed(t, people(), `CREATE SCHEMA bhyt; CREATE TABLE bhyt.nguoi (id int PRIMARY KEY, name text, code text);
		CREATE FUNCTION bhyt.chep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE format('INSERT INTO bhyt.khong_co VALUES (%L)', new.name); RETURN new; END $$;
		CREATE TRIGGER chep AFTER INSERT ON bhyt.nguoi FOR EACH ROW EXECUTE FUNCTION bhyt.chep();`)
	err := b.try(b.put(1, secretCell, nil))
	if _, ok := errors.AsType[*adapters.RefusedError](err); !ok || strings.Contains(err.Error(), "bí mật") {
		t.Errorf("got %v, want a refusal without values", err)
	}
}

// TestSinkTriggerWithholdsUpdates: an update that a trigger finds unnecessary is no reason to insert the row again.
func TestSinkTriggerWithholdsUpdates(t *testing.T) {
	dsn := servers.Postgres(t).Database(t)
	for name, table := range map[string]string{
		"table":     "CREATE TABLE bhyt.nguoi (id int PRIMARY KEY, name text, code text); CREATE TRIGGER it BEFORE UPDATE ON bhyt.nguoi FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
		"partition": "CREATE TABLE bhyt.nguoi (id int PRIMARY KEY, name text, code text) PARTITION BY RANGE (id); CREATE TABLE bhyt.mot PARTITION OF bhyt.nguoi DEFAULT; CREATE TRIGGER it BEFORE UPDATE ON bhyt.mot FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
	} {
		t.Run(name, func(t *testing.T) {
			b := renewBed(t, dsn, people(), "CREATE SCHEMA bhyt; "+table)
			b.apply(b.put(1, "a", nil), b.put(2, "b", nil))
			b.apply(b.put(1, "a", nil), b.put(2, "c", nil), b.put(3, "d", nil))
			b.want("SELECT id, name FROM bhyt.nguoi", "1 a", "2 c", "3 d")
		})
	}
}
