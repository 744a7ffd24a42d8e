package governance

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/lienthong/truc/problem"
)

// bundle is how datasets travel where there is no network between: one JSON file, the same for the same content.
type bundle struct {
	Format    int               `json:"format"`
	Manifests []Manifest        `json:"manifests"`
	Files     map[string]string `json:"files"`
}

const bundleFormat = 1

func itoa(n int) string { return strconv.Itoa(n) }

// Export makes a bundle of published datasets, signed by a key. A dataset that was taken over from others keeps their signature;
// of own ones key may not be nil.
func (f *Folder) Export(ids []string, keyName string, key ed25519.PrivateKey) ([]byte, error) {
	if _, err := f.Set(); err != nil {
		return nil, err
	}
	if found := f.CheckOrigins(); found != nil {
		return nil, found
	}
	b := bundle{Format: bundleFormat, Files: map[string]string{}}
	for _, id := range ids {
		d, err := f.Dataset(id)
		if err != nil {
			return nil, err
		}
		m, err := f.manifest(d, keyName, key)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(b.Manifests, func(o Manifest) bool { return o.Dataset == m.Dataset }) {
			continue
		}
		b.Manifests = append(b.Manifests, *m)
		for at := range m.Files {
			if !utf8.Valid(f.files[at]) {
				return nil, problem.Problem{Code: "governance.bundle", Where: f.where(at), What: problem.Say("the file is not UTF-8 text"), Fix: problem.Say("keep pictures and the like elsewhere, and link to them")}
			}
			b.Files[at] = string(plain(f.files[at]))
		}
	}
	slices.SortFunc(b.Manifests, func(a, b Manifest) int { return strings.Compare(a.Dataset, b.Dataset) })
	return indented(b)
}

// manifest of a dataset whose working copy is a published version.
func (f *Folder) manifest(d *Dataset, keyName string, key ed25519.PrivateKey) (*Manifest, error) {
	if d.Problems != nil {
		return nil, d.Problems
	}
	if text, theirs := f.files[originFile(d.dir)]; theirs {
		var m Manifest
		return &m, decodeStrict(text, &m)
	}
	switch latest := d.Latest(); {
	case latest == nil || !d.State().public():
		return nil, f.wrong(d, "governance.bundle", problem.Say("%s is not published: its state is %s", d.Working.Name, d.State().Text()), problem.Say("publish it first, or take the published text back into schema.json"))
	case key == nil:
		return nil, f.wrong(d, "governance.bundle", problem.Say("what you hand over is signed, and there is no key"), problem.Say("truc schema key NAME makes a key pair; then --key NAME.key"))
	}
	m := &Manifest{
		Format: originFormat, Dataset: d.ID, Origin: keyName, Files: map[string]string{},
		Key: base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey)),
	}
	for at, text := range f.files {
		if strings.HasPrefix(at, d.dir+"/") || f.needs(d, at) {
			m.Files[at] = sum(text)
		}
	}
	for at := range m.Files {
		if !m.safe(at) {
			return nil, problem.Problem{Code: "governance.bundle", Where: f.where(at), What: problem.Say("the file is in no place that a dataset has"), Fix: problem.Say("move it out of the dataset's folder")}
		}
	}
	return m, m.sign(key)
}

// needs says whether a shared file of the folder is used by a dataset, directly or through a shared type.
func (f *Folder) needs(d *Dataset, at string) bool {
	if !sharedFile.MatchString(at) {
		return false
	}
	v, err := decode(f.files[at])
	if err != nil {
		return false
	}
	m, _ := v.(map[string]any)
	id, _ := m["$id"].(string)
	list, _ := m["id"].(string)
	latest := d.Latest()
	if strings.HasPrefix(at, "types/") {
		return latest.Types[id] != nil
	}
	mentioned := func(text []byte) bool {
		found := false
		if v, err := decode(text); err == nil {
			root, _ := v.(map[string]any)
			visit := func(m map[string]any) { found = found || list != "" && listID(m[codesKeyword]) == list }
			eachSchema(root, visit, func(string) bool { return true })
		}
		return found
	}
	return mentioned(latest.Schema) || slices.ContainsFunc(slices.Collect(maps.Values(latest.Types)), mentioned)
}

