package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pglogrepl"

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
	// A table that is read anew is none the less compared with what it was: the log is read on from the saved place, and where
	// changes are missing in it, a row that it still creates and no longer deletes would stay for ever.
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
		slot, err = s.createSlot(ctx, system.DBName)
	} else {
		err = s.setFailover(ctx, slot)
	}
	if err != nil {
		return err
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
	if last := lastCommit(saved, start); last > 0 && slot.confirmed <= last {
		// The slot still has the transaction that was read last: let the server show it.
		from, s.expected = slot.confirmed, last
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

// lastCommit is where the last transaction ends that is known to have been read: before the first position is saved, and beyond the
// last one, by what is on the topics. 0: none is known.
func lastCommit(saved *position, start adapters.Start) lsn {
	return max(saved.LSN, lsn(start.Floor.Major))
}

// checkServer refuses what no grant or statement can mend.
func (s *source) checkServer(ctx context.Context, c *session) error {
	if n := c.major(); n > 0 && n < 15 {
		return &adapters.RefusedError{Where: s.server.name, What: problem.Say("PostgreSQL %d is too old", n), Fix: problem.Say("upgrade to PostgreSQL 15 or later")}
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
	diverged := func(reason problem.Text, was, is string) error {
		return &adapters.DivergenceError{Source: s.name, Reason: reason, Saved: was, Found: is}
	}
	here := lsn(now.XLogPos)
	if start.Floor.Major > uint64(here) {
		return diverged(problem.Say("the server's log ends before what was already published from it: a restored backup, or another server"), "LSN "+lsn(start.Floor.Major).String(), "LSN "+here.String())
	}
	if start.Position == nil {
		return nil
	}
	if saved.System != now.SystemID {
		return diverged(problem.Say("this is another database cluster (it was created by another initdb, or by pg_upgrade)"), "system "+saved.System, "system "+now.SystemID)
	}
	last := max(saved.LSN, saved.Confirmed)
	if last > here {
		return diverged(problem.Say("the server's log ends before the saved position: a restored backup"), "LSN "+last.String(), "LSN "+here.String())
	}
	if saved.Timeline == now.Timeline {
		return nil
	}
	was, is := fmt.Sprintf("timeline %d at LSN %s", saved.Timeline, last), fmt.Sprintf("timeline %d", now.Timeline)
	if saved.Timeline > now.Timeline {
		return diverged(problem.Say("the server is on an older timeline"), was, is)
	}
	history, err := pglogrepl.TimelineHistory(ctx, s.repl, now.Timeline)
	if err != nil {
		return s.server.explain(err)
	}
	end, ok := switchPoint(history.Content, saved.Timeline)
	if !ok {
		return diverged(problem.Say("the server's timeline does not descend from the saved one"), was, is)
	}
	if last > end {
		return diverged(problem.Say("the server left the saved timeline before the saved position: what was read after that never happened here"), was, fmt.Sprintf("%s, which left timeline %d at LSN %s", is, saved.Timeline, end))
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

// openTables runs the preflight for the tables and returns them.
func (s *source) openTables(ctx context.Context, start adapters.Start, states map[string]*tableState) ([]*catalogTable, error) {
	names := make([]string, len(start.Tables))
	for i, t := range start.Tables {
		names[i] = t.Table
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
			return nil, &adapters.GapError{Source: s.name, From: "the table's drop", To: "now", Reason: problem.Say("table %s was dropped and created again", names[i])}
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
	gap := func(reason problem.Text) error {
		return &adapters.GapError{Source: s.name, From: "LSN " + saved.Confirmed.String(), To: "LSN " + lsn(now.XLogPos).String(), Reason: reason}
	}
	missing := p.missing(tables)
	for _, t := range missing {
		if st := states[t.table.String()]; st != nil && p != nil {
			return nil, gap(problem.Say("table %s was removed from publication %s", t.table, s.published))
		}
	}
	for _, t := range tables {
		if st := states[t.table.String()]; st != nil && p != nil && st.Published != "" && st.Published != p.stamp(t.oid) {
			return nil, gap(alteredPublication(s.published, t.table.String()))
		}
	}
	switch {
	case p == nil && start.Position != nil:
		return nil, gap(problem.Say("publication %s does not exist any more", s.published))
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
	s.progressLock.Lock() // the status may be asked for while the source opens
	defer s.progressLock.Unlock()
	for i, t := range tables {
		want := start.Tables[i]
		s.tables[t.oid], s.wanted[want.Table] = t.name(), true
		st := states[want.Table]
		if st == nil || st.Run < want.Run {
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
