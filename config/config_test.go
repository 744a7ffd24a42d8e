package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/lienthong/truc/problem"
)

const whole = `agency: H44.15
registry: { url: https://chuan.phutho.example }
bus:
  kafka:
    brokers: ["kafka1.example:9092", "[::1]:9093"]
    tls: { ca: certs/ca.pem }
    sasl: { mechanism: SCRAM-SHA-512, user: truc, password: "${env:KAFKA_PASSWORD}" }
    replication: 3
    partitions: 6
sources:
  hotich:
    postgres: { dsn: "postgres://truc:${env:PG_PASSWORD}@db.example/hotich" }
    limit: { rows: 2000/s, snapshotHours: "19:00-05:00" }
    pause: { maxRetained: 5GB, then: resume }
  cu: { sqlite: { path: 'C:\du lieu\cu.db' } }
publish:
  khaisinh: { source: hotich, mapping: mappings\khai_sinh.yaml }
  khaisinh_cu: { source: cu, mapping: mappings/cu.yaml, table: khai_sinh, agency: H44.16, partitions: 1 }
sinks:
  bhyt: { postgres: { dsn: "${file:secrets/bhyt}" } }
subscribe:
  tre_em: { agencies: [H26.*, H44.15, "*"], sink: bhyt, mapping: mappings/tre_em.yaml, generation: 2 }
http: { listen: "127.0.0.1:0" }
errorBudget: { openLetters: 10 }
`

func environment(pairs ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for i := 0; i+1 < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

func write(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoadWholeFile(t *testing.T) {
	for name, form := range map[string]func(string) string{
		"as written": func(s string) string { return s },
		"bom":        func(s string) string { return "\ufeff" + s },
		"crlf":       func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "secrets/bhyt", "host=/run/pg password='p w' dbname=bhyt\r\n")
			path := write(t, dir, "truc.yaml", form(whole))
			c, problems := Load(path, environment("KAFKA_PASSWORD", "kafka-pw", "PG_PASSWORD", "pg%2Fpw"))
			if len(problems) > 0 {
				t.Fatalf("problems:\n%v", problems)
			}
			want := &Config{
				Path: path, Dir: dir, Agency: "H44.15",
				Registry: Registry{URL: "https://chuan.phutho.example/"},
				Bus: Bus{Kafka: &KafkaBus{
					Brokers: []string{"kafka1.example:9092", "[::1]:9093"},
					TLS:     TLS{Enabled: true, CA: filepath.Join(dir, "certs", "ca.pem")},
					SASL:    &SASL{Mechanism: "scram-sha-512", User: "truc", Password: "kafka-pw"}, Replication: 3, Partitions: 6,
				}},
				Sources: map[string]Source{
					"hotich": {Kind: "postgres", Limit: Limit{Rows: 2000, SnapshotHours: HoursOfDay{From: 19 * time.Hour, To: 5 * time.Hour}}, Pause: Pause{MaxRetained: 5e9, Then: ThenResume}},
					"cu":     {Kind: "sqlite", Pause: Pause{MaxRetained: 1e10, Then: ThenWarn}},
				},
				Publish: map[string]Publish{
					"khaisinh":    {Source: "hotich", Mapping: filepath.Join(dir, "mappings", "khai_sinh.yaml"), Agency: "H44.15", Partitions: 6},
					"khaisinh_cu": {Source: "cu", Mapping: filepath.Join(dir, "mappings", "cu.yaml"), Table: "khai_sinh", Agency: "H44.16", Partitions: 1},
				},
				Sinks:       map[string]Sink{"bhyt": {Kind: "postgres"}},
				Subscribe:   map[string]Subscribe{"tre_em": {Agencies: []string{"H26.*", "H44.15", "*"}, Sink: "bhyt", Mapping: filepath.Join(dir, "mappings", "tre_em.yaml"), Generation: 2}},
				HTTP:        HTTP{Listen: "127.0.0.1:0"},
				ErrorBudget: ErrorBudget{OpenLetters: 10, FailedPercent: 50, Window: 2000},
			}
			if diff := cmp.Diff(want, c, cmpopts.IgnoreUnexported(Config{}), cmpopts.IgnoreTypes(Node{})); diff != "" {
				t.Errorf("config (-want +got):\n%s", diff)
			}
			var pg struct {
				DSN string `yaml:"dsn"`
			}
			if l := c.Sinks["bhyt"].Node.Decode(&pg); len(l) > 0 || pg.DSN != "host=/run/pg password='p w' dbname=bhyt" {
				t.Errorf("secret from file: %q, %v", pg.DSN, l)
			}
			if l := c.Sources["hotich"].Node.Decode(&pg); len(l) > 0 || pg.DSN != "postgres://truc:pg%2Fpw@db.example/hotich" {
				t.Errorf("secret from environment: %q, %v", pg.DSN, l)
			}
			wantSecrets := []string{"kafka-pw", "pg%2Fpw", "pg/pw", pgFile, "p w"}
			if diff := cmp.Diff(wantSecrets, c.Secrets()); diff != "" {
				t.Errorf("secrets (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{"khaisinh", "khaisinh_cu"}, c.PublishNames()); diff != "" {
				t.Errorf("order of names (-want +got):\n%s", diff)
			}
		})
	}
}

