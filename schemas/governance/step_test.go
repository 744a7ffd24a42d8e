package governance

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas"
)

// A dataset small enough to be seen at once. It uses a shared type of its own folder and one that is built in.
const plate = `{
  "$schema": "http://json-schema.org/draft-07/schema#",
  "$id": "https://chuan.vidu.example/phuongtien.bienso/1.0.0",
  "title": "Biển số", "x-title-en": "Plate", "x-khoa": ["so"],
  "type": "object", "required": ["so"], "additionalProperties": false,
  "properties": {
    "so": {"title": "Số", "x-title-en": "Number", "type": "string", "minLength": 1, "maxLength": 20},
    "mau": {"title": "Màu", "x-title-en": "Colour", "$ref": "../mau/1.0.0#/definitions/mau"},
    "chu": {"title": "Chủ", "x-title-en": "Owner", "$ref": "https://github.com/lienthong/truc/schemas/kieu/1.0.0#/definitions/hoTen"}
  }
}
`

const colours = `{
  "$schema": "http://json-schema.org/draft-07/schema#",
  "$id": "https://chuan.vidu.example/mau/1.0.0",
  "title": "Màu", "definitions": {"mau": {"title": "Màu", "type": "string", "enum": ["trang", "vang"]}}
}
`

const (
	schemaFile = "phuongtien.bienso/v1/schema.json"
	typesFile  = "types/mau.json"
	plateID    = "phuongtien.bienso.v1"
)

// standards is a folder on the disk, opened anew for each step as commands do.
type standards struct {
	t   *testing.T
	dir string
}

func newStandards(t *testing.T) *standards {
	t.Helper()
	s := &standards{t, t.TempDir()}
	s.put(schemaFile, plate)
	s.put(typesFile, colours)
	s.put("phuongtien.bienso/v1/examples/valid/1.json", `{"so": "19A-1"}`)
	s.put("phuongtien.bienso/v1/examples/invalid/1.json", `{"about": "none", "expect": [{"pointer": "/so", "rule": "required"}], "document": {}}`)
	return s
}

func (s *standards) put(name, text string) {
	s.t.Helper()
	path := filepath.Join(s.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *standards) text(name string) string {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, filepath.FromSlash(name)))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

// edit replaces what must be there.
func (s *standards) edit(name string, pairs ...string) {
	s.t.Helper()
	text := s.text(name)
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			s.t.Fatalf("%s does not contain %q", name, pairs[i])
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	s.put(name, text)
}

func (s *standards) open() *Folder {
	s.t.Helper()
	f, err := Open(s.dir, "chuan")
	if err != nil {
		s.t.Fatal(err)
	}
	return f
}

func an() Person   { return Person{"Nguyễn Thị Mẫu", "mau@chuan.example"} }
func binh() Person { return Person{"Trần Văn Thử", "thu@chuan.example"} }

func by(p Person) Decision {
	return Decision{By: p, At: time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC), Why: "họp nhóm chuẩn"}
}

func (s *standards) propose() error {
	_, _, err := s.open().Propose(plateID, by(an()))
	return err
}

func (s *standards) approve() error {
	_, err := s.open().Approve(plateID, by(binh()))
	return err
}

func (s *standards) publish() error {
	_, err := s.open().Publish(plateID, by(an()))
	return err
}

// release publishes the working copy.
func (s *standards) release() {
	s.t.Helper()
	if err := errors.Join(s.propose(), s.approve(), s.publish()); err != nil {
		s.t.Fatal(err)
	}
}

// version changes the exact version of the working copy.
func (s *standards) version(from, to string) {
	s.t.Helper()
	s.edit(schemaFile, "phuongtien.bienso/"+from, "phuongtien.bienso/"+to)
}

// refused demands a finding of a code.
func refused(t *testing.T, err error, code string) {
	t.Helper()
	for _, p := range problemsOf(err) {
		if p.Code == code {
			return
		}
	}
	t.Errorf("got %v, want a finding %s", err, code)
}

