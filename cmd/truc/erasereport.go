package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lienthong/truc/pipeline"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas"
)

// erasureReport is what truc erase prints with --json: what is where, and what was done about it. It holds no key.
type erasureReport struct {
	Pipeline string `json:"pipeline"`
	Dataset  string `json:"dataset"`
	Topic    string `json:"topic"`
	// Key is its short hash.
	Key       string             `json:"key"`
	Reason    string             `json:"reason,omitempty"`
	Rule      *schemas.Erasure   `json:"rule,omitempty"`
	Retention *schemas.Retention `json:"retention,omitempty"`
	Held      erasureHeld        `json:"held"`
	// Compaction is there where the topic holds documents of the entity.
	Compaction  *erasureCompaction   `json:"compaction,omitempty"`
	Source      *pipeline.SourceRows `json:"source,omitempty"`
	Subscribers []erasureSubscriber  `json:"subscribers"`
	// Request is the id of what was asked for, "" where nothing was done; Result is absent until a node has begun.
	Request string                  `json:"request,omitempty"`
	Paused  bool                    `json:"paused,omitempty"`
	Result  *pipeline.ErasureResult `json:"result,omitempty"`

	table, source string
	embedded      bool // the bus is
}

type erasureHeld struct {
	// Documents are the events on the topic that hold a document of the entity; Live says that the last event is one.
	Documents int64 `json:"documents"`
	Live      bool  `json:"live"`
	// Letters are open, by pipeline; LetterRecords are all on the topics of dead letters, closed ones too.
	Letters       map[string]int `json:"letters"`
	LetterRecords int64          `json:"letterRecords"`
	// KeylessLetters may be about it or not.
	KeylessLetters int64 `json:"keylessLetters"`

	onTopic bool
}

// any reports whether the bus holds anything under the key, be it the deletion.
func (h *erasureHeld) any() bool { return h.onTopic || h.LetterRecords > 0 }

type erasureCompaction struct {
	Policy   string `json:"policy"`
	Compacts bool   `json:"compacts"`
	Embedded bool   `json:"embedded"`
	// Within is how long after the deletion the documents are gone at the latest; "" where nothing bounds it.
	Within string `json:"within,omitempty"`
	// DeletionStays is how long the deletion itself stays from then on.
	DeletionStays string `json:"deletionStays,omitempty"`
}

type erasureSubscriber struct {
	Agency   string    `json:"agency"`
	Pipeline string    `json:"pipeline"`
	Version  string    `json:"version"`
	Seen     time.Time `json:"seen"`
}

func heldOf(e *pipeline.Entity, name string) erasureHeld {
	h := erasureHeld{Documents: e.Documents, Live: e.Live(), Letters: map[string]int{}, LetterRecords: e.LetterRecords, KeylessLetters: e.Keyless, onTopic: e.Key != nil}
	for delivery, keys := range e.SinkLetters {
		h.Letters[delivery] = len(keys)
	}
	if n := len(e.Letters); n > 0 {
		h.Letters[name] = n
	}
	return h
}

func (p *program) printErasure(r *erasureReport) error {
	if p.json {
		if r.Subscribers == nil {
			r.Subscribers = []erasureSubscriber{}
		}
		return p.printJSON(r)
	}
	lines := slices.Concat([]problem.Text{problem.Say("%s: entity %s on %s", r.Pipeline, r.Key, r.Topic)}, r.rules(), r.places(), r.subscribers(), []problem.Text{r.outcome()})
	for i, l := range p.languages() {
		if i > 0 {
			fmt.Fprintln(p.stdout)
		}
		for k, line := range lines {
			indent := "  "
			if k == 0 || k == len(lines)-1 {
				indent = ""
			}
			if _, err := fmt.Fprintln(p.stdout, indent+line.In(l)); err != nil {
				return fmt.Errorf("write result: %w", err)
			}
		}
	}
	return nil
}

// rules are what the dataset declares.
func (r *erasureReport) rules() []problem.Text {
	out := []problem.Text{problem.Say("rule (x-xoa): the dataset declares none")}
	if e := r.Rule; e != nil {
		out[0] = problem.Say("rule (x-xoa): %s", problem.Text{VI: e.When["vi"], EN: e.When["en"]})
	}
	switch t := r.Retention; {
	case t == nil:
		out = append(out, problem.Say("kept (x-luu-tru): the dataset does not say how long"))
	case t.Term == schemas.TermForever:
		out = append(out, problem.Say("kept (x-luu-tru): for ever; an erasure needs a ground that says otherwise"))
	default:
		out = append(out, problem.Say("kept (x-luu-tru): %s from %s on", t.Term, problem.Text{VI: t.From["vi"], EN: t.From["en"]}))
	}
	return out
}