const pgFile = "host=/run/pg password='p w' dbname=bhyt"

func TestLoadDefaults(t *testing.T) {
	path := write(t, t.TempDir(), "truc.yaml", "agency: H44\nsources:\n")
	c, problems := Load(path, environment())
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(c.Dir, "data", "bus"); c.Bus.Embedded == nil || c.Bus.Embedded.Dir != want {
		t.Errorf("bus = %+v, want the embedded one in %s", c.Bus, want)
	}
	if c.HTTP.Listen != "127.0.0.1:8080" {
		t.Errorf("listen = %q", c.HTTP.Listen)
	}
	if diff := cmp.Diff(ErrorBudget{OpenLetters: 1000, FailedPercent: 50, Window: 2000}, c.ErrorBudget); diff != "" {
		t.Error(diff)
	}
}

// sound is a configuration without fault; the tests below break one thing of it at a time.
const sound = `agency: H44.15
registry: { url: https://chuan.example/ }
sources:
  hotich: { postgres: { dsn: x } }
publish:
  khaisinh: { source: hotich, mapping: m.yaml }
`

func lines(l problem.List) string {
	var b strings.Builder
	for _, p := range l {
		if p.Warning {
			b.WriteString("warning: ")
		}
		b.WriteString(p.Code + " " + p.Error() + "\n")
	}
	return b.String()
}

