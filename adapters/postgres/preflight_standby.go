package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/lienthong/truc/problem"
)

// standbysSQL is what the primary can tell about its standbys: the physical slots they stream through (one that was never
// used keeps no log), each with whether it
// is in use and whether hot_standby_feedback reaches it; how many stream without one; and the settings that a failover
// depends on, null before PostgreSQL 17. What a walsender does is shown to pg_monitor only: others see no standby without a slot.
const standbysSQL = `
SELECT (SELECT count(*) FROM pg_stat_replication r
         WHERE r.state = 'streaming' AND NOT EXISTS (SELECT 1 FROM pg_replication_slots s WHERE s.active_pid = r.pid)),
       current_setting('sync_replication_slots', true),
       current_setting('synchronized_standby_slots', true),
       s.slot_name, s.active, s.xmin IS NOT NULL OR s.catalog_xmin IS NOT NULL
  FROM (SELECT 1) one LEFT JOIN pg_replication_slots s ON s.slot_type = 'physical' AND NOT s.temporary AND s.restart_lsn IS NOT NULL
 ORDER BY s.slot_name`

// checkStandbys warns where a promotion of a standby would lose the slot, or let the source run ahead of the standby. A
// server without standbys has nothing to prepare.
func (s *source) checkStandbys(ctx context.Context, c *session, f *findings) error {
	if !s.failover {
		return nil
	}
	rows, err := c.query(ctx, standbysSQL)
	if err != nil {
		return fmt.Errorf("look for standbys: %w", err)
	}
	slotless, sync, named := int64Of(rows[0][0]), string(rows[0][1]), settingList(string(rows[0][2]))
	var slots, used, mute []string // of standbys: all, those in use, those in use without feedback
	for _, r := range rows {
		if r[3] == nil {
			continue
		}
		name := string(r[3])
		slots = append(slots, name)
		if isTrue(r[4]) {
			used = append(used, name)
			if !isTrue(r[5]) {
				mute = append(mute, name)
			}
		}
	}
	if slotless == 0 && len(slots) == 0 {
		return nil
	}
	if major := c.major(); major < failoverSince {
		f.warn("failover", problem.Say("PostgreSQL %d hands no replication slot to a standby: after a promotion changes are missing, which truc names as a gap", major), problem.Say("run truc resnapshot %s after each promotion, or upgrade to PostgreSQL 17 or later", s.name))
		return nil
	}
	if slotless > 0 {
		f.warn("failover-standby-slot", problem.Say("%d standbys stream without a replication slot of their own: they cannot take over the slot of truc", slotless), problem.Say("on this server SELECT pg_create_physical_replication_slot('…'), and on the standby ALTER SYSTEM SET primary_slot_name = '…'"))
	}
	if sync != "on" {
		f.warn("failover-sync", problem.Say("sync_replication_slots is off here, and so perhaps on the standbys, whose settings cannot be seen from here: after a promotion the slot may be missing, which truc names as a gap"), problem.Say("on every server that may be the standby: ALTER SYSTEM SET sync_replication_slots = on, with dbname= in primary_conninfo; then SELECT pg_reload_conf()"))
	}
	if len(mute) > 0 {
		f.warn("failover-feedback", problem.Say("hot_standby_feedback is off on the standby of slot %s: it does not take over the slot of truc", strings.Join(mute, ", ")), problem.Say("on the standby: ALTER SYSTEM SET hot_standby_feedback = on; then SELECT pg_reload_conf()"))
	}
	if len(named) == 0 && len(slots) > 0 {
		f.warn("failover-order", problem.Say("synchronized_standby_slots is empty: truc may publish what no standby has yet, and after a promotion stops because that never happened there"), problem.Say("ALTER SYSTEM SET synchronized_standby_slots = '%s' (those that may be promoted; while one of them is down, truc waits); then SELECT pg_reload_conf()", strings.Join(slots, ", ")))
	}
	for _, name := range named {
		if !slices.Contains(used, name) {
			f.warn("failover-waits", problem.Say("synchronized_standby_slots names %s, which no standby reads: truc gets nothing until one does", name), problem.Say("start the standby, or take the name out of synchronized_standby_slots; then SELECT pg_reload_conf()"))
		}
	}
	return nil
}

// settingList takes a setting apart that is a list of names.
func settingList(value string) []string {
	var names []string
	for name := range strings.SplitSeq(value, ",") {
		if name = strings.Trim(strings.TrimSpace(name), `"`); name != "" {
			names = append(names, name)
		}
	}
	return names
}
