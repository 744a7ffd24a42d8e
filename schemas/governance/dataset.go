package governance

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas"
)

// Dataset is one major version of a dataset in a folder: the working copy and what was decided about it.
type Dataset struct {
	ID      string // "hotich.khaisinh.v1"
	Name    string // "hotich.khaisinh"
	Major   int
	Working Text // Types are known once the gate was passed: see Folder.Working
	History []Entry
	// Versions are the texts that were published, the oldest first.
	Versions []Text
	// Problems are what is wrong with history and published texts: a published version never changes.
	Problems problem.List

	dir string
}

// Datasets lists the datasets of a folder, by id.
func (f *Folder) Datasets() []*Dataset {
	var out []*Dataset
	seen := map[string]bool{}
	for _, at := range sortedKeys(f.files) {
		m := datasetFile.FindStringSubmatch(at)
		if m == nil || seen[m[1]+"/v"+m[2]] {
			continue
		}
		seen[m[1]+"/v"+m[2]] = true
		major, _ := strconv.Atoi(m[2])
		out = append(out, f.dataset(m[1], major))
	}
	slices.SortFunc(out, func(a, b *Dataset) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), cmp.Compare(a.Major, b.Major))
	})
	return out
}

// SplitName takes apart how people name datasets: "hotich.khaisinh", "hotich.khaisinh.v1", "hotich.khaisinh.v1@1.2.0",
// "hotich.khaisinh@1.2.0". Major is 0 and version "" where the name does not say.
func SplitName(s string) (name string, major int, version string) {
	name, version, _ = strings.Cut(s, "@")
	if i := strings.LastIndex(name, ".v"); i >= 0 {
		if n, err := strconv.Atoi(name[i+2:]); err == nil && n > 0 {
			name, major = name[:i], n
		}
	}
	if v, ok := ParseVersion(version); ok && major == 0 {
		major = v[0]
	}
	return name, major, version
}

// Dataset finds a dataset by its name or id; without a major version it is the latest one. The error is a problem.Problem.
func (f *Folder) Dataset(id string) (*Dataset, error) {
	name, major, _ := SplitName(id)
	var have []string
	var found *Dataset
	for _, d := range f.Datasets() {
		have = append(have, d.ID)
		if d.Name == name && (major == 0 || d.Major == major) {
			found = d
		}
	}
	if found != nil {
		return found, nil
	}
	if builtin, err := schemas.Builtin(); err == nil && slices.ContainsFunc(builtin.Datasets(), func(d *schemas.Dataset) bool {
		return d.Name() == name && (major == 0 || d.Major() == major)
	}) {
		return nil, problem.Problem{
			Code: "governance.builtin", Where: f.name, What: problem.Say("%s comes with truc, and nothing is decided about it in this folder", name),
			Fix: problem.Say("build a dataset of your own on it, by a $ref; truc schema diff A B and truc export take its name as it is"),
		}
	}
	fix := problem.Say("the folder has %s", strings.Join(have, ", "))
	if len(have) == 0 {
		fix = problem.Say("the folder has no dataset yet: truc schema new NAME begins one; or name another folder with --dir")
	}
	return nil, problem.Problem{Code: "governance.unknown-dataset", Where: f.name, What: problem.Say("there is no dataset %q in this folder", id), Fix: fix}
}

func (f *Folder) dataset(name string, major int) *Dataset {
	d := &Dataset{ID: fmt.Sprintf("%s.v%d", name, major), Name: name, Major: major, dir: fmt.Sprintf("%s/v%d", name, major)}
	d.Working = Text{Name: d.ID, Schema: f.files[d.dir+"/schema.json"]}
	if v, err := decode(d.Working.Schema); err == nil {
		m, _ := v.(map[string]any)
		id, _ := m["$id"].(string)
		if version, ok := ParseVersion(versionOf(id)); ok {
			d.Working.Version, d.Working.Name = version, d.ID+"@"+version.String()
		}
	}
	d.History, d.Problems = parseHistory(f.where(d.historyFile()), f.files[d.historyFile()])
	types, ps := f.frozenTypes(d)
	d.Problems = append(d.Problems, ps...)
	expected := map[string]bool{}
	for _, e := range d.History {
		v, ok := ParseVersion(e.Version)
		if e.State != Published || !ok {
			continue
		}
		at := d.publishedFile(e.Version)
		expected[at] = true
		text, there := f.files[at]
		switch {
		case !there:
			d.Problems = append(d.Problems, f.altered(at, problem.Say("the text of the published version %s is gone", e.Version)))
			continue
		case sum(text) != e.SHA256:
			d.Problems = append(d.Problems, f.altered(at, problem.Say("the published version %s was changed, and a published version never changes", e.Version)))
		}
		t := Text{Name: d.ID + "@" + e.Version, Version: v, Schema: text, Types: map[string][]byte{}}
		for id, want := range e.Types {
			if types[want] == nil {
				d.Problems = append(d.Problems, f.altered(d.dir+"/published/types", problem.Say("the shared type %s, with which version %s was published, is gone or was changed", id, e.Version)))
				continue
			}
			t.Types[id] = types[want]
		}
		d.Versions = append(d.Versions, t)
	}
	for _, at := range sortedKeys(f.files) {
		if rest, inside := strings.CutPrefix(at, d.dir+"/published/"); inside && !strings.Contains(rest, "/") && !expected[at] {
			d.Problems = append(d.Problems, problem.Problem{
				Code: "governance.unpublished", Where: f.where(at), What: problem.Say("the file stands among the published versions, and nobody published it"),
				Fix: problem.Say("remove it; truc schema publish puts versions there"),
			})
		}
	}
	slices.SortStableFunc(d.Versions, func(a, b Text) int { return a.Version.Compare(b.Version) })
	return d
}

