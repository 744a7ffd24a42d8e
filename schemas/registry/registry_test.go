package registry

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/schemas/compat"
)

const (
	closedA  = `{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false}`
	closedAB = `{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}},"additionalProperties":false}`
	intA     = `{"type":"object","properties":{"a":{"type":"integer"}},"additionalProperties":false}`
)

func js(text string, refs ...Reference) Schema {
	return Schema{Type: "JSON", Text: text, References: refs}
}

// session is a registry with the calls that tests make.
type session struct {
	*Registry
	t *testing.T
}

func start(t *testing.T, o Options) session {
	r, _ := open(t, newMemory(), o)
	return session{r, t}
}

func (s session) ctx() context.Context {
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	s.t.Cleanup(cancel)
	return ctx
}

func (s session) register(subject string, schema Schema) (id, version int32, err error) {
	return s.registerAs(subject, schema, Registration{})
}

func (s session) registerAs(subject string, schema Schema, o Registration) (id, version int32, err error) {
	got, err := s.Register(s.ctx(), ParseSubject(subject), schema, o)
	if err != nil {
		return 0, 0, err
	}
	return got.Schema.ID, got.Version, nil
}

// must registers and expects id and version.
func (s session) must(subject, text string, id, version int32, refs ...Reference) {
	s.t.Helper()
	gotID, gotVersion, err := s.register(subject, js(text, refs...))
	if err != nil || gotID != id || gotVersion != version {
		s.t.Fatalf("register %s: id %d version %d, %v; want id %d version %d", subject, gotID, gotVersion, err, id, version)
	}
}

// refused expects a code and words of the message.
func (s session) refused(err error, code int, words ...string) {
	s.t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Code != code {
		s.t.Fatalf("got %v (%T), want code %d", err, err, code)
	}
	for _, w := range words {
		if !strings.Contains(e.Message, w) {
			s.t.Errorf("message %q does not say %q", e.Message, w)
		}
	}
}

func (s session) level(subject, level string) {
	s.t.Helper()
	if _, err := s.SetConfig(s.ctx(), ParseSubject(subject), Change{Level: &level}); err != nil {
		s.t.Fatal(err)
	}
}

func TestRegister(t *testing.T) {
	s := start(t, Options{})
	s.must("a", closedA, 1, 1)
	s.must("a", closedA, 1, 1)                                                        // again: nothing new
	s.must("a", "{ \"type\": \"object\",\n"+closedA[len(`{"type":"object",`):], 1, 1) // white space does not matter
	s.must("b", closedA, 1, 1)                                                        // the same schema elsewhere: the same id
	_, _, err := s.register("a", js(intA))
	s.refused(err, 40901, `subject "a"`, "oldSchemaVersion: 1", "oldSchema: '", "compatibility: 'FULL_TRANSITIVE'", "errorType:")
	s.level("a", "none")
	s.must("a", intA, 2, 2)
	s.must("a", closedA, 1, 1)
	s.level("a", "BACKWARD")
	_, _, err = s.register("a", js(closedAB)) // the latest is intA
	s.refused(err, 40901, "oldSchemaVersion: 2")
	s.must("c", closedA, 1, 1)
	s.level("c", "BACKWARD")
	s.must("c", closedAB, 3, 2)
}

func TestNormalize(t *testing.T) {
	s := start(t, Options{})
	s.must("a", `{"type":"string","title":"x"}`, 1, 1)
	s.must("a", `{"title":"x","type":"string"}`, 2, 2) // another text
	id, version, err := s.registerAs("b", js(`{"type":"string","title":"x"}`), Registration{Normalize: true})
	if id != 2 || version != 1 || err != nil {
		t.Errorf("normalized: id %d version %d %v", id, version, err)
	}
	yes := true
	if _, err := s.SetConfig(s.ctx(), ParseSubject("c"), Change{Normalize: &yes}); err != nil {
		t.Fatal(err)
	}
	s.must("c", `{"type":"string","title":"x"}`, 2, 1)
	if got, err := s.LookUp(ParseSubject("b"), js(`{"type":"string","title":"x"}`), true, false); err != nil || got.Version != 1 {
		t.Errorf("look up normalized: %v %v", got, err)
	}
	_, err = s.LookUp(ParseSubject("b"), js(`{"type":"string","title":"x"}`), false, false)
	s.refused(err, 40403)
}

