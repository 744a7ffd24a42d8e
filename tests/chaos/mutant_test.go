//go:build linux

package chaos

// mutant is truc without one of its mechanisms. A run with it must be judged wrong.
type mutant struct {
	name   string
	edits  []edit
	faults []string
	kinds  []string // one of these must be found
}

func mutants() []mutant {
	return []mutant{
		{"what is on the topic is not passed over", []edit{{
			"pipeline/handover.go", "case p.tails[e.part-p.first].published(e.sequence, e.id):", "case false && p.tails[e.part-p.first].published(e.sequence, e.id):",
		}}, []string{"publisher killed"}, []string{twice}},
		{"a predecessor is not fenced off", []edit{{
			"bus/kafka/sender.go", "as, err = c.fence(ctx, cfg.TransactionalID, cfg.Partitions)", `as, err = c.initProducer(ctx, "")`,
		}}, []string{"publisher frozen at produced and replaced"}, []string{twice, order}},
		{"rows of a chunk that changed meanwhile are not dropped", []edit{{
			"adapters/snapshot/snapshot.go", "if _, ok := a.touched[string(key)]; ok {", "if _, ok := a.touched[string(key)]; ok && false {",
		}}, []string{"source slow"}, []string{order}},
		{"rows of a snapshot are published again after a crash", []edit{{
			"pipeline/handover.go", "case e.op == bus.Snapshot && p.rereads.take(e.key, e.msg.Value):", "case e.op == bus.Snapshot && p.rereads.take(e.key, e.msg.Value) && false:",
		}}, []string{"publisher killed", "publisher killed at acknowledged"}, []string{twice}},
		{"cells that the log leaves out are not re-read", []edit{{
			"pipeline/unchanged.go", "\tif f.wanted == nil {\n", "\tif f.wanted = nil; f.wanted == nil {\n",
		}}, []string{"walsender terminated"}, []string{lost, wrong}},
		{"what vanished in a gap is not swept", []edit{{
			"pipeline/handover.go", "if err := s.sweep(ctx, e); err != nil {", "if err := ctx.Err(); err != nil {",
		}}, []string{"slot dropped"}, []string{lost}},
		{"a read that does not see what was decoded is taken", []edit{{
			"adapters/postgres/visibility.go", "\tif xid < v.xmin {", "\tif xid < v.xmin || true {",
		}}, []string{"commits decoded before they are visible"}, []string{lost, order, wrong}},
		{"the position is saved before the broker has acknowledged", []edit{{
			"pipeline/finish.go", "\t\t\tselect {\n\t\t\tcase <-c.acknowledged:", "\t\t\tnext.Position, dirty = c.batch.Position, true\n\t\t\tif err := save(); err != nil {\n\t\t\t	return err\n\t\t\t}\n\t\t\tselect {\n\t\t\tcase <-c.acknowledged:",
		}}, []string{"publisher killed while the broker refuses events"}, []string{lost}},
		{"the sink compares neither offsets nor sequences", []edit{
			{"adapters/postgres/sink_state.go", "\tif int64Of(r.Rows[0][0]) != int64(m.partitions) {", "\tif false {"},
			{"adapters/postgres/sink_state.go", "AND o.next_offset = i.before AND (SELECT count(*) FROM l) >= 0 RETURNING 1)", "AND (SELECT count(*) FROM l) >= 0 RETURNING 1)"},
			{"adapters/postgres/sink_decide.go", "THEN (b.generation, b.sequence) < (%[1]s.generation, %[1]s.sequence)", "THEN true"},
		}, []string{"subscriber killed while its sink waits for a lock"}, []string{order, twice}},
		{"dead letters are acknowledged without being written", []edit{{
			"pipeline/handover.go", "\tif err := produceAndWait(ctx, s.sender, p.dlq, msgs); err != nil {", "\tif err := ctx.Err(); err != nil {",
		}}, []string{"dead-letter topic cannot be written"}, []string{lost}},
		{"a subscriber that was away for long reads on", []edit{{
			"pipeline/delivery.go", "\tif stale || w.generation.Stale || len(reconciles) > 0 {", "\tif false && stale || len(reconciles) > 0 {",
		}}, []string{"subscriber away for longer than tombstones live"}, []string{lost}},
	}
}