// places are where something of the entity is.
func (r *erasureReport) places() []problem.Text {
	var out []problem.Text
	add := func(t problem.Text) { out = append(out, t) }
	switch s := r.Source; {
	case s == nil:
		add(problem.Say("source %s: not known; the row must be deleted there, or it is published again when its table is read", r.source))
	case s.Live > 0:
		add(problem.Say("source %s: table %s has %d row(s) of it, which are published again when it is read; delete them first", r.source, r.table, s.Live))
	case s.Filtered+s.Deleted > 0:
		add(problem.Say("source %s: table %s has %d row(s) of it that are not published (outside the filter, or marked as deleted)", r.source, r.table, s.Filtered+s.Deleted))
	default:
		add(problem.Say("source %s: table %s has no row of it", r.source, r.table))
	}
	if s := r.Source; s != nil && s.Keyless > 0 {
		add(problem.Say("source %s: %d row(s) of table %s give no key, and may be its", r.source, s.Keyless, r.table))
	}
	switch h := r.Held; {
	case h.Live:
		add(problem.Say("topic: %d event(s) hold its document, the last event among them", h.Documents))
	case h.Documents > 0:
		add(problem.Say("topic: %d event(s) hold its document, the last event is its deletion", h.Documents))
	case h.onTopic:
		add(problem.Say("topic: its deletion, and no document any more"))
	default:
		add(problem.Say("topic: nothing of it"))
	}
	switch c := r.Compaction; {
	case c == nil:
	case c.Embedded:
		add(problem.Say("these events stay: the embedded bus is never compacted; they are gone when its folder is deleted, or on Kafka"))
	case !c.Compacts:
		add(problem.Say("these events stay: the topic is not compacted (cleanup.policy is %q); set cleanup.policy=compact", c.Policy))
	case c.Within != "":
		add(problem.Say("these events are gone within %s of the deletion (max.compaction.lag.ms)", c.Within))
	default:
		add(problem.Say("these events are gone when Kafka compacts the topic, and nothing says when that is at the latest; to bound it to a day: kafka-configs.sh --bootstrap-server BROKER --alter --entity-type topics --entity-name %s --add-config max.compaction.lag.ms=86400000", r.Topic))
	}
	if c := r.Compaction; c != nil && c.Compacts && c.DeletionStays != "" {
		add(problem.Say("the deletion itself, with the key, stays %s longer (delete.retention.ms), so that subscribers that are away still get it", c.DeletionStays))
	}
	for _, name := range slices.Sorted(maps.Keys(r.Held.Letters)) {
		add(problem.Say("dead letters: %d open of %s", r.Held.Letters[name], name))
	}
	switch n := r.Held.LetterRecords; {
	case n == 0:
	case r.embedded:
		add(problem.Say("dead letters: %d record(s) about it stay on their topics, closed or not: the embedded bus is never compacted", n))
	default:
		add(problem.Say("dead letters: %d record(s) about it stand on their topics until these are compacted", n))
	}
	if n := r.Held.KeylessLetters; n > 0 {
		add(problem.Say("dead letters: %d open of %s have no key, and may hold its row; see truc dlq list %s", n, r.Pipeline, r.Pipeline))
	}
	return out
}

// subscribers are who else has it.
func (r *erasureReport) subscribers() []problem.Text {
	out := []problem.Text{problem.Say("subscribers: none has announced itself on truc.uses")}
	for i, s := range r.Subscribers {
		line := problem.Say("subscriber: agency %s, %s, last seen %s; its delivery deletes its row", s.Agency, strings.TrimPrefix(s.Pipeline, "subscribe."), s.Seen.Format(time.DateOnly))
		if i == 0 {
			out[0] = line
		} else {
			out = append(out, line)
		}
	}
	return append(out, problem.Say("not known to truc: other programs that read the topic, backups, exports, inbox tables (write: append)"))
}

// outcome is what was done.
func (r *erasureReport) outcome() problem.Text {
	res := r.Result
	switch {
	case !r.Held.any():
		return problem.Say("nothing was done: the bus holds nothing under this key; check it, and the pipeline")
	case r.Request == "":
		return problem.Say("nothing was done (--dry-run)")
	case r.Paused:
		return problem.Say("source %s is paused: it is erased after truc resume %s (request %s)", r.source, r.source, r.Request)
	case res == nil || !res.Done:
		return problem.Say("the node that runs source %s erases it (request %s); truc erase %s --log tells what came of it", r.source, r.Request, r.Pipeline)
	case res.Live:
		return problem.Say("erased: its deletion is published, %d dead letter(s) are closed", res.Letters+res.SinkLetters)
	}
	if !r.Held.onTopic {
		return problem.Say("erased: the topic holds nothing of it, %d dead letter(s) are closed", res.Letters+res.SinkLetters)
	}
	return problem.Say("erased: its deletion was on the topic already, %d dead letter(s) are closed", res.Letters+res.SinkLetters)
}

// erasures lists what was erased of a pipeline.
func (p *program) erasures(ctx context.Context, n *node, conn *connection, of publishing) error {
	all, err := pipeline.Erasures(ctx, pipeline.KafkaBus{Client: conn.Client}, n.config.Agency, of.Source)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(r pipeline.ErasureResult) bool { return r.Pipeline != of.name })
	if p.json {
		if all == nil {
			all = []pipeline.ErasureResult{}
		}
		return p.printJSON(map[string]any{"pipeline": of.name, "erasures": all})
	}
	if len(all) == 0 {
		return p.answer(problem.Say("nothing of %s was erased by order", of.name))
	}
	for _, r := range all {
		state := problem.Say("under way")
		if r.Done {
			state = problem.Say("done")
		}
		if _, err := fmt.Fprintf(p.stdout, "%s  %s  %s  %s\n", r.Asked.Local().Format(time.DateTime), r.ShownKey(), p.short(state), r.Reason); err != nil {
			return fmt.Errorf("write result: %w", err)
		}
	}
	return nil
}
