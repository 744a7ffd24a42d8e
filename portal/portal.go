// Package portal is what a node shows over HTTP: health, readiness, metrics and status. It listens on loopback unless the
// configuration says otherwise, and never shows the value of a row.
package portal

import (
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
}

// Handler serves the node's pages and interfaces.
func Handler(n *Node) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), newCollector(n))
	r := chi.NewRouter()
	r.Use(middleware.Recoverer, middleware.SetHeader("X-Content-Type-Options", "nosniff"))
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
		writeJSON(w, code, map[string]any{"ready": len(s.NotReady) == 0, "notReady": s.NotReady, "paused": s.Paused})
	})
	r.Get("/api/status", func(w http.ResponseWriter, req *http.Request) { writeJSON(w, http.StatusOK, n.Status(req)) })
	r.Method(http.MethodGet, "/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
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
