package portal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"
)

// policy lets the page load what the node itself serves, and nothing else: no inline script or style, no other host.
const policy = "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// closed sets the headers of everything the page consists of.
func closed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// page serves the page; lang is that of the path, "" for the reader's.
func (p *Portal) page(lang string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		switch theme := query.Get("theme"); theme {
		case "light", "dark", "auto":
			remember(w, r, themeCookie, theme)
			query.Del("theme")
			http.Redirect(w, r, (&url.URL{Path: r.URL.Path, RawQuery: query.Encode()}).String(), http.StatusSeeOther)
			return
		}
		lang, chosen := languageOf(r, lang)
		if chosen {
			remember(w, r, languageCookie, lang)
		}
		f := p.live.current(r.Context())
		v := f.views[lang]()
		l := v.layout
		l.Theme, l.Only, l.Query = themeOf(r), query.Get("only") == "1", strings.TrimSpace(query.Get("q"))
		l.Assets = assetVersions()
		l.filter()
		var body bytes.Buffer
		if err := v.templates.ExecuteTemplate(&body, "page", l); err != nil {
			http.Error(w, "the page cannot be shown; /api/status has the same as JSON", http.StatusInternalServerError)
			return
		}
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Language", lang)
		h.Set("Cache-Control", "no-store")
		h.Set("Vary", "Accept-Language, Cookie")
		_, _ = w.Write(body.Bytes())
	}
}

// filter hides the rows that are not looked for, for browsers without JavaScript.
func (l *layout) filter() {
	if l.Query == "" {
		return
	}
	l.Nothing = true
	hide := func(rows []row) []row {
		out := slices.Clone(rows)
		for i := range out {
			if strings.Contains(out[i].Search, strings.ToLower(l.Query)) {
				l.Nothing = false
			} else {
				out[i] = out[i].hidden()
			}
		}
		return out
	}
	l.Readers = slices.Clone(l.Readers) // those of the view are everybody's
	for i := range l.Readers {
		l.Readers[i].Pipelines = hide(l.Readers[i].Pipelines)
	}
	l.Deliveries = hide(l.Deliveries)
}

// assets are the files that the page loads, with their types.
func assetType(name string) string {
	switch name {
	case "style.css":
		return "text/css; charset=utf-8"
	case "page.js", "feed.js":
		return "text/javascript; charset=utf-8"
	case "icon.svg":
		return "image/svg+xml"
	}
	return ""
}

// assetVersions names the content of each file, so that a browser may keep it for good.
func assetVersions() map[string]string {
	out := map[string]string{}
	for _, name := range []string{"style.css", "page.js", "feed.js", "icon.svg"} {
		content, err := pageFiles.ReadFile("page/" + name)
		if err != nil {
			continue // embedded: it does not happen
		}
		sum := sha256.Sum256(content)
		out[name] = "/assets/" + name + "?v=" + hex.EncodeToString(sum[:6])
	}
	return out
}

func asset(w http.ResponseWriter, r *http.Request) {
	name := chi.URLParam(r, "file")
	kind := assetType(name)
	content, err := pageFiles.ReadFile("page/" + name)
	if kind == "" || err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "no-cache")
	if r.URL.RequestURI() == assetVersions()[name] {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	_, _ = w.Write(content) //nolint:gosec // one of four embedded files
}
