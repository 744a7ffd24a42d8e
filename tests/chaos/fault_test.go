//go:build linux

package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// fault is one thing that goes wrong while the office works. When inject returns, what was broken works again.
type fault struct {
	name   string
	inject func(o *office) error
}

// some chooses a duration between two.
func some(rng *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(rng.Int64N(int64(most-least)+1))
}

func (o *office) pause(least, most time.Duration) { time.Sleep(some(o.rng, least, most)) }

// faults are all that this package knows. Each is a cause that truc must survive by itself: no operator comes.
func faults() []fault {
	all := []fault{
		{"publisher killed", func(o *office) error { return o.killed(o.pub) }},
		{"subscriber killed", func(o *office) error { return o.killed(o.sub) }},
		{"publisher interrupted", func(o *office) error { return o.interrupted(o.pub) }},
		{"subscriber interrupted", func(o *office) error { return o.interrupted(o.sub) }},
		{"publisher frozen and replaced", (*office).publisherReplaced},
		{"subscriber frozen and replaced", (*office).subscriberReplaced},
		{"publisher frozen", func(o *office) error { return o.frozen(o.pub) }},
		{"subscriber frozen", func(o *office) error { return o.frozen(o.sub) }},
		{"source crashed", func(o *office) error {
			o.world.source.Kill()
			o.pause(0, 2*time.Second)
			o.world.source.Start()
			return nil
		}},
		{"source restarted", func(o *office) error {
			o.world.source.Stop()
			o.pause(0, time.Second)
			o.world.source.Start()
			return nil
		}},
		{"sink crashed", func(o *office) error {
			o.world.sink.Kill()
			o.pause(0, 2*time.Second)
			o.world.sink.Start()
			return nil
		}},
		{"sink restarted", func(o *office) error { o.world.sink.Stop(); o.pause(0, time.Second); o.world.sink.Start(); return nil }},
		{"broker crashed", func(o *office) error {
			o.world.kafka.Kill()
			o.pause(0, 2*time.Second)
			o.world.kafka.Start()
			return nil
		}},
		{"broker restarted", func(o *office) error {
			o.world.kafka.Stop()
			o.pause(0, time.Second)
			o.world.kafka.Start()
			return nil
		}},
		{"broker frozen", func(o *office) error {
			o.world.kafka.Pause()
			o.pause(time.Second, 8*time.Second)
			o.world.kafka.Resume()
			return nil
		}},
		{"walsender terminated", func(o *office) error {
			return execute(context.Background(), o.source, "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active AND database = current_database()")
		}},
		{"sink sessions terminated", func(o *office) error {
			return execute(context.Background(), o.sink, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
		}},
		{"source connections reset", func(o *office) error { o.throughSource.reset(); return nil }},
		{"sink connections reset", func(o *office) error { o.throughSink.reset(); return nil }},
		{"source connections half-open", func(o *office) error { return o.stalled(o.throughSource) }},
		{"sink connections half-open", func(o *office) error { return o.stalled(o.throughSink) }},
		{"source slow", func(o *office) error { return o.slow(o.throughSource) }},
		{"sink slow", func(o *office) error { return o.slow(o.throughSink) }},
		{"sink table locked", func(o *office) error {
			return o.hold(o.sink, "LOCK TABLE tre_em IN ACCESS EXCLUSIVE MODE")
		}},
		{"source table locked", func(o *office) error {
			return o.hold(o.source, "LOCK TABLE khai_sinh IN ACCESS EXCLUSIVE MODE")
		}},
		{"long transaction", func(o *office) error {
			return o.hold(o.source, "INSERT INTO so_cai VALUES (1000 + (random() * 1000000)::int, 0)")
		}},
		{"column added in mid-transaction", (*office).columnAdded},
	}
	for _, point := range []string{"fenced", "recovered", "read", "translated", "produced", "acknowledged", "saved", "source-acked"} {
		all = append(all, fault{"publisher killed at " + point, func(o *office) error { return o.killedAt(o.pub, point) }})
	}
	for _, point := range []string{"fetched", "applied"} {
		all = append(all, fault{"subscriber killed at " + point, func(o *office) error { return o.killedAt(o.sub, point) }})
	}
	return append(all,
		fault{"publisher frozen at read and replaced", func(o *office) error { return o.frozenAt(o.pub, "read", o.publisherReplaced) }},
		fault{"publisher frozen at produced and replaced", func(o *office) error { return o.frozenAt(o.pub, "produced", o.publisherReplaced) }},
		fault{"subscriber frozen at fetched and replaced", func(o *office) error { return o.frozenAt(o.sub, "fetched", o.subscriberReplaced) }},
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

// publisherReplaced lets a second publisher take over from one that is frozen, and thaws the first, which must stand by then;
// it is killed in the end.
func (o *office) publisherReplaced() error {
	first := o.pub.node
	first.Signal(syscall.SIGSTOP)
	o.pub.start()
	o.pause(7*time.Second, 12*time.Second) // the group misses the first after 6 s
	first.Signal(syscall.SIGCONT)
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

func (o *office) columnAdded() error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, o.source)
	if err != nil {
		return nil
	}
	defer conn.Close(context.Background())
	_, _ = conn.Exec(ctx, fmt.Sprintf(`BEGIN; UPDATE so_cai SET done = done WHERE clerk < 0; ALTER TABLE khai_sinh ADD COLUMN c%d text DEFAULT 'x'; COMMIT`, o.rng.IntN(1_000_000)))
	return nil
}
