// Package config reads the one file that runs a node: strictly, with every problem at once, each with its place and remedy.
//
//	truc.yaml → tree (no duplicates, references expanded) → Config (typed, cross-checked) + raw Nodes, one for each adapter
//
// Secrets come by reference, ${env:NAME} or ${file:PATH}, and appear in no message of this package.
package config

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lienthong/truc/problem"
)

// Config is a file as it was understood. Paths in it are resolved against the folder of the file.
type Config struct {
	// Path is the file as it was named, Dir its absolute folder.
	Path string `yaml:"-"`
	Dir  string `yaml:"-"`

	// Agency is the identifier of the node's agency in the form of Decision 20/2020/QĐ-TTg: "H44.15".
	Agency   string   `yaml:"agency"`
	Registry Registry `yaml:"registry"`
	// Datasets are folders of datasets beside those that come with truc, laid out like schemas/data.
	Datasets  []string             `yaml:"datasets"`
	Bus       Bus                  `yaml:"bus"`
	Sources   map[string]Source    `yaml:"sources"`
	Publish   map[string]Publish   `yaml:"publish"`
	Sinks     map[string]Sink      `yaml:"sinks"`
	Subscribe map[string]Subscribe `yaml:"subscribe"`
	HTTP      HTTP                 `yaml:"http"`
	// ErrorBudget decides when a pipeline is stopped because its mapping is plainly wrong.
	ErrorBudget ErrorBudget `yaml:"errorBudget"`
	// Pseudonyms are the keys of pseudonym(x, "name") in mappings, by name. They are secrets: ${env:NAME} or ${file:PATH}.
	Pseudonyms map[string]string `yaml:"pseudonyms"`
	// Alerts are whom the node tells when it needs somebody.
	Alerts []Alert `yaml:"alerts"`

	file *file
}

// Registry is where schemas are published. Its URL stands in every event (ce_dataschema), so it must stay what it is.
type Registry struct {
	URL string `yaml:"url"` // absolute, ends with "/"
	// Listen is where this node serves a schema registry, host:port; "" serves none.
	Listen string `yaml:"listen"`
	// Token is a secret that whoever writes to the registry must show. One that other machines can reach has it.
	Token string `yaml:"token"`
	// Follow is where another registry answers whose schemas that of this node copies; "" copies none.
	Follow string `yaml:"follow"`
	// People may decide about the node's folders of datasets over HTTP, at Listen.
	People []Person `yaml:"people"`
}

// Bus is where events travel. After Load without problems exactly one of the two is set.
type Bus struct {
	Embedded *EmbeddedBus `yaml:"embedded"`
	Kafka    *KafkaBus    `yaml:"kafka"`
}

// EmbeddedBus is the broker inside the process.
type EmbeddedBus struct {
	Dir string `yaml:"dir"` // default data/bus
	// Port on loopback; 0 takes a free one.
	Port int `yaml:"port"`
	// Compression as in KafkaBus.
	Compression string `yaml:"compression"`
}

// KafkaBus is a Kafka cluster.
type KafkaBus struct {
	Brokers []string `yaml:"brokers"` // host:port
	TLS     TLS      `yaml:"tls"`
	SASL    *SASL    `yaml:"sasl"`
	// Replication is the number of copies of the topics that truc creates; 0 is the cluster's own default.
	Replication int `yaml:"replication"`
	// Partitions of the topics that truc creates; default 3.
	Partitions int `yaml:"partitions"`
	// Compression of what this node publishes: none (the default), gzip, snappy, lz4 or zstd.
	Compression string `yaml:"compression"`
}

// TLS is `true`, or a mapping with what differs from the system's defaults.
type TLS struct {
	Enabled bool   `yaml:"-"`
	CA      string `yaml:"ca"`   // path, PEM: the authorities that are trusted
	Cert    string `yaml:"cert"` // path, PEM; with Key: the client's certificate
	Key     string `yaml:"key"`  // path, PEM
}

// SASL is how the node logs in at Kafka.
type SASL struct {
	Mechanism string `yaml:"mechanism"` // plain, scram-sha-256 or scram-sha-512; in any case in the file
	User      string `yaml:"user"`
	Password  string `yaml:"password"`
}

// Source is one system to read from: exactly one adapter, and limits.
type Source struct {
	Kind  string // the adapter's name, "postgres"; empty when the file names none or several
	Node  Node   // the adapter's own configuration
	Limit Limit
	Pause Pause
}

// Sink is one system to write to.
type Sink struct {
	Kind string
	Node Node
}

// Publish is one outgoing pipeline: a root table of a source to a topic.
type Publish struct {
	Source  string `yaml:"source"`
	Mapping string `yaml:"mapping"` // path
	// Table and Agency override what the mapping and the node say; empty otherwise.
	Table  string `yaml:"table"`
	Agency string `yaml:"agency"`
	// Partitions of the topic, if truc creates it.
	Partitions int `yaml:"partitions"`
}

