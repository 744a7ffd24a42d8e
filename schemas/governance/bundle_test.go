package governance

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sender is a standards team with a key, and a published dataset that uses a shared type and a code list of its folder.
type sender struct {
	*standards
	name, private, public string
}

const models = `{"id": "danhmuc.hangxe", "version": "1.0.0", "title": {"vi": "Hãng", "en": "Maker"}, "source": "mẫu", "codes": [{"code": "A", "vi": "Hãng A", "en": "A"}]}`

func newSender(t *testing.T, name string) *sender {
	t.Helper()
	s := &sender{standards: newStandards(t), name: name}
	var err error
	s.private, s.public, err = NewKey(name)
	must(t, err)
	s.put("codelists/danhmuc.hangxe.json", models)
	s.put("codelists/danhmuc.khac.json", strings.ReplaceAll(models, "hangxe", "khac"))
	s.edit(schemaFile, `"chu": {`, `"hang": {"type": "string", "x-danh-muc": {"id": "danhmuc.hangxe", "version": "1.0.0"}}, "chu": {`)
	s.release()
	return s
}

func (s *sender) bundle() []byte {
	s.t.Helper()
	name, key, err := PrivateKey("key", []byte(s.private))
	must(s.t, err)
	text, err := s.open().Export([]string{plateID}, name, key)
	must(s.t, err)
	return text
}

func (s *sender) keys() []Key {
	s.t.Helper()
	keys, err := PublicKeys("pub", []byte(s.public))
	must(s.t, err)
	return keys
}

func receive(t *testing.T) *standards { return &standards{t, t.TempDir()} }

func (s *standards) take(bundle []byte, trust []Key) ([]Imported, error) {
	return s.open().Import("a.bundle", bundle, trust)
}

func TestHandOver(t *testing.T) {
	from := newSender(t, "bo-mau")
	bundle := from.bundle()
	if again := from.bundle(); !bytes.Equal(bundle, again) {
		t.Error("the same datasets make another bundle")
	}
	if bytes.Contains(bundle, []byte("danhmuc.khac")) {
		t.Error("the bundle has a code list that the dataset does not use")
	}
	to := receive(t)
	got, err := to.take(bundle, from.keys())
	must(t, err)
	if len(got) != 1 || got[0] != (Imported{plateID, "1.0.0", Published, "bo-mau", true}) {
		t.Errorf("taken over: %+v", got)
	}
	for _, at := range []string{schemaFile, typesFile, "codelists/danhmuc.hangxe.json", "phuongtien.bienso/v1/history.jsonl", "phuongtien.bienso/v1/published/1.0.0.json"} {
		if to.text(at) != from.text(at) {
			t.Errorf("%s is another there", at)
		}
	}
	// Once trusted the key is known; the same bundle brings nothing new.
	if got, err = to.take(bundle, nil); err != nil || got[0].New {
		t.Errorf("again: %+v, %v", got, err)
	}
	if found := to.open().Lint(); found != nil {
		t.Errorf("lint: %v", found)
	}
	// It is not theirs to decide about, and passed on it keeps the first signature.
	refused(t, to.propose(), "governance.origin")
	passed, err := to.open().Export([]string{plateID}, "", nil)
	must(t, err)
	if !bytes.Equal(passed, bundle) {
		t.Error("passed on, the bundle is another")
	}

	// The next version follows, and takes away what it does not have any more.
	from.edit(schemaFile, `"hang": {`, `"nam": {"type": "string"}, "hang": {`)
	from.version("1.0.0", "1.1.0")
	from.put("phuongtien.bienso/v1/examples/valid/2.json", `{"so": "2", "nam": "2026"}`)
	from.remove("phuongtien.bienso/v1/examples/valid/1.json")
	from.edit("codelists/danhmuc.hangxe.json", `"codes": [`, `"codes": [{"code": "B", "vi": "Hãng B", "en": "B"}, `)
	from.release()
	if got, err = to.take(from.bundle(), nil); err != nil || got[0].Version != "1.1.0" || !got[0].New {
		t.Errorf("the next version: %+v, %v", got, err)
	}
	if _, err := os.Stat(filepath.Join(to.dir, "phuongtien.bienso/v1/examples/valid/1.json")); err == nil {
		t.Error("an example that is gone is still there")
	}
	if found := to.open().Lint(); found != nil {
		t.Errorf("lint after the next version: %v", found)
	}
	_, err = to.take(bundle, nil)
	refused(t, err, "governance.import")
	if ps := problemsOf(err); len(ps) != 1 || !strings.Contains(ps[0].What.EN, "older than what is here") { // and no other history
		t.Errorf("an older bundle: %v", err)
	}
}

