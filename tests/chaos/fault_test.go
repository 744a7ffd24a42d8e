//go:build linux

package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// fault is one thing that goes wrong while the office works. When inject returns, what was broken works again.
type fault struct {
	name      string
	mechanism string // what is to hold against it, for the table of results
	inject    func(o *office) error
	alone     bool // a run has at most one of these
	embedded  bool // of a node with the embedded bus; the others are of two nodes on Kafka, and a run has but one of both kinds
	smallDisk bool // the bus lies on a small disk of its own
	stepped   bool // the nodes have a clock of their own
}

// What holds against a fault.
const (
	recovery   = "fence, then the topic's tails, then the saved position; what is there is passed over"
	compared   = "offsets compared and set in the transaction of the rows"
	fenced     = "the fence ends a predecessor before the tails are read"
	waits      = "sessions begin anew from the saved position; what is under way is sent again by one producer"
	namedGap   = "compared at every start with what was saved; named, exit code 5; resnapshot sweeps"
	answered   = "the same bytes under the same number are stored once; any other failure ends the session, and recovery reads the tails"
	letters    = "a letter is acknowledged before any later event of its pipeline"
	visible    = "a chunk or re-read is repeated until what was decoded is visible in it"
	noPosition = "tails found by scanning, a new epoch, a snapshot with its sweep"
	decoded    = "rows are read by the columns that the log tells at their place"
	afterSave  = "a position moves over what the broker has acknowledged, and the source is told after it"
	vouched    = "a broker vouches for nothing that it could not write; the node begins anew"
	oversize   = "what a topic does not take becomes a dead letter; its retry publishes it once"
	unmapped   = "the mapping is compiled against every version of a table; one that does not fit stops the reader by name"
	monotonic  = "what waits does so by the monotonic clock; order is that of the source's log; who seems to have been away reads again"
	reconciled = "who was away for half of the tombstones' life reads again and deletes what is no longer there"
)

// some chooses a duration between two.
func some(rng *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(rng.Int64N(int64(most-least)+1))
}

func (o *office) pause(least, most time.Duration) { time.Sleep(some(o.rng, least, most)) }

// faults are all that this package knows.
func faults() []fault {
	all := slices.Concat(outages(), answers(), moments(), columns(), sizes(), clocks(), gaps(), embedded())
	if !mountable() {
		all = slices.DeleteFunc(all, func(f fault) bool { return f.smallDisk })
	}
	return all
}

// server is a database or a broker.
type server interface {
	Stop()
	Kill()
	Start()
}

// away is a server that is killed, or shut down, and comes back.
func away(name, mechanism string, which func(o *office) server) []fault {
	return []fault{
		{name: name + " crashed", mechanism: mechanism, inject: func(o *office) error {
			which(o).Kill()
			o.pause(0, 2*time.Second)
			which(o).Start()
			return nil
		}},
		{name: name + " restarted", mechanism: mechanism, inject: func(o *office) error {
			which(o).Stop()
			o.pause(0, time.Second)
			which(o).Start()
			return nil
		}},
	}
}

func sourceServer(o *office) server { return o.server }
func sinkServer(o *office) server   { return o.world.sink }
func brokerServer(o *office) server { return o.world.kafka }

