package config

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/problem"
)

const withDSN = `agency: H44
registry: { url: https://chuan.example/ }
sources: { hotich: { postgres: { dsn: "DSN" } } }
publish: { khaisinh: { source: hotich, mapping: m.yaml } }
`

func TestSecretFaults(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "empty", "\r\n")
	write(t, dir, "huge", strings.Repeat("x", maxSecret+1))
	const at = " truc.yaml:3:34 sources.hotich.postgres.dsn: "
	for _, c := range []struct{ name, dsn, want string }{
		{"unset", "${env:NONE}", "config.missing-secret" + at + "the environment variable NONE is not set; fix: set it before truc starts: export NONE=…"},
		{"unset twice", "${env:NONE}${env:NADA}", "config.missing-secret" + at + "the environment variable NONE is not set; fix: set it before truc starts: export NONE=…\nconfig.missing-secret" + at + "the environment variable NADA is not set; fix: set it before truc starts: export NADA=…"},
		{"empty", "${env:EMPTY}", "config.missing-secret" + at + "the environment variable EMPTY is empty; fix: give it a value: export EMPTY=…"},
		{"no file", "${file:none}", "config.missing-secret" + at + "the secret file none does not exist; fix: write the secret into it, readable by the user that runs truc only"},
		{"folder", "${file:.}", "config.missing-secret" + at + "the secret file . is not a file; fix: name a file that holds the secret and nothing else"},
		{"empty file", "${file:empty}", "config.missing-secret" + at + "the secret file empty is empty; fix: write the secret into it"},
		{"huge file", "${file:huge}", "config.missing-secret" + at + "the secret file huge is larger than 64 KiB; fix: name a file that holds the secret and nothing else"},
		{"other scheme", "${vault:a/b}", "config.bad-reference" + at + "a reference is neither ${env:NAME} nor ${file:PATH}; fix: write one of these, or $${ for a literal ${"},
		{"shell style", "${PW}", "config.bad-reference" + at + "a reference is neither ${env:NAME} nor ${file:PATH}; fix: write one of these, or $${ for a literal ${"},
		{"open", "${env:PW", "config.bad-reference" + at + "a reference is neither ${env:NAME} nor ${file:PATH}; fix: write one of these, or $${ for a literal ${"},
		{"url", "postgres://u:${env:SLASH}@h/d", "config.bad-secret" + at + "the value of ${env:SLASH} has characters that must be percent-encoded inside a URL; fix: encode them (/ is %2F, # is %23, ? is %3F, @ is %40, % is %25), or give the password outside the URL"},
		{"slash outside the login", "postgres://u@h/${env:SLASH}", ""},
		{"literal in a url", "postgres://u:hunter2@h/d", "warning: config.literal-secret" + at + "a password stands in the file, where everybody who reads the file reads it; fix: write ${env:NAME} in its place and set the variable NAME, or ${file:PATH}"},
		{"literal beside a reference", "postgres://${env:PW}:hunter2@h/d", "warning: config.literal-secret" + at + "a password stands in the file, where everybody who reads the file reads it; fix: write ${env:NAME} in its place and set the variable NAME, or ${file:PATH}"},
		{"literal in a keyword dsn", "host=h password='hunter 2' user=u", "warning: config.literal-secret" + at + "a password stands in the file, where everybody who reads the file reads it; fix: write ${env:NAME} in its place and set the variable NAME, or ${file:PATH}"},
		{"by reference", "postgres://${env:PW}:${env:PW}@h/d", ""},
		{"escaped", "a$${env:NONE}", ""},
		{"no password", "postgres://u@h:5432/d", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Chdir(dir)
			got, problems := load("truc.yaml", []byte(strings.Replace(withDSN, "DSN", c.dsn, 1)), environment("PW", "hunter3", "SLASH", "hun/ter", "EMPTY", ""))
			if diff := cmp.Diff(c.want, strings.TrimSuffix(lines(problems), "\n")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if s := lines(problems); strings.Contains(s, "hunter") || strings.Contains(s, "hun/ter") {
				t.Errorf("a problem shows a secret: %s", s)
			}
			if strings.HasPrefix(c.name, "literal") && !strings.Contains(strings.Join(got.Secrets(), "\n"), "hunter") {
				t.Errorf("the literal password is not known as a secret: %q", got.Secrets())
			}
		})
	}
}

