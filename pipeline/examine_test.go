package pipeline

import (
	"bytes"
	"strings"
	"testing"

	"github.com/lienthong/truc/bus"
)

// TestConsumersAreOpen: a property that a later version of the schema added makes no dead letter at a subscriber that has an earlier
// one; anything else that is wrong does, and so does an unknown property in a document of the version that is here.
func TestConsumersAreOpen(t *testing.T) {
	w := newTown(t)
	d := w.delivery()
	dataset := d.cfg.Dataset
	kind := dataset.ID() + "." + string(bus.Created)
	plain := dataset.Valid()[0].Document
	more := append([]byte(`{"thuocTinhMoi":"x",`), bytes.TrimPrefix(bytes.TrimSpace(plain), []byte("{"))...)
	wrong := append([]byte(`{"thuocTinhMoi":"x","so":7,`), bytes.TrimPrefix(bytes.TrimSpace(plain), []byte("{"))...)
	own := dataset.SchemaURL("https://chuan.example/")
	later := strings.TrimSuffix(own, dataset.Version()) + "1.7.0"
	for name, test := range map[string]struct {
		document []byte
		schema   string
		usable   bool
	}{
		"as it was":                        {plain, own, true},
		"a property more, later version":   {more, later, true},
		"a property more, the own version": {more, own, false},
		"a property more, no version":      {more, "", false},
		"wrong besides, later version":     {wrong, later, false},
	} {
		r := bus.Delivered{
			Topic: w.publish.Topic, Key: []byte(`["1","2026","H44.15"]`), Value: test.document,
			Headers: eventHeaders(bus.SourceName("H44.15", "hotich", "khaisinh"), kind, strings.Repeat("0", sequenceSize)),
		}
		if test.schema != "" {
			r.Headers = append(r.Headers, bus.Header{Key: bus.HeaderDataSchema, Value: []byte(test.schema)})
		}
		if _, bad := d.newExaminer(0).examine(&r); (bad == nil) != test.usable {
			t.Errorf("%s: %+v", name, bad)
		}
	}
}
