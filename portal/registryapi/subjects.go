package registryapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/lienthong/truc/schemas/registry"
)

// schemaRequest is the body of a registration, a look-up or a comparison.
type schemaRequest struct {
	Schema       string               `json:"schema"`
	SchemaType   string               `json:"schemaType"`
	References   []registry.Reference `json:"references"`
	Metadata     json.RawMessage      `json:"metadata"`
	RuleSet      json.RawMessage      `json:"ruleSet"`
	ID           int32                `json:"id"`
	Version      int32                `json:"version"`
	TagsToAdd    json.RawMessage      `json:"schemaTagsToAdd"`
	TagsToRemove json.RawMessage      `json:"schemaTagsToRemove"`
}

func (s schemaRequest) schema() registry.Schema {
	return registry.Schema{Type: s.SchemaType, Text: s.Schema, References: s.References, Metadata: s.Metadata, RuleSet: s.RuleSet}
}

func (a *api) subjects(r *http.Request) (any, error) {
	q := queryOf(r)
	var names []string
	for _, s := range a.registry.Subjects(prefixOf(r, q), q.filter()) {
		names = append(names, s.String())
	}
	return page(q, names, 0)
}

func (a *api) lookUp(r *http.Request) (any, error) {
	var body schemaRequest
	if err := decode(r, &body); err != nil {
		return nil, err
	}
	q := queryOf(r)
	at, err := a.registry.LookUp(subjectOf(r), body.schema(), q.yes("normalize"), q.yes("deleted"))
	if err != nil {
		return nil, err
	}
	return placeOf(at), nil
}

func (a *api) register(r *http.Request) (any, error) {
	var body schemaRequest
	if err := decode(r, &body); err != nil {
		return nil, err
	}
	if given(body.TagsToAdd) || given(body.TagsToRemove) {
		return nil, &registry.Error{Code: 42201, Message: "Invalid schema: this registry does not add or remove tags; write them into the schema"}
	}
	ctx, cancel := context.WithTimeout(r.Context(), writeTimeout)
	defer cancel()
	at, err := a.registry.Register(ctx, subjectOf(r), body.schema(), registry.Registration{
		Normalize: queryOf(r).yes("normalize"), ID: body.ID, Version: body.Version,
	})
	if err != nil {
		return nil, err
	}
	reply := placeOf(at)
	reply.Subject = ""
	return reply, nil
}

// given reports whether a member of a body says something.
func given(member json.RawMessage) bool {
	text := string(member)
	return text != "" && text != "null" && text != "[]"
}

func (a *api) deleteSubject(r *http.Request) (any, error) {
	ctx, cancel := context.WithTimeout(r.Context(), writeTimeout)
	defer cancel()
	return listed(a.registry.DeleteSubject(ctx, subjectOf(r), queryOf(r).yes("permanent")))
}

func listed(numbers []int32, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	if numbers == nil {
		numbers = []int32{}
	}
	return numbers, nil
}

// versionOf is the version of the path.
func versionOf(r *http.Request) (int32, error) { return registry.ParseVersion(param(r, "version")) }

func (a *api) at(r *http.Request) (registry.Registered, error) {
	number, err := versionOf(r)
	if err != nil {
		return registry.Registered{}, err
	}
	return a.registry.Version(subjectOf(r), number, queryOf(r).yes("deleted"))
}

func (a *api) version(r *http.Request) (any, error) {
	at, err := a.at(r)
	if err != nil {
		return nil, err
	}
	return placeOf(at), nil
}

func (a *api) text(r *http.Request) (any, error) {
	at, err := a.at(r)
	if err != nil {
		return nil, err
	}
	return raw(at.Schema.Text()), nil
}

func (a *api) referencedBy(r *http.Request) (any, error) {
	number, err := versionOf(r)
	if err != nil {
		return nil, err
	}
	ids, err := a.registry.ReferencedBy(subjectOf(r), number)
	if err != nil {
		return nil, err
	}
	return page(queryOf(r), ids, 0)
}

func (a *api) deleteVersion(r *http.Request) (any, error) {
	number, err := versionOf(r)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), writeTimeout)
	defer cancel()
	return a.registry.DeleteVersion(ctx, subjectOf(r), number, queryOf(r).yes("permanent"))
}

func (a *api) versions(r *http.Request) (any, error) {
	q := queryOf(r)
	filter := q.filter()
	negative := q.yes("deletedAsNegative")
	filter.Deleted = filter.Deleted || negative
	all, err := a.registry.Versions(subjectOf(r), filter)
	if err != nil {
		return nil, err
	}
	var numbers []int32
	for _, v := range all {
		if negative && v.Deleted {
			v.Version = -v.Version
		}
		numbers = append(numbers, v.Version)
	}
	return page(q, numbers, 0)
}

func (a *api) latestWith(r *http.Request) (any, error) {
	q := queryOf(r)
	properties := map[string]string{}
	for i, name := range q["key"] {
		if values := q["value"]; i < len(values) {
			properties[name] = values[i]
		}
	}
	at, err := a.registry.LatestWith(subjectOf(r), properties, q.yes("deleted"))
	if err != nil {
		return nil, err
	}
	return placeOf(at), nil
}

// verdict is the answer to a comparison.
type verdict struct {
	Compatible bool     `json:"is_compatible"`
	Messages   []string `json:"messages,omitempty"`
}

func (a *api) compare(r *http.Request) (any, error) {
	number := int32(0)
	if text := param(r, "version"); text != "" {
		var err error
		if number, err = registry.ParseVersion(text); err != nil {
			return nil, err
		}
	}
	var body schemaRequest
	if err := decode(r, &body); err != nil {
		return nil, err
	}
	q := queryOf(r)
	why, err := a.registry.Compare(r.Context(), subjectOf(r), number, body.schema(), q.yes("normalize"))
	verbose := q.yes("verbose")
	if f, _ := failureOf(err); err != nil && verbose && f.Code == 42201 {
		return verdict{Messages: []string{f.Message}}, nil
	}
	if err != nil {
		return nil, err
	}
	v := verdict{Compatible: len(why) == 0}
	if verbose {
		v.Messages = why
	}
	return v, nil
}

func (a *api) contexts(r *http.Request) (any, error) {
	q := queryOf(r)
	var names []string
	for _, name := range a.registry.Contexts() {
		if strings.HasPrefix(name, q.get("contextPrefix")) {
			names = append(names, name)
		}
	}
	return page(q, names, 0)
}

func (a *api) deleteContext(r *http.Request) (any, error) {
	ctx, cancel := context.WithTimeout(r.Context(), writeTimeout)
	defer cancel()
	if err := a.registry.DeleteContext(ctx, contextOf(r)); err != nil {
		return nil, err
	}
	return noContent{}, nil
}
