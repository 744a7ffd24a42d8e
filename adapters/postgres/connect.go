package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/problem"
)

// sessionSettings decide how PostgreSQL writes values as text. They are sent in the start-up packet of every connection,
// replication included, because settings of the role or the database change the text of both (correctness: a date must
// not read differently in the snapshot than in the stream). row_security=off makes a table whose policies would hide rows
// from this role fail instead of being read in part.
var sessionSettings = [...][2]string{
	{"datestyle", "ISO, YMD"},
	{"intervalstyle", "postgres"},
	{"extra_float_digits", "1"},
	{"bytea_output", "hex"},
	{"xmlbinary", "base64"},
	{"timezone", "UTC"},
	{"lc_monetary", "C"},
	{"row_security", "off"},
	{"search_path", usualPath},
	{"statement_timeout", "0"},
	{"lock_timeout", "0"},
	{"idle_in_transaction_session_timeout", "0"},
	{"idle_session_timeout", "0"},
	{"default_transaction_read_only", "off"},
}

// server is where a DSN leads: it opens connections with the session settings and turns the driver's errors into ours.
type server struct {
	config *pgconn.Config
	// name stands in every error: host, port and database, never the credentials.
	name        string
	application string
}

func newServer(dsn, application string) (*server, error) {
	config, err := pgconn.ParseConfig(dsn)
	if err != nil {
		// Validate has said why; the driver's text may repeat the password.
		return nil, errors.New("the dsn is not a PostgreSQL connection string")
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 10 * time.Second
	}
	where := net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port)))
	if strings.HasPrefix(config.Host, "/") {
		where = config.Host + ":" + strconv.Itoa(int(config.Port))
	}
	return &server{config: config, name: "postgres " + where + "/" + config.Database, application: application}, nil
}

// connect opens a session for SQL in the given client encoding.
func (s *server) connect(ctx context.Context, encoding string) (*session, error) {
	pg, in, err := s.dial(ctx, encoding, sessionBuffer, nil)
	if err != nil {
		return nil, s.explain(err)
	}
	return &session{pg: pg, in: in, server: s}, nil
}

// sql opens a session for SQL in the encoding that suits the database: UTF8, except that a SQL_ASCII database, which does
// not know its encoding, passes its bytes unchanged. With UTF8 it would refuse every text that is not valid UTF-8.
func (s *server) sql(ctx context.Context) (*session, error) {
	c, err := s.connect(ctx, "UTF8")
	if err != nil {
		return nil, err
	}
	if c.encoding() == "SQL_ASCII" {
		if _, err := c.query(ctx, "SET client_encoding = 'SQL_ASCII'"); err != nil {
			return nil, errors.Join(err, c.close())
		}
	}
	return c, nil
}

// replication opens a walsender connection, with what it is read through.
func (s *server) replication(ctx context.Context, encoding string) (*pgconn.PgConn, *messages, error) {
	pg, in, err := s.dial(ctx, encoding, logBuffer, map[string]string{"replication": "database"})
	if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Code == "42501" {
		return nil, nil, s.mayNotReplicate()
	}
	return pg, in, s.explain(err)
}

func (s *server) dial(ctx context.Context, encoding string, buffer int, params map[string]string) (*pgconn.PgConn, *messages, error) {
	config := s.config.Copy()
	for k := range config.RuntimeParams {
		for _, set := range sessionSettings {
			if strings.EqualFold(k, set[0]) {
				delete(config.RuntimeParams, k)
			}
		}
	}
	for _, set := range sessionSettings {
		config.RuntimeParams[set[0]] = set[1]
	}
	config.RuntimeParams["client_encoding"] = encoding
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = s.application
	}
	for k, v := range params {
		config.RuntimeParams[k] = v
	}
	var in *messages    // of the last attempt, which is the one that succeeds
	var socket net.Conn // of the present attempt; TLS, if any, is spoken over it
	dial := config.DialFunc
	config.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		var err error
		socket, err = dial(ctx, network, address)
		return socket, err
	}
	config.BuildFrontend = func(r io.Reader, w io.Writer) *pgproto3.Frontend {
		if buffer == logBuffer {
			r = gather(r, socket)
		}
		in = newMessages(r, buffer)
		return pgproto3.NewFrontend(in, w)
	}
	pg, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		return nil, nil, err
	}
	return pg, in, nil
}

func (s *server) mayNotReplicate() *adapters.RefusedError {
	role := quote(s.config.User)
	return &adapters.RefusedError{Where: s.name, What: problem.Say("role %s may not read the log", role), Fix: problem.Say("ALTER ROLE %s REPLICATION", role)}
}

