package openapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/lienthong/truc/pipeline"
	"github.com/lienthong/truc/portal"
	"github.com/lienthong/truc/portal/governanceapi"
	"github.com/lienthong/truc/portal/openapi"
	"github.com/lienthong/truc/portal/registryapi"
	"github.com/lienthong/truc/schemas/governance"
	"github.com/lienthong/truc/schemas/registry"
	"github.com/lienthong/truc/tests/servers"
)

// documentOf is the parsed document.
type documentOf struct {
	Paths map[string]map[string]json.RawMessage `json:"paths"`
}

type operationOf struct {
	OperationID string                 `json:"operationId"`
	Tags        []string               `json:"tags"`
	Responses   map[string]responsesOf `json:"responses"`
}

type responsesOf struct {
	Content map[string]json.RawMessage `json:"content"`
}

func written(t *testing.T) ([]byte, documentOf) {
	t.Helper()
	text, err := openapi.Document(openapi.Options{Version: "v1", Registry: "http://127.0.0.1:8081"})
	if err != nil {
		t.Fatal(err)
	}
	var doc documentOf
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	return text, doc
}

// operations are those of an interface, "GET /subjects" by what is said of it.
func (d documentOf) operations(t *testing.T, tag string) map[string]operationOf {
	t.Helper()
	out := map[string]operationOf{}
	for path, item := range d.Paths {
		for method, raw := range item {
			if method == "parameters" || method == "servers" {
				continue
			}
			var op operationOf
			if err := json.Unmarshal(raw, &op); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(" "+strings.Join(op.Tags, " ")+" ", " "+tag+" ") {
				out[strings.ToUpper(method)+" "+path] = op
			}
		}
	}
	return out
}

// TestEveryRouteIsDescribed: what is served is described, and what is described is served.
func TestEveryRouteIsDescribed(t *testing.T) {
	_, doc := written(t)
	for tag, routes := range map[string]chi.Routes{
		"node":     portal.New(&portal.Node{}).Routes(),
		"registry": registryapi.New(registry.New(newMemory(), registry.Options{}), registryapi.Options{Governance: governanceapi.New(governanceapi.Options{})}).(chi.Routes),
	} {
		served, described := map[string]bool{}, map[string]bool{}
		err := chi.Walk(routes, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
			if route != "/" {
				route = strings.TrimSuffix(route, "/")
			}
			served[method+" "+route] = true
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for op := range doc.operations(t, tag) {
			described[op] = true
		}
		if diff := cmp.Diff(served, described); diff != "" || len(served) < 10 {
			t.Errorf("%s: - served, + described:\n%s", tag, diff)
		}
	}
}

// TestIdsDiffer: generators of clients name methods by them.
func TestIdsDiffer(t *testing.T) {
	_, doc := written(t)
	seen := map[string]string{}
	for _, tag := range []string{"node", "registry"} {
		for where, op := range doc.operations(t, tag) {
			if before, twice := seen[op.OperationID]; op.OperationID == "" || twice && before != where {
				t.Errorf("%s and %s are both %q", before, where, op.OperationID)
			}
			seen[op.OperationID] = where
		}
	}
}

// schemaVersion names the file in the cache; tests/scripts/openapi/requirements.txt fetches the same version.
const schemaVersion = "0.9.0"

// TestIsOpenAPI holds the document against the JSON Schema of OpenAPI 3.1.
func TestIsOpenAPI(t *testing.T) {
	path := os.Getenv("TRUC_TEST_OPENAPI")
	if path == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		path = filepath.Join(cache, "truc", "openapi-"+schemaVersion+".schema.json")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		if servers.SkipAllowed() {
			t.Skipf("no JSON Schema of OpenAPI 3.1 here: %v", err)
		}
		t.Fatalf("%v: make setup fetches the JSON Schema of OpenAPI 3.1; ALLOW_SKIP=1 skips this test", err)
	}
	schema := compiled(t, text, "")
	doc, _ := written(t)
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(v); err != nil {
		t.Errorf("%#v", err)
	}
	broken, err := jsonschema.UnmarshalJSON(bytes.NewReader(bytes.Replace(doc, []byte(`"in": "query"`), []byte(`"in": "somewhere"`), 1)))
	if err != nil {
		t.Fatal(err)
	}
	if schema.Validate(broken) == nil {
		t.Error("a parameter from nowhere is taken: this schema checks nothing")
	}
	// The schema of OpenAPI leaves the schemas in it to JSON Schema.
	for name := range at(v, "/components/schemas").(map[string]any) {
		compiled(t, doc, "/components/schemas/"+name)
	}
	// Every reference leads somewhere: the schema of OpenAPI does not look.
	for _, m := range regexp.MustCompile(`"\$ref": "#([^"]+)"`).FindAllSubmatch(doc, -1) {
		if at(v, string(m[1])) == nil {
			t.Errorf("%s leads nowhere", m[1])
		}
	}
}

