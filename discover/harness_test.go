package discover_test

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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
	source := load(t, dir)
	for _, hand := range handWritten(t, dir) {
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
		score(t, report.Draft, columnsOf(hand, infos[0].Table))
		if testing.Verbose() {
			t.Logf("%s\n%s", hand.Table, report.Draft.YAML)
		}
	}
}

// score holds a draft against the columns of each property as a hand wrote them.
func score(t *testing.T, d *discover.Draft, hand map[string][]string) {
	right := 0
	used := map[string]string{}
	for property, columns := range hand {
		for _, c := range columns {
			used[c] = property
		}
	}
	proposed := map[string]bool{}
	for _, p := range d.Proposals {
		want, known := hand[p.Property]
		proposed[p.Property] = true
		same := slices.Equal(want, slices.Sorted(slices.Values(p.Columns)))
		elsewhere := !known && slices.ContainsFunc(p.Columns, func(c string) bool { return used[c] != "" })
		switch {
		case known && same:
			right++
			if p.Confidence < discover.Threshold {
				t.Logf("right with %.2f only: %s from %v", p.Confidence, p.Property, p.Columns)
			}
		case (known && !same || elsewhere) && p.Confidence > certain && len(p.Columns) > 0:
			t.Errorf("wrong with %.2f: %s from %v, by hand %v", p.Confidence, p.Property, p.Columns, want)
		case len(p.Columns) > 0:
			t.Logf("differs, %.2f: %s from %v, by hand %v", p.Confidence, p.Property, p.Columns, want)
		}
	}
	for property, columns := range hand {
		if !proposed[property] {
			t.Logf("not proposed: %s from %v", property, columns)
		}
	}
	share := float64(right) / float64(len(hand))
	t.Logf("%d of %d fields right", right, len(hand))
	if share < wanted {
		t.Errorf("%.0f %% of the fields are proposed right, want %.0f %%", share*100, wanted*100)
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
	if len(out) == 0 {
		t.Fatalf("%s has no source mapping", dir)
	}
	return out
}

var (
	inQuotes = regexp.MustCompile(`"[^"]*"|'[^']*'`)
	word     = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*`)
)

// columnsOf lists the columns that each property of a mapping is made of; constants are left out.
func columnsOf(f *mapping.File, table *record.Table) map[string][]string {
	lets := map[string]string{}
	for _, l := range f.Let {
		lets[l.Name] = l.Value.CEL
	}
	from := map[string]string{}
	for _, r := range f.Columns {
		if r.From != "" {
			from[r.Name] = r.From
		}
	}
	read := func(cel string) []string {
		found := map[string]bool{}
		for range 3 {
			for name, text := range lets {
				cel = regexp.MustCompile(`\b`+name+`\b`).ReplaceAllLiteralString(cel, text)
			}
		}
		for _, w := range word.FindAllString(inQuotes.ReplaceAllString(cel, `""`), -1) {
			if real := from[w]; real != "" {
				w = real
			}
			if table.Index(w) >= 0 {
				found[w] = true
			}
		}
		var out []string
		for w := range found {
			out = append(out, w)
		}
		slices.Sort(out)
		return out
	}
	out := map[string][]string{}
	var visit func(f *mapping.Field, path []string)
	visit = func(f *mapping.Field, path []string) {
		for i := range f.Items {
			visit(&f.Items[i], elementPath(path, len(f.Items[i].Fields) > 0))
		}
		if f.Each != nil {
			if f.Each.Over != nil {
				lets[f.Each.As] = f.Each.Over.CEL
			}
			visit(&f.Each.Item, elementPath(path, len(f.Each.Item.Fields) > 0))
			if f.Each.Over != nil {
				if columns := read(f.Each.Over.CEL); len(columns) > 0 && len(f.Each.Item.Fields) == 0 {
					out[strings.Join(path, ".")] = columns
				}
			}
		}
		if f.Value != nil && f.Value.CEL != "" {
			if columns := read(f.Value.CEL); len(columns) > 0 {
				out[strings.Join(path, ".")] = columns
			}
		}
		for i := range f.Fields {
			visit(&f.Fields[i], append(slices.Clone(path), f.Fields[i].Name))
		}
	}
	visit(f.Fields, nil)
	return out
}

// elementPath is where the elements of a list are: those that are objects have properties of their own.
func elementPath(path []string, object bool) []string {
	out := slices.Clone(path)
	if object && len(out) > 0 {
		out[len(out)-1] += "[]"
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
	defer conn.Close(ctx)
	for _, s := range statements {
		if _, err := conn.Exec(ctx, s); err != nil {
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
