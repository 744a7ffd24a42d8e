package servers_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/segmentio/kafka-go"

	"github.com/lienthong/truc/tests/servers"
)

func TestMain(m *testing.M) { os.Exit(servers.Main(m)) }

func TestPostgresSurvivesKill(t *testing.T) {
	t.Parallel()
	server := servers.NewPostgres(t, "max_replication_slots=2")
	dsn := server.Database(t)
	query(t, dsn, `CREATE TABLE tre_em AS SELECT 7 AS n`)

	server.Kill()
	if _, err := pgx.Connect(t.Context(), dsn); err == nil {
		t.Fatal("a killed server answers")
	}
	server.Start()
	server.Stop()
	server.Start()
	if got := query(t, dsn, `SELECT n::text FROM tre_em`); got != "7" {
		t.Errorf("row after kill and restart: got %q, want 7", got)
	}
	if got := query(t, dsn, `SHOW max_replication_slots`); got != "2" {
		t.Errorf("max_replication_slots: got %s, want 2", got)
	}
}

func TestDatabaseIsDroppedWithItsSlots(t *testing.T) {
	t.Parallel()
	server := servers.Postgres(t)
	t.Run("use", func(t *testing.T) {
		dsn := server.Database(t)
		query(t, dsn, `SELECT slot_name::text FROM pg_create_logical_replication_slot('servers_test', 'pgoutput')`)
	})
	if got := query(t, server.DSN, `SELECT count(*)::text FROM pg_replication_slots WHERE slot_name = 'servers_test'`); got != "0" {
		t.Errorf("slots left after the test: got %s, want 0", got)
	}
}

func TestKafkaSurvivesKill(t *testing.T) {
	t.Parallel()
	server := servers.NewKafka(t)
	client := &kafka.Client{Addr: kafka.TCP(server.Addr), Transport: &kafka.Transport{}}
	created, err := client.CreateTopics(t.Context(), &kafka.CreateTopicsRequest{
		Topics: []kafka.TopicConfig{{Topic: "t", NumPartitions: 1, ReplicationFactor: 1}},
	})
	if err == nil {
		err = created.Errors["t"]
	}
	if err != nil {
		t.Fatal(err)
	}
	produce := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := client.Produce(ctx, &kafka.ProduceRequest{
			Topic: "t", RequiredAcks: kafka.RequireAll,
			Records: kafka.NewRecordReader(kafka.Record{Value: kafka.NewBytes([]byte("v"))}),
		})
		return err
	}
	// The leader of a new partition takes a moment to know that it is.
	eventually(t, produce)

	server.Pause()
	if err := produce(); err == nil {
		t.Error("a paused broker answers")
	}
	server.Resume()
	server.Kill()
	if err := produce(); err == nil {
		t.Error("a killed broker answers")
	}
	server.Start()
	eventually(t, produce)
	server.Stop()
	server.Start()
	eventually(t, produce)
}

func TestKafkaIsShared(t *testing.T) {
	t.Parallel()
	if a, b := servers.Kafka(t).Addr, servers.Kafka(t).Addr; a != b {
		t.Errorf("addresses differ: %s, %s", a, b)
	}
}

func eventually(t *testing.T, try func() error) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// query runs one statement and returns the first column of its first row, "" when it has none.
func query(t *testing.T, dsn, statement string) (text string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	rows, err := conn.Query(t.Context(), statement)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	if rows.Next() {
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return text
}