func TestLife(t *testing.T) {
	s := newStandards(t)
	refused(t, s.approve(), "governance.state")
	refused(t, s.publish(), "governance.state")
	if err := s.propose(); err != nil {
		t.Fatal(err)
	}
	refused(t, s.propose(), "governance.state") // twice the same
	refused(t, s.publish(), "governance.state") // nobody approved
	_, err := s.open().Approve(plateID, by(Person{"Another Name", "MAU@chuan.example "}))
	refused(t, err, "governance.own-proposal")

	// Another text, and another text of a shared type, was not proposed.
	s.edit(schemaFile, "Biển số", "Biển số xe")
	refused(t, s.approve(), "governance.changed")
	s.edit(schemaFile, "Biển số xe", "Biển số")
	s.edit(typesFile, `"vang"`, `"vang", "xanh"`)
	refused(t, s.approve(), "governance.changed")
	s.edit(typesFile, `"vang", "xanh"`, `"vang"`)
	if err := s.approve(); err != nil {
		t.Fatal(err)
	}
	refused(t, s.approve(), "governance.state")
	s.edit(schemaFile, "Biển số", "Biển số xe")
	refused(t, s.publish(), "governance.changed")
	s.edit(schemaFile, "Biển số xe", "Biển số")
	s.put(schemaFile, "\ufeff"+strings.ReplaceAll(s.text(schemaFile), "\n", "\r\n")) // an editor on Windows
	if err := s.publish(); err != nil {
		t.Fatal(err)
	}
	if got := s.text("phuongtien.bienso/v1/published/1.0.0.json"); got != plate {
		t.Errorf("the published text is\n%s", got)
	}
	refused(t, s.propose(), "governance.state")
	s.edit(schemaFile, "Biển số", "Biển số xe")
	refused(t, s.propose(), "governance.published")

	d, err := s.open().Dataset("phuongtien.bienso")
	if err != nil || len(d.History) != 3 || d.Problems != nil || d.State() != Draft || len(d.Versions) != 1 || len(d.Versions[0].Types) != 2 {
		t.Errorf("after publication the dataset is %+v, %v", d, err)
	}
	if e := d.History[1]; e.By != binh() || e.Why != "họp nhóm chuẩn" || !e.At.Equal(by(an()).At) || e.State != Approved {
		t.Errorf("the history says %+v", e)
	}
}

// Every row changes the published version in one way, and says which version that takes.
func TestVersionThatAChangeDemands(t *testing.T) {
	const addition = `"chu": {`
	for name, row := range map[string]struct {
		edits []string
		needs string // "" when it cannot be in this major
	}{
		"title":                    {[]string{"Biển số", "Biển số xe"}, "1.0.1"},
		"description":              {[]string{`"x-khoa"`, `"description": "Ghi chú", "x-khoa"`}, "1.0.1"},
		"optional property":        {[]string{addition, `"hang": {"type": "string"}, ` + addition}, "1.1.0"},
		"class of data":            {[]string{`"Number", `, `"Number", "x-phan-loai": "co-ban", `}, "1.1.0"},
		"required property":        {[]string{addition, `"hang": {"type": "string"}, ` + addition, `["so"], "additional`, `["so", "hang"], "additional`}, ""},
		"property gone":            {[]string{`"mau": {"title"`, `"mauSon": {"title"`}, "1.1.0"},
		"longer":                   {[]string{`"maxLength": 20`, `"maxLength": 30`}, ""},
		"shorter":                  {[]string{`"maxLength": 20`, `"maxLength": 10`}, ""},
		"key":                      {[]string{`"x-khoa": ["so"]`, `"x-khoa": ["so", "mau"]`, `["so"], "additional`, `["so", "mau"], "additional`}, ""},
		"no level can be lowered":  {[]string{`"x-khoa"`, `"x-tuong-thich": "NONE", "x-khoa"`, `"maxLength": 20`, `"maxLength": 10`}, ""},
		"codes instead of any":     {[]string{`"maxLength": 20`, `"maxLength": 20, "x-danh-muc": "danhmuc.gioitinh"`}, ""},
		"another type by the name": {[]string{`"type": "string", "minLength": 1, "maxLength": 20`, `"type": "integer"`}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStandards(t)
			s.release()
			s.edit(schemaFile, row.edits...)
			if name == "codes instead of any" {
				s.put("phuongtien.bienso/v1/examples/valid/1.json", `{"so": "1"}`)
			}
			if name == "required property" {
				s.put("phuongtien.bienso/v1/examples/valid/1.json", `{"so": "1", "hang": "x"}`)
				s.put("phuongtien.bienso/v1/examples/invalid/1.json", `{"about": "none", "expect": [{"pointer": "/so", "rule": "required"}], "document": {"hang": "x"}}`)
			}
			if name == "key" {
				s.put("phuongtien.bienso/v1/examples/valid/1.json", `{"so": "1", "mau": "vang"}`)
				s.put("phuongtien.bienso/v1/examples/invalid/1.json", `{"about": "none", "expect": [{"pointer": "/so", "rule": "required"}], "document": {"mau": "vang"}}`)
			}
			if name == "another type by the name" {
				s.put("phuongtien.bienso/v1/examples/valid/1.json", `{"so": 1}`)
			}
			for _, v := range []string{"1.0.1", "1.1.0"} {
				from := "1.0.0"
				if v == "1.1.0" {
					from = "1.0.1"
				}
				s.version(from, v)
				err := s.propose()
				var no *RefusedError
				switch {
				case row.needs == "":
					if !errors.As(err, &no) || len(no.Comparison.Judgement.Refusals) == 0 || no.Comparison.Needed != "2.0.0" {
						t.Errorf("as %s: %v", v, err)
					}
				case v < row.needs:
					refused(t, err, "governance.version")
				case err != nil:
					t.Errorf("as %s: %v", v, err)
				}
				if err == nil {
					return
				}
			}
		})
	}
}

