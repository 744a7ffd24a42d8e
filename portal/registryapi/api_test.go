package registryapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lienthong/truc/schemas/registry"
)

// memory is a log of one writer.
type memory struct {
	mu      sync.Mutex
	records []registry.Record
	grown   chan struct{}
}

func (m *memory) Append(_ context.Context, _ int64, records []registry.Record) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	first := int64(len(m.records))
	for i, r := range records {
		r.Place = first + int64(i)
		m.records = append(m.records, r)
	}
	close(m.grown)
	m.grown = make(chan struct{})
	return first, nil
}

func (m *memory) Follow(ctx context.Context, see func(registry.Batch) error) error {
	for next := 0; ; {
		m.mu.Lock()
		b := registry.Batch{Records: m.records[next:], Next: int64(len(m.records)), End: int64(len(m.records))}
		next = len(m.records)
		grown := m.grown
		m.mu.Unlock()
		if err := see(b); err != nil {
			return err
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func serve(t *testing.T, o Options) string {
	t.Helper()
	server := httptest.NewServer(New(running(t), o))
	t.Cleanup(server.Close)
	return server.URL
}

// running is a registry that runs until the test ends.
func running(t testing.TB) *registry.Registry {
	t.Helper()
	r := registry.New(&memory{grown: make(chan struct{})}, registry.Options{})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("the registry ended with %v", err)
		}
	})
	<-r.Ready()
	return r
}

// call is a request: "METHOD path", a body if it has one, and headers "Name: value".
func call(t *testing.T, url, request, body string, headers ...string) (code int, answer string, header http.Header) {
	t.Helper()
	method, path, _ := strings.Cut(request, " ")
	req, err := http.NewRequest(method, url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text), res.Header
}

const (
	guidA = "1b3ba7b3-6eec-82a9-8d82-0fefcccaee8b" // of {"type":"object"}
	bodyA = `{"schemaType":"JSON","schema":"{\"type\": \"object\"}"}`
	bodyB = `{"schemaType":"JSON","schema":"{\"type\":\"object\",\"title\":\"b\"}"}`
	bodyC = `{"schemaType":"JSON","schema":"{\"type\":\"string\"}"}`
	bodyR = `{"schemaType":"JSON","schema":"{\"$ref\":\"a.json\"}","references":[{"name":"a.json","subject":"a","version":1}]}`
)

