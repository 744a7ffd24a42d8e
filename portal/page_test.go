package portal

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/lienthong/truc/pipeline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func get(t *testing.T, site http.Handler, target string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, target, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	site.ServeHTTP(w, r)
	return w
}

func TestLanguageOfPage(t *testing.T) {
	site := portalOf(running)
	for _, c := range []struct {
		name, target string
		headers      []string
		want, cookie string
	}{
		{"nothing said", "/", nil, "vi", ""},
		{"an English browser", "/", []string{"Accept-Language", "en-GB,en;q=0.9"}, "en", ""},
		{"a Vietnamese browser", "/", []string{"Accept-Language", "vi-VN,vi;q=0.9,en;q=0.8"}, "vi", ""},
		{"the first that is there", "/", []string{"Accept-Language", "fr;q=1, vi;q=0.3, en;q=0.7"}, "en", ""},
		{"none that is there", "/", []string{"Accept-Language", "fr, ja"}, "vi", ""},
		{"nonsense", "/", []string{"Accept-Language", ";;;q=ü"}, "vi", ""},
		{"the cookie before the browser", "/", []string{"Accept-Language", "en", "Cookie", "truc_lang=vi"}, "vi", ""},
		{"a foreign cookie", "/", []string{"Accept-Language", "en", "Cookie", "truc_lang=xx"}, "en", ""},
		{"asked for", "/?lang=en", []string{"Cookie", "truc_lang=vi"}, "en", "truc_lang=en"},
		{"asked for what is not there", "/?lang=fr", nil, "vi", ""},
		{"the path before all", "/en?lang=vi", []string{"Cookie", "truc_lang=vi", "Accept-Language", "vi"}, "en", "truc_lang=en"},
		{"the path again", "/vi", []string{"Cookie", "truc_lang=vi"}, "vi", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := get(t, site, c.target, c.headers...)
			if w.Code != http.StatusOK || w.Header().Get("Content-Language") != c.want || !strings.Contains(w.Body.String(), `<html lang="`+c.want+`"`) {
				t.Errorf("status %d, language %q, want %q", w.Code, w.Header().Get("Content-Language"), c.want)
			}
			if got, _, _ := strings.Cut(w.Header().Get("Set-Cookie"), ";"); got != c.cookie {
				t.Errorf("cookie %q, want %q", got, c.cookie)
			}
		})
	}
}

func TestPageHeaders(t *testing.T) {
	site := portalOf(running)
	for _, target := range []string{"/", "/en", "/vi/events", "/assets/page.js", "/assets/feed.js"} {
		r := httptest.NewRequest(http.MethodHead, target, nil)
		w := httptest.NewRecorder()
		site.ServeHTTP(w, r)
		h := w.Header()
		if w.Code != http.StatusOK {
			t.Errorf("HEAD %s: status %d", target, w.Code)
		}
		csp := h.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "http") {
			t.Errorf("%s: policy %q, want nothing but the node itself", target, csp)
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY"} {
			if h.Get(name) != want {
				t.Errorf("%s: %s is %q, want %q", target, name, h.Get(name), want)
			}
		}
		wantCache := map[bool]string{true: "no-cache", false: "no-store"}[strings.HasPrefix(target, "/assets")]
		if h.Get("Cache-Control") != wantCache {
			t.Errorf("%s: Cache-Control %q, want %q", target, h.Get("Cache-Control"), wantCache)
		}
	}
	w := get(t, site, "/")
	if v := w.Header().Get("Vary"); !strings.Contains(v, "Accept-Language") || !strings.Contains(v, "Cookie") {
		t.Errorf("Vary %q: what caches must tell apart is missing", v)
	}
	for _, kept := range assetVersions() {
		w := get(t, site, kept)
		if w.Code != http.StatusOK || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") || w.Body.Len() == 0 {
			t.Errorf("%s: status %d, %q", kept, w.Code, w.Header().Get("Cache-Control"))
		}
	}
	if w := get(t, site, "/favicon.ico"); w.Code != http.StatusFound || w.Header().Get("Location") != "/assets/icon.svg" {
		t.Errorf("/favicon.ico: status %d to %q", w.Code, w.Header().Get("Location"))
	}
	for _, target := range []string{"/assets/page.tmpl", "/assets/../portal.go", "/assets/", "/fr", "/fr/events"} {
		if w := get(t, site, target); w.Code != http.StatusNotFound {
			t.Errorf("%s: status %d, want 404", target, w.Code)
		}
	}
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	posted := httptest.NewRecorder()
	site.ServeHTTP(posted, r)
	if posted.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST /: status %d, want 405", posted.Code)
	}
}