// Every row is a bundle, or a folder, of which nothing may be taken over. Nothing is written then.
func TestImportRefuses(t *testing.T) {
	from := newSender(t, "bo-mau")
	good := from.bundle()
	change := func(do func(b *bundle)) []byte {
		var b bundle
		must(t, json.Unmarshal(good, &b))
		do(&b)
		text, err := indented(b)
		must(t, err)
		return text
	}
	resigned := func(do func(b *bundle, m *Manifest)) []byte {
		return change(func(b *bundle) {
			_, key, err := PrivateKey("key", []byte(from.private))
			must(t, err)
			do(b, &b.Manifests[0])
			must(t, b.Manifests[0].sign(key))
		})
	}
	place := func(at string) []byte {
		return resigned(func(b *bundle, m *Manifest) { b.Files[at], m.Files[at] = "x", sum([]byte("x")) })
	}
	other := newSender(t, "so-khac")
	for name, row := range map[string]struct {
		bundle []byte
		trust  []Key
		before func(*standards)
		code   string
	}{
		"no JSON":                {[]byte("x"), from.keys(), nil, "governance.bundle"},
		"empty":                  {[]byte(`{"format":1,"manifests":[],"files":{}}`), from.keys(), nil, "governance.bundle"},
		"a later format":         {change(func(b *bundle) { b.Format = 2 }), from.keys(), nil, "governance.bundle"},
		"no trust":               {good, nil, nil, "governance.bundle"},
		"another key is trusted": {good, other.keys(), nil, "governance.bundle"},
		"a changed file":         {change(func(b *bundle) { b.Files[schemaFile] += " " }), from.keys(), nil, "governance.bundle"},
		"a file more":            {change(func(b *bundle) { b.Files["types/khac.json"] = "{}" }), from.keys(), nil, "governance.bundle"},
		"a file less":            {change(func(b *bundle) { delete(b.Files, schemaFile) }), from.keys(), nil, "governance.bundle"},
		"a changed manifest":     {change(func(b *bundle) { b.Manifests[0].Origin = "ai-khac" }), from.keys(), nil, "governance.bundle"},
		"a changed signature":    {change(func(b *bundle) { b.Manifests[0].Signature = base64.StdEncoding.EncodeToString(make([]byte, 64)) }), from.keys(), nil, "governance.bundle"},
		"no key":                 {change(func(b *bundle) { b.Manifests[0].Key = "" }), from.keys(), nil, "governance.bundle"},
		"out of the folder":      {place("../x.json"), from.keys(), nil, "governance.bundle"},
		"out by the dataset":     {place("phuongtien.bienso/v1/../../x.json"), from.keys(), nil, "governance.bundle"},
		"by a Windows path":      {place(`phuongtien.bienso/v1/..\..\x.json`), from.keys(), nil, "governance.bundle"},
		"absolute":               {place("/etc/x.json"), from.keys(), nil, "governance.bundle"},
		"another dataset's":      {place("phuongtien.khac/v1/schema.json"), from.keys(), nil, "governance.bundle"},
		"the trusted keys":       {place("trusted.keys"), from.keys(), nil, "governance.bundle"},
		"hidden":                 {place("phuongtien.bienso/v1/.gitattributes"), from.keys(), nil, "governance.bundle"},
		"a large file": {resigned(func(b *bundle, m *Manifest) {
			b.Files[schemaFile] += strings.Repeat(" ", maxFile)
			m.Files[schemaFile] = sum([]byte(b.Files[schemaFile]))
		}), from.keys(), nil, "governance.bundle"},
		"a schema with a fault":   {resigned(func(b *bundle, m *Manifest) { b.Files[schemaFile] = "{"; m.Files[schemaFile] = sum([]byte("{")) }), from.keys(), nil, "schema.json"},
		"one of my own":           {good, from.keys(), func(s *standards) { s.put(schemaFile, plate) }, "governance.import"},
		"a shared file of my own": {good, from.keys(), func(s *standards) { s.put(typesFile, strings.ReplaceAll(colours, "vang", "do")) }, "governance.import"},
		"one of another sender": {good, from.keys(), func(s *standards) {
			_, err := s.take(other.bundle(), other.keys())
			must(t, err)
		}, "governance.import"},
		"one that was changed here": {good, from.keys(), func(s *standards) {
			_, err := s.take(good, from.keys())
			must(t, err)
			s.edit(schemaFile, "Biển số", "Biển số xe")
		}, "governance.origin-altered"},
		"another history": {resigned(func(b *bundle, m *Manifest) {
			const history = "phuongtien.bienso/v1/history.jsonl"
			b.Files[history] = strings.Replace(b.Files[history], "họp nhóm chuẩn", "không họp", 1)
			m.Files[history] = sum([]byte(b.Files[history]))
		}), from.keys(), func(s *standards) {
			_, err := s.take(good, from.keys())
			must(t, err)
		}, "governance.import"},
		"a changed published version": {resigned(func(b *bundle, m *Manifest) {
			const published = "phuongtien.bienso/v1/published/1.0.0.json"
			b.Files[published] += "\n"
			m.Files[published] = sum([]byte(b.Files[published]))
		}), from.keys(), nil, "governance.altered"},
		"a changed published version of one that is here": {resigned(func(b *bundle, m *Manifest) {
			const published = "phuongtien.bienso/v1/published/1.0.0.json"
			b.Files[published] += "\n"
			m.Files[published] = sum([]byte(b.Files[published]))
		}), from.keys(), func(s *standards) {
			_, err := s.take(good, from.keys())
			must(t, err)
		}, "governance.import"},
	} {
		t.Run(name, func(t *testing.T) {
			to := receive(t)
			if row.before != nil {
				row.before(to)
			}
			before := to.open().files
			_, err := to.take(row.bundle, row.trust)
			if row.code == "schema.json" {
				if len(problemsOf(err)) == 0 {
					t.Errorf("got %v", err)
				}
			} else {
				refused(t, err, row.code)
			}
			after := to.open().files
			for at, text := range after {
				if !bytes.Equal(text, before[at]) {
					t.Errorf("%s was written", at)
				}
			}
			if len(after) != len(before) {
				t.Errorf("%d files became %d", len(before), len(after))
			}
		})
	}
}

