//go:build linux

package chaos

import (
	"context"
	"errors"
	"syscall"
	"time"
)

// moments are faults of time: of clocks, and of what is seen when.
func moments() []fault {
	return []fault{
		{name: "commits decoded before they are visible", mechanism: visible, inject: (*office).standbyMissing},
		{name: "clock of the publisher stepped", mechanism: monotonic, inject: func(o *office) error { return o.clockStepped(o.pub) }},
		{name: "clock of the subscriber stepped", mechanism: monotonic, inject: func(o *office) error { return o.clockStepped(o.sub) }},
	}
}

// standbyMissing has commits wait for a standby that does not exist: the log shows them, queries do not.
func (o *office) standbyMissing() error {
	set := func(sql string) error {
		return errors.Join(execute(context.Background(), o.server.DSN, sql), execute(context.Background(), o.server.DSN, "SELECT pg_reload_conf()"))
	}
	for range 4 {
		if err := set("ALTER SYSTEM SET synchronous_standby_names = 'nobody'"); err != nil {
			return err
		}
		o.pause(200*time.Millisecond, time.Second)
		if err := set("ALTER SYSTEM RESET synchronous_standby_names"); err != nil {
			return err
		}
		o.pause(100*time.Millisecond, 200*time.Millisecond)
	}
	return nil
}

// clockStepped sets a node's wall clock an hour forward and back again, or the other way round.
func (o *office) clockStepped(p *process) error {
	signals := []syscall.Signal{syscall.SIGUSR1, syscall.SIGUSR2}
	first := o.rng.IntN(2)
	p.node.Signal(signals[first])
	o.pause(500*time.Millisecond, 2*time.Second)
	p.node.Signal(signals[1-first])
	return nil
}
