package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/adapters/snapshot"
	"github.com/lienthong/truc/problem"
)

// Open implements adapters.Source.
func (s *source) Open(ctx context.Context, start adapters.Start) error {
	s.reading.Lock()
	defer s.reading.Unlock()
	if s.isClosed() {
		return adapters.ErrClosed
	}
	if err := s.open(ctx, start); err != nil {
		s.release()
		return err
	}
	return nil
}

func (s *source) open(ctx context.Context, start adapters.Start) error { //nolint:contextcheck // the reporter outlives Open; Close ends it
	saved, states := &position{}, map[string]*tableState{}
	if start.Position != nil {
		var err error
		if saved, states, err = parsePosition(start.Position); err != nil {
			return err
		}
	}
	var err error
	if s.catalog, err = s.server.sql(ctx); err != nil {
		return err
	}
	if err := s.checkServer(ctx, s.catalog); err != nil {
		return err
	}
	encoding := s.catalog.pg.ParameterStatus("client_encoding")
	if s.repl, s.in, err = s.server.replication(ctx, encoding); err != nil {
		return err
	}
	system, err := pglogrepl.IdentifySystem(ctx, s.repl)
	if err != nil {
		return s.server.explain(err)
	}
	if !start.Reset {
		if err := s.checkDivergence(ctx, saved, start, system); err != nil {
			return err
		}
	}
	slot, err := s.findSlot(ctx)
	if err != nil {
		return err
	}
	if err := s.checkGap(slot, saved, start, system); err != nil {
		return err
	}
	tables, err := s.openTables(ctx, start, states)
	if err != nil {
		return err
	}
	stamps, err := s.publish(ctx, tables, start, states, saved, system)
	if err != nil {
		return err
	}
	if start.Reset && slot != nil {
		s.log.Info("dropping the replication slot to begin anew", "source", s.name, "slot", s.slot)
		if err := pglogrepl.DropReplicationSlot(ctx, s.repl, s.slot, pglogrepl.DropReplicationSlotOptions{}); err != nil {
			return s.server.explain(err)
		}
		slot = nil
	}
	if slot == nil {
		if slot, err = s.createSlot(ctx); err != nil {
			return err
		}
	}
	confirmed := slot.confirmed
	if start.Position != nil {
		confirmed = saved.Confirmed
	}
	s.skip = saved.order()
	s.position = position{
		Version: positionVersion, System: system.SystemID, Timeline: system.Timeline, Slot: s.slot,
		LSN: saved.LSN, Index: saved.Index, Confirmed: confirmed,
	}
	s.handedOut = confirmed
	from := confirmed
	if start.Position != nil && !start.Reset && saved.LSN > 0 && slot.confirmed <= saved.LSN {
		// The slot still has the transaction that was read last: let the server show it.
		from, s.expected = slot.confirmed, saved.LSN
	}
	s.acked.Store(uint64(slot.confirmed)) // only Ack lets the server forget more
	s.stamps = stamps
	s.prepareTables(tables, start, states)
	if err := s.rememberWaiting(ctx); err != nil {
		return err
	}
	if err := s.startReplication(ctx, from); err != nil {
		return err
	}
	if s.expected != 0 {
		// Only now the slot is ours. Before, what a predecessor reported last may have moved it on, and the server starts
		// where it stands without a word.
		if slot, err = s.findSlot(ctx); err != nil {
			return err
		}
		if err := s.checkGap(slot, saved, start, system); err != nil {
			return err
		}
		if slot.confirmed > s.expected {
			s.expected = 0
		}
	}
	run, stop := context.WithCancel(context.Background())
	s.wakeLock.Lock()
	s.stop, s.socket = stop, s.repl.Conn()
	s.wakeLock.Unlock()
	s.lastBatch = time.Now()
	s.running.Go(func() { s.reporter(run) })
	s.running.Go(func() { s.watch(run, s.watchEvery) })
	s.reportNow()
	if s.machine.Active() {
		tasks := make(chan snapshot.Task, 1)
		s.tasks = tasks
		s.running.Go(func() { s.readChunks(run, tasks) })
	}
	s.log.Info("source opened", "source", s.name, "slot", s.slot, "lsn", confirmed.String(), "timeline", system.Timeline, "tables", len(tables))
	return nil
}