// A document shown in a refusal is one that the writer's version accepts and the reader's refuses.
func TestRefusalShowsADocument(t *testing.T) {
	s := newStandards(t)
	s.release()
	s.edit(schemaFile, `"maxLength": 20`, `"maxLength": 10`)
	s.version("1.0.0", "1.1.0")
	var no *RefusedError
	if err := s.propose(); !errors.As(err, &no) {
		t.Fatal(err)
	}
	r := no.Comparison.Judgement.Refusals[0]
	if r.With != plateID+"@1.0.0" || r.Direction != "BACKWARD" || r.Fix.Empty() || r.What.Empty() {
		t.Errorf("the refusal is %+v", r)
	}
	set, err := s.open().Set()
	if err != nil {
		t.Fatal(err)
	}
	d, err := set.Dataset(plateID)
	if err != nil {
		t.Fatal(err)
	}
	if r.Document == nil || len(d.Check(r.Document)) == 0 {
		t.Errorf("the new version takes the document %s", r.Document)
	}
}

// What another published meanwhile counts when a version is published, and so does every version before: FULL_TRANSITIVE.
func TestJudgedAgainstAllVersions(t *testing.T) {
	s := newStandards(t)
	s.release()
	s.edit(schemaFile, `"mau": {"title"`, `"mauSon": {"title"`)
	s.version("1.0.0", "1.1.0")
	s.release()
	// mau may come back only as what it was in 1.0.0.
	s.edit(schemaFile, `"mauSon": {"title"`, `"mau": {"title": "Màu", "type": "integer"}, "mauSon": {"title"`)
	s.version("1.1.0", "1.2.0")
	var no *RefusedError
	if err := s.propose(); !errors.As(err, &no) || no.Comparison.Judgement.Refusals[0].With != plateID+"@1.0.0" {
		t.Errorf("got %v", err)
	}
	if c := no.Comparison; c.ByLevel["FULL_TRANSITIVE"] || !c.ByLevel["FULL"] || !c.ByLevel["NONE"] {
		t.Errorf("by level: %v", c.ByLevel)
	}
}

func TestJudgedAgainAtPublication(t *testing.T) {
	s := newStandards(t)
	s.release()
	s.edit(schemaFile, `"chu": {`, `"hang": {"type": "string"}, "chu": {`)
	s.version("1.0.0", "1.2.0")
	if err := errors.Join(s.propose(), s.approve()); err != nil {
		t.Fatal(err)
	}
	later := s.text(schemaFile)
	s.edit(schemaFile, `"hang": {"type": "string"}`, `"hang": {"type": "integer"}`)
	s.version("1.2.0", "1.1.0")
	s.release()
	s.put(schemaFile, later)
	var no *RefusedError
	if err := s.publish(); !errors.As(err, &no) {
		t.Errorf("got %v", err)
	}
}

