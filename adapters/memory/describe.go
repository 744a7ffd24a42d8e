package memory

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
)

// Describe implements adapters.Describer.
func (s *Source) Describe(ctx context.Context, tables ...string) ([]adapters.TableInfo, error) {
	return s.store.describe(ctx, s.env, tables)
}

// Describe implements adapters.SinkDescriber.
func (s *Sink) Describe(ctx context.Context, tables ...string) ([]adapters.TableInfo, error) {
	return s.store.describe(ctx, s.env, tables)
}

func (s *Store) describe(ctx context.Context, env adapters.Env, tables []string) ([]adapters.TableInfo, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.reachable(env); err != nil {
		return nil, err
	}
	if len(tables) == 0 {
		tables = slices.Sorted(maps.Keys(s.tables))
	}
	var infos []adapters.TableInfo
	for _, name := range tables {
		t := s.tables[name]
		if t == nil {
			p := unknownTable(env, name, slices.Sorted(maps.Keys(s.tables)))
			return nil, &p
		}
		info := adapters.TableInfo{Table: t.definition, Rows: int64(len(t.rows)), Relations: t.spec.Relations}
		if t.definition.Identity != nil {
			info.IdentityFix = "define table " + name + " without Identity"
		}
		infos = append(infos, info)
	}
	return infos, nil
}

func unknownTable(env adapters.Env, name string, known []string) problem.Problem {
	p := problem.Problem{Code: "source.unknown-table", Where: env.Name, What: problem.Say("there is no table %s", name), Fix: problem.Say("define it in the store")}
	if len(known) > 0 {
		p.Fix = problem.Say("use one of the tables that are there: %s", strings.Join(known, ", "))
	}
	return p
}

// Check implements adapters.Checker.
func (s *Source) Check(ctx context.Context, tables []string) (problem.List, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if err := s.store.reachable(s.env); err != nil {
		return nil, err
	}
	var found problem.List
	for _, name := range tables {
		t := s.store.tables[name]
		switch {
		case t == nil:
			found = append(found, unknownTable(s.env, name, slices.Sorted(maps.Keys(s.store.tables))))
		case len(t.definition.Key) == 0:
			found = append(found, problem.Problem{Code: "source.no-key", Where: s.env.Name, What: problem.Say("table %s has no key", name), Fix: problem.Say("define one")})
		}
	}
	return found, nil
}

// Begin implements adapters.Fetcher. What a source has handed out is committed, so every view is new enough.
func (s *Source) Begin(ctx context.Context, _ []uint64) (adapters.View, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if err := s.store.reachable(s.env); err != nil {
		return nil, err
	}
	v := &view{tables: map[string]viewTable{}}
	for name, t := range s.store.tables {
		v.tables[name] = viewTable{t.definition, maps.Clone(t.rows)}
	}
	return v, nil
}

type view struct{ tables map[string]viewTable }

type viewTable struct {
	definition *record.Table
	rows       map[string]record.Row
}

// Fetch implements adapters.View.
func (v *view) Fetch(ctx context.Context, name string, columns []string, values []record.Row) (*record.Table, []record.Row, error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	t, ok := v.tables[name]
	if !ok {
		return nil, nil, &ConstraintError{Reason: "table", Table: name}
	}
	wanted := map[string]bool{}
	for _, row := range values {
		wanted[encodeKey(row)] = true
	}
	var rows []record.Row
	for _, row := range t.rows {
		cells := make(record.Row, len(columns))
		for i, c := range columns {
			if j := t.definition.Index(c); j >= 0 {
				cells[i] = row[j]
			}
		}
		if wanted[encodeKey(cells)] {
			rows = append(rows, row.Clone())
		}
	}
	return t.definition, rows, nil
}

// Close implements adapters.View.
func (v *view) Close() error { return nil }

// Scan implements adapters.Scanner.
func (s *Source) Scan(ctx context.Context, name string, fn func(*record.Table, []record.Row) error) error {
	for cursor := ""; ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		s.store.mu.Lock()
		err := s.store.reachable(s.env)
		t := s.store.tables[name]
		if err != nil || t == nil {
			s.store.mu.Unlock()
			if err == nil {
				err = &adapters.RefusedError{Where: s.env.Name, What: problem.Say("there is no table %s", name), Fix: problem.Say("define it in the store")}
			}
			return err
		}
		keys := slices.Clone(t.after(cursor, s.opts.Chunk))
		var rows []record.Row
		for _, key := range keys {
			rows = append(rows, t.rows[key].Clone())
		}
		s.store.mu.Unlock()
		if len(keys) == 0 {
			return nil
		}
		if err := fn(t.definition, rows); err != nil {
			return err
		}
		cursor = keys[len(keys)-1]
	}
}

// RetainedBytes implements adapters.Retention: the size of the cells in the log.
func (s *Source) RetainedBytes(ctx context.Context) (int64, error) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	var n int64
	for _, r := range s.store.log {
		for _, row := range []record.Row{r.Before, r.After} {
			for _, v := range row {
				n += int64(len(v.Bytes)) + 8
			}
		}
	}
	return n, ctx.Err()
}

// Progress implements adapters.Progresser.
func (s *Source) Progress() []adapters.Progress {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	var all []adapters.Progress
	for _, name := range slices.Sorted(maps.Keys(s.progress)) {
		all = append(all, s.progress[name])
	}
	return all
}
