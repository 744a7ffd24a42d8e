package docs

import (
	"context"
	"crypto/rand"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/adapters/postgres"
	"github.com/lienthong/truc/config"
	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/schemas"
	"github.com/lienthong/truc/tests/servers"
)

// exampleFolder is one folder of examples/: a legacy database, what is in it, and the mappings for it.
type exampleFolder struct {
	name string
	// dsn is the environment variable that truc.yaml takes the address from.
	dsn string
	// encoding is what CREATE DATABASE is told besides the name, for those that are not UTF-8.
	encoding string
	// says are parts of the documents that the rows of the server become: what examples cannot show, since their texts are
	// written readably, is that the bytes in the database are what the mapping takes them for.
	says []string
	// secret is a variable that truc.yaml takes a key from, "" for none.
	secret string
}

func exampleFolders() []exampleFolder {
	return []exampleFolder{
		{name: "ho-tich", dsn: "HOTICH_DSN", encoding: " ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'", says: []string{
			`"hoTen":"Trần Văn Thử"`, `"nguoiKy":"Trần Văn Ký"`, `"ghiChu":"Bản ghi mẫu, không có thật"`, `Ở nhà thường gọi là Cún`, `"soDinhDanh":"026223000001"`,
		}},
		{name: "bao-hiem", dsn: "BHYT_DSN", secret: "BHYT_AN_DANH"},
		{name: "doanh-nghiep", dsn: "DKKD_DSN", says: []string{`"maSoDoanhNghiep":"0100000028-001"`, `"hoTen":"Phạm Văn Thử"`, `"soTien":"3000000000.5"`, `"tenNuocNgoai":"Food & Gia vị"`}},
		{name: "cong-dan", dsn: "NHANKHAU_DSN", says: []string{`"tenGoiKhac":["Nguyễn Mẫu Cũ"]`, `"noiSinh":{"chiTiet":"Bệnh viện Mẫu, Hà Nội"}`, `"hoTen":"Nguyễn Thị Mẫu"`}},
	}
}

func (e exampleFolder) path(name string) string { return filepath.Join(root, "examples", e.name, name) }

// exampleKey is the key of pseudonyms.
const exampleKey = "a key for the examples and for nothing else"

const (
	fewestExamples = 20 // in each mapping
	fewestRows     = 40 // in each data.sql
)

// TestExamples takes each folder at its word: the mappings fit the tables that its SQL creates, `truc check` finds nothing to
// mend, the examples come out as they say, and so does each row of data.sql.
func TestExamples(t *testing.T) {
	server := servers.Postgres(t)
	binary := build(t)
	set, err := schemas.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range exampleFolders() {
		t.Run(e.name, func(t *testing.T) {
			dsn := e.database(t, server)
			n := &node{t: t, binary: binary, dir: t.TempDir(), env: []string{e.dsn + "=" + dsn}}
			if e.secret != "" {
				n.env = append(n.env, e.secret+"="+exampleKey)
			}
			if err := os.CopyFS(n.dir, os.DirFS(e.path(""))); err != nil {
				t.Fatal(err)
			}
			if out := n.truc(0, "check"); strings.Contains(out, "mappings/") {
				t.Errorf("truc check has something to say about the mappings:\n%s", out)
			}
			c, problems := config.Load(filepath.Join(n.dir, "truc.yaml"), func(name string) (string, bool) {
				return map[string]string{e.dsn: dsn, e.secret: exampleKey}[name], name == e.dsn || name == e.secret
			})
			if problems.Err() != nil {
				t.Fatal(problems)
			}
			x := exampleRun{t: t, dsn: dsn, config: c, set: set, remarks: e.remarks(t)}
			for _, name := range c.PublishNames() {
				x.source(c.Publish[name].Mapping)
			}
			for _, name := range c.SubscribeNames() {
				x.sink(c.Subscribe[name].Mapping)
			}
			for _, part := range e.says {
				if !strings.Contains(x.documents.String(), part) {
					t.Errorf("no document says %s", part)
				}
			}
		})
	}
}