func TestPublishedVersionNeverChanges(t *testing.T) {
	const published = "phuongtien.bienso/v1/published/1.0.0.json"
	const history = "phuongtien.bienso/v1/history.jsonl"
	for name, spoil := range map[string]func(*standards){
		"governance.altered":     func(s *standards) { s.edit(published, "Biển số", "Biển số xe") },
		"governance.altered ":    func(s *standards) { must(s.t, os.Remove(filepath.Join(s.dir, filepath.FromSlash(published)))) },
		"governance.altered  ":   func(s *standards) { s.edit(s.typeOf("mau"), "vang", "xanh") },
		"governance.altered   ":  func(s *standards) { must(s.t, os.Remove(filepath.Join(s.dir, s.typeOf("kieu")))) },
		"governance.unpublished": func(s *standards) { s.put("phuongtien.bienso/v1/published/1.0.5.json", plate) },
		"governance.history":     func(s *standards) { s.edit(history, "họp nhóm chuẩn", "không họp") },
		"governance.history ": func(s *standards) {
			lines := strings.SplitAfter(s.text(history), "\n")
			s.put(history, lines[0]+lines[2])
		},
		"governance.history  ":  func(s *standards) { s.put(history, s.text(history)+"{}\n") },
		"governance.history   ": func(s *standards) { s.edit(history, `"format":1`, `"format":2`) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStandards(t)
			s.release()
			spoil(s)
			s.edit(schemaFile, "Biển số", "Biển số xe")
			s.version("1.0.0", "1.0.1")
			refused(t, s.propose(), strings.TrimSpace(name))
		})
	}
}