func TestInvalidSchemas(t *testing.T) {
	s := start(t, Options{})
	s.must("kieu", `{"type":"string"}`, 1, 1)
	deep := strings.Repeat(`{"properties":{"a":`, 200) + "{}" + strings.Repeat("}}", 200)
	laughs := `{"$defs":{"l0":{"type":"string"}`
	for i := 1; i < 30; i++ {
		laughs += fmt.Sprintf(`,"l%d":{"allOf":[{"$ref":"#/$defs/l%d"},{"$ref":"#/$defs/l%d"}]}`, i, i-1, i-1)
	}
	laughs += `},"$ref":"#/$defs/l29","$schema":"https://json-schema.org/draft/2020-12/schema"}`
	for _, c := range []struct {
		name   string
		schema Schema
		code   int
		words  string
	}{
		{"no type is AVRO", Schema{Text: `"string"`}, 42201, "AVRO"},
		{"other type", Schema{Type: "XSD", Text: `{}`}, 42201, "XSD"},
		{"empty", js(``), 42201, "not JSON"},
		{"not JSON", js(`{"type":`), 42201, "not JSON"},
		{"two values", js(`{} {}`), 42201, "more text"},
		{"no schema", js(`7`), 42201, "no schema"},
		{"twice the same member", js(`{"type":"string","type":"object"}`), 42201, `"type" stands twice`},
		{"unknown draft", js(`{"$schema":"http://example.invalid/mine"}`), 42201, "$schema"},
		{"unknown type", js(`{"type":"text"}`), 42201, "type"},
		{"http reference", js(`{"$ref":"http://127.0.0.1:1/x.json"}`), 42201, "nothing is ever fetched"},
		{"missing definition", js(`{"$ref":"#/definitions/x"}`), 42201, "does not exist"},
		{"itself", js(`{"$ref":"#"}`), 42201, "$ref"},
		{"a circle", js(`{"definitions":{"a":{"allOf":[{"$ref":"#/definitions/b"}]},"b":{"$ref":"#/definitions/a"}},"$ref":"#/definitions/a"}`), 42201, "$ref"},
		{"200 levels", js(deep), 42201, "128 levels"},
		{"larger than 1 MiB", js(`{"description":"` + strings.Repeat("x", 1<<20) + `"}`), 42209, "too large"},
		{"billion laughs", js(laughs), 42201, "50000"},
		{"reference to nothing", js(`{"$ref":"k"}`, Reference{"k", "nothing", 1}), 42201, "Subject 'nothing' not found"},
		{"reference to no version", js(`{"$ref":"k"}`, Reference{"k", "kieu", 7}), 42201, "Version 7 not found"},
		{"reference without name", js(`{}`, Reference{"", "kieu", 1}), 42201, "needs a name"},
		{"$ref without reference", js(`{"$ref":"other"}`, Reference{"k", "kieu", 1}), 42201, "of exactly this name"},
	} {
		t.Run(c.name, func(t *testing.T) {
			began := time.Now()
			_, _, err := s.register("a", c.schema)
			session{s.Registry, t}.refused(err, c.code, c.words)
			if took := time.Since(began); took > 30*time.Second { // machines are busy; what explodes takes for ever
				t.Errorf("took %v", took)
			}
		})
	}
	s.must("pattern", `{"type":"string","pattern":"^(a+)+$"}`, 2, 1) // catastrophic elsewhere
	s.must("large", `{"type":"string","description":"`+strings.Repeat("x", 1<<20-100)+`"}`, 3, 1)
}

