//go:build linux

package clients

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lienthong/truc/tests/nodes"
)

// benchRegistry runs a registry with compatibility off, on a bus of its own.
func benchRegistry(b *testing.B) registry {
	b.Helper()
	r := start(b, "--dir", b.TempDir())
	none(b, r.url)
	return r
}

// schemaOf is a schema of about 1 kB, another one for each number.
func schemaOf(n int64) string {
	var s strings.Builder
	fmt.Fprintf(&s, `{"$schema":"http://json-schema.org/draft-07/schema#","title":"Hồ sơ %d","type":"object","additionalProperties":false,"properties":{`, n)
	for i := range 10 {
		if i > 0 {
			s.WriteByte(',')
		}
		fmt.Fprintf(&s, `"thuocTinh%d":{"type":"string","description":"Thuộc tính thứ %d","minLength":1,"maxLength":%d}`, i, i, 10+i)
	}
	s.WriteString(`}}`)
	return s.String()
}

// registerAll registers count schemas from four clients, each under a subject of its own, and returns how long each took.
func registerAll(b *testing.B, url string, count int64) []time.Duration {
	b.Helper()
	const clients = 4
	var next atomic.Int64
	var mu sync.Mutex
	var all []time.Duration
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			client := http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			var took []time.Duration
			for n := next.Add(1); n <= count; n = next.Add(1) {
				body, err := json.Marshal(map[string]string{"schemaType": "JSON", "schema": schemaOf(n)})
				if err != nil {
					b.Error(err)
					return
				}
				began := time.Now()
				answer, err := client.Post(fmt.Sprintf("%s/subjects/s%d/versions", url, n), "application/json", bytes.NewReader(body))
				if err != nil {
					b.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, answer.Body)
				answer.Body.Close()
				if answer.StatusCode != http.StatusOK {
					b.Errorf("registration %d: %s", n, answer.Status)
					return
				}
				took = append(took, time.Since(began))
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, took...)
		})
	}
	wg.Wait()
	return all
}

// Durable registrations from four clients, one after the other each.
func BenchmarkRegister(b *testing.B) {
	r := benchRegistry(b)
	registerAll(b, r.url, 1)
	before := r.Usage(b).CPU
	b.ResetTimer()
	took := registerAll(b, r.url, int64(b.N)+1)
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(len(took))/b.Elapsed().Seconds(), "registrations/s")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64((r.Usage(b).CPU-before).Microseconds())/float64(len(took)), "cpu-µs/registration")
	b.ReportMetric(float64(r.MiB()), "MiB")
}

var wrkAnswer = regexp.MustCompile(`(?s)99% +(\S+).*Requests/sec: +(\S+)`)

// Look-ups by id with 10,000 schemas, by wrk: one thread, eight connections, ten seconds.
func BenchmarkLookUp(b *testing.B) {
	wrk := nodes.Tool(b, "wrk")
	r := benchRegistry(b)
	registerAll(b, r.url, 10_000)
	b.ResetTimer()
	for range b.N {
		out, err := exec.Command(wrk, "-t1", "-c8", "-d10s", "--latency", r.url+"/schemas/ids/5000").CombinedOutput()
		if err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
		found := wrkAnswer.FindSubmatch(out)
		if found == nil || bytes.Contains(out, []byte("Non-2xx")) {
			b.Fatalf("%s", out)
		}
		b.Logf("99%% within %s, %s look-ups/s", found[1], found[2])
	}
	b.ReportMetric(float64(r.MiB()), "MiB")
}
