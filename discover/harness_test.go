package discover_test

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/adapters/postgres"
	"github.com/lienthong/truc/adapters/sqlite"
	"github.com/lienthong/truc/discover"
	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/schemas"
	"github.com/lienthong/truc/tests/servers"
)

func TestMain(m *testing.M) { os.Exit(servers.Main(m)) }

// certain is the confidence above which nothing may be wrong; wanted is the share that must be right.
const certain, wanted = 0.9, 0.8

// TestDrafts compares the drafts for tables with mappings written by hand: of the fields that a hand filled from columns, at
// least 80 % are proposed from the same columns, and nothing is wrong that was proposed with a confidence above 0.9.
func TestDrafts(t *testing.T) {
	folders := tables(t, "testdata/tables")
	if len(folders) < 5 {
		t.Fatalf("only %d tables to tune on", len(folders))
	}
	examples := 0
	for _, dir := range append(folders, tables(t, "../examples")...) {
		mappings := handWritten(t, dir)
		if len(mappings) == 0 {
			continue // a folder that only receives
		}
		if strings.HasPrefix(dir, "../examples") {
			examples++
		}
		t.Run(filepath.Base(dir), func(t *testing.T) { compare(t, dir, mappings) })
	}
	if examples < 3 {
		t.Errorf("only %d examples have a mapping to compare with", examples)
	}
}

// tables are the folders below one that hold schema.sql and data.sql.
func tables(t *testing.T, root string) []string {
	t.Helper()
	var dirs []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.Name() == "schema.sql" {
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), "data.sql")); err == nil {
				dirs = append(dirs, filepath.Dir(path))
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return dirs
}

func compare(t *testing.T, dir string, mappings []*mapping.File) {
	set, err := schemas.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	source := load(t, dir)
	for _, hand := range mappings {
		infos, err := source.(adapters.Describer).Describe(t.Context(), hand.Table)
		if err != nil {
			t.Fatal(err)
		}
		table, rows, err := discover.Rows(t.Context(), source.(adapters.Scanner), hand.Table, discover.MaxRows)
		if err != nil {
			t.Fatal(err)
		}
		report := described(t, source, discover.Options{Set: set, Agency: "H44.15"}, infos[0], table, rows)
		if report.Draft == nil || report.Draft.Dataset != hand.Dataset {
			t.Errorf("%s: the best dataset is %+v, want %s", hand.Name, report.Fits, hand.Dataset)
			report = described(t, source, discover.Options{Set: set, Dataset: hand.Dataset, Agency: "H44.15"}, infos[0], table, rows)
		}
		checkDraft(t, report.Draft, infos[0].Table, set)
		score(t, report.Draft, columnsOf(t, hand, infos[0].Table, set))
		if testing.Verbose() {
			t.Logf("%s\n%s", hand.Table, report.Draft.YAML)
		}
	}
}

// described looks at a table as the command does: with the look-up tables of its source.
func described(t *testing.T, source adapters.Source, opt discover.Options, info adapters.TableInfo, table *record.Table, rows []record.Row) discover.Table {
	t.Helper()
	d, err := discover.New(opt)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.LearnFrom(t.Context(), source.(adapters.Describer), source.(adapters.Scanner)); err != nil {
		t.Fatal(err)
	}
	return d.Describe(info, table, rows)
}