func TestSubjects(t *testing.T) {
	for text, want := range map[string]Subject{
		"a": {".", "a"}, ":.c:a": {".c", "a"}, ":.:a": {".", "a"}, ":.c:": {".c", ""}, ":*:": {"*", ""}, ":*:a": {"*", "a"},
		":a": {".", ":a"}, ":c:a": {".", ":c:a"}, ":.c:a:b": {".c", "a:b"}, "": {".", ""},
	} {
		if got := ParseSubject(text); got != want {
			t.Errorf("%q is %+v, want %+v", text, got, want)
		}
	}
	s := start(t, Options{})
	for _, subject := range []string{"", "__GLOBAL", "__EMPTY", "a\nb", ":.c:", ":*:a", strings.Repeat("x", 513), "a\xffb"} {
		_, _, err := s.register(subject, js(`{}`))
		s.refused(err, 42208)
	}
	s.must("ns/tên có dấu cách", `{}`, 1, 1)
	s.must("a1", `{}`, 1, 1)
	s.must("a2", `{}`, 1, 1)
	s.must(":.c:a3", `{"type":"string"}`, 1, 1) // another context: ids of its own
	for prefix, want := range map[string]string{":*:": "a1 a2 ns/tên có dấu cách :.c:a3", "a": "a1 a2", ":.c:": ":.c:a3", ":*:a": "a1 a2 :.c:a3", "x": ""} {
		if got := s.names(s.Subjects(ParseSubject(prefix), Filter{})); got != want {
			t.Errorf("prefix %q: %s, want %s", prefix, got, want)
		}
	}
	if diff := cmp.Diff([]string{".", ".c"}, s.Contexts()); diff != "" {
		t.Error(diff)
	}
	s.refused(s.DeleteContext(s.ctx(), ".c"), 42211)
	s.refused(s.DeleteContext(s.ctx(), ".d"), 40401)
}

func (s session) names(subjects []Subject) string {
	var names []string
	for _, subject := range subjects {
		names = append(names, subject.String())
	}
	return strings.Join(names, " ")
}

func (s session) versions(subject string, f Filter) string {
	all, err := s.Versions(ParseSubject(subject), f)
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for _, v := range all {
		fmt.Fprintf(&b, "%d ", v.Version)
	}
	return strings.TrimSpace(b.String())
}

func TestDelete(t *testing.T) {
	s := start(t, Options{})
	a := ParseSubject("a")
	s.must("a", closedA, 1, 1)
	s.level("a", "NONE")
	s.must("a", closedAB, 2, 2)
	s.must("a", intA, 3, 3)
	one := func(v int32, permanent bool) error {
		_, err := s.DeleteVersion(s.ctx(), a, v, permanent)
		return err
	}
	s.refused(one(2, true), 40407, "Subject 'a' Version 2 was not deleted first before being permanently deleted")
	if err := one(2, false); err != nil {
		t.Fatal(err)
	}
	s.refused(one(2, false), 40406, "Subject 'a' Version 2 was soft deleted. Set permanent=true to delete permanently")
	s.refused(one(9, false), 40402, "Version 9 not found.")
	if got := s.versions("a", Filter{}) + "|" + s.versions("a", Filter{Deleted: true}) + "|" + s.versions("a", Filter{DeletedOnly: true}); got != "1 3|1 2 3|2" {
		t.Error(got)
	}
	if _, err := s.Schema(2, a); err != nil {
		t.Errorf("a soft-deleted schema is found by id: %v", err)
	}
	s.must("a", closedAB, 2, 4) // comes back as a new version of the same id
	if err := one(2, true); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Schema(2, a); err != nil {
		t.Errorf("version 4 still has it: %v", err)
	}
	_, err := s.DeleteSubject(s.ctx(), a, true)
	s.refused(err, 40405, "Subject 'a' was not deleted first before being permanently deleted")
	got, err := s.DeleteSubject(s.ctx(), a, false)
	if diff := cmp.Diff([]int32{1, 3, 4}, got); diff != "" || err != nil {
		t.Fatal(diff, err)
	}
	_, err = s.DeleteSubject(s.ctx(), a, false)
	s.refused(err, 40404, "Subject 'a' was soft deleted. Set permanent=true to delete permanently")
	if got := s.names(s.Subjects(Subject{".", ""}, Filter{})) + "|" + s.names(s.Subjects(Subject{".", ""}, Filter{DeletedOnly: true})); got != "|a" {
		t.Error(got)
	}
	_, err = s.LookUp(a, js(closedA), false, false)
	s.refused(err, 40401, "Subject 'a' not found.")
	if found, err := s.LookUp(a, js(closedA), false, true); err != nil || found.Version != 1 {
		t.Error(found, err)
	}
	if got, err := s.DeleteSubject(s.ctx(), a, true); err != nil || len(got) != 3 {
		t.Fatal(got, err)
	}
	_, err = s.Schema(2, a)
	s.refused(err, 40403, "Schema 2 not found")
	_, err = s.DeleteSubject(s.ctx(), a, true)
	s.refused(err, 40401)
	s.must("a", `{"type":"null"}`, 4, 1) // ids are never given again, versions begin anew
}

