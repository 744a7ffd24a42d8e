package registryapi

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
)

// What the front answers is what the router would have, and it answers what consumers ask.
func TestFrontAnswersAsTheRouter(t *testing.T) {
	f := newServed(t)
	for body, subject := range map[string]string{
		bodyA: "a",
		`{"schemaType":"JSON","schema":"{\"description\":\"` + strings.Repeat("dài ", 3000) + `\"}"}`: "long",
	} {
		register(t, f, subject, body)
	}
	register(t, f, "r", `{"schemaType":"JSON","schema":"{\"$ref\":\"a.json\"}","references":[{"name":"a.json","subject":"a","version":1}]}`)
	register(t, f, "m", `{"schemaType":"JSON","schema":"{}","metadata":{"properties":{"owner":"x"}}}`)
	register(t, f, "gone", `{"schemaType":"JSON","schema":"{\"title\":\"gone\"}"}`)
	for _, path := range []string{"/subjects/gone", "/subjects/gone?permanent=true"} {
		if w := do(f, http.MethodDelete, path, ""); w.Code != http.StatusOK {
			t.Fatal(w.Code, w.Body)
		}
	}
	answered := 0
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodOptions} {
		for _, path := range []string{"1", "2", "3", "4", "5", "6", "0", "-1", "01", "+1", "x", "", "1/", "1/schema", "1?", "1?subject=a", "1?fetchMaxId=true", "%31", "99999999999", "1/subjects"} {
			for _, accept := range []string{"-", "", "*/*", typeJSON, typeV1 + ", " + typeDefault + ";q=0.9, " + typeJSON + ";q=0.5", typeDefault, "text/html", "application/json;q=0"} {
				request := func() *http.Request {
					r := httptest.NewRequest(method, "/schemas/ids/"+path, nil)
					if accept != "-" {
						r.Header.Set("Accept", accept)
					}
					return r
				}
				if content, _ := f.plain(request()); content != nil {
					answered++
				}
				got, want := httptest.NewRecorder(), httptest.NewRecorder()
				f.ServeHTTP(got, request())
				f.Router.ServeHTTP(want, request())
				if got.Code != want.Code || got.Body.String() != want.Body.String() || !reflect.DeepEqual(got.Header(), want.Header()) {
					t.Errorf("%s %s, accepting %s: %d %v %.80s, the router %d %v %.80s", method, path, accept, got.Code, got.Header(), got.Body, want.Code, want.Header(), want.Body)
				}
			}
		}
	}
	if want := (4 + 1) * 6; answered != want { // two plain schemas, one of them by four names, and six ways to accept them
		t.Errorf("the front answered %d requests, want %d", answered, want)
	}
}

func newServed(t *testing.T) *front {
	t.Helper()
	f, ok := New(running(t), Options{}).(*front)
	if !ok {
		t.Fatal("no front")
	}
	return f
}

func do(h http.Handler, method, path, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return w
}

func register(t testing.TB, h http.Handler, subject, body string) {
	t.Helper()
	if w := do(h, http.MethodPost, "/subjects/"+subject+"/versions", body); w.Code != http.StatusOK {
		t.Fatal(w.Code, w.Body)
	}
}

// BenchmarkByID is what a look-up takes besides HTTP.
func BenchmarkByID(b *testing.B) {
	f, _ := New(running(b), Options{}).(*front)
	register(b, f, "a", fmt.Sprintf(`{"schemaType":"JSON","schema":"{\"description\":\"%s\"}"}`, strings.Repeat("dài ", 300)))
	for name, h := range map[string]http.Handler{"front": f, "router": f.Router} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			request := httptest.NewRequest(http.MethodGet, "/schemas/ids/1", nil)
			for b.Loop() {
				h.ServeHTTP(deaf{}, request)
			}
		})
	}
}

// deaf takes an answer and keeps nothing.
type deaf struct{}

func (deaf) Header() http.Header         { return http.Header{} }
func (deaf) Write(b []byte) (int, error) { return len(b), nil }
func (deaf) WriteHeader(int)             {}
