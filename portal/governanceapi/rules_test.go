package governanceapi

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/truc/schemas/governance"
)

// post asks for a step and demands a status.
func (o *office) post(step, token, body string, want int, headers ...string) answer {
	o.t.Helper()
	target := "/datasets/" + dataset + "/" + step
	if strings.HasPrefix(step, "/") {
		target = step
	}
	code, got := o.ask(http.MethodPost, target, token, body, headers...)
	if code != want {
		o.t.Errorf("%s: %d, want %d: %+v", target, code, want, got)
	}
	return got
}

// TestWhoDecides: whose token is shown decides, by the scheme that HTTP has for tokens, from a program or from the interface's own page.
func TestWhoDecides(t *testing.T) {
	o := newOffice(t)
	for _, header := range []string{"", "Bearer", "Bearer ", tokenOfMau, "Basic " + tokenOfMau, "Bearer  " + tokenOfMau, "Bearer " + tokenOfMau + " ", "Bearer " + tokenOfMau + "," + tokenOfThu} {
		got := o.post("propose", "", "{}", http.StatusUnauthorized, "Authorization", header)
		if len(got.Problems) != 1 || got.Problems[0].Code != "governance.token" {
			t.Errorf("%q: %+v", header, got)
		}
	}
	r := httptest.NewRequest(http.MethodPost, "/datasets/"+dataset+"/propose", strings.NewReader("{}"))
	w := httptest.NewRecorder()
	if o.site.ServeHTTP(w, r); !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Bearer") {
		t.Errorf("who shows no token is not told how: %v", w.Header())
	}
	for _, origin := range []string{"null", "http://[", "https://example.com.khac.example", "https://khac.example"} {
		o.post("propose", tokenOfMau, "{}", http.StatusForbidden, "Origin", origin)
	}
	o.post("propose", "", "{}", http.StatusOK, "Authorization", "bearer "+tokenOfThu, "Origin", "http://example.com")
	got := o.post("approve", tokenOfMau, "{}", http.StatusOK)
	if len(got.History) != 2 || got.History[0].By.Email != "thu@vidu.example" || got.History[1].By.Email != "mau@vidu.example" {
		t.Errorf("history %+v", got.History)
	}
}

// TestEndOverHTTP: an end is announced with what takes the place and when, of one version or all, and comes when its day has.
func TestEndOverHTTP(t *testing.T) {
	o := newOffice(t)
	now := time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC)
	o.clock = func() time.Time { return now }
	o.post("propose", tokenOfMau, "{}", http.StatusOK)
	o.post("approve", tokenOfThu, "{}", http.StatusOK)
	o.post("publish", tokenOfMau, "{}", http.StatusOK)
	o.post("retire", tokenOfMau, "{}", http.StatusUnprocessableEntity)
	const end = `{"successor": "hotich.khaisinh.v1", "date": "2027-12-31", "why": "có bộ mới"}`
	o.post("/datasets/"+dataset+"@1.0.1/deprecate", tokenOfMau, end, http.StatusUnprocessableEntity)
	got := o.post("/datasets/"+dataset+"@1.0.0/deprecate", tokenOfMau, end, http.StatusOK)
	if e := got.History[len(got.History)-1]; got.State != governance.Deprecated || e.Successor != "hotich.khaisinh.v1" || e.Date != "2027-12-31" || e.Why != "có bộ mới" {
		t.Errorf("%s %+v", got.State, e)
	}
	if got := o.post("retire", tokenOfMau, "{}", http.StatusUnprocessableEntity); got.Problems[0].Code != "governance.date" {
		t.Errorf("before its day: %+v", got.Problems)
	}
	now = time.Date(2027, 12, 31, 8, 0, 0, 0, time.UTC)
	if got := o.post("retire", tokenOfThu, "{}", http.StatusOK); got.State != governance.Retired {
		t.Errorf("on its day: %+v", got)
	}
	if code, got := o.ask(http.MethodGet, "/datasets/"+dataset, "", ""); code != http.StatusOK || got.State != governance.Retired || len(got.History) != 5 {
		t.Errorf("%d %+v", code, got)
	}
}

// TestWhatGoesWrongInside is not told outside, and what was opened is closed, whatever comes.
func TestWhatGoesWrongInside(t *testing.T) {
	o := newOffice(t)
	open := 0
	o.opened = func() { open++ }
	o.closed = func() { open-- }
	o.post("propose", tokenOfMau, `{"why": "`+strings.Repeat("x", maxBody)+`"}`, http.StatusBadRequest)
	o.post("approve", tokenOfMau, "{}", http.StatusUnprocessableEntity)
	o.post("/datasets/phuongtien.xe.v1/approve", tokenOfMau, "{}", http.StatusNotFound)
	o.post("propose", tokenOfMau, "{}", http.StatusOK)
	for _, target := range []string{"/datasets", "/datasets/" + dataset, "/datasets/khong.co.v1"} {
		r, w := httptest.NewRequest(http.MethodGet, target, http.NoBody), httptest.NewRecorder()
		o.site.ServeHTTP(w, r)
		if target == "/datasets" && (w.Code != http.StatusOK || strings.Contains(w.Body.String(), "history") || !strings.Contains(w.Body.String(), `"state":"proposed"`)) {
			t.Errorf("the list: %d %s", w.Code, w.Body)
		}
	}
	if open != 0 {
		t.Errorf("%d folders are open still", open)
	}
	o.closed = func() {}
	o.fault = errors.New("/srv/bi-mat: disk on fire")
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		target := "/datasets/" + dataset
		if method == http.MethodPost {
			target += "/approve"
		}
		code, got := o.ask(method, target, tokenOfThu, "{}")
		if code != http.StatusInternalServerError || len(got.Problems) != 1 || strings.Contains(got.Problems[0].What.EN, "bi-mat") {
			t.Errorf("%s: %d %+v", method, code, got)
		}
	}
}