func TestTheme(t *testing.T) {
	site := portalOf(running)
	w := get(t, site, "/en?theme=dark&only=1&q=a+b")
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/en?only=1&q=a+b" || !strings.HasPrefix(w.Header().Get("Set-Cookie"), "truc_theme=dark;") {
		t.Errorf("status %d to %q with %q", w.Code, w.Header().Get("Location"), w.Header().Get("Set-Cookie"))
	}
	if body := get(t, site, "/en", "Cookie", "truc_theme=dark").Body.String(); !strings.Contains(body, `data-theme="dark"`) {
		t.Error("the chosen theme is not remembered")
	}
	if body := get(t, site, "/en?theme=pink", "Cookie", `truc_theme="><script>`).Body.String(); strings.Contains(body, "data-theme") {
		t.Error("a theme that does not exist is taken")
	}
}

// TestNothingIsMarkup gives everything that comes from outside the name of a script.
func TestNothingIsMarkup(t *testing.T) {
	const evil = `<script>alert(1)</script>"'><img src=x onerror=alert(1)><!----> data-mark=""`
	s := troubled()
	s.Agency, s.Version, s.Bus.Broker = evil, evil, evil
	for i := range s.Readers {
		r := &s.Readers[i]
		r.Source, r.Error = evil, evil
		r.Snapshots = reading().Readers[0].Snapshots
		r.Snapshots[0].Table = evil
		for k := range r.Pipelines {
			p := &r.Pipelines[k]
			p.Name, p.Table, p.Topic = evil, evil, evil
			p.DeadLetters = Letters{Open: 1, Reasons: map[string]int64{evil: 1}}
			p.Remarks = []Remark{{evil, evil, evil, 1}}
		}
	}
	s.Readers[0].State = evil
	s.Deliveries[0].Deprecated = &pipeline.Deprecation{Date: evil, Successor: evil}
	s.Deliveries[0].Name, s.Deliveries[0].Table, s.Deliveries[0].Dataset, s.Deliveries[0].Error = evil, evil, evil, evil
	site := portalOf(func() Status { return s })
	f := site.live.current(t.Context())
	whole, _ := f.views["vi"]().since(nil)
	for what, text := range map[string]string{
		"page": get(t, site, "/vi?q="+strings.ReplaceAll("%3Cscript%3Ealert(1)%3C/script%3E", " ", "")).Body.String(), "events": string(whole),
	} {
		if strings.Contains(text, "<script>") || strings.Contains(text, "<img src=x") || strings.Contains(text, hole) || !strings.Contains(text, "&lt;script&gt;") {
			t.Errorf("%s: markup from outside got in, or is missing", what)
		}
	}
}

func TestCellsAreEscaped(t *testing.T) {
	p := &piece{}
	p.Live("a", `<b>&"`)
	if got := p.cells[0].html; strings.ContainsAny(got, `<">`) {
		t.Errorf("a cell holds %s", got)
	}
}

// TestEveryWord wants each text in both languages, no text unused, and no key that has none.
func TestEveryWord(t *testing.T) {
	used := map[string]bool{}
	read := func(text string) {
		for _, m := range regexp.MustCompile(`"([a-z]+(?:[.-][a-z-]+)*)"`).FindAllStringSubmatch(text, -1) {
			used[m[1]] = true
		}
	}
	for _, name := range []string{"page/page.tmpl", "page/fragments.tmpl"} {
		text, err := pageFiles.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		read(string(text))
		for _, m := range regexp.MustCompile(`\(?t "([^"]+)"`).FindAllStringSubmatch(string(text), -1) {
			if _, known := words()[m[1]]; !known {
				t.Errorf("%s uses %q, which has no words", name, m[1])
			}
		}
	}
	verbs := regexp.MustCompile(`%[sd]`)
	for key, w := range words() {
		if w.vi == "" || w.en == "" {
			t.Errorf("%s lacks a language", key)
		}
		if !slices.Equal(verbs.FindAllString(w.vi, -1), verbs.FindAllString(w.en, -1)) {
			t.Errorf("%s: %q and %q have room for different things", key, w.vi, w.en)
		}
		if !used[key] && !regexp.MustCompile(`^(issue|reason|state|level|of|unit|time|verdict|snapshot|publish)\.`).MatchString(key) {
			t.Errorf("%s is used by no template", key)
		}
	}
}

// TestEveryIssueHasARemedy renders every fault in every state.
func TestEveryIssueHasARemedy(t *testing.T) {
	faults := []string{"", faultGap, faultDivergence, faultBusGap, faultDeliveryGap, faultBudget, faultTakenOver, faultRefused, faultTopic, faultUnreachable, faultOther}
	states := []pipeline.State{pipeline.StateStarting, pipeline.StateRunning, pipeline.StateRetrying, pipeline.StateFailed, pipeline.StateStopped, pipeline.StateStandby, statePaused, stateWaiting, "dreaming"}
	for _, state := range states {
		for _, fault := range faults {
			is, wrong := conditionIssue(condition(state, 0, "why"), fault)
			if quiet := state == pipeline.StateStarting || state == pipeline.StateRunning; quiet == wrong {
				t.Errorf("%s, %q: an issue: %t", state, fault, wrong)
			}
			if !wrong {
				continue
			}
			for _, part := range []string{"what", "do"} {
				if _, known := words()["issue."+is.Kind+"."+part]; !known {
					t.Errorf("%s, %q: issue.%s.%s has no words", state, fault, is.Kind, part)
				}
			}
		}
	}
	for _, name := range []string{"a b", "$(reboot)", "it's", "khai_sinh"} {
		got := quoted(name)
		if name == "khai_sinh" && got != name || name != "khai_sinh" && !strings.HasPrefix(got, "'") {
			t.Errorf("%q is typed as %s", name, got)
		}
	}
	if got := quoted("it's"); got != `'it'\''s'` {
		t.Errorf("a quote is typed as %s", got)
	}
}

