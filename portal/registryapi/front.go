package registryapi

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/lienthong/truc/schemas/registry"
)

// front answers what consumers ask all the time, GET /schemas/ids/N, before the router looks at a request: that and what the
// router allocates take longer than the answer. Whatever is not plain (a query, a context, an id of nothing, a schema with
// references) goes to the router, which gives the same answer to what is.
type front struct {
	chi.Router
	registry *registry.Registry
	// types are the values of the header Content-Type; the server only reads them.
	types map[string][]string
}

func newFront(r *registry.Registry, router chi.Router) *front {
	f := &front{Router: router, registry: r, types: map[string][]string{}}
	for _, kind := range [...]string{typeV1, typeDefault, typeJSON} {
		f.types[kind] = []string{kind}
	}
	return f
}

// ServeHTTP implements http.Handler.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	content, kind := f.plain(r)
	if content == nil {
		f.Router.ServeHTTP(w, r)
		return
	}
	h := w.Header()
	h["Content-Type"] = f.types[kind]
	h["Content-Length"] = []string{strconv.Itoa(len(content))}
	_, _ = w.Write(content)
}

// plain is the answer to a request for a schema by its id, nil when the router is to give it.
func (f *front) plain(r *http.Request) (content []byte, kind string) {
	id, ok := strings.CutPrefix(r.URL.Path, "/schemas/ids/")
	if !ok || r.Method != http.MethodGet || r.URL.RawQuery != "" || r.URL.RawPath != "" {
		return nil, ""
	}
	n, err := strconv.ParseInt(id, 10, 32)
	if err != nil {
		return nil, ""
	}
	if kind, ok = accepted(r.Header["Accept"]); !ok {
		return nil, ""
	}
	s, err := f.registry.Schema(int32(n), registry.Subject{Context: registry.DefaultContext})
	if err != nil || !isPlain(s) {
		return nil, ""
	}
	return s.Content(), kind
}

// isPlain reports whether the content of a schema is all that there is to say of it.
func isPlain(s *registry.Stored) bool {
	return len(s.References) == 0 && s.Metadata == nil && s.RuleSet == nil
}
