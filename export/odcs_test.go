package export

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	santhosh "github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"github.com/lienthong/truc/schemas"
	"github.com/lienthong/truc/tests/servers"
)

// contractSchemaVersion names the file in the cache; tests/scripts/odcs/requirements.txt fetches the same version.
const contractSchemaVersion = "3.1.2"

// contractSchema is the JSON Schema that the Open Data Contract Standard publishes. $TRUC_TEST_ODCS names another copy.
func contractSchema(t *testing.T) *santhosh.Schema {
	t.Helper()
	path := os.Getenv("TRUC_TEST_ODCS")
	if path == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		path = filepath.Join(cache, "truc", "odcs-"+contractSchemaVersion+".schema.json")
	}
	f, err := os.Open(path)
	if err != nil && servers.SkipAllowed() {
		t.Skip("the JSON Schema of data contracts is not here")
	}
	if err != nil {
		t.Fatalf("%v; `make setup` fetches it (ALLOW_SKIP=1 skips the tests that need it)", err)
	}
	defer f.Close()
	v, err := santhosh.UnmarshalJSON(f)
	if err != nil {
		t.Fatal(err)
	}
	c := santhosh.NewCompiler()
	c.UseLoader(santhosh.SchemeURLLoader{})
	if err := c.AddResource("https://truc.example/odcs", v); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("https://truc.example/odcs")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fromYAML reads YAML as what a JSON validator takes.
func fromYAML(t *testing.T, text []byte) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal(text, &v); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	out, err := santhosh.UnmarshalJSON(strings.NewReader(string(raw)))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestContractsFollowTheStandard(t *testing.T) {
	t.Parallel()
	s := contractSchema(t)
	set := builtin(t)
	oddSet, oddOne := odd(t)
	check := func(d *schemas.Dataset, lists *schemas.Set) {
		t.Helper()
		text, err := ODCS(d, "", nil, lists)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(fromYAML(t, text)); err != nil {
			t.Errorf("%s: %v", d.ID(), err)
		}
	}
	for _, d := range set.Datasets() {
		check(d, nil)
		check(d, set)
	}
	check(oddOne, nil)
	check(oddOne, oddSet)
	// The schema of the standard is strict: a word of our own beside its words would be refused.
	v := fromYAML(t, []byte("apiVersion: v3.1.0\nkind: DataContract\nid: x\nversion: '1'\nstatus: active\nla: 1\n"))
	if s.Validate(v) == nil {
		t.Error("the schema accepts anything")
	}
}

func TestContractOfBirths(t *testing.T) {
	t.Parallel()
	set := builtin(t)
	d, err := set.Dataset("hotich.khaisinh.v1")
	if err != nil {
		t.Fatal(err)
	}
	text, err := ODCS(d, "", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	v := fromYAML(t, text).(map[string]any)
	table := v["schema"].([]any)[0].(map[string]any)
	properties := map[string]map[string]any{}
	var walk func(prefix string, list any)
	walk = func(prefix string, list any) {
		all, _ := list.([]any)
		for _, p := range all {
			m := p.(map[string]any)
			path := prefix + m["name"].(string)
			properties[path] = m
			walk(path+".", m["properties"])
		}
	}
	walk("", table["properties"])
	for _, c := range []struct {
		path, member string
		want         any
	}{
		{"so", "primaryKeyPosition", json.Number("1")},
		{"quyenSo", "primaryKeyPosition", json.Number("2")},
		{"noiDangKy.ma", "primaryKeyPosition", json.Number("3")},
		{"noiDangKy.ten", "primaryKeyPosition", nil},
		{"so", "required", true},
		{"trangSo", "required", nil},
		{"so", "classification", "co-ban"},
		{"nguoiDuocKhaiSinh.danToc", "classification", "nhay-cam"},
		{"noiDangKy.ma", "classification", "cong-khai"},
		{"ngayDangKy", "logicalType", "date"},
		{"nguoiDuocKhaiSinh.quocTichKhac", "logicalType", "array"},
		{"nguoiDuocKhaiSinh", "logicalType", "object"},
		{"nguoiDuocKhaiSinh.hoTen", "businessName", "Họ và tên / Full name"},
	} {
		if got := properties[c.path][c.member]; got != c.want {
			t.Errorf("%s of %s is %v, want %v", c.member, c.path, got, c.want)
		}
	}
	rule := properties["nguoiDuocKhaiSinh.ngaySinh.doChinhXac"]["quality"].([]any)[0].(map[string]any)
	if rule["metric"] != "invalidValues" || len(rule["arguments"].(map[string]any)["validValues"].([]any)) != 3 {
		t.Errorf("the rule of an enum is %v", rule)
	}
	if v["version"] != "1.0.0" || v["id"] != "hotich.khaisinh.v1" || v["status"] != "active" || v["domain"] != "hotich" {
		t.Errorf("the head is %v %v %v %v", v["version"], v["id"], v["status"], v["domain"])
	}
}

// What a schema declares about keeping and serving stands in the contract, and nothing where it declares nothing.
func TestCommitments(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ schema, want string }{
		{`{}`, "[]\n"},
		{`{"x-luu-tru":{"thoiHan":"P10Y"}}`, "- property: retention\n  value: 10\n  unit: \"y\"\n  driver: regulatory\n"},
		{`{"x-luu-tru":{"thoiHan":"vinh-vien"}}`, "- property: retention\n  value: vinh-vien\n  driver: regulatory\n"},
		{`{"x-cam-ket":[{"property":"latency","value":5,"unit":"min"},{"value":1}]}`, "- property: latency\n  value: 5\n  unit: min\n"},
	} {
		v, err := parse([]byte(c.schema))
		if err != nil {
			t.Fatal(err)
		}
		text, err := yamlText(commitments(v.(*object)))
		if err != nil {
			t.Fatal(err)
		}
		if string(text) != c.want {
			t.Errorf("%s gives\n%s, want\n%s", c.schema, text, c.want)
		}
	}
}
