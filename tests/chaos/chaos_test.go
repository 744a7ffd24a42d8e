//go:build linux

package chaos

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/lienthong/truc/tests/nodes"
	"github.com/lienthong/truc/tests/servers"
)

func TestMain(m *testing.M) { os.Exit(nodes.Main(m)) }

const (
	clerks    = 3
	firstRows = 200 // a clerk
	mostRows  = 300
	settle    = 60 * time.Second
	limitMiB  = 200 // of a node, whatever it carries
	attempts  = 6   // of runs in which a mutant must be told
)

func number(tb testing.TB, name string, otherwise uint64) uint64 {
	tb.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		tb.Fatalf("%s=%q is not a number", name, text)
	}
	return n
}

// chosen are the faults that the environment allows.
func chosen(tb testing.TB) []fault {
	tb.Helper()
	all := faults()
	names := os.Getenv("TRUC_CHAOS_FAULTS")
	if names == "" {
		return all
	}
	var some []fault
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(all, func(f fault) bool { return f.name == strings.TrimSpace(name) })
		if i < 0 {
			tb.Fatalf("TRUC_CHAOS_FAULTS: no fault is called %q", name)
		}
		some = append(some, all[i])
	}
	return some
}

// short are the runs when nobody says how many: one of each family, and seeds that are known.
func short() []string {
	return []string{"publisher killed at produced", "slot dropped", "subscriber frozen at fetched and replaced", "embedded bus: node killed at produced"}
}

// Whatever fails in whatever order, what arrives is what was written: nothing lost, nothing twice, nothing out of order.
// TRUC_CHAOS_LANES runs go on side by side, each with servers of its own.
func TestChaos(t *testing.T) {
	runs, first, lanes := number(t, "TRUC_CHAOS_RUNS", 0), number(t, "TRUC_CHAOS_SEED", 1), number(t, "TRUC_CHAOS_LANES", 1)
	few := runs == 0
	if few {
		runs = uint64(len(short()))
	}
	worlds := make([]*world, lanes)
	for i := range worlds {
		worlds[i] = newWorld(t)
	}
	binary := build(t)
	steppingBinary := sync.OnceValue(func() string { return build(t, stepping(t)...) })
	for _, w := range worlds {
		w.stepping = steppingBinary
	}
	all := &results{}
	seeds := make(chan uint64)
	var wg sync.WaitGroup
	for _, w := range worlds {
		wg.Go(func() {
			for seed := range seeds {
				t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
					rng := rand.New(rand.NewPCG(seed, 0))
					var todo []fault
					if few {
						todo = []fault{faultNamed(short()[seed-first])}
					} else {
						todo = pickFaults(rng, chosen(t), seed)
					}
					o := newOffice(t, w, binary, rng, todo)
					v := o.run(todo)
					all.add(o, v)
					if !v.ok() {
						t.Errorf("%s\nwhat was done:\n%s\nagain: make chaos N=1 SEED=%d", strings.Join(v.found, "\n"), strings.Join(o.log, "\n"), seed)
					}
				})
			}
		})
	}
	for seed := first; seed < first+runs; seed++ {
		seeds <- seed
	}
	close(seeds)
	wg.Wait()
	keep(t, func(r *report) {
		mutants := r.Mutants
		*r = all.report
		r.Mutants = mutants
	})
	t.Logf("\n%s", all.report.Markdown())
	t.Logf("%d passed, %d failed", all.report.Passed, all.report.Failed)
}

func newWorld(tb testing.TB) *world {
	tb.Helper()
	nodes.Tool(tb, "kcat")
	w := &world{source: servers.NewPostgres(tb), sink: servers.NewPostgres(tb)}
	w.kafka, w.front = newFronted(tb)
	return w
}

