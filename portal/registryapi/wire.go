package registryapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/lienthong/truc/schemas/registry"
)

// The content types, the preferred one first.
const (
	typeV1      = "application/vnd.schemaregistry.v1+json"
	typeDefault = "application/vnd.schemaregistry+json"
	typeJSON    = "application/json"
)

// accepted is the content type to answer with; ok is false when the client takes none of ours. Of those that it takes equally
// gladly the first of ours wins.
func accepted(header []string) (kind string, ok bool) {
	if len(header) == 0 {
		return typeV1, true
	}
	kinds := [...]string{typeV1, typeDefault, typeJSON}
	var best float64
	for part := range strings.SplitSeq(strings.Join(header, ","), ",") {
		media, params, _ := strings.Cut(part, ";")
		media = strings.ToLower(strings.TrimSpace(media))
		q := quality(params)
		for _, k := range kinds {
			if q > best && (media == k || media == "*/*" || media == "*" || media == "application/*" || media == "") {
				kind, best = k, q
			}
		}
	}
	return kind, best > 0
}

func quality(params string) float64 {
	for p := range strings.SplitSeq(params, ";") {
		if name, value, ok := strings.Cut(p, "="); ok && strings.EqualFold(strings.TrimSpace(name), "q") {
			q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				return 0
			}
			return min(q, 1)
		}
	}
	return 1
}

// readable reports whether a body of this type is read.
func readable(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && slices.Contains([]string{typeV1, typeDefault, typeJSON, "application/octet-stream"}, media)
}

// failure is the body of a refusal.
type failure struct {
	Code    int    `json:"error_code"`
	Message string `json:"message"`
}

// statusError is a refusal that HTTP has a name for.
type statusError struct {
	code    int
	message string
}

func (e *statusError) Error() string { return e.message }

func status(code int) error {
	return &statusError{code, fmt.Sprintf("HTTP %d %s", code, http.StatusText(code))}
}

func failureOf(err error) (failure, int) {
	var refusal *registry.Error
	var named *statusError
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &refusal):
		return failure{refusal.Code, refusal.Message}, refusal.Status()
	case errors.As(err, &named):
		return failure{named.code, named.message}, named.code
	case errors.As(err, &large):
		return failure{http.StatusRequestEntityTooLarge, fmt.Sprintf("The request is larger than %d bytes; split the schema and use references", large.Limit)}, http.StatusRequestEntityTooLarge
	}
	return failure{50001, "Error in the backend data store"}, http.StatusInternalServerError
}

// reply writes an answer.
func reply(w http.ResponseWriter, kind string, code int, v any) {
	body, ready := v.(raw)
	if !ready {
		var buf bytes.Buffer
		e := json.NewEncoder(&buf)
		e.SetEscapeHTML(false)
		if err := e.Encode(v); err != nil {
			code = http.StatusInternalServerError
			buf.Reset()
			buf.WriteString(`{"error_code":50001,"message":"The answer cannot be written"}`)
		}
		body = bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
	}
	h := w.Header()
	h["Content-Type"] = []string{kind}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(code)
	_, _ = w.Write(body)
}

// decode reads the JSON body of a request into v.
func decode(r *http.Request, v any) error {
	text, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return err
		}
		return &statusError{http.StatusBadRequest, "The request ended too early"}
	}
	err = json.Unmarshal(text, v)
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &kind) && kind.Field == "schema":
		return &statusError{http.StatusBadRequest, "The member \"schema\" holds a JSON " + kind.Value + "; it must be a string that holds the text of the schema"}
	case errors.As(err, &kind):
		return &statusError{http.StatusBadRequest, fmt.Sprintf("The member %q cannot be a JSON %s", kind.Field, kind.Value)}
	case err != nil:
		return &statusError{http.StatusBadRequest, "The request is not JSON: " + err.Error()}
	}
	return nil
}

// param is a part of the path.
func param(r *http.Request, name string) string {
	text := chi.URLParam(r, name)
	if r.URL.RawPath != "" { // then the parts are as they came
		if plain, err := url.PathUnescape(text); err == nil {
			return plain
		}
	}
	return text
}

// context is the one that the path stands below, "" for none.
func contextOf(r *http.Request) string {
	name := strings.Trim(param(r, "context"), ":")
	if name != "" && !strings.HasPrefix(name, ".") {
		name = "." + name
	}
	return name
}

// subjectOf is the subject of the path; without one it is all of a context.
func subjectOf(r *http.Request) registry.Subject { return within(r, param(r, "subject")) }

// within is a subject as the request names it, in the context of the path.
func within(r *http.Request, text string) registry.Subject {
	s := registry.ParseSubject(text)
	if context := contextOf(r); context != "" && s.Context == registry.DefaultContext {
		s.Context = context
	}
	return s
}

// query are the parameters of a request.
type query url.Values

func queryOf(r *http.Request) query {
	if r.URL.RawQuery == "" {
		return nil
	}
	return query(r.URL.Query())
}

func (q query) get(name string) string { return url.Values(q).Get(name) }
func (q query) yes(name string) bool   { return strings.EqualFold(q.get(name), "true") }

func (q query) number(name string, without int) (int, error) {
	text := q.get(name)
	if text == "" {
		return without, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, status(http.StatusNotFound) // as the field's servers do
	}
	return n, nil
}

func (q query) filter() registry.Filter {
	return registry.Filter{Deleted: q.yes("deleted"), DeletedOnly: q.yes("deletedOnly")}
}

// page is the part of a list that was asked for. most bounds it; 0 does not.
func page[T any](q query, all []T, most int) ([]T, error) {
	offset, err := q.number("offset", 0)
	if err != nil {
		return nil, err
	}
	limit, err := q.number("limit", -1)
	if err != nil {
		return nil, err
	}
	if most > 0 && (limit <= 0 || limit > most) {
		limit = most
	}
	all = all[min(max(offset, 0), len(all)):]
	if limit > 0 {
		all = all[:min(limit, len(all))]
	}
	if all == nil {
		all = []T{}
	}
	return all, nil
}
