package export

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/schemas"
	"github.com/lienthong/truc/tests/servers"
)

// parserVersion names the folder in the cache; tests/scripts/asyncapi/package.json fetches the same version.
const parserVersion = "3.6.6"

// parserScript asks AsyncAPI's own parser for everything it has against a document, and for what it understood.
const parserScript = `
const { createRequire } = require('module');
const { Parser } = createRequire(process.argv[1] + '/package.json')('@asyncapi/parser');
let text = '';
process.stdin.on('data', d => text += d).on('end', async () => {
  const { document, diagnostics } = await new Parser().parse(text);
  const channels = {};
  if (document) for (const c of document.channels().all())
    channels[c.id()] = { address: c.address(), messages: c.messages().all().map(m => m.id()).sort(),
      properties: c.messages().all().map(m => Object.keys(m.payload().properties() ?? {}).length) };
  console.log(JSON.stringify({ channels, operations: document ? document.operations().all().map(o => o.action() + ' ' + o.id()).sort() : null,
    diagnostics: diagnostics.map(d => ({ code: d.code, severity: d.severity, message: d.message, path: d.path.join('.') })) }));
});`

type parsed struct {
	Channels map[string]struct {
		Address    string
		Messages   []string
		Properties []int
	}
	Operations  []string
	Diagnostics []struct {
		Code, Message, Path string
		Severity            int // 0 error, 1 warning, 2 information
	}
}

// parseAsyncAPI gives a document to the official parser. $TRUC_TEST_ASYNCAPI_HOME names another folder with node_modules.
func parseAsyncAPI(t *testing.T, text []byte) parsed {
	t.Helper()
	home := os.Getenv("TRUC_TEST_ASYNCAPI_HOME")
	if home == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		home = filepath.Join(cache, "truc", "asyncapi-parser-"+parserVersion)
	}
	node, err := exec.LookPath("node")
	if err == nil {
		_, err = os.Stat(filepath.Join(home, "node_modules", "@asyncapi", "parser"))
	}
	if err != nil && servers.SkipAllowed() {
		t.Skip("AsyncAPI's parser is not here")
	}
	if err != nil {
		t.Fatalf("%v; `make setup` fetches AsyncAPI's parser (ALLOW_SKIP=1 skips the tests that need it)", err)
	}
	cmd := exec.Command(node, "-e", parserScript, home)
	cmd.Stdin = bytes.NewReader(text)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	var p parsed
	if err := json.Unmarshal(out, &p); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return p
}

// fullNode publishes and receives every dataset, on a cluster with everything that keeps strangers out.
func fullNode(t *testing.T) Node {
	t.Helper()
	n := Node{
		Agency: "H44.15", Servers: []string{"kafka1.phutho.example:9093", "kafka2.phutho.example:9093"}, Encrypted: true, ClientCertificate: true, SASL: "scram-sha-512",
		RegistryURL: "https://chuan.phutho.example/", Replicas: 3,
	}
	_, oddOne := odd(t)
	for i, d := range append([]*schemas.Dataset{oddOne}, builtin(t).Datasets()...) {
		name := strings.ReplaceAll(d.Name(), ".", "_")
		n.Publishes = append(n.Publishes, Publishing{
			Name: name, Agency: n.Agency, Topic: bus.EventTopic(d.ID(), n.Agency), Source: bus.SourceName(n.Agency, "nguon", name), Dataset: d, Partitions: 3,
			DeleteRetentionMS: 30 * 24 * 3600 * 1000, MaxMessageBytes: 1 << 20,
		})
		if i > 1 { // the parser writes every $ref out, wherever it stands, and takes its time
			continue
		}
		n.Deliveries = append(n.Deliveries,
			Delivery{Name: name + "_mau", Dataset: d, Agencies: []string{"H26.*", "H44.15"}},
			Delivery{Name: name + "_mot", Dataset: d, Agencies: []string{"H44.15"}},
			Delivery{Name: name + "_hai", Dataset: d, Agencies: []string{"H25", "H44.15"}},
		)
	}
	return n
}

