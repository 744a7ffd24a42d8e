package discover_test

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
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
	for _, dir := range append(folders, tables(t, "../examples")...) {
		t.Run(filepath.Base(dir), func(t *testing.T) { compare(t, dir) })
	}
}

// belowWanted are the tables whose drafts do not reach what is wanted, with what they reach. Their hands fill many fields from
// parts of columns that hold JSON or XML, or from several columns at once, which drafts do not propose yet.
func belowWanted() map[string]float64 {
	return map[string]float64{"cong-dan": 0.55, "doanh-nghiep": 0.5}
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

func compare(t *testing.T, dir string) {
	set, err := schemas.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	mappings := handWritten(t, dir)
	if len(mappings) == 0 {
		t.Skip("no source mapping") // a folder that only receives
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
		report, err := discover.Describe(infos[0], table, rows, discover.Options{Set: set, Agency: "H44.15"})
		if err != nil {
			t.Fatal(err)
		}
		if report.Draft == nil || report.Draft.Dataset != hand.Dataset {
			t.Errorf("%s: the best dataset is %+v, want %s", hand.Name, report.Fits, hand.Dataset)
			if report, err = discover.Describe(infos[0], table, rows, discover.Options{Set: set, Dataset: hand.Dataset, Agency: "H44.15"}); err != nil {
				t.Fatal(err)
			}
		}
		checkDraft(t, report.Draft, infos[0].Table, set)
		score(t, dir, report.Draft, columnsOf(t, hand, infos[0].Table, set))
		if testing.Verbose() {
			t.Logf("%s\n%s", hand.Table, report.Draft.YAML)
		}
	}
}

// score holds a draft against the columns of each property as a hand wrote them. A hand may fill a whole object with one
// expression, address(x), where a draft fills the part that the column is: that is the same. A column that the hand uses
// for the property together with others is half right: it counts neither as right nor as wrong.
func score(t *testing.T, dir string, d *discover.Draft, hand map[string][]string) {
	right := map[string]bool{}
	used := map[string]string{}
	for property, columns := range hand {
		for _, c := range columns {
			used[c] = property
		}
	}
	for _, p := range d.Proposals {
		if len(p.Columns) == 0 {
			continue
		}
		columns := slices.Sorted(slices.Values(p.Columns))
		property := p.Property
		for hand[property] == nil && strings.Contains(property, ".") {
			property = strings.TrimSuffix(property[:strings.LastIndexByte(property, '.')], "[]")
		}
		want := hand[property]
		part := !slices.ContainsFunc(columns, func(c string) bool { return !slices.Contains(want, c) })
		elsewhere := slices.ContainsFunc(columns, func(c string) bool { return used[c] != "" })
		switch {
		case want != nil && slices.Equal(want, columns):
			right[property] = true
			// A column that holds a document: the hand takes its parts one by one.
			for inner, of := range hand {
				if strings.HasPrefix(inner, p.Property+".") || strings.HasPrefix(inner, p.Property+"[]") {
					right[inner] = right[inner] || slices.Equal(of, columns)
				}
			}
			if p.Confidence < discover.Threshold {
				t.Logf("right with %.2f only: %s from %v", p.Confidence, p.Property, columns)
			}
		case want != nil && part:
			t.Logf("in part, %.2f: %s from %v, by hand %v", p.Confidence, p.Property, columns, want)
		case (want != nil || elsewhere) && p.Confidence > certain:
			t.Errorf("wrong with %.2f: %s from %v, by hand %v", p.Confidence, p.Property, columns, want)
		default:
			t.Logf("differs, %.2f: %s from %v, by hand %v", p.Confidence, p.Property, columns, want)
		}
	}
	for property, columns := range hand {
		if !right[property] {
			t.Logf("not right: %s from %v", property, columns)
		}
	}
	share := float64(len(right)) / float64(len(hand))
	t.Logf("%d of %d fields right", len(right), len(hand))
	floor := wanted
	if below := belowWanted()[filepath.Base(dir)]; below > 0 {
		floor = below
	}
	if share < floor {
		t.Errorf("%.0f %% of the fields are proposed right, want %.0f %%", share*100, floor*100)
	}
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

// columnsOf lists the columns that each property of a mapping is made of; constants are left out.
func columnsOf(t *testing.T, f *mapping.File, table *record.Table, set *schemas.Set) map[string][]string {
	t.Helper()
	dataset, err := set.Dataset(f.Dataset)
	if err != nil {
		t.Fatal(err)
	}
	plan, problems := mapping.CompileSource(f, table, dataset, mapping.Env{Set: set, Agency: "H44.15"})
	if plan == nil {
		t.Fatalf("%s does not compile: %v", f.Name, problems)
	}
	out := map[string][]string{}
	for _, x := range plan.Explain() {
		name := strings.TrimSuffix(x.Name, "[]")
		if (x.Part != "fields" && x.Part != "each") || len(x.Reads) == 0 {
			continue
		}
		out[name] = append(out[name], x.Reads...)
		slices.Sort(out[name])
		out[name] = slices.Compact(out[name])
	}
	return out
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