// checkServer refuses what no grant or statement can mend.
func (s *source) checkServer(ctx context.Context, c *session) error {
	version := c.pg.ParameterStatus("server_version")
	major, _, _ := strings.Cut(version, ".")
	if n, err := strconv.Atoi(major); err == nil && n < 15 {
		return &adapters.RefusedError{Where: s.server.name, What: problem.Say("PostgreSQL %s is too old", version), Fix: problem.Say("upgrade to PostgreSQL 15 or later")}
	}
	row, err := c.row(ctx, "SELECT pg_is_in_recovery()")
	if err != nil {
		return err
	}
	if isTrue(row[0]) {
		return &adapters.RefusedError{
			Where: s.server.name, What: problem.Say("this server is a standby: it can neither publish its log completely nor mark places in it"),
			Fix: problem.Say("let the dsn point to the primary (several hosts and target_session_attrs=read-write find it)"),
		}
	}
	return nil
}

// checkDivergence finds out whether the server is the one the position was saved for.
func (s *source) checkDivergence(ctx context.Context, saved *position, start adapters.Start, now pglogrepl.IdentifySystemResult) error {
	diverged := func(reason, was, is string) error {
		return &adapters.DivergenceError{Source: s.name, Reason: reason, Saved: was, Found: is}
	}
	here := lsn(now.XLogPos)
	if start.Floor.Major > uint64(here) {
		return diverged("the server's log ends before what was already published from it: a restored backup, or another server", "LSN "+lsn(start.Floor.Major).String(), "LSN "+here.String())
	}
	if start.Position == nil {
		return nil
	}
	if saved.System != now.SystemID {
		return diverged("this is another database cluster (it was created by another initdb, or by pg_upgrade)", "system "+saved.System, "system "+now.SystemID)
	}
	last := max(saved.LSN, saved.Confirmed)
	if last > here {
		return diverged("the server's log ends before the saved position: a restored backup", "LSN "+last.String(), "LSN "+here.String())
	}
	if saved.Timeline == now.Timeline {
		return nil
	}
	was, is := fmt.Sprintf("timeline %d at LSN %s", saved.Timeline, last), fmt.Sprintf("timeline %d", now.Timeline)
	if saved.Timeline > now.Timeline {
		return diverged("the server is on an older timeline", was, is)
	}
	history, err := pglogrepl.TimelineHistory(ctx, s.repl, now.Timeline)
	if err != nil {
		return s.server.explain(err)
	}
	end, ok := switchPoint(history.Content, saved.Timeline)
	if !ok {
		return diverged("the server's timeline does not descend from the saved one", was, is)
	}
	if last > end {
		return diverged("the server left the saved timeline before the saved position: what was read after that never happened here", was, fmt.Sprintf("%s, which left timeline %d at LSN %s", is, saved.Timeline, end))
	}
	return nil
}

// switchPoint finds where a timeline was left, in a history file: lines of "parent timeline, LSN, reason".
func switchPoint(history []byte, timeline int32) (lsn, bool) {
	for line := range bytes.Lines(history) {
		f := bytes.Fields(line)
		if len(f) < 2 {
			continue
		}
		if n, err := strconv.ParseInt(string(f[0]), 10, 32); err == nil && int32(n) == timeline {
			at := walLocation(f[1])
			return at, at > 0
		}
	}
	return 0, false
}

// slotState is our replication slot as pg_replication_slots has it.
type slotState struct {
	plugin, database string
	lost             bool
	active           bool
	confirmed        lsn
}

func (s *source) findSlot(ctx context.Context) (*slotState, error) {
	return s.catalog.findSlot(ctx, s.slot)
}

