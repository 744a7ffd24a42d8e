//go:build linux

package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/lienthong/truc/tests/nodes"
)

// columns are changes of the table while it is being read.
func columns() []fault {
	return []fault{
		{name: "unmapped column changed in mid-transaction", mechanism: decoded, inject: (*office).columnChanged},
		mapped("renamed", true, "ALTER TABLE khai_sinh RENAME ngay_dk TO ngay", "ngay"),
		mapped("retyped", true, "ALTER TABLE khai_sinh ALTER ngay_dk TYPE text", `date(ngay_dk, "yyyy-MM-dd")`),
		mapped("dropped in mid-transaction", false, "ALTER TABLE khai_sinh DROP ngay_dk", `{ const: "2026-01-05" }`),
	}
}

// mapped changes a column that the mapping reads, which reads to instead from then on. A mapping that does not fit the table as
// it was, too, needs care: nothing from before may be under way.
func mapped(what string, care bool, ddl, to string) fault {
	return fault{name: "mapped column " + what, mechanism: unmapped, alone: true, inject: func(o *office) error {
		return o.mappedColumnChanged(care, ddl, to)
	}}
}

// columnChanged changes columns that no mapping reads, each time between two changes of a row in one transaction. The row is
// gone in the end.
func (o *office) columnChanged() error {
	o.unfit++
	key := fmt.Sprintf("0.%d", o.unfit)
	column := fmt.Sprintf("c%d", o.unfit)
	table := "ALTER TABLE khai_sinh "
	for i, ddl := range []string{
		table + "ADD " + column + " int DEFAULT 7",
		table + "ALTER " + column + " TYPE text",
		table + "RENAME " + column + " TO " + column + "_moi",
		table + "DROP " + column + "_moi",
	} {
		if err := o.changeAround(key, 2*i+1, ddl); err != nil {
			return err
		}
		o.pause(0, 300*time.Millisecond)
	}
	if err := execute(context.Background(), o.source, "DELETE FROM khai_sinh WHERE so = '"+key+"'"); err != nil {
		return err
	}
	o.book.add([]entry{{key, state{gone: true}}})
	return nil
}

// changeAround changes a row before and after a statement, in one transaction; with version 1 the row is new.
func (o *office) changeAround(key string, version int, statement string) error {
	first := fmt.Sprintf("UPDATE khai_sinh SET nguoi_ky = '%s' WHERE so = '%s'", signature(version), key)
	if version == 1 {
		first = fmt.Sprintf("INSERT INTO khai_sinh (so, nguoi_ky, ghi_chu) VALUES ('%s', '%s', '%s')", key, signature(version), noteText(shortNote))
	}
	second := fmt.Sprintf("UPDATE khai_sinh SET nguoi_ky = '%s' WHERE so = '%s'", signature(version+1), key)
	if err := execute(context.Background(), o.source, "BEGIN; "+first+"; "+statement+"; "+second+"; COMMIT"); err != nil {
		return err
	}
	row := state{there: true, version: version, note: shortNote}
	next := row
	next.version++
	o.book.add([]entry{{key, row}, {key, next}})
	return nil
}

// mappedColumnChanged changes a column that the mapping reads. The publisher must stop and say so; the harness, as its operator,
// corrects the mapping, and nothing may be missing then.
func (o *office) mappedColumnChanged(care bool, ddl, to string) error {
	o.unfit++
	change := func() error { return o.changeAround(fmt.Sprintf("0.%d", o.unfit), 1, ddl) }
	if care {
		change = func() error {
			return o.closed(func() error {
				if err := o.drained(); err != nil {
					return err
				}
				return execute(context.Background(), o.source, ddl)
			})
		}
	}
	if err := change(); err != nil {
		return err
	}
	if !await(settle, o.pub.node.Ended) || o.pub.node.ExitCode() != 2 || !o.pub.node.Log.Has("the mapping does not fit the table") {
		return silently("a column that the mapping reads is changed, and the publisher does not say so: %s", o.pub.node.Log.Tail(3))
	}
	o.note("pub.yaml names it: %.300s", o.pub.node.Log.Tail(3))
	text, err := os.ReadFile(o.file("khai_sinh.yaml"))
	if err != nil {
		return err
	}
	nodes.Write(o.tb, o.file("khai_sinh.yaml"), strings.Replace(string(text), "ngayDangKy: ngay_dk", "ngayDangKy: "+to, 1))
	o.pub.start()
	if err := o.flows(); err != nil {
		return silently("with the corrected mapping: %v", err)
	}
	return nil
}

// drained waits until the publisher has acknowledged all that was committed.
func (o *office) drained() error {
	ctx, cancel := context.WithTimeout(context.Background(), settle)
	defer cancel()
	conn, err := pgx.Connect(ctx, o.source)
	if err != nil {
		return err
	}
	defer conn.Close(context.Background())
	var now string
	if err := conn.QueryRow(ctx, "SELECT pg_current_wal_insert_lsn()::text").Scan(&now); err != nil {
		return err
	}
	if !await(settle, func() bool {
		var there bool
		return conn.QueryRow(ctx, "SELECT confirmed_flush_lsn >= $1::text::pg_lsn "+slotOfOurs, now).Scan(&there) == nil && there
	}) {
		return errors.New("the publisher does not come to the end: " + o.pub.node.Log.Tail(3))
	}
	return nil
}
