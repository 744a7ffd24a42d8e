package governance

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// What is handed over is what was published, whole, and nothing else of the folder.
func TestExportRefuses(t *testing.T) {
	for name, row := range map[string]struct {
		spoil func(*sender)
		code  string
	}{
		"a draft behind a published version": {func(s *sender) { s.edit(schemaFile, "Biển số", "Biển số xe") }, "governance.bundle"},
		"a history that was changed":         {func(s *sender) { s.edit(historyFile, "họp nhóm chuẩn", "không họp") }, "governance.history"},
		"a file that is no text":             {func(s *sender) { s.put("phuongtien.bienso/v1/README.md", "\xff\xfe") }, "governance.bundle"},
		"a hidden file":                      {func(s *sender) { s.put("phuongtien.bienso/v1/.gitattributes", "x") }, "governance.bundle"},
		"no key":                             {func(s *sender) { s.private = "" }, "governance.bundle"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSender(t, "bo-mau")
			name, key, err := PrivateKey("key", []byte(s.private))
			must(t, err)
			if row.spoil(s); s.private == "" {
				key = nil
			}
			_, err = s.open().Export([]string{plateID}, name, key)
			refused(t, err, row.code)
		})
	}
}

func TestExportOfSeveral(t *testing.T) {
	s := newSender(t, "bo-mau")
	// A list that only the shared type names goes along.
	s.put("codelists/danhmuc.sac.json", strings.ReplaceAll(models, "hangxe", "sac"))
	s.put("types/mau-cu.json", colours)
	s.edit(typesFile, `"enum": ["trang", "vang"]`, `"x-danh-muc": {"id": "danhmuc.sac", "version": "1.0.0"}`, "mau/1.0.0", "mau/1.1.0")
	s.next()
	s.edit("phuongtien.bienso/v2/schema.json", "../mau/1.0.0", "../mau/1.1.0")
	s.releaseNext()
	name, key, err := PrivateKey("key", []byte(s.private))
	must(t, err)
	export := func(ids ...string) []byte {
		t.Helper()
		text, err := s.open().Export(ids, name, key)
		must(t, err)
		return text
	}
	both := export(nextID, plateID, nextID, "phuongtien.bienso")
	if !bytes.Equal(both, export(plateID, nextID)) {
		t.Error("in another order, and named twice, the datasets make another bundle")
	}
	var b bundle
	must(t, json.Unmarshal(both, &b))
	if len(b.Manifests) != 2 || b.Manifests[0].Dataset != plateID {
		t.Errorf("manifests: %+v", b.Manifests)
	}
	for at, want := range map[string]bool{"codelists/danhmuc.sac.json": true, "codelists/danhmuc.hangxe.json": true, "codelists/danhmuc.khac.json": false, "types/mau-cu.json": true, trustedFile: false} {
		if _, there := b.Files[at]; there != want {
			t.Errorf("%s in the bundle: %t", at, there)
		}
	}
	to := receive(t)
	got, err := to.take(both, s.keys())
	if err != nil || len(got) != 2 || got[0].Dataset != plateID || got[1].Version != "2.0.0" {
		t.Errorf("taken over: %+v, %v", got, err)
	}
	if got := to.text(trustedFile); got != s.public {
		t.Errorf("trusted, of two datasets by one key: %q", got)
	}
}

// What was altered here is neither passed on nor built upon.
func TestAlteredIsNotPassedOn(t *testing.T) {
	from := newSender(t, "bo-mau")
	to := receive(t)
	_, err := to.take(from.bundle(), from.keys())
	must(t, err)
	to.edit(schemaFile, "Biển số", "Biển số xe")
	_, err = to.open().Export([]string{plateID}, "", nil)
	refused(t, err, "governance.origin-altered")
	// A manifest that cannot be read makes nobody the owner.
	to.put("phuongtien.bienso/v1/origin.json", "x")
	refused(t, to.propose(), "governance.origin")
	other := newSender(t, "so-khac")
	_, err = to.take(other.bundle(), other.keys())
	refused(t, err, "governance.origin-altered")
}

// A signature is about one dataset: beside another one it proves nothing.
func TestOriginOfAnotherDataset(t *testing.T) {
	from := newSender(t, "bo-mau")
	from.next()
	from.releaseNext()
	name, key, err := PrivateKey("key", []byte(from.private))
	must(t, err)
	text, err := from.open().Export([]string{plateID, nextID}, name, key)
	must(t, err)
	to := receive(t)
	_, err = to.take(text, from.keys())
	must(t, err)
	to.put("phuongtien.bienso/v1/origin.json", to.text("phuongtien.bienso/v2/origin.json"))
	refused(t, to.open().Lint().Err(), "governance.origin-altered")
}

func TestImportBounds(t *testing.T) {
	from := newSender(t, "bo-mau")
	_, key, err := PrivateKey("key", []byte(from.private))
	must(t, err)
	// resigned is the bundle after a change that its owner signed.
	resigned := func(do func(*bundle, *Manifest)) []byte {
		var b bundle
		must(t, json.Unmarshal(from.bundle(), &b))
		do(&b, &b.Manifests[0])
		must(t, b.Manifests[0].sign(key))
		text, err := indented(b)
		must(t, err)
		return text
	}
	for name, text := range map[string][]byte{
		"a later manifest":       resigned(func(_ *bundle, m *Manifest) { m.Format = 2 }),
		"no name of a dataset":   resigned(func(_ *bundle, m *Manifest) { m.Dataset = "../x.v1" }),
		"a name without major":   resigned(func(_ *bundle, m *Manifest) { m.Dataset = "phuongtien.bienso" }),
		"a name with a version":  resigned(func(_ *bundle, m *Manifest) { m.Dataset = plateID + "@1.0.0" }),
		"another dataset's name": resigned(func(_ *bundle, m *Manifest) { m.Dataset = "phuongtien.khac.v1" }),
		"a file that is not there, and ought to": resigned(func(b *bundle, m *Manifest) {
			m.Files["phuongtien.bienso/v1/README.md"] = sum([]byte("x"))
		}),
		"too large": append(from.bundle(), bytes.Repeat([]byte(" "), maxTotal)...),
	} {
		to := receive(t)
		if _, err := to.take(text, from.keys()); err == nil {
			t.Errorf("%s: taken over", name)
		} else {
			refused(t, err, "governance.bundle")
		}
		if f := to.open(); len(f.files) > 0 {
			t.Errorf("%s: %d files were written", name, len(f.files))
		}
	}
}

func TestKeys(t *testing.T) {
	for _, name := range []string{"", ".", "../x", "hai từ", "-x", strings.Repeat("x", 65)} {
		if _, _, err := NewKey(name); err == nil {
			t.Errorf("%q is the name of a key", name)
		}
	}
	private, public, err := NewKey("bo-mau")
	must(t, err)
	_, _, err = PrivateKey("x", []byte(public))
	refused(t, err, "governance.key")
	_, err = PublicKeys("x", []byte(private))
	refused(t, err, "governance.key")
	keys, err := PublicKeys("x", []byte("# theirs\n\n"+public+"\r\n"))
	if err != nil || len(keys) != 1 || keys[0].Name != "bo-mau" {
		t.Errorf("%v, %v", keys, err)
	}
}
