package registry

import (
	"slices"
	"strconv"
	"strings"
)

// Latest as a version is the last one that is not deleted.
const Latest int32 = -1

// ParseVersion reads a version as clients write it.
func ParseVersion(text string) (int32, error) {
	trimmed := strings.TrimSpace(text)
	if strings.EqualFold(trimmed, "latest") {
		return Latest, nil
	}
	n, err := strconv.ParseInt(trimmed, 10, 32)
	if err != nil || n <= 0 && n != int64(Latest) {
		return 0, InvalidVersion(text)
	}
	return int32(n), nil
}

func decimal(n int32) string { return strconv.Itoa(int(n)) }

// one finds a version.
func (s *state) one(subject Subject, number int32, deleted bool) (version, error) {
	versions := s.versions(subject)
	if !deleted {
		versions = live(versions)
	}
	if len(versions) == 0 {
		return version{}, subjectNotFound(subject)
	}
	if number == Latest {
		return versions[len(versions)-1], nil
	}
	for _, v := range versions {
		if v.number == number {
			return v, nil
		}
	}
	return version{}, versionNotFound(number)
}

// alias follows the alias of a subject, once.
func (r *Registry) alias(subject Subject) Subject {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if c, ok := r.state.config(subject); ok && c.Alias != "" && subject.Name != "" {
		return r.referred(subject.Context, c.Alias)
	}
	return subject
}

// Version returns a version of a subject.
func (r *Registry) Version(subject Subject, number int32, deleted bool) (Registered, error) {
	subject = r.alias(subject)
	r.mu.RLock()
	defer r.mu.RUnlock()
	v, err := r.state.one(subject, number, deleted)
	if err != nil {
		return Registered{}, err
	}
	return r.registered(subject, v)
}

func (r *Registry) registered(subject Subject, v version) (Registered, error) {
	stored := r.state.stored(subject.Context, v.id)
	if stored == nil {
		return Registered{}, versionNotFound(v.number)
	}
	return Registered{subject, v.number, stored, v.deleted}, nil
}

// Schema returns a schema by its id, in the context of a subject or a context.
func (r *Registry) Schema(id int32, in Subject) (*Stored, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	stored := r.state.stored(in.Context, id)
	if stored == nil || len(stored.users) == 0 {
		return nil, SchemaNotFound(decimal(id))
	}
	return stored, nil
}

// SchemaByGUID returns a schema by its GUID, and the context in which it is.
func (r *Registry) SchemaByGUID(guid string) (*Stored, string, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, context := range r.state.contexts() {
		sp := r.state.spaces[context]
		if sp == nil {
			continue
		}
		for d, id := range sp.digests {
			if d.guid() == guid && sp.schemas[id] != nil {
				return sp.schemas[id], context, nil
			}
		}
	}
	return nil, "", SchemaNotFound(guid)
}

// MaxID is the highest id that was given in a context.
func (r *Registry) MaxID(context string) int32 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if sp := r.state.spaces[context]; sp != nil {
		return sp.next - 1
	}
	return 0
}

// Filter says which versions count.
type Filter struct{ Deleted, DeletedOnly bool }

func (f Filter) takes(v version) bool {
	if f.DeletedOnly {
		return v.deleted
	}
	return f.Deleted || !v.deleted
}

// Users are the versions that have a schema, in order.
func (r *Registry) Users(id int32, in Subject, f Filter) ([]Registered, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	stored := r.state.stored(in.Context, id)
	if stored == nil || len(stored.users) == 0 {
		return nil, SchemaNotFound(decimal(id))
	}
	var found []Registered
	for _, u := range stored.users {
		subject := Subject{in.Context, u.subject}
		if in.Name != "" && in.Name != u.subject {
			continue
		}
		for _, v := range r.state.versions(subject) {
			if v.number == u.number && f.takes(v) {
				found = append(found, Registered{subject, v.number, stored, v.deleted})
			}
		}
	}
	slices.SortFunc(found, func(a, b Registered) int {
		if c := strings.Compare(a.Subject.Name, b.Subject.Name); c != 0 {
			return c
		}
		return int(a.Version - b.Version)
	})
	return found, nil
}

// Subjects are those that begin with a prefix and have a version that counts, in order.
func (r *Registry) Subjects(prefix Subject, f Filter) []Subject {
	r.mu.RLock()
	defer r.mu.RUnlock()
	all := r.state.find(prefix)
	return slices.DeleteFunc(all, func(s Subject) bool {
		versions := r.state.versions(s)
		if f.DeletedOnly { // those of which nothing is left
			return slices.ContainsFunc(versions, func(v version) bool { return !v.deleted })
		}
		return !slices.ContainsFunc(versions, f.takes)
	})
}

// Versions are the numbers of a subject's versions, ascending.
func (r *Registry) Versions(subject Subject, f Filter) ([]Registered, error) {
	subject = r.alias(subject)
	r.mu.RLock()
	defer r.mu.RUnlock()
	versions := r.state.versions(subject)
	if !f.Deleted && !f.DeletedOnly {
		versions = live(versions)
	}
	if len(versions) == 0 {
		return nil, subjectNotFound(subject)
	}
	var found []Registered
	for _, v := range versions {
		if f.takes(v) {
			found = append(found, Registered{subject, v.number, r.state.stored(subject.Context, v.id), v.deleted})
		}
	}
	return found, nil
}

// All are the versions of the subjects that begin with a prefix, in order.
func (r *Registry) All(prefix Subject, f Filter, latestOnly bool) []Registered {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var found []Registered
	for _, s := range r.state.find(prefix) {
		var last *Registered
		for _, v := range r.state.versions(s) {
			one, err := r.registered(s, v)
			if err != nil || !f.takes(v) {
				continue
			}
			if last = &one; !latestOnly {
				found = append(found, one)
			}
		}
		if latestOnly && last != nil {
			found = append(found, *last)
		}
	}
	return found
}

// LatestWith is the last version of a subject whose metadata has all of these properties.
func (r *Registry) LatestWith(subject Subject, properties map[string]string, deleted bool) (Registered, error) {
	all, err := r.Versions(subject, Filter{Deleted: deleted})
	if err != nil {
		return Registered{}, err
	}
	for i := len(all) - 1; i >= 0; i-- {
		fits := all[i].Schema != nil
		for name, value := range properties {
			fits = fits && property(all[i].Schema.Metadata, name) == value
		}
		if fits {
			return all[i], nil
		}
	}
	return Registered{}, &Error{codeSchemaNotFound, "Schema not found"}
}

// ReferencedBy are the ids of the schemas that refer to a version, ascending.
func (r *Registry) ReferencedBy(subject Subject, number int32) ([]int32, error) {
	subject = r.alias(subject)
	r.mu.RLock()
	defer r.mu.RUnlock()
	v, err := r.state.one(subject, number, true)
	if err != nil {
		return nil, err
	}
	return r.state.referring(subject, v.number), nil
}

// referring are the ids, in any context, of schemas in use that refer to a version.
func (s *state) referring(subject Subject, number int32) []int32 {
	ids := []int32{}
	for _, sp := range s.spaces {
		for id := range sp.referring[use{subject.String(), number}] {
			if stored := sp.schemas[id]; stored != nil && len(stored.users) > 0 {
				ids = append(ids, id)
			}
		}
	}
	slices.Sort(ids)
	return ids
}

// Contexts are those in which there is something, and the default one.
func (r *Registry) Contexts() []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.state.contexts()
}
