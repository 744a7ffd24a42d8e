//go:build linux

package chaos

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"syscall"
	"time"
)

// embedded are faults of one node that publishes and subscribes on its embedded bus, which ends with it.
func embedded() []fault {
	all := []fault{
		{name: "node killed", mechanism: recovery, inject: func(o *office) error { return o.killed(o.pub) }},
		{name: "node interrupted", mechanism: recovery, inject: func(o *office) error { return o.interrupted(o.pub) }},
		{name: "node frozen", mechanism: recovery, inject: func(o *office) error { return o.frozen(o.pub) }},
		{name: "node restarted again and again in a backlog", mechanism: recovery, inject: (*office).backlogged, alone: true},
		{name: "disk full", mechanism: vouched, inject: (*office).busDiskFull, smallDisk: true},
	}
	all = append(all, away("source", waits, sourceServer)...)
	all = append(all, away("sink", compared, sinkServer)...)
	for _, point := range []string{"fenced", "recovered", "produced", "acknowledged", "saved", "source-acked"} {
		all = append(all, fault{name: "node killed at " + point, mechanism: recovery, inject: func(o *office) error { return o.killedAt(o.pub, point) }})
	}
	for _, point := range []string{"fetched", "applied"} {
		all = append(all, fault{name: "node killed at " + point, mechanism: compared, inject: func(o *office) error { return o.killedAt(o.pub, point) }})
	}
	for i := range all {
		all[i].name, all[i].embedded = "embedded bus: "+all[i].name, true
	}
	return all
}

// prepareEmbedded configures one node that does it all. small says that its bus lies on a small disk.
func (o *office) prepareEmbedded(small bool) {
	dir := o.dir
	if small {
		o.disk = newDisk(o.tb)
		dir = o.disk.dir
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		o.tb.Fatal(err)
	}
	o.broker = free.Addr().String()
	free.Close()
	_, port, _ := net.SplitHostPort(o.broker)
	bus := fmt.Sprintf("{ embedded: { dir: \"%s\", port: %s } }", filepath.Join(dir, "bus"), port)
	o.pub = o.configure("node.yaml", o.agency, bus, publishing+fmt.Sprintf(subscribing, o.agency))
	o.sub = o.pub
}

// backlog is how many rows are written while nobody publishes.
const backlog = 20_000

// backlogged lets the publisher come back to a large backlog, and restarts it at random times before it is through.
func (o *office) backlogged() error {
	stop := func() error {
		if o.rng.IntN(2) == 0 {
			o.pub.kill()
			return nil
		}
		o.pub.node.Signal(syscall.SIGINT)
		if !await(time.Minute, o.pub.node.Ended) {
			return fmt.Errorf("%s does not end when it is interrupted", o.pub.config)
		}
		return nil
	}
	o.snapshotOver() // its little chunks would be read for long
	if err := stop(); err != nil {
		return err
	}
	if err := o.pile(backlog); err != nil {
		return err
	}
	for range 3 + o.rng.IntN(3) {
		o.pub.start()
		o.pause(300*time.Millisecond, 2500*time.Millisecond)
		if err := stop(); err != nil {
			return err
		}
	}
	o.pub.start()
	return nil
}

// snapshotOver waits until the publisher has its first snapshot behind it.
func (o *office) snapshotOver() {
	await(settle, func() bool { o.pub.tend(); return o.pub.streaming() })
}

// pile registers rows that no clerk touches, and changes them once.
func (o *office) pile(n int) error {
	o.piles++
	entries := make([]entry, 0, 2*n)
	for version := 1; version <= 2; version++ {
		for i := range n {
			entries = append(entries, entry{fmt.Sprintf("9.%d.%d", o.piles, i), state{there: true, version: version, note: shortNote}})
		}
	}
	for at := 0; at < n; at += n / 10 { // transactions of some size
		sql := fmt.Sprintf(`INSERT INTO khai_sinh (so, nguoi_ky, ghi_chu, them) SELECT '9.%d.' || i, '%s', '%s', 'x' FROM generate_series(%d, %d) AS i`,
			o.piles, signature(1), noteText(shortNote), at, at+n/10-1)
		if err := execute(context.Background(), o.source, sql); err != nil {
			return err
		}
	}
	if err := execute(context.Background(), o.source, fmt.Sprintf(`UPDATE khai_sinh SET nguoi_ky = '%s' WHERE so LIKE '9.%d.%%'`, signature(2), o.piles)); err != nil {
		return err
	}
	o.book.add(entries)
	return nil
}