// score holds a draft against the mapping that a hand wrote. A field is proposed right when the draft reads the same columns for
// the same property and, where they hold JSON or XML, the same place in them. The rules:
//
//   - Only lines of the draft count, no comments, whatever their confidence would be. A code column whose meanings nobody can
//     know from the database (1 and 2 for the sexes) is a comment because its table waits for a person: it is not right.
//   - A line with a code table is right when every code that both tables have means the same in both, and wrong otherwise.
//   - The list of an each is a field of its own, and so is every property of its elements; the elements of a list written out
//     are compared together: what reads gt1_so only, where the hand reads gt1_so and gt2_so, is not right.
//   - address(x) makes the object {chiTiet: x}: the same as a line chiTiet below it. No other object may stand for its parts.
//   - personId(x, sex, born) compares the number with the others and gives x: the draft need not compare.
//   - A line that reads some of the hand's columns is not right. It is not wrong either, as long as it reads no other.
//   - Any other line with a confidence above 0.9 is wrong, also where the hand left the property open.
func score(t *testing.T, d *discover.Draft, hand map[string]reads) {
	drafted := map[string]reads{}
	surest := map[string]float64{}
	for _, p := range d.Proposals {
		if len(p.Columns) == 0 || !p.Live {
			if len(p.Columns) > 0 {
				t.Logf("a comment, %.2f: %s from %v: %s", p.Confidence, p.Property, p.Columns, p.Expression)
			}
			continue
		}
		property := fieldName(p.Property)
		r := drafted[property].with(p.Columns, p.Expression)
		if p.Codes != nil {
			r.codes = map[string]string{}
			for _, e := range p.Codes.Entries {
				if e.To != "" {
					r.codes[e.From] = e.To
				}
			}
		}
		drafted[property] = r
		surest[property] = max(surest[property], p.Confidence)
	}
	right := 0
	for _, property := range slices.Sorted(maps.Keys(drafted)) {
		got, want := drafted[property], hand[property]
		switch {
		case got.equal(want) && got.contradicts(want) != "":
			t.Errorf("wrong with %.2f: the code %s of %s means something else", surest[property], got.contradicts(want), property)
		case got.equal(want):
			right++
		case want.cover(got):
			t.Logf("in part, %.2f: %s from %v, by hand %v", surest[property], property, got, want)
		case surest[property] > certain:
			t.Errorf("wrong with %.2f: %s from %v, by hand %v", surest[property], property, got, want)
		default:
			t.Logf("differs, %.2f: %s from %v, by hand %v", surest[property], property, got, want)
		}
	}
	for property, want := range hand {
		if !drafted[property].equal(want) {
			t.Logf("not right: %s from %v", property, want)
		}
	}
	share := float64(right) / float64(len(hand))
	t.Logf("%d of %d fields right (%.0f %%)", right, len(hand), share*100)
	if share < wanted {
		t.Errorf("%.0f %% of the fields are proposed right, want %.0f %%", share*100, wanted*100)
	}
}

// fieldName is a property as drafts and hands are compared by.
func fieldName(property string) string {
	return strings.TrimSuffix(strings.TrimSuffix(property, ".chiTiet"), "[]")
}

// reads are the columns, and the places in them, that a value is made of.
type reads struct {
	columns, places []string
	// codes is the code table of the mapping that it goes through; nil when it goes through none.
	codes map[string]string
}

var (
	insideColumn = regexp.MustCompile(`\b(?:json|xml)\(\s*\w+\s*,\s*"([^"]*)"`)
	ofElement    = regexp.MustCompile(`\b[A-Za-z_]\w*((?:\.[A-Za-z_]\w*)+)`)
	quotedText   = regexp.MustCompile(`"[^"]*"`)
)

func (r reads) with(columns []string, expression string) reads {
	r.columns = slices.Concat(r.columns, columns)
	for _, m := range insideColumn.FindAllStringSubmatch(expression, -1) {
		r.places = append(r.places, m[1])
	}
	for _, m := range ofElement.FindAllStringSubmatch(quotedText.ReplaceAllString(expression, ""), -1) {
		r.places = append(r.places, m[1])
	}
	for _, list := range []*[]string{&r.columns, &r.places} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return r
}

func (r reads) equal(o reads) bool {
	return slices.Equal(r.columns, o.columns) && slices.Equal(r.places, o.places)
}

// contradicts is a code that means one thing in one table and another in the other; "" when there is none.
func (r reads) contradicts(o reads) string {
	for _, from := range slices.Sorted(maps.Keys(r.codes)) {
		if to, ok := o.codes[from]; ok && to != r.codes[from] {
			return from
		}
	}
	return ""
}

// cover reports whether o reads nothing that r does not.
func (r reads) cover(o reads) bool {
	none := func(of, in []string) bool {
		return !slices.ContainsFunc(of, func(s string) bool { return !slices.Contains(in, s) })
	}
	return len(r.columns) > 0 && none(o.columns, r.columns) && none(o.places, r.places)
}

// checkDraft: a draft is a mapping that `truc check` reads; only what is missing is wrong with it.
func checkDraft(t *testing.T, d *discover.Draft, table *record.Table, set *schemas.Set) {
	file, problems := mapping.Parse("draft.yaml", []byte(d.YAML), nil)
	if problems.Err() != nil {
		t.Fatalf("the draft does not parse: %v\n%s", problems, d.YAML)
	}
	dataset, err := set.Dataset(d.Dataset)
	if err != nil {
		t.Fatal(err)
	}
	_, problems = mapping.CompileSource(file, table, dataset, mapping.Env{Set: set, Agency: "H44.15"})
	for _, p := range problems {
		if !p.Warning && p.Code != "mapping.missing-property" {
			t.Errorf("the draft: %v", p)
		}
	}
}