// The whole interface, as one session: each step sees what the steps before have done. want is the whole body, or with "…" at its
// end how it begins.
func TestSession(t *testing.T) {
	url := serve(t, Options{Version: "1.2.3"})
	for i, s := range []struct {
		request, body string
		code          int
		want          string
	}{
		{"GET /", "", 200, `{}`},
		{"GET /schemas/types", "", 200, `["JSON"]`},
		{"GET /subjects", "", 200, `[]`},
		{"GET /schemas", "", 200, `[]`},
		{"GET /contexts", "", 200, `["."]`},
		{"GET /v1/metadata/version", "", 200, `{"commitId":"","version":"1.2.3"}`},
		{"GET /v1/metadata/id", "", 200, `{"id":"","scope":{"clusters":{"kafka-cluster":"truc","schema-registry-cluster":"truc"},"path":[]}}`},
		{"GET /config", "", 200, `{"compatibilityLevel":"FULL_TRANSITIVE","compatibilityPolicy":"STRICT"}`},
		{"GET /config/a", "", 404, `{"error_code":40408,"message":"Subject 'a' does not have subject-level compatibility configured"}`},
		{"GET /config/a?defaultToGlobal=true", "", 200, `{"compatibilityLevel":"FULL_TRANSITIVE","compatibilityPolicy":"STRICT"}`},
		{"PUT /config/a", `{"compatibility":"sideward"}`, 422, `{"error_code":42203,"message":"Invalid compatibility level. Valid values are none, backward, forward, full, backward_transitive, forward_transitive, and full_transitive"}`},
		{"PUT /config/a", `{"compatibility":"backward"}`, 200, `{"compatibility":"BACKWARD"}`},
		{"GET /config/a", "", 200, `{"compatibilityLevel":"BACKWARD"}`},
		{"PUT /config/a", `{"defaultRuleSet":{"domainRules":[]}}`, 422, `{"error_code":42210,…`},
		{"GET /mode", "", 200, `{"mode":"READWRITE"}`},
		{"GET /mode/a", "", 404, `{"error_code":40409,"message":"Subject 'a' does not have subject-level mode configured"}`},
		{"GET /mode/a?defaultToGlobal=true", "", 200, `{"mode":"READWRITE"}`},

		{"POST /subjects/a", bodyA, 404, `{"error_code":40401,"message":"Subject 'a' not found."}`},
		{"POST /compatibility/subjects/a/versions/latest", bodyA, 200, `{"is_compatible":true}`},
		{"POST /compatibility/subjects/a/versions/1", bodyA, 404, `{"error_code":40402,"message":"Version 1 not found."}`},
		{"POST /subjects/a/versions", bodyA, 200, `{"version":1,"id":1,"guid":"` + guidA + `","schemaType":"JSON","schema":"{\"type\":\"object\"}"}`},
		{"POST /subjects/a/versions", bodyB, 200, `{"version":2,"id":2,…`},
		{"POST /subjects/b/versions", bodyB, 200, `{"version":1,"id":2,…`},
		{"POST /subjects/:.c:d/versions", bodyC, 200, `{"version":1,"id":1,…`},
		{"POST /contexts/.c/subjects/d/versions", bodyC, 200, `{"version":1,"id":1,…`},
		{"POST /subjects/r/versions", bodyR, 200, `{"version":1,"id":3,…`},
		{"POST /subjects/ns%2Fx%20%C4%91/versions", bodyA, 200, `{"version":1,"id":1,…`},
		{"POST /subjects/a/versions", `{"schema":"\"string\""}`, 422, `{"error_code":42201,"message":"Invalid schema: this registry keeps JSON schemas and no schemas of type AVRO; say \"schemaType\":\"JSON\""}`},
		{"POST /subjects/a/versions", `{"schemaType":"JSON","schema":"{"}`, 422, `{"error_code":42201,"message":"Invalid schema: not JSON: the text ends too early"}`},
		{"POST /subjects/a/versions", `{"schemaType":"JSON","schema":{"type":"object"}}`, 400, `{"error_code":400,"message":"The member \"schema\" holds a JSON object; it must be a string that holds the text of the schema"}`},
		{"POST /subjects/a/versions", `{"schemaType":`, 400, `{"error_code":400,"message":"The request is not JSON: unexpected end of JSON input"}`},
		{"POST /subjects/a/versions", ``, 400, `{"error_code":400,…`},
		{"POST /subjects/a/versions", `{"schemaType":"JSON","schema":"{}","schemaTagsToAdd":[{}]}`, 422, `{"error_code":42201,…`},
		{"POST /subjects/a%0Ab/versions", bodyA, 422, `{"error_code":42208,"message":"The specified subject 'a\nb' is not a valid."}`},
		{"POST /subjects/a/versions", bodyC, 409, `{"error_code":40901,"message":"Schema being registered is incompatible with an earlier schema for subject \"a\", details: [{errorType:…`},
		{"POST /subjects/a/versions", `{"schemaType":"JSON","schema":"{}","id":7}`, 422, `{"error_code":42205,"message":"Subject a in context . is not in import mode"}`},

		{"GET /subjects", "", 200, `["a","b","ns/x đ","r",":.c:d"]`},
		{"GET /subjects?subjectPrefix=a", "", 200, `["a"]`},
		{"GET /subjects?subjectPrefix=:.c:", "", 200, `[":.c:d"]`},
		{"GET /contexts/.c/subjects", "", 200, `[":.c:d"]`},
		{"GET /subjects?offset=1&limit=2", "", 200, `["b","ns/x đ"]`},
		{"GET /subjects?offset=9", "", 200, `[]`},
		{"GET /contexts", "", 200, `[".",".c"]`},
		{"GET /subjects/a/versions", "", 200, `[1,2]`},
		{"GET /subjects/x/versions", "", 404, `{"error_code":40401,"message":"Subject 'x' not found."}`},
		{"GET /subjects/a/versions/1", "", 200, `{"subject":"a","version":1,"id":1,"guid":"` + guidA + `","schemaType":"JSON","schema":"{\"type\":\"object\"}"}`},
		{"GET /subjects/a/versions/-1", "", 200, `{"subject":"a","version":2,…`},
		{"GET /subjects/a/versions/Latest", "", 200, `{"subject":"a","version":2,…`},
		{"GET /subjects/a/versions/3", "", 404, `{"error_code":40402,"message":"Version 3 not found."}`},
		{"GET /subjects/x/versions/3", "", 404, `{"error_code":40401,"message":"Subject 'x' not found."}`},
		{"GET /subjects/a/versions/0", "", 422, `{"error_code":42202,"message":"The specified version '0' is not a valid version id. Allowed values are between [1, 2^31-1] and the string \"latest\""}`},
		{"GET /subjects/a/versions/2147483648", "", 422, `{"error_code":42202,…`},
		{"GET /subjects/a/versions/first", "", 422, `{"error_code":42202,…`},
		{"GET /subjects/a/versions/1/schema", "", 200, `{"type":"object"}`},
		{"GET /subjects/a/versions/1/referencedby", "", 200, `[3]`},
		{"POST /subjects/a", bodyA, 200, `{"subject":"a","version":1,"id":1,…`},
		{"POST /subjects/a", bodyC, 404, `{"error_code":40403,"message":"Schema not found"}`},
		{"GET /schemas/ids/1", "", 200, `{"guid":"` + guidA + `","schemaType":"JSON","schema":"{\"type\":\"object\"}"}`},
		{"GET /schemas/ids/1?fetchMaxId=true", "", 200, `{"guid":"` + guidA + `","schemaType":"JSON","schema":"{\"type\":\"object\"}","maxId":3}`},
		{"GET /schemas/ids/1?subject=:.c:d", "", 200, `{"guid":…`},
		{"GET /schemas/ids/3", "", 200, `{"guid":…`},
		{"GET /schemas/ids/99", "", 404, `{"error_code":40403,"message":"Schema 99 not found"}`},
		{"GET /schemas/ids/x", "", 404, `{"error_code":404,"message":"HTTP 404 Not Found"}`},
		{"GET /schemas/ids/1/schema", "", 200, `{"type":"object"}`},
		{"GET /schemas/ids/2/subjects", "", 200, `["a","b"]`},
		{"GET /schemas/ids/2/versions", "", 200, `[{"subject":"a","version":2},{"subject":"b","version":1}]`},
		{"GET /schemas/guids/" + guidA, "", 200, `{"guid":"` + guidA + `",…`},
		{"GET /schemas/guids/" + guidA + "/ids", "", 200, `[{"context":".","id":1}]`},
		{"GET /schemas/guids/x", "", 404, `{"error_code":40403,"message":"Schema x not found"}`},
		{"GET /schemas?subjectPrefix=a&latestOnly=true", "", 200, `[{"subject":"a","version":2,…`},
		{"GET /schemas?subjectPrefix=a&limit=1", "", 200, `[{"subject":"a","version":1,"id":1,"guid":"` + guidA + `","schemaType":"JSON","schema":"{\"type\":\"object\"}"}]`},
		{"GET /subjects/a/metadata", "", 200, `{"subject":"a","version":2,…`},
		{"GET /subjects/a/metadata?key=owner&value=x", "", 404, `{"error_code":40403,"message":"Schema not found"}`},
		{"POST /compatibility/subjects/a/versions/latest", bodyC, 200, `{"is_compatible":false}`},
		{"POST /compatibility/subjects/a/versions/latest?verbose=true", bodyC, 200, `{"is_compatible":false,"messages":["{errorType:…`},
		{"POST /compatibility/subjects/a/versions?verbose=true", `{"schemaType":"JSON","schema":"{"}`, 200, `{"is_compatible":false,"messages":["Invalid schema: …`},
		{"POST /compatibility/subjects/a/versions", `{"schemaType":"JSON","schema":"{"}`, 422, `{"error_code":42201,…`},
		{"POST /compatibility/subjects/a/versions/x", bodyA, 422, `{"error_code":42202,…`},

		{"DELETE /subjects/a/versions/1", "", 422, `{"error_code":42206,"message":"One or more references exist to the schema {magic=1,keytype=SCHEMA,subject=a,version=1}: ids [3]"}`},
		{"DELETE /subjects/r?permanent=true", "", 404, `{"error_code":40405,"message":"Subject 'r' was not deleted first before being permanently deleted"}`},
		{"DELETE /subjects/r", "", 200, `[1]`},
		{"DELETE /subjects/r", "", 404, `{"error_code":40404,"message":"Subject 'r' was soft deleted. Set permanent=true to delete permanently"}`},
		{"GET /subjects?deletedOnly=true", "", 200, `["r"]`},
		{"GET /subjects?deleted=true&subjectPrefix=r", "", 200, `["r"]`},
		{"DELETE /subjects/r?permanent=true", "", 200, `[1]`},
		{"DELETE /subjects/r", "", 404, `{"error_code":40401,"message":"Subject 'r' not found."}`},
		{"DELETE /subjects/a/versions/1?permanent=true", "", 404, `{"error_code":40407,"message":"Subject 'a' Version 1 was not deleted first before being permanently deleted"}`},
		{"DELETE /subjects/a/versions/1", "", 200, `1`},
		{"DELETE /subjects/a/versions/1", "", 404, `{"error_code":40406,"message":"Subject 'a' Version 1 was soft deleted. Set permanent=true to delete permanently"}`},
		{"GET /subjects/a/versions?deletedAsNegative=true", "", 200, `[-1,2]`},
		{"GET /subjects/a/versions?deletedOnly=true", "", 200, `[1]`},
		{"GET /subjects/a/versions/1?deleted=true", "", 200, `{"subject":"a","version":1,"id":1,"guid":"` + guidA + `","schemaType":"JSON","schema":"{\"type\":\"object\"}","deleted":true}`},
		{"DELETE /subjects/a/versions/1?permanent=true", "", 200, `1`},
		{"DELETE /subjects/a/versions/1", "", 404, `{"error_code":40402,"message":"Version 1 not found."}`},

		{"PUT /mode", `{"mode":"sometimes"}`, 422, `{"error_code":42204,"message":"Invalid mode. Valid values are READWRITE, READONLY, and IMPORT."}`},
		{"PUT /mode", `{"mode":"IMPORT"}`, 422, `{"error_code":42205,"message":"Cannot import since found existing subjects"}`},
		{"PUT /mode/a", `{"mode":"readonly"}`, 200, `{"mode":"READONLY"}`},
		{"GET /mode/a", "", 200, `{"mode":"READONLY"}`},
		{"POST /subjects/a/versions", bodyA, 422, `{"error_code":42205,"message":"Subject a in context . is in read-only mode"}`},
		{"DELETE /mode/a", "", 200, `{"mode":"READONLY"}`},
		{"PUT /mode/i", `{"mode":"IMPORT"}`, 200, `{"mode":"IMPORT"}`},
		{"POST /subjects/i/versions", `{"schemaType":"JSON","schema":"{}","id":700,"version":3}`, 200, `{"version":3,"id":700,…`},
		{"DELETE /config/a", "", 200, `{"compatibilityLevel":"BACKWARD"}`},
		{"DELETE /config/a", "", 404, `{"error_code":40408,…`},
		{"DELETE /config", "", 200, `{"compatibilityLevel":"FULL_TRANSITIVE",…`},
		{"DELETE /contexts/.c", "", 422, `{"error_code":42211,"message":"The specified context '.c' is not empty."}`},
		{"DELETE /contexts/.none", "", 404, `{"error_code":40401,…`},
		{"DELETE /subjects/:.c:d", "", 200, `[1]`},
		{"DELETE /subjects/:.c:d?permanent=true", "", 200, `[1]`},
		{"DELETE /contexts/.c", "", 204, ``},

		{"GET /nowhere", "", 404, `{"error_code":404,"message":"HTTP 404 Not Found"}`},
		{"PUT /subjects", "", 405, `{"error_code":405,"message":"HTTP 405 Method Not Allowed"}`},
		{"GET /subjects?limit=x", "", 404, `{"error_code":404,…`},
		{"GET /healthz", "", 200, "ok\n"},
		{"GET /readyz", "", 200, `{"ready":true}`},
	} {
		code, got, _ := call(t, url, s.request, s.body, "Content-Type: application/vnd.schemaregistry.v1+json")
		begins, part := strings.CutSuffix(s.want, "…")
		if code != s.code || !part && got != s.want || part && !strings.HasPrefix(got, begins) {
			t.Errorf("step %d, %s %s:\n got %d %s\nwant %d %s", i, s.request, s.body, code, got, s.code, s.want)
		}
	}
}

