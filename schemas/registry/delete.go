package registry

import (
	"context"
	"fmt"
)

// DeleteSubject deletes all versions of a subject softly, or those that are soft-deleted for good, and returns their numbers.
func (r *Registry) DeleteSubject(ctx context.Context, subject Subject, permanent bool) ([]int32, error) {
	subject = r.alias(subject)
	var numbers []int32
	err := r.submit(ctx, func() (*command, error) {
		r.mu.RLock()
		defer r.mu.RUnlock()
		all := r.state.versions(subject)
		alive := live(all)
		switch {
		case len(all) == 0:
			return nil, subjectNotFound(subject)
		case !permanent && len(alive) == 0:
			return nil, &Error{codeSubjectSoftDeleted, fmt.Sprintf("Subject '%s' was soft deleted. Set permanent=true to delete permanently", subject)}
		case permanent && len(alive) > 0:
			return nil, &Error{codeSubjectNotSoftDeleted, fmt.Sprintf("Subject '%s' was not deleted first before being permanently deleted", subject)}
		}
		if !permanent {
			all = alive
		}
		c, deleted, err := r.decideDelete(subject, all, permanent)
		numbers = deleted
		return c, err
	})
	return numbers, err
}

// DeleteVersion deletes a version softly, or a soft-deleted one for good, and returns its number.
func (r *Registry) DeleteVersion(ctx context.Context, subject Subject, number int32, permanent bool) (int32, error) {
	subject = r.alias(subject)
	var deleted int32
	err := r.submit(ctx, func() (*command, error) {
		r.mu.RLock()
		defer r.mu.RUnlock()
		v, err := r.state.one(subject, number, number != Latest || permanent)
		switch {
		case err != nil:
			return nil, err
		case !permanent && v.deleted:
			return nil, &Error{codeVersionSoftDeleted, fmt.Sprintf("Subject '%s' Version %d was soft deleted. Set permanent=true to delete permanently", subject, v.number)}
		case permanent && !v.deleted:
			return nil, &Error{codeVersionNotSoftDeleted, fmt.Sprintf("Subject '%s' Version %d was not deleted first before being permanently deleted", subject, v.number)}
		}
		deleted = v.number
		c, _, err := r.decideDelete(subject, []version{v}, permanent)
		return c, err
	})
	return deleted, err
}

// decideDelete makes the command that deletes versions. The state is locked by the caller.
func (r *Registry) decideDelete(subject Subject, versions []version, permanent bool) (*command, []int32, error) {
	if mode := r.state.modeInScope(subject); mode.readOnly() {
		return nil, nil, readOnly(subject, mode)
	}
	return r.deletion(subject, versions, permanent)
}

// deletion is decideDelete whatever the mode.
func (r *Registry) deletion(subject Subject, versions []version, permanent bool) (*command, []int32, error) {
	numbers := []int32{}
	for _, v := range versions {
		if by := r.state.referring(subject, v.number); len(by) > 0 {
			return nil, nil, &Error{codeReferenceExists, fmt.Sprintf("One or more references exist to the schema {magic=1,keytype=SCHEMA,subject=%s,version=%d}: ids %v", subject, v.number, by)}
		}
		numbers = append(numbers, v.number)
	}
	reads := map[string]uint64{}
	for _, name := range []string{onSettings, onSubject(subject), onReferences(subject)} {
		reads[name] = r.state.revisions[name]
	}
	c := &command{reads: reads, writes: []string{onSubject(subject)}}
	if !permanent {
		c.entries = func(by string, _ *allocation) ([]entry, error) {
			var entries []entry
			for i, v := range versions {
				e := entry{key: versionKey(subject, v.number), payload: payload{ID: v.id, Deleted: true}}
				if i == len(versions)-1 {
					e.By = by
				}
				entries = append(entries, e)
			}
			return entries, nil
		}
		return c, numbers, nil
	}
	c.alone = true // nobody may give another user to a schema that goes
	c.entries = func(by string, ids *allocation) ([]entry, error) {
		return forgotten(ids.state, subject, versions, by), nil
	}
	return c, numbers, nil
}

// forgotten are the entries that take versions out of the log, with the schemas that nobody else has. The last one keeps
// their ids from being given again.
func forgotten(s *state, subject Subject, versions []version, by string) []entry {
	going := map[int32]int{}
	var entries []entry
	for _, v := range versions {
		going[v.id]++
		entries = append(entries, entry{key: versionKey(subject, v.number), removes: true})
	}
	for id, n := range going {
		if stored := s.stored(subject.Context, id); stored != nil && len(stored.users) == n {
			entries = append(entries, entry{key: key{kind: kindSchema, context: subject.Context, number: id}, removes: true})
		}
	}
	next := s.space(subject.Context).next
	return append(entries, entry{key: key{kind: kindIDs, context: subject.Context}, payload: payload{Next: next, By: by}})
}