func (c *session) findSlot(ctx context.Context, name string) (*slotState, error) {
	rows, err := c.query(ctx, "SELECT plugin, database, coalesce(wal_status = 'lost', false), active, confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = $1", []byte(name))
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	f := rows[0]
	return &slotState{plugin: string(f[0]), database: string(f[1]), lost: isTrue(f[2]), active: isTrue(f[3]), confirmed: walLocation(f[4])}, nil
}

// checkGap finds out whether the slot still has everything after the position.
func (s *source) checkGap(slot *slotState, saved *position, start adapters.Start, now pglogrepl.IdentifySystemResult) error {
	if slot != nil && (slot.plugin != "pgoutput" || slot.database != now.DBName) {
		return &adapters.RefusedError{
			Where: s.server.name, What: problem.Say("replication slot %s belongs to somebody else (plugin %q, database %q)", s.slot, slot.plugin, slot.database),
			Fix: problem.Say("set slot: to another name"),
		}
	}
	gap := func(to lsn, reason string) error {
		from := "an unknown place"
		if start.Position != nil {
			from = "LSN " + saved.Confirmed.String()
		}
		return &adapters.GapError{Source: s.name, From: from, To: "LSN " + to.String(), Reason: reason}
	}
	switch {
	case start.Reset:
		return nil
	case slot == nil && start.Position == nil:
		return nil
	case slot == nil:
		return gap(lsn(now.XLogPos), "replication slot "+s.slot+" does not exist any more")
	case slot.lost:
		return gap(lsn(now.XLogPos), "replication slot "+s.slot+" is lost: the server removed log it still needed (max_slot_wal_keep_size)")
	case start.Position != nil && slot.confirmed > saved.Confirmed:
		// The server would start at the slot's place without a word.
		return gap(slot.confirmed, "replication slot "+s.slot+" has been advanced by somebody else, or was created again")
	}
	return nil
}

// createSlot makes the slot. No snapshot is exported: tables are read by watermarks.
func (s *source) createSlot(ctx context.Context) (*slotState, error) {
	s.log.Info("creating replication slot; this waits for the transactions that are running now", "source", s.name, "slot", s.slot)
	made, err := pglogrepl.CreateReplicationSlot(ctx, s.repl, s.slot, "pgoutput", pglogrepl.CreateReplicationSlotOptions{
		SnapshotAction: "NOEXPORT_SNAPSHOT", Mode: pglogrepl.LogicalReplication,
	})
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, s.server.explain(err)
	}
	return &slotState{confirmed: walLocation([]byte(made.ConsistentPoint))}, nil
}

