package registry

import (
	"context"
	"strings"
)

// Registration is what is wanted of Register beside the schema.
type Registration struct {
	Normalize bool
	// ID and Version are given in mode IMPORT, and of a copy; 0 or -1 otherwise.
	ID, Version int32
	// Copy marks a version of the registry that this one follows. No mode is asked; from the first one on the subject is in mode
	// FORWARD, so that nobody else writes to it.
	Copy bool
}

// Registered says where a schema stands.
type Registered struct {
	Subject Subject
	Version int32
	Schema  *Stored
	Deleted bool
}

// Register puts a schema under a subject as its next version, unless it stands there already. It returns when the version is
// in the log for good.
func (r *Registry) Register(ctx context.Context, subject Subject, s Schema, o Registration) (Registered, error) {
	var number int32
	subject = r.alias(subject)
	err := r.submit(ctx, func() (*command, error) {
		c, at, err := r.decideRegister(ctx, subject, s, o)
		number = at
		return c, err
	})
	if err != nil {
		return Registered{}, err
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	v, err := r.state.one(subject, number, true)
	if err != nil {
		return Registered{}, err // deleted for good in the meantime
	}
	return r.registered(subject, v)
}

// decideRegister returns the number of the version that a schema has or gets, and the command that registers it.
func (r *Registry) decideRegister(ctx context.Context, subject Subject, s Schema, o Registration) (*command, int32, error) {
	if err := subject.valid(); err != nil {
		return nil, 0, err
	}
	normalize := o.Normalize || r.normalizes(subject)
	s, err := s.canonical(normalize)
	if err != nil {
		return nil, 0, err
	}
	p, err := r.prepareRegistration(subject, s, o, normalize)
	if err != nil || p.stands != 0 {
		return nil, p.stands, err
	}
	d, err := r.parse(ctx, p.res)
	if err != nil {
		return nil, 0, err
	}
	if p.mode != Import {
		why, err := r.judge(ctx, d, p.history, p.config)
		if err != nil {
			return nil, 0, err
		}
		if why != nil {
			return nil, 0, &Error{codeIncompatible, "Schema being registered is incompatible with an earlier schema for subject \"" +
				subject.String() + "\", details: [" + strings.Join(why, ", ") + "]"}
		}
	}
	if len(p.history) > 0 { // the next version is compared with this one
		r.documents.keep(documentKey{subject.Context, p.digest}, d, len(p.res.schema.Text))
	}
	return p.command(subject, o), p.number, nil
}

// prepared is a registration that lacks only the judgement.
type prepared struct {
	res     resolved
	digest  digest
	config  Config
	mode    Mode
	history []earlier
	number  int32 // of the new version
	stands  int32 // the version at which the schema stands already
	// claims says that the subject is to be put into mode FORWARD.
	claims bool
	reads  map[string]uint64
}

// prepareRegistration reads what a registration rests on, at one moment.
func (r *Registry) prepareRegistration(subject Subject, s Schema, o Registration, normalized bool) (p prepared, err error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	p.mode = r.state.modeInScope(subject)
	if o.Copy {
		if p.claims = !r.state.copied(subject); p.claims && len(r.state.versions(subject)) > 0 {
			return p, notPermitted("Subject %s is this registry's own, and the registry that it follows has one of that name, too: register yours under another", subject)
		}
		p.mode = Import
	}
	if p.mode.readOnly() {
		return p, readOnly(subject, p.mode)
	}
	if o.ID > 0 && p.mode != Import {
		return p, notPermitted("Subject %s in context %s is not in import mode", subject, subject.Context)
	}
	if o.ID <= 0 && p.mode == Import {
		return p, notPermitted("Subject %s in context %s is in import mode: give the id of the schema", subject, subject.Context)
	}
	p.config = r.state.configInScope(subject, r.own)
	if p.config.Normalize != nil && *p.config.Normalize && !normalized { // since it was read
		if s, err = s.canonical(true); err != nil {
			return p, err
		}
	}
	if p.res, err = r.resolve(subject.Context, s); err != nil {
		return p, err
	}
	p.digest = digestOf(p.res.schema)
	p.reads = p.res.reads
	for _, name := range []string{onSettings, onSubject(subject)} {
		p.reads[name] = r.state.revisions[name]
	}
	for _, v := range r.state.versions(subject) {
		p.number = max(p.number, v.number)
		if stored := r.state.stored(subject.Context, v.id); stored != nil && stored.digest == p.digest && !v.deleted && (o.ID <= 0 || o.ID == v.id) && (!o.Copy || o.Version == v.number) {
			p.stands = v.number
		}
	}
	p.number++
	switch {
	case p.mode == Import && o.Version > 0:
		p.number = o.Version
		for _, v := range r.state.versions(subject) {
			if v.number == o.Version && v.id != o.ID {
				return p, &Error{codeIDMismatch, "Overwrite new schema with id " + decimal(o.ID) + " is not permitted: the version has id " + decimal(v.id)}
			}
		}
	case o.Version > 0 && o.Version != p.number && o.Version != p.stands:
		return p, invalidSchema("version %d is not one more than the previous version %d", o.Version, p.number-1)
	}
	if p.mode != Import && p.stands == 0 {
		p.history, err = r.history(subject, p.config, p.res.schema.Metadata)
	}
	return p, err
}

func (p prepared) command(subject Subject, o Registration) *command {
	writes := []string{onSubject(subject)}
	if p.claims {
		writes = append(writes, onSettings)
	}
	for _, ref := range p.res.schema.References {
		writes = append(writes, onReferences(ParseSubject(ref.Subject)))
	}
	return &command{reads: p.reads, writes: writes, alone: p.mode == Import, entries: func(by string, ids *allocation) ([]entry, error) {
		id := o.ID
		var isNew bool
		if p.mode == Import {
			there := ids.state.stored(subject.Context, id)
			if there != nil && there.digest != p.digest {
				return nil, &Error{codeIDMismatch, "Overwrite new schema with id " + decimal(id) + " is not permitted: the id names another schema"}
			}
			isNew = there == nil
		} else {
			id, isNew = ids.id(subject.Context, p.digest)
		}
		var entries []entry
		if p.claims {
			entries = append(entries, entry{key: key{kind: kindMode, context: subject.Context, subject: subject.Name}, payload: payload{Mode: Forward}})
		}
		if isNew {
			s := p.res.schema
			entries = append(entries, entry{
				key:     key{kind: kindSchema, context: subject.Context, number: id},
				payload: payload{Schema: quote(nil, s.Text), References: s.References, Metadata: s.Metadata, RuleSet: s.RuleSet},
			})
		}
		return append(entries, entry{key: versionKey(subject, p.number), payload: payload{ID: id, By: by}}), nil
	}}
}

// LookUp finds the version of a subject under which a schema stands.
func (r *Registry) LookUp(subject Subject, s Schema, normalize, deleted bool) (Registered, error) {
	subject = r.alias(subject)
	s, err := s.canonical(normalize || r.normalizes(subject))
	if err != nil {
		return Registered{}, err
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	versions := r.state.versions(subject)
	if !deleted {
		versions = live(versions)
	}
	if len(versions) == 0 {
		return Registered{}, subjectNotFound(subject)
	}
	res, err := r.resolve(subject.Context, s)
	if err != nil {
		return Registered{}, err
	}
	want := digestOf(res.schema)
	for i := len(versions) - 1; i >= 0; i-- {
		if stored := r.state.stored(subject.Context, versions[i].id); stored != nil && stored.digest == want {
			return Registered{subject, versions[i].number, stored, versions[i].deleted}, nil
		}
	}
	return Registered{}, &Error{codeSchemaNotFound, "Schema not found"}
}

// Compare judges a schema against one version of a subject, 0 for all that its level asks for, and says what is wrong;
// nothing when the schema fits.
func (r *Registry) Compare(ctx context.Context, subject Subject, version int32, s Schema, normalize bool) ([]string, error) {
	subject = r.alias(subject)
	if err := subject.valid(); err != nil {
		return nil, err
	}
	s, err := s.canonical(normalize || r.normalizes(subject))
	if err != nil {
		return nil, err
	}
	r.mu.RLock()
	config := r.state.configInScope(subject, r.own)
	history, res, err := r.comparison(subject, version, s, config)
	r.mu.RUnlock()
	if err != nil {
		return nil, err
	}
	d, err := r.parse(ctx, res)
	if err != nil {
		return nil, err
	}
	return r.judge(ctx, d, history, config)
}

// comparison is what a schema is compared with. The state is locked by the caller.
func (r *Registry) comparison(subject Subject, version int32, s Schema, config Config) ([]earlier, resolved, error) {
	res, err := r.resolve(subject.Context, s)
	if err != nil {
		return nil, res, err
	}
	if version == 0 {
		history, err := r.history(subject, config, s.Metadata)
		return history, res, err
	}
	v, err := r.state.one(subject, version, false)
	switch {
	case err != nil && version == Latest:
		return nil, res, nil // the first version fits
	case err != nil:
		return nil, res, versionNotFound(version)
	case config.Level == "NONE":
		return nil, res, nil
	}
	stored := r.state.stored(subject.Context, v.id)
	if stored == nil {
		return nil, res, versionNotFound(version)
	}
	e := earlier{number: v.number, context: subject.Context, stored: stored}
	e.res = resolved{schema: Schema{Text: stored.Text(), References: stored.References}, texts: map[string][]byte{}}
	return []earlier{e}, res, r.collect(subject.Context, stored.References, e.res.texts, 0)
}