func TestReferences(t *testing.T) {
	s := start(t, Options{})
	s.must("ten", `{"type":"string"}`, 1, 1)
	s.must("nguoi", `{"properties":{"ten":{"$ref":"ten.json"}}}`, 2, 1, Reference{"ten.json", "ten", 1})
	s.must("ho", `{"properties":{"chu":{"$ref":"nguoi.json"}}}`, 3, 1, Reference{"nguoi.json", "nguoi", -1})
	got, err := s.Version(ParseSubject("ho"), Latest, false)
	if diff := cmp.Diff([]Reference{{"nguoi.json", "nguoi", 1}}, got.Schema.References); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if by, err := s.ReferencedBy(ParseSubject("ten"), 1); err != nil || len(by) != 1 || by[0] != 2 {
		t.Error(by, err)
	}
	_, err = s.DeleteVersion(s.ctx(), ParseSubject("ten"), 1, false)
	s.refused(err, 42206, "subject=ten,version=1")
	_, err = s.DeleteSubject(s.ctx(), ParseSubject("nguoi"), false)
	s.refused(err, 42206)
	// What stands behind a reference is compared too.
	s.level("ten", "NONE")
	s.must("ten", `{"type":"integer"}`, 4, 2)
	_, _, err = s.register("nguoi", js(`{"properties":{"ten":{"$ref":"ten.json"}}}`, Reference{"ten.json", "ten", 2}))
	s.refused(err, 40901, "ten")
	for _, subject := range []string{"ho", "nguoi", "ten"} { // from the top down it works
		for _, permanent := range []bool{false, true} {
			if _, err := s.DeleteSubject(s.ctx(), ParseSubject(subject), permanent); err != nil {
				t.Fatal(subject, permanent, err)
			}
		}
	}
	s.must(":.c:ten", `{"type":"string"}`, 1, 1)
	s.must(":.c:nguoi", `{"$ref":"t"}`, 2, 1, Reference{"t", "ten", 1}) // of the own context
	_, _, err = s.register("nguoi", js(`{"$ref":"t"}`, Reference{"t", "ten", 1}))
	s.refused(err, 42201, "Subject 'ten' not found")
}

func TestConfig(t *testing.T) {
	s := start(t, Options{Own: func(s Subject) bool { return s.Name == "hotich.khaisinh.v1" }})
	all := Subject{".", ""}
	a := ParseSubject("a")
	want := func(of Subject, inherited bool, level compat.Level, policy Policy) {
		t.Helper()
		if got, err := s.Config(of, inherited); err != nil || got.Level != level || got.Policy != policy {
			t.Errorf("%s: %+v %v, want %s %s", of, got, err, level, policy)
		}
	}
	want(all, false, compat.FullTransitive, PolicyStrict)
	want(ParseSubject("hotich.khaisinh.v1"), true, compat.FullTransitive, PolicySound)
	_, err := s.Config(a, false)
	s.refused(err, 40408, "Subject 'a' does not have subject-level compatibility configured")
	s.level("", "FORWARD")
	want(a, true, compat.Forward, PolicyStrict)
	s.level(":.c:", "backward")
	want(ParseSubject(":.c:a"), true, compat.Backward, PolicyStrict)
	s.level("a", "FULL")
	sound := "sound"
	if _, err := s.SetConfig(s.ctx(), a, Change{Policy: &sound}); err != nil {
		t.Fatal(err)
	}
	want(a, false, compat.Full, PolicySound) // a change leaves the rest
	bad := "SIDEWARD"
	_, err = s.SetConfig(s.ctx(), a, Change{Level: &bad})
	s.refused(err, 42203, "Invalid compatibility level")
	lenient := "LENIENT"
	_, err = s.SetConfig(s.ctx(), a, Change{Policy: &lenient})
	s.refused(err, 42203, "policy")
	if was, err := s.DeleteConfig(s.ctx(), a); err != nil || was.Level != compat.Full {
		t.Error(was, err)
	}
	_, err = s.DeleteConfig(s.ctx(), a)
	s.refused(err, 40408)
	if was, err := s.DeleteConfig(s.ctx(), all); err != nil || was.Level != compat.Forward {
		t.Error(was, err)
	}
	want(all, false, compat.FullTransitive, PolicyStrict)
	if was, err := s.DeleteConfig(s.ctx(), all); err != nil || was.Level != compat.FullTransitive {
		t.Error(was, err)
	}
}

