package pipeline

import (
	"bytes"
	"context"
	"fmt"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
)

// SourceRows counts the rows of an entity in its source, by what becomes of them when they are read.
type SourceRows struct {
	// Live would be published, Filtered and Deleted are not: they are outside the filter, or marked as deleted.
	Live     int64 `json:"live"`
	Filtered int64 `json:"filtered"`
	Deleted  int64 `json:"deleted"`
	// Keyless rows of the table give no key: nobody knows whose they are.
	Keyless int64 `json:"keyless"`
}

// FindSourceRows reads the table of a pipeline and counts the rows of the entity with a key. It works beside a running reader.
func FindSourceRows(ctx context.Context, src adapters.Source, source string, p Publish, key []byte) (SourceRows, error) {
	var found SourceRows
	scanner, ok := src.(adapters.Scanner)
	if !ok {
		return found, &adapters.RefusedError{Where: "source " + source, What: problem.Say("its adapter cannot read a table to look for one row"), Fix: problem.Say("make certain that the row is deleted there, then repeat with --force")}
	}
	pi := newPipe(p, source, &PublishStats{})
	translators := scanTranslators{pipe: pi}
	var has []byte
	err := scanner.Scan(ctx, p.Table, func(t *record.Table, rows []record.Row) error {
		tr, err := translators.of(t)
		if err != nil {
			return err
		}
		for _, row := range rows {
			var known bool
			if has, known = tr.Key(has[:0], row); !known {
				found.Keyless++
				continue
			}
			if !bytes.Equal(has, key) {
				continue
			}
			switch tr.Keep(row) {
			case mapping.Filtered:
				found.Filtered++
			case mapping.Gone:
				found.Deleted++
			default:
				found.Live++
			}
		}
		return nil
	})
	if err != nil {
		return found, fmt.Errorf("look for rows in table %s of source %s: %w", p.Table, source, err)
	}
	return found, nil
}

// scanTranslators are the translators of a scan: one for each form in which the table comes.
type scanTranslators struct {
	pipe  *pipe
	table *record.Table
	last  *mapping.Translator
}

// of returns the translator of a form. A form comes in many pieces, one behind the other.
func (s *scanTranslators) of(t *record.Table) (*mapping.Translator, error) {
	if t == s.table {
		return s.last, nil
	}
	plan, err := s.pipe.plan(t)
	if err != nil {
		return nil, err
	}
	s.table, s.last = t, plan.NewTranslator()
	return s.last, nil
}