type adapterConfig struct {
	DSN      string            `yaml:"dsn"`
	Slot     string            `yaml:"slot"`
	Batch    int               `yaml:"batch"`
	Wait     time.Duration     `yaml:"wait"`
	On       bool              `yaml:"on"`
	Share    float64           `yaml:"share"`
	Tables   []string          `yaml:"tables"`
	Types    map[string]string `yaml:"types"`
	Level    upper             `yaml:"level"`
	Internal int               `yaml:"-"`
	Nested   *struct {
		Port uint16 `yaml:"port"`
	} `yaml:"nested"`
	common
}

type common struct {
	Zone string `yaml:"zone"`
}

// upper stands for an adapter's own text form.
type upper string

func (u *upper) UnmarshalText(text []byte) error {
	if s := string(text); s != strings.ToUpper(s) {
		return problem.Problem{What: "the level " + s + " is not in capitals", Fix: "write " + strings.ToUpper(s)}
	}
	*u = upper(text)
	return nil
}

func node(t *testing.T, yaml string) Node {
	t.Helper()
	c, problems := load("truc.yaml", []byte(strings.Replace(withDSN, `{ dsn: "DSN" }`, yaml, 1)), environment("PW", "hunter2", "N", "7"))
	if c == nil {
		t.Fatal(problems)
	}
	return c.Sources["hotich"].Node
}

// The keys of pseudonyms are secrets wherever they stand: no message shows one, and logs blank them out.
func TestPseudonymKeys(t *testing.T) {
	const key = "hunter2hunter2hunter2hunter2hunter2"
	const literal = ": a key stands in the file, and who has it can undo every pseudonym made with it; fix: write ${env:NAME} in its place and set the variable NAME, or ${file:PATH}"
	const weak = " characters, 32 are needed at least: a short one can be found by trying; fix: make one with: openssl rand -base64 32"
	for _, c := range []struct{ name, yaml, want string }{
		{"by reference", "{ cong_dan: \"${env:KEY}\" }", ""},
		{"two", "{ cong_dan: \"${env:KEY}\", doanh_nghiep: \"${env:KEY}x\" }", ""},
		{"none", "{}", ""},
		{"unset", "{ cong_dan: \"${env:NONE}\" }", "config.missing-secret truc.yaml:5:15 pseudonyms.cong_dan: the environment variable NONE is not set; fix: set it before truc starts: export NONE=…"},
		{"short", "{ cong_dan: \"${env:SHORT}\" }", "config.weak-key truc.yaml:5:15 pseudonyms.cong_dan: the key has 7" + weak},
		{"literal", "{ cong_dan: " + key + " }", "warning: config.literal-secret truc.yaml:5:15 pseudonyms.cong_dan" + literal},
		{"no name", "{ cong-dan: \"${env:KEY}\" }", "config.bad-name truc.yaml:5:15 pseudonyms.cong-dan: \"cong-dan\" is no name: it begins with a small letter and has small letters, digits and _ only; fix: write it like \"cong_dan\""},
		{"no map", key, "warning: config.literal-secret truc.yaml:5:1 pseudonyms" + literal + "\nconfig.wrong-type truc.yaml:5:1 pseudonyms: a mapping of names to values was expected, a value (not shown: it holds a secret) was found; fix: write pseudonyms: { name: … }"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, problems := load("truc.yaml", []byte(withDSN+"pseudonyms: "+c.yaml+"\n"), environment("KEY", key, "SHORT", "hunter2"))
			if diff := cmp.Diff(c.want, strings.TrimSuffix(lines(problems), "\n")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if s := lines(problems); strings.Contains(s, "hunter") {
				t.Errorf("a problem shows a key: %s", s)
			}
			if strings.Contains(c.yaml, "hunter") || strings.Contains(c.yaml, "KEY") {
				if !strings.Contains(strings.Join(got.Secrets(), "\n"), key) {
					t.Errorf("the key is not known as a secret")
				}
			}
			if c.name == "by reference" && got.Pseudonyms["cong_dan"] != key {
				t.Errorf("%q", got.Pseudonyms)
			}
		})
	}
}