func at(v any, pointer string) any {
	for _, name := range strings.Split(strings.TrimPrefix(pointer, "/"), "/") {
		o, _ := v.(map[string]any)
		v = o[name]
	}
	return v
}

func compiled(t *testing.T, text []byte, pointer string) *jsonschema.Schema {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	const url = "https://truc.example/openapi"
	if err := c.AddResource(url, v); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(url + "#" + pointer)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestAnswersConform asks both interfaces and holds what they answer against what is described.
func TestAnswersConform(t *testing.T) {
	text, doc := written(t)
	ctx, stop := context.WithCancel(t.Context())
	r := registry.New(newMemory(), registry.Options{})
	ended := make(chan struct{})
	go func() { defer close(ended); _ = r.Run(ctx) }()
	defer func() { stop(); <-ended }()
	<-r.Ready()
	node := portal.New(&portal.Node{
		Version: "v1", Agency: "H44.15", Started: time.Now(), OpenAPI: text,
		Registry: func() portal.Registry {
			return portal.Registry{Listen: "127.0.0.1:8081", Condition: pipeline.NewCondition(pipeline.StateRetrying, fmt.Errorf("the bus is away"))}
		},
	})
	nobody := governanceapi.New(governanceapi.Options{Open: func() ([]*governance.Folder, func(), error) { return nil, func() {}, nil }})
	site := map[string]http.Handler{"node": node, "registry": registryapi.New(r, registryapi.Options{Version: "v1", OpenAPI: text, Governance: nobody})}
	const body, other = `{"schemaType":"JSON","schema":"{\"type\":\"object\"}"}`, `{"schemaType":"JSON","schema":"{\"type\":\"string\"}"}`
	asked := map[string]bool{}
	for _, c := range []struct{ tag, route, target, body string }{
		{"node", "GET /api/status", "/api/status", ""},
		{"node", "GET /readyz", "/readyz", ""},
		{"node", "GET /openapi.json", "/openapi.json", ""},
		{"registry", "GET /openapi.json", "/openapi.json", ""},
		{"registry", "GET /readyz", "/readyz", ""},
		{"registry", "GET /", "/", ""},
		{"registry", "POST /", "/", ""},
		{"registry", "GET /v1/metadata/version", "/v1/metadata/version", ""},
		{"registry", "GET /schemas/types", "/schemas/types", ""},
		{"registry", "POST /subjects/{subject}/versions", "/subjects/a/versions", body},
		{"registry", "POST /subjects/{subject}/versions", "/subjects/a/versions", other}, // refused
		{"registry", "POST /subjects/{subject}/versions", "/subjects/a/versions", "{"},
		{"registry", "POST /subjects/{subject}", "/subjects/a", body},
		{"registry", "POST /contexts/{context}/subjects/{subject}/versions", "/contexts/.b/subjects/a/versions", body},
		{"registry", "GET /contexts/{context}/subjects", "/contexts/.b/subjects", ""},
		{"registry", "GET /contexts", "/contexts", ""},
		{"registry", "GET /schemas", "/schemas", ""},
		{"registry", "GET /schemas/ids/{id}", "/schemas/ids/1", ""},
		{"registry", "GET /schemas/ids/{id}", "/schemas/ids/1?fetchMaxId=true", ""},
		{"registry", "GET /schemas/ids/{id}", "/schemas/ids/99", ""},
		{"registry", "GET /schemas/ids/{id}/schema", "/schemas/ids/1/schema", ""},
		{"registry", "GET /schemas/ids/{id}/subjects", "/schemas/ids/1/subjects", ""},
		{"registry", "GET /schemas/ids/{id}/versions", "/schemas/ids/1/versions", ""},
		{"registry", "GET /subjects", "/subjects", ""},
		{"registry", "GET /subjects/{subject}/versions", "/subjects/a/versions", ""},
		{"registry", "GET /subjects/{subject}/versions/{version}", "/subjects/a/versions/latest", ""},
		{"registry", "GET /subjects/{subject}/versions/{version}/referencedby", "/subjects/a/versions/1/referencedby", ""},
		{"registry", "POST /compatibility/subjects/{subject}/versions", "/compatibility/subjects/a/versions?verbose=true", other},
		{"registry", "GET /config", "/config", ""},
		{"registry", "GET /config/{subject}", "/config/a", ""}, // none of its own
		{"registry", "PUT /config/{subject}", "/config/a", `{"compatibility":"NONE"}`},
		{"registry", "DELETE /config/{subject}", "/config/a", ""},
		{"registry", "GET /mode", "/mode", ""},
		{"registry", "PUT /mode/{subject}", "/mode/a", `{"mode":"READONLY"}`},
		{"registry", "DELETE /mode/{subject}", "/mode/a", ""},
		{"registry", "GET /governance/datasets", "/governance/datasets", ""},
		{"registry", "GET /governance/datasets/{dataset}", "/governance/datasets/a.v1", ""},
		{"registry", "POST /governance/datasets/{dataset}/propose", "/governance/datasets/a.v1/propose", "{}"},
		{"registry", "DELETE /subjects/{subject}/versions/{version}", "/subjects/a/versions/1", ""},
		{"registry", "DELETE /subjects/{subject}", "/subjects/a?permanent=true", ""},
	} {
		method, path, _ := strings.Cut(c.route, " ")
		request := httptest.NewRequest(method, c.target, strings.NewReader(c.body))
		if c.body != "" {
			request.Header.Set("Content-Type", "application/json")
		}
		w := httptest.NewRecorder()
		site[c.tag].ServeHTTP(w, request)
		op, known := doc.operations(t, c.tag)[c.route]
		code := strconv.Itoa(w.Code)
		if _, said := op.Responses[code]; !said {
			code = "default"
		}
		media, _, _ := strings.Cut(w.Header().Get("Content-Type"), ";")
		if op.Responses[code].Content[media] == nil || !known {
			t.Errorf("%s answers %d %s, which is not described", c.route, w.Code, media)
			continue
		}
		asked[c.route+" "+code] = true
		escape := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D", "+", "%2B").Replace
		schema := compiled(t, text, "/paths/"+escape(path)+"/"+strings.ToLower(method)+"/responses/"+code+"/content/"+escape(media)+"/schema")
		v, err := jsonschema.UnmarshalJSON(w.Body)
		if err == nil {
			err = schema.Validate(v)
		}
		if err != nil {
			t.Errorf("%s %s: %d %v", method, c.target, w.Code, err)
		}
	}
	for _, refused := range []string{"POST /subjects/{subject}/versions default", "GET /config/{subject} default", "GET /readyz 503"} {
		if !asked[refused] {
			t.Errorf("nothing was answered as %s", refused)
		}
	}
}

// memory is the log of a registry without a bus.
type memory struct {
	mu      sync.Mutex
	records []registry.Record
	more    chan struct{}
}

func newMemory() *memory { return &memory{more: make(chan struct{})} }

func (m *memory) Append(_ context.Context, after int64, records []registry.Record) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	first := int64(len(m.records))
	if after < first {
		return 0, &registry.MovedError{End: first}
	}
	for i, r := range records {
		r.Place = first + int64(i)
		m.records = append(m.records, r)
	}
	close(m.more)
	m.more = make(chan struct{})
	return first, nil
}

func (m *memory) Follow(ctx context.Context, see func(registry.Batch) error) error {
	for next := 0; ; {
		m.mu.Lock()
		records, more := m.records[next:], m.more
		m.mu.Unlock()
		next += len(records)
		if err := see(registry.Batch{Records: records, Next: int64(next), End: int64(next)}); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-more:
		}
	}
}
