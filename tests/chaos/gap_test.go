//go:build linux

package chaos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/lienthong/truc/tests/nodes"
	"github.com/lienthong/truc/tests/servers"
)

// gaps are the faults that lose changes for good, or what says where they end. No node can mend that by itself: it must name
// what is missing and stop, and an operator mends it.
func gaps() []fault {
	return []fault{
		gap("slot dropped", (*office).slotDropped),
		gap("slot dropped under a running publisher", (*office).slotDroppedRunning),
		gap("slot invalidated", (*office).slotInvalidated),
		gap("publication altered", (*office).publicationAltered),
		gap("backup of the source restored", (*office).backupRestored),
		gap("another cluster as source", (*office).otherCluster),
		gap("topic created anew", (*office).topicRecreated),
		gap("topic given more partitions", (*office).partitionsAdded),
		gap("tail of the topic cut off", (*office).tailCut),
		{name: "position topic lost", mechanism: noPosition, alone: true, inject: (*office).positionsLost},
	}
}

func gap(name string, inject func(o *office) error) fault {
	return fault{name: name, mechanism: namedGap, alone: true, inject: inject}
}

const slotOfOurs = "FROM pg_replication_slots WHERE database = current_database()"

// dropSlot drops the slot as soon as nobody uses it.
func (o *office) dropSlot(terminate bool) error {
	sql := "SELECT pg_drop_replication_slot(slot_name) " + slotOfOurs + " AND NOT active"
	if terminate {
		_ = execute(context.Background(), o.source, "SELECT pg_terminate_backend(active_pid) "+slotOfOurs+" AND active")
	}
	if !await(settle, func() bool {
		_ = execute(context.Background(), o.source, sql)
		n, ok := value(o.source, "SELECT count(*) "+slotOfOurs)
		return ok && n == 0
	}) {
		return errors.New("the slot cannot be dropped")
	}
	return nil
}

func (o *office) slotDropped() error {
	o.pub.kill()
	if err := o.dropSlot(false); err != nil {
		return err
	}
	o.pause(0, time.Second)
	o.pub.start()
	return o.mended(false, "gap in source hotich")
}

// slotDroppedRunning drops the slot while the publisher's connection to it is broken.
func (o *office) slotDroppedRunning() error {
	o.throughSource.stall()
	err := o.dropSlot(true)
	o.throughSource.reset()
	o.throughSource.flow()
	return errors.Join(err, o.mended(false, "gap in source hotich"))
}

func (o *office) slotInvalidated() error {
	o.pub.kill()
	set := func(sql string) error {
		return errors.Join(execute(context.Background(), o.server.DSN, sql), execute(context.Background(), o.server.DSN, "SELECT pg_reload_conf()"))
	}
	if err := set("ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'"); err != nil {
		return err
	}
	lost := await(settle, func() bool {
		_ = execute(context.Background(), o.server.DSN, "SELECT pg_switch_wal(); CHECKPOINT")
		n, ok := value(o.source, "SELECT count(*) "+slotOfOurs+" AND wal_status = 'lost'")
		return ok && n == 1
	})
	if err := set("ALTER SYSTEM RESET max_slot_wal_keep_size"); err != nil || !lost {
		return errors.Join(err, errors.New("the slot is not invalidated"))
	}
	o.pub.start()
	return o.mended(false, "gap in source hotich")
}

// publicationAltered takes the table out of the publication for a time: the log does not show what changed meanwhile.
func (o *office) publicationAltered() error {
	alter := func(what string) error {
		return execute(context.Background(), o.source, fmt.Sprintf(`DO $$ BEGIN EXECUTE (SELECT format('ALTER PUBLICATION %%I %s TABLE khai_sinh', pubname) FROM pg_publication); END $$`, what))
	}
	if o.rng.IntN(2) == 0 {
		o.pub.kill()
		o.note("while it is down")
	}
	if err := alter("DROP"); err != nil {
		return err
	}
	o.pause(100*time.Millisecond, time.Second)
	if err := alter("ADD"); err != nil {
		return err
	}
	if o.pub.node.Ended() {
		o.pub.start()
	}
	return o.mended(false, "gap in source hotich")
}