// TestMutants takes mechanisms away, one at a time, and sees the verdict tell what each prevents. TRUC_CHAOS_MUTANTS=all
// tries all of them, part of a name those; by default one is tried.
func TestMutants(t *testing.T) {
	w := newWorld(t)
	all := mutants()
	if some := os.Getenv("TRUC_CHAOS_MUTANTS"); some == "" {
		all = all[:1]
	} else if some != "all" {
		all = slices.DeleteFunc(all, func(m mutant) bool { return !strings.Contains(m.name, some) })
	}
	for _, m := range all {
		t.Run(m.name, func(t *testing.T) {
			binary := build(t, m.edits...)
			var last *verdict
			row := &mutantRow{Name: m.name, Faults: m.faults}
			defer keep(t, func(r *report) {
				r.Mutants = append(slices.DeleteFunc(r.Mutants, func(old *mutantRow) bool { return old.Name == m.name }), row)
			})
			for seed := range uint64(attempts) {
				row.Runs++
				rng := rand.New(rand.NewPCG(seed, 1))
				var todo []fault
				for _, name := range m.faults {
					f := faultNamed(name)
					if todo = append(todo, f); !f.alone {
						todo = append(todo, f)
					}
				}
				last = newOffice(t, w, binary, rng, todo).run(todo)
				for _, kind := range m.kinds {
					if last.kinds[kind] > 0 {
						row.Told = slices.Sorted(maps.Keys(last.kinds))
						t.Logf("told in run %d: %s", seed+1, strings.Join(last.found, "\n"))
						return
					}
				}
			}
			t.Errorf("%d runs, and no verdict tells it; the last: %v", attempts, last.found)
		})
	}
}

// pickFaults chooses what goes wrong in a run: the faults take turns for the first, so that few runs see all of them. The others
// are of the same kind of bus.
func pickFaults(rng *rand.Rand, all []fault, turn uint64) []fault {
	first := all[turn%uint64(len(all))]
	picked := []fault{first}
	all = slices.DeleteFunc(slices.Clone(all), func(f fault) bool { return f.embedded != first.embedded || f.smallDisk || f.stepped })
	for range min(rng.IntN(4), len(all)) {
		if f := all[rng.IntN(len(all))]; !f.alone || !slices.ContainsFunc(picked, func(f fault) bool { return f.alone }) {
			picked = append(picked, f)
		}
	}
	rng.Shuffle(len(picked), func(i, j int) { picked[i], picked[j] = picked[j], picked[i] })
	return picked
}

// run lets the office work through the faults, and judges.
func (o *office) run(todo []fault) *verdict {
	o.tb.Helper()
	v := &verdict{}
	for i := range clerks {
		c := &clerk{
			number: i + 1, dsn: o.source, book: o.book, rng: rand.New(rand.NewPCG(o.rng.Uint64(), 0)),
			rows: map[string]row{}, last: map[string]int{}, gate: o.gate,
		}
		o.clerks = append(o.clerks, c)
		if err := c.fill(o.tb.Context(), firstRows); err != nil {
			o.tb.Fatal(err)
		}
		defer c.rest()
	}
	o.pub.start()
	if !o.embedded {
		o.sub.start()
	}
	if !await(settle, func() bool {
		o.pub.tend()
		n, ok := value(o.source, "SELECT count(*) FROM pg_replication_slots WHERE database = current_database()")
		return ok && n == 1
	}) {
		v.add(unsettled, "the publisher made no slot: %s", o.pub.node.Log.Tail(3))
		return v
	}
	o.book.beginStream()

	work, rest := context.WithCancel(context.Background())
	errs := make([]error, clerks)
	var wg sync.WaitGroup
	for i, c := range o.clerks {
		wg.Go(func() { errs[i] = c.work(work, 60*time.Millisecond) })
	}
	for _, f := range todo {
		o.pause(100*time.Millisecond, 1500*time.Millisecond)
		o.note("%s", f.name)
		o.injected = append(o.injected, f.name)
		if err := f.inject(o); err != nil {
			kind := handover
			if errors.As(err, new(silence)) {
				kind = silent
			}
			v.add(kind, "%s: %v", f.name, err)
		}
		o.note("over")
		o.pub.tend()
		o.sub.tend()
	}
	o.pause(200*time.Millisecond, time.Second)
	rest()
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			o.tb.Fatal(err)
		}
	}
	o.note("the clerks rest after %d changes", o.book.changes())
	o.judge(v)
	return v
}

