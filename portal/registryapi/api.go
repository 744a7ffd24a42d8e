// Package registryapi serves a schema registry over HTTP, with the paths, bodies and error codes that clients of Confluent
// Schema Registry know, for JSON schemas; and the schemas of truc's own datasets, as they stand in events (ce_dataschema).
package registryapi

import (
	"crypto/subtle"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/lienthong/truc/schemas/registry"
)

// Options of the interface. The zero value is usable.
type Options struct {
	// Version of the program.
	Version string
	// Dataset returns the text of a dataset's schema, by dataset id and exact version; nil means that there are none.
	Dataset func(id, version string) ([]byte, bool)
	// Governance is the interface by which people decide about datasets, below /governance; nil for none.
	Governance http.Handler
	// OpenAPI is the description of the interface, nil for none.
	OpenAPI []byte
	// Token that writers must show, as bearer token or as password; "" asks for none.
	Token string
}

const (
	// writeTimeout is how long a writer waits for the bus.
	writeTimeout = 10 * time.Second
	// maxBody leaves room for a schema of 1 MiB with every third character escaped.
	maxBody = 3 << 20
	// maxBodies bounds the requests with bodies that are worked on at the same time.
	maxBodies = 64
)

type api struct {
	registry *registry.Registry
	o        Options
	bodies   chan struct{}
}

// New returns the interface of a registry.
func New(r *registry.Registry, o Options) http.Handler {
	a := &api{registry: r, o: o, bodies: make(chan struct{}, maxBodies)}
	root := chi.NewRouter()
	root.Use(middleware.GetHead)
	root.NotFound(a.handle(func(*http.Request) (any, error) { return nil, status(http.StatusNotFound) }))
	root.MethodNotAllowed(a.handle(func(*http.Request) (any, error) { return nil, status(http.StatusMethodNotAllowed) }))
	root.Get("/healthz", a.healthz)
	root.Get("/readyz", a.readyz)
	root.Get("/openapi.json", a.openapi)
	root.Get("/", a.handle(empty))
	root.Post("/", a.handle(empty))
	root.Get("/v1/metadata/id", a.handle(metadataID))
	root.Get("/v1/metadata/version", a.handle(a.metadataVersion))
	root.Get("/v1/metadata/deployment", a.handle(func(*http.Request) (any, error) { return map[string]any{"attributes": []string{}}, nil }))
	root.Get("/contexts", a.handle(a.contexts))
	if o.Governance != nil {
		root.Mount("/governance", o.Governance)
	}
	a.routes(root)
	root.Route("/contexts/{context}", func(r chi.Router) {
		a.routes(r)
		r.Delete("/", a.handle(a.write(a.deleteContext)))
	})
	return newFront(r, root)
}

// routes are those that can also stand below a context.
func (a *api) routes(r chi.Router) {
	r.Get("/schemas", a.handle(a.schemas))
	r.Get("/schemas/types", a.handle(func(*http.Request) (any, error) { return []string{registry.TypeJSON}, nil }))
	r.Get("/schemas/ids/{id}", a.handle(a.schemaByID))
	r.Get("/schemas/ids/{id}/schema", a.handle(a.textByID))
	r.Get("/schemas/ids/{id}/subjects", a.handle(a.subjectsByID))
	r.Get("/schemas/ids/{id}/versions", a.handle(a.versionsByID))
	r.Get("/schemas/guids/{guid}", a.handle(a.schemaByGUID))
	r.Get("/schemas/guids/{guid}/ids", a.handle(a.idsByGUID))
	r.Get("/schemas/{dataset}/{version}", a.dataset)

	r.Get("/subjects", a.handle(a.subjects))
	r.Post("/subjects/{subject}", a.handle(a.body(a.lookUp)))
	r.Delete("/subjects/{subject}", a.handle(a.write(a.deleteSubject)))
	r.Get("/subjects/{subject}/metadata", a.handle(a.latestWith))
	r.Get("/subjects/{subject}/versions", a.handle(a.versions))
	r.Post("/subjects/{subject}/versions", a.handle(a.write(a.register)))
	r.Get("/subjects/{subject}/versions/{version}", a.handle(a.version))
	r.Delete("/subjects/{subject}/versions/{version}", a.handle(a.write(a.deleteVersion)))
	r.Get("/subjects/{subject}/versions/{version}/schema", a.handle(a.text))
	r.Get("/subjects/{subject}/versions/{version}/referencedby", a.handle(a.referencedBy))

	r.Post("/compatibility/subjects/{subject}/versions", a.handle(a.body(a.compare)))
	r.Post("/compatibility/subjects/{subject}/versions/{version}", a.handle(a.body(a.compare)))

	for _, path := range []string{"/config", "/config/{subject}"} {
		r.Get(path, a.handle(a.config))
		r.Put(path, a.handle(a.write(a.setConfig)))
		r.Delete(path, a.handle(a.write(a.deleteConfig)))
	}
	for _, path := range []string{"/mode", "/mode/{subject}"} {
		r.Get(path, a.handle(a.mode))
		r.Put(path, a.handle(a.write(a.setMode)))
		r.Delete(path, a.handle(a.write(a.deleteMode)))
	}
}

