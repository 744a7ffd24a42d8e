package postgres

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/tests/servers"
)

// BenchmarkDrain reads a backlog of rows of 21 columns from the slot, and the same rows by snapshot, and reports rows a second.
func BenchmarkDrain(b *testing.B) {
	const rows = 100_000
	db := newDatabase(b, servers.Postgres(b).Database(b))
	var columns, values []string
	for i := range 20 {
		columns = append(columns, fmt.Sprintf("c%d text", i))
		values = append(values, fmt.Sprintf("'Phường Vĩnh Yên %d'", i))
	}
	db.run("CREATE TABLE a (id int PRIMARY KEY, "+strings.Join(columns, ", ")+")", "CREATE TABLE empty (id int PRIMARY KEY)",
		"CREATE PUBLICATION truc_h44_15_hotich FOR TABLE a, empty WITH (publish_via_partition_root = true)")
	fill := "INSERT INTO a SELECT i, " + strings.Join(values, ", ") + " FROM generate_series(1, " + strconv.Itoa(rows) + ") i"
	// Only what read does counts: rows/s, not ns/op.
	read := func(b *testing.B, c *client, want record.Op) {
		began := time.Now()
		for n := 0; n < rows; {
			batch, err := c.Read(context.Background())
			if err != nil {
				b.Fatal(err)
			}
			for i := range batch.Records {
				if batch.Records[i].Op == want {
					n++
				}
			}
			batch.Release()
		}
		b.ReportMetric(rows/time.Since(began).Seconds(), "rows/s")
		_ = c.Close()
	}
	b.Run("stream", func(b *testing.B) {
		for b.Loop() {
			c := open(b, db.dsn, nil, "public.empty")
			c.snapshotted(1)
			_ = c.Close()
			db.run("TRUNCATE a", fill)
			// The table is asked for only now; its snapshot comes after the backlog.
			read(b, open(b, db.dsn, c.position, "public.empty", "public.a"), record.Create)
		}
	})
	b.Run("snapshot", func(b *testing.B) {
		for b.Loop() {
			db.run("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database() AND NOT active")
			read(b, open(b, db.dsn, nil, "public.a"), record.Snapshot)
		}
	})
}