// TestGallery renders every state in both languages and looks for what must not be there.
func TestGallery(t *testing.T) {
	states := gallery()
	for _, name := range slices.Sorted(maps.Keys(states)) {
		site := portalOf(func() Status { return states[name] })
		for _, lang := range languages() {
			body := get(t, site, "/"+lang).Body.String()
			for _, bad := range []string{"cannot be shown", "%!", "<no value>", "ZgotmplZ", noMark, hole, " style=", " onclick="} {
				if strings.Contains(body, bad) {
					t.Errorf("%s, %s: the page has %q", name, lang, bad)
				}
			}
			for _, m := range regexp.MustCompile(`>((?:issue|reason|state|level|of|unit|time|verdict|sum|publish|delivery|reader)\.[a-z.-]+)<`).FindAllStringSubmatch(body, -1) {
				t.Errorf("%s, %s: %q has no words", name, lang, m[1])
			}
			ids := map[string]bool{}
			for _, m := range regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(body, -1) {
				if ids[m[1]] {
					t.Errorf("%s, %s: two elements are called %s", name, lang, m[1])
				}
				ids[m[1]] = true
			}
			for _, m := range regexp.MustCompile(` href="#([^"]+)"`).FindAllStringSubmatch(body, -1) {
				if !ids[m[1]] && !strings.HasPrefix(m[1], "i-") {
					t.Errorf("%s, %s: a link leads to #%s, which is not there", name, lang, m[1])
				}
			}
		}
	}
}

func TestFilterWithoutScripts(t *testing.T) {
	site := portalOf(many)
	body := get(t, site, "/vi?q=LUONG_03_07").Body.String()
	if n := strings.Count(body, ` hidden data-mark=`); n != 200 { // of 200 pipelines and one delivery, one is found
		t.Errorf("%d rows are hidden, want 200", n)
	}
	if strings.Contains(body, `id="nothing">`) || !strings.Contains(get(t, site, "/vi?q=nirgendwo").Body.String(), `id="nothing">`) {
		t.Error("that nothing was found is said when it is not so, or not when it is")
	}
	if strings.Contains(get(t, site, "/vi").Body.String(), " hidden data-mark=") {
		t.Error("the filter of one reader hides rows from another")
	}
	if only := get(t, site, "/vi?only=1").Body.String(); !strings.Contains(only, `class="only `) || !strings.Contains(only, " checked") {
		t.Error("only what is wrong: the page does not know")
	}
}

func TestNumbersAndTimes(t *testing.T) {
	vi, en := newFormat(vietnamese).as(noon()), newFormat(english).as(noon())
	for _, c := range []struct{ got, want string }{
		{vi.number(1234567), "1.234.567"},
		{en.number(1234567), "1,234,567"},
		{vi.number(0), "0"},
		{vi.number(999), "999"},
		{vi.number(-1000), "−1.000"},
		{en.number(1<<63 - 1), "9,223,372,036,854,775,807"},
		{vi.bytes(1536), "1,5 KiB"},
		{en.bytes(5 << 30), "5 GiB"},
		{vi.seconds(0.25), "250 ms"},
		{en.seconds(2.5), "2.5 s"},
		{vi.seconds(312), "5 phút"},
		{en.span(1e9), "1 second"},
		{en.span(3600e9), "1 hour"},
		{vi.stamp(noon()), "12:00:00 02/03/2026 UTC+7"},
		{en.stamp(noon().UTC()), "2 Mar 2026, 12:00:00 UTC+7"},
		{vi.ago(noon().Add(-57e9)), "50 giây trước"},
		{vi.ago(noon().Add(5e9)), "vừa xong"},
		{en.ago(noon().Add(-72 * 3600e9)), "3 days ago"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

// TestOneLookForAll asks for many pages at once, and wants the node looked at once.
func TestOneLookForAll(t *testing.T) {
	looks := 0
	site := portalOf(func() Status { looks++; return running() })
	server := httptest.NewServer(site)
	defer server.Close()
	client := server.Client()
	done := make(chan error)
	for i := range 50 {
		go func() {
			response, err := client.Get(server.URL + []string{"/vi", "/en"}[i%2])
			if err == nil {
				_, err = io.Copy(io.Discard, response.Body)
				response.Body.Close()
			}
			done <- err
		}()
	}
	for range 50 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	client.CloseIdleConnections()
	if looks != 1 {
		t.Errorf("the node was looked at %d times within a second, want once", looks)
	}
}