func TestPolicy(t *testing.T) {
	s := start(t, Options{Own: func(s Subject) bool { return s.Name == "own" }})
	s.level("", "BACKWARD")
	for subject, want := range map[string]int{"own": 0, "other": 40901} { // harmless, but the table does not know that
		s.level(subject, "BACKWARD")
		if _, _, err := s.register(subject, js(`{}`)); err != nil {
			t.Fatal(err)
		}
		_, _, err := s.register(subject, js(`{"properties":{}}`))
		if want == 0 && err != nil {
			t.Errorf("%s: %v", subject, err)
		}
		if want != 0 {
			s.refused(err, want, "TYPE_CHANGED")
		}
	}
	_, _, err := s.register("own", js(`{"type":"object"}`))
	s.refused(err, 40901, "refusedDocument:'")
}

func TestGroup(t *testing.T) {
	s := start(t, Options{})
	group := "major"
	if _, err := s.SetConfig(s.ctx(), ParseSubject("a"), Change{Group: &group}); err != nil {
		t.Fatal(err)
	}
	with := func(text, major string) Schema {
		x := js(text)
		x.Metadata = []byte(`{"properties":{"major":"` + major + `"}}`)
		return x
	}
	for _, x := range []Schema{with(closedA, "1"), with(intA, "2")} {
		if _, _, err := s.register("a", x); err != nil {
			t.Fatal(err)
		}
	}
	_, _, err := s.register("a", with(`{"type":"null"}`, "1"))
	s.refused(err, 40901, "oldSchemaVersion: 1")
	if got, err := s.LatestWith(ParseSubject("a"), map[string]string{"major": "1"}, false); err != nil || got.Version != 1 {
		t.Error(got, err)
	}
	_, err = s.LatestWith(ParseSubject("a"), map[string]string{"major": "7"}, false)
	s.refused(err, 40403)
}

func TestAlias(t *testing.T) {
	s := start(t, Options{})
	target := "a"
	if _, err := s.SetConfig(s.ctx(), ParseSubject("b"), Change{Alias: &target}); err != nil {
		t.Fatal(err)
	}
	s.must("b", closedA, 1, 1)
	if got := s.names(s.Subjects(Subject{".", ""}, Filter{})); got != "a" {
		t.Error(got)
	}
}

func TestMode(t *testing.T) {
	s := start(t, Options{})
	all, a := Subject{".", ""}, ParseSubject("a")
	s.must("a", closedA, 1, 1)
	set := func(of Subject, m Mode, force bool) error { return s.SetMode(s.ctx(), of, m, force) }
	_, err := s.Mode(a, false)
	s.refused(err, 40409, "Subject 'a' does not have subject-level mode configured")
	if err := set(all, ReadOnly, false); err != nil {
		t.Fatal(err)
	}
	_, _, err = s.register("a", js(closedAB))
	s.refused(err, 42205, "Subject a in context . is in read-only mode")
	_, err = s.DeleteSubject(s.ctx(), a, false)
	s.refused(err, 42205)
	level := "NONE"
	_, err = s.SetConfig(s.ctx(), a, Change{Level: &level})
	s.refused(err, 42205)
	if err := set(a, ReadWrite, false); err != nil {
		t.Fatal(err)
	}
	s.level("a", "NONE")
	s.must("a", closedAB, 2, 2)
	if err := set(all, ReadOnlyOverride, false); err != nil {
		t.Fatal(err)
	}
	_, _, err = s.register("a", js(intA))
	s.refused(err, 42205)
	if m, err := s.DeleteMode(s.ctx(), all); m != ReadOnlyOverride || err != nil {
		t.Error(m, err)
	}
	s.refused(set(a, Import, false), 42205, "Cannot import since found existing subjects")
	if err := set(a, Import, true); err != nil {
		t.Fatal(err)
	}
	_, _, err = s.register("a", js(intA))
	s.refused(err, 42205, "import mode")
	id, version, err := s.registerAs("a", js(intA), Registration{ID: 70, Version: 9})
	if id != 70 || version != 9 || err != nil { // neither compatible nor next
		t.Error(id, version, err)
	}
	_, _, err = s.registerAs("a", js(`{"type":"null"}`), Registration{ID: 70})
	s.refused(err, 42207)
	_, _, err = s.registerAs("a", js(`{"type":"null"}`), Registration{ID: 71, Version: 9})
	s.refused(err, 42207)
	if _, err := s.DeleteMode(s.ctx(), a); err != nil {
		t.Fatal(err)
	}
	_, _, err = s.registerAs("b", js(`{"type":"null"}`), Registration{ID: 90})
	s.refused(err, 42205, "not in import mode")
	s.must("b", `{"type":"null"}`, 71, 1) // goes on behind what was imported
	_, err = ParseMode("readsometimes")
	s.refused(err, 42204, "Invalid mode")
}