// outages are causes that truc must survive by itself: no operator comes.
func outages() []fault {
	all := slices.Concat(away("source", waits, sourceServer), away("sink", compared, sinkServer), away("broker", waits, brokerServer), []fault{
		{name: "publisher killed", mechanism: recovery, inject: func(o *office) error { return o.killed(o.pub) }},
		{name: "subscriber killed", mechanism: compared, inject: func(o *office) error { return o.killed(o.sub) }},
		{name: "publisher interrupted", mechanism: recovery, inject: func(o *office) error { return o.interrupted(o.pub) }},
		{name: "subscriber interrupted", mechanism: compared, inject: func(o *office) error { return o.interrupted(o.sub) }},
		{name: "publisher frozen and replaced", mechanism: fenced, inject: (*office).publisherReplaced},
		{name: "subscriber frozen and replaced", mechanism: compared, inject: (*office).subscriberReplaced},
		{name: "publisher frozen", mechanism: recovery, inject: func(o *office) error { return o.frozen(o.pub) }},
		{name: "subscriber frozen", mechanism: compared, inject: func(o *office) error { return o.frozen(o.sub) }},
		{name: "broker frozen", mechanism: waits, inject: func(o *office) error {
			o.world.kafka.Pause()
			o.pause(time.Second, 8*time.Second)
			o.world.kafka.Resume()
			return nil
		}},
		{name: "walsender terminated", mechanism: waits, inject: func(o *office) error {
			return execute(context.Background(), o.source, "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active AND database = current_database()")
		}},
		{name: "sink sessions terminated", mechanism: compared, inject: func(o *office) error {
			return execute(context.Background(), o.sink, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
		}},
		{name: "source connections reset", mechanism: waits, inject: func(o *office) error { o.throughSource.reset(); return nil }},
		{name: "sink connections reset", mechanism: compared, inject: func(o *office) error { o.throughSink.reset(); return nil }},
		{name: "source connections half-open", mechanism: waits, inject: func(o *office) error { return o.stalled(o.throughSource) }},
		{name: "sink connections half-open", mechanism: compared, inject: func(o *office) error { return o.stalled(o.throughSink) }},
		{name: "source slow", mechanism: waits, inject: func(o *office) error { return o.slow(o.throughSource) }},
		{name: "sink slow", mechanism: compared, inject: func(o *office) error { return o.slow(o.throughSink) }},
		{name: "sink table locked", mechanism: compared, inject: func(o *office) error {
			return o.hold(o.sink, "LOCK TABLE tre_em IN ACCESS EXCLUSIVE MODE")
		}},
		{name: "subscriber killed while its sink waits for a lock", mechanism: compared, inject: (*office).appliedLate},
		{name: "source table locked", mechanism: waits, inject: func(o *office) error {
			return o.hold(o.source, "LOCK TABLE khai_sinh IN ACCESS EXCLUSIVE MODE")
		}},
		{name: "long transaction", mechanism: waits, inject: func(o *office) error {
			return o.hold(o.source, "INSERT INTO so_cai VALUES (1000 + (random() * 1000000)::int, 0)")
		}},
	})
	for _, point := range []string{"fenced", "recovered", "read", "translated", "produced", "acknowledged", "saved", "source-acked"} {
		all = append(all, fault{name: "publisher killed at " + point, mechanism: recovery, inject: func(o *office) error { return o.killedAt(o.pub, point) }})
	}
	for _, point := range []string{"fetched", "applied"} {
		all = append(all, fault{name: "subscriber killed at " + point, mechanism: compared, inject: func(o *office) error { return o.killedAt(o.sub, point) }})
	}
	return append(all,
		fault{name: "publisher frozen at read and replaced", mechanism: fenced, inject: func(o *office) error { return o.frozenAt(o.pub, "read", o.publisherReplaced) }},
		fault{name: "publisher frozen at produced and replaced", mechanism: fenced, inject: func(o *office) error { return o.frozenAt(o.pub, "produced", o.publisherReplaced) }},
		fault{name: "subscriber frozen at fetched and replaced", mechanism: compared, inject: func(o *office) error { return o.frozenAt(o.sub, "fetched", o.subscriberReplaced) }},
		fault{name: "restarted again and again in a backlog", mechanism: recovery, inject: (*office).backlogged, alone: true},
	)
}

// killedAt starts the node anew so that it ends itself at a boundary of its loop, and starts it again after that.
func (o *office) killedAt(p *process, point string) error {
	p.kill()
	p.start(fmt.Sprintf("TRUC_KILL_AT=%s:%d", point, 1+o.rng.IntN(8)))
	if !await(5*time.Second, p.node.Ended) {
		p.kill() // it does not come to pass the boundary so often
	}
	p.start()
	return nil
}

func (o *office) killed(p *process) error {
	p.kill()
	o.pause(0, time.Second)
	p.start()
	return nil
}

func (o *office) interrupted(p *process) error {
	p.node.Signal(syscall.SIGINT)
	if !await(time.Minute, p.node.Ended) {
		return fmt.Errorf("%s does not end when it is interrupted", p.config)
	}
	o.pause(0, time.Second)
	p.start()
	return nil
}

func (o *office) frozen(p *process) error {
	p.node.Signal(syscall.SIGSTOP)
	o.pause(100*time.Millisecond, 9*time.Second)
	p.node.Signal(syscall.SIGCONT)
	return nil
}

// publisherReplaced lets a second publisher take over from one that is frozen, and thaws the first, which must not publish any
// more, and stand by; it is killed in the end.
func (o *office) publisherReplaced() error {
	first := o.pub.node
	first.Signal(syscall.SIGSTOP)
	o.pub.start()
	err := o.flows() // the group misses the first after 6 s
	o.pause(0, 2*time.Second)
	first.Signal(syscall.SIGCONT)
	if err != nil {
		return fmt.Errorf("the second publisher does not take over: %w", err)
	}
	o.pause(0, 3*time.Second)
	if first.Ended() {
		return fmt.Errorf("the first publisher ended with %d instead of standing by: %s", first.ExitCode(), first.Log.Tail(1))
	}
	first.Kill()
	return nil
}

// subscriberReplaced does the same with the subscriber. Both may deliver then; the first is killed in the end.
func (o *office) subscriberReplaced() error {
	first := o.sub.node
	first.Signal(syscall.SIGSTOP)
	o.sub.start()
	o.pause(7*time.Second, 12*time.Second) // the group misses the first after 6 s
	first.Signal(syscall.SIGCONT)
	o.pause(0, 3*time.Second)
	first.Kill()
	return nil
}

// frozenAt starts the node anew so that it freezes itself at a boundary of its loop, and lets replace go on from there.
func (o *office) frozenAt(p *process, point string, replace func() error) error {
	p.kill()
	p.start(fmt.Sprintf("TRUC_FREEZE_AT=%s:%d", point, 2+o.rng.IntN(8)))
	await(5*time.Second, p.node.Frozen) // or it does not come to pass the boundary so often
	return replace()
}

func (o *office) stalled(p *proxy) error {
	p.stall()
	o.pause(100*time.Millisecond, 6*time.Second)
	if o.rng.IntN(2) == 0 {
		p.reset()
	}
	p.flow()
	return nil
}

func (o *office) slow(p *proxy) error {
	p.slow(some(o.rng, 5*time.Millisecond, 100*time.Millisecond))
	o.pause(time.Second, 3*time.Second)
	p.flow()
	return nil
}

// hold keeps a transaction open for a while and rolls it back.
func (o *office) hold(dsn, sql string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return nil // another fault is at work
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(ctx, "BEGIN; "+sql); err == nil {
		o.pause(100*time.Millisecond, 3*time.Second)
		_, _ = conn.Exec(ctx, "ROLLBACK")
	}
	return nil
}

// appliedLate has the sink finish what a subscriber had sent that is dead by then, when its successor has sent the same already:
// both wait for a lock.
func (o *office) appliedLate() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, o.sink)
	if err != nil {
		return err
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(ctx, "BEGIN; LOCK TABLE tre_em IN SHARE MODE"); err != nil {
		return err
	}
	waiting := func(n int) func() bool {
		return func() bool {
			now, ok := value(o.sink, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
			return ok && now >= n
		}
	}
	await(5*time.Second, waiting(1))
	o.sub.kill()
	o.sub.start()
	o.note("the successor's apply waits, too: %t", await(12*time.Second, waiting(2)))
	_, err = conn.Exec(ctx, "ROLLBACK")
	return err
}