// TestFaults holds each class of fault to its words.
func TestFaults(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"sound", sound, ""},
		// What YAML cannot read.
		{"empty", "", `config.syntax truc.yaml:1:1: the file is empty; fix: begin with ` + "`agency: H44.15`" + `; the documentation shows a whole file`},
		{"tab", "agency: H44\nbus:\n\tkafka:\n", "config.syntax truc.yaml:3:1: the line is indented with a tab; fix: indent with blanks: YAML allows no tabs there"},
		{"tab after a value", "agency: H44\n\tbus: {}\n", "config.syntax truc.yaml:2:1: the line is indented with a tab; fix: indent with blanks: YAML allows no tabs there"},
		{"text after a list", "a: [x]\nb: [y] z\n", "config.syntax truc.yaml:2:8: the indentation of this line fits none of the lines above; fix: give the keys of one block the same number of blanks"},
		{"item on the line of its key", "brokers: - a\n", "config.syntax truc.yaml:1:10: a list item `- …` stands where none can be; fix: put the list on the lines below its key, or write it as [a, b]"},
		{"tag that is none", "a: !<x y\n", "config.syntax truc.yaml:1:7: a plain `!` begins a YAML tag, which is not used here; fix: put the value in quotes"},
		{"colon", "agency: H44: x\n", "config.syntax truc.yaml:1:12: a `:` stands where no key can be; fix: put a value that contains `: ` in quotes, or check the indentation of this line"},
		{"open quote", "agency: \"H44\nbus: x\n", "config.syntax truc.yaml:1:9: a quotation mark is opened and never closed; fix: close it on the same line"},
		{"open bracket", "agency: H44\nbus: { embedded: {}\nhttp: x\n", "config.syntax truc.yaml:2:6: a list `[ … ]` or a mapping `{ … }` is not closed, or a comma is missing; fix: close it on the line where it began, and separate its items with commas"},
		{"windows path", `bus: { embedded: { dir: "C:\data" } }`, `config.syntax truc.yaml:1:28: in double quotes a backslash begins an escape, and this one does not exist; fix: use single quotes, 'C:\truc\data', or forward slashes`},
		{"at sign", "agency: @H44\n", "config.syntax truc.yaml:1:9: a value cannot begin with @; fix: put the value in quotes"},
		{"indentation", "bus:\n    embedded: {}\n  kafka: {}\n", "config.syntax truc.yaml:3:3: the indentation of this line fits none of the lines above; fix: give the keys of one block the same number of blanks"},
		{"plain star", "subscribe: { a: { agencies: [*] } }\n", `config.syntax truc.yaml:1:31: a plain ` + "`*`" + ` begins a YAML alias, which is not used here; fix: put the value in quotes: "*"`},
		{"two documents", "agency: H44\n---\nagency: H45\n", "config.syntax truc.yaml:2:1: the file holds several YAML documents; fix: remove the line `---` and what follows it: one file configures one node"},
		{"not utf-8", "agency: H44\n# Ph\xfa\n", "config.encoding truc.yaml:2:5: the byte 0xFA is not UTF-8; fix: save the file as UTF-8"},
		{"utf-16", "\xff\xfea\x00", "config.encoding truc.yaml:1:1: the file is UTF-16; fix: save it as UTF-8"},
		{"control", "agency: H\x0044\n", "config.encoding truc.yaml:1:10: the file holds the control character 0x00; fix: remove it: a configuration is plain text"},
		{"list", "- a\n", "config.wrong-type truc.yaml:1:1: a configuration is a mapping of keys to values, as in `agency: H44.15`; fix: begin the file with the key agency"},
		{"no blank after a colon", "agency:H44\nbus: {}\n", "config.syntax truc.yaml:1:7: a blank is missing after the `:`; fix: write `key: value`"},
		{"full-width colon", "agency：H44\nbus: {}\n", "config.syntax truc.yaml:1:7: the line holds the full-width ： instead of :; fix: delete it and type it again: it came with a copied text"},
		{"reference without quotes", "agency: H44\nsources: { a: { postgres: { dsn: ${env:DSN} } } }\n", "config.syntax truc.yaml:2:34: a reference ${…} inside `{ }` or `[ ]` must stand in quotes; fix: write \"${env:DSN}\""},
		{"directive", "%YAML 1.2\n---\nagency: H44\n", "config.syntax truc.yaml:1:1: a line that begins with % is not used here; fix: remove it"},
		// What YAML reads, and means something else.
		{"copied characters", "agency: H44\u200b\n\u00a0http: {}\nbus: { embedded: { dir: “bus” } }\n", `config.strange-character truc.yaml:1:1 agency: the text holds an invisible character (U+200B); fix: delete it and type it again: it came with a copied text (if it is meant, put the text in quotes)
warning: config.nothing-to-do truc.yaml:1:1: nothing is published and nothing is subscribed; fix: add publish: or subscribe:
config.strange-character truc.yaml:2:1: the text holds a blank that is none (U+00A0, as word processors write it); fix: delete it and type it again: it came with a copied text (if it is meant, put the text in quotes)
config.strange-character truc.yaml:3:20 bus.embedded.dir: the text holds the typographic quotation mark “ instead of " or '; fix: delete it and type it again: it came with a copied text (if it is meant, put the text in quotes)`},
		{"duplicate", sound + "agency: H45\n", `config.duplicate-key truc.yaml:7:1 agency: the key "agency" stands here a second time, the first is on line 1; fix: keep one of the two`},
		{"alias", sound + "http: &h { listen: \":80\" }\n", "config.alias truc.yaml:7:1 http: YAML anchors and aliases (& and *) are not used here; fix: write the value out, or put it in quotes if it is a text that begins with & or *"},
		{"merge", sound + "http: { <<: { listen: \":80\" } }\n", "config.alias truc.yaml:7:9 http.<<: YAML anchors and merges (&, * and <<) are not used here; fix: write the values out"},
		{"tag", sound + "http: { listen: !x \":80\" }\n", "config.tag truc.yaml:7:9 http.listen: YAML tags (a word that begins with !) are not used here; fix: remove the tag, or put the value in quotes if it is a text that begins with !"},
		{"escape", sound + `bus: { embedded: { dir: "C:\truc\bus" } }`, `config.escape truc.yaml:7:20 bus.embedded.dir: in double quotes a backslash begins an escape, and one here became a control character; fix: use single quotes, 'C:\truc\data', or forward slashes`},
		{"odd key", sound + "? [a]\n: b\n", "config.wrong-type truc.yaml:7:3: a key must be a plain word; fix: write `key: value`"},
		// Keys.
		{"unknown key", sound + "htp: {}\n", `config.unknown-key truc.yaml:7:1 htp: there is no key "htp" here; fix: write "http"`},
		{"unknown key, none close", sound + "http: { timeout: 3s }\n", `config.unknown-key truc.yaml:7:9 http.timeout: there is no key "timeout" here; fix: remove it; the keys known here are: listen`},
		{"other spelling", sound + "error_budget: {}\n", `config.unknown-key truc.yaml:7:1 error_budget: there is no key "error_budget" here; fix: write "errorBudget"`},
		{"unknown key beside the one it resembles", sound + "agencies: [H44]\n", `config.unknown-key truc.yaml:7:1 agencies: there is no key "agencies" here; fix: remove it; the keys known here are: agency, registry, datasets, bus, sources, publish, sinks, subscribe, http, errorBudget, pseudonyms, alerts`},
		{"missing keys", "bus: { kafka: { sasl: {} } }\npublish: { a: {} }\nsubscribe: { b: {} }\n", `config.missing-key truc.yaml:1:1 agency: the key "agency" is missing; fix: add agency: H44.15, the identifier of the agency that runs this node
config.missing-key truc.yaml:1:1 registry.url: the key "url" is missing; fix: add registry: { url: https://… }, the address under which your schemas are published: it stands in every event and must stay the same
config.missing-key truc.yaml:1:8 bus.kafka.brokers: the key "brokers" is missing; fix: add brokers: [kafka1:9092], the addresses of some brokers of the cluster
config.missing-key truc.yaml:1:17 bus.kafka.sasl.mechanism: the key "mechanism" is missing; fix: add mechanism: scram-sha-512 (or scram-sha-256, plain)
config.missing-key truc.yaml:1:17 bus.kafka.sasl.user: the key "user" is missing; fix: add user: the name to log in with
config.missing-key truc.yaml:1:17 bus.kafka.sasl.password: the key "password" is missing; fix: add password: ${env:KAFKA_PASSWORD}
config.missing-key truc.yaml:2:12 publish.a.source: the key "source" is missing; fix: add source: one of the names under sources
config.missing-key truc.yaml:2:12 publish.a.mapping: the key "mapping" is missing; fix: add mapping: mappings/a.yaml, the path of the mapping, relative to this file
config.missing-key truc.yaml:3:14 subscribe.b.sink: the key "sink" is missing; fix: add sink: one of the names under sinks
config.missing-key truc.yaml:3:14 subscribe.b.mapping: the key "mapping" is missing; fix: add mapping: mappings/b.yaml, the path of the mapping, relative to this file
config.missing-key truc.yaml:3:14 subscribe.b.agencies: the key "agencies" is missing; fix: add agencies: [H44.*], whose events are delivered`},
		// Types.
		{"wrong types", sound + "bus: { embedded: { dir: [a], port: x } }\nhttp: yes\nerrorBudget: { window: \"5\", openLetters: 1.5, failedPercent: }\nsinks: [a]\n", `config.wrong-type truc.yaml:7:20 bus.embedded.dir: a text was expected, a list was found; fix: write a text
config.wrong-type truc.yaml:7:30 bus.embedded.port: a whole number was expected, "x" was found; fix: write a whole number
config.wrong-type truc.yaml:8:1 http: a mapping of keys to values was expected, "yes" was found; fix: write http: { listen: … }
config.wrong-type truc.yaml:9:16 errorBudget.window: a whole number was expected, "5" was found; fix: remove the quotes, and write a whole number
config.wrong-type truc.yaml:9:29 errorBudget.openLetters: a whole number was expected, "1.5" was found; fix: write a whole number
config.missing-value truc.yaml:9:47 errorBudget.failedPercent: the key has no value, a whole number was expected; fix: write the value, or remove the key
config.wrong-type truc.yaml:10:1 sinks: a mapping of names to values was expected, a list was found; fix: write sinks: { name: … }`},
		{"wrong type of an entry", sound + "subscribe: { a: x }\nsources: 3\n", `config.wrong-type truc.yaml:7:14 subscribe.a: a mapping of keys to values was expected, "x" was found; fix: write a: { agencies: … }; the keys known here are: agencies, sink, mapping, generation
config.duplicate-key truc.yaml:8:1 sources: the key "sources" stands here a second time, the first is on line 3; fix: keep one of the two`},
		{"octal", sound + "bus: { embedded: { port: 010 } }\n", `config.wrong-type truc.yaml:7:20 bus.embedded.port: a whole number was expected, "010" was found; fix: write a whole number`},
		{"too large", sound + "bus: { embedded: { port: 99999999999999999999 } }\n", `config.bad-value truc.yaml:7:20 bus.embedded.port: "99999999999999999999" is too large a number; fix: write a smaller one`},
		{"text for a list", sound + "subscribe: { a: { agencies: H44.*, sink: b, mapping: m } }\nsinks: { b: { sqlite: {} } }\n", `config.wrong-type truc.yaml:7:19 subscribe.a.agencies: a list was expected, "H44.*" was found; fix: write agencies: [H44.*]`},
		{"star for a list", sound + "subscribe: { a: { agencies: \"*\", sink: b, mapping: m } }\nsinks: { b: { sqlite: {} } }\n", `config.wrong-type truc.yaml:7:19 subscribe.a.agencies: a list was expected, "*" was found; fix: write agencies: ["*"]`},
		{"text for a mapping", strings.Replace(sound, "{ url: https://chuan.example/ }", "https://chuan.example/", 1), `config.wrong-type truc.yaml:2:1 registry: a mapping of keys to values was expected, "https://chuan.example/" was found; fix: write registry: { url: … }; the keys known here are: url, listen, token, follow, people`},
		{"negative count", sound + "subscribe: { a: { agencies: [H44], sink: b, mapping: m, generation: -1 } }\nsinks: { b: { sqlite: {} } }\n", `config.bad-value truc.yaml:7:57 subscribe.a.generation: "-1" is outside 0 to 4294967295; fix: write a number within`},
		{"adapter without mapping", strings.Replace(sound, "{ postgres: { dsn: x } }", "postgres", 1), `config.wrong-type truc.yaml:4:3 sources.hotich: a mapping with the name of an adapter was expected, "postgres" was found; fix: write hotich: { postgres: { dsn: … } }`},
		// Empty values.
		{"empty texts", "agency: \"\"\nregistry: { url: '' }\nsources: { a: { sqlite: {} } }\npublish: { b: { source: '', mapping: '', table: '' } }\n", `config.missing-value truc.yaml:1:1 agency: the key has no value, a text was expected; fix: write the value, or remove the key
config.missing-value truc.yaml:2:13 registry.url: the key has no value, a text was expected; fix: write the value, or remove the key
config.missing-value truc.yaml:4:17 publish.b.source: the key has no value, a text was expected; fix: write the value, or remove the key
config.missing-value truc.yaml:4:29 publish.b.mapping: the key has no value, a text was expected; fix: write the value, or remove the key
config.missing-value truc.yaml:4:42 publish.b.table: the key has no value, a text was expected; fix: write the value, or remove the key`},
		{"empty lists", "agency: H44\nsinks: { a: { sqlite: {} } }\nsubscribe: { b: { agencies: , sink: a, mapping: m } }\nbus: { kafka: { brokers: } }\n", `config.bad-value truc.yaml:3:19 subscribe.b.agencies: the list of agencies is empty; fix: name at least one, or all: ["*"]
config.bad-value truc.yaml:4:17 bus.kafka.brokers: the list of brokers is empty; fix: write at least one: [kafka1:9092]`},
		{"empty items", sound + "subscribe: { a: { agencies: [\"\"], sink: b, mapping: m } }\nsinks: { b: { sqlite: {} } }\n", `config.missing-value truc.yaml:7:30 subscribe.a.agencies[0]: the key has no value, a text was expected; fix: write the value, or remove the key`},
		{"alias for a value", "agency: &a H44\npublish: {}\n", `config.alias truc.yaml:1:1 agency: YAML anchors and aliases (& and *) are not used here; fix: write the value out, or put it in quotes if it is a text that begins with & or *
warning: config.nothing-to-do truc.yaml:1:1: nothing is published and nothing is subscribed; fix: add publish: or subscribe:`},
		// Values.
		{"long agency", strings.Replace(sound, "H44.15", "H44"+strings.Repeat(".15", 20), 1), `config.bad-value truc.yaml:1:1 agency: the agency identifier has 63 characters, topics have room for 40; fix: write the identifier of the agency itself, like H44.15`},
		{"long name", strings.Replace(sound, "khaisinh:", strings.Repeat("a", 64)+":", 1), `config.bad-name truc.yaml:6:3 publish.` + strings.Repeat("a", 64) + `: the name has 64 characters, 63 are possible; fix: shorten it`},
		{"name that begins with a digit", strings.Replace(sound, "khaisinh:", "2020:", 1), `config.bad-name truc.yaml:6:3 publish.2020: "2020" is no name: it begins with a small letter and has small letters, digits and _ only; fix: write it like "ten_2020"`},
		{"names of sources", sound + "  hotich: { source: hotich, mapping: n.yaml }\nsinks: { b: { sqlite: {} } }\nsubscribe: { cu: { agencies: [H44], sink: b, mapping: m } }\n", `warning: config.name-twice truc.yaml:7:3 publish.hotich: "hotich" is the name of a source too: truc resnapshot hotich means the source, with all its pipelines; fix: give one of the two another name`},
		{"only pipeline of its source", strings.Replace(sound, "khaisinh:", "hotich:", 1), ""},
		{"delivery with the name of a source", sound + "sinks: { b: { sqlite: {} } }\nsubscribe: { hotich: { agencies: [H44], sink: b, mapping: m } }\n", `warning: config.name-twice truc.yaml:8:14 subscribe.hotich: "hotich" is the name of a source too: truc resnapshot hotich means this delivery; fix: give one of the two another name`},
		{"limit of a sink", sound + "sinks: { b: { sqlite: {}, limit: { rows: 5/s } } }\nsubscribe: { a: { agencies: [H44], sink: b, mapping: m } }\n", `config.unknown-key truc.yaml:7:27 sinks.b.limit: a sink has no limit: limits spare a source; fix: remove it`},
		{"port of the registry", strings.Replace(sound, "chuan.example", "chuan.example:99999", 1), `config.bad-value truc.yaml:2:13 registry.url: "https://chuan.example:99999/" is not an address of the form https://host/path/; fix: write it like https://chuan.phutho.example/`},
		{"agency", strings.Replace(sound, "H44.15", "h44.15", 1), `config.bad-value truc.yaml:1:1 agency: "h44.15" is no agency identifier: a capital letter, two digits, then groups of digits, each after a dot; fix: write it like H44.15`},
		{"registry", strings.Replace(sound, "https:", "ftp:", 1), `config.bad-value truc.yaml:2:13 registry.url: "ftp://chuan.example/" is not an address of the form https://host/path/; fix: write it like https://chuan.phutho.example/`},
		{"address of the registry", strings.Replace(sound, "chuan.example/ }", "chuan.example/, listen: 8081 }", 1), `config.bad-value truc.yaml:2:42 registry.listen: "8081" is no address to listen on; fix: write host:port, like 127.0.0.1:8081`},
		{"registry at the address of the page", strings.Replace(sound, "chuan.example/ }", "chuan.example/, listen: 127.0.0.1:8080 }", 1), `config.bad-value truc.yaml:2:42 registry.listen: "127.0.0.1:8080" is the address of http.listen, too; fix: give the registry a port of its own, like 127.0.0.1:8081`},
		{"no registry to follow", strings.Replace(sound, "chuan.example/ }", "chuan.example/, listen: 'localhost:8081', follow: luocdo.example }", 1), `config.bad-value truc.yaml:2:68 registry.follow: "luocdo.example" is not the address of a registry; fix: write the address at which it answers over HTTP, like https://luocdo.vidu.example`},
		{"follows itself", strings.Replace(sound, "chuan.example/ }", "chuan.example/, listen: 'localhost:8081', follow: 'http://127.0.0.1:8081/' }", 1), `config.bad-value truc.yaml:2:68 registry.follow: "http://127.0.0.1:8081/" is this registry itself; fix: name the registry of somebody else, or remove follow`},
		{"followed by nobody", strings.Replace(sound, "chuan.example/ }", "chuan.example/, follow: 'https://luocdo.example' }", 1), `warning: config.unused truc.yaml:2:42 registry.follow: the schemas would be copied into a registry that this node does not serve; fix: add listen: 127.0.0.1:8081 under registry, or remove follow`},
		{"registry for everybody", strings.Replace(sound, "chuan.example/ }", "chuan.example/, listen: ':8081' }", 1), `config.missing-key truc.yaml:2:1 registry.token: the key "token" is missing; fix: add token: ${file:secrets/registry}, a long secret that writers must show: other machines reach the registry, and anybody could change schemas there`},
		{"short token", strings.Replace(sound, "chuan.example/ }", "chuan.example/, listen: 'localhost:8081', token: abc }", 1), `warning: config.literal-secret truc.yaml:2:68 registry.token: a password stands in the file, where everybody who reads the file reads it; fix: write ${env:NAME} in its place and set the variable NAME, or ${file:PATH}
config.bad-value truc.yaml:2:68 registry.token: the token has 3 characters, 16 are needed at least; fix: make one with: openssl rand -hex 24`},
		{"token for nobody", strings.Replace(sound, "chuan.example/ }", "chuan.example/, token: \"${env:TOKEN}\" }", 1), `config.missing-secret truc.yaml:2:42 registry.token: the environment variable TOKEN is not set; fix: set it before truc starts: export TOKEN=…`},
		{"people", strings.Replace(sound, "chuan.example/ }", "chuan.example/, listen: 'localhost:8081', people: [{ name: A, token: \"${env:TOKEN}\" }, { email: b@vidu.example }] }", 1), `warning: config.unused truc.yaml:2:68 registry.people: there is nothing to decide about: the configuration names no folder of datasets; fix: add datasets: [FOLDER], or remove people
config.missing-key truc.yaml:2:77 registry.people[0].email: the key "email" is missing; fix: add email: by it the history knows one person from another
config.missing-secret truc.yaml:2:88 registry.people[0].token: the environment variable TOKEN is not set; fix: set it before truc starts: export TOKEN=…
config.missing-key truc.yaml:2:113 registry.people[1].name: the key "name" is missing; fix: add name: as the history is to show it
config.missing-key truc.yaml:2:113 registry.people[1].token: the key "token" is missing; fix: add token: ${file:secrets/NAME}, a long secret that only this person has`},
		{"only a registry", "agency: H44\nregistry: { listen: '[::1]:8081' }\n", ""},
		{"two buses", sound + "bus: { embedded: {}, kafka: { brokers: [a:1] } }\n", "config.several-buses truc.yaml:7:1 bus: both an embedded bus and Kafka are named here; fix: keep one: embedded for one machine, kafka for production"},
		{"brokers", sound + "bus: { kafka: { brokers: [kafka1], partitions: 0, replication: -1, tls: { cert: a.pem } } }\n", `config.bad-value truc.yaml:7:27 bus.kafka.brokers[0]: "kafka1" is no address of a broker; fix: write host:port, like kafka1.example:9092
config.bad-value truc.yaml:7:36 bus.kafka.partitions: "0" is outside 1 to 1000; fix: write a number within, or remove the key
config.bad-value truc.yaml:7:51 bus.kafka.replication: "-1" is outside 1 to 100; fix: write a number within, or remove the key
config.bad-value truc.yaml:7:68 bus.kafka.tls: a client certificate needs both cert and key; fix: name the other file too`},
		{"no brokers", sound + "bus: { kafka: { brokers: [] } }\n", "config.bad-value truc.yaml:7:17 bus.kafka.brokers: the list of brokers is empty; fix: write at least one: [kafka1:9092]"},
		{"mechanism", sound + "bus: { kafka: { brokers: [a:1], sasl: { mechanism: gssapi, user: u, password: \"${env:PW}\" } } }\n", `config.bad-value truc.yaml:7:41 bus.kafka.sasl.mechanism: "gssapi" is no login mechanism that truc knows; fix: use one of: plain, scram-sha-256, scram-sha-512`},
		{"compression", sound + "bus: { kafka: { brokers: [a:1], compression: brotli } }\n", `config.bad-value truc.yaml:7:33 bus.kafka.compression: "brotli" is no compression that Kafka knows; fix: use one of: none, gzip, snappy, lz4, zstd`},
		{"compression of the embedded bus", sound + "bus: { embedded: { compression: LZ4 } }\n", `config.bad-value truc.yaml:7:20 bus.embedded.compression: "LZ4" is no compression that Kafka knows; fix: use one of: none, gzip, snappy, lz4, zstd`},
		{"plain in clear", sound + "bus: { kafka: { brokers: [a:1], sasl: { mechanism: PLAIN, user: u, password: \"${env:PW}\" } } }\n", `warning: config.clear-password truc.yaml:7:41 bus.kafka.sasl.mechanism: plain without TLS sends the password readably over the network; fix: add tls: true, or use scram-sha-512`},
		{"names", sound + "sinks: { Bảo-Hiểm: { sqlite: {} } }\nsubscribe: { khaisinh: { agencies: [H44], sink: Bảo-Hiểm, mapping: m } }\n", `config.bad-name truc.yaml:7:10 sinks.Bảo-Hiểm: "Bảo-Hiểm" is no name: it begins with a small letter and has small letters, digits and _ only; fix: write it like "bao_hiem"
config.name-twice truc.yaml:8:14 subscribe.khaisinh: "khaisinh" is the name of a pipeline under publish already; fix: give one of the two another name: commands and metrics know a pipeline by its name`},
		{"source that is not there", strings.Replace(sound, "source: hotich", "source: hotic", 1), `config.unknown-source truc.yaml:6:15 publish.khaisinh.source: there is no "hotic" under sources; fix: write "hotich"`},
		{"sink that is not there", sound + "subscribe: { a: { agencies: [H44, H44x, h26.*], sink: bhyt, mapping: m } }\n", `config.bad-value truc.yaml:7:35 subscribe.a.agencies[1]: "H44x" covers no agency; fix: write an identifier (H44.15), all below one (H44.*), or "*"
config.bad-value truc.yaml:7:41 subscribe.a.agencies[2]: "h26.*" covers no agency; fix: write an identifier (H44.15), all below one (H44.*), or "*"
config.unknown-sink truc.yaml:7:49 subscribe.a.sink: there is no "bhyt" under sinks; fix: describe it under sinks`},
		{"no adapter", strings.Replace(sound, "postgres: { dsn: x }", "limit: { rows: 5/s }", 1), "config.missing-adapter truc.yaml:4:3 sources.hotich: no adapter is named here; fix: write which one, with its configuration: { postgres: { dsn: … } }"},
		{"two adapters", strings.Replace(sound, "{ dsn: x }", "{ dsn: x }, sqlite: {}", 1), `config.several-adapters truc.yaml:4:3 sources.hotich: several adapters are named here: "postgres", "sqlite"; fix: keep one, and give each of the others a name of its own`},
		{"limits", strings.Replace(sound, "{ dsn: x }", "{ dsn: x }, limits: {}", 1), `config.unknown-key truc.yaml:4:35 sources.hotich.limits: there is no key "limits" here; fix: write "limit"`},
		{"zone and pause", strings.Replace(sound, "{ dsn: x }", "{ dsn: x }, limit: { zone: Hanoi }, pause: { maxRetained: 5, then: drop }", 1), `config.bad-value truc.yaml:4:44 sources.hotich.limit.zone: there is no time zone "Hanoi"; fix: write it like Asia/Ho_Chi_Minh, or remove the key
config.bad-value truc.yaml:4:68 sources.hotich.pause.maxRetained: a size was expected, "5" was found; fix: write it like 500MB or 10GiB
config.bad-value truc.yaml:4:84 sources.hotich.pause.then: warn or resume was expected, "drop" was found; fix: write warn to stay paused whatever happens, resume to go on before the server's disk is full`},
		{"rate and hours", strings.Replace(sound, "{ dsn: x }", "{ dsn: x }, limit: { rows: 2000, snapshotHours: 19-5 }", 1), `config.bad-value truc.yaml:4:44 sources.hotich.limit.rows: a number of rows a second was expected, "2000" was found; fix: write it like 2000/s
config.bad-value truc.yaml:4:56 sources.hotich.limit.snapshotHours: a span of hours was expected, "19-5" was found; fix: write it like "19:00-05:00"`},
		{"listen", sound + "http: { listen: 8080 }\n", `config.bad-value truc.yaml:7:9 http.listen: "8080" is no address to listen on; fix: write host:port, like 127.0.0.1:8080`},
		{"budget", sound + "errorBudget: { failedPercent: 150 }\n", `config.bad-value truc.yaml:7:16 errorBudget.failedPercent: "150" is outside 1 to 100; fix: write a number within, or remove the key`},
		{"nothing under publish", "agency: H44\npublish: {}\nsubscribe:\n", "warning: config.nothing-to-do truc.yaml:1:1: nothing is published and nothing is subscribed; fix: add publish: or subscribe:"},
		{"nothing to do", "agency: H44\n", "warning: config.nothing-to-do truc.yaml:1:1: nothing is published and nothing is subscribed; fix: add publish: or subscribe:"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, problems := load("truc.yaml", []byte(c.in), environment("PW", "s3cret"))
			if diff := cmp.Diff(c.want, strings.TrimSuffix(lines(problems), "\n")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestSameAddress(t *testing.T) {
	for _, c := range []struct {
		web, listen string
		same        bool
	}{
		{"http://127.0.0.1:8081", "127.0.0.1:8081", true},
		{"http://localhost:8081/", "127.0.0.1:8081", true},
		{"http://[::1]:8081", "0.0.0.0:8081", true},
		{"http://127.0.0.1:8081", ":8081", true},
		{"http://LuocDo.example:8081", "luocdo.example:8081", true},
		{"https://luocdo.example", "luocdo.example:443", true},
		{"http://luocdo.example", "luocdo.example:80", true},
		{"http://127.0.0.1:8082", "127.0.0.1:8081", false},
		{"http://luocdo.example:8081", "127.0.0.1:8081", false},
		{"http://luocdo.example:8081", "0.0.0.0:8081", false},
		{"http://10.0.0.1:8081", "10.0.0.2:8081", false},
		{"no address", "127.0.0.1:8081", false},
	} {
		if got := SameAddress(c.web, c.listen); got != c.same {
			t.Errorf("%s leads to %s: %t", c.web, c.listen, got)
		}
	}
}

func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "big.yaml", strings.Repeat("#", maxFile+1))
	t.Chdir(dir)
	for path, want := range map[string]string{
		os.DevNull:  "config.unreadable " + os.DevNull + ": the configuration file is no file but a device or a pipe; fix: write the configuration into a file and name that with -c\n",
		"none.yaml": "config.unreadable none.yaml: the configuration file does not exist; fix: check the path given with -c, or create the file\n",
		"big.yaml":  "config.unreadable big.yaml: the configuration file is larger than 4 MiB and cannot be a configuration; fix: check the path given with -c\n",
		".":         "config.unreadable .: the configuration file is a folder, a file was expected; fix: name the file itself: truc -c truc.yaml\n",
	} {
		c, problems := Load(path, environment())
		if diff := cmp.Diff(want, lines(problems)); diff != "" || c != nil {
			t.Errorf("config %v, problems (-want +got):\n%s", c, diff)
		}
	}
}

