package pipeline

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/bus"
)

// TestExaminedAhead: what a fetcher examines before its turn is what the writer would have made of it, under the generation of
// the pass, and lives on when the reader reuses its memory.
func TestExaminedAhead(t *testing.T) {
	w := newTown(t)
	d := w.delivery()
	source, kind := bus.SourceName("H44.15", "hotich", "khaisinh"), w.publish.Dataset.ID()+".deleted"
	var records []bus.Delivered
	for n := range int64(4) {
		records = append(records, bus.Delivered{
			Topic: w.publish.Topic, Offset: n, Key: fmt.Appendf(nil, `["KS%d","2026","H44.15"]`, n), Value: []byte{},
			Headers: eventHeaders(source, kind, strings.Repeat(strconv.FormatInt(n, 10), sequenceSize)),
		})
		records[n].Value = nil
	}
	records[1].Headers = records[1].Headers[:1] // no event
	inTurn := w.newWriter(d)
	inTurn.generation.number = 7
	var want []delivery
	for _, r := range cloneDelivered(records) {
		if ev, bad := inTurn.examine(&r); bad == nil {
			want = append(want, ev)
		}
	}
	piece := fetched{}
	piece.examine(d.newExaminer(7), records)
	for _, r := range records {
		for _, h := range r.Headers {
			clear(h.Value)
		}
		clear(r.Key)
	}
	var got []delivery
	for i, x := range piece.examined {
		if (x.bad == nil) != (i != 1) {
			t.Errorf("record %d: %+v", i, x.bad)
		}
		if x.bad == nil {
			got = append(got, x.event)
		}
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(delivery{})); diff != "" {
		t.Errorf("(-in turn +ahead)\n%s", diff)
	}
	if string(piece.records[2].Key) != `["KS2","2026","H44.15"]` || piece.records[2].Headers != nil {
		t.Errorf("of a record that is a change, the key is kept and no headers: %q, %d", piece.records[2].Key, len(piece.records[2].Headers))
	}
	// A letter names the sequence, and so does the mark beside the offset.
	if piece.records[1].Headers[0].Value[0] == 0 || piece.records[3].Header(bus.HeaderSequence) != strings.Repeat("3", sequenceSize) {
		t.Error("the headers of a record that is none, and of the last, are lost with the reader's memory")
	}
}
