package registry

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"
)

// What a node knows because it wrote it is what another knows that has read it, to the byte: settings, references, what web pages
// would have escaped, what was deleted, revisions included.
func TestKnownAsRead(t *testing.T) {
	m := newMemory()
	one, _ := open(t, m, Options{})
	s := session{one, t}
	rich := js(`{"title":"a < b & c > d €\u2028"}`)
	rich.Metadata = json.RawMessage(`{"properties": {"owner": "<H25.26>"}}`)
	rich.RuleSet = json.RawMessage(`{"domainRules":[{"name":"a&b"}]}`)
	steps := []func() error{
		func() error { _, _, err := s.register("a", js(closedA)); return err },
		func() error { _, _, err := s.register("rich", rich); return err },
		func() error { _, _, err := s.register(":.tinh:a", js(closedA)); return err },
		func() error { _, _, err := s.register("b", js(`{"$ref":"a"}`, Reference{"a", "a", 1})); return err },
		func() error {
			level, yes, group := "FULL", true, "owner"
			_, err := s.SetConfig(s.ctx(), ParseSubject("a"), Change{Level: &level, Normalize: &yes, Group: &group})
			return err
		},
		func() error { return s.SetMode(s.ctx(), ParseSubject("c"), Import, false) },
		func() error {
			_, _, err := s.registerAs("c", js(`{"title":"c"}`), Registration{ID: 40, Version: 3})
			return err
		},
		func() error { _, err := s.DeleteMode(s.ctx(), ParseSubject("c")); return err },
		func() error { _, _, err := s.register("d", js(intA)); return err },
		func() error { _, err := s.DeleteSubject(s.ctx(), ParseSubject("d"), false); return err },
		func() error { _, err := s.DeleteSubject(s.ctx(), ParseSubject("d"), true); return err },
		func() error { _, err := s.DeleteSubject(s.ctx(), ParseSubject("rich"), false); return err },
		func() error { return s.ReserveIDs(s.ctx(), 1000) },
		func() error {
			_, _, err := s.registerAs("copy", js(`{"title":"copy"}`), Registration{ID: 1000, Version: 2, Copy: true})
			return err
		},
	}
	for i, step := range steps {
		if err := step(); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
		another, stop := open(t, m, Options{})
		one.mu.RLock()
		another.mu.RLock()
		if !reflect.DeepEqual(one.state, another.state) || one.next != another.next {
			t.Errorf("step %d: who wrote knows\n%s\nwho read\n%s", i, told(one), told(another))
		}
		another.mu.RUnlock()
		one.mu.RUnlock()
		stop()
	}
}

func told(r *Registry) string {
	text := fmt.Sprintln("next", r.next, "revisions", r.state.revisions)
	for name, sp := range r.state.spaces {
		text += fmt.Sprintln("context", name, sp.next, sp.subjects, sp.configs, sp.modes, sp.referring)
		for id, stored := range sp.schemas {
			text += fmt.Sprintf("%d %s %s %s %v\n", id, stored.content, stored.Metadata, stored.RuleSet, stored.users)
		}
	}
	return text
}

// A schema whose metadata holds what web pages would have escaped is the same schema when it comes again, also to a node that has
// read it.
func TestMetadataIsKept(t *testing.T) {
	m := newMemory()
	for range 2 {
		r, stop := open(t, m, Options{})
		schema := js(closedA)
		schema.Metadata = json.RawMessage(`{"properties":{"owner":"<a> & b"}}`)
		if id, version, err := (session{r, t}).register("a", schema); id != 1 || version != 1 || err != nil {
			t.Errorf("id %d version %d %v", id, version, err)
		}
		stop()
	}
}

// What a node wrote comes by two ways, in any order and in part: each entry counts once, and none is passed over.
func TestWrittenAndReadBack(t *testing.T) {
	entryOf := func(number int32) entry {
		return entry{key: versionKey(Subject{".", "a"}, number), payload: payload{ID: number}}
	}
	at := func(place int64, number int32) Record {
		r := entryOf(number).record()
		r.Place = place
		return r
	}
	others := Batch{Records: []Record{at(3, 1), at(4, 2)}, Next: 5} // what stands there before
	mine := []entry{entryOf(3), entryOf(4)}                         // at 5 and 6
	for name, ways := range map[string]func(r *Registry) error{
		"known first": func(r *Registry) error {
			r.know(5, mine)
			return r.see(Batch{Records: []Record{at(5, 3), at(6, 4), at(7, 5)}, Next: 8})
		},
		"read first": func(r *Registry) error {
			err := r.see(Batch{Records: []Record{at(5, 3), at(6, 4), at(7, 5)}, Next: 8})
			r.know(5, mine)
			return err
		},
		"read in part": func(r *Registry) error {
			err := r.see(Batch{Records: []Record{at(5, 3)}, Next: 6})
			r.know(5, mine)
			if err == nil {
				err = r.see(Batch{Records: []Record{at(6, 4), at(7, 5)}, Next: 8})
			}
			return err
		},
		"passed over": func(r *Registry) error {
			r.know(5, mine)
			return r.see(Batch{Records: []Record{at(7, 5)}, Next: 8})
		},
		"read late": func(r *Registry) error {
			r.know(5, mine)
			if err := r.see(Batch{Records: []Record{at(5, 3)}, Next: 6}); err != nil {
				return err
			}
			if r.next != 7 {
				return fmt.Errorf("known up to %d", r.next)
			}
			return r.see(Batch{Records: []Record{at(6, 4), at(7, 5)}, Next: 8})
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := New(newMemory().end(), Options{})
			if err := r.see(others); err != nil {
				t.Fatal(err)
			}
			if err := ways(r); err != nil {
				t.Fatal(err)
			}
			if got, want := fmt.Sprint(r.state.versions(Subject{".", "a"}), r.state.taken, r.next), "[{1 1 false} {2 2 false} {3 3 false} {4 4 false} {5 5 false}] 5 8"; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

// An answer does not wait for the log to be read back, unless something stands between.
func TestNotReadBack(t *testing.T) {
	m := newMemory()
	m.held = make(chan struct{})
	r, _ := open(t, m, Options{}) // reads what there was, and no more
	s := session{r, t}
	s.must("a", closedA, 1, 1)
	s.must("b", intA, 2, 1)
	m.mu.Lock()
	m.fault = func() fault { return marked }
	m.mu.Unlock()
	registered := make(chan error, 1)
	go func() {
		_, _, err := s.register("c", js(`{}`))
		registered <- err
	}()
	select {
	case err := <-registered:
		t.Errorf("what stands between was not read: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	close(m.held)
	if err := <-registered; err != nil {
		t.Error(err)
	}
}

// What a version was judged by is kept for the next one.
func TestParsedOnce(t *testing.T) {
	s := start(t, Options{})
	s.level("a", "BACKWARD")
	s.must("a", closedA, 1, 1)
	s.must("a", `{"type":"object","properties":{"a":{}},"additionalProperties":false}`, 2, 2)
	for _, id := range []int32{1, 2} {
		stored, err := s.Schema(id, Subject{Context: DefaultContext})
		if err != nil {
			t.Fatal(err)
		}
		if s.documents.known[documentKey{DefaultContext, stored.digest}] == nil {
			t.Errorf("the schema %d is parsed again for the next version", id)
		}
	}
}
