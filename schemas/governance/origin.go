package governance

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/lienthong/truc/problem"
)

// trustedFile names the keys whose signatures are believed.
const trustedFile = "trusted.keys"

const originFormat = 1

// Manifest says of a dataset from where it comes, and what belongs to it. It is signed, travels in a bundle and stays beside the
// dataset as origin.json, so that a change is seen at any time.
type Manifest struct {
	Format  int    `json:"format"`
	Dataset string `json:"dataset"` // "hotich.khaisinh.v1"
	Origin  string `json:"origin"`  // the name of the key
	Key     string `json:"key"`     // the public key, base64
	// Files are the fingerprints of all files, by path from the folder of standards.
	Files     map[string]string `json:"files"`
	Signature string            `json:"signature,omitempty"` // of the manifest without it, base64
}

// signed is what the signature is about. It is written anew from what was understood: nothing else can be signed.
func (m Manifest) signed() ([]byte, error) {
	m.Signature = ""
	text, err := compact(m)
	return append([]byte("truc standards manifest 1\n"), text...), err
}

func (m *Manifest) sign(key ed25519.PrivateKey) error {
	text, err := m.signed()
	m.Signature = base64.StdEncoding.EncodeToString(ed25519.Sign(key, text))
	return err
}

// key is the public key that the manifest names, nil when it is none.
func (m Manifest) key() ed25519.PublicKey {
	raw, err := base64.StdEncoding.DecodeString(m.Key)
	if err != nil || len(raw) != ed25519.PublicKeySize {
		return nil
	}
	return raw
}

// genuine says whether the signature is that of the key the manifest names.
func (m Manifest) genuine() bool {
	signature, err := base64.StdEncoding.DecodeString(m.Signature)
	text, wrong := m.signed()
	return err == nil && wrong == nil && m.key() != nil && ed25519.Verify(m.key(), text, signature)
}

// dir is where the dataset stands.
func (m Manifest) dir() string {
	name, major, _ := SplitName(m.Dataset)
	return name + "/v" + itoa(major)
}

// decodeStrict reads one JSON value with the fields of v and no others.
func decodeStrict(text []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(plain(text)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more text follows")
	}
	return nil
}

func originFile(dir string) string { return dir + "/origin.json" }

// Origin says from whom a dataset was taken over, if it was.
func (f *Folder) Origin(d *Dataset) (string, bool) {
	text, taken := f.files[originFile(d.dir)]
	var m Manifest
	if taken && decodeStrict(text, &m) != nil {
		m.Origin = "?"
	}
	return m.Origin, taken
}

// manifests are those of all datasets that were taken over; what cannot be read is a finding.
func (f *Folder) manifests() ([]Manifest, problem.List) {
	var all []Manifest
	var found problem.List
	for _, d := range f.Datasets() {
		at := originFile(d.dir)
		text, taken := f.files[at]
		if !taken {
			continue
		}
		var m Manifest
		if err := decodeStrict(text, &m); err != nil || m.Format != originFormat || m.Dataset != d.ID || !m.genuine() {
			found = append(found, f.notTheirs(at, problem.Say("the signature of the dataset's origin does not hold")))
			continue
		}
		all = append(all, m)
	}
	return all, found
}

func (f *Folder) notTheirs(at string, what problem.Text) problem.Problem {
	return problem.Problem{
		Code: "governance.origin-altered", Where: f.where(at), What: what,
		Fix: problem.Say("take the file back from version control, or remove the dataset's folder and import the bundle again; what you need besides goes into a dataset of your own"),
	}
}

// CheckOrigins finds what was changed in datasets of others: one may use and extend, not alter them.
func (f *Folder) CheckOrigins() problem.List {
	all, found := f.manifests()
	trusted, err := PublicKeys(f.where(trustedFile), f.files[trustedFile])
	found = append(found, problemsOf(err)...)
	for _, m := range all {
		if !slices.ContainsFunc(trusted, func(k Key) bool { return k.Public.Equal(m.key()) }) {
			found = append(found, f.notTheirs(originFile(m.dir()), problem.Say("the key that signed it is not among those you trust (%s)", trustedFile)))
		}
		found = append(found, f.against(m, all)...)
	}
	return found
}

// against compares the files of a dataset with what was signed.
func (f *Folder) against(m Manifest, all []Manifest) problem.List {
	var found problem.List
	for _, at := range sortedKeys(m.Files) {
		text, there := f.files[at]
		switch {
		case !there:
			found = append(found, f.notTheirs(at, problem.Say("the file is gone, and it belongs to %s, taken over from %s", m.Dataset, m.Origin)))
		case !signedBy(at, sum(text), m.Key, all):
			found = append(found, f.notTheirs(at, problem.Say("the file was changed, and it belongs to %s, taken over from %s", m.Dataset, m.Origin)))
		}
	}
	for _, at := range sortedKeys(f.files) {
		if strings.HasPrefix(at, m.dir()+"/") && at != originFile(m.dir()) && m.Files[at] == "" {
			found = append(found, f.notTheirs(at, problem.Say("the file was added to %s, which was taken over from %s", m.Dataset, m.Origin)))
		}
	}
	return found
}

// signedBy says whether a text at a place is one that the owner of a key signed. A shared file may be newer than one dataset of
// the owner, when another was taken over later.
func signedBy(at, sum, key string, all []Manifest) bool {
	return slices.ContainsFunc(all, func(m Manifest) bool { return m.Key == key && m.Files[at] == sum })
}

// safe says whether a bundle may name this place for a dataset's file.
func (m Manifest) safe(at string) bool {
	inside := strings.HasPrefix(at, m.dir()+"/") && datasetFile.MatchString(at) && leadsTo(path.Dir(at)) && at != originFile(m.dir())
	return fs.ValidPath(at) && !strings.Contains(at, `\`) && !strings.HasPrefix(path.Base(at), ".") && (inside || sharedFile.MatchString(at))
}