func TestNegotiation(t *testing.T) {
	url := serve(t, Options{})
	for accept, want := range map[string]string{
		"": typeV1, "*/*": typeV1, "*": typeV1, "application/*": typeV1, typeV1: typeV1, typeDefault: typeDefault, typeJSON: typeJSON,
		"application/vnd.schemaregistry.v1+json; q=0.5, application/json":                               typeJSON,
		"application/vnd.schemaregistry.v1+json, application/vnd.schemaregistry+json, application/json": typeV1,
		"text/html, application/json;q=0.1":                                                             typeJSON, "Application/JSON": typeJSON, "text/html": "", "application/json;q=0": "", "application/json;q=x": "",
	} {
		code, body, header := call(t, url, "GET /subjects", "", "Accept: "+accept)
		if want == "" {
			if code != 406 || body != `{"error_code":406,"message":"HTTP 406 Not Acceptable"}` {
				t.Errorf("%q: %d %s", accept, code, body)
			}
			continue
		}
		if code != 200 || header.Get("Content-Type") != want {
			t.Errorf("%q: %d %s, want %s", accept, code, header.Get("Content-Type"), want)
		}
	}
	for kind, want := range map[string]int{
		"": 200, typeV1: 200, typeDefault: 200, typeJSON: 200, "application/json; charset=utf-8": 200, "application/octet-stream": 200,
		"text/plain": 415, "application/xml": 415, "nonsense;;": 415,
	} {
		if code, body, _ := call(t, url, "POST /subjects/a/versions", bodyA, "Content-Type: "+kind); code != want {
			t.Errorf("%q: %d %s, want %d", kind, code, body, want)
		}
	}
}