func TestCompare(t *testing.T) {
	s := start(t, Options{})
	a := ParseSubject("a")
	check := func(version int32, text string) (bool, error) {
		why, err := s.Compare(s.ctx(), a, version, js(text), false)
		return len(why) == 0, err
	}
	if ok, err := check(Latest, closedA); !ok || err != nil {
		t.Error("the first version fits", ok, err)
	}
	_, err := check(3, closedA)
	s.refused(err, 40402)
	s.must("a", closedA, 1, 1)
	s.level("a", "NONE")
	s.must("a", intA, 2, 2)
	s.level("a", "BACKWARD")
	for _, c := range []struct {
		version int32
		text    string
		want    bool
	}{{1, closedA, true}, {1, closedAB, true}, {1, intA, false}, {2, intA, true}, {Latest, closedA, false}, {0, closedA, false}, {0, intA, true}} {
		if ok, err := check(c.version, c.text); ok != c.want || err != nil {
			t.Errorf("against %d: %v %v, want %v", c.version, ok, err, c.want)
		}
	}
	s.level("a", "BACKWARD_TRANSITIVE")
	if ok, _ := check(0, intA); ok {
		t.Error("transitive: version 1 was not asked")
	}
	_, err = check(Latest, `{"type":`)
	s.refused(err, 42201)
}

