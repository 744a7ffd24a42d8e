package workload_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/schemas"
	"github.com/lienthong/truc/tests/servers"
	"github.com/lienthong/truc/tests/workload"
)

func TestMain(m *testing.M) { os.Exit(servers.Main(m)) }

// Every row is published: a workload with violations would measure dead letters.
func TestEveryRowIsADocument(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := workload.Write(dir); err != nil {
		t.Fatal(err)
	}
	set, err := schemas.LoadFolders(schemas.Folder{Name: workload.Datasets, FS: os.DirFS(filepath.Join(dir, workload.Datasets))})
	if err != nil {
		t.Fatal(err)
	}
	for name, dataset := range map[string]string{workload.Mapping: workload.Dataset, workload.PlainMapping: workload.PlainDataset} {
		text, err := workload.Text(name)
		if err != nil {
			t.Fatal(err)
		}
		file, problems := mapping.Parse(name, text, nil)
		if err := problems.Err(); err != nil {
			t.Fatal(err)
		}
		d, err := set.Dataset(dataset)
		if err != nil {
			t.Fatal(err)
		}
		plan, problems := mapping.CompileSource(file, workload.RecordTable(), d, mapping.Env{Set: set, Agency: workload.Agency})
		if err := problems.Err(); err != nil {
			t.Fatal(err)
		}
		tr := plan.NewTranslator()
		for _, size := range []workload.Size{workload.Small, workload.Usual, workload.Large, workload.Huge} {
			bytes := 0
			for id := range workload.Patterns {
				row := workload.RecordRow(id, size)
				if tr.Keep(row) != mapping.Live {
					t.Fatalf("%s: row %d is not published", name, id)
				}
				doc, remarks, violations := tr.Document(nil, row)
				if len(violations) > 0 || len(remarks) > 0 {
					t.Fatalf("%s, size %d, row %d: violations %v, remarks %v", name, size, id, violations, remarks)
				}
				if !d.Accepts(doc) {
					t.Fatalf("%s, size %d, row %d: the fast check does not prove it: %s", name, size, id, doc)
				}
				bytes += len(doc)
			}
			t.Logf("%s, size %d: %d bytes a document", name, size, bytes/workload.Patterns)
		}
	}
}

// What SQL loads is what RecordRow says, and sizes are about right.
func TestLoad(t *testing.T) {
	t.Parallel()
	conn, err := pgx.Connect(t.Context(), servers.Postgres(t).Database(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	ctx := t.Context()
	if _, err := conn.Exec(ctx, workload.CreateTable); err != nil {
		t.Fatal(err)
	}
	scan := func(question string, answer ...any) {
		t.Helper()
		if err := conn.QueryRow(ctx, question).Scan(answer...); err != nil {
			t.Fatal(err)
		}
	}
	for i, size := range []workload.Size{workload.Small, workload.Usual, workload.Large, workload.Huge} {
		first := i * workload.Patterns
		if err := workload.Load(ctx, conn, size, first, workload.Patterns); err != nil {
			t.Fatal(err)
		}
		var number, name string
		scan("SELECT so_dinh_danh, ho_ten FROM cong_dan ORDER BY id DESC LIMIT 1", &number, &name)
		row := workload.RecordRow(first+workload.Patterns-1, size)
		if want := string(row[0].Bytes); number != want || name != string(row[2].Bytes) {
			t.Errorf("last row: got %s %s, want %s %s", number, name, want, row[2].Bytes)
		}
		var bytes float64
		if err := conn.QueryRow(ctx, "SELECT avg(octet_length(cong_dan::text)) FROM cong_dan WHERE id >= $1", first).Scan(&bytes); err != nil {
			t.Fatal(err)
		}
		t.Logf("size %d: %.0f bytes a row", size, bytes)
		if bytes < float64(size)*0.85 || bytes > float64(size)*1.15 {
			t.Errorf("size %d: rows have %.0f bytes", size, bytes)
		}
	}
	const first = 4 * workload.Patterns
	if err := workload.LoadAtOnce(ctx, conn, workload.Usual, first, workload.Patterns); err != nil {
		t.Fatal(err)
	}
	if err := workload.Update(ctx, conn, first, workload.Patterns); err != nil {
		t.Fatal(err)
	}
	if err := workload.Mix(ctx, conn, workload.Usual, first, workload.Patterns); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(ctx, workload.One, 9007); err != nil {
		t.Fatal(err)
	}
	var rows, changed, alone int
	scan("SELECT count(*), count(*) FILTER (WHERE thuong_tru LIKE 'Số 2 Số 1 %'), count(*) FILTER (WHERE id = 9007 AND so_dinh_danh = '001157009007') FROM cong_dan WHERE id >= 4000",
		&rows, &changed, &alone)
	if rows != 800+400+1 || changed != 400 || alone != 1 {
		t.Errorf("after all changes: got %d rows, %d changed twice, %d inserted alone; want 1201, 400, 1", rows, changed, alone)
	}
}