// What was taken over is not altered unseen, whatever one does.
func TestOriginIsProven(t *testing.T) {
	from, evil := newSender(t, "bo-mau"), newSender(t, "ke-gian")
	for name, spoil := range map[string]func(s *standards){
		"schema":      func(s *standards) { s.edit(schemaFile, "Biển số", "Biển số xe") },
		"shared type": func(s *standards) { s.edit(typesFile, "vang", "do") },
		"code list":   func(s *standards) { s.edit("codelists/danhmuc.hangxe.json", "Hãng A", "Hãng B") },
		"example gone": func(s *standards) {
			s.remove("phuongtien.bienso/v1/examples/valid/1.json")
			s.put("phuongtien.bienso/v1/examples/valid/2.json", `{"so": "2"}`)
		},
		"a file more": func(s *standards) { s.put("phuongtien.bienso/v1/README.md", "x") },
		"manifest":    func(s *standards) { s.edit("phuongtien.bienso/v1/origin.json", "bo-mau", "bo-khac") },
		"signed anew": func(s *standards) { s.put("phuongtien.bienso/v1/origin.json", evil.manifestOf(s)) },
		"trust gone":  func(s *standards) { s.remove(trustedFile) },
	} {
		t.Run(name, func(t *testing.T) {
			to := receive(t)
			_, err := to.take(from.bundle(), from.keys())
			must(t, err)
			spoil(to)
			refused(t, to.open().Lint().Err(), "governance.origin-altered")
		})
	}
}

// manifestOf signs what another folder has.
func (s *sender) manifestOf(o *standards) string {
	s.t.Helper()
	var m Manifest
	must(s.t, json.Unmarshal([]byte(o.text("phuongtien.bienso/v1/origin.json")), &m))
	name, key, err := PrivateKey("key", []byte(s.private))
	must(s.t, err)
	m.Origin, m.Key = name, base64.StdEncoding.EncodeToString(s.keys()[0].Public)
	must(s.t, m.sign(key))
	text, err := indented(m)
	must(s.t, err)
	return string(text)
}

// A province extends a dataset of others by one of its own, which refers to an exact version and goes on to when there is a later one.
func TestExtension(t *testing.T) {
	const own = `{
  "$schema": "http://json-schema.org/draft-07/schema#",
  "$id": "https://tinh.vidu.example/tinhmau.bienso/1.0.0", "title": "Biển số của tỉnh", "x-khoa": ["bienSo.so"],
  "type": "object", "required": ["bienSo"], "additionalProperties": false,
  "properties": {
    "bienSo": {"title": "Theo chuẩn", "allOf": [{"$ref": "https://chuan.vidu.example/phuongtien.bienso/1.0.0"}, {"type": "object", "required": ["mau"]}]},
    "baiXe": {"title": "Bãi xe", "type": "string"}
  }
}`
	from, to := newSender(t, "bo-mau"), receive(t)
	_, err := to.take(from.bundle(), from.keys())
	must(t, err)
	to.put("tinhmau.bienso/v1/schema.json", own)
	to.put("tinhmau.bienso/v1/examples/valid/1.json", `{"bienSo": {"so": "1", "mau": "vang"}, "baiXe": "Bãi mẫu"}`)
	to.put("tinhmau.bienso/v1/examples/invalid/1.json", `{"about": "hơn chuẩn", "expect": [{"pointer": "/bienSo/mau", "rule": "required"}], "document": {"bienSo": {"so": "1"}}}`)
	_, err = to.open().Set()
	must(t, err)

	from.edit(schemaFile, `"hang": {`, `"nam": {"type": "string"}, "hang": {`)
	from.version("1.0.0", "1.1.0")
	from.edit(typesFile, "mau/1.0.0", "mau/1.1.0")
	from.edit(schemaFile, "../mau/1.0.0", "../mau/1.1.0")
	from.release()
	_, err = to.take(from.bundle(), nil)
	must(t, err)
	set, err := to.open().Set()
	must(t, err)
	d, err := set.Dataset("tinhmau.bienso.v1")
	must(t, err)
	if v := d.Check([]byte(`{"bienSo": {"so": "1", "mau": "vang", "nam": "2026"}}`)); len(v) == 0 {
		t.Error("the extension means the later version, and refers to the earlier one")
	}
}