// judge waits until the sink has what the book says, and compares.
func (o *office) judge(v *verdict) {
	live := o.book.live()
	rested := time.Now()
	if !await(settle, func() bool {
		o.pub.tend()
		o.sub.tend()
		return o.sinkHas(live) == "" && (!o.embedded || o.pub.streaming()) // that node is not stopped before all is read
	}) {
		v.add(unsettled, "%s\npublisher: %s\nsubscriber: %s", o.sinkHas(live), o.pub.node.Log.Tail(3), o.sub.node.Log.Tail(3))
	}
	o.settled = time.Since(rested)
	_, about := o.sinkDiffers(live)
	o.note("settled")
	time.Sleep(300 * time.Millisecond) // whatever would still come
	if !o.embedded {                   // that bus ends with its node
		o.pub.kill()
		o.sub.kill()
	}
	readings := o.book.judgeTopic(v, about, o.events())
	if len(o.book.refused) > 0 {
		o.book.judgeLetters(v, o.read(o.topic+".dlq"))
	}
	o.pub.kill()
	if o.memoryMiB >= limitMiB {
		v.add(memory, "a node took %d MiB, the limit is %d", o.memoryMiB, limitMiB)
	}
	written, err := o.written()
	if err != nil {
		o.tb.Fatal(err)
	}
	if about != "" {
		v.found = append(v.found, fmt.Sprintf("%s was written as %v", about, written[about]))
	}
	o.book.judgeSink(v, written, readings)
}

// read reads a topic.
func (o *office) read(topic string) (all []*nodes.Event) {
	nodes.ReadTopic(o.tb, o.broker, topic, func(e *nodes.Event) { all = append(all, e) })
	return all
}

// events are all that the topic ever said. Where keys have moved to other partitions, only the sequences say in which order.
func (o *office) events() []*nodes.Event {
	o.keep()
	all := o.kept
	if o.partitions != partitions {
		slices.SortStableFunc(all, func(a, b *nodes.Event) int { return strings.Compare(a.Header("ce_sequence"), b.Header("ce_sequence")) })
	}
	return all
}

// keep reads what the topic says beyond what was kept.
func (o *office) keep() {
	next := o.next()
	for _, e := range o.read(o.topic) {
		if e.Offset >= next[e.Partition] {
			o.kept = append(o.kept, e)
		}
	}
}

// next is where what was kept ends, by partition.
func (o *office) next() map[int]int64 {
	next := map[int]int64{}
	for _, e := range o.kept {
		next[e.Partition] = max(next[e.Partition], e.Offset+1)
	}
	return next
}

// sinkHas says how the sink differs from what it should have, "" when it does not.
func (o *office) sinkHas(live map[string]state) string {
	text, _ := o.sinkDiffers(live)
	return text
}

// sinkDiffers names a key, too.
func (o *office) sinkDiffers(live map[string]state) (text, key string) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, o.sink)
	if err != nil {
		return err.Error(), ""
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, "SELECT so, nguoi_ky, ghi_chu FROM tre_em")
	if err != nil {
		return err.Error(), ""
	}
	missing := maps.Clone(live)
	var so, signed, note string
	_, err = pgx.ForEachRow(rows, []any{&so, &signed, &note}, func() error {
		want, there := missing[so]
		if !there {
			key, text = so, fmt.Sprintf("the sink has %s, which should not be there", so)
		} else if signed != signature(want.version) || note != noteText(want.note) {
			key, text = so, fmt.Sprintf("the sink has another version of %s than %s", so, want)
		}
		delete(missing, so)
		return nil
	})
	if err != nil {
		return err.Error(), ""
	}
	for key := range missing {
		return fmt.Sprintf("the sink lacks %s and %d more", key, len(missing)-1), key
	}
	return text, key
}

// written is everything that was ever written at the sink, by key.
func (o *office) written() (map[string][]state, error) {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, o.sink)
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, "SELECT so, coalesce(nguoi_ky, '') FROM da_ghi ORDER BY n")
	if err != nil {
		return nil, err
	}
	all := map[string][]state{}
	var so, signed string
	_, err = pgx.ForEachRow(rows, []any{&so, &signed}, func() error {
		s := state{there: signed != ""}
		if s.there {
			if s.version, err = versionOf(signed); err != nil {
				return err
			}
		}
		all[so] = append(all[so], s)
		return nil
	})
	return all, err
}