// explain turns an error of the driver into one that carries a decision. Its text never holds a value: PostgreSQL quotes
// data in every detail and in the messages of some classes, and what functions of the agency raise (P0, and 38, 39 from
// other languages) may say anything.
func (s *server) explain(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return s.unreachable(err)
	}
	refuse := func(what, fix problem.Text) error {
		return &adapters.RefusedError{Where: s.name, What: what, Fix: fix}
	}
	switch pg.Code {
	case "28P01":
		return refuse(problem.Say("the server refuses the password of user %s", s.config.User), problem.Say("correct the password the dsn refers to"))
	case "28000":
		return refuse(problem.Say("the server refuses user %s: %s", s.config.User, pg.Message), problem.Say("create the role, or admit it in pg_hba.conf"))
	case "3D000":
		return refuse(problem.Say("database %s does not exist", s.config.Database), problem.Say("correct the database name in the dsn"))
	case "42501":
		return refuse(problem.Verbatim(pg.Message), problem.Say("run truc check: it names the missing privilege and the statement that grants it"))
	case "55006": // object_in_use: the slot has another reader
		return s.unreachable(errors.New(pg.Message))
	}
	switch pg.Code[:min(2, len(pg.Code))] {
	case "08", "53", "57", "40":
		return s.unreachable(fmt.Errorf("%s (SQLSTATE %s)", pg.Message, pg.Code))
	case "22", "23", "27", "38", "39", "44", "HV", "P0":
		return fmt.Errorf("%s: statement failed with SQLSTATE %s", s.name, pg.Code)
	}
	return fmt.Errorf("%s: %s (SQLSTATE %s)", s.name, pg.Message, pg.Code)
}

func (s *server) unreachable(err error) error {
	if ce, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		err = ce.Unwrap() // without the repeated user and database
	}
	return &adapters.UnreachableError{Where: s.name, Err: err}
}

// session is a connection for SQL, text format throughout. One goroutine uses it at a time.
type session struct {
	pg     *pgconn.PgConn
	in     *messages
	server *server
	// statements are the names of what is prepared, by SQL.
	statements map[string]string
}

// encoding is the server's.
func (c *session) encoding() string { return c.pg.ParameterStatus("server_encoding") }

// major is the server's version, 15; 0 when it tells something else.
func (c *session) major() int {
	version := c.pg.ParameterStatus("server_version") // "15.19 (Debian …)", "19beta1"
	if end := strings.IndexFunc(version, func(r rune) bool { return r < '0' || r > '9' }); end >= 0 {
		version = version[:end]
	}
	n, _ := strconv.Atoi(version)
	return n
}

// query runs one statement and returns all its rows; a nil cell is null.
func (c *session) query(ctx context.Context, sql string, args ...[]byte) ([][][]byte, error) {
	result := c.pg.ExecParams(ctx, sql, args, nil, nil, nil).Read()
	if result.Err != nil {
		return nil, c.explain(ctx, result.Err)
	}
	return result.Rows, nil
}

// prepared is query for a statement that is run for every chunk: the server plans it once. Planning what is asked of the catalog
// takes longer than reading the rows of a chunk.
func (c *session) prepared(ctx context.Context, sql string, args ...[]byte) ([][][]byte, error) {
	name, ok := c.statements[sql]
	if !ok {
		name = "truc_" + strconv.Itoa(len(c.statements)+1)
		if _, err := c.pg.Prepare(ctx, name, sql, nil); err != nil {
			return nil, c.explain(ctx, err)
		}
		if c.statements == nil {
			c.statements = map[string]string{}
		}
		c.statements[sql] = name
	}
	result := c.pg.ExecPrepared(ctx, name, args, nil, nil).Read()
	if result.Err != nil {
		return nil, c.explain(ctx, result.Err)
	}
	return result.Rows, nil
}

// row runs a statement that yields exactly one row.
func (c *session) row(ctx context.Context, sql string, args ...[]byte) ([][]byte, error) {
	rows, err := c.query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	if len(rows) != 1 {
		return nil, fmt.Errorf("%s: expected one row, got %d", c.server.name, len(rows))
	}
	return rows[0], nil
}

// each runs one statement and hands over its rows one by one; the cells are valid until fn returns. It reads to the end
// even when fn fails, so that the session stays usable.
func (c *session) each(ctx context.Context, sql string, args [][]byte, fn func([][]byte) error) error {
	var failed error
	var fields [][]byte
	result := c.pg.ExecParams(ctx, sql, args, nil, nil, nil)
	for result.NextRow() { // the first row, and whichever is too large for the buffer
		if failed == nil {
			failed = fn(result.Values())
		}
		for {
			row, ok := c.in.take('D')
			if !ok {
				break
			}
			if failed != nil {
				continue
			}
			if fields, failed = appendFields(fields[:0], row); failed == nil {
				failed = fn(fields)
			}
		}
	}
	if _, err := result.Close(); err != nil {
		return c.explain(ctx, err)
	}
	return failed
}

// appendFields cuts the body of a DataRow message into its fields.
func appendFields(dst [][]byte, row []byte) ([][]byte, error) {
	in := input{b: row}
	for range in.uint16() {
		n := int32(in.uint32())
		if n < 0 {
			dst = append(dst, nil)
			continue
		}
		dst = append(dst, in.take(int(n)))
	}
	return dst, in.err()
}

func (c *session) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return c.server.explain(err)
}

// close says good-bye and waits at most a moment for it.
func (c *session) close() error {
	if c == nil {
		return nil
	}
	return hangUp(c.pg)
}

// hangUp closes a connection in whatever state it is.
func hangUp(pg *pgconn.PgConn) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if !pg.IsClosed() {
		return pg.Close(ctx)
	}
	// It broke: the driver is cancelling what ran and closing, in the background.
	_ = pg.Conn().Close()
	select {
	case <-pg.CleanupDone():
	case <-ctx.Done():
	}
	return nil
}
