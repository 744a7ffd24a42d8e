package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/lienthong/truc/schemas/compat"
)

const (
	// judgingBytes bounds the texts that are parsed and compared at the same time. A parsed schema takes many times its text.
	judgingBytes = 4 << 20
	// judgingWork bounds a comparison with all earlier versions, in steps and not in time: an answer does not depend on the machine.
	judgingWork = 4 * compat.MaxWork
	// keptBytes bounds the texts whose parsed form is kept.
	keptBytes     = 256 << 10
	maxReferences = 200
)

// resolved is a schema with what it refers to, as it stood at one moment.
type resolved struct {
	schema Schema
	texts  map[string][]byte // by the name of the reference, at any depth
	reads  map[string]uint64
}

// resolve looks up what a schema refers to. The state is locked by the caller.
func (r *Registry) resolve(context string, s Schema) (resolved, error) {
	res := resolved{schema: s, texts: map[string][]byte{}, reads: map[string]uint64{}}
	if len(s.References) == 0 {
		return res, nil
	}
	res.schema.References = append([]Reference(nil), s.References...)
	for i := range res.schema.References {
		ref := &res.schema.References[i]
		subject := r.referred(context, ref.Subject)
		if ref.Name == "" || ref.Subject == "" {
			return res, invalidSchema("reference %d needs a name, which a $ref repeats, and a subject", i+1)
		}
		v, err := r.state.one(subject, ref.Version, false)
		if err != nil {
			return res, invalidSchema("no schema for the reference %q: %v", ref.Name, err)
		}
		ref.Subject, ref.Version = subject.String(), v.number
		res.reads[onSubject(subject)] = r.state.revisions[onSubject(subject)]
	}
	return res, r.collect(context, res.schema.References, res.texts, 0)
}

// referred is the subject of a reference: one without a context is in that of who refers.
func (r *Registry) referred(context, subject string) Subject {
	s := ParseSubject(subject)
	if s.Context == DefaultContext && s.String() == subject {
		s.Context = context
	}
	return s
}

