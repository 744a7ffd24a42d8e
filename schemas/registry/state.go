package registry

import (
	"maps"
	"slices"
)

// state is what the log says. Nothing but take changes it.
type state struct {
	spaces map[string]*space
	// revisions say when the things that decisions rest on changed last: the number of the record. 0 is never.
	revisions map[string]uint64
	taken     uint64
}

// space is a context, with ids of its own.
type space struct {
	next     int32 // the first id that was never given
	schemas  map[int32]*Stored
	digests  map[digest]int32
	subjects map[string][]version // ascending
	configs  map[string]Config    // "" for the context itself
	modes    map[string]Mode
	// referring are the schemas that refer to a version, by qualified subject.
	referring map[use]map[int32]bool
}

type version struct {
	number, id int32
	deleted    bool
}

func newState() *state {
	return &state{spaces: map[string]*space{}, revisions: map[string]uint64{}}
}

func (s *state) space(context string) *space {
	sp := s.spaces[context]
	if sp == nil {
		sp = &space{
			next: 1, schemas: map[int32]*Stored{}, digests: map[digest]int32{}, subjects: map[string][]version{},
			configs: map[string]Config{}, modes: map[string]Mode{}, referring: map[use]map[int32]bool{},
		}
		s.spaces[context] = sp
	}
	return sp
}

// take takes an entry of the log in.
func (s *state) take(e entry) {
	s.taken++
	k, p := e.key, e.payload
	sp, subject := s.space(k.context), Subject{k.context, k.subject}
	switch k.kind {
	case kindSchema:
		sp.takeSchema(k, p, e.removes)
	case kindVersion:
		s.revisions[onSubject(subject)] = s.taken
		sp.takeVersion(k, p, e.removes)
		if stored := sp.schemas[p.ID]; stored != nil {
			for _, ref := range stored.References {
				s.revisions[onReferences(ParseSubject(ref.Subject))] = s.taken
			}
		}
	case kindConfig:
		s.revisions[onSettings] = s.taken
		if p.Config == nil {
			delete(sp.configs, k.subject)
		} else {
			sp.configs[k.subject] = *p.Config
		}
	case kindMode:
		s.revisions[onSettings] = s.taken
		if p.Mode == "" {
			delete(sp.modes, k.subject)
		} else {
			sp.modes[k.subject] = p.Mode
		}
	case kindIDs:
		sp.next = max(sp.next, p.Next)
	}
}

func (sp *space) takeSchema(k key, p payload, removed bool) {
	id := k.number
	if old := sp.schemas[id]; old != nil {
		for _, r := range old.References {
			delete(sp.referring[use{r.Subject, r.Version}], id)
		}
		if sp.digests[old.digest] == id {
			delete(sp.digests, old.digest)
		}
		delete(sp.schemas, id)
	}
	sp.next = max(sp.next, id+1)
	if removed {
		return
	}
	stored := newStored(id, p)
	sp.schemas[id] = stored
	sp.digests[stored.digest] = id
	for _, r := range p.References {
		u := use{r.Subject, r.Version}
		if sp.referring[u] == nil {
			sp.referring[u] = map[int32]bool{}
		}
		sp.referring[u][id] = true
	}
}

func (sp *space) takeVersion(k key, p payload, removed bool) {
	versions := sp.subjects[k.subject]
	at, found := slices.BinarySearchFunc(versions, k.number, func(v version, n int32) int { return int(v.number - n) })
	if found {
		if stored := sp.schemas[versions[at].id]; stored != nil {
			gone := use{k.subject, k.number}
			stored.users = slices.DeleteFunc(stored.users, func(u use) bool { return u == gone })
		}
		versions = slices.Delete(versions, at, at+1)
	}
	if !removed {
		versions = slices.Insert(versions, at, version{k.number, p.ID, p.Deleted})
		sp.next = max(sp.next, p.ID+1)
		if stored := sp.schemas[p.ID]; stored != nil {
			stored.users = append(stored.users, use{k.subject, k.number})
		}
	}
	if len(versions) == 0 {
		delete(sp.subjects, k.subject)
		return
	}
	sp.subjects[k.subject] = versions
}

// versions are those of a subject, ascending; the deleted ones too. They are the state's own.
func (s *state) versions(of Subject) []version {
	if sp := s.spaces[of.Context]; sp != nil {
		return sp.subjects[of.Name]
	}
	return nil
}

// live are the versions that are not deleted.
func live(all []version) []version {
	return slices.DeleteFunc(slices.Clone(all), func(v version) bool { return v.deleted })
}

func (s *state) stored(context string, id int32) *Stored {
	if sp := s.spaces[context]; sp != nil {
		return sp.schemas[id]
	}
	return nil
}

func (s *state) config(of Subject) (Config, bool) {
	if sp := s.spaces[of.Context]; sp != nil {
		c, ok := sp.configs[of.Name]
		return c, ok
	}
	return Config{}, false
}

// configInScope is what holds for a subject: its own configuration, then its context's, then the default context's.
func (s *state) configInScope(of Subject, own func(Subject) bool) Config {
	c, _ := s.config(of)
	for _, above := range []Subject{{of.Context, ""}, {globalContext, ""}, {DefaultContext, ""}} {
		inherited, _ := s.config(above)
		c = c.over(inherited)
	}
	policy := PolicyStrict
	if own(of) {
		policy = PolicySound
	}
	return c.over(Config{Level: DefaultLevel, Policy: policy})
}

// globalContext holds settings for all contexts.
const globalContext = ".__GLOBAL"

func (s *state) mode(of Subject) (Mode, bool) {
	if sp := s.spaces[of.Context]; sp != nil {
		m, ok := sp.modes[of.Name]
		return m, ok
	}
	return "", false
}

func (s *state) modeInScope(of Subject) Mode {
	if m, _ := s.mode(Subject{DefaultContext, ""}); m == ReadOnlyOverride {
		return m
	}
	for _, at := range []Subject{of, {of.Context, ""}, {globalContext, ""}, {DefaultContext, ""}} {
		if m, ok := s.mode(at); ok {
			return m
		}
	}
	return ReadWrite
}

// contexts are those in which there is something.
func (s *state) contexts() []string {
	names := []string{DefaultContext}
	for name, sp := range s.spaces {
		if name != DefaultContext && name != globalContext && (len(sp.subjects) > 0 || len(sp.configs) > 0 || len(sp.modes) > 0) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// find are the subjects that begin with a prefix, in order.
func (s *state) find(prefix Subject) []Subject {
	var found []Subject
	for _, context := range slices.Sorted(maps.Keys(s.spaces)) {
		if prefix.Context != AnyContext && prefix.Context != context {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(s.spaces[context].subjects)) {
			if subject := (Subject{context, name}); subject.matches(prefix) {
				found = append(found, subject)
			}
		}
	}
	return found
}
