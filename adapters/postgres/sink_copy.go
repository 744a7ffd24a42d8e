package postgres

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/lienthong/truc/record"
)

// leastCopy is how many ops a round that is copied has at least: COPY costs round trips of its own.
const leastCopy = 200

// copying is how a round of upserts is written whose keys are all new: by COPY, into the bookkeeping and into the table. The
// server then fills a page of rows at a time, with one record of its log for all of them, and reads no arrays.
//
// COPY can only insert. The bookkeeping is asked first whether it knows any of the keys (probe); one that somebody else makes
// known after that, or a row that the agency has already, is a unique violation, and the batch is done again in the steps of
// isolate.
type copying struct {
	probe            sinkStatement
	entity, table    string // the COPY statements
	target, pipeline int32  // as the bookkeeping numbers them
}

// copying is nil where COPY would not do what INSERT does, or where only the server can tell the canonical text of a key.
func (p *plan) copyingInto(entity string, targetID, pipelineID int32) *copying {
	if p.insert.sql == "" || !p.table.copyable || p.converted {
		return nil
	}
	for _, column := range p.key {
		if column.citext || column.base != textType && column.base != varcharType && !column.whole() {
			return nil
		}
	}
	var names []string
	for _, role := range [][]*sinkColumn{p.key, p.columns, p.onCreate} {
		for _, column := range role {
			names = append(names, quote(column.name))
		}
	}
	in := unnested{}
	in.add("key", "r.key", textArray)
	return &copying{
		probe: sinkStatement{fmt.Sprintf(`
SELECT coalesce(bool_or((SELECT true FROM %s b WHERE b.target = %d AND b.key = r.key COLLATE "C" LIMIT 1)), false), now() FROM %s`,
			entity, targetID, in.from("r")), in.types},
		entity: "COPY " + entity + " (target, key, pipeline, source, generation, sequence, deleted, changed_at) FROM STDIN",
		table:  fmt.Sprintf("COPY %s (%s) FROM STDIN", p.table.sql(), strings.Join(names, ", ")),
		target: targetID, pipeline: pipelineID,
	}
}

// canonicalKeys are the keys of a round as keyExpression would write them; ok is false where the round is not one to copy.
func (p *plan) canonicalKeys(ops []*op) (keys [][]byte, ok bool) {
	if p.copying == nil || len(ops) < leastCopy {
		return nil, false
	}
	keys = make([][]byte, len(ops))
	arena := make([]byte, 0, len(ops)*32)
	for i, o := range ops {
		start := len(arena)
		if arena, ok = p.appendCanonical(arena, o.change.Key); !ok || o.change.Delete {
			return nil, false
		}
		keys[i] = arena[start:len(arena):len(arena)]
	}
	return keys, true
}

// appendCanonical is keyExpression for texts, and for whole numbers that come as such.
func (p *plan) appendCanonical(dst []byte, key record.Row) (out []byte, ok bool) {
	for i, column := range p.key {
		if column.whole() && key[i].Kind != record.Int {
			return dst, false
		}
		start := len(dst)
		dst = appendCell(dst, key[i], column)
		if i == len(p.key)-1 {
			break
		}
		cell := string(dst[start:])
		dst = strconv.AppendInt(dst[:start], int64(len(cell)), 10)
		dst = append(append(dst, ':'), cell...)
	}
	return dst, true
}

// addProbe puts the question whether any of the keys is known into a batch.
func (c *sinkConn) addProbe(b *pgconn.Batch, p *plan, keys [][]byte) {
	var all array
	for _, key := range keys {
		all.next()
		all.buf = appendQuoted(all.buf, key)
	}
	b.ExecParams(p.copying.probe.sql, [][]byte{all.close()}, p.copying.probe.types, nil, nil)
}

// copy writes a round of new keys. rows is p.copyText of it, now the time of the transaction.
func (c *sinkConn) copy(ctx context.Context, p *plan, ops []*op, keys [][]byte, rows, now []byte) error {
	entities := make([]byte, 0, len(ops)*128)
	for i, o := range ops {
		entities = strconv.AppendInt(entities, int64(p.copying.target), 10)
		entities = appendCopied(append(entities, '\t'), keys[i])
		entities = strconv.AppendInt(append(entities, '\t'), int64(p.copying.pipeline), 10)
		entities = strconv.AppendInt(append(entities, '\t'), int64(o.id), 10)
		entities = strconv.AppendInt(append(entities, '\t'), int64(o.change.Generation), 10)
		entities = appendCopied(append(entities, '\t'), o.change.Sequence)
		entities = append(append(append(entities, "\tf\t"...), now...), '\n')
	}
	// The bookkeeping first, as everywhere: whoever holds a key there is the one who writes its row.
	if _, err := c.pg.CopyFrom(ctx, bytes.NewReader(entities), p.copying.entity); err != nil {
		return c.lost(ctx, err)
	}
	_, err := c.pg.CopyFrom(ctx, bytes.NewReader(rows), p.copying.table)
	return c.lost(ctx, err)
}

// copyText is the rows of upserts as COPY reads them.
func (p *plan) copyText(ops []*op) []byte {
	var dst []byte
	for _, o := range ops {
		dst = appendCopyCells(dst, p.key, o.change.Key)
		dst = appendCopyCells(dst, p.columns, o.change.Values)
		dst = appendCopyCells(dst, p.onCreate, o.change.OnCreate)
		dst[len(dst)-1] = '\n' // the last tabulator
	}
	return dst
}

func appendCopyCells(dst []byte, columns []*sinkColumn, row record.Row) []byte {
	for i, column := range columns {
		switch v := row[i]; v.Kind {
		case record.Null, record.Unchanged, record.AnyKind:
			dst = append(dst, `\N`...)
		case record.Int, record.Bool, record.Float:
			dst = appendCell(dst, v, column)
		default:
			if column.octets(v) {
				dst = append(dst, '\\')
				dst = appendCell(dst, v, column)
			} else {
				dst = appendCopied(dst, v.Bytes)
			}
		}
		dst = append(dst, '\t')
	}
	return dst
}

// appendCopied writes a text as COPY reads it.
func appendCopied[T ~string | ~[]byte](dst []byte, s T) []byte {
	start := 0
	for i := range len(s) {
		c := s[i]
		if c != '\\' && (c > '\r' || c != '\t' && c != '\n' && c != '\r') {
			continue
		}
		dst = append(append(dst, s[start:i]...), '\\')
		start = i + 1
		switch c {
		case '\t':
			c = 't'
		case '\n':
			c = 'n'
		case '\r':
			c = 'r'
		}
		dst = append(dst, c)
	}
	return append(dst, s[start:]...)
}
