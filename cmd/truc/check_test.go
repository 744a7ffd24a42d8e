package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/lienthong/truc/tests/servers"
)

// TestCheckPostgres asks a real server: what it lacks is reported with the statement that mends it, all at once.
func TestCheckPostgres(t *testing.T) {
	ctx := context.Background()
	dsn := servers.Postgres(t).Database(t)
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	for _, sql := range []string{
		`CREATE TABLE khai_sinh (id int PRIMARY KEY, so_dk text, quyen text, ngay_dk text, ho_ten text, gioi_tinh text)`,
		`ALTER TABLE khai_sinh REPLICA IDENTITY FULL`,
		`CREATE TABLE khong_khoa (so_dk text, quyen text, ngay_dk text, ho_ten text, gioi_tinh text)`,
		`CREATE SCHEMA bhyt`,
		`CREATE TABLE bhyt.tre_em (co_quan text, so_ks text, ho_ten text, PRIMARY KEY (co_quan, so_ks))`,
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			t.Fatal(err)
		}
	}
	b := &bench{dir: t.TempDir()}
	b.write(t, "mappings/khai_sinh.yaml", birthsMapping)
	b.write(t, "mappings/tre_em.yaml", childrenMapping)
	const head = "agency: H44.15\nregistry: { url: https://chuan.phutho.example/ }\nsources: { hotich: { postgres: { dsn: \"${env:PG}\" } } }\nsinks: { bhyt: { postgres: { dsn: \"${env:PG}\" } } }\n"
	check := func(publish, subscribe string) (int, string) {
		t.Helper()
		b.write(t, "truc.yaml", head+"publish: { khaisinh: { source: hotich, mapping: mappings/khai_sinh.yaml"+publish+" } }\nsubscribe: { tre_em: { agencies: [H44.*], sink: bhyt, mapping: mappings/"+subscribe+" } }\n")
		var stdout, stderr bytes.Buffer
		code := Main(ctx, []string{"check", "-c", filepath.Join(b.dir, "truc.yaml")}, nil, &stdout, &stderr, func(name string) (string, bool) {
			if name == "PG" {
				return dsn, true
			}
			return os.LookupEnv(name)
		})
		if stderr.Len() > 0 {
			t.Errorf("stderr: %s", stderr.String())
		}
		return code, stdout.String()
	}
	expect := func(code, want int, stdout string, parts ...string) {
		t.Helper()
		if code != want {
			t.Errorf("exit code %d, want %d", code, want)
		}
		for _, p := range parts {
			if !strings.Contains(stdout, p) {
				t.Errorf("the report lacks %q:\n%s", p, stdout)
			}
		}
	}

	code, stdout := check("", "tre_em.yaml")
	expect(code, exitDone, stdout, "truc.yaml is in order: 1 publishing pipeline, 1 delivery")

	b.write(t, "mappings/hong.yaml", strings.Replace(childrenMapping, "ho_ten:", "ho_tenn:", 1))
	code, stdout = check(", table: public.khong_khoa", "hong.yaml")
	expect(code, exitUsage, stdout,
		`ALTER TABLE "public"."khong_khoa" ADD PRIMARY KEY`,
		"columns.ho_tenn: lỗi: ", `error: table bhyt.tre_em has no column "ho_tenn"`)

	code, stdout = check(", table: public.khai_sin", "tre_em.yaml")
	expect(code, exitUsage, stdout, "publish.khaisinh.table (postgres ", "error: there is no table public.khai_sin\n    fix: did you mean public.khai_sinh?")

	dsn = strings.Replace(dsn, "/truc_", "/mat_", 1)
	code, stdout = check("", "tre_em.yaml")
	expect(code, exitUsage, stdout, "sources.hotich: lỗi: ", "sinks.bhyt: lỗi: ", "does not exist", "correct the database name in the dsn")
}
