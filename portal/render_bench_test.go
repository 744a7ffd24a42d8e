package portal

import "testing"

// BenchmarkRender is what a look at a node with 200 pipelines costs in one language, once a second while pages are open:
// when all of them are busy, and when all of them are at rest.
func BenchmarkRender(b *testing.B) {
	site := portalOf(many)
	f := site.live.current(b.Context())
	form := site.live.formats[vietnamese].as(noon())
	old := render(site.live.templates[vietnamese], form, f, "", nil)
	for _, c := range []struct {
		name   string
		before *view
	}{{"busy", nil}, {"at rest", old}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				render(site.live.templates[vietnamese], form, f, "", c.before).since(old)
			}
		})
	}
}
