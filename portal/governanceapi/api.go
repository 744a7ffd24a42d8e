// Package governanceapi lets people decide about datasets over HTTP: propose, approve, publish, deprecate, retire. It is the
// same as truc schema propose and its like, on the same folders; who decides is told by the token that is shown, not by git.
//
//	GET  /datasets                      which there are, and how far they are
//	GET  /datasets/{dataset}            the history of one
//	POST /datasets/{dataset}/propose    … approve, publish, deprecate, retire
package governanceapi

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas/governance"
)

// Person may decide.
type Person struct {
	governance.Person
	// Token is what this person shows, and nobody else has.
	Token string
}

// Options of the interface.
type Options struct {
	// Open reads the folders of standards as they are now; done must be called when nothing more is asked of them.
	Open   func() (folders []*governance.Folder, done func(), err error)
	People []Person
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// maxBody bounds a request: a decision is a few lines.
const maxBody = 64 << 10

type api struct {
	o Options
	// deciding lets one decide at a time: a step is added to what was read.
	deciding sync.Mutex
}

// New returns the interface.
func New(o Options) http.Handler {
	if o.Now == nil {
		o.Now = time.Now
	}
	a := &api{o: o}
	r := chi.NewRouter()
	r.Get("/datasets", a.list)
	r.Get("/datasets/{dataset}", a.show)
	r.Post("/datasets/{dataset}/propose", a.step(func(f *governance.Folder, id string, _ Decision, by governance.Decision) (*governance.Dataset, error) {
		d, _, err := f.Propose(id, by)
		return d, err
	}))
	r.Post("/datasets/{dataset}/approve", a.step(func(f *governance.Folder, id string, _ Decision, by governance.Decision) (*governance.Dataset, error) {
		return f.Approve(id, by)
	}))
	r.Post("/datasets/{dataset}/publish", a.step(func(f *governance.Folder, id string, _ Decision, by governance.Decision) (*governance.Dataset, error) {
		return f.Publish(id, by)
	}))
	r.Post("/datasets/{dataset}/deprecate", a.step(func(f *governance.Folder, id string, d Decision, by governance.Decision) (*governance.Dataset, error) {
		of, _, err := f.Deprecate(id, d.Successor, d.Date, by)
		return of, err
	}))
	r.Post("/datasets/{dataset}/retire", a.step(func(f *governance.Folder, id string, _ Decision, by governance.Decision) (*governance.Dataset, error) {
		of, _, err := f.Retire(id, by)
		return of, err
	}))
	return r
}

// Decision is the body of a step.
type Decision struct {
	Why string `json:"why,omitempty"`
	// Successor and Date belong to a deprecation.
	Successor string `json:"successor,omitempty"`
	Date      string `json:"date,omitempty"`
}

// Dataset is how far a dataset is.
type Dataset struct {
	Dataset string `json:"dataset"`
	// Version is that of the working copy.
	Version string             `json:"version"`
	State   governance.State   `json:"state"`
	History []governance.Entry `json:"history,omitempty"`
}

// Refusal is the answer to what is not done.
type Refusal struct {
	Problems problem.List `json:"problems"`
	// Comparison is there when a version may not follow those that are published.
	Comparison *governance.Comparison `json:"comparison,omitempty"`
}

func datasetOf(d *governance.Dataset, history bool) Dataset {
	out := Dataset{Dataset: d.ID, Version: d.Working.Version.String(), State: d.State()}
	if history {
		out.History = d.History
	}
	return out
}

func (a *api) list(w http.ResponseWriter, _ *http.Request) {
	folders, done, err := a.o.Open()
	if err != nil {
		refuse(w, err)
		return
	}
	defer done()
	out := []Dataset{}
	for _, f := range folders {
		for _, d := range f.Datasets() {
			out = append(out, datasetOf(d, false))
		}
	}
	reply(w, http.StatusOK, out)
}

func (a *api) show(w http.ResponseWriter, r *http.Request) {
	_, d, done, err := a.find(chi.URLParam(r, "dataset"))
	if err != nil {
		refuse(w, err)
		return
	}
	defer done()
	reply(w, http.StatusOK, datasetOf(d, true))
}

// notFoundError says that no folder has the dataset.
type notFoundError struct{ problem.Problem }

// find returns the folder that has a dataset. id may name a version: hotich.khaisinh.v1@1.0.0.
func (a *api) find(id string) (*governance.Folder, *governance.Dataset, func(), error) {
	folders, done, err := a.o.Open()
	if err != nil {
		return nil, nil, nil, err
	}
	name, _, _ := strings.Cut(id, "@")
	for _, f := range folders {
		for _, d := range f.Datasets() {
			if d.ID == name {
				return f, d, done, nil
			}
		}
	}
	done()
	return nil, nil, nil, &notFoundError{problem.Problem{
		Code: "governance.unknown", What: problem.Say("no folder of this node has the dataset %q", name), Fix: problem.Say("name one of those that GET /governance/datasets lists"),
	}}
}

// step takes a decision of the person whose token is shown.
func (a *api) step(take func(*governance.Folder, string, Decision, governance.Decision) (*governance.Dataset, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		person, known := a.person(r)
		switch {
		case !known:
			w.Header().Set("WWW-Authenticate", `Bearer realm="truc governance"`)
			refuseAs(w, http.StatusUnauthorized, problem.Problem{Code: "governance.token", What: problem.Say("whoever decides shows the token of a person"), Fix: problem.Say("send Authorization: Bearer TOKEN; registry.people of the configuration says whose token is which")})
			return
		case foreign(r):
			refuseAs(w, http.StatusForbidden, problem.Problem{Code: "governance.origin", What: problem.Say("a page of another site may not decide"), Fix: problem.Say("use the interface itself")})
			return
		}
		if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
			refuseAs(w, http.StatusUnsupportedMediaType, problem.Problem{Code: "governance.body", What: problem.Say("the request does not say that its body is JSON"), Fix: problem.Say("send Content-Type: application/json, and a JSON object: {\"why\": \"…\"}")})
			return
		}
		body, err := decode(r)
		if err != nil {
			refuseAs(w, http.StatusBadRequest, problem.Problem{Code: "governance.body", What: problem.Say("the request holds no decision"), Fix: problem.Say(`send a JSON object: {"why": "…"}; for a deprecation {"successor": "…", "date": "2027-01-31"} too`)})
			return
		}
		a.deciding.Lock()
		defer a.deciding.Unlock()
		id := chi.URLParam(r, "dataset")
		f, _, done, err := a.find(id)
		if err != nil {
			refuse(w, err)
			return
		}
		d, err := take(f, id, body, governance.Decision{By: person, At: a.o.Now(), Why: body.Why})
		done()
		if err != nil {
			refuse(w, err)
			return
		}
		// As it stands in the folder now.
		if _, d, done, err = a.find(d.ID); err != nil {
			refuse(w, err)
			return
		}
		defer done()
		reply(w, http.StatusOK, datasetOf(d, true))
	}
}