// typeOf is where the frozen copy of a shared type stands.
func (s *standards) typeOf(name string) string {
	s.t.Helper()
	found, err := filepath.Glob(filepath.Join(s.dir, "phuongtien.bienso/v1/published/types", name+"-*.json"))
	if err != nil || len(found) != 1 {
		s.t.Fatalf("frozen %s: %v, %v", name, found, err)
	}
	return "phuongtien.bienso/v1/published/types/" + filepath.Base(found[0])
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestDeprecateAndRetire(t *testing.T) {
	s := newStandards(t)
	deprecate := func(id, successor, date string) error {
		_, _, err := s.open().Deprecate(id, successor, date, by(an()))
		return err
	}
	retire := func(id string, day string) error {
		d := by(an())
		d.At, _ = time.Parse(time.DateOnly, day)
		_, _, err := s.open().Retire(id, d)
		return err
	}
	s.release()
	refused(t, deprecate(plateID, "phuongtien.bienso.v2", "2027-12-31"), "governance.successor")
	refused(t, deprecate(plateID, plateID, "2027-12-31"), "governance.successor")
	refused(t, deprecate(plateID, "hotich.khaisinh.v1", "2026-11-01"), "governance.date")
	refused(t, deprecate(plateID, "hotich.khaisinh.v1", "31/12/2027"), "governance.date")
	refused(t, deprecate(plateID+"@1.0.9", "hotich.khaisinh.v1", "2027-12-31"), "governance.unknown-version")
	refused(t, retire(plateID, "2027-12-31"), "governance.state")
	if err := deprecate(plateID, "hotich.khaisinh.v1", "2027-12-31"); err != nil {
		t.Fatal(err)
	}
	refused(t, deprecate(plateID, "hotich.khaisinh.v1", "2027-06-30"), "governance.date") // only further away
	refused(t, retire(plateID, "2027-12-30"), "governance.date")
	if err := errors.Join(deprecate(plateID, "hotich.khaisinh.v1", "2028-06-30"), retire(plateID, "2028-06-30")); err != nil {
		t.Fatal(err)
	}
	d, err := s.open().Dataset(plateID)
	if err != nil || d.State() != Retired || d.Last("1.0.0").State != Retired || len(d.History) != 6 {
		t.Errorf("%+v, %v", d, err)
	}
	// A retired version is judged against all the same: its events are still on the bus.
	s.edit(schemaFile, `"maxLength": 20`, `"maxLength": 10`)
	s.version("1.0.0", "1.1.0")
	var no *RefusedError
	if err := s.propose(); !errors.As(err, &no) {
		t.Errorf("got %v", err)
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]string{
		"hotich.khaisinh":          "hotich.khaisinh 0 ",
		"hotich.khaisinh.v2":       "hotich.khaisinh 2 ",
		"hotich.khaisinh.v2@2.1.0": "hotich.khaisinh 2 2.1.0",
		"hotich.khaisinh@1.0.0":    "hotich.khaisinh 1 1.0.0",
		"danhmuc.vsic":             "danhmuc.vsic 0 ",
	} {
		n, major, version := SplitName(name)
		if got := fmt.Sprintf("%s %d %s", n, major, version); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// The folder with its histories is one that nodes can read.
func TestNodesReadTheFolder(t *testing.T) {
	s := newStandards(t)
	s.release()
	root, err := os.OpenRoot(s.dir)
	must(t, err)
	defer root.Close()
	_, err = schemas.LoadFolders(schemas.Folder{Name: "chuan", FS: root.FS()})
	must(t, err)
	if _, err := s.open().Dataset("phuongtien.bien"); !errors.As(err, new(problem.Problem)) {
		t.Errorf("got %v", err)
	}
}

func (s *standards) remove(name string) {
	s.t.Helper()
	must(s.t, os.Remove(filepath.Join(s.dir, filepath.FromSlash(name))))
}

// TestCodeListVersions: a dataset that names a later version of a list follows: a new code is a version of the list, of which those
// who map it are told, and no change of what a document may be. An earlier version of the list is refused.
func TestCodeListVersions(t *testing.T) {
	s := newStandards(t)
	list := func(version, more string) {
		s.put("codelists/danhmuc.hangxe.json", `{"id": "danhmuc.hangxe", "version": "`+version+`", "title": {"vi": "Hãng", "en": "Maker"}, "source": "mẫu", "codes": [{"code": "A", "vi": "Hãng A", "en": "A"}`+more+`]}`)
	}
	list("1.0.0", "")
	s.edit(schemaFile, `"chu": {`, `"hang": {"title": "Hãng", "type": "string", "x-danh-muc": {"id": "danhmuc.hangxe", "version": "1.0.0"}}, "chu": {`)
	s.release()
	list("1.1.0", `, {"code": "B", "vi": "Hãng B", "en": "B", "since": "1.1.0"}`)
	s.edit(schemaFile, `"version": "1.0.0"`, `"version": "1.1.0"`, "bienso/1.0.0", "bienso/1.1.0")
	if _, c, err := s.open().Propose(plateID, by(an())); err != nil || len(c.Lists) != 1 || c.Lists[0] != (ListChange{"danhmuc.hangxe", "1.0.0", "1.1.0"}) {
		t.Fatalf("with a later version of the list: %+v, %v", c, err)
	}
	if err := errors.Join(s.approve(), s.publish()); err != nil {
		t.Fatal(err)
	}
	s.edit(schemaFile, `"version": "1.1.0"`, `"version": "1.0.0"`, "bienso/1.1.0", "bienso/1.2.0")
	var refused *RefusedError
	if err := s.propose(); !errors.As(err, &refused) || !strings.Contains(refused.Comparison.Judgement.Refusals[0].What.EN, "takes the codes of danhmuc.hangxe 1.0.0 only, and "+plateID+"@1.1.0 those of 1.1.0") {
		t.Errorf("back to the earlier version of the list: %v", err)
	}
	// The list as such, in whichever version, is what it was when it was named without one.
	s.edit(schemaFile, `{"id": "danhmuc.hangxe", "version": "1.0.0"}`, `"danhmuc.hangxe"`)
	if err := s.propose(); err != nil {
		t.Errorf("named without its version: %v", err)
	}
	s.edit(schemaFile, `"x-danh-muc": "danhmuc.hangxe"`, `"x-danh-muc": {"id": "danhmuc.gioitinh", "version": "1.0.0"}`)
	if err := s.propose(); !errors.As(err, &refused) {
		t.Errorf("another list: %v", err)
	}
}