// What is hostile is answered within a second, in the registry's own form, and the registry goes on.
func TestHostile(t *testing.T) {
	url := serve(t, Options{})
	quoted := func(schema string) string { return fmt.Sprintf(`{"schemaType":"JSON","schema":%q}`, schema) }
	var union strings.Builder
	for i := range 12 {
		var branches []string
		for j := range 12 {
			branches = append(branches, fmt.Sprintf(`{"type":"object","properties":{"k":{"const":%d},"n":{"$ref":"#/definitions/t%d"}},"required":["k"]}`, j, (i+j)%12))
		}
		fmt.Fprintf(&union, `,"t%d":{"oneOf":[%s]}`, i, strings.Join(branches, ","))
	}
	cyclic := `{"definitions":{"x":{}` + union.String() + `},"$ref":"#/definitions/t0","title":"%d"}`
	for name, c := range map[string]struct {
		body string
		code int
	}{
		"a body of 4 MiB":    {strings.Repeat(" ", 4<<20) + bodyA, 413},
		"a schema of 2 MiB":  {quoted(`{"title":"` + strings.Repeat("x", 2<<20) + `"}`), 422},
		"1 MiB of brackets":  {quoted(strings.Repeat("[", 1<<20)), 422},
		"a body of brackets": {strings.Repeat("[", 1<<20), 400},
		"itself":             {quoted(`{"$ref":"#"}`), 422},
		"another host":       {quoted(`{"$ref":"http://127.0.0.1:9/x"}`), 422},
		"no text":            {"\x00\xff", 400},
		"a number too large": {`{"schemaType":"JSON","schema":"{}","version":99999999999999999999}`, 400},
		"a list":             {`[]`, 400},
		"a huge number":      {quoted(`{"maximum":1e999999999}`), 422},
	} {
		began := time.Now()
		code, got, _ := call(t, url, "POST /subjects/a/versions", c.body, "Content-Type: application/json")
		if code != c.code || !strings.HasPrefix(got, `{"error_code":`) {
			t.Errorf("%s: %d %.300s, want %d", name, code, got, c.code)
		}
		if took := time.Since(began); took > 30*time.Second { // machines are busy; what explodes takes for ever
			t.Errorf("%s took %v", name, took)
		}
	}
	for i := range 2 { // a cyclic union of twelve types, compared with itself
		code, got, _ := call(t, url, "POST /subjects/u/versions", quoted(fmt.Sprintf(cyclic, i)), "Content-Type: application/json")
		if code != 200 {
			t.Errorf("cyclic union %d: %d %.300s", i, code, got)
		}
	}
	for i := range 2 { // 700 branches that each of 700 others might stand for: refused with what to do, and the work is over then
		var branches []string
		for j := range 700 {
			branches = append(branches, fmt.Sprintf(`{"properties":{"p%d":{"maxLength":%d}}}`, j, i+j))
		}
		code, got, _ := call(t, url, "POST /subjects/b/versions", quoted(`{"anyOf":[`+strings.Join(branches, ",")+`]}`), "Content-Type: application/json")
		if i == 1 && (code != 422 || !strings.HasPrefix(got, `{"error_code":42201,`) || !strings.Contains(got, "use fewer branches")) {
			t.Errorf("700 branches: %d %.300s", code, got)
		}
	}
	if code, _, _ := call(t, url, "GET /subjects", ""); code != 200 {
		t.Error("the registry is gone")
	}
}