// Imported is what came of a dataset in a bundle.
type Imported struct {
	Dataset string `json:"dataset"`
	Version string `json:"version"`
	State   State  `json:"state"`
	Origin  string `json:"origin"`
	// New is false when all of it was here already.
	New bool `json:"new"`
}

// Import takes datasets over from a bundle. Everything is proven before anything is written: the signature of a trusted key, each
// file, that no published version differs from the one here, that nothing of one's own is overwritten, and the gate.
func (f *Folder) Import(where string, text []byte, trust []Key) ([]Imported, error) {
	bad := func(what, fix problem.Text) error {
		return problem.Problem{Code: "governance.bundle", Where: where, What: what, Fix: fix}
	}
	again := problem.Say("get the bundle again from where it was made")
	var b bundle
	switch err := decodeStrict(text, &b); {
	case len(text) > maxTotal:
		return nil, bad(problem.Say("the bundle is larger than %d MiB", maxTotal>>20), problem.Say("ask for fewer datasets at a time"))
	case err == nil && b.Format > bundleFormat:
		return nil, bad(problem.Say("the bundle was made by a later truc (format %d, this one knows %d)", b.Format, bundleFormat), problem.Say("install the newer truc"))
	case err != nil || b.Format != bundleFormat || len(b.Manifests) == 0:
		return nil, bad(problem.Say("the file is no bundle of datasets"), again)
	}
	known, err := PublicKeys(f.where(trustedFile), f.files[trustedFile])
	if err != nil {
		return nil, err
	}
	files, keys := map[string][]byte{}, []byte(nil)
	listed := map[string]bool{}
	for _, m := range b.Manifests {
		i := slices.IndexFunc(slices.Concat(known, trust), func(k Key) bool { return k.Public.Equal(m.key()) })
		switch {
		case !m.genuine() || m.Format != originFormat:
			return nil, bad(problem.Say("the signature of %s does not hold: the bundle was changed on its way", m.Dataset), again)
		case i < 0:
			return nil, bad(problem.Say("%s is signed by %q, a key you do not trust", m.Dataset, m.Origin), problem.Say("get the .pub file of the sender by another way than the bundle, compare it by telephone, and name it: --trust FILE"))
		case i >= len(known) && !slices.ContainsFunc(known, func(k Key) bool { return k.Public.Equal(m.key()) }):
			known = append(known, Key{m.Origin, m.key()})
			keys = append(keys, Key{m.Origin, m.key()}.line()...)
		}
		name, major, version := SplitName(m.Dataset)
		if !topFolder.MatchString(name) || major == 0 || version != "" {
			return nil, bad(problem.Say("%q is no name of a dataset", m.Dataset), again)
		}
		for at, want := range m.Files {
			text, there := b.Files[at]
			switch {
			case !m.safe(at):
				return nil, bad(problem.Say("the bundle names the place %q, which no dataset has", at), again)
			case !there || len(text) > maxFile || sum([]byte(text)) != want:
				return nil, bad(problem.Say("%s in the bundle is not what was signed", at), again)
			}
			files[at], listed[at] = []byte(text), true
		}
		own, err := indented(m)
		if err != nil {
			return nil, err
		}
		files[originFile(m.dir())] = own
	}
	for at := range b.Files {
		if !listed[at] {
			return nil, bad(problem.Say("%s in the bundle is not what was signed", at), again)
		}
	}
	return f.takeOver(b.Manifests, files, keys)
}

