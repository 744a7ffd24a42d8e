package governanceapi

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lienthong/truc/schemas/governance"
)

// A dataset small enough to be seen at once.
const plate = `{
  "$schema": "http://json-schema.org/draft-07/schema#",
  "$id": "https://chuan.vidu.example/phuongtien.bienso/1.0.0",
  "title": "Biển số", "x-title-en": "Plate", "x-khoa": ["so"],
  "type": "object", "required": ["so"], "additionalProperties": false,
  "properties": { "so": {"title": "Số", "x-title-en": "Number", "type": "string", "minLength": 1, "maxLength": 20} }
}
`

const (
	dataset    = "phuongtien.bienso.v1"
	schemaFile = "phuongtien.bienso/v1/schema.json"
)

// office is the interface on a folder of its own, with two people.
type office struct {
	t    *testing.T
	dir  string
	site http.Handler
	// opened is called when the folder was read, closed when nothing more is asked of it.
	opened, closed func()
	clock          func() time.Time
	fault          error // of reading the folder
}

const (
	tokenOfMau = "mot-ma-bi-mat-cua-mau"
	tokenOfThu = "mot-ma-bi-mat-cua-thu"
)

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{t: t, dir: t.TempDir(), opened: func() {}, closed: func() {}}
	o.clock = func() time.Time { return time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC) }
	o.put(schemaFile, plate)
	o.put("phuongtien.bienso/v1/examples/valid/1.json", `{"so": "19A-1"}`)
	o.put("phuongtien.bienso/v1/examples/invalid/1.json", `{"about": "none", "expect": [{"pointer": "/so", "rule": "required"}], "document": {}}`)
	o.site = New(Options{
		Open: func() ([]*governance.Folder, func(), error) {
			if o.fault != nil {
				return nil, nil, o.fault
			}
			f, err := governance.Open(o.dir, "chuan")
			o.opened()
			return []*governance.Folder{f}, o.closed, err
		},
		People: []Person{
			{governance.Person{Name: "Nguyễn Văn Mẫu", Email: "mau@vidu.example"}, tokenOfMau},
			{governance.Person{Name: "Trần Thị Thử", Email: "thu@vidu.example"}, tokenOfThu},
		},
		Now: func() time.Time { return o.clock() },
	})
	return o
}

func (o *office) put(name, text string) {
	o.t.Helper()
	path := filepath.Join(o.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		o.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		o.t.Fatal(err)
	}
}

type answer struct {
	Dataset
	Refusal
}

func (o *office) ask(method, target, token, body string, headers ...string) (code int, got answer) {
	o.t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	o.site.ServeHTTP(w, r)
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		o.t.Fatalf("%s %s: %d %v: %s", method, target, w.Code, err, w.Body)
	}
	return w.Code, got
}

// TestLife is a dataset from its proposal to its publication, by two people, and what is refused on the way.
func TestLife(t *testing.T) {
	o := newOffice(t)
	const at = "/datasets/" + dataset + "/"
	const why = `{"why": "cần cho đăng kiểm"}`
	for _, c := range []struct {
		name, target, token, body string
		headers                   []string
		code                      int
		problem                   string // or the state
	}{
		{"nobody", at + "propose", "", why, nil, 401, "governance.token"},
		{"a token of nobody", at + "propose", tokenOfMau + "x", why, nil, 401, "governance.token"},
		{"a beginning of a token", at + "propose", tokenOfMau[:10], why, nil, 401, "governance.token"},
		{"no decision", at + "propose", tokenOfMau, "{", nil, 400, "governance.body"},
		{"a slip in the decision", at + "propose", tokenOfMau, `{"reason": "x"}`, nil, 400, "governance.body"},
		{"two decisions", at + "propose", tokenOfMau, why + why, nil, 400, "governance.body"},
		{"another site", at + "propose", tokenOfMau, why, []string{"Origin", "https://khac.example"}, 403, "governance.origin"},
		{"another type", at + "propose", tokenOfMau, why, []string{"Content-Type", "text/plain"}, 415, "governance.body"},
		{"what curl says by itself", at + "propose", tokenOfMau, why, []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "governance.body"},
		{"a dataset that is not there", "/datasets/phuongtien.xe.v1/propose", tokenOfMau, why, nil, 404, "governance.unknown"},
		{"before its turn", at + "approve", tokenOfThu, why, nil, 422, "governance.state"},
		{"proposed", at + "propose", tokenOfMau, why, nil, 200, "proposed"},
		{"one's own proposal", at + "approve", tokenOfMau, why, nil, 422, "governance.own-proposal"},
		{"approved", at + "approve", tokenOfThu, "{}", nil, 200, "approved"},
		{"published", at + "publish", tokenOfMau, "{}", nil, 200, "published"},
		{"no day", at + "deprecate", tokenOfMau, `{"successor": "phuongtien.bienso.v2"}`, nil, 422, "governance."},
	} {
		code, got := o.ask(http.MethodPost, c.target, c.token, c.body, c.headers...)
		said := string(got.State)
		if len(got.Problems) > 0 {
			said = got.Problems[0].Code
		}
		if code != c.code || !strings.HasPrefix(said, c.problem) || c.code != 200 && (got.Problems[0].What.VI == "" || got.Problems[0].Fix.EN == "") {
			t.Errorf("%s: %d %s, want %d %s: %+v", c.name, code, said, c.code, c.problem, got)
		}
	}
	if _, err := os.Stat(filepath.Join(o.dir, "phuongtien.bienso/v1/published/1.0.0.json")); err != nil {
		t.Error(err)
	}
	_, got := o.ask(http.MethodGet, "/datasets/"+dataset, "", "")
	var by []string
	for _, e := range got.History {
		by = append(by, string(e.State)+" "+e.By.Email)
	}
	if want := "proposed mau@vidu.example, approved thu@vidu.example, published mau@vidu.example"; strings.Join(by, ", ") != want || got.History[0].Why != "cần cho đăng kiểm" {
		t.Errorf("history %v %+v", by, got.History)
	}

	// A version that breaks readers is refused, and why.
	o.put(schemaFile, strings.NewReplacer("/1.0.0", "/1.1.0", `"maxLength": 20`, `"maxLength": 5`).Replace(plate))
	if code, got := o.ask(http.MethodPost, at+"propose", tokenOfMau, "{}"); code != http.StatusConflict || got.Comparison == nil || len(got.Comparison.Judgement.Refusals) == 0 {
		t.Errorf("a version that refuses what was valid: %d %+v", code, got)
	}
}

// TestOneAtATime: of several who propose at the same time one does.
func TestOneAtATime(t *testing.T) {
	o := newOffice(t)
	var inside, together atomic.Int32
	o.opened = func() {
		if inside.Add(1) > 1 {
			together.Add(1)
		}
		<-time.After(10 * time.Millisecond) // whoever may come beside does
	}
	o.closed = func() { inside.Add(-1) }
	var mu sync.Mutex
	codes := map[int]int{}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			code, _ := o.ask(http.MethodPost, "/datasets/"+dataset+"/propose", []string{tokenOfMau, tokenOfThu}[i%2], "{}")
			mu.Lock()
			defer mu.Unlock()
			codes[code]++
		})
	}
	wg.Wait()
	if n := together.Load(); n > 0 {
		t.Errorf("%d decided while others did", n)
	}
	if _, got := o.ask(http.MethodGet, "/datasets/"+dataset, "", ""); codes[200] != 1 || codes[422] != 7 || len(got.History) != 1 {
		t.Errorf("answers %v, history %+v", codes, got.History)
	}
}
