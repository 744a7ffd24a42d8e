package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/record"
)

// plan is how one target is written: its table as described, and the statements. Every statement takes a whole round, a
// column of the batch as one array parameter, and is planned anew each time (unnamed): a plan kept from when the table
// was empty would read it whole for every batch when it has grown.
type plan struct {
	target *record.Target
	table  *sinkTable
	// converted: the database has another encoding than the connection.
	converted bool
	// Columns by their role, aligned with the cells of a Change.
	key, columns, onCreate, deleteSet []*sinkColumn
	// decide and decideNew are for a batch that goes well, of keys that are mostly known or mostly not; decideAlone is for the
	// steps of one that did not.
	decide, decideNew, decideAlone, conflicts sinkStatement
	upsert, remove                            sinkStatement
	// insert writes upserts of keys that the bookkeeping does not know, as if they had no row. Where that turns out wrong, the
	// batch is done again; without SQL it is not tried.
	insert sinkStatement
	// copying is for rounds of new keys; nil where they are inserted.
	copying *copying
	// renewal is for batches of known keys; nil where they go the usual way.
	renewal *renewal
}

// sinkStatement is SQL with the types of its array parameters; without SQL there is nothing to do.
type sinkStatement struct {
	sql   string
	types []uint32
}

// OIDs of the types whose values are equal only when they are written alike.
const (
	textType    = 25
	varcharType = 1043
)

// OIDs of the array types of the bookkeeping's own parameters and of text.
const (
	textArray = 1009
	int4Array = 1007
	int8Array = 1016
	boolArray = 1000
)

// plan returns the plan of a target, from a fresh description of its table if there is none yet.
func (c *sinkConn) plan(ctx context.Context, target *record.Target) (*plan, error) {
	if p, ok := c.plans[target]; ok {
		return p, nil
	}
	t, err := c.describeSink(ctx, target.Table)
	if err != nil {
		return nil, err
	}
	if t == nil {
		return nil, c.missingTable(target.Table)
	}
	// What CheckTargets would find and what makes every Apply fail.
	for _, found := range t.check(target, c.server.config.User) {
		if !found.Warning {
			return nil, &adapters.RefusedError{Where: c.server.name, What: found.What, Fix: found.Fix}
		}
	}
	p := &plan{target: target, table: t, converted: !c.raw && c.encoding() != "UTF8"}
	for _, role := range []struct {
		names []string
		into  *[]*sinkColumn
	}{{target.Key, &p.key}, {target.Columns, &p.columns}, {target.OnCreate, &p.onCreate}, {target.DeleteSet, &p.deleteSet}} {
		for _, name := range role.names {
			*role.into = append(*role.into, t.column(name))
		}
	}
	targetID, err := c.id(ctx, t.String())
	if err != nil {
		return nil, err
	}
	pipelineID, err := c.id(ctx, target.Pipeline)
	if err != nil {
		return nil, err
	}
	p.build(quote(c.sink.schema), targetID, pipelineID)
	c.plans[target] = p
	return p, nil
}

func (p *plan) build(schema string, targetID, pipelineID int32) {
	entity := schema + ".sink_entity"
	if p.target.Write == record.AppendOnly {
		p.decideAlone = p.decideAppend(entity, targetID, pipelineID)
		p.decide, p.decideNew = p.decideAlone, p.decideAlone
		p.upsert = p.insertAll(p.columns, p.onCreate)
		if p.target.OnDelete == record.DeleteSets {
			p.remove = p.insertAll(p.deleteSet, nil)
		}
		return
	}
	p.decide = p.decideSwiftly(entity, targetID, pipelineID, false)
	p.decideNew = p.decideSwiftly(entity, targetID, pipelineID, true)
	p.decideAlone = p.decideUpsert(entity, targetID, pipelineID)
	if p.target.Write == record.Upsert && !p.table.traces {
		p.insert = p.insertAll(p.columns, p.onCreate)
		p.copying = p.copyingInto(entity, targetID, pipelineID)
	}
	p.renewal = p.renewalOf(entity, targetID, pipelineID)
	p.conflicts = p.findConflicts(entity, targetID)
	p.upsert = p.write()
	switch p.target.OnDelete {
	case record.DeleteRow:
		in := unnested{}
		in.columns("k", p.key)
		p.remove = sinkStatement{fmt.Sprintf("DELETE FROM %s t USING %s WHERE %s", p.table.sql(), in.from("r"), p.matches(in)), in.types}
	case record.DeleteSets:
		if len(p.deleteSet) > 0 {
			in := unnested{}
			in.columns("k", p.key)
			in.columns("d", p.deleteSet)
			p.remove = sinkStatement{fmt.Sprintf("UPDATE %s t SET %s FROM %s WHERE %s", p.table.sql(), in.sets("d", p.deleteSet, ""), in.from("r"), p.matches(in)), in.types}
		}
	case record.DeleteIgnored: // the bookkeeping is all that is written
	}
}

