package postgres

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
)

// watchEvery is how often a running source looks whether its tables are still published. What the publication leaves out
// leaves no trace in the log, so nothing else would tell.
const watchEvery = 10 * time.Second

// watch ends the source when a table is no longer published as it was, or is another table.
func (s *source) watch(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := s.withCatalog(s.checkPublished); err != nil { //nolint:contextcheck // Close interrupts the question itself, and a minute bounds it
			if ctx.Err() == nil {
				s.lose(err)
			}
			return
		}
	}
}

// lose ends the stream: the next Read returns err.
func (s *source) lose(err error) {
	s.wakeLock.Lock()
	if s.lost == nil {
		s.lost = err
	}
	s.wakeLock.Unlock()
	s.wake()
}

func (s *source) checkPublished(ctx context.Context, c *session) error {
	gap := func(reason problem.Text) error {
		return &adapters.GapError{Source: s.name, From: "LSN " + lsn(s.acked.Load()).String(), To: "now", Reason: reason}
	}
	// The publication first: a table that is dropped between the two questions is then told as dropped.
	p, err := c.findPublication(ctx, s.published)
	if err != nil {
		return err
	}
	var wanted []record.Row
	var names []tableName
	for oid, as := range s.tables {
		wanted = append(wanted, record.Row{record.IntValue(int64(oid)), record.TextValue(as.schema), record.TextValue(as.name)})
		names = append(names, as)
	}
	rows, err := c.query(ctx, `
SELECT w.oid, EXISTS (SELECT 1 FROM pg_class c WHERE c.oid = w.oid),
       (SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = w.schema AND c.relname = w.name)
  FROM unnest($1::oid[], $2::name[], $3::name[]) WITH ORDINALITY w(oid, schema, name, n) ORDER BY w.n`,
		arrayOf(wanted, 0), arrayOf(wanted, 1), arrayOf(wanted, 2))
	if err != nil {
		return fmt.Errorf("look at captured tables: %w", err)
	}
	for i, f := range rows {
		oid := number(f[0])
		switch {
		case f[2] != nil && number(f[2]) != oid:
			return gap(problem.Say("table %s is another table now: it was dropped or renamed, and one created in its place", names[i].String()))
		case !isTrue(f[1]):
			return &adapters.RefusedError{
				Where: s.server.name, What: problem.Say("table %s does not exist any more", names[i].String()),
				Fix: problem.Say("take it out of the configuration, or create it again and truc resnapshot %s", s.name),
			}
		case p.stamp(oid) != s.stamps[oid]:
			return gap(alteredPublication(s.published, names[i].String()))
		}
	}
	return nil
}

// stamp tells one way of publishing a table from every other, earlier and later ones included: the log does not show
// what was not published meanwhile. "" means that the table is not published, or not whole.
func (p *publication) stamp(oid uint32) string {
	if p == nil || len(p.flaws) > 0 {
		return ""
	}
	member, ok := p.tables[oid]
	if !ok && !p.all {
		return ""
	}
	return p.version + "." + strconv.FormatUint(uint64(member), 10)
}

func alteredPublication(publication, table string) problem.Text {
	return problem.Say("publication %s was altered: for a time it did not publish every change of table %s", publication, table)
}