func TestOfficialParserAccepts(t *testing.T) {
	t.Parallel()
	for name, n := range map[string]Node{"full": fullNode(t), "nothing": {Agency: "H44.15", Servers: []string{"127.0.0.1"}}} {
		text, err := AsyncAPI(n)
		if err != nil {
			t.Fatal(err)
		}
		p := parseAsyncAPI(t, text)
		for _, d := range p.Diagnostics {
			if d.Severity <= 1 {
				t.Errorf("%s: %s at %s: %s", name, d.Code, d.Path, d.Message)
			}
		}
		if p.Operations == nil {
			t.Fatalf("%s: the parser gives no document: %+v", name, p.Diagnostics)
		}
		for _, publishing := range n.Publishes {
			c := p.Channels[publishing.Topic]
			if c.Address != publishing.Topic || len(c.Messages) != 2 || c.Properties[0] == 0 {
				t.Errorf("%s: channel %s is understood as %+v", name, publishing.Topic, c)
			}
		}
	}
	// A parser that accepts anything would prove nothing.
	text, err := AsyncAPI(Node{Agency: "H44.15", Servers: []string{"127.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	if p := parseAsyncAPI(t, bytes.Replace(text, []byte(`"host":`), []byte(`"hosts":`), 1)); p.Operations != nil {
		t.Error("the parser accepts a broken document")
	}
}

func TestAsyncAPIOfANode(t *testing.T) {
	t.Parallel()
	d, err := builtin(t).Dataset("hotich.khaisinh.v1")
	if err != nil {
		t.Fatal(err)
	}
	n := Node{
		Agency: "H44.15", Servers: []string{"127.0.0.1:9092"},
		Publishes:  []Publishing{{Name: "khaisinh", Agency: "H44.15", Topic: "hotich.khaisinh.v1.h44.15", Source: "/agencies/H44.15/hotich/khaisinh", Dataset: d, Partitions: 3}},
		Deliveries: []Delivery{{Name: "tre_em", Dataset: d, Agencies: []string{"H44.15"}}, {Name: "tinh", Dataset: d, Agencies: []string{"H26.*"}}},
	}
	text, err := AsyncAPI(n)
	if err != nil {
		t.Fatal(err)
	}
	again, err := AsyncAPI(n)
	if err != nil || !bytes.Equal(text, again) {
		t.Errorf("a second export is another: %v", err)
	}
	var doc struct {
		Info     struct{ Version string }
		Servers  map[string]map[string]any
		Channels map[string]struct {
			Address  string
			Bindings struct{ Kafka struct{ Partitions int } }
		}
		Operations map[string]struct{ Action string }
		Components struct {
			Messages map[string]struct {
				Headers struct {
					Required   []string
					Properties map[string]struct {
						Enum []string
					}
				}
				Payload map[string]any
			}
			SecuritySchemes map[string]any
		}
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	if c := doc.Channels["hotich.khaisinh.v1.h44.15"]; c.Address != "hotich.khaisinh.v1.h44.15" || c.Bindings.Kafka.Partitions != 3 {
		t.Errorf("the channel that it publishes and receives is %+v", c)
	}
	if c := doc.Channels["hotich.khaisinh.v1.tinh"]; c.Address != "hotich.khaisinh.v1.{agency}" {
		t.Errorf("the channel of a pattern is %+v", c)
	}
	for operation, action := range map[string]string{"publish.khaisinh": "send", "subscribe.tre_em": "receive", "subscribe.tinh": "receive"} {
		if got := doc.Operations[operation].Action; got != action {
			t.Errorf("%s is %q", operation, got)
		}
	}
	m := doc.Components.Messages["hotich.khaisinh.v1"]
	if got := strings.Join(m.Headers.Properties["ce_type"].Enum, " "); got != "hotich.khaisinh.v1.created hotich.khaisinh.v1.updated hotich.khaisinh.v1.snapshot" {
		t.Errorf("the types are %s", got)
	}
	if len(m.Headers.Required) != 9 {
		t.Errorf("required headers: %v", m.Headers.Required)
	}
	if got := doc.Components.Messages["hotich.khaisinh.v1.deleted"].Payload["type"]; got != "null" {
		t.Errorf("a deletion has the payload %v", got)
	}
	if doc.Components.SecuritySchemes != nil || doc.Servers["kafka-1"]["security"] != nil {
		t.Error("security is told of a bus without")
	}
	n.Publishes[0].Partitions = 6
	if text, err = AsyncAPI(n); err != nil || strings.Contains(string(text), doc.Info.Version) {
		t.Errorf("the version stays %s when the channels change: %v", doc.Info.Version, err)
	}
}

// Titles beside a $ref are seen by tools that pass over what stands there.
func TestEmbeddedKeepsTitles(t *testing.T) {
	t.Parallel()
	_, d := odd(t)
	text, err := AsyncAPI(Node{Agency: "H44", Publishes: []Publishing{{Name: "x", Topic: "thu.le.v1.h44", Dataset: d}}})
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Components struct{ Schemas map[string]schemaOf }
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	second := doc.Components.Schemas["thu.le-1.0.0"].Properties["tenHai"]
	if second.Title != "Tên hai" || len(second.AllOf) != 1 || second.AllOf[0].Ref != "#/components/schemas/mot-1.0.0.ten" {
		t.Errorf("tenHai is %+v", second)
	}
}

type schemaOf struct {
	Title      string              `json:"title"`
	Ref        string              `json:"$ref"`
	AllOf      []schemaOf          `json:"allOf"`
	Properties map[string]schemaOf `json:"properties"`
}
