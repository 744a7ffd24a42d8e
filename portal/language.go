package portal

import (
	"net/http"
	"slices"

	"golang.org/x/text/language"
)

const (
	vietnamese = "vi"
	english    = "en"
)

// languages of the page, the default first.
func languages() []string { return []string{vietnamese, english} }

const (
	languageCookie = "truc_lang"
	themeCookie    = "truc_theme"
)

// languageOf finds the language of a request: that of its path, of ?lang=, of the cookie, of the browser, Vietnamese. chosen
// says that it was asked for by hand.
func languageOf(r *http.Request, path string) (lang string, chosen bool) {
	if path != "" {
		return path, true
	}
	if q := r.URL.Query().Get("lang"); slices.Contains(languages(), q) {
		return q, true
	}
	if c, err := r.Cookie(languageCookie); err == nil && slices.Contains(languages(), c.Value) {
		return c.Value, false
	}
	tags, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err != nil {
		return vietnamese, false
	}
	for _, tag := range tags {
		if base, _ := tag.Base(); slices.Contains(languages(), base.String()) {
			return base.String(), false
		}
	}
	return vietnamese, false
}

// themeOf returns "light" or "dark" when the reader chose one, else "": what the system says.
func themeOf(r *http.Request) string {
	if c, err := r.Cookie(themeCookie); err == nil && (c.Value == "light" || c.Value == "dark") {
		return c.Value
	}
	return ""
}

// remember sets a cookie for a year; it holds nothing but a choice.
func remember(w http.ResponseWriter, r *http.Request, name, value string) {
	if c, err := r.Cookie(name); err == nil && c.Value == value {
		return
	}
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure where there is TLS; on loopback there is none
		Name: name, Value: value, Path: "/", MaxAge: 365 * 24 * 60 * 60,
		HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteLaxMode,
	})
}
