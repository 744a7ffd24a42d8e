package schemas

import (
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// TestSoundOnManyPairs compares the fast check, of bytes and by parts, with gojsonschema on TRUC_FUZZ_PAIRS pairs of a schema
// and the bytes of a document: `make fuzz-check N=10000000`. Where it fails it names the seed of the schema; the same seed
// makes the same documents. TRUC_FUZZ_SEED=n begins there.
func TestSoundOnManyPairs(t *testing.T) {
	const perSchema = 2000
	pairs, seed := number(t, "TRUC_FUZZ_PAIRS", 40_000), number(t, "TRUC_FUZZ_SEED", 1)
	var total pairCount
	var mu sync.Mutex
	var wg sync.WaitGroup
	const workers = 2
	for w := range workers {
		wg.Go(func() {
			for s := seed + w; !t.Failed(); s += workers {
				n := fuzzSchema(t, s, perSchema)
				mu.Lock()
				total.add(n)
				enough := total.pairs >= pairs
				mu.Unlock()
				if enough {
					return
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d pairs of %d schemas (%d with all keywords compiled): %d accepted by their bytes, %d by their parts; none of them refused by gojsonschema",
		total.pairs, total.schemas, total.fast, total.accepted, total.byParts)
	if total.accepted*20 < total.pairs || total.byParts*40 < total.pairs {
		t.Error("the generators prove too little")
	}
}

func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

type pairCount struct{ pairs, schemas, fast, accepted, byParts int }

func (c *pairCount) add(o pairCount) {
	c.pairs += o.pairs
	c.schemas += o.schemas
	c.fast += o.fast
	c.accepted += o.accepted
	c.byParts += o.byParts
}

// fuzzSchema makes one schema and documents for it. A schema that is refused at the gate, or not compiled, counts for nothing.
func fuzzSchema(t *testing.T, seed, documents int) (n pairCount) {
	t.Helper()
	n.schemas = 1
	d, _, _ := compileOnly(rootSchemaGen().Example(seed), testCodes)
	if d == nil {
		return n
	}
	if ok, _ := d.Fast(); !ok {
		return n
	}
	n.fast = 1
	g := documentMaker{Rand: rand.New(rand.NewPCG(uint64(seed), 0))}
	for i := range documents {
		doc := g.mutate(g.document(d.file.root, 4))
		n.pairs++
		if d.Accepts([]byte(doc)) {
			n.accepted++
			if vs := d.Check([]byte(doc)); vs != nil {
				t.Errorf("TRUC_FUZZ_SEED=%d: accepted, but %v\ndocument %q\nschema %s", seed, vs, doc, d.Raw())
				return n
			}
		}
		if i%4 != 0 {
			continue
		}
		v, fault := decodeJSON([]byte(doc), nil)
		if fault != nil {
			continue
		}
		n.pairs++
		if written, proven := write(nil, v, d.Part()); proven {
			n.byParts++
			if vs := d.Check(written); vs != nil {
				t.Errorf("TRUC_FUZZ_SEED=%d: proven by its parts, but %v\ndocument %q\nschema %s", seed, vs, written, d.Raw())
				return n
			}
		}
	}
	return n
}

// documentMaker makes documents as documentGen and mutateGen do, a hundred times faster.
type documentMaker struct{ *rand.Rand }

func (g documentMaker) of(texts ...string) string { return texts[g.IntN(len(texts))] }

func (g documentMaker) document(s *schema, depth int) string {
	for range 8 { // follow one branch
		switch {
		case s.target != nil:
			s = s.target
		case len(s.anyOf) > 0 && g.IntN(2) == 0:
			s = s.anyOf[g.IntN(len(s.anyOf))]
		}
	}
	if g.IntN(24) == 0 {
		return g.of(strays...)
	}
	types := s.types
	if len(types) == 0 {
		types = []string{"object", "array", "string", "number"}
	}
	switch g.of(types...) {
	case "object":
		if depth == 0 {
			return "{}"
		}
		var members []string
		for _, m := range s.properties {
			if g.IntN(5) > 0 {
				members = append(members, quote(m.name)+":"+g.document(m.schema, depth-1))
			}
		}
		for _, name := range s.required {
			if g.IntN(8) > 0 && !strings.Contains(strings.Join(members, ""), quote(name)) {
				members = append(members, quote(name)+":"+g.of(strays...))
			}
		}
		if g.IntN(8) == 0 {
			members = append(members, quote(g.of(propertyNames...))+":"+g.of(strays...))
		}
		g.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
		return "{" + strings.Join(members, ",") + "}"
	case "array":
		var items []string
		for range g.IntN(4) {
			if s.items == nil || depth == 0 {
				items = append(items, g.of(strays...))
			} else {
				items = append(items, g.document(s.items, depth-1))
			}
		}
		return "[" + strings.Join(items, ",") + "]"
	case "string":
		if in := stringsOnly(s.enum); len(in) > 0 && g.IntN(2) == 0 {
			return quote(g.of(in...))
		}
		return quote(g.of(textValues...))
	case "integer", "number":
		return g.of(numberTexts...)
	case "boolean":
		return "true"
	}
	return "null"
}

func (g documentMaker) mutate(doc string) string {
	for range g.IntN(3) {
		if doc == "" {
			break
		}
		at := g.IntN(len(doc))
		to := min(len(doc), at+g.IntN(4))
		doc = doc[:at] + g.of(insertions...) + doc[to:]
	}
	return doc
}