// handWritten reads the source mappings of a folder.
func handWritten(t *testing.T, dir string) []*mapping.File {
	t.Helper()
	var out []*mapping.File
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".yaml" {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		within, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if file, _ := mapping.Parse(filepath.ToSlash(path), data, &mapping.Files{Root: os.DirFS(dir), Path: filepath.ToSlash(within)}); file != nil && file.Direction == mapping.Source && file.Fields != nil && file.Dataset != "" {
			out = append(out, file)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// columnsOf lists what each property of a mapping is made of; constants are left out.
func columnsOf(t *testing.T, f *mapping.File, table *record.Table, set *schemas.Set) map[string]reads {
	t.Helper()
	dataset, err := set.Dataset(f.Dataset)
	if err != nil {
		t.Fatal(err)
	}
	plan, problems := mapping.CompileSource(f, table, dataset, mapping.Env{Set: set, Agency: "H44.15"})
	if plan == nil {
		t.Fatalf("%s does not compile: %v", f.Name, problems)
	}
	out := map[string]reads{}
	for _, x := range plan.Explain() {
		if (x.Part != "fields" && x.Part != "each") || len(x.Reads) == 0 {
			continue
		}
		columns := x.Reads
		if number, ok := numberOnly(x.Expression); ok {
			columns = columnNamed(f, number, columns)
		}
		name := fieldName(x.Name)
		r := out[name].with(columns, x.Expression)
		if len(x.Codes) == 1 && len(f.Codes) > 0 {
			r.codes = codesNamed(f, x.Codes[0])
		}
		out[name] = r
	}
	return out
}

func codesNamed(f *mapping.File, name string) map[string]string {
	out := map[string]string{}
	for _, c := range f.Codes {
		for _, e := range c.Entries {
			if c.Name == name {
				out[e.From] = e.To
			}
		}
	}
	return out
}

var comparedID = regexp.MustCompile(`^personId\((\w+),.*\)$`)

// numberOnly is the column of the number in personId(number, sex, born).
func numberOnly(expression string) (string, bool) {
	m := comparedID.FindStringSubmatch(expression)
	if m == nil {
		return "", false
	}
	return m[1], true
}

// columnNamed is the column that a mapping calls id; the given ones if it is none of them.
func columnNamed(f *mapping.File, id string, columns []string) []string {
	for _, r := range f.Columns {
		if r.Name == id && r.From != "" {
			id = r.From
		}
	}
	if slices.Contains(columns, id) {
		return []string{id}
	}
	return columns
}

// load puts the tables into SQLite, or into PostgreSQL when they are written for that.
func load(t *testing.T, dir string) adapters.Source {
	t.Helper()
	var statements []string
	for _, name := range []string{"schema.sql", "data.sql"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		statements = append(statements, string(data))
	}
	path := filepath.Join(t.TempDir(), "nguon.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec("BEGIN;" + strings.Join(statements, "\n") + ";COMMIT")
	db.Close()
	if err == nil {
		config := sqlite.Adapter.Defaults()
		config.Path = path
		return opened(t)(sqlite.Adapter.Source(config, adapters.Env{Name: "nguon", Agency: "H44.15"}))
	}
	t.Logf("not for SQLite (%v): PostgreSQL is asked", err)
	ctx := context.Background()
	dsn := servers.Postgres(t).Database(t)
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { conn.Close(ctx) }()
	if strings.Contains(statements[0], "SQL_ASCII") {
		name := "truc_discover_" + strconv.Itoa(os.Getpid())
		if _, err := conn.Exec(ctx, "CREATE DATABASE "+name+" ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"); err != nil {
			t.Fatal(err)
		}
		whole, err := url.Parse(dsn)
		if err != nil {
			t.Fatal(err)
		}
		whole.Path = "/" + name
		dsn = whole.String()
		conn.Close(ctx)
		if conn, err = pgx.Connect(ctx, dsn); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range statements {
		if _, err := conn.PgConn().Exec(ctx, s).ReadAll(); err != nil {
			t.Fatal(err)
		}
	}
	config := postgres.Adapter.Defaults()
	config.DSN = dsn
	return opened(t)(postgres.Adapter.Source(config, adapters.Env{Name: "nguon", Agency: "H44.15"}))
}

func opened(t *testing.T) func(adapters.Source, error) adapters.Source {
	return func(s adapters.Source, err error) adapters.Source {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
}
