package compat

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

const (
	maxMends      = 8   // edits in a suggestion
	maxMendPlaces = 600 // of a schema for which edits are sought
	maxMendBytes  = 100_000
)

// mend looks for edits of the new version after which the refusal is gone: at the place that refuses a document, or at the
// nearest one around it, the earlier version's wording is put back. What it returns has been tried.
func mend(w *work, mode Mode, direction Level, updated, earlier *Document, refusal *Refusal) (changes []Change) {
	for _, s := range []*set{updated.root().set, earlier.root().set} {
		if len(s.order) > maxMendPlaces || s.bytes > maxMendBytes {
			return nil
		}
	}
	w.within(mendSteps, func() {
		for range maxMends {
			next, change, ok := mendOne(w, mode, direction, updated, earlier, refusal)
			if !ok {
				break
			}
			changes = slices.DeleteFunc(changes, func(c Change) bool { return strings.HasPrefix(c.Pointer+"/", change.Pointer+"/") })
			changes, updated = append(changes, change), next
			var err error
			if refusal, err = judgeDirection(w, mode, direction, updated, earlier); err != nil {
				break
			}
			if refusal == nil {
				return
			}
		}
		changes = nil
	})
	return changes
}

func judgeDirection(w *work, mode Mode, direction Level, updated, earlier *Document) (*Refusal, error) {
	if direction == Forward {
		return judgeOne(w, mode, updated, earlier)
	}
	return judgeOne(w, mode, earlier, updated)
}

// mendOne makes the smallest edit that helps against one refusal.
func mendOne(w *work, mode Mode, direction Level, updated, earlier *Document, refusal *Refusal) (*Document, Change, bool) {
	for _, at := range candidates(refusal, earlier.raw[""], updated.raw[""]) {
		was, had := lookUp(earlier.raw[""], at)
		is, has := lookUp(updated.raw[""], at)
		if had == has && equal(was, is) {
			continue
		}
		if !w.spend(200 + 10*updated.root().set.bytes/8) { // the text is written and read again
			break
		}
		change := Change{Pointer: "#/" + strings.Join(at, "/")}
		if had {
			change.Value = encode(was)
		}
		raw, ok := edited(updated.raw[""], at, was, had)
		if !ok {
			continue
		}
		next, err := updated.root().set.world.Parse(encode(raw))
		if err != nil {
			continue
		}
		if helps(w, mode, direction, next, earlier, refusal) {
			return next, change, true
		}
	}
	return nil, Change{}, false
}

// candidates are the places where an edit may help, inner ones first: where a document is refused, where the rule table sees a
// difference, and where the texts differ.
func candidates(r *Refusal, earlier, updated any) [][]string {
	const most = 24
	var out [][]string
	pointers := []string{r.Pointer}
	for _, d := range r.Differences[:min(len(r.Differences), 5)] {
		pointers = append(pointers, d.Pointer)
	}
	pointers = changed(pointers, "#", earlier, updated)
	seen := map[string]bool{}
	for _, pointer := range pointers {
		tokens := strings.Split(strings.TrimPrefix(pointer, "#"), "/")[1:]
		for n := len(tokens); n > 0; n-- {
			if key := strings.Join(tokens[:n], "/"); !seen[key] && len(out) < most {
				seen[key] = true
				out = append(out, tokens[:n])
			}
		}
	}
	return out
}

// changed adds the places at which two values differ.
func changed(pointers []string, at string, a, b any) []string {
	x, inA := a.(map[string]any)
	y, inB := b.(map[string]any)
	if !inA || !inB {
		if !equal(a, b) {
			pointers = append(pointers, at)
		}
		return pointers
	}
	both := maps.Clone(x)
	maps.Copy(both, y)
	for _, k := range sortedKeys(both) {
		inner, there := x[k], at+"/"+escape(k)
		_, had := x[k]
		if _, has := y[k]; had != has {
			pointers = append(pointers, there)
		} else {
			pointers = changed(pointers, there, inner, y[k])
		}
	}
	return pointers
}

// helps says that a refusal does not stand any more as it did.
func helps(w *work, mode Mode, direction Level, next, earlier *Document, refusal *Refusal) bool {
	if refusal.Witness != nil {
		writer, reader := earlier.root(), next.root()
		if direction == Forward {
			writer, reader = reader, writer
		}
		var v any
		dec := json.NewDecoder(strings.NewReader(string(refusal.Witness)))
		dec.UseNumber()
		values := evaluation{work: w}
		return dec.Decode(&v) == nil && (values.refuses(writer, v) || values.accepts(reader, v))
	}
	left, err := judgeDirection(w, mode, direction, next, earlier)
	return err == nil && (left == nil || left.Pointer != refusal.Pointer || len(left.Differences) < len(refusal.Differences))
}

func lookUp(v any, tokens []string) (any, bool) {
	for _, t := range tokens {
		switch in := v.(type) {
		case map[string]any:
			inner, has := in[unescape(t)]
			if !has {
				return nil, false
			}
			v = inner
		case []any:
			i, err := strconv.Atoi(t)
			if err != nil || i < 0 || i >= len(in) {
				return nil, false
			}
			v = in[i]
		default:
			return nil, false
		}
	}
	return v, true
}

// edited is a copy of v with another value, or none, at a place.
func edited(v any, tokens []string, value any, keep bool) (any, bool) {
	if len(tokens) == 0 {
		return value, keep
	}
	switch in := v.(type) {
	case map[string]any:
		name, out := unescape(tokens[0]), maps.Clone(in)
		if len(tokens) == 1 {
			if delete(out, name); keep {
				out[name] = value
			}
			return out, true
		}
		inner, ok := edited(in[name], tokens[1:], value, keep)
		out[name] = inner
		return out, ok
	case []any:
		i, err := strconv.Atoi(tokens[0])
		if err != nil || i < 0 || i > len(in) || i == len(in) && (len(tokens) > 1 || !keep) {
			return nil, false
		}
		out := slices.Clone(in)
		switch {
		case i == len(in):
			return append(out, value), true
		case len(tokens) == 1 && !keep:
			return slices.Delete(out, i, i+1), true
		case len(tokens) == 1:
			out[i] = value
			return out, true
		}
		inner, ok := edited(in[i], tokens[1:], value, keep)
		out[i] = inner
		return out, ok
	}
	return nil, false
}

func unescape(token string) string {
	return strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
}