func (r *Registry) collect(context string, refs []Reference, texts map[string][]byte, depth int) error {
	for _, ref := range refs {
		if _, there := texts[ref.Name]; there {
			continue
		}
		subject := r.referred(context, ref.Subject)
		v, err := r.state.one(subject, ref.Version, true)
		var stored *Stored
		if err == nil {
			stored = r.state.stored(subject.Context, v.id)
		}
		if stored == nil {
			return invalidSchema("no schema for the reference %q to %s version %d", ref.Name, subject, ref.Version)
		}
		texts[ref.Name] = []byte(stored.Text())
		if len(texts) > maxReferences || depth > maxReferences {
			return invalidSchema("more than %d schemas are referred to; refer to fewer", maxReferences)
		}
		if err := r.collect(subject.Context, stored.References, texts, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// parse reads a schema for comparison, which also finds what no schema may be.
func (r *Registry) parse(ctx context.Context, res resolved) (*compat.Document, error) {
	size := int64(len(res.schema.Text))
	for _, text := range res.texts {
		size += int64(len(text))
	}
	size = min(size, judgingBytes)
	if err := r.judging.Acquire(ctx, size); err != nil {
		return nil, tooLong()
	}
	defer r.judging.Release(size)
	d, err := compat.Parse([]byte(res.schema.Text), res.texts)
	if err != nil {
		return nil, invalidSchema("%v", err)
	}
	return d, nil
}

// documents keeps the parsed form of schemas that were compared lately.
type documents struct {
	mu    sync.Mutex
	known map[documentKey]*compat.Document
	bytes int
}

type documentKey struct {
	context string
	digest  digest
}

// earlier is a version that a new one is compared with.
type earlier struct {
	number  int32
	context string
	stored  *Stored
	res     resolved
}

func (r *Registry) document(ctx context.Context, e earlier) (*compat.Document, error) {
	key := documentKey{e.context, e.stored.digest}
	r.documents.mu.Lock()
	d := r.documents.known[key]
	r.documents.mu.Unlock()
	if d != nil {
		return d, nil
	}
	d, err := r.parse(ctx, e.res)
	if err != nil {
		return nil, err
	}
	r.documents.keep(key, d, len(e.res.schema.Text))
	return d, nil
}

func (s *documents) keep(key documentKey, d *compat.Document, size int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil || s.bytes+size > keptBytes {
		s.known, s.bytes = map[documentKey]*compat.Document{}, 0
	}
	if s.known[key] == nil && size <= keptBytes {
		s.known[key] = d
		s.bytes += size
	}
}

// history are the earlier versions that a new one must agree with, ascending. The state is locked by the caller.
func (r *Registry) history(subject Subject, config Config, metadata json.RawMessage) ([]earlier, error) {
	var all []earlier
	for _, v := range live(r.state.versions(subject)) {
		stored := r.state.stored(subject.Context, v.id)
		if stored == nil || config.Group != "" && property(stored.Metadata, config.Group) != property(metadata, config.Group) {
			continue
		}
		e := earlier{number: v.number, context: subject.Context, stored: stored}
		e.res = resolved{schema: Schema{Text: stored.Text(), References: stored.References}, texts: map[string][]byte{}}
		if err := r.collect(subject.Context, stored.References, e.res.texts, 0); err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	switch config.Level {
	case compat.Backward, compat.Forward, compat.Full:
		all = all[max(0, len(all)-1):]
	case compat.None:
		all = nil
	case compat.BackwardTransitive, compat.ForwardTransitive, compat.FullTransitive:
	}
	return all, nil
}

// property is a property of metadata, "" without.
func property(metadata json.RawMessage, name string) string {
	var m struct {
		Properties map[string]string `json:"properties"`
	}
	_ = json.Unmarshal(metadata, &m)
	return m.Properties[name]
}

// judge compares a new version with earlier ones, the latest first, and says what is wrong, in the form in which clients of
// registries know it; nothing when it fits.
func (r *Registry) judge(ctx context.Context, d *compat.Document, history []earlier, config Config) ([]string, error) {
	work := 0
	for i := len(history) - 1; i >= 0; i-- {
		old, err := r.document(ctx, history[i])
		if err != nil {
			return nil, err
		}
		verdict, err := r.check(ctx, d, old, config)
		if err != nil {
			return nil, err
		}
		if !verdict.Compatible {
			return messages(verdict, history[i], config), nil
		}
		if work += verdict.Work; work > judgingWork && i > 0 {
			return nil, tooLong()
		}
	}
	return nil, nil
}

// check compares two schemas, when one of the few places for it is free. It ends by itself within a part of a second; a client that
// went away is noticed before the next one.
func (r *Registry) check(ctx context.Context, d, old *compat.Document, config Config) (compat.Verdict, error) {
	select {
	case r.checking <- struct{}{}:
	case <-ctx.Done():
		return compat.Verdict{}, tooLong()
	}
	defer func() { <-r.checking }()
	verdict, err := compat.Check(config.Level, config.Policy.mode(), d, []*compat.Document{old})
	if err != nil {
		return verdict, invalidSchema("%v", err)
	}
	return verdict, nil
}

func tooLong() error {
	return &Error{codeTimeout, "The comparison with earlier versions takes too long; simplify the schemas, or choose a level that is not transitive"}
}

const shownText = 2000 // bytes of an earlier schema in a message

func messages(v compat.Verdict, e earlier, config Config) []string {
	var out []string
	for _, refusal := range v.Refusals {
		for _, d := range refusal.Differences {
			out = append(out, fmt.Sprintf("{errorType:%q, description:%q}", string(d.Rule), d.Text()))
		}
		if refusal.Witness != nil {
			out = append(out, fmt.Sprintf("{direction:%q, refusedDocument:'%s'}", string(refusal.Direction), cut(string(refusal.Witness))))
		}
		if refusal.NotProven != "" {
			out = append(out, fmt.Sprintf("{direction:%q, notProven:%q}", string(refusal.Direction), refusal.NotProven))
		}
		if refusal.Fix != "" {
			out = append(out, fmt.Sprintf("{fix:%q}", refusal.Fix))
		}
	}
	return append(out, fmt.Sprintf("{oldSchemaVersion: %d}", e.number), fmt.Sprintf("{oldSchema: '%s'}", cut(e.res.schema.Text)),
		fmt.Sprintf("{compatibility: '%s'}", config.Level))
}

func cut(text string) string {
	if len(text) > shownText {
		return text[:shownText] + "…"
	}
	return text
}
