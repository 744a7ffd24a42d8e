package docs

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/lienthong/truc/tests/servers"
)

const startPage = "docs/getting-started.md"

// TestGettingStarted does what the page says, with its own SQL, files and commands, on a PostgreSQL and a Kafka of its own:
// the names in the page are fixed. Only the addresses of the servers differ.
func TestGettingStarted(t *testing.T) {
	postgres, kafka := servers.NewPostgres(t), servers.NewKafka(t)
	sql := inLanguage(t, startPage, "sql", 5)
	registry, insurer, reader, writer, register := sql[0], sql[1], sql[2], sql[3], sql[4]
	execute(t, postgres.DSN, "CREATE DATABASE hotich")
	execute(t, postgres.DSN, "CREATE DATABASE bhyt")
	hotich, bhyt := database(t, postgres.DSN, "hotich"), database(t, postgres.DSN, "bhyt")
	execute(t, hotich, registry)
	execute(t, bhyt, insurer)
	execute(t, hotich, reader)
	execute(t, bhyt, writer)

	server, err := url.Parse(postgres.DSN)
	if err != nil {
		t.Fatal(err)
	}
	n := &node{t: t, binary: build(t), dir: t.TempDir()}
	for _, line := range inLanguage(t, startPage, "sh", 3) {
		for _, export := range regexp.MustCompile(`(?m)^export (\w+)='(.*)'$`).FindAllStringSubmatch(line, -1) {
			n.env = append(n.env, export[1]+"="+replaced(t, export[2], "127.0.0.1:5432", server.Host))
		}
	}
	write(t, n.dir,
		"truc.yaml", replaced(t, file(t, startPage, "truc.yaml"), "127.0.0.1:9092", kafka.Addr)+"http: { listen: \""+freeAddress(t)+"\" }\n",
		"khai_sinh.yaml", file(t, startPage, "khai_sinh.yaml"),
		"tre_em.yaml", file(t, startPage, "tre_em.yaml"))

	if out := n.truc(0, "check"); strings.Contains(out, "error") {
		t.Errorf("truc check reports an error and exits with 0:\n%s", out)
	}
	r := n.run()
	children := func(want string) func() bool {
		return func() bool {
			return rows(t, bhyt, "SELECT so, ho_ten, ngay_sinh, gioi FROM tre_em ORDER BY so") == want
		}
	}
	first := "12 Nguyễn Thị Mẫu 2026-02-28 F\n"
	r.until("row 1 is in tre_em", children(first))
	n.truc(0, "status")
	n.truc(0, "verify")
	execute(t, hotich, register)
	r.until("row 2 is in tre_em", children(first+"13 Trần Văn Thử 2026 M\n"))
	n.truc(0, "verify")
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// replaced replaces what the page must say.
func replaced(t *testing.T, text, old, by string) string {
	t.Helper()
	if !strings.Contains(text, old) {
		t.Fatalf("the page no longer says %q", old)
	}
	return strings.ReplaceAll(text, old, by)
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// database is the address of another database of a server.
func database(t *testing.T, dsn, name string) string {
	t.Helper()
	address, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	address.Path = "/" + name
	return address.String()
}

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// execute runs statements as psql would.
func execute(t *testing.T, dsn, statements string) {
	t.Helper()
	conn := connect(t, dsn)
	defer conn.Close(context.Background())
	if _, err := conn.PgConn().Exec(t.Context(), statements).ReadAll(); err != nil {
		t.Fatalf("%v in\n%s", err, statements)
	}
}

// rows reads a query as text, a line a row.
func rows(t *testing.T, dsn, query string) string {
	t.Helper()
	conn := connect(t, dsn)
	defer conn.Close(context.Background())
	found, err := conn.Query(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for found.Next() {
		values, err := found.Values()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&text, values...)
	}
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	return text.String()
}