func TestFind(t *testing.T) {
	t.Chdir(t.TempDir())
	if got, l := Find("x.yaml", environment()); got != "x.yaml" || l != nil {
		t.Errorf("flag: %q %v", got, l)
	}
	if got, l := Find("", environment("TRUC_CONFIG", "/etc/truc.yaml")); got != "/etc/truc.yaml" || l != nil {
		t.Errorf("environment: %q %v", got, l)
	}
	_, l := Find("", environment())
	want := "config.not-found truc.yaml: no configuration was given, and there is no truc.yaml in this folder; fix: name it with -c FILE or in the environment variable TRUC_CONFIG\n"
	if diff := cmp.Diff(want, lines(l)); diff != "" {
		t.Error(diff)
	}
	write(t, ".", "truc.yaml", "")
	if got, l := Find("", environment("TRUC_CONFIG", "/etc/truc.yaml")); got != "truc.yaml" || l != nil {
		t.Errorf("folder: %q %v", got, l)
	}
}

func TestHoursOfDay(t *testing.T) {
	night := HoursOfDay{From: 19 * time.Hour, To: 5 * time.Hour}
	day := HoursOfDay{From: 8 * time.Hour, To: 17*time.Hour + 30*time.Minute}
	for _, c := range []struct {
		hours HoursOfDay
		at    string
		want  bool
	}{
		{night, "19:00", true},
		{night, "18:59", false},
		{night, "00:00", true},
		{night, "04:59", true},
		{night, "05:00", false},
		{day, "08:00", true},
		{day, "17:29", true},
		{day, "17:30", false},
		{day, "07:59", false},
		{HoursOfDay{}, "12:00", true},
	} {
		at, err := time.Parse("15:04", c.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.hours.Contains(at); got != c.want {
			t.Errorf("%v contains %s = %v", c.hours, c.at, got)
		}
	}
}

// TestHoursBegin: the next beginning is today's or tomorrow's, also for a span over midnight.
func TestHoursBegin(t *testing.T) {
	vietnam := Zone("").Location()
	for _, c := range []struct {
		hours     string
		now, want string
	}{
		{"19:00-05:00", "2026-03-01T05:00:00+07:00", "2026-03-01T19:00:00+07:00"},
		{"19:00-05:00", "2026-03-01T18:59:59+07:00", "2026-03-01T19:00:00+07:00"},
		{"08:00-17:30", "2026-12-31T17:30:00+07:00", "2027-01-01T08:00:00+07:00"},
		{"00:00-04:00", "2026-02-28T23:59:00+07:00", "2026-03-01T00:00:00+07:00"},
	} {
		var h HoursOfDay
		if err := h.UnmarshalText([]byte(c.hours)); err != nil {
			t.Fatal(err)
		}
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		if h.Contains(now.In(vietnam)) {
			t.Errorf("%s contains %s", c.hours, c.now)
		}
		if got := h.Begins(now.UTC().In(vietnam)).Format(time.RFC3339); got != c.want {
			t.Errorf("%s after %s begins at %s, want %s", c.hours, c.now, got, c.want)
		}
	}
}