// startReplication begins the stream at a place of the log. A slot that is still active is tried again for a moment: the server
// takes that long to notice that the source was closed and is opened again.
func (s *source) startReplication(ctx context.Context, from lsn) error {
	deadline := time.Now().Add(3 * time.Second)
	for {
		err := pglogrepl.StartReplication(ctx, s.repl, s.slot, pglogrepl.LSN(from), pglogrepl.StartReplicationOptions{
			Mode:       pglogrepl.LogicalReplication,
			PluginArgs: []string{"proto_version '1'", "publication_names '" + strings.ReplaceAll(quote(s.published), "'", "''") + "'", "messages 'true'"},
		})
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if pg, ok := errors.AsType[*pgconn.PgError](err); !ok || pg.Code != "55006" || time.Now().After(deadline) {
			return s.server.explain(err)
		}
		// The refusal is followed by ReadyForQuery, which the driver leaves to us.
		if _, err := s.repl.ReceiveMessage(ctx); err != nil {
			return s.server.explain(err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// openTables runs the preflight for the tables and returns them.
func (s *source) openTables(ctx context.Context, start adapters.Start, states map[string]*tableState) ([]*catalogTable, error) {
	names := make([]string, len(start.Tables))
	for i, t := range start.Tables {
		names[i] = t.Table
		if st := states[t.Table]; st != nil && st.Run < t.Run {
			delete(states, t.Table) // it is read anew, whatever happened to it
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	tables, err := s.catalog.find(ctx, names)
	if p, ok := errors.AsType[*problem.Problem](err); ok {
		return nil, &adapters.RefusedError{Where: p.Where, What: p.What, Fix: p.Fix}
	}
	if err != nil {
		return nil, err
	}
	found, err := s.preflight(ctx, s.catalog, tables)
	if err != nil {
		return nil, err
	}
	for _, p := range found {
		if p.Warning {
			s.log.Warn("preflight", "what", p.What, "source", s.name, "where", p.Where, "fix", p.Fix)
			continue
		}
		return nil, &adapters.RefusedError{Where: p.Where, What: p.What, Fix: p.Fix}
	}
	for i, t := range tables {
		if st := states[names[i]]; st != nil && st.OID != 0 && st.OID != t.oid {
			return nil, &adapters.GapError{Source: s.name, From: "the table's drop", To: "now", Reason: "table " + names[i] + " was dropped and created again"}
		}
	}
	return tables, nil
}

// publish creates the publication, or adds to it what it lacks, and returns its stamps of the tables. It comes before the
// slot: decoding fails on log older than the publication it is told to use.
func (s *source) publish(ctx context.Context, tables []*catalogTable, start adapters.Start, states map[string]*tableState, saved *position, now pglogrepl.IdentifySystemResult) (map[uint32]string, error) {
	p, err := s.catalog.findPublication(ctx, s.published)
	if err != nil {
		return nil, err
	}
	gap := func(reason string) error {
		return &adapters.GapError{Source: s.name, From: "LSN " + saved.Confirmed.String(), To: "LSN " + lsn(now.XLogPos).String(), Reason: reason}
	}
	missing := p.missing(tables)
	for _, t := range missing {
		if st := states[t.table.String()]; st != nil && p != nil {
			return nil, gap(fmt.Sprintf("table %s was removed from publication %s", t.table, s.published))
		}
	}
	for _, t := range tables {
		if st := states[t.table.String()]; st != nil && p != nil && st.Published != "" && st.Published != p.stamp(t.oid) {
			return nil, gap(alteredPublication(s.published, t.table.String()))
		}
	}
	switch {
	case p == nil && start.Position != nil:
		return nil, gap("publication " + s.published + " does not exist any more")
	case p == nil:
		_, err = s.catalog.query(ctx, createPublication(s.published, tables))
	case len(missing) > 0:
		_, err = s.catalog.query(ctx, extendPublication(s.published, missing))
	}
	if err != nil {
		return nil, err
	}
	if p, err = s.catalog.findPublication(ctx, s.published); err != nil {
		return nil, err
	}
	stamps := make(map[uint32]string, len(tables))
	for _, t := range tables {
		stamps[t.oid] = p.stamp(t.oid)
	}
	return stamps, nil
}

// prepareTables sets up what Read needs to know of the tables: which are wanted, as they are now, and what is to be snapshotted.
func (s *source) prepareTables(tables []*catalogTable, start adapters.Start, states map[string]*tableState) {
	s.tables, s.wanted, s.relations = map[uint32]tableName{}, map[string]bool{}, map[uint32]*relation{}
	s.states, s.progress = map[string]*tableState{}, map[string]*snapshot.Table{}
	var pending []*snapshot.Table
	for i, t := range tables {
		want := start.Tables[i]
		s.tables[t.oid], s.wanted[want.Table] = t.name(), true
		st := states[want.Table]
		if st == nil {
			st = &tableState{OID: t.oid, Run: want.Run}
		}
		st.Published = s.stamps[t.oid]
		s.states[want.Table] = st
		s.shown = append(s.shown, adapters.Progress{Table: want.Table, Rows: st.Rows, Total: t.rows, Done: st.Done})
		p := &snapshot.Table{Name: want.Table, Run: st.Run, Cursor: st.Cursor, Rows: st.Rows, Done: st.Done}
		p.Since.Major = uint64(st.Since)
		s.progress[want.Table] = p
		if !st.Done {
			pending = append(pending, p)
		}
	}
	s.machine = snapshot.New(pending, cursorOf)
}
