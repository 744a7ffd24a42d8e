package follow

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/lienthong/truc/schemas/registry"
)

// memory is a log of one registry.
type memory struct {
	mu      sync.Mutex
	records []registry.Record
	moved   chan struct{}
}

func (m *memory) Append(_ context.Context, after int64, records []registry.Record) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	first := int64(len(m.records))
	if after < first {
		return 0, &registry.MovedError{End: first}
	}
	for i, r := range records {
		r.Place = first + int64(i)
		m.records = append(m.records, r)
	}
	close(m.moved)
	m.moved = make(chan struct{})
	return first, nil
}

func (m *memory) Follow(ctx context.Context, see func(registry.Batch) error) error {
	for next := 0; ; {
		m.mu.Lock()
		records, moved := m.records[next:], m.moved
		m.mu.Unlock()
		next += len(records)
		if err := see(registry.Batch{Records: records, Next: int64(next), End: int64(next)}); err != nil {
			return err
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// other is a registry that is followed: pages of two versions.
type other struct {
	versions []version
	status   int
}

func (o *other) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if o.status != 0 {
		w.WriteHeader(o.status)
		return
	}
	offset, _ := strconv.Atoi(r.URL.Query().Get("offset"))
	from := min(offset, len(o.versions))
	_ = json.NewEncoder(w).Encode(o.versions[from:min(from+2, len(o.versions))])
}

func TestPass(t *testing.T) {
	r := registry.New(&memory{moved: make(chan struct{})}, registry.Options{})
	ended := make(chan error, 1)
	ctx, stop := context.WithCancel(t.Context())
	go func() { ended <- r.Run(ctx) }()
	defer func() {
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}()
	<-r.Ready()
	register := func(subject, text string, refs ...registry.Reference) (registry.Registered, error) {
		return r.Register(t.Context(), registry.ParseSubject(subject), registry.Schema{Type: "JSON", Text: text, References: refs}, registry.Registration{})
	}
	o := &other{versions: []version{
		{Subject: "hotich.khaisinh", Version: 1, ID: 7, SchemaType: "JSON", Schema: `{"$ref":"chung"}`, References: []registry.Reference{{Name: "chung", Subject: "chung", Version: 3}}},
		{Subject: "chung", Version: 3, ID: 4, SchemaType: "JSON", Schema: `{"type":"object"}`},
		{Subject: "orders", Version: 1, ID: 1, Schema: `"string"`}, // Avro
		{Subject: ":.khac:chung", Version: 1, ID: 1, SchemaType: "JSON", Schema: `{}`},
	}}
	server := httptest.NewServer(o)
	defer server.Close()
	f := &Follower{Registry: r, URL: server.URL + "/", Log: slog.New(slog.DiscardHandler)}
	pass := func(want int, words ...string) {
		t.Helper()
		changed, err := f.pass(t.Context())
		if changed != want || (err == nil) != (len(words) == 0) {
			t.Fatalf("%d changed, %v; want %d", changed, err, want)
		}
		for _, w := range words {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%v does not say %q", err, w)
			}
		}
	}
	copied := func(want ...string) {
		t.Helper()
		var got []string
		for _, c := range r.Copies() {
			got = append(got, c.Subject.String()+"/"+strconv.Itoa(int(c.Version))+" "+strconv.Itoa(int(c.Schema.ID)))
		}
		if strings.Join(got, ", ") != strings.Join(want, ", ") {
			t.Errorf("copies are %v, want %v", got, want)
		}
	}
	refused := func(err error, code int) {
		t.Helper()
		var e *registry.Error
		if !errors.As(err, &e) || e.Code != code || !strings.Contains(e.Message, "is in read-only mode: it is a copy from the registry that this one follows") {
			t.Errorf("got %v, want %d", err, code)
		}
	}
	pass(2)
	copied("chung/3 4", "hotich.khaisinh/1 7")
	pass(0)

	_, err := register("chung", `{}`)
	refused(err, 42205)
	_, err = r.DeleteSubject(t.Context(), registry.ParseSubject("chung"), false)
	refused(err, 42205)
	_, err = r.SetConfig(t.Context(), registry.ParseSubject("chung"), registry.Change{})
	refused(err, 42205)
	_, err = r.DeleteConfig(t.Context(), registry.ParseSubject("chung"))
	refused(err, 42205)
	ours, err := register("hotich.khaisinh.tinh", `{"allOf":[{"$ref":"khaisinh"}]}`, registry.Reference{Name: "khaisinh", Subject: "hotich.khaisinh", Version: 1})
	if err != nil || ours.Schema.ID != LastID+1 {
		t.Fatalf("our own: %+v, %v", ours, err)
	}

	// A second version, and one whose name we have given away.
	o.versions = append(o.versions, version{Subject: "chung", Version: 4, ID: 9, SchemaType: "JSON", Schema: `{"type":"object","title":"2"}`},
		version{Subject: "hotich.khaisinh.tinh", Version: 2, ID: 10, SchemaType: "JSON", Schema: `{"title":"theirs"}`},
		version{Subject: "xa", Version: 1, ID: LastID + 1, SchemaType: "JSON", Schema: `{"title":"too far"}`})
	pass(1, "hotich.khaisinh.tinh version 2", "registry's own", "xa version 1", "beyond")
	copied("chung/3 4", "chung/4 9", "hotich.khaisinh/1 7")
	o.versions = append(o.versions[:5], version{Subject: "chung", Version: 5, ID: 4, SchemaType: "JSON", Schema: `{"type":"object"}`})
	pass(1) // the first text again, as a later version
	copied("chung/3 4", "chung/4 9", "chung/5 4", "hotich.khaisinh/1 7")
	o.versions = o.versions[:5]
	pass(0)
	pass(1)

	// What is gone there goes here, when two passes have missed it, unless something needs it.
	all := o.versions
	o.versions = []version{all[1]}
	pass(0)
	o.versions = all
	pass(0)
	copied("chung/3 4", "chung/4 9", "hotich.khaisinh/1 7")
	o.versions = []version{all[1]}
	pass(0)
	pass(1, "hotich.khaisinh version 1", "cannot be deleted")
	copied("chung/3 4", "hotich.khaisinh/1 7")
	o.versions = all
	pass(1)
	copied("chung/3 4", "chung/4 9", "hotich.khaisinh/1 7")

	o.versions = nil
	pass(0, "no JSON schemas at all")
	pass(0, "no JSON schemas at all")
	o.status = http.StatusBadGateway
	pass(0, "502")
	copied("chung/3 4", "chung/4 9", "hotich.khaisinh/1 7")
}
