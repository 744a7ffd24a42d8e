// Package portal is what a node shows over HTTP: a page for people, health, readiness, metrics and status. It listens on
// loopback unless the configuration says otherwise, and never shows the value of a row.
//
//	GET /                    the page, in the reader's language; /vi and /en in one of them
//	GET /vi/events           what changes on it, as Server-Sent Events
//	GET /healthz /readyz     for supervisors and load balancers
//	GET /api/status          everything, as JSON
//	GET /metrics             Prometheus
//	GET /openapi.json        all of this in OpenAPI 3.1
package portal

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/lienthong/truc/pipeline"
)

// Node is the running node as the portal sees it.
type Node struct {
	Version string
	Agency  string
	Started time.Time
	// Broker is the address of the bus; BusBytes is what the embedded bus takes on disk, nil on Kafka.
	Broker     string
	BusBytes   func() (int64, error)
	Readers    []*pipeline.Reader
	Deliveries []*pipeline.Delivery
	// Registry tells how the schema registry does that the node serves; nil where it serves none.
	Registry func() Registry
	// OpenAPI is the description of the interface, nil for none.
	OpenAPI []byte
	// Redact blanks secrets out of an error; nil leaves it as it is. Errors hold none: this is the last line of defence.
	Redact func(string) string
}

// Portal serves the pages and interfaces of one node.
type Portal struct {
	routes chi.Router
	live   *live
}

// New returns the portal of a node. Its page is alive while Run runs.
func New(n *Node) *Portal {
	p := &Portal{live: newLive(n.status)}
	p.routes = p.routing(n)
	return p
}

// ServeHTTP implements http.Handler.
func (p *Portal) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.routes.ServeHTTP(w, r) }

// Run looks at the node, which is what rates are made of, and tells the open pages what changed. It returns when ctx is done,
// and the streams of the open pages end with it: call it before, and end it before, http.Server.Shutdown.
func (p *Portal) Run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	p.live.run(ctx, tick.C)
}

// Routes are what the portal serves, for those who describe it.
func (p *Portal) Routes() chi.Routes { return p.routes }

func (p *Portal) routing(n *Node) chi.Router {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), newCollector(n))
	r := chi.NewRouter()
	r.Use(middleware.Recoverer, middleware.SetHeader("X-Content-Type-Options", "nosniff"), middleware.GetHead)
	r.Get("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte("ok\n"))
	})
	r.Get("/readyz", func(w http.ResponseWriter, req *http.Request) {
		s := n.Status(req)
		code := http.StatusOK
		if len(s.NotReady) > 0 {
			code = http.StatusServiceUnavailable
		}
		writeJSON(w, code, map[string]any{"ready": len(s.NotReady) == 0, "notReady": s.NotReady, "paused": s.Paused, "standby": s.Standby})
	})
	r.Get("/openapi.json", func(w http.ResponseWriter, req *http.Request) {
		if n.OpenAPI == nil {
			http.NotFound(w, req)
			return
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = w.Write(n.OpenAPI)
	})
	r.Get("/api/status", func(w http.ResponseWriter, req *http.Request) { writeJSON(w, http.StatusOK, n.Status(req)) })
	r.Method(http.MethodGet, "/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	r.Group(func(r chi.Router) {
		r.Use(closed)
		r.Get("/", p.page(""))
		for _, lang := range languages() {
			r.Get("/"+lang, p.page(lang))
			r.Get("/"+lang+"/events", p.stream(lang))
		}
		r.Get("/assets/{file}", asset)
		// Browsers look here for what they show beside /healthz and the like, which name no icon.
		r.Method(http.MethodGet, "/favicon.ico", http.RedirectHandler("/assets/icon.svg", http.StatusFound))
	})
	return r
}

func writeJSON(w http.ResponseWriter, code int, v any) {
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		http.Error(w, "status cannot be written as JSON", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write(append(body, '\n'))
}
