package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/lienthong/truc/pipeline"
	"github.com/lienthong/truc/tests/servers"
)

// TestLostSlot: the server has thrown away the log that the node still needed. check and run say so with the exit code of a
// gap, and the resnapshot that they advise lets the node start again: its own preflight must not stand in the way.
func TestLostSlot(t *testing.T) {
	dsn := servers.NewPostgres(t, "max_slot_wal_keep_size=1MB", "max_wal_size=32MB", "wal_keep_size=0").Database(t)
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	sql := func(text string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	sql(`CREATE TABLE khai_sinh (id int PRIMARY KEY, so_dk text, quyen text, ngay_dk text, ho_ten text, gioi_tinh text)`)
	sql(`ALTER TABLE khai_sinh REPLICA IDENTITY FULL`)
	sql(`INSERT INTO khai_sinh VALUES (1, '12', '01/2020', '05/03/2020', 'Nguyễn Thị Mẫu', '2')`)
	sql(`CREATE TABLE other (v text)`)
	b := &bench{dir: t.TempDir()}
	b.write(t, "khai_sinh.yaml", birthsMapping)
	listen := freeAddress(t)
	b.write(t, "truc.yaml", "agency: H44.15\nregistry: { url: https://chuan.phutho.example/ }\nsources: { hotich: { postgres: { dsn: \"${env:PG}\" } } }\npublish: { khaisinh: { source: hotich, mapping: khai_sinh.yaml } }\nhttp: { listen: \""+listen+"\" }\n")
	truc := func(ctx context.Context, args ...string) (code int, stdout, stderr string) {
		var out, log lockedBuffer
		code = Main(ctx, append([]string{"-c", filepath.Join(b.dir, "truc.yaml")}, args...), strings.NewReader(""), &out, &log, func(name string) (string, bool) {
			if name == "PG" {
				return dsn, true
			}
			return os.LookupEnv(name)
		})
		return code, out.String(), log.String()
	}
	// streams runs the node until it streams, and returns its epoch.
	streams := func() (epoch uint64) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan string)
		go func() {
			_, _, log := truc(ctx, "run")
			done <- log
		}()
		defer func() {
			cancel()
			if log := <-done; t.Failed() {
				t.Log(log)
			}
		}()
		until(t, "the source streams", func() bool {
			s, err := fetchStatus(ctx, listen)
			if err != nil || len(s.Readers) != 1 || s.Readers[0].State != pipeline.StateRunning {
				return false
			}
			epoch = uint64(s.Readers[0].Epoch)
			return s.Readers[0].Pipelines[0].Published["snapshot"] > 0
		})
		return epoch
	}
	before := streams()
	for range 6 {
		sql(`INSERT INTO other SELECT repeat('x', 1000) FROM generate_series(1, 5000)`)
		sql(`SELECT pg_switch_wal()`)
		sql(`CHECKPOINT`)
	}
	if code, stdout, _ := truc(t.Context(), "check"); code != exitGap || !strings.Contains(stdout, "truc resnapshot hotich") {
		t.Errorf("check: exit %d\n%s", code, stdout)
	}
	if code, _, log := truc(t.Context(), "run"); code != exitGap || !strings.Contains(log, "truc resnapshot hotich") {
		t.Errorf("run: exit %d\n%s", code, log)
	}
	if code, _, log := truc(t.Context(), "resnapshot", "hotich", "--yes"); code != exitDone {
		t.Fatalf("resnapshot: exit %d\n%s", code, log)
	}
	if after := streams(); after <= before {
		t.Errorf("epoch %d after %d", after, before)
	}
}