// backupRestored has the office work on with a backup.
func (o *office) backupRestored() error {
	backup := o.server.DataDir + ".backup"
	defer os.RemoveAll(backup)
	restored := map[string]row{}
	var done []int
	err := o.closed(func() error {
		o.server.Stop()
		err := exec.Command("cp", "-a", o.server.DataDir, backup).Run()
		o.server.Start()
		for _, c := range o.clerks {
			maps.Copy(restored, c.rows)
			done = append(done, c.done)
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := o.flows(); err != nil {
		return err
	}
	o.pause(500*time.Millisecond, 2*time.Second)
	err = o.closed(func() error {
		if o.rng.IntN(2) == 0 {
			o.pub.kill()
			o.note("while it is down")
		}
		o.server.Stop()
		err := errors.Join(os.RemoveAll(o.server.DataDir), exec.Command("cp", "-a", backup, o.server.DataDir).Run())
		o.server.Start()
		for i, c := range o.clerks {
			rows := map[string]row{}
			for key, r := range restored {
				if c.owns(key) {
					rows[key] = r
				}
			}
			c.rows, c.done = rows, done[i]
		}
		o.book.rewind(restored)
		return err
	})
	if err != nil {
		return err
	}
	if o.pub.node.Ended() {
		o.pub.start()
	}
	return o.mended(false, "divergence in source hotich")
}

// otherCluster moves the office to another server, as a dump or pg_upgrade does.
func (o *office) otherCluster() error {
	to := servers.NewPostgres(o.tb)
	from, err := url.Parse(o.source)
	if err != nil {
		return err
	}
	address, err := url.Parse(to.DSN)
	if err != nil {
		return err
	}
	if err := execute(context.Background(), to.DSN, "CREATE DATABASE "+from.Path[1:]); err != nil {
		return err
	}
	address.Path = from.Path
	dsn := address.String()
	err = o.closed(func() error {
		if err := execute(context.Background(), dsn, table); err != nil {
			return err
		}
		for _, columns := range []string{"khai_sinh (so, ngay_dk, ho_ten, nguoi_ky, ghi_chu, hien, them)", "so_cai (clerk, done)"} {
			if err := copyTable(o.source, dsn, columns); err != nil {
				return err
			}
		}
		if o.rng.IntN(2) == 0 {
			o.pub.kill()
			o.note("while it is down")
		}
		o.source, o.server = dsn, to
		for _, c := range o.clerks {
			c.dsn = dsn
		}
		o.throughSource.turn(address.Host)
		return nil
	})
	if err != nil {
		return err
	}
	if o.pub.node.Ended() {
		o.pub.start()
	}
	return o.mended(false, "divergence in source hotich")
}

func copyTable(from, to, columns string) error {
	ctx := context.Background()
	source, err := pgx.Connect(ctx, from)
	if err != nil {
		return err
	}
	defer source.Close(ctx)
	target, err := pgx.Connect(ctx, to)
	if err != nil {
		return err
	}
	defer target.Close(ctx)
	var rows bytes.Buffer
	if _, err := source.PgConn().CopyTo(ctx, &rows, "COPY "+columns+" TO STDOUT"); err != nil {
		return err
	}
	_, err = target.PgConn().CopyFrom(ctx, &rows, "COPY "+columns+" FROM STDIN")
	return err
}

func (o *office) topicRecreated() error {
	o.pub.kill()
	o.sub.kill()
	if err := o.world.deleteTopics(o.topic); err != nil {
		return err
	}
	o.pub.start()
	return errors.Join(o.mended(true, "bus gap for source hotich", o.topic), o.subscriberMended(o.topic))
}

func (o *office) partitionsAdded() error {
	if o.partitions > partitions {
		return nil // a fault of this run did it already
	}
	o.pub.kill()
	o.partitions++
	if err := o.world.addPartitions(o.topic, int32(o.partitions)); err != nil {
		return err
	}
	o.pub.start()
	if !await(settle, o.pub.node.Ended) || o.pub.node.ExitCode() != 2 || !o.pub.node.Log.Has(o.topic) {
		return silently("a topic with other partitions than the configuration says is not refused: %s", o.pub.node.Log.Tail(3))
	}
	text, err := os.ReadFile(o.file("pub.yaml"))
	if err != nil {
		return err
	}
	nodes.Write(o.tb, o.file("pub.yaml"), strings.Replace(string(text), "mapping: khai_sinh.yaml", fmt.Sprintf("mapping: khai_sinh.yaml, partitions: %d", o.partitions), 1))
	o.pub.start()
	return o.mended(false, "bus gap for source hotich", o.topic)
}

// tailCut takes acknowledged records away from under the broker. The subscriber had them or not, is there or not.
func (o *office) tailCut() error {
	if err := o.flows(); err != nil {
		return err
	}
	away := o.rng.IntN(2) == 0
	if away {
		o.pause(500*time.Millisecond, time.Second)
		o.sub.kill()
		o.note("while the subscriber is down")
	}
	o.pub.kill()
	o.pause(500*time.Millisecond, time.Second)
	o.world.kafka.Stop()
	any := false
	for p := range o.partitions {
		cut, err := o.world.cutTail(o.topic, p, 1+o.rng.IntN(3))
		if err != nil {
			return err
		}
		any = any || cut
	}
	o.world.kafka.Start()
	if !any {
		return nil
	}
	o.pub.start()
	var err error
	if await(settle, func() bool { return o.pub.node.Ended() || o.pub.streaming() }); o.pub.node.Ended() {
		err = o.mended(true, "bus gap for source hotich", o.topic)
	} else {
		o.book.loseTail() // no more than what came after the saved position, and that is published again
		o.note("the publisher misses nothing")
	}
	if away {
		o.sub.start()
	}
	// Whether it had what is gone is not known; if so, it must say so.
	if await(20*time.Second, o.sub.node.Ended) {
		return errors.Join(err, o.subscriberMended(o.topic))
	}
	return err
}

// positionsLost loses what says where the publisher was: it finds out from the topic, and reads the tables again by itself.
func (o *office) positionsLost() error {
	if o.rng.IntN(2) == 0 {
		o.pub.kill()
		o.note("while it is down")
	}
	if err := o.world.deleteTopics("truc.positions"); err != nil {
		return err
	}
	if o.pub.node.Ended() {
		o.pub.start()
	}
	o.book.beginAgain(false)
	return nil
}

// closed does something while no clerk writes.
func (o *office) closed(do func() error) error {
	o.gate.Lock()
	defer o.gate.Unlock()
	return do()
}

// flows waits until the publisher publishes again.
func (o *office) flows() error {
	var first int64 = -1
	if !await(settle, func() bool {
		o.pub.tend()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		ends, err := nodes.TopicEnds(ctx, o.broker, o.topic)
		if err != nil {
			return false // the broker does not tell yet
		}
		var sum int64
		for _, end := range ends {
			sum += end
		}
		if first < 0 {
			first = sum
		}
		return sum > first+20
	}) {
		return errors.New("nothing is published any more: " + o.pub.node.Log.Tail(3))
	}
	return nil
}
