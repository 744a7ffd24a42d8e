package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/adapters/memory"
	"github.com/lienthong/truc/adapters/reference"
	"github.com/lienthong/truc/adapters/sqlite"
	"github.com/lienthong/truc/pipeline"
	"github.com/lienthong/truc/portal"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
)

// memoryConfig is the configuration of the memory adapter in these tests: which store.
type memoryConfig struct {
	Store string `yaml:"store"`
}

func (c *memoryConfig) Validate() problem.List {
	if c.Store == "" {
		return problem.List{{Code: "memory.store", Where: "store", What: problem.Say("the store is missing"), Fix: problem.Say("name one")}}
	}
	return nil
}

// bench is a node under test: a folder with its files, and stores for its databases.
type bench struct {
	dir    string
	listen string // http.listen
	stores map[string]*memory.Store
}

func (b *bench) registry() *adapters.Registry {
	r := &adapters.Registry{}
	store := func(c *memoryConfig) (*memory.Store, error) {
		if s, ok := b.stores[c.Store]; ok {
			return s, nil
		}
		return nil, errors.New("there is no such store")
	}
	adapters.Register(r, adapters.Adapter[*memoryConfig]{
		Name: "memory", Defaults: func() *memoryConfig { return &memoryConfig{} },
		Source: func(c *memoryConfig, env adapters.Env) (adapters.Source, error) {
			s, err := store(c)
			return memory.NewSource(s, env, memory.Options{}), err
		},
		Sink: func(c *memoryConfig, env adapters.Env) (adapters.Sink, error) {
			s, err := store(c)
			return memory.NewSink(s, env), err
		},
	})
	adapters.Register(r, reference.Adapter)
	adapters.Register(r, sqlite.Adapter)
	return r
}

