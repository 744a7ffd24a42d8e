package postgres

import (
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/problem"
)

// Config is the `postgres:` node of a source or a sink.
type Config struct {
	// DSN is a PostgreSQL connection string, as URL or as keyword/value pairs. It holds the password: it is never printed.
	DSN string `yaml:"dsn"`
	// Slot and Publication name what the source creates on the server; "" means truc_<agency>_<source>. Source only.
	Slot        string `yaml:"slot"`
	Publication string `yaml:"publication"`
	// Failover lets standbys take the slot over, from PostgreSQL 17 on. Source only.
	Failover bool `yaml:"failover"`
	// ChunkRows is how many rows one chunk of a snapshot reads at most. Source only.
	ChunkRows int `yaml:"chunk_rows"`
	// Schema is where the sink keeps its bookkeeping. Sink only.
	Schema string `yaml:"schema"`
}

func defaults() *Config { return &Config{ChunkRows: 5000, Failover: true, Schema: "truc"} }

// slotNames are what PostgreSQL accepts as the name of a replication slot.
var slotNames = regexp.MustCompile(`^[a-z0-9_]{1,63}$`)

// Validate implements adapters.Config.
func (c *Config) Validate() problem.List {
	var l problem.List
	add := func(code, where string, what, fix problem.Text) {
		l = append(l, problem.Problem{Code: "postgres." + code, Where: where, What: what, Fix: fix})
	}
	shape := problem.Say(`write postgres://user:password@host:5432/database?sslmode=require, the password by ${env:NAME} or ${file:PATH}`)
	if c.DSN == "" {
		add("dsn", "dsn", problem.Say("the connection string is missing"), shape)
	} else if _, err := pgconn.ParseConfig(c.DSN); err != nil {
		// The driver's own message repeats the string, and what it masks of it depends on how it is malformed.
		add("dsn", "dsn", problem.Say("this is not a PostgreSQL connection string"), shape)
	}
	if c.Slot != "" && !slotNames.MatchString(c.Slot) {
		add("slot", "slot", problem.Say("%q cannot be the name of a replication slot", c.Slot), problem.Say("use up to 63 lower-case letters, digits and underscores"))
	}
	if len(c.Publication) > 63 {
		add("publication", "publication", problem.Say("the name of the publication is longer than 63 bytes"), problem.Say("shorten it"))
	}
	if c.ChunkRows < 1 || c.ChunkRows > 100_000 {
		add("chunk-rows", "chunk_rows", problem.Say("%d rows a chunk are out of range", c.ChunkRows), problem.Say("use 1 to 100000; 5000 is the default"))
	}
	if c.Schema == "" || len(c.Schema) > 63 {
		add("schema", "schema", problem.Say("the schema of the bookkeeping must have 1 to 63 bytes"), problem.Say("use truc, the default"))
	}
	return l
}

// ownName is the default name of slot and publication: truc_<agency>_<source>, in the letters a slot may have.
func ownName(env adapters.Env) string {
	name := "truc_" + sanitise(env.Agency) + "_" + sanitise(env.Name)
	return name[:min(len(name), 63)]
}

func sanitise(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return '_'
	}, s)
}
