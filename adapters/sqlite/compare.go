package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/problem"
)

// compare says when a saved position no longer means what it meant.
func (s *Source) compare(ctx context.Context, tx *sql.Tx, saved position, tables []*table) error {
	c, err := readCapturing(ctx, tx, s.db.where)
	if err != nil {
		return s.db.explain(ctx, "read capture", err)
	}
	if c.identity != saved.Database && c.identity != "" {
		return &adapters.DivergenceError{Source: s.env.Name, Reason: problem.Say("this is another database"), Saved: saved.Database, Found: c.identity}
	}
	if c.identity == "" || c.width == 0 {
		return s.gap(saved, problem.Say("the capture was removed"), "now")
	}
	for _, t := range tables {
		if _, reading := saved.Tables[t.Name]; reading && !c.intact(t) {
			return s.gap(saved, problem.Say("the triggers of %s were removed, or the table was replaced by another of its name", t.Name), "now")
		}
	}
	return s.find(ctx, tx, saved)
}

// find looks for the change at a position: without it nobody can say what came after.
func (s *Source) find(ctx context.Context, q querier, p position) error {
	last, err := s.sequence(ctx, q)
	if err != nil {
		return err
	}
	if last < p.ID {
		return diverged(s.env.Name, p.ID, last)
	}
	var tag string
	switch err := q.QueryRowContext(ctx, `SELECT tag FROM truc_change WHERE id = ?`, p.ID).Scan(&tag); {
	case err == sql.ErrNoRows:
		return s.gap(p, problem.Say("the change after which to go on is no longer in truc_change"), fmt.Sprintf("change %d", last))
	case err != nil:
		return err
	case tag != p.Tag:
		return &adapters.DivergenceError{
			Source: s.env.Name, Reason: problem.Say("the database was restored from a backup and changed since"),
			Saved: fmt.Sprintf("change %d with mark %s", p.ID, p.Tag), Found: "mark " + tag,
		}
	}
	return nil
}

// gap says that what came after a position is not known.
func (s *Source) gap(after position, reason problem.Text, to string) error {
	return &adapters.GapError{Source: s.env.Name, Reason: reason, From: fmt.Sprintf("change %d", after.ID+1), To: to}
}

func diverged(source string, saved, last uint64) error {
	return &adapters.DivergenceError{
		Source: source, Reason: problem.Say("the database is older than what was read from it, it was restored from a backup"),
		Saved: fmt.Sprintf("change %d", saved), Found: fmt.Sprintf("change %d", last),
	}
}

// sequence is the highest number a change ever had. A statement that stops half-way and keeps its rows (OR FAIL) does not
// write the number of its last change to sqlite_sequence: then the change itself, which stays in truc_change, tells it.
func (s *Source) sequence(ctx context.Context, q querier) (uint64, error) {
	var n uint64
	err := q.QueryRowContext(ctx, `SELECT max(coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'truc_change'), 0),
		coalesce((SELECT max(id) FROM truc_change), 0))`).Scan(&n)
	if err != nil {
		return 0, s.db.explain(ctx, "read the number of the last change", err)
	}
	return n, nil
}