func (f *Folder) altered(at string, what problem.Text) problem.Problem {
	return problem.Problem{
		Code: "governance.altered", Where: f.where(at), What: what,
		Fix: problem.Say("take the file back from version control (git checkout); what must change goes into schema.json under a new version"),
	}
}

func (d *Dataset) historyFile() string { return d.dir + "/history.jsonl" }

func (d *Dataset) publishedFile(version string) string {
	return path.Join(d.dir, "published", version+".json")
}

// frozenTypes are the shared types that versions were published with, by fingerprint.
func (f *Folder) frozenTypes(d *Dataset) (map[string][]byte, problem.List) {
	known := map[string]bool{}
	for _, e := range d.History {
		for _, s := range e.Types {
			known[s] = true
		}
	}
	var ps problem.List
	types := map[string][]byte{}
	for _, at := range sortedKeys(f.files) {
		if !strings.HasPrefix(at, d.dir+"/published/types/") {
			continue
		}
		s := sum(f.files[at])
		types[s] = f.files[at]
		if !known[s] {
			ps = append(ps, f.altered(at, problem.Say("the shared type is not as it was when a version was published with it")))
		}
	}
	return types, ps
}

// Last is the latest step of a version, nil when nothing was decided about it.
func (d *Dataset) Last(version string) *Entry {
	for i := len(d.History) - 1; i >= 0; i-- {
		if d.History[i].Version == version {
			return &d.History[i]
		}
	}
	return nil
}

// State of the working copy. It is a draft as long as its text is not the one about which the last step was decided.
func (d *Dataset) State() State {
	e := d.Last(d.Working.Version.String())
	if e == nil || e.SHA256 != sum(d.Working.Schema) {
		return Draft
	}
	return e.State
}

// Latest is the latest published version, nil when there is none.
func (d *Dataset) Latest() *Text {
	if len(d.Versions) == 0 {
		return nil
	}
	return &d.Versions[len(d.Versions)-1]
}

// At finds a published version; the error is a problem.Problem.
func (d *Dataset) At(version string) (Text, error) {
	have := make([]string, 0, len(d.Versions))
	for _, t := range d.Versions {
		if t.Version.String() == version {
			return t, nil
		}
		have = append(have, t.Version.String())
	}
	fix := problem.Say("published are: %s", strings.Join(have, ", "))
	if len(have) == 0 {
		fix = problem.Say("no version of it is published yet")
	}
	return Text{}, problem.Problem{Code: "governance.unknown-version", What: problem.Say("%s has no published version %q", d.ID, version), Fix: fix}
}

// Working is the working copy with the shared types it uses. The set is what the gate made of the folder.
func (d *Dataset) working(set *schemas.Set) (Text, error) {
	loaded, err := set.Dataset(d.ID)
	if err != nil {
		return Text{}, err
	}
	t := d.Working
	t.Types = loaded.References()
	return t, nil
}

// problemsOf takes an error apart into findings.
func problemsOf(err error) problem.List {
	var list problem.List
	var one problem.Problem
	switch {
	case errors.As(err, &list):
		return list
	case errors.As(err, &one):
		return problem.List{one}
	}
	return nil
}

// LoadedText is a dataset of a set as a version to compare with.
func LoadedText(d *schemas.Dataset) Text {
	v, _ := ParseVersion(d.Version())
	return Text{Name: d.ID() + "@" + d.Version(), Version: v, Schema: d.Raw(), Types: d.References()}
}

// FileText is a schema in a file as a version to compare with; its $refs may lead to the shared types of a set.
func FileText(name string, text []byte, set *schemas.Set) Text {
	t := Text{Name: name, Schema: text, Types: map[string][]byte{}}
	v, err := decode(text)
	if err != nil {
		return t
	}
	m, _ := v.(map[string]any)
	id, _ := m["$id"].(string)
	t.Version, _ = ParseVersion(versionOf(id))
	for _, d := range set.Datasets() {
		for ref, text := range d.References() {
			if ref != id {
				t.Types[ref] = text
			}
		}
	}
	return t
}

// Title is what a schema calls itself.
func Title(schema []byte) problem.Text {
	v, err := decode(schema)
	if err != nil {
		return problem.Text{}
	}
	facts, _ := v.(map[string]any)
	return (&field{facts: facts}).title()
}
