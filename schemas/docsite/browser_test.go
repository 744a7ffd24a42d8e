package docsite

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/lienthong/truc/tests/browser"
)

// TestPagesInBrowser shows an index, a dataset and a list on a screen and on a phone, light and dark, and looks for what keeps people
// out, for errors of the page, and for scrolling sideways.
func TestPagesInBrowser(t *testing.T) {
	b := browser.Start(t)
	pages := siteOf(t, builtin(t))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if _, err := w.Write([]byte(pages[strings.TrimPrefix(r.URL.Path, "/")])); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	page := b.Open(t, server.URL+"/index.html")
	for _, name := range []string{"index.html", "bo-du-lieu/tthc.hoso.v1.html", "danh-muc/danhmuc.dantoc.html"} {
		for _, look := range []struct {
			what          string
			width, height int64
			dark          bool
		}{{"screen", 1280, 900, false}, {"dark screen", 1280, 900, true}, {"phone", 360, 740, false}, {"dark phone", 360, 740, true}} {
			what := name + ", " + look.what
			page.Screen(t, look.width, look.height, look.dark)
			page.Go(t, server.URL+"/"+name)
			page.Fits(t, what)
			page.Axe(t, what)
		}
	}
}