// Subscribe is one delivery: the topics of a dataset to a table of a sink.
type Subscribe struct {
	// Agencies are patterns: "H44.15" itself, "H26.*" for H26 and all below it, "*" for all.
	Agencies []string `yaml:"agencies"`
	Sink     string   `yaml:"sink"`
	Mapping  string   `yaml:"mapping"` // path
	// Generation is the least that changes carry at the sink, which counts on from there by itself at each truc replay. It is
	// for a sink whose bookkeeping was lost.
	Generation uint32 `yaml:"generation"`
}

// HTTP is the portal.
type HTTP struct {
	Listen string `yaml:"listen"` // host:port, default 127.0.0.1:8080
}

// ErrorBudget stops a pipeline when both bounds are passed: many letters are open and most of the recent records failed. A
// few bad records in a long life pass the first bound, a bad start of a table passes the second; only a wrong mapping passes both.
type ErrorBudget struct {
	OpenLetters   int `yaml:"openLetters"`   // default 1000
	FailedPercent int `yaml:"failedPercent"` // default 50, of the last Window records
	Window        int `yaml:"window"`        // default 2000
}

// Defaults of the file.
const (
	defaultBusDir     = "data/bus"
	defaultPartitions = 3
	defaultListen     = "127.0.0.1:8080"
)

// Find returns the configuration file to use: the one given with -c, ./truc.yaml, the one $TRUC_CONFIG names.
func Find(flag string, env func(string) (string, bool)) (string, problem.List) {
	if flag != "" {
		return flag, nil
	}
	const here = "truc.yaml"
	if _, err := os.Stat(here); err == nil {
		return here, nil
	}
	if path, ok := env("TRUC_CONFIG"); ok && path != "" {
		return path, nil
	}
	return "", problem.List{{
		Code: "config.not-found", Where: here, What: problem.Say("no configuration was given, and there is no truc.yaml in this folder"),
		Fix: problem.Say("name it with -c FILE or in the environment variable TRUC_CONFIG"),
	}}
}

// Load reads a configuration and reports everything that is wrong with it. Config is nil only when nothing of the file could
// be understood; with problems that prevent running it holds what was understood, for `truc check` to look further.
func Load(path string, env func(string) (string, bool)) (*Config, problem.List) {
	data, problems := readFile(path)
	if problems != nil {
		return nil, problems
	}
	return load(path, data, env)
}

func load(path string, data []byte, env func(string) (string, bool)) (*Config, problem.List) {
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, unreadable(path, problem.Say("has no absolute path: %s", reason(err)), problem.Say("start truc in a folder that exists"))
	}
	f := &file{name: path, dir: dir, env: env, hidden: map[*yaml.Node]bool{}, broken: map[*yaml.Node]problem.Problem{}}
	if !f.parse(data) {
		return nil, f.problems()
	}
	f.tidy(f.top())
	c := &Config{
		Path: path, Dir: dir, file: f,
		HTTP:        HTTP{Listen: defaultListen},
		ErrorBudget: ErrorBudget{OpenLetters: 1000, FailedPercent: 50, Window: 2000},
	}
	d := &decoder{file: f, report: f.report}
	d.structure(f.top(), reflect.ValueOf(c).Elem())
	c.check()
	c.complete()
	return c, f.problems()
}

// Secrets returns every value that came by reference, and every password found in the file, for logs to blank out.
func (c *Config) Secrets() []string { return slices.Clone(c.file.secrets) }

// Faulty reports whether something that prevents running was found in the file at a path or below it.
func (c *Config) Faulty(path string) bool {
	return slices.ContainsFunc(c.file.findings, func(f finding) bool {
		rest, below := strings.CutPrefix(f.path, path)
		return below && !f.Warning && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}

// Where returns the place of a path, or of as much of it as the file has: "truc.yaml:14:13 publish.khaisinh.mapping".
func (c *Config) Where(path string) string {
	return c.file.place(c.file.top().follow(path).at, path)
}

// SourceNames returns the names of the sources in the order of the file.
func (c *Config) SourceNames() []string { return c.names("sources") }

// PublishNames returns the names of the publishing pipelines in the order of the file.
func (c *Config) PublishNames() []string { return c.names("publish") }

// SinkNames returns the names of the sinks in the order of the file.
func (c *Config) SinkNames() []string { return c.names("sinks") }

// SubscribeNames returns the names of the subscribing pipelines in the order of the file.
func (c *Config) SubscribeNames() []string { return c.names("subscribe") }

func (c *Config) names(section string) []string {
	s, ok := c.file.top().entry(section)
	if !ok || s.value.Kind != yaml.MappingNode {
		return nil
	}
	var names []string
	for _, e := range s.entries() {
		names = append(names, e.at.Value)
	}
	return names
}