func TestNodeDecode(t *testing.T) {
	got := adapterConfig{Slot: "default", Batch: 1}
	l := node(t, `{ dsn: "x=${env:PW}", batch: "${env:N}", wait: 1m30s, on: true, share: 0.5, tables: [a, b], types: { x: y }, level: HIGH, nested: { port: 65535 }, zone: 001 }`).Decode(&got)
	want := adapterConfig{DSN: "x=hunter2", Slot: "default", Batch: 7, Wait: 90 * time.Second, On: true, Share: 0.5, Tables: []string{"a", "b"}, Types: map[string]string{"x": "y"}, Level: "HIGH", common: common{Zone: "001"}}
	want.Nested = &struct {
		Port uint16 `yaml:"port"`
	}{65535}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(adapterConfig{})); diff != "" || len(l) > 0 {
		t.Errorf("problems %v, config (-want +got):\n%s", l, diff)
	}
}

func TestNodeDecodeFaults(t *testing.T) {
	n := node(t, `{ dns: x, batch: "${env:PW}", wait: 5, on: yes, share: .inf, tables: [[a], ~], level: "${env:PW}", nested: { port: 70000 }, zone: { a: b }, dsn: "${env:NONE}" }`)
	l := n.Decode(&adapterConfig{})
	want := problem.List{
		{Code: "config.unknown-key", Where: "dns", What: `there is no key "dns" here`, Fix: "remove it; the keys known here are: dsn, slot, batch, wait, on, share, tables, types, level, nested, zone"},
		{Code: "config.wrong-type", Where: "batch", What: "a whole number was expected, a value (not shown: it holds a secret) was found", Fix: "write a whole number"},
		{Code: "config.wrong-type", Where: "wait", What: `a duration with its unit, like 500ms, 30s, 5m or 24h was expected, "5" was found`, Fix: "write a duration with its unit, like 500ms, 30s, 5m or 24h"},
		{Code: "config.wrong-type", Where: "on", What: `true or false was expected, "yes" was found`, Fix: "write true or false"},
		{Code: "config.wrong-type", Where: "share", What: `a number was expected, ".inf" was found`, Fix: "write a number"},
		{Code: "config.wrong-type", Where: "tables[0]", What: "a text was expected, a list was found", Fix: "write a text"},
		{Code: "config.missing-value", Where: "tables[1]", What: "the key has no value, a text was expected", Fix: "write the value, or remove the key"},
		{Code: "config.bad-value", Where: "level", What: "the value has the wrong form (not shown: it holds a secret)", Fix: "correct it where it is kept"},
		{Code: "config.bad-value", Where: "nested.port", What: `"70000" is outside 0 to 65535`, Fix: "write a number within"},
		{Code: "config.wrong-type", Where: "zone", What: "a text was expected, a mapping was found", Fix: "write a text"},
		{Code: "config.missing-secret", Where: "dsn", What: "the environment variable NONE is not set", Fix: "set it before truc starts: export NONE=…"},
	}
	if diff := cmp.Diff(want, l); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	located := n.Locate(problem.List{{Where: "nested.port"}, {Where: "tables[1]"}, {Where: "slot"}, {Where: ""}, {Where: "tables[9].x"}})
	var places []string
	for _, p := range located {
		places = append(places, p.Where)
	}
	if diff := cmp.Diff([]string{
		"truc.yaml:3:141 sources.hotich.postgres.nested.port",
		"truc.yaml:3:107 sources.hotich.postgres.tables[1]",
		"truc.yaml:3:22 sources.hotich.postgres.slot",
		"truc.yaml:3:22 sources.hotich.postgres",
		"truc.yaml:3:93 sources.hotich.postgres.tables[9].x",
	}, places); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(whole)
	f.Add(sound)
	f.Add(withDSN)
	f.Add("agency: &a [*a]\n<<: *a\n? {}\n: !!set {}\nsources: {a: {b: , c: \"${env:}${file:}$${\"}}\nbus: {kafka: {tls: [], sasl: , brokers: [1, [2], {}]}}\n")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		c, problems := load(filepath.Join(dir, "truc.yaml"), []byte(text), environment("KAFKA_PASSWORD", "hunter2", "PG_PASSWORD", "hunter2"))
		if c == nil && problems.Err() == nil {
			t.Error("nothing was understood and nothing reported")
		}
		if strings.Contains(problems.Error(), "hunter2") && !strings.Contains(text, "hunter2") {
			t.Errorf("a problem shows a secret: %v", problems)
		}
		if c == nil {
			return
		}
		for _, name := range c.SourceNames() {
			var into adapterConfig
			n := c.Sources[name].Node
			_ = n.Locate(n.Decode(&into))
		}
	})
}