func (b *bench) write(t *testing.T, name, content string) {
	t.Helper()
	path := filepath.Join(b.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// truc runs one command line against the bench.
func (b *bench) truc(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	var out, err lockedBuffer
	p := &program{stdin: strings.NewReader(""), stdout: &out, stderr: &err, env: os.LookupEnv, adapters: b.registry()}
	code = p.execute(ctx, append([]string{"-c", filepath.Join(b.dir, "truc.yaml")}, args...))
	return code, out.String(), err.String()
}

// lockedBuffer may be written to by several goroutines, as a terminal may.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

const birthsTable = "public.khai_sinh"

func birthsStore(t *testing.T) *memory.Store {
	t.Helper()
	s := memory.NewStore()
	column := func(name string, k record.Kind) record.Column {
		return record.Column{Name: name, Kind: k, Type: k.String(), Nullable: name != "id"}
	}
	s.Define(memory.TableSpec{Table: record.Table{Schema: "public", Name: "khai_sinh", Key: []int{0}, Columns: []record.Column{
		column("id", record.Int), column("so_dk", record.Text), column("quyen", record.Text), column("ngay_dk", record.Text), column("ho_ten", record.Text), column("gioi_tinh", record.Text),
	}}})
	return s
}

func birth(id int64, number, date string) record.Row {
	return record.Row{record.IntValue(id), record.TextValue(number), record.TextValue("01/2020"), record.TextValue(date), record.TextValue("Nguyễn Thị Mẫu"), record.TextValue("2")}
}

const childrenTable = "bhyt.tre_em"

func insurerStore() *memory.Store {
	s := memory.NewStore()
	column := func(name string) record.Column {
		return record.Column{Name: name, Kind: record.Text, Type: "text", Nullable: true}
	}
	s.Define(memory.TableSpec{Table: record.Table{Schema: "bhyt", Name: "tre_em", Key: []int{0, 1}, Columns: []record.Column{column("co_quan"), column("so_ks"), column("ho_ten")}}})
	return s
}

const childrenMapping = `dataset: hotich.khaisinh.v1
table: bhyt.tre_em
key: { co_quan: event.agency, so_ks: so }
columns:
  ho_ten: nguoiDuocKhaiSinh.hoTen
`

const birthsMapping = `dataset: hotich.khaisinh.v1
table: public.khai_sinh
fields:
  so: so_dk
  quyenSo: quyen
  ngayDangKy: date(ngay_dk, "dd/MM/yyyy")
  loaiDangKy: { const: "1" }
  noiDangKy: { const: { ma: H44.15 } }
  nguoiDuocKhaiSinh:
    hoTen: ho_ten
    ngaySinh: partialDate(ngay_dk, ["dd/MM/yyyy"])
    gioiTinh: gioi_tinh
`

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{dir: t.TempDir(), stores: map[string]*memory.Store{"births": birthsStore(t), "insurer": insurerStore()}}
	b.listen = freeAddress(t)
	b.write(t, "mappings/khai_sinh.yaml", birthsMapping)
	b.write(t, "mappings/tre_em.yaml", childrenMapping)
	b.write(t, "truc.yaml", `agency: H44.15
registry: { url: https://chuan.phutho.example/ }
sources: { hotich: { memory: { store: births } } }
publish: { khaisinh: { source: hotich, mapping: mappings/khai_sinh.yaml, partitions: 1 } }
sinks: { bhyt: { memory: { store: insurer } } }
subscribe: { tre_em: { agencies: [H44.*], sink: bhyt, mapping: mappings/tre_em.yaml } }
http: { listen: "`+b.listen+`" }
`)
	return b
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

// run starts `truc run` and returns what stops it and gives its exit code and log. It ends with the test at the latest.
func (b *bench) run(t *testing.T) (stop func() (code int, log string)) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	var code int
	var log string
	go func() {
		defer close(ended)
		code, _, log = b.truc(ctx, "run")
	}()
	stop = func() (int, string) {
		cancel()
		<-ended
		return code, log
	}
	t.Cleanup(func() { stop() })
	return stop
}

// until waits for something that a running node does.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// TestSession is a day at one node: check, run, status, a dead letter and its end, verify, resnapshot, stop.
func TestSession(t *testing.T) {
	b := newBench(t)
	births := b.stores["births"]
	change := func(fn func(tx *memory.Tx) error) {
		t.Helper()
		if err := births.Transact(fn); err != nil {
			t.Fatal(err)
		}
	}
	change(func(tx *memory.Tx) error {
		return errors.Join(tx.Insert(birthsTable, birth(1, "12", "05/03/2020")), tx.Insert(birthsTable, birth(2, "13", "31/02/2020")))
	})
	background := context.Background()
	if code, stdout, stderr := b.truc(background, "check"); code != 0 {
		t.Fatalf("check: exit %d\n%s%s", code, stdout, stderr)
	}
	if code, _, stderr := b.truc(background, "status"); code != 4 || !strings.Contains(stderr, "no node answers at http://127.0.0.1:") {
		t.Errorf("status without a node: exit %d, %s", code, stderr)
	}

	stop := b.run(t)
	status := func() (s portal.Status) {
		_, stdout, _ := b.truc(background, "status", "--json")
		_ = json.Unmarshal([]byte(stdout), &s)
		return s
	}
	pipe := func() portal.Publish {
		s := status()
		if len(s.Readers) != 1 || len(s.Readers[0].Pipelines) != 1 {
			return portal.Publish{}
		}
		return s.Readers[0].Pipelines[0]
	}
	until(t, "the snapshot is on the topic", func() bool {
		p := pipe()
		return p.Published["snapshot"] == 1 && p.DeadLetters.Open == 1
	})

	var letters []shownLetter
	_, stdout, _ := b.truc(background, "dlq", "list", "--json")
	if err := json.Unmarshal([]byte(stdout), &letters); err != nil || len(letters) != 1 || letters[0].Row != nil || strings.Contains(stdout, "31/02") {
		t.Fatalf("dlq list: %v\n%s", err, stdout)
	}
	if code, stdout, stderr := b.truc(background, "dlq", "show", "khaisinh", letters[0].Key); code != 0 || strings.Contains(stdout, "31/02/2020") {
		t.Errorf("dlq show without --values: exit %d\n%s%s", code, stdout, stderr)
	}
	if code, stdout, _ := b.truc(background, "dlq", "show", "khaisinh", letters[0].Key, "--values"); code != 0 || !strings.Contains(stdout, `"31/02/2020"`) {
		t.Errorf("dlq show --values: exit %d\n%s", code, stdout)
	}
	if code, _, stderr := b.truc(background, "dlq", "show", "khaisin", "x"); code != 2 || !strings.Contains(stderr, "did you mean khaisinh?") {
		t.Errorf("dlq show of an unknown pipeline: exit %d %s", code, stderr)
	}
	if code, _, stderr := b.truc(background, "dlq", "drop", "khaisinh", letters[0].Key); code != 2 || !strings.Contains(stderr, "--yes") {
		t.Errorf("dlq drop without --yes: exit %d %s", code, stderr)
	}
	change(func(tx *memory.Tx) error {
		return tx.Update(birthsTable, record.Row{record.IntValue(2)}, birth(2, "13", "29/02/2020"))
	})
	until(t, "the corrected row resolves its letter", func() bool { return pipe().DeadLetters.Resolved == 1 })
	until(t, "both rows are delivered", func() bool { return len(b.stores["insurer"].Rows(childrenTable)) == 2 })

	verify := func() (code int, verdicts []pipeline.Verdict) {
		t.Helper()
		code, stdout, stderr := b.truc(background, "verify", "--settle", "1s", "--json")
		var answer struct{ Verify []pipeline.Verdict }
		if err := json.Unmarshal([]byte(stdout), &answer); err != nil || len(answer.Verify) != 2 {
			t.Fatalf("verify: exit %d, %v\n%s%s", code, err, stdout, stderr)
		}
		return code, answer.Verify
	}
	if code, verdicts := verify(); code != exitDone || !verdicts[0].Equal || !verdicts[1].Equal {
		t.Errorf("verify: exit %d, %+v", code, verdicts)
	}

	if code, _, stderr := b.truc(background, "resnapshot", "hotich"); code != 2 || !strings.Contains(stderr, "every row of khaisinh will be read and published again; nothing was done") {
		t.Errorf("resnapshot without --yes: exit %d %s", code, stderr)
	}
	epoch := status().Readers[0].Epoch
	if code, _, stderr := b.truc(background, "resnapshot", "hotich", "--yes"); code != 0 {
		t.Errorf("resnapshot: exit %d %s", code, stderr)
	}
	until(t, "the tables are read again", func() bool {
		s := status()
		return len(s.Readers) == 1 && s.Readers[0].Epoch > epoch && s.Readers[0].State == pipeline.StateRunning && pipe().Published["snapshot"] >= 3
	})

	if code, log := stop(); code != exitInterrupted {
		t.Errorf("run ended with %d\n%s", code, log)
	}
	change(func(tx *memory.Tx) error { return tx.Delete(birthsTable, record.Row{record.IntValue(1)}) })
	if code, verdicts := verify(); code != exitNo || verdicts[0].DifferenceCount != 1 || !verdicts[1].Equal {
		t.Errorf("verify after a change that no node published: exit %d, %+v", code, verdicts)
	}
}
