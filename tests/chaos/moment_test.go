//go:build linux

package chaos

import (
	"context"
	"errors"
	"time"
)

// moments are faults of what is seen when.
func moments() []fault {
	return []fault{
		{name: "commits decoded before they are visible", mechanism: visible, inject: (*office).standbyMissing},
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