// write updates the rows that are there and inserts the others. Not ON CONFLICT DO UPDATE: that would check not-null
// columns which the mapping does not name, fire insert triggers and use up sequences for rows that are only updated.
// Nobody else of truc inserts these keys meanwhile (decide holds them); an insert of the agency's own in between is a unique
// violation, and found as a row when the batch is isolated.
func (p *plan) write() sinkStatement {
	in := unnested{}
	in.columns("k", p.key)
	in.columns("c", p.columns)
	table := p.table.sql()
	if p.target.Write == record.UpdateOnly {
		if len(p.columns) == 0 {
			return sinkStatement{}
		}
		return p.updateAll()
	}
	in.columns("o", p.onCreate)
	var outputs, inserted []string
	for _, role := range []struct {
		prefix  string
		columns []*sinkColumn
	}{{"k", p.key}, {"c", p.columns}, {"o", p.onCreate}} {
		for i, column := range role.columns {
			outputs = append(outputs, fmt.Sprintf("i.%s%d", role.prefix, i))
			inserted = append(inserted, quote(column.name))
		}
	}
	there := fmt.Sprintf("u(n) AS (SELECT i.n FROM i JOIN %s t ON %s)", table, in.matchesSelected(p.key))
	set, match := in.sets("c", p.columns, "i"), in.matchesSelected(p.key)
	switch {
	case len(p.columns) == 0:
	case p.table.withholds:
		// A row is there when it can be locked, whatever a trigger makes of its update. Each is locked before it is updated:
		// one that this statement has updated already cannot be.
		there = fmt.Sprintf("u(n) AS MATERIALIZED (SELECT i.n FROM i JOIN %[1]s t ON %[2]s FOR NO KEY UPDATE OF t), w AS (UPDATE %[1]s t SET %[3]s FROM i JOIN u USING (n) WHERE %[2]s)", table, match, set)
	default:
		there = fmt.Sprintf("u(n) AS (UPDATE %s t SET %s FROM i WHERE %s RETURNING i.n)", table, set, match)
	}
	return sinkStatement{fmt.Sprintf(`
WITH i AS MATERIALIZED (SELECT %s, r.n FROM %s), %s
INSERT INTO %s (%s) %s SELECT %s FROM i WHERE i.n NOT IN (SELECT n FROM u)`,
		in.selectList(), in.from("r"), there, table, strings.Join(inserted, ", "), p.overriding(), strings.Join(outputs, ", ")), in.types}
}

// updateAll updates the rows that are there.
func (p *plan) updateAll() sinkStatement {
	in := unnested{}
	in.columns("k", p.key)
	in.columns("c", p.columns)
	return sinkStatement{fmt.Sprintf("UPDATE %s t SET %s FROM %s WHERE %s", p.table.sql(), in.sets("c", p.columns, ""), in.from("r"), p.matches(in)), in.types}
}

// insertAll is an inbox's statement.
func (p *plan) insertAll(columns, onCreate []*sinkColumn) sinkStatement {
	in := unnested{}
	in.columns("k", p.key)
	in.columns("c", columns)
	in.columns("o", onCreate)
	var names []string
	for _, role := range [][]*sinkColumn{p.key, columns, onCreate} {
		for _, column := range role {
			names = append(names, quote(column.name))
		}
	}
	return sinkStatement{fmt.Sprintf("INSERT INTO %s (%s) %s SELECT %s FROM %s", p.table.sql(), strings.Join(names, ", "), p.overriding(), strings.Join(in.exprs, ", "), in.from("r")), in.types}
}

// overriding lets the mapping give a value to a key that the table would number itself.
func (p *plan) overriding() string {
	for _, role := range [][]*sinkColumn{p.key, p.columns, p.onCreate} {
		for _, column := range role {
			if column.identity == 'a' {
				return "OVERRIDING SYSTEM VALUE"
			}
		}
	}
	return ""
}

