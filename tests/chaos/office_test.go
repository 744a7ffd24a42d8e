//go:build linux

package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/lienthong/truc/tests/nodes"
	"github.com/lienthong/truc/tests/servers"
)

// world is the servers that the runs of a process share, one run at a time.
type world struct {
	source, sink *servers.PostgresServer
	kafka        *servers.KafkaServer
	front        *front
	stepping     func() string // builds truc with a clock of its own, once
}

// office is what one run works with: a publisher's and a subscriber's database, their configurations and processes.
type office struct {
	tb            testing.TB
	world         *world
	binary        string
	rng           *rand.Rand
	agency, topic string
	source, sink  string // DSN
	dir           string
	throughSource *proxy
	throughSink   *proxy
	book          *book
	pub, sub      *process
	log           []string // what was done, and when
	began         time.Time
	injected      []string
	settled       time.Duration // from the last change to the last row at the sink
	memoryMiB     int
	server        *servers.PostgresServer // of the source
	clerks        []*clerk
	gate          *sync.RWMutex  // closed while no clerk may write
	partitions    int            // of the topic
	unfit         int            // rows that cannot be published, or are the harness's own
	piles         int            // of rows that were written at once
	restarts      int            // of nodes that ended by themselves
	embedded      bool           // one node publishes and subscribes: pub and sub are the same, and its bus ends with it
	broker        string         // address of the bus
	disk          *disk          // on which the bus lies; nil for that of everything
	kept          []*nodes.Event // what the topic said before it was compacted
}

// partitions is how many a topic has when nobody says otherwise.
const partitions = 3

const mappingOut = `dataset: hotich.khaisinh.v1
table: public.khai_sinh
only: hien
fields:
  so: so
  quyenSo: { const: "01/2026" }
  ngayDangKy: ngay_dk
  loaiDangKy: { const: "1" }
  noiDangKy: { ma: { const: %s } }
  nguoiKy: nguoi_ky
  ghiChu: ghi_chu
  nguoiDuocKhaiSinh: { hoTen: ho_ten, gioiTinh: { const: "2" }, ngaySinh: { giaTri: { const: "2026-01-02" }, doChinhXac: { const: ngay } } }
`

const mappingIn = `dataset: hotich.khaisinh.v1
table: public.tre_em
key: { quyen: quyenSo, so: so }
columns: { nguoi_ky: nguoiKy, ghi_chu: ghiChu }
`

// sinkTable keeps everything that is ever written to it.
const sinkTable = `CREATE TABLE tre_em (quyen text, so text, nguoi_ky text, ghi_chu text, PRIMARY KEY (quyen, so));
CREATE TABLE da_ghi (n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, so text NOT NULL, nguoi_ky text);
CREATE FUNCTION ghi() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF TG_OP = 'DELETE' THEN INSERT INTO da_ghi (so) VALUES (OLD.so); ELSE INSERT INTO da_ghi (so, nguoi_ky) VALUES (NEW.so, NEW.nguoi_ky); END IF;
  RETURN NULL; END $$;
CREATE TRIGGER ghi AFTER INSERT OR UPDATE OR DELETE ON tre_em FOR EACH ROW EXECUTE FUNCTION ghi();`