// Several registries on one log, appends of which nobody knows what became, kills and compaction: no id twice, nothing lost that was
// acknowledged, and all know the same in the end.
func TestNodesAgree(t *testing.T) {
	const seeds = 8
	for seed := range uint64(seeds) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			m := newMemory()
			dice := rand.New(rand.NewPCG(seed, 1))
			m.fault = func() fault { return []fault{fine, fine, fine, lostAnswer, lostRecords, marked}[dice.IntN(6)] }
			var mu sync.Mutex
			texts := map[int32]string{} // by id, as acknowledged
			var wg sync.WaitGroup
			var stops []func()
			for range 3 {
				r, stop := open(t, m, Options{})
				stops = append(stops, stop)
				s := session{r, t}
				for client := range 3 {
					wg.Go(func() {
						for i := range 12 {
							subject := fmt.Sprintf("s%d", (client+i)%4)
							text := fmt.Sprintf(`{"description":"%d"}`, i*(1+client))
							got, err := r.Register(s.ctx(), ParseSubject(subject), js(text), Registration{})
							if err != nil {
								t.Errorf("register: %v", err)
								return
							}
							mu.Lock()
							if old, ok := texts[got.Schema.ID]; ok && old != text {
								t.Errorf("id %d is %s and %s", got.Schema.ID, old, text)
							}
							texts[got.Schema.ID] = text
							mu.Unlock()
							if i%5 == 4 {
								_, err := r.DeleteSubject(s.ctx(), ParseSubject(fmt.Sprintf("x%d", client)), true)
								if err == nil {
									t.Error("deleted what is not there")
								}
							}
						}
					})
				}
			}
			wg.Wait()
			for _, stop := range stops {
				stop()
			}
			before, _ := open(t, m, Options{})
			m.compact()
			after, _ := open(t, m, Options{})
			for id, text := range texts {
				for name, r := range map[string]*Registry{"before": before, "after": after} {
					stored, err := r.Schema(id, Subject{Context: "."})
					if err != nil || stored.Text() != text {
						t.Errorf("%s compaction: id %d is lost: %v", name, id, err)
					}
				}
			}
			list := func(r *Registry) (all []string) {
				for _, v := range r.All(Subject{"*", ""}, Filter{Deleted: true}, false) {
					all = append(all, fmt.Sprint(v.Subject, v.Version, v.Schema.ID, v.Schema.Text()))
				}
				return all
			}
			if diff := cmp.Diff(list(before), list(after)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// An id is not given again after its schema was deleted for good and the log was compacted.
func TestIDsAreNotGivenAgain(t *testing.T) {
	m := newMemory()
	r, stop := open(t, m, Options{})
	s := session{r, t}
	s.must("a", closedA, 1, 1)
	s.must("b", closedA, 1, 1)
	for _, permanent := range []bool{false, true} {
		for _, subject := range []string{"a", "b"} {
			if _, err := s.DeleteSubject(s.ctx(), ParseSubject(subject), permanent); err != nil {
				t.Fatal(err)
			}
		}
	}
	stop()
	m.compact()
	again, _ := open(t, m, Options{})
	session{again, t}.must("a", intA, 2, 1)
}

func TestLaterFormat(t *testing.T) {
	m := newMemory()
	m.records = append(m.records, &Record{Key: []byte("not ours"), Value: []byte("x")}, &Record{Key: []byte(`["version",".","a",1]`), Value: []byte(`{"format":2}`), Place: 1})
	err := New(m.end(), Options{}).Run(t.Context())
	var later *FormatError
	if !errors.As(err, &later) || later.Format != 2 {
		t.Errorf("Run: %v", err)
	}
}

// While nothing can be written, writers are told so in time and readers read on.
func TestLogIsAway(t *testing.T) {
	m := newMemory()
	r, _ := open(t, m, Options{})
	s := session{r, t}
	s.must("a", closedA, 1, 1)
	m.mu.Lock()
	m.fault = func() fault { return lostRecords }
	m.mu.Unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := r.Register(ctx, ParseSubject("b"), js(intA), Registration{})
	s.refused(err, 50002)
	if _, err := r.Schema(1, Subject{Context: "."}); err != nil {
		t.Error(err)
	}
	m.mu.Lock()
	m.fault = nil
	m.mu.Unlock()
	s.must("c", intA, 2, 1)
	if _, err := r.Version(ParseSubject("b"), Latest, true); err == nil {
		t.Error("what was given up was written later")
	}
}

func TestCanonical(t *testing.T) {
	many := func(last string) string {
		var b strings.Builder
		for i := range 40 {
			fmt.Fprintf(&b, `"m%d":1,`, i)
		}
		return "{" + b.String() + last + "}"
	}
	for text, want := range map[string]string{
		`{ "b" : [ 1.50 , true, null ], "a": "x" }`: `{"b":[1.50,true,null],"a":"x"}`,
		`"\u0111\/<>&\u0009"`:                       `"đ/<>&\t"`,
		`"a\"b\\c"`:                                 `"a\"b\\c"`,
		"\"\u2028\u20ac\"":                          `"\u2028€"`,
		`1e2`:                                       `1e2`,
		many(`"m40":1`):                             many(`"m40":1`),
	} {
		if got, err := canonicalJSON(text, false); got != want || err != nil {
			t.Errorf("%s: %s %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{`{"a":1,"a":1}`, many(`"m3":1`), many(`"m39":1`), `{"a":{"b":1,"b":2}}`} {
		if got, err := canonicalJSON(text, false); err == nil {
			t.Errorf("%s is taken for %s", text, got)
		}
	}
	if got, err := canonicalJSON(`{"b":1,"a":{"d":1,"c":2}}`, true); got != `{"a":{"c":2,"d":1},"b":1}` || err != nil {
		t.Error(got, err)
	}
}
