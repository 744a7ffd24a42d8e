package registryapi

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/lienthong/truc/schemas/registry"
)

func (a *api) config(r *http.Request) (any, error) {
	c, err := a.registry.Config(subjectOf(r), queryOf(r).yes("defaultToGlobal"))
	if err != nil {
		return nil, err
	}
	return c, nil
}

// configRequest is a change, and what this registry does not do.
type configRequest struct {
	registry.Change
	DefaultMetadata  json.RawMessage `json:"defaultMetadata"`
	OverrideMetadata json.RawMessage `json:"overrideMetadata"`
	DefaultRuleSet   json.RawMessage `json:"defaultRuleSet"`
	OverrideRuleSet  json.RawMessage `json:"overrideRuleSet"`
}

func (a *api) setConfig(r *http.Request) (any, error) {
	var body configRequest
	if err := decode(r, &body); err != nil {
		return nil, err
	}
	if slices.ContainsFunc([]json.RawMessage{body.DefaultMetadata, body.OverrideMetadata, body.DefaultRuleSet, body.OverrideRuleSet}, given) {
		return nil, &registry.Error{Code: 42210, Message: "This registry adds no metadata and no rules to schemas; send them with the schema"}
	}
	ctx, cancel := context.WithTimeout(r.Context(), writeTimeout)
	defer cancel()
	return a.registry.SetConfig(ctx, subjectOf(r), body.Change)
}

func (a *api) deleteConfig(r *http.Request) (any, error) {
	ctx, cancel := context.WithTimeout(r.Context(), writeTimeout)
	defer cancel()
	return a.registry.DeleteConfig(ctx, subjectOf(r))
}

type modeBody struct {
	Mode registry.Mode `json:"mode"`
}

func (a *api) mode(r *http.Request) (any, error) {
	m, err := a.registry.Mode(subjectOf(r), queryOf(r).yes("defaultToGlobal"))
	if err != nil {
		return nil, err
	}
	return modeBody{m}, nil
}

func (a *api) setMode(r *http.Request) (any, error) {
	var body modeBody
	if err := decode(r, &body); err != nil {
		return nil, err
	}
	m, err := registry.ParseMode(strings.TrimSpace(string(body.Mode)))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), writeTimeout)
	defer cancel()
	if err := a.registry.SetMode(ctx, subjectOf(r), m, queryOf(r).yes("force")); err != nil {
		return nil, err
	}
	return modeBody{m}, nil
}

func (a *api) deleteMode(r *http.Request) (any, error) {
	ctx, cancel := context.WithTimeout(r.Context(), writeTimeout)
	defer cancel()
	m, err := a.registry.DeleteMode(ctx, subjectOf(r))
	if err != nil {
		return nil, err
	}
	return modeBody{m}, nil
}