// newOffice prepares a run with some faults, all of them of one kind of bus.
func newOffice(tb testing.TB, w *world, binary string, rng *rand.Rand, todo []fault) *office {
	tb.Helper()
	agency := fmt.Sprintf("X%02d.%03d.%03d", rng.IntN(100), rng.IntN(1000), rand.IntN(1000))
	o := &office{
		server: w.source, gate: new(sync.RWMutex), partitions: partitions,
		tb: tb, world: w, binary: binary, rng: rng, agency: agency, topic: "hotich.khaisinh.v1." + strings.ToLower(agency),
		source: w.source.Database(tb), sink: w.sink.Database(tb), dir: tb.TempDir(), began: time.Now(),
		book: &book{steps: map[string][]state{}, before: map[string]int{}, refused: map[string]bool{}},
	}
	o.exec(o.source, table)
	o.exec(o.sink, sinkTable)
	o.throughSource, o.throughSink = newProxy(tb, o.source), newProxy(tb, o.sink)
	nodes.Write(tb, filepath.Join(o.dir, "secrets/source"), o.throughSource.dsn)
	nodes.Write(tb, filepath.Join(o.dir, "secrets/sink"), o.throughSink.dsn)
	nodes.Write(tb, filepath.Join(o.dir, "khai_sinh.yaml"), fmt.Sprintf(mappingOut, agency))
	nodes.Write(tb, filepath.Join(o.dir, "tre_em.yaml"), mappingIn)
	if slices.ContainsFunc(todo, func(f fault) bool { return f.stepped }) {
		o.binary = w.stepping()
	}
	small := slices.ContainsFunc(todo, func(f fault) bool { return f.smallDisk })
	if o.embedded = todo[0].embedded; o.embedded {
		o.prepareEmbedded(small)
		return o
	}
	if small {
		o.disk = newDisk(tb)
		o.world = &world{source: w.source, sink: w.sink}
		o.world.kafka, o.world.front = newFronted(tb, "log.dirs="+filepath.Join(o.disk.dir, "logs"))
	}
	o.broker = o.world.kafka.Addr
	bus := fmt.Sprintf("{ kafka: { brokers: [\"%s\"], replication: 1 } }", o.world.front.addr)
	o.pub = o.configure("pub.yaml", agency, bus, publishing)
	o.sub = o.configure("sub.yaml", "Y"+agency[1:], bus, fmt.Sprintf(subscribing, agency))
	return o
}

const (
	publishing  = "sources: { hotich: { postgres: { dsn: \"${file:secrets/source}\", chunk_rows: 40 } } }\npublish: { khaisinh: { source: hotich, mapping: khai_sinh.yaml } }\n"
	subscribing = "sinks: { bhyt: { postgres: { dsn: \"${file:secrets/sink}\" } } }\nsubscribe: { tre_em: { agencies: [%s], sink: bhyt, mapping: tre_em.yaml } }\n"
)

// configure writes the configuration of a node.
func (o *office) configure(name, agency, bus, rest string) *process {
	nodes.Write(o.tb, o.file(name), fmt.Sprintf("agency: %s\nregistry: { url: https://chuan.vidu.example/ }\nbus: %s\nhttp: { listen: 127.0.0.1:0 }\n", agency, bus)+rest)
	return &process{office: o, config: name}
}

func (o *office) file(name string) string { return filepath.Join(o.dir, name) }

// note keeps what was done, for whoever reads about a run that failed.
func (o *office) note(format string, args ...any) {
	o.log = append(o.log, fmt.Sprintf("%6.2fs ", time.Since(o.began).Seconds())+fmt.Sprintf(format, args...))
}

func (o *office) exec(dsn, sql string) {
	o.tb.Helper()
	if err := execute(o.tb.Context(), dsn, sql); err != nil {
		o.tb.Fatalf("%.60s: %v", sql, err)
	}
}

func execute(ctx context.Context, dsn, sql string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol)
	return err
}

// value asks for one number; false when the server is away.
func value(dsn, sql string) (n int, ok bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return 0, false
	}
	defer conn.Close(ctx)
	return n, conn.QueryRow(ctx, sql).Scan(&n) == nil
}

// await waits until something is so and reports whether it ever was.
func await(most time.Duration, is func() bool) bool {
	for deadline := time.Now().Add(most); ; {
		if is() {
			return true
		}
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// process is a node that a service manager would keep running: it is started again when it ends.
type process struct {
	office *office
	config string
	node   *nodes.Node
}

func (p *process) start(variables ...string) {
	p.office.tb.Helper()
	p.node = nodes.StartBinary(p.office.tb, p.office.binary, p.office.file(p.config), append(variables, "TRUC_CLOCK="+p.office.file("clock"))...)
}

// tend starts the node again if it has ended.
func (p *process) tend() {
	if !p.node.Ended() {
		return
	}
	o := p.office
	if o.restarts++; p.node.ExitCode() == 2 {
		o.tb.Fatalf("%s does not start:\n%s", p.config, p.node.Log.Tail(8))
	}
	o.note("%s ended with %d: %s", p.config, p.node.ExitCode(), p.node.Log.Tail(1))
	p.start()
}

func (p *process) kill() {
	p.office.memoryMiB = max(p.office.memoryMiB, p.node.MiB())
	p.node.Kill()
}
