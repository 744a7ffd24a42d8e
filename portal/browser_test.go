package portal

import (
	"context"
	"maps"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/lienthong/truc/tests/browser"
)

// TestEveryStateInBrowser shows each state of the gallery, in both languages, on a screen and on a phone, light and dark, and
// looks for what keeps people out, for errors of the page, and for scrolling sideways.
func TestEveryStateInBrowser(t *testing.T) {
	b := browser.Start(t)
	states := gallery()
	for _, name := range slices.Sorted(maps.Keys(states)) {
		t.Run(name, func(t *testing.T) {
			site := portalOf(func() Status { return states[name] })
			lived(site, states[name])
			server := httptest.NewServer(site)
			t.Cleanup(server.Close)
			ctx, stop := context.WithCancel(t.Context())
			ran := make(chan struct{})
			go func() {
				defer close(ran)
				site.live.run(ctx, make(chan time.Time))
			}()
			t.Cleanup(func() { stop(); <-ran })
			page := b.Open(t, server.URL+"/vi")
			for _, look := range []struct {
				what, lang    string
				width, height int64
				dark          bool
				picture       string
			}{
				{"screen", "vi", 1280, 900, false, "vi"},
				{"dark screen", "en", 1280, 900, true, "en-dark"},
				{"phone", "vi", 360, 740, true, "vi-phone-dark"},
				{"phone", "en", 360, 740, false, "en-phone"},
			} {
				what := name + ", " + look.lang + ", " + look.what
				page.Screen(t, look.width, look.height, look.dark)
				page.Go(t, server.URL+"/"+look.lang)
				page.Wait(t, "it is live", `document.getElementById('feed').dataset.state === 'live'`)
				page.Fits(t, what)
				// On a phone the elements are the same; the walk against a real node looks there too.
				if look.width > 500 && (name != "many" || look.lang == "vi") {
					page.Axe(t, what)
				}
				if name == "many" && look.picture == "vi" || name == "trouble" && look.picture == "en-dark" {
					page.Picture(t, name+"-"+look.picture, false)
				}
			}
		})
	}
}
