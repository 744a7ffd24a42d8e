package governance

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// Where schemas stand in a schema: under these keywords one, a list, or one under each name.
var (
	holdOne  = []string{"not", "if", "then", "else", "additionalProperties", "additionalItems", "items", "contains", "propertyNames"}
	holdMany = []string{"allOf", "anyOf", "oneOf", "items"}
	holdMap  = []string{"properties", "patternProperties", "definitions", "dependencies"}
)

// eachSchema calls visit for a schema and for every schema inside it that descend lets it enter, by keyword. What visit changes
// stays changed.
func eachSchema(v any, visit func(map[string]any), descend func(keyword string) bool) {
	m, ok := v.(map[string]any)
	if !ok {
		return
	}
	visit(m)
	for keyword, inner := range m {
		if !descend(keyword) {
			continue
		}
		if slices.Contains(holdOne, keyword) {
			eachSchema(inner, visit, descend)
		}
		if list, ok := inner.([]any); ok && slices.Contains(holdMany, keyword) {
			for _, s := range list {
				eachSchema(s, visit, descend)
			}
		}
		if named, ok := inner.(map[string]any); ok && slices.Contains(holdMap, keyword) {
			for _, s := range named {
				eachSchema(s, visit, descend)
			}
		}
	}
}

// opened is a schema as consumers read by it: properties that it does not know are no fault. Where a schema decides between cases
// it stays as it is, since an opened case would take documents of the others.
func opened(text []byte) ([]byte, error) {
	v, err := decode(text)
	if err != nil {
		return nil, err
	}
	eachSchema(v, func(m map[string]any) {
		if m["additionalProperties"] == false {
			delete(m, "additionalProperties")
		}
	}, func(keyword string) bool { return !slices.Contains([]string{"not", "if", "anyOf", "oneOf"}, keyword) })
	return json.Marshal(v)
}

// listID is the code list that a schema names: {"id", "version"}, or an id. It is "" when there is none.
func listID(v any) string {
	if m, ok := v.(map[string]any); ok {
		v = m["id"]
	}
	id, _ := v.(string)
	return id
}

// listVersion is the version of the code list that a schema names; ok is false when it names none.
func listVersion(v any) (Version, bool) {
	m, _ := v.(map[string]any)
	text, _ := m["version"].(string)
	return ParseVersion(text)
}

// versionless is a schema whose code lists are named without their versions: that a list has a new code is a version of the list,
// of which those who map it are told, and no change of what a document may be.
func versionless(text []byte) ([]byte, error) {
	v, err := decode(text)
	if err != nil {
		return nil, err
	}
	changed := false
	eachSchema(v, func(m map[string]any) {
		if _, versioned := m[codesKeyword].(map[string]any); versioned {
			m[codesKeyword], changed = listID(m[codesKeyword]), true
		}
	}, func(string) bool { return true })
	if !changed {
		return plain(text), nil
	}
	return json.Marshal(v)
}

// bare is a schema without what is only said about it, for comparing: two schemas of the same bare text judge alike.
func bare(text []byte) ([]byte, error) {
	v, err := decode(text)
	if err != nil {
		return nil, err
	}
	eachSchema(v, func(m map[string]any) {
		for keyword := range m {
			if remark(keyword) {
				delete(m, keyword)
			}
		}
		sortNames(m["required"])
	}, func(string) bool { return true })
	return json.Marshal(v)
}

// sortNames sorts a list of names, whose order says nothing.
func sortNames(v any) {
	if names, ok := v.([]any); ok {
		slices.SortFunc(names, func(a, b any) int {
			x, _ := a.(string)
			y, _ := b.(string)
			return strings.Compare(x, y)
		})
	}
}

// remark says that a keyword neither judges documents nor says how they must be treated.
func remark(keyword string) bool {
	switch keyword {
	case "$schema", "$id", "$comment", "title", "description", "default", "examples", "readOnly", "writeOnly":
		return true
	case codesKeyword, keyKeyword, classKeyword, LevelKeyword:
		return false
	}
	return strings.HasPrefix(keyword, "x-")
}

// Keywords of ours.
const (
	codesKeyword = "x-danh-muc"
	keyKeyword   = "x-khoa"
	classKeyword = "x-phan-loai"
	// LevelKeyword, at the root, is the compatibility level of a dataset; without it FULL_TRANSITIVE.
	LevelKeyword = "x-tuong-thich"
	// RetentionKeyword and ErasureKeyword, at the root, say how long documents are kept and what erases them before.
	RetentionKeyword = "x-luu-tru"
	ErasureKeyword   = "x-xoa"
)

func decode(text []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(plain(text)))
	dec.UseNumber()
	var v any
	err := dec.Decode(&v)
	return v, err
}