// takeOver puts proven files into the folder, unless something of one's own, or something published, is in the way.
func (f *Folder) takeOver(manifests []Manifest, files map[string][]byte, keys []byte) ([]Imported, error) {
	here, found := f.manifests()
	if found != nil {
		return nil, found
	}
	after := maps.Clone(f.files)
	var gone []string
	var out []Imported
	for _, m := range manifests {
		mine, err := f.inTheWay(m, here, files)
		if err != nil {
			return nil, err
		}
		for at := range f.files {
			if strings.HasPrefix(at, m.dir()+"/") && files[at] == nil {
				gone = append(gone, at)
				delete(after, at)
			}
		}
		out = append(out, Imported{Dataset: m.Dataset, Origin: m.Origin, New: mine})
	}
	maps.Copy(after, files)
	if keys != nil {
		text := plain(f.files[trustedFile])
		if len(text) > 0 && !bytes.HasSuffix(text, []byte("\n")) {
			text = append(text, '\n')
		}
		files[trustedFile] = append(bytes.Clone(text), keys...)
	}
	if _, err := f.setOf(after); err != nil {
		return nil, err
	}
	next := &Folder{name: f.name, files: after}
	for i := range out {
		d, err := next.Dataset(out[i].Dataset)
		if err != nil {
			return nil, err
		}
		if d.Problems != nil {
			return nil, d.Problems
		}
		out[i].Version, out[i].State = d.Working.Version.String(), d.State()
	}
	if err := f.write(files); err != nil {
		return nil, err
	}
	return out, f.remove(gone)
}

// inTheWay refuses to overwrite what must stay as it is. The answer says whether anything is new.
func (f *Folder) inTheWay(m Manifest, here []Manifest, files map[string][]byte) (bool, error) {
	at := slices.IndexFunc(here, func(o Manifest) bool { return o.Dataset == m.Dataset })
	_, exists := f.files[m.dir()+"/schema.json"]
	stop := func(at string, what, fix problem.Text) error {
		return problem.Problem{Code: "governance.import", Where: f.where(at), What: what, Fix: fix}
	}
	if at < 0 && exists {
		return false, stop(m.dir(), problem.Say("%s is a dataset of your own, and is not overwritten", m.Dataset), problem.Say("rename yours, or leave that of %s out", m.Origin))
	}
	history := m.dir() + "/history.jsonl"
	if at >= 0 {
		if here[at].Key != m.Key {
			return false, stop(m.dir(), problem.Say("%s was taken over from %s, and this one is signed by another key", m.Dataset, here[at].Origin), problem.Say("ask both which of them is in charge of it"))
		}
		if found := f.against(here[at], here); found != nil {
			return false, found
		}
		was, is := plain(f.files[history]), plain(files[history])
		switch {
		case bytes.HasPrefix(is, was):
		case bytes.HasPrefix(was, is):
			return false, stop(history, problem.Say("the bundle is older than what is here"), problem.Say("get the latest one from %s", m.Origin))
		default:
			return false, stop(history, problem.Say("the history of %s in the bundle is another than the one here: a published version or a decision was changed", m.Dataset), problem.Say("do not take it over; ask %s what happened", m.Origin))
		}
		for file := range here[at].Files {
			if strings.HasPrefix(file, m.dir()+"/published/") && sum(files[file]) != here[at].Files[file] {
				return false, stop(file, problem.Say("the bundle changes a published version, and a published version never changes"), problem.Say("do not take it over; ask %s what happened", m.Origin))
			}
		}
	}
	isNew := at < 0
	for file := range m.Files {
		text, there := f.files[file]
		isNew = isNew || !there || sum(text) != m.Files[file]
		if there && sharedFile.MatchString(file) && sum(text) != m.Files[file] && !signedBy(file, sum(text), m.Key, here) {
			return false, stop(file, problem.Say("the bundle brings another text of this shared file, which did not come from %s", m.Origin), problem.Say("rename yours: ids and file names begin with your agency"))
		}
	}
	return isNew, nil
}

// remove takes files away that a newer version of a dataset does not have any more.
func (f *Folder) remove(files []string) error {
	root, err := os.OpenRoot(f.dir)
	if err != nil {
		return fmt.Errorf("open folder of datasets: %w", err)
	}
	defer root.Close()
	for _, at := range files {
		if err := root.Remove(at); err != nil {
			return fmt.Errorf("remove file: %w", err)
		}
		delete(f.files, at)
	}
	return nil
}