// database makes a database as the folder's SQL does.
func (e exampleFolder) database(t *testing.T, server *servers.PostgresServer) string {
	t.Helper()
	name := "example_" + strings.ToLower(rand.Text()[:12])
	execute(t, server.DSN, "CREATE DATABASE "+name+e.encoding)
	t.Cleanup(func() {
		ctx := context.Background() // that of the test is over
		conn, err := pgx.Connect(ctx, server.DSN)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close(ctx)
		if _, err := conn.Exec(ctx, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	dsn := database(t, server.DSN, name)
	for _, file := range []string{"schema.sql", "data.sql"} {
		text, err := os.ReadFile(e.path(file))
		if err != nil {
			t.Fatal(err)
		}
		execute(t, dsn, string(text))
	}
	return dsn
}

// rowLine is a row of an INSERT with its remark: "  (17, …), -- tên tổ hợp".
var rowLine = regexp.MustCompile(`(?m)^  \(('?[^,]+'?), .*\)[,;] -- (.+)$`)

// remarks returns what data.sql says of each row, by the first value in it.
func (e exampleFolder) remarks(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(e.path("data.sql"))
	if err != nil {
		t.Fatal(err)
	}
	remarks := map[string]string{}
	lines := rowLine.FindAllStringSubmatch(string(text), -1)
	for _, m := range lines {
		remarks[m[1]] = m[2]
	}
	if len(lines) < fewestRows {
		t.Errorf("%s/data.sql has %d rows, want at least %d", e.name, len(lines), fewestRows)
	}
	return remarks
}

// exampleRun is the work on one folder.
type exampleRun struct {
	t       *testing.T
	dsn     string
	config  *config.Config
	set     *schemas.Set
	remarks map[string]string
	// documents are those of the rows, one after the other.
	documents strings.Builder
}

func (x *exampleRun) env() mapping.Env {
	env := mapping.Env{Set: x.set, Agency: x.config.Agency, Pseudonyms: map[string][]byte{}}
	for name, key := range x.config.Pseudonyms {
		env.Pseudonyms[name] = []byte(key)
	}
	return env
}

func (x *exampleRun) parse(path string) (*mapping.File, *schemas.Dataset) {
	x.t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		x.t.Fatal(err)
	}
	within, err := filepath.Rel(x.config.Dir, path)
	if err != nil {
		x.t.Fatal(err)
	}
	f, problems := mapping.Parse(within, data, &mapping.Files{Root: os.DirFS(x.config.Dir), Path: filepath.ToSlash(within)})
	if len(problems) > 0 {
		x.t.Fatal(problems)
	}
	dataset, err := x.set.Dataset(f.Dataset)
	if err != nil {
		x.t.Fatal(err)
	}
	return f, dataset
}

// run runs the examples of a mapping against the real table.
func (x *exampleRun) run(f *mapping.File, table *record.Table, dataset *schemas.Dataset) {
	x.t.Helper()
	results, problems := f.RunExamples(table, dataset, x.env())
	if len(problems) > 0 {
		x.t.Error(problems)
	}
	if len(results) < fewestExamples {
		x.t.Errorf("%s has %d examples, want at least %d", f.Name, len(results), fewestExamples)
	}
}

// source runs the examples of a source mapping and translates every row of the table.
func (x *exampleRun) source(path string) {
	x.t.Helper()
	f, dataset := x.parse(path)
	cfg := postgres.Adapter.Defaults()
	cfg.DSN = x.dsn
	source, err := postgres.Adapter.Source(cfg, adapters.Env{Name: "example", Agency: x.config.Agency, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		x.t.Fatal(err)
	}
	defer source.Close()
	describer, scanner := source.(adapters.Describer), source.(adapters.Scanner)
	infos, err := describer.Describe(x.t.Context(), f.Table)
	if err != nil {
		x.t.Fatal(err)
	}
	table := infos[0].Table
	x.run(f, table, dataset)
	plan, problems := mapping.CompileSource(f, table, dataset, x.env())
	if len(problems) > 0 {
		x.t.Fatal(problems)
	}
	translator := plan.NewTranslator()
	seen := 0
	err = scanner.Scan(x.t.Context(), f.Table, func(_ *record.Table, rows []record.Row) error {
		for _, row := range rows {
			seen++
			x.row(translator, dataset, row)
		}
		return nil
	})
	if err != nil {
		x.t.Fatal(err)
	}
	if seen != len(x.remarks) {
		x.t.Errorf("%s holds %d rows, data.sql has remarks for %d", f.Table, seen, len(x.remarks))
	}
}

// row translates a row and compares what becomes of it with the end of its remark: ": vi phạm" is not valid, ": bỏ qua" is
// skipped, ": xóa" is a deletion, and everything else is published.
func (x *exampleRun) row(translator *mapping.Translator, dataset *schemas.Dataset, row record.Row) {
	x.t.Helper()
	id := string(row[0].Append(nil))
	remark, ok := x.remarks[id]
	if !ok {
		x.t.Errorf("data.sql has no remark for the row %s", id)
	}
	var rules []string
	got := map[mapping.Verdict]string{mapping.Live: "", mapping.Filtered: "bỏ qua", mapping.Gone: "xóa"}[translator.Keep(row)]
	if got == "" {
		doc, _, violations := translator.Document(nil, row)
		x.documents.Write(doc)
		if len(violations) == 0 {
			violations = dataset.Check(doc)
		}
		for _, v := range violations {
			rules = append(rules, v.Rule+" at "+v.Pointer)
		}
		if len(violations) > 0 {
			got = "vi phạm"
		} else if _, known := translator.Key(nil, row); !known {
			x.t.Errorf("row %s (%s) is published without a key", id, remark)
		}
	}
	want := ""
	for _, word := range []string{"vi phạm", "bỏ qua", "xóa"} {
		if strings.HasSuffix(remark, ": "+word) {
			want = word
		}
	}
	if got != want {
		x.t.Errorf("row %s (%s) comes out as %q %v, want %q", id, remark, got, rules, want)
	}
}

// sink runs the examples of a sink mapping.
func (x *exampleRun) sink(path string) {
	x.t.Helper()
	f, dataset := x.parse(path)
	cfg := postgres.Adapter.Defaults()
	cfg.DSN = x.dsn
	sink, err := postgres.Adapter.Sink(cfg, adapters.Env{Name: "example", Agency: x.config.Agency, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		x.t.Fatal(err)
	}
	defer sink.Close()
	infos, err := sink.(adapters.SinkDescriber).Describe(x.t.Context(), f.Table)
	if err != nil {
		x.t.Fatal(err)
	}
	x.run(f, infos[0].Table, dataset)
}
