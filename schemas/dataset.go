package schemas

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/xeipuuv/gojsonschema"

	"github.com/lienthong/truc/problem"
)

// Dataset is a kind of thing that is shared, with its schema. It is immutable and safe for concurrent use.
type Dataset struct {
	name    string // "hotich.khaisinh"
	major   int
	version string // "1.0.0"
	file    *schemaFile
	root    *Node
	builtin string        // of one that comes with truc the folder of its schema and examples, or ""
	kept    []exampleFile // of another one its examples

	// Both are made when they are first asked for: most commands never check a document, and of many datasets a node uses a few.
	validator func() (*gojsonschema.Schema, error)
	fast      func() (c *checker, slow string) // slow says why nothing is ever proven by the fast check, or ""
}

func newDataset(f *schemaFile) *Dataset {
	return &Dataset{
		file: f, validator: sync.OnceValues(f.compileGoJSONSchema),
		fast: sync.OnceValues(func() (*checker, string) { return compileFast(f.root) }),
	}
}

// ID names the dataset with its major version: "hotich.khaisinh.v1".
func (d *Dataset) ID() string { return fmt.Sprintf("%s.v%d", d.name, d.major) }

// Name is the dataset without version: "hotich.khaisinh".
func (d *Dataset) Name() string { return d.name }

// Major is the major version; datasets of different majors live side by side.
func (d *Dataset) Major() int { return d.major }

// Version is the exact schema version, "1.0.0": the last segment of the schema's $id.
func (d *Dataset) Version() string { return d.version }

// Title returns the schema's title in "vi" or "en", falling back to Vietnamese and then to the id.
func (d *Dataset) Title(lang string) string {
	for _, l := range []string{lang, "vi"} {
		if t := d.root.Title[l]; t != "" {
			return t
		}
	}
	return d.ID()
}

// KeyProperties names the properties that identify an entity (x-khoa), as dotted paths: "noiDangKy.ma".
func (d *Dataset) KeyProperties() []string { return slices.Clone(d.file.key) }

// Root is the schema as a typed tree.
func (d *Dataset) Root() *Node { return d.root }

// Raw returns the schema's text. It must not be changed.
func (d *Dataset) Raw() []byte { return d.file.raw }

// References are the texts of the other schemas that its $refs lead to, directly or through one another, by $id. They must not be
// changed.
func (d *Dataset) References() map[string][]byte {
	out := map[string][]byte{}
	for _, f := range d.file.reached()[1:] {
		out[f.id] = f.raw
	}
	return out
}

// SchemaURL is where the exact schema version stands under a registry: what ce_dataschema carries.
func (d *Dataset) SchemaURL(registryURL string) string {
	return fmt.Sprintf("%s/schemas/%s/%s", strings.TrimRight(registryURL, "/"), d.ID(), d.version)
}

// Fast says whether Accepts can prove documents of this dataset, and if it cannot, which part of the schema prevents it.
func (d *Dataset) Fast() (ok bool, reason string) {
	_, reason = d.fast()
	return reason == "", reason
}

// Accepts reports whether a document is certainly valid. It reads the bytes once and allocates nothing; false means
// only that it could not prove it: ask Check. It proves documents without white space, as mappings write them.
func (d *Dataset) Accepts(doc []byte) bool {
	c, slow := d.fast()
	return slow == "" && c.accepts(doc)
}

// datasetOf reads name and version from the path "<name>/v<major>/schema.json" and the $id ".../<name>/<version>".
func datasetOf(path string, f *schemaFile) (*Dataset, problem.List) {
	d := newDataset(f)
	var directory string
	d.name, directory, _ = strings.Cut(strings.TrimSuffix(path, "/schema.json"), "/")
	_, err := fmt.Sscanf(directory, "v%d", &d.major)
	if !datasetName.MatchString(d.name) || err != nil || directory != fmt.Sprintf("v%d", d.major) || d.major < 1 {
		return nil, problem.List{misplaced(f.path)}
	}
	head, version := cutLast(f.id, "/")
	_, name := cutLast(head, "/")
	if name != d.name || !exactVersion.MatchString(version) || !strings.HasPrefix(version, fmt.Sprintf("%d.", d.major)) {
		fix := problem.Say(`let it end in "/%s/%d.0.0"`, d.name, d.major)
		if major, _, _ := strings.Cut(version, "."); name == d.name && exactVersion.MatchString(version) {
			fix = problem.Say(`a new major version is a dataset of its own: put it at %s/v%s/schema.json; here the version begins with "%d."`, d.name, major, d.major)
		}
		return nil, problem.List{{
			Code: "schema.id", Where: f.path + "#/$id", What: problem.Say("the $id does not end in the dataset and an exact version of this major"), Fix: fix,
		}}
	}
	d.version = version
	return d, nil
}

// cutLast cuts s around the last sep; without one, all of it comes after.
func cutLast(s, sep string) (before, after string) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):]
	}
	return "", s
}
