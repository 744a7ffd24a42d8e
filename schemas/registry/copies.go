package registry

import "context"

// A registry may follow another: it has copies of that one's versions, under the same subjects, numbers and ids, and others may
// refer to them but not change them. Package follow fetches them.

// Copies are the versions, deleted ones left out, that were copied from the registry that this one follows, in order.
func (r *Registry) Copies() []Registered {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var found []Registered
	for _, s := range r.state.find(Subject{DefaultContext, ""}) {
		if !r.state.copied(s) {
			continue
		}
		for _, v := range live(r.state.versions(s)) {
			if one, err := r.registered(s, v); err == nil {
				found = append(found, one)
			}
		}
	}
	return found
}

// copied reports whether the versions of a subject are copies: whoever writes the first one sets that mode.
func (s *state) copied(subject Subject) bool {
	m, _ := s.mode(subject)
	return m == Forward
}

// DeleteCopy deletes a copied version softly, because the registry that is followed does not have it any more. What other
// schemas refer to stays, with an error.
func (r *Registry) DeleteCopy(ctx context.Context, subject Subject, number int32) error {
	return r.submit(ctx, func() (*command, error) {
		r.mu.RLock()
		defer r.mu.RUnlock()
		v, err := r.state.one(subject, number, true)
		switch {
		case err != nil:
			return nil, err
		case !r.state.copied(subject):
			return nil, notPermitted("Subject %s is no copy", subject)
		case v.deleted:
			return nil, nil
		}
		c, _, err := r.deletion(subject, []version{v}, false)
		return c, err
	})
}

// ReserveIDs leaves the ids of the default context up to last, those that were given already excepted, to copies.
func (r *Registry) ReserveIDs(ctx context.Context, last int32) error {
	return r.submit(ctx, func() (*command, error) {
		if r.MaxID(DefaultContext) >= last {
			return nil, nil
		}
		return &command{alone: true, entries: func(by string, _ *allocation) ([]entry, error) {
			return []entry{{key: key{kind: kindIDs, context: DefaultContext}, payload: payload{Next: last + 1, By: by}}}, nil
		}}, nil
	})
}