func (p *plan) matches(in unnested) string { return in.matches(p.key) }

// keyExpression is the canonical text of a key: equal for values that the table holds equal, whatever text they came in
// (1.50 and 1.5), and readable backwards (splitKey). Of several cells all but the last have their length before them, in
// the octets in which the client reads them.
func (p *plan) keyExpression(in unnested) string {
	length := "octet_length(%s)"
	if p.converted {
		length = "octet_length(convert_to(%s, 'UTF8'))"
	}
	var b strings.Builder
	for i, column := range p.key {
		text := fmt.Sprintf("(%s)::text", in.exprs[i])
		switch {
		case column.base == 1700:
			text = fmt.Sprintf("trim_scale(%s)::text", in.exprs[i])
		case column.base == 1184:
			text = fmt.Sprintf("((%s) AT TIME ZONE 'UTC')::text", in.exprs[i])
		case column.citext:
			text = fmt.Sprintf("lower((%s)::text)", in.exprs[i])
		}
		if i > 0 {
			b.WriteString(" || ")
		}
		if i < len(p.key)-1 {
			fmt.Fprintf(&b, length+" || ':' || ", text)
		}
		b.WriteString(text)
	}
	return b.String()
}

// unnested is the parameters of a statement as a row source: unnest($1, $2, …) WITH ORDINALITY AS r(k0, c0, …, n).
type unnested struct {
	names []string
	// exprs give the cells in the column's type, where an array of that type cannot be sent.
	exprs []string
	types []uint32
}

func (in *unnested) add(name, expr string, arrayType uint32) {
	in.names = append(in.names, name)
	in.exprs = append(in.exprs, expr)
	in.types = append(in.types, arrayType)
}

func (in *unnested) columns(prefix string, columns []*sinkColumn) {
	for i, column := range columns {
		name := fmt.Sprintf("%s%d", prefix, i)
		if column.arrayType != 0 {
			in.add(name, "r."+name, column.arrayType)
		} else {
			in.add(name, "r."+name+"::"+column.cast, textArray)
		}
	}
}

// state adds what the bookkeeping needs to know of a change.
func (in *unnested) state() {
	in.add("source", "r.source", int4Array)
	in.add("generation", "r.generation", int8Array)
	in.add("sequence", "r.sequence", textArray)
	in.add("deleted", "r.deleted", boolArray)
}

func (in *unnested) from(alias string) string {
	params := make([]string, len(in.types))
	for i := range params {
		params[i] = fmt.Sprintf("$%d", i+1)
	}
	return fmt.Sprintf("unnest(%s) WITH ORDINALITY AS %s(%s, n)", strings.Join(params, ", "), alias, strings.Join(in.names, ", "))
}

// selectList names every cell in its type.
func (in *unnested) selectList() string {
	list := make([]string, len(in.names))
	for i := range list {
		list[i] = in.exprs[i] + " AS " + in.names[i]
	}
	return strings.Join(list, ", ")
}

// matches compares the key columns of the target, t, with the first cells of the input.
func (in *unnested) matches(key []*sinkColumn) string {
	terms := make([]string, len(key))
	for i, column := range key {
		terms[i] = fmt.Sprintf("t.%s = %s", quote(column.name), in.exprs[i])
	}
	return strings.Join(terms, " AND ")
}

// matchesSelected is matches where the input was selected into the query i.
func (in *unnested) matchesSelected(key []*sinkColumn) string {
	terms := make([]string, len(key))
	for i, column := range key {
		terms[i] = fmt.Sprintf("t.%s = i.%s", quote(column.name), in.names[i])
	}
	return strings.Join(terms, " AND ")
}

// sets assigns the cells of a role, from the input itself or from a query it was selected into.
func (in *unnested) sets(prefix string, columns []*sinkColumn, query string) string {
	terms := make([]string, len(columns))
	for i, column := range columns {
		name := fmt.Sprintf("%s%d", prefix, i)
		value := query + "." + name
		if query == "" {
			for j, n := range in.names {
				if n == name {
					value = in.exprs[j]
				}
			}
		}
		terms[i] = fmt.Sprintf("%s = %s", quote(column.name), value)
	}
	return strings.Join(terms, ", ")
}
