// Package follow keeps in one registry a copy of what another one has: a province's registry has the national datasets under their
// own names, numbers and ids, may refer to them in schemas of its own, and cannot change them. Reading goes on while the other
// registry is away.
package follow

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lienthong/truc/schemas/registry"
)

const (
	// LastID is the last id of the registry that is followed: those of the follower's own schemas come after it.
	LastID = 1_000_000
	// maxAnswer bounds what is read of the other registry at once, in bytes.
	maxAnswer = 64 << 20
	patience  = time.Minute // for one pass over the other registry
)

// Follower copies from one registry into another.
type Follower struct {
	Registry *registry.Registry
	// URL is where the other registry answers, with user and password in it if it asks for them.
	URL   string
	Every time.Duration
	Log   *slog.Logger

	// missing are the copies that the last pass did not find: the list comes in pages, and what is deleted meanwhile moves the next
	// page on, so that one pass alone proves nothing.
	missing map[place]bool
}

// place is where a version stands.
type place struct {
	subject string
	number  int32
}

// version is one of the other registry, as GET /schemas tells it.
type version struct {
	Subject    string               `json:"subject"`
	Version    int32                `json:"version"`
	ID         int32                `json:"id"`
	SchemaType string               `json:"schemaType"`
	References []registry.Reference `json:"references"`
	Metadata   json.RawMessage      `json:"metadata"`
	RuleSet    json.RawMessage      `json:"ruleSet"`
	Schema     string               `json:"schema"`
}

// Run copies until ctx is done. Whatever fails is logged when it begins to fail, and tried again.
func (f *Follower) Run(ctx context.Context) {
	failing := ""
	for {
		changed, err := f.pass(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil && failing != "":
			f.Log.Info("the registry that is followed is copied completely again")
			failing = ""
		case err != nil && err.Error() != failing:
			failing = err.Error()
			f.Log.Warn("the registry that is followed is not copied completely, trying again", "err", err, "every", f.Every.String())
		}
		if changed > 0 {
			f.Log.Info("copied from the registry that is followed", "versions", changed)
		}
		select {
		case <-time.After(f.Every):
		case <-ctx.Done():
			return
		}
	}
}

// pass makes the copies equal to what the other registry has now, and returns how many versions that changed.
func (f *Follower) pass(ctx context.Context) (changed int, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := f.Registry.ReserveIDs(ctx, LastID); err != nil {
		return 0, err
	}
	theirs, err := f.fetch(ctx)
	if err != nil {
		return 0, err
	}
	here := map[place]int32{}
	for _, c := range f.Registry.Copies() {
		here[place{c.Subject.Name, c.Version}] = c.Schema.ID
	}
	if len(theirs) == 0 && len(here) > 0 {
		return 0, errors.New("it has no JSON schemas at all: no copy is deleted because of that; see whether it has lost its data")
	}
	var errs []error
	fail := func(subject string, number int32, err error) {
		if len(errs) < 5 { // one message for a thousand reasons
			errs = append(errs, fmt.Errorf("%s version %d: %w", subject, number, err))
		}
	}
	for _, v := range theirs {
		at := place{v.Subject, v.Version}
		id, ok := here[at]
		delete(here, at)
		if ok && id == v.ID {
			continue
		}
		if err := f.copy(ctx, v); err != nil {
			fail(v.Subject, v.Version, err)
			continue
		}
		changed++
	}
	gone := map[place]bool{}
	for at := range here {
		if !f.missing[at] {
			gone[at] = true
			continue
		}
		if err := f.Registry.DeleteCopy(ctx, registry.Subject{Context: registry.DefaultContext, Name: at.subject}, at.number); err != nil {
			fail(at.subject, at.number, fmt.Errorf("it is not there any more, and cannot be deleted here: %w", err))
			continue
		}
		changed++
	}
	f.missing = gone
	return changed, errors.Join(errs...)
}

func (f *Follower) copy(ctx context.Context, v version) error {
	if v.ID > LastID {
		return fmt.Errorf("its id is beyond %d, where this registry's own begin", LastID)
	}
	_, err := f.Registry.Register(ctx, registry.Subject{Context: registry.DefaultContext, Name: v.Subject}, registry.Schema{
		Type: v.SchemaType, Text: v.Schema, References: v.References, Metadata: v.Metadata, RuleSet: v.RuleSet,
	}, registry.Registration{ID: v.ID, Version: v.Version, Copy: true})
	return err
}

// fetch returns the JSON schemas of the other registry's default context, those that others refer to first.
func (f *Follower) fetch(ctx context.Context) ([]version, error) {
	var all []version
	for offset := 0; ; {
		page, err := f.page(ctx, offset)
		if err != nil {
			return nil, err
		}
		if len(page) == 0 {
			break
		}
		offset += len(page)
		all = append(all, slices.DeleteFunc(page, func(v version) bool {
			return v.SchemaType != registry.TypeJSON || registry.ParseSubject(v.Subject).Context != registry.DefaultContext
		})...)
	}
	// Who refers was registered later, and ids grow.
	slices.SortFunc(all, func(a, b version) int { return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Version, b.Version)) })
	return all, nil
}

// page asks for as many versions as the other registry gives at once.
func (f *Follower) page(ctx context.Context, offset int) ([]version, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(f.URL, "/")+"/schemas?offset="+strconv.Itoa(offset), nil)
	if err != nil {
		return nil, fmt.Errorf("ask the registry that is followed: %w", err)
	}
	request.Header.Set("Accept", "application/vnd.schemaregistry.v1+json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask the registry that is followed: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the registry that is followed answers %s to %s", answer.Status, request.URL.Redacted())
	}
	var page []version
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(&page); err != nil {
		return nil, fmt.Errorf("read what the registry that is followed has: %w", err)
	}
	return page, nil
}