func TestWriters(t *testing.T) {
	url := serve(t, Options{Token: "a-long-secret-of-24-chars"})
	kind := "Content-Type: application/json"
	for name, c := range map[string]struct {
		headers []string
		code    int
	}{
		"nothing":          {nil, 401},
		"wrong":            {[]string{"Authorization: Bearer a-long-secret-of-24-charz"}, 401},
		"bearer":           {[]string{"Authorization: Bearer a-long-secret-of-24-chars"}, 200},
		"password":         {[]string{"Authorization: Basic dHJ1YzphLWxvbmctc2VjcmV0LW9mLTI0LWNoYXJz"}, 200},
		"page of another":  {[]string{"Authorization: Bearer a-long-secret-of-24-chars", "Origin: https://elsewhere.example"}, 403},
		"page of this one": {[]string{"Authorization: Bearer a-long-secret-of-24-chars", "Origin: " + url}, 200},
	} {
		for _, request := range []string{"POST /subjects/a/versions", "PUT /config", "PUT /mode", "DELETE /config"} {
			body := map[byte]string{'P': `{"schemaType":"JSON","schema":"{}","compatibility":"NONE","mode":"READWRITE"}`}[request[0]]
			code, got, _ := call(t, url, request, body, append(c.headers, kind)...)
			if code != c.code {
				t.Errorf("%s, %s: %d %s, want %d", name, request, code, got, c.code)
			}
		}
	}
	for _, request := range []string{"GET /subjects", "POST /subjects/a", "POST /compatibility/subjects/a/versions/latest"} { // reading needs no token
		if code, got, _ := call(t, url, request, `{"schemaType":"JSON","schema":"{}"}`, kind); code != 200 {
			t.Errorf("%s: %d %s", request, code, got)
		}
	}
}

func TestDataset(t *testing.T) {
	url := serve(t, Options{Dataset: func(id, version string) ([]byte, bool) {
		return []byte("{\n}\n"), id == "hotich.khaisinh.v1" && version == "1.0.0"
	}})
	if code, body, header := call(t, url, "GET /schemas/hotich.khaisinh.v1/1.0.0", ""); code != 200 || body != "{\n}\n" || header.Get("Content-Type") != "application/schema+json" {
		t.Error(code, body, header)
	}
	if code, body, _ := call(t, url, "GET /schemas/hotich.khaisinh.v1/1.0.1", ""); code != 404 || body != `{"error_code":40403,"message":"Schema hotich.khaisinh.v1 1.0.1 not found"}` {
		t.Error(code, body)
	}
}
