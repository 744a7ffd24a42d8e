package schemas

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/lienthong/truc/problem"
)

// history is a list in its third version: "2" came in the second, "x" was a mistake of the first two.
const history = `{"id":"danhmuc.thu","version":"1.2.0","source":"test","valid":{"from":"2020-01-01"},"codes":[
	{"code":"1","vi":"một","to":"2026-01-01","replacedBy":["2"]},{"code":"2","vi":"hai","since":"1.1.0","changed":"1.2.0"},{"code":"x","vi":"sai","withdrawn":"1.2.0"}]}`

func withHistory(list string) fstest.MapFS {
	f := datasetFS(withProperties(`,"a":{"type":"string","x-danh-muc":`+list+`}`, ""))
	f["codelists/danhmuc.thu.json"] = &fstest.MapFile{Data: []byte(history)}
	return f
}

// TestVersionOfCodeList: membership is that of the version which the schema names, in both checks; a plain id means the newest.
func TestVersionOfCodeList(t *testing.T) {
	for _, tt := range []struct{ list, codes string }{
		{`{"id":"danhmuc.thu","version":"1.0.0"}`, "1 x"},
		{`{"id":"danhmuc.thu","version":"1.1.0"}`, "1 2 x"},
		{`{"id":"danhmuc.thu","version":"1.1.9"}`, "1 2 x"},
		{`{"id":"danhmuc.thu","version":"1.2.0"}`, "1 2"},
		{`"danhmuc.thu"`, "1 2"},
	} {
		set, err := loadAll(withHistory(tt.list))
		if err != nil {
			t.Fatal(tt.list, err)
		}
		d, err := set.Dataset("thu.v1")
		if err != nil {
			t.Fatal(err)
		}
		n := d.Root().Property("a").Node
		list := set.CodesOf(n)
		var known []string
		for _, c := range list.Codes() {
			known = append(known, c.Code)
		}
		asked, _ := set.Codes(n.CodeList, n.CodeListVersion)
		if got := strings.Join(known, " "); got != tt.codes || !slices.Equal(asked, known) {
			t.Errorf("%s: codes %q, for comparing schemas %q, want %q", tt.list, got, asked, tt.codes)
		}
		for _, code := range []string{"1", "2", "x"} {
			document, want := []byte(`{"k":"1","a":"`+code+`"}`), slices.Contains(known, code)
			if d.Accepts(document) != want || (len(d.Check(document)) == 0) != want || list.Has(code) != want {
				t.Errorf("%s: code %q is accepted %v, checked %v, had %v, want %v", tt.list, code, d.Accepts(document), d.Check(document), list.Has(code), want)
			}
		}
		if found := list.Find([]byte("SAI"), nil); (len(found) == 1) != slices.Contains(known, "x") {
			t.Errorf("%s: by its name %v is found", tt.list, found)
		}
	}
	set, err := loadAll(withHistory(`"danhmuc.thu"`))
	if err != nil {
		t.Fatal(err)
	}
	l, err := set.CodeList("danhmuc.thu")
	if err != nil {
		t.Fatal(err)
	}
	if w := l.Withdrawn(); len(w) != 1 || w[0].Code != "x" {
		t.Errorf("withdrawn are %v", w)
	}
	one, _ := l.Lookup("1")
	two, _ := l.Lookup("2")
	if l.Read(one) != "1.0.0" || l.Read(two) != "1.2.0" {
		t.Errorf("the entries read so since %s and %s, want 1.0.0 and 1.2.0", l.Read(one), l.Read(two))
	}
	if _, known := set.Codes("danhmuc.thu", "1.3.0"); known {
		t.Error("the codes of a version to come are known")
	}
}

func TestVersionsOfCodeListsAreJudged(t *testing.T) {
	for list, code := range map[string]string{
		`{"id":"danhmuc.thu","version":"1.3.0"}`:                "schema.code-version",
		`{"id":"danhmuc.thu","version":"1"}`:                    "schema.extension",
		`{"id":"danhmuc.thu"}`:                                  "schema.extension",
		`{"id":"danhmuc.thu","version":"1.0.0","extra":1}`:      "schema.extension",
		`{"id":1,"version":"1.0.0"}`:                            "schema.extension",
		`["danhmuc.thu"]`:                                       "schema.extension",
		`{"id":"danhmuc.khac","version":"1.0.0"}`:               "schema.unknown-code-list",
		`{"id":"danhmuc.thu","version":"0.9.0"}`:                "schema.code-version",
		`{"id":"danhmuc.gioitinh","version":"1000000.0.0"}`:     "schema.extension",
		`{"id":"danhmuc.thu","version":"01.0.0"}`:               "schema.extension",
		`{"id":"danhmuc.thu","version":"1.0.0\n"}`:              "schema.extension",
		`{"id":"danhmuc.thu","version":"0.0.0","version":"1"}`:  "schema.json",
		`{"id":"danhmuc.thu","version":{"major":1,"minor":2}}`:  "schema.extension",
		`{"version":"1.0.0","phienBan":"danhmuc.thu"}`:          "schema.extension",
		`{"id":"danhmuc.thu","version":null}`:                   "schema.extension",
		`{"id":"","version":"1.0.0"}`:                           "schema.extension",
		`{"id":"danhmuc.thu","version":"1.2.0","version2":"1"}`: "schema.extension",
	} {
		_, err := loadAll(withHistory(list))
		var found problem.List
		if !errors.As(err, &found) || code != "schema.json" && found[0].Code != code {
			t.Errorf("%s: %v, want %s", list, err, code)
		}
	}
	for entry, place := range map[string]string{
		`"since":"1.3.0"`:                       "since",
		`"since":"1"`:                           "since",
		`"since":"1.1.0","changed":"1.1.0"`:     "changed",
		`"since":"1.1.0","withdrawn":"1.0.0"`:   "withdrawn",
		`"withdrawn":"1.3.0"`:                   "withdrawn",
		`"from":"x"`:                            "from",
		`"to":"2026-13-01"`:                     "to",
		`"from":"2026-01-01","to":"2026-01-01"`: "to",
		`"replacedBy":["3"]`:                    "replacedBy",
		`"replacedBy":["1"]`:                    "replacedBy",
	} {
		_, err := loadAll(fstest.MapFS{"codelists/danhmuc.a.json": {Data: []byte(`{"id":"danhmuc.a","version":"1.2.0","source":"s","codes":[{"code":"0","vi":"không"},{"code":"1","vi":"một",` + entry + `}]}`)}})
		var found problem.List
		if !errors.As(err, &found) || len(found) != 1 || !strings.HasSuffix(found[0].Where, "#/codes/1/"+place) {
			t.Errorf("%s: %v, want a problem at %s", entry, err, place)
		}
	}
	_, err := loadAll(fstest.MapFS{"codelists/danhmuc.a.json": {Data: []byte(`{"id":"danhmuc.a","version":"1.0.1","source":"s","codes":[{"code":"0","vi":"không","withdrawn":"1.0.1"}]}`)}})
	var found problem.List
	if !errors.As(err, &found) || !strings.HasSuffix(found[0].Where, "#/codes") {
		t.Errorf("a list whose only code was withdrawn: %v", err)
	}
}
