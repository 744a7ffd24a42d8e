package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
)

// relation is a table as the rows that follow in the log have it.
type relation struct {
	table    *record.Table
	name     string // in the configuration; "" when nobody asked for the table
	codecs   []codec
	identity []bool // columns that an old row of kind K carries
	// partitioned tables have the log of their partitions.
	partitioned bool
}

// onRelation takes in a Relation message: the server sends it before the first row of a table in a session and after
// every change to the table. What it lacks (nullability, type names, the primary key) comes from the catalog, which may be newer.
func (s *source) onRelation(m relationMessage) error {
	as, wanted := s.tables[m.id]
	if !wanted {
		s.relations[m.id] = &relation{table: &record.Table{Schema: m.schema, Name: m.name}}
		return s.checkReplaced(m)
	}
	var bases domainBases
	var now *catalogTable
	err := s.withCatalog(func(ctx context.Context, c *session) error {
		var err error
		if bases, err = c.domains(ctx); err != nil {
			return err
		}
		found, err := c.describe(ctx, []uint32{m.id}, bases)
		if len(found) == 1 {
			now = found[0]
		}
		return err
	})
	if err != nil {
		return err
	}
	if m.schema != as.schema || m.name != as.name {
		s.log.Warn("a captured table was renamed; change the configuration before the next start", "source", s.name, "table", as.String(), "now", m.schema+"."+m.name)
		m.schema, m.name = as.schema, as.name
	}
	old := s.relations[m.id]
	r, err := newRelation(m, now, bases, old)
	if err != nil {
		return err
	}
	r.name = as.String()
	s.adopt(m.id, r)
	return nil
}

// adopt makes r the present version of a table: the old one if nothing differs.
func (s *source) adopt(id uint32, r *relation) {
	old := s.relations[id]
	switch {
	case old == nil:
		// The first that this session sees of the table: which version a chunk that is being read has cannot be told.
		s.machine.AlteredTable(r.name)
	case sameTable(old.table, r.table):
		r.table = old.table
	default:
		r.table.Version = old.table.Version + 1
		s.machine.AlteredTable(r.name)
		s.log.Info("table changed its columns", "source", s.name, "table", r.name, "version", r.table.Version)
	}
	s.relations[id] = r
}

// checkReplaced looks at a table nobody asked for by this OID: if it has the name of one that was asked for, that one was
// dropped and this one created in its place, and what happened in between is not in the stream.
func (s *source) checkReplaced(m relationMessage) error {
	name := m.schema + "." + m.name
	if !s.wanted[name] {
		return nil
	}
	present := false
	err := s.withCatalog(func(ctx context.Context, c *session) error {
		rows, err := c.query(ctx, "SELECT 1 FROM pg_class WHERE oid = $1", strconv.AppendUint(nil, uint64(m.id), 10))
		present = len(rows) > 0
		return err
	})
	if err != nil || !present {
		return err // an old table of that name, gone long ago
	}
	return &adapters.GapError{Source: s.name, From: "LSN " + s.position.Confirmed.String(), To: "now", Reason: problem.Say("table %s was dropped and created again", name)}
}

// newRelation joins what the log says about a table with what the catalog says now. The log is right about the columns;
// the catalog may be ahead of it, or have lost the table.
func newRelation(m relationMessage, now *catalogTable, bases domainBases, old *relation) (*relation, error) {
	t := &record.Table{Schema: m.schema, Name: m.name, Version: 1}
	r := &relation{
		table: t, codecs: make([]codec, len(m.columns)), identity: make([]bool, len(m.columns)),
		partitioned: now != nil && now.kind == 'p',
	}
	var flagged []int
	for i, c := range m.columns {
		column := record.Column{Name: c.name, Type: fmt.Sprintf("type %d", c.typ), Nullable: true}
		if now != nil {
			if j := now.table.Index(c.name); j >= 0 && now.types[j] == c.typ {
				column = now.table.Columns[j]
			}
		}
		r.codecs[i] = codecOf(bases.resolve(c.typ))
		column.Kind = r.codecs[i].kind()
		t.Columns = append(t.Columns, column)
		r.identity[i] = c.identity
		if c.identity {
			flagged = append(flagged, i)
		}
	}
	if m.identity != 'f' {
		t.Identity = append([]int{}, flagged...)
	}
	if key, ok := keyByName(t, now); ok {
		t.Key = key
	} else if m.identity != 'f' {
		t.Key = flagged
	} else if now != nil && sameTypes(m, now) {
		t.Key = slices.Clone(now.table.Key) // columns were renamed since
	} else if old != nil {
		for _, i := range old.table.Key {
			if j := t.Index(old.table.Columns[i].Name); j >= 0 {
				t.Key = append(t.Key, j)
			}
		}
	}
	if len(t.Key) == 0 && m.identity != 'n' {
		return nil, &adapters.RefusedError{
			Where: "table " + t.String(), What: problem.Say("the log shows rows from when its primary key was another, or none"),
			Fix: problem.Say("truc resnapshot the source"),
		}
	}
	slices.Sort(t.Identity)
	return r, nil
}

// keyByName finds the columns of today's key in the table as it was.
func keyByName(t *record.Table, now *catalogTable) ([]int, bool) {
	if now == nil || len(now.table.Key) == 0 {
		return nil, false
	}
	key := make([]int, len(now.table.Key))
	for i, k := range now.table.Key {
		if key[i] = t.Index(now.table.Columns[k].Name); key[i] < 0 {
			return nil, false
		}
	}
	return key, true
}

func sameTypes(m relationMessage, now *catalogTable) bool {
	if len(m.columns) != len(now.types) {
		return false
	}
	for i, c := range m.columns {
		if c.typ != now.types[i] {
			return false
		}
	}
	return true
}

func sameTable(a, b *record.Table) bool {
	return a.Schema == b.Schema && a.Name == b.Name && slices.Equal(a.Columns, b.Columns) &&
		slices.Equal(a.Key, b.Key) && (a.Identity == nil) == (b.Identity == nil) && slices.Equal(a.Identity, b.Identity)
}

// withCatalog runs fn on the catalog session. Read must finish what it has begun even when its own context ends, or it
// would lose its place in the log; only Close cuts it short, by the session's deadline.
func (s *source) withCatalog(fn func(ctx context.Context, c *session) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s.catalogLock.Lock()
	defer s.catalogLock.Unlock()
	s.setAsking(s.catalog.pg.Conn())
	defer s.setAsking(nil)
	err := fn(ctx, s.catalog)
	if errors.Is(err, context.DeadlineExceeded) {
		return s.server.unreachable(errors.New("the catalog did not answer within a minute"))
	}
	return err
}

// setAsking lets Close interrupt a question to the catalog.
func (s *source) setAsking(conn net.Conn) {
	s.wakeLock.Lock()
	defer s.wakeLock.Unlock()
	if s.asking = conn; conn != nil && s.closed {
		_ = conn.SetDeadline(time.Unix(1, 0)) // fails only on a closed socket
	}
}
