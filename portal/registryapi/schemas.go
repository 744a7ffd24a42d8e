package registryapi

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/lienthong/truc/schemas/registry"
)

// maxListed bounds the schemas in one answer.
const maxListed = 1000

// schemaReply is a schema, with where it stands if that was asked for.
type schemaReply struct {
	Subject    string               `json:"subject,omitempty"`
	Version    int32                `json:"version,omitempty"`
	ID         int32                `json:"id,omitempty"`
	GUID       string               `json:"guid,omitempty"`
	SchemaType string               `json:"schemaType,omitempty"`
	References []registry.Reference `json:"references,omitempty"`
	Metadata   json.RawMessage      `json:"metadata,omitempty"`
	RuleSet    json.RawMessage      `json:"ruleSet,omitempty"`
	Schema     json.RawMessage      `json:"schema,omitempty"`
	Deleted    bool                 `json:"deleted,omitempty"`
	MaxID      *int32               `json:"maxId,omitempty"`
}

func contentOf(s *registry.Stored) schemaReply {
	return schemaReply{
		GUID: s.GUID(), SchemaType: registry.TypeJSON, References: s.References, Metadata: s.Metadata, RuleSet: s.RuleSet, Schema: s.Quoted(),
	}
}

func placeOf(at registry.Registered) schemaReply {
	s := contentOf(at.Schema)
	s.Subject, s.Version, s.ID, s.Deleted = at.Subject.String(), at.Version, at.Schema.ID, at.Deleted
	return s
}

// stored is the schema that the path names by its id.
func (a *api) stored(r *http.Request, q query) (*registry.Stored, registry.Subject, error) {
	in := within(r, q.get("subject"))
	text := param(r, "id")
	id, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return nil, in, status(http.StatusNotFound)
	}
	s, err := a.registry.Schema(int32(id), in)
	return s, in, err
}

func (a *api) schemaByID(r *http.Request) (any, error) {
	q := queryOf(r)
	s, in, err := a.stored(r, q)
	if err != nil {
		return nil, err
	}
	if q == nil && isPlain(s) {
		return raw(s.Content()), nil
	}
	content := contentOf(s)
	if q.yes("fetchMaxId") {
		maxID := a.registry.MaxID(in.Context)
		content.MaxID = &maxID
	}
	return content, nil
}

func (a *api) textByID(r *http.Request) (any, error) {
	s, _, err := a.stored(r, queryOf(r))
	if err != nil {
		return nil, err
	}
	return raw(s.Text()), nil
}

func (a *api) subjectsByID(r *http.Request) (any, error) {
	q := queryOf(r)
	users, err := a.users(r, q)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, u := range users {
		if name := u.Subject.String(); len(names) == 0 || names[len(names)-1] != name {
			names = append(names, name)
		}
	}
	return page(q, names, 0)
}

type subjectVersion struct {
	Subject string `json:"subject"`
	Version int32  `json:"version"`
}

func (a *api) versionsByID(r *http.Request) (any, error) {
	q := queryOf(r)
	users, err := a.users(r, q)
	if err != nil {
		return nil, err
	}
	var list []subjectVersion
	for _, u := range users {
		list = append(list, subjectVersion{u.Subject.String(), u.Version})
	}
	return page(q, list, 0)
}

func (a *api) users(r *http.Request, q query) ([]registry.Registered, error) {
	s, in, err := a.stored(r, q)
	if err != nil {
		return nil, err
	}
	return a.registry.Users(s.ID, in, q.filter())
}

func (a *api) schemaByGUID(r *http.Request) (any, error) {
	s, _, err := a.registry.SchemaByGUID(param(r, "guid"))
	if err != nil {
		return nil, err
	}
	return contentOf(s), nil
}

type contextID struct {
	Context string `json:"context"`
	ID      int32  `json:"id"`
}

func (a *api) idsByGUID(r *http.Request) (any, error) {
	s, context, err := a.registry.SchemaByGUID(param(r, "guid"))
	if err != nil {
		return nil, err
	}
	return []contextID{{context, s.ID}}, nil
}

func (a *api) schemas(r *http.Request) (any, error) {
	q := queryOf(r)
	all, err := page(q, a.registry.All(prefixOf(r, q), q.filter(), q.yes("latestOnly")), maxListed)
	if err != nil {
		return nil, err
	}
	list := make([]schemaReply, len(all))
	for i, at := range all {
		list[i] = placeOf(at)
	}
	return list, nil
}

// prefixOf is what the names of subjects must begin with; without the parameter all contexts count.
func prefixOf(r *http.Request, q query) registry.Subject {
	text := ":" + registry.AnyContext + ":"
	if _, given := q["subjectPrefix"]; given || contextOf(r) != "" {
		text = q.get("subjectPrefix")
	}
	return within(r, text)
}