// person is whose token is shown. All are compared, and in the same time, so that none can be found by trying.
func (a *api) person(r *http.Request) (who governance.Person, known bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return who, false
	}
	shown := sha256.Sum256([]byte(token))
	for _, p := range a.o.People {
		of := sha256.Sum256([]byte(p.Token))
		if subtle.ConstantTimeCompare(shown[:], of[:]) == 1 {
			who, known = p.Person, true
		}
	}
	return who, known
}

// foreign says that a browser writes for a page of somebody else.
func foreign(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return false
	}
	u, err := url.Parse(origin)
	return err != nil || u.Host != r.Host
}

func decode(r *http.Request) (Decision, error) {
	var d Decision
	decoder := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxBody))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&d); err != nil {
		return d, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return d, errors.New("more follows")
	}
	return d, nil
}

func refuse(w http.ResponseWriter, err error) {
	var no *governance.RefusedError
	var missing *notFoundError
	var list problem.List
	var one problem.Problem
	switch {
	case errors.As(err, &no):
		reply(w, http.StatusConflict, Refusal{Problems: problem.List{{
			Code: "governance.incompatible", What: problem.Say("%s may not follow what is published", no.Version), Fix: problem.Say("see the comparison; truc schema diff says it in words"),
		}}, Comparison: &no.Comparison})
	case errors.As(err, &missing):
		refuseAs(w, http.StatusNotFound, missing.Problem)
	case errors.As(err, &list):
		reply(w, http.StatusUnprocessableEntity, Refusal{Problems: list})
	case errors.As(err, &one):
		refuseAs(w, http.StatusUnprocessableEntity, one)
	default:
		refuseAs(w, http.StatusInternalServerError, problem.Problem{Code: "governance.folder", What: problem.Say("the folder of standards cannot be read or written"), Fix: problem.Say("look at the log of the node, and at the rights of the folder")})
	}
}

func refuseAs(w http.ResponseWriter, code int, p problem.Problem) {
	reply(w, code, Refusal{Problems: problem.List{p}})
}

func reply(w http.ResponseWriter, code int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "the answer cannot be written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(append(body, '\n'))
}