// endpoint answers a request with what is written as JSON; raw is written as it is.
type endpoint func(*http.Request) (any, error)

type raw []byte

// noContent is an answer without a body.
type noContent struct{}

func empty(*http.Request) (any, error) { return raw("{}"), nil }

// handle makes a handler of an endpoint: what the client accepts, what it gets, and how it is told of a refusal.
func (a *api) handle(e endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		kind, ok := accepted(r.Header["Accept"])
		if !ok {
			reply(w, typeV1, http.StatusNotAcceptable, failure{http.StatusNotAcceptable, "HTTP 406 Not Acceptable"})
			return
		}
		v, err := e(r)
		if err != nil {
			f, code := failureOf(err)
			if code == http.StatusUnauthorized {
				w.Header().Set("WWW-Authenticate", `Basic realm="truc registry"`)
			}
			reply(w, kind, code, f)
			return
		}
		if _, nothing := v.(noContent); nothing {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		reply(w, kind, http.StatusOK, v)
	}
}

// body guards an endpoint that reads a body.
func (a *api) body(e endpoint) endpoint {
	return func(r *http.Request) (any, error) {
		if kind := r.Header.Get("Content-Type"); kind != "" && !readable(kind) {
			return nil, status(http.StatusUnsupportedMediaType)
		}
		// Browsers say where a page comes from that makes them write; pages of others must not.
		if origin := r.Header.Get("Origin"); origin != "" {
			if u, err := url.Parse(origin); err != nil || u.Host != r.Host {
				return nil, status(http.StatusForbidden)
			}
		}
		select {
		case a.bodies <- struct{}{}:
			defer func() { <-a.bodies }()
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
		return e(r)
	}
}

// write guards an endpoint that changes something.
func (a *api) write(e endpoint) endpoint {
	return a.body(func(r *http.Request) (any, error) {
		if a.o.Token != "" && !a.knows(r) {
			return nil, status(http.StatusUnauthorized)
		}
		return e(r)
	})
}

func (a *api) knows(r *http.Request) bool {
	shown, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !bearer {
		_, shown, _ = r.BasicAuth()
	}
	return subtle.ConstantTimeCompare([]byte(shown), []byte(a.o.Token)) == 1
}

func (a *api) healthz(w http.ResponseWriter, _ *http.Request) { healthy(w) }

func healthy(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ok\n"))
}

// NotReady answers while there is no registry yet, because its bus is away or its topic is being read.
func NotReady(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/healthz":
		healthy(w)
	case "/readyz":
		reply(w, typeJSON, http.StatusServiceUnavailable, raw(`{"ready":false}`))
	default:
		w.Header().Set("Retry-After", "1")
		reply(w, typeV1, http.StatusServiceUnavailable, failure{http.StatusServiceUnavailable, "The registry has not read its topic yet; try again in a moment"})
	}
}

func (a *api) readyz(w http.ResponseWriter, _ *http.Request) {
	select {
	case <-a.registry.Ready():
		reply(w, typeJSON, http.StatusOK, raw(`{"ready":true}`))
	default:
		reply(w, typeJSON, http.StatusServiceUnavailable, raw(`{"ready":false}`))
	}
}

func (a *api) openapi(w http.ResponseWriter, r *http.Request) {
	if a.o.OpenAPI == nil {
		http.NotFound(w, r)
		return
	}
	reply(w, typeJSON, http.StatusOK, raw(a.o.OpenAPI))
}

func metadataID(*http.Request) (any, error) {
	clusters := map[string]string{"kafka-cluster": "truc", "schema-registry-cluster": "truc"}
	return map[string]any{"id": "", "scope": map[string]any{"path": []string{}, "clusters": clusters}}, nil
}

func (a *api) metadataVersion(*http.Request) (any, error) {
	return map[string]string{"version": a.o.Version, "commitId": ""}, nil
}

func (a *api) dataset(w http.ResponseWriter, r *http.Request) {
	id, version := param(r, "dataset"), param(r, "version")
	if a.o.Dataset != nil {
		if text, ok := a.o.Dataset(id, version); ok {
			w.Header().Set("Content-Type", "application/schema+json")
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable") // a version never changes
			_, _ = w.Write(text)
			return
		}
	}
	f, code := failureOf(registry.SchemaNotFound(id + " " + version))
	reply(w, typeJSON, code, f)
}
