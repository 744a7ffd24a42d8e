//go:build linux

package clients

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lienthong/truc/tests/nodes"
	"github.com/lienthong/truc/tests/servers"
)

// ask makes a request and reads the answer into v; the code is 0 when there is none.
func ask(method, url string, body, v any) (code int, err error) {
	var text []byte
	if body != nil {
		if text, err = json.Marshal(body); err != nil {
			return 0, err
		}
	}
	request, err := http.NewRequest(method, url, bytes.NewReader(text))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	client := http.Client{Timeout: 15 * time.Second}
	answer, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, err
	}
	if answer.StatusCode/100 != 2 {
		return answer.StatusCode, fmt.Errorf("%s %s: %d %s", method, url, answer.StatusCode, got)
	}
	return answer.StatusCode, json.Unmarshal(got, v)
}

type registration struct {
	ID      int    `json:"id"`
	Version int    `json:"version"`
	Subject string `json:"subject"`
	Schema  string `json:"schema"`
}

// book is what clients were told.
type book struct {
	mu    sync.Mutex
	acked []registration
	done  atomic.Int64
}

// register lets a client register texts one after the other, each as often as needed; where names the registry that is asked.
func (b *book) register(t *testing.T, client, count int, where func(attempt int) string) {
	subject := "client" + strconv.Itoa(client)
	for i := range count {
		// Every other text is one that another client registers too: one id for both.
		text := fmt.Sprintf(`{"title":"%d"}`, i)
		if i%2 == 0 {
			text = fmt.Sprintf(`{"title":"%d of %s"}`, i, subject)
		}
		deadline := time.Now().Add(nodes.Patience)
		for attempt := 0; ; attempt++ {
			var got registration
			code, err := ask(http.MethodPost, where(attempt)+"/subjects/"+subject+"/versions", map[string]string{"schemaType": "JSON", "schema": text}, &got)
			if err == nil {
				got.Subject, got.Schema = subject, text
				b.mu.Lock()
				b.acked = append(b.acked, got)
				b.mu.Unlock()
				b.done.Add(1)
				break
			}
			if code/100 == 4 || time.Now().After(deadline) {
				t.Error(err)
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}

// judge compares what a registry knows with what clients were told.
func (b *book) judge(t *testing.T, url string, clients, count int) {
	t.Helper()
	known := map[string]registration{}
	ids := map[int]string{}
	for offset := 0; ; offset += 1000 {
		var list []registration
		if _, err := ask(http.MethodGet, fmt.Sprintf("%s/schemas?deleted=true&subjectPrefix=client&offset=%d", url, offset), nil, &list); err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			if text, ok := ids[r.ID]; ok && text != r.Schema {
				t.Errorf("id %d is given twice", r.ID)
			}
			ids[r.ID] = r.Schema
			known[r.Subject+" "+r.Schema] = r
		}
		if len(list) < 1000 {
			break
		}
	}
	for _, want := range b.acked {
		if got := known[want.Subject+" "+want.Schema]; got != want {
			t.Errorf("acknowledged %+v, the registry has %+v", want, got)
		}
	}
	if len(known) != clients*count || len(b.acked) != clients*count {
		t.Errorf("%d versions, %d acknowledged, want %d", len(known), len(b.acked), clients*count)
	}
	if want := clients*count/2 + count/2; len(ids) != want {
		t.Errorf("%d ids, want %d", len(ids), want)
	}
}

const (
	killClients = 4
	killCount   = 250
)

// Killed in the middle of 1,000 registrations from four clients: no id twice, nothing lost that was acknowledged.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	var current atomic.Pointer[registry]
	run := func() {
		r := start(t, "--dir", dir)
		current.Store(&r)
	}
	run()
	none(t, current.Load().url)
	b := &book{}
	var clients sync.WaitGroup
	for client := range killClients {
		clients.Go(func() { b.register(t, client, killCount, func(int) string { return current.Load().url }) })
	}
	const kills = 4
	for kill := range int64(kills) {
		for b.done.Load() < (kill+1)*killClients*killCount/(kills+1) && !t.Failed() {
			time.Sleep(time.Millisecond)
		}
		current.Load().Kill()
		run()
	}
	clients.Wait()
	b.judge(t, current.Load().url, killClients, killCount)
	current.Load().Kill()
	run()
	b.judge(t, current.Load().url, killClients, killCount)
}

// none switches compatibility off.
func none(t testing.TB, url string) {
	t.Helper()
	if _, err := ask(http.MethodPut, url+"/config", map[string]string{"compatibility": "NONE"}, &struct{}{}); err != nil {
		t.Fatal(err)
	}
}

// Two registries on one Kafka take writes side by side, and one of them is killed: they agree in the end.
func TestTwoNodes(t *testing.T) {
	broker := servers.Kafka(t).Addr
	config := filepath.Join(t.TempDir(), "truc.yaml")
	nodes.Write(t, config, fmt.Sprintf("agency: H44.15\nregistry: { url: https://chuan.vidu.example/ }\nbus: { kafka: { brokers: [%q], replication: 1 } }\n", broker))
	one, two := start(t, "-c", config), start(t, "-c", config)
	none(t, one.url)
	const count = 50
	b := &book{}
	var clients sync.WaitGroup
	for client := range 4 {
		clients.Go(func() {
			b.register(t, client, count, func(attempt int) string { return []string{one.url, two.url}[(client+attempt)%2] })
		})
	}
	for b.done.Load() < 2*count && !t.Failed() {
		time.Sleep(time.Millisecond)
	}
	two.Kill()
	clients.Wait()
	b.judge(t, one.url, 4, count)
	three := start(t, "-c", config)
	b.judge(t, three.url, 4, count)
}

// Inside a node that is killed: what was acknowledged is there when it runs again, under the same id.
func TestKilledInsideNode(t *testing.T) {
	dir := t.TempDir()
	config := filepath.Join(dir, "truc.yaml")
	nodes.Write(t, config, "agency: H44.15\nregistry: { listen: 127.0.0.1:0 }\nhttp: { listen: 127.0.0.1:0 }\n")
	run := func() registry {
		t.Helper()
		return await(t, nodes.StartVerb(t, nodes.Binary(t), []string{"run", "-c", config}))
	}
	r := run()
	b := &book{}
	const count = 50
	b.register(t, 0, count, func(int) string { return r.url })
	r.Kill()
	r = run()
	for _, want := range b.acked {
		var got registration
		if _, err := ask(http.MethodPost, r.url+"/subjects/"+want.Subject, map[string]string{"schemaType": "JSON", "schema": want.Schema}, &got); err != nil || got.ID != want.ID || got.Version != want.Version {
			t.Fatalf("looked up %+v, registered as %+v: %v", got, want, err)
		}
	}
	if len(b.acked) != count {
		t.Errorf("%d were registered, want %d", len(b.acked), count)
	}
}
