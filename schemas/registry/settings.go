package registry

import (
	"context"
	"fmt"
)

// Config is what is configured for a subject itself, for a context (":.context:"), or for all (""). inherited adds what holds
// from above.
func (r *Registry) Config(of Subject, inherited bool) (Config, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if inherited || of == (Subject{DefaultContext, ""}) {
		return r.state.configInScope(of, r.own), nil
	}
	c, ok := r.state.config(of)
	if !ok {
		return c, &Error{codeNoSubjectLevel, fmt.Sprintf("Subject '%s' does not have subject-level compatibility configured", of)}
	}
	return c, nil
}

// SetConfig changes a configuration and returns the change as it was understood.
func (r *Registry) SetConfig(ctx context.Context, of Subject, change Change) (Change, error) {
	if !of.plain() {
		return change, invalidSubject(of.String())
	}
	var understood Change
	err := r.submit(ctx, func() (*command, error) {
		r.mu.RLock()
		defer r.mu.RUnlock()
		if mode := r.state.modeInScope(of); mode.readOnly() {
			return nil, readOnly(of, mode)
		}
		c, _ := r.state.config(of)
		var err error
		if c, understood, err = change.applied(c); err != nil {
			return nil, err
		}
		return r.setting(key{kind: kindConfig, context: of.Context, subject: of.Name}, payload{Config: &c}), nil
	})
	return understood, err
}

// DeleteConfig takes a configuration away and returns it.
func (r *Registry) DeleteConfig(ctx context.Context, of Subject) (Config, error) {
	var was Config
	err := r.submit(ctx, func() (*command, error) {
		r.mu.RLock()
		defer r.mu.RUnlock()
		c, ok := r.state.config(of)
		switch {
		case r.state.modeInScope(of).readOnly():
			return nil, readOnly(of, r.state.modeInScope(of))
		case !ok && of == (Subject{DefaultContext, ""}):
			was = r.state.configInScope(of, r.own)
			return nil, nil
		case !ok:
			return nil, &Error{codeNoSubjectLevel, fmt.Sprintf("Subject '%s' does not have subject-level compatibility configured", of)}
		}
		was = c
		return r.setting(key{kind: kindConfig, context: of.Context, subject: of.Name}, payload{}), nil
	})
	return was, err
}

// setting is the command that changes what all decisions rest on. The state is locked by the caller.
func (r *Registry) setting(k key, p payload) *command {
	return &command{
		reads: map[string]uint64{onSettings: r.state.revisions[onSettings]}, writes: []string{onSettings},
		entries: func(by string, _ *allocation) ([]entry, error) {
			p.By = by
			return []entry{{key: k, payload: p}}, nil
		},
	}
}

// Mode is that of a subject itself, of a context, or of all (""). inherited adds what holds from above.
func (r *Registry) Mode(of Subject, inherited bool) (Mode, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if inherited || of == (Subject{DefaultContext, ""}) {
		return r.state.modeInScope(of), nil
	}
	m, ok := r.state.mode(of)
	if !ok {
		return m, noMode(of)
	}
	return m, nil
}

func noMode(of Subject) error {
	return &Error{codeNoSubjectMode, fmt.Sprintf("Subject '%s' does not have subject-level mode configured", of)}
}

// SetMode sets a mode. Into IMPORT goes only what holds no schemas, unless it is forced.
func (r *Registry) SetMode(ctx context.Context, of Subject, m Mode, force bool) error {
	if !of.plain() {
		return invalidSubject(of.String())
	}
	return r.submit(ctx, func() (*command, error) {
		r.mu.RLock()
		defer r.mu.RUnlock()
		if m == Import && !force && len(r.held(of)) > 0 {
			return nil, notPermitted("Cannot import since found existing subjects")
		}
		return r.setting(key{kind: kindMode, context: of.Context, subject: of.Name}, payload{Mode: m}), nil
	})
}

// held are the subjects with versions in what a setting is about.
func (r *Registry) held(of Subject) []Subject {
	if of.Name == "" {
		return r.state.find(of)
	}
	if len(r.state.versions(of)) > 0 {
		return []Subject{of}
	}
	return nil
}

// DeleteMode takes a mode away and returns it.
func (r *Registry) DeleteMode(ctx context.Context, of Subject) (Mode, error) {
	var was Mode
	err := r.submit(ctx, func() (*command, error) {
		r.mu.RLock()
		defer r.mu.RUnlock()
		m, ok := r.state.mode(of)
		switch {
		case !ok && of == (Subject{DefaultContext, ""}):
			was = ReadWrite
			return nil, nil
		case !ok:
			return nil, noMode(of)
		}
		was = m
		return r.setting(key{kind: kindMode, context: of.Context, subject: of.Name}, payload{}), nil
	})
	return was, err
}

// DeleteContext takes away the settings of a context without subjects, and with them the context.
func (r *Registry) DeleteContext(ctx context.Context, name string) error {
	of := Subject{name, ""}
	return r.submit(ctx, func() (*command, error) {
		r.mu.RLock()
		defer r.mu.RUnlock()
		sp := r.state.spaces[name]
		if sp == nil {
			return nil, subjectNotFound(of)
		}
		if len(sp.subjects) > 0 {
			return nil, &Error{codeContextNotEmpty, fmt.Sprintf("The specified context '%s' is not empty.", name)}
		}
		var keys []key
		for subject := range sp.configs {
			keys = append(keys, key{kind: kindConfig, context: name, subject: subject})
		}
		for subject := range sp.modes {
			keys = append(keys, key{kind: kindMode, context: name, subject: subject})
		}
		if len(keys) == 0 {
			return nil, nil
		}
		c := r.setting(keys[0], payload{})
		c.entries = func(by string, _ *allocation) ([]entry, error) {
			var entries []entry
			for i, k := range keys {
				e := entry{key: k}
				if i == len(keys)-1 {
					e.By = by
				}
				entries = append(entries, e)
			}
			return entries, nil
		}
		return c, nil
	})
}

// normalizes reports whether schemas of a subject are normalized without being asked.
func (r *Registry) normalizes(subject Subject) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	c := r.state.configInScope(subject, r.own)
	return c.Normalize != nil && *c.Normalize
}
