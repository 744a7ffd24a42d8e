package pipeline

import (
	"slices"
	"strings"
	"time"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/schemas"
)

// unusable says why a record of a topic cannot be delivered.
type unusable struct {
	reason     string
	violations []LetterViolation
}

// examined is what became of a record: a change with what belongs to it, or the reason why there is none.
type examined struct {
	event delivery
	bad   *unusable
}

// examiner checks records against their schema and maps them to changes. It touches nothing that a delivery keeps, so that
// records can be examined before their turn and be dropped. One goroutine uses it.
type examiner struct {
	d          *Delivery
	tr         *mapping.SinkTranslator
	parser     bus.EventParser
	generation uint32
}

func (d *Delivery) newExaminer(generation uint32) *examiner {
	return &examiner{d: d, tr: d.cfg.Plan.NewTranslator(), generation: generation}
}

// examine makes a change of a record; only its key shares memory with the record. What it returns beside an *unusable is not
// to be applied.
func (x *examiner) examine(r *bus.Delivered) (delivery, *unusable) {
	d := x.d
	e, err := d.event(&x.parser, r)
	if err != nil {
		return delivery{}, &unusable{"not-an-event", []LetterViolation{{Rule: "event", VI: "Bản ghi trên chủ đề không phải là sự kiện của truc.", EN: err.Error()}}}
	}
	d.stats.heard.note(&e)
	at, _ := time.Parse(time.RFC3339Nano, e.Time) // a time that cannot be read is left out of the latency
	out := delivery{key: r.Key, at: at, change: record.Change{
		Target: d.target, Source: e.Source, Generation: x.generation, Sequence: e.Sequence,
		Topic: r.Topic, Partition: r.Partition, Offset: r.Offset,
	}}
	if e.Data != nil && !d.cfg.Dataset.Accepts(e.Data) {
		if violations := violationsOf(d.cfg.Dataset, &e); len(violations) > 0 {
			return out, &unusable{"violation", letterViolations(violations)}
		}
	}
	view := mapping.EventView{ID: e.ID, Op: string(e.Op), Time: at, Agency: e.Agency, Sequence: e.Sequence, Dataset: e.Dataset, Key: e.Key}
	if _, violations := x.tr.Change(view, e.Data, &out.change); len(violations) > 0 {
		return out, &unusable{"violation", letterViolations(violations)}
	}
	return out, nil
}

// footprint is what a record leaves behind at a sink that has taken everything before: the row of an entity, or none any more.
// A record that became a letter leaves the row there, in an older version. ok is false for a record that is of no entity; a nil
// row is one that the mapping does not find.
func (x *examiner) footprint(r *bus.Delivered, c *record.Change, bad *unusable) (row record.Row, live, ok bool) {
	if bad == nil {
		return c.Key, !c.Delete, true
	}
	dataset := x.d.cfg.Dataset.ID()
	slug, _ := bus.AgencyOfTopic(dataset, r.Topic)
	// Identifiers of agencies are written in capitals; who put the record there may say anything of itself.
	row, violations := x.tr.Key(mapping.EventView{Op: string(bus.Deleted), Agency: strings.ToUpper(slug), Dataset: dataset, Key: r.Key})
	if len(violations) == 0 {
		return row, true, true
	}
	return nil, true, violations[0].Rule != schemas.RuleJSON
}

// violationsOf judges a document as a consumer does. A producer is held to every property that its schema declares; but when
// ce_dataschema names another version than the one that is here, properties that are unknown here are not wrong: an optional property
// is a compatible addition, and whoever does not know it passes over it.
func violationsOf(d *schemas.Dataset, e *bus.Event) []schemas.Violation {
	violations := d.Check(e.Data)
	if e.DataSchema == "" || strings.HasSuffix(e.DataSchema, "/"+d.ID()+"/"+d.Version()) {
		return violations
	}
	return slices.DeleteFunc(violations, func(v schemas.Violation) bool { return v.Rule == "additionalProperties" })
}
