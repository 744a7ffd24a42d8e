package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lienthong/truc/adapters/memory"
	"github.com/lienthong/truc/alerts"
	"github.com/lienthong/truc/config"
)

// TestAlertsOfANode: a mapping that fits nothing stops the node, and whoever is to know knows, without any value of a row.
func TestAlertsOfANode(t *testing.T) {
	var mu sync.Mutex
	var told []alerts.Notice
	var bodies string
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var n alerts.Notice
		mu.Lock()
		defer mu.Unlock()
		if json.Unmarshal(body, &n) == nil {
			told = append(told, n)
			bodies += string(body)
		}
	}))
	defer hook.Close()
	b := newBench(t)
	b.write(t, "truc.yaml", `agency: H44.15
registry: { url: https://chuan.phutho.example/ }
sources: { hotich: { memory: { store: births } } }
publish: { khaisinh: { source: hotich, mapping: mappings/khai_sinh.yaml, partitions: 1 } }
http: { listen: "`+freeAddress(t)+`" }
errorBudget: { openLetters: 10, window: 20 }
alerts: [ { webhook: "`+hook.URL+`/x", on: [budget] } ]
`)
	if err := b.stores["births"].Transact(func(tx *memory.Tx) error {
		for i := range int64(50) {
			if err := tx.Insert(birthsTable, birth(i, "12", "ngày mẫu")); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if code, _, log := b.truc(t.Context(), "run"); code != exitFailed || !strings.Contains(log, "the mapping does not fit the data") {
		t.Errorf("run: exit %d\n%s", code, log)
	}
	if time.Since(began) > 15*time.Second {
		t.Errorf("the node took %s to end", time.Since(began))
	}
	mu.Lock()
	defer mu.Unlock()
	if len(told) != 1 || told[0].Event != alerts.Budget || told[0].Where != "publish.khaisinh" || strings.Contains(bodies, "ngày mẫu") {
		t.Errorf("told: %s", bodies)
	}
}

// TestAlertEvents: the configuration knows the events by name, and no others.
func TestAlertEvents(t *testing.T) {
	var names []string
	for _, e := range alerts.Events() {
		names = append(names, string(e))
	}
	if !slices.Equal(names, config.AlertEvents()) {
		t.Errorf("alerts has %v, the configuration %v", names, config.AlertEvents())
	}
}
