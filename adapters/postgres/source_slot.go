package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/problem"
)

// slotState is our replication slot as pg_replication_slots has it.
type slotState struct {
	plugin, database string
	// lost is why the slot cannot be read any more, a sentence; empty when it can.
	lost      problem.Text
	active    bool
	confirmed lsn
	// failover says that standbys may take the slot over; hasFailover that the server knows such a thing (PostgreSQL 17).
	failover, hasFailover bool
}

func (s *source) findSlot(ctx context.Context) (*slotState, error) {
	return s.catalog.findSlot(ctx, s.slot)
}

// slotSQL reads columns that some versions do not have by way of JSON, where they are null.
const slotSQL = `
SELECT s.plugin, s.database, coalesce(s.wal_status = 'lost', false), s.active, s.confirmed_flush_lsn,
       j->>'invalidation_reason', j->>'inactive_since', j->>'failover'
  FROM pg_replication_slots s CROSS JOIN LATERAL to_jsonb(s) j WHERE s.slot_name = $1`

func (c *session) findSlot(ctx context.Context, name string) (*slotState, error) {
	rows, err := c.query(ctx, slotSQL, []byte(name))
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	f := rows[0]
	slot := &slotState{
		plugin: string(f[0]), database: string(f[1]), active: isTrue(f[3]), confirmed: walLocation(f[4]),
		failover: string(f[7]) == "true", hasFailover: f[7] != nil,
	}
	if isTrue(f[2]) {
		slot.lost = lostSlot(name, string(f[5]), string(f[6]))
	}
	return slot, nil
}

// lostSlot says what became of a slot. The reason is pg_replication_slots.invalidation_reason, "" before PostgreSQL 17.
func lostSlot(name, reason, since string) problem.Text {
	switch reason {
	case "", "wal_removed":
		return problem.Say("replication slot %s is lost: the server removed log it still needed (max_slot_wal_keep_size)", name)
	case "idle_timeout":
		return problem.Say("replication slot %s is lost: nobody has read it since %s, and the server gives up a slot after idle_replication_slot_timeout", name, since)
	case "rows_removed":
		return problem.Say("replication slot %s is lost: a standby took it over after removing rows of the catalog it still needed (hot_standby_feedback was off)", name)
	}
	return problem.Say("replication slot %s is lost: the server gives %s as the reason", name, reason)
}

// checkGap finds out whether the slot still has everything after the position.
func (s *source) checkGap(slot *slotState, saved *position, start adapters.Start, now pglogrepl.IdentifySystemResult) error {
	if slot != nil && (slot.plugin != "pgoutput" || slot.database != now.DBName) {
		return &adapters.RefusedError{
			Where: s.server.name, What: problem.Say("replication slot %s belongs to somebody else (plugin %q, database %q)", s.slot, slot.plugin, slot.database),
			Fix: problem.Say("set slot: to another name"),
		}
	}
	gap := func(to lsn, reason problem.Text) error {
		from := "an unknown place"
		if start.Position != nil {
			from = "LSN " + saved.Confirmed.String()
		} else if start.Floor.Major > 0 {
			from = "LSN " + lsn(start.Floor.Major).String()
		}
		return &adapters.GapError{Source: s.name, From: from, To: "LSN " + to.String(), Reason: reason}
	}
	switch {
	case start.Reset:
		return nil
	case slot == nil && start.Position == nil && !start.Opened:
		return nil
	case slot == nil && start.Position != nil && saved.Timeline < now.Timeline:
		return gap(lsn(now.XLogPos), problem.Say("replication slot %s did not follow the promotion of this server: PostgreSQL 17 or later hands slots to a standby that has sync_replication_slots on", s.slot))
	case slot == nil:
		return gap(lsn(now.XLogPos), problem.Say("replication slot %s does not exist any more", s.slot))
	case !slot.lost.Empty():
		return gap(lsn(now.XLogPos), slot.lost)
	case start.Position != nil && slot.confirmed > saved.Confirmed, start.Position == nil && start.Floor.Major > 0 && slot.confirmed > lsn(start.Floor.Major):
		// The server would start at the slot's place without a word.
		return gap(slot.confirmed, problem.Say("replication slot %s has been advanced by somebody else, or was created again", s.slot))
	}
	return nil
}

// failoverSince is the version from which on a slot can be handed to a standby.
const failoverSince = 17

// createSlot makes the slot. No snapshot is exported: tables are read by watermarks.
func (s *source) createSlot(ctx context.Context, database string) (*slotState, error) {
	slot := &slotState{plugin: "pgoutput", database: database, hasFailover: s.catalog.major() >= failoverSince}
	options := "SNAPSHOT 'nothing'"
	if slot.hasFailover && s.failover {
		slot.failover = true
		options += ", FAILOVER true"
	}
	s.log.Info("creating replication slot; this waits for the transactions that are running now", "source", s.name, "slot", s.slot, "failover", slot.failover)
	made, err := pglogrepl.ParseCreateReplicationSlot(s.repl.Exec(ctx, fmt.Sprintf("CREATE_REPLICATION_SLOT %s LOGICAL pgoutput (%s)", quote(s.slot), options)))
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, s.server.explain(err)
	}
	slot.confirmed = walLocation([]byte(made.ConsistentPoint))
	return slot, nil
}

// setFailover makes the slot follow a promotion, or not, as the configuration says: it may have been created before the
// server was upgraded, or by hand.
func (s *source) setFailover(ctx context.Context, slot *slotState) error {
	if !slot.hasFailover || slot.failover == s.failover {
		return nil
	}
	s.log.Info("changing whether the replication slot follows a promotion", "source", s.name, "slot", s.slot, "failover", s.failover)
	return s.whileHeld(ctx, func() error {
		_, err := s.repl.Exec(ctx, fmt.Sprintf("ALTER_REPLICATION_SLOT %s (FAILOVER %t)", quote(s.slot), s.failover)).ReadAll()
		return err
	}, func() error { return nil })
}

// startReplication begins the stream at a place of the log.
func (s *source) startReplication(ctx context.Context, from lsn) error {
	return s.whileHeld(ctx, func() error {
		return pglogrepl.StartReplication(ctx, s.repl, s.slot, pglogrepl.LSN(from), pglogrepl.StartReplicationOptions{
			Mode:       pglogrepl.LogicalReplication,
			PluginArgs: []string{"proto_version '1'", "publication_names '" + strings.ReplaceAll(quote(s.published), "'", "''") + "'", "messages 'true'"},
		})
	}, func() error {
		// The refusal is followed by ReadyForQuery, which the driver leaves to us.
		_, err := s.repl.ReceiveMessage(ctx)
		return err
	})
}

// whileHeld does what needs the slot to itself. A slot that is still active is tried again for a moment, after finish: the
// server takes that long to notice that the source was closed and is opened again.
func (s *source) whileHeld(ctx context.Context, do, finish func() error) error {
	deadline := time.Now().Add(3 * time.Second)
	for {
		err := do()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if pg, ok := errors.AsType[*pgconn.PgError](err); !ok || pg.Code != "55006" || time.Now().After(deadline) {
			return s.server.explain(err)
		}
		if err := finish(); err != nil {
			return s.server.explain(err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}
