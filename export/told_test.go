package export

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/schemas"
)

// told looks into an export: a path of names and numbers, "channels/thu.le.v1.h44/address", and "" where nothing is. A name with a
// slash in it is written as in JSON pointers.
func told(t *testing.T, doc any, path string) string {
	t.Helper()
	for _, name := range strings.Split(path, "/") {
		name = strings.ReplaceAll(name, "~1", "/")
		switch v := doc.(type) {
		case map[string]any:
			doc = v[name]
		case []any:
			doc = nil
			for i, item := range v {
				if m, ok := item.(map[string]any); ok && (m["name"] == name || m["property"] == name) || name == string(rune('0'+i)) {
					doc = item
					break
				}
			}
		default:
			doc = nil
		}
	}
	if doc == nil {
		return ""
	}
	text, err := plain(doc)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// tells holds an export against a table of paths and of what stands there as JSON.
func tells(t *testing.T, doc any, want map[string]string) {
	t.Helper()
	got := map[string]string{}
	for path := range want {
		got[path] = told(t, doc, path)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("- wanted, + told:\n%s", diff)
	}
}

func parsedJSON(t *testing.T, text []byte, err error) any {
	t.Helper()
	var v any
	if err == nil {
		err = json.Unmarshal(text, &v)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return v
}

func someNode(t *testing.T) Node {
	t.Helper()
	_, d := odd(t)
	births, err := builtin(t).Dataset("hotich.khaisinh.v1")
	if err != nil {
		t.Fatal(err)
	}
	return Node{
		Agency: "H44.15", Servers: []string{"kafka1.vidu.example:9093", "kafka2.vidu.example:9093"}, RegistryURL: "https://chuan.vidu.example/", Replicas: 3,
		Publishes: []Publishing{
			{Name: "le", Agency: "H44.15", Topic: "thu.le.v1.h44.15", Source: "/agencies/H44.15/nguon/le", Dataset: d, Partitions: 6, DeleteRetentionMS: 86400000, MaxMessageBytes: 2 << 20},
			{Name: "khaisinh", Agency: "H44.15", Topic: "hotich.khaisinh.v1.h44.15", Source: "/agencies/H44.15/nguon/khaisinh", Dataset: births, Ending: &Ending{"2999-12-31", "hotich.khaisinh.v2"}},
		},
		Deliveries: []Delivery{
			{Name: "mau", Dataset: d, Agencies: []string{"H26.*", "H25"}},
			{Name: "hai", Dataset: d, Agencies: []string{"H25", "H44.15"}},
		},
	}
}

// Every word of a description can be wrong without the official parser minding: an address, a setting, a header.
func TestAsyncAPITellsTheNode(t *testing.T) {
	t.Parallel()
	text, err := AsyncAPI(someNode(t))
	doc := parsedJSON(t, text, err)
	const pattern = "channels/thu.le.v1.mau/"
	tells(t, doc, map[string]string{
		"asyncapi": `"3.0.0"`, "id": `"urn:truc:agency:h44.15"`, "defaultContentType": `"application/json"`,
		"servers/kafka-1/host": `"kafka1.vidu.example:9093"`, "servers/kafka-2/host": `"kafka2.vidu.example:9093"`,
		"servers/kafka-1/protocol": `"kafka"`, "servers/kafka-1/x-registry-url": `"https://chuan.vidu.example/"`, "servers/kafka-1/security": "",

		"channels/thu.le.v1.h44.15/address":                            `"thu.le.v1.h44.15"`,
		"channels/thu.le.v1.h44.15/x-agency":                           `"H44.15"`,
		"channels/thu.le.v1.h44.15/x-ce-source":                        `"/agencies/H44.15/nguon/le"`,
		"channels/thu.le.v1.h44.15/messages/thu.le.v1":                 `{"$ref":"#/components/messages/thu.le.v1"}`,
		"channels/thu.le.v1.h44.15/messages/thu.le.v1.deleted":         `{"$ref":"#/components/messages/thu.le.v1.deleted"}`,
		"channels/thu.le.v1.h44.15/bindings/kafka/topic":               `"thu.le.v1.h44.15"`,
		"channels/thu.le.v1.h44.15/bindings/kafka/partitions":          `6`,
		"channels/thu.le.v1.h44.15/bindings/kafka/replicas":            `3`,
		"channels/hotich.khaisinh.v1.h44.15/bindings/kafka/partitions": `1`,
		"channels/thu.le.v1.h44.15/bindings/kafka/topicConfiguration":  `{"cleanup.policy":["compact"],"delete.retention.ms":86400000,"max.message.bytes":2097152}`,

		// A pattern covers what only the bus knows; what is named exactly is a channel each, one and the same with what is published.
		pattern + "address": `"thu.le.v1.{agency}"`, pattern + "parameters/agency/examples": `["h44.15"]`, pattern + "bindings": "",
		"channels/thu.le.v1.h25/address": `"thu.le.v1.h25"`,

		"operations/publish.le/action": `"send"`, "operations/publish.le/channel": `{"$ref":"#/channels/thu.le.v1.h44.15"}`,
		"operations/publish.le/messages":          `[{"$ref":"#/channels/thu.le.v1.h44.15/messages/thu.le.v1"},{"$ref":"#/channels/thu.le.v1.h44.15/messages/thu.le.v1.deleted"}]`,
		"operations/subscribe.mau/action":         `"receive"`,
		"operations/subscribe.mau/channel":        `{"$ref":"#/channels/thu.le.v1.mau"}`,
		"operations/subscribe.hai.h25/channel":    `{"$ref":"#/channels/thu.le.v1.h25"}`,
		"operations/subscribe.hai.h44.15/channel": `{"$ref":"#/channels/thu.le.v1.h44.15"}`,

		"components/messages/thu.le.v1/contentType":                          `"application/json"`,
		"components/messages/thu.le.v1/payload":                              `{"$ref":"#/components/schemas/thu.le-1.0.0"}`,
		"components/messages/thu.le.v1.deleted/payload":                      `{"type":"null"}`,
		"components/messages/thu.le.v1.deleted/contentType":                  `"application/json"`,
		"components/messages/thu.le.v1/bindings/kafka/key":                   `{"description":"Khóa thực thể / the entity key: so","type":"string"}`,
		"components/messages/thu.le.v1/tags":                                 "",
		"components/messages/thu.le.v1/x-deprecated":                         "",
		"components/messages/hotich.khaisinh.v1/x-deprecated":                `{"from":"2999-12-31","successor":"hotich.khaisinh.v2"}`,
		"components/messages/hotich.khaisinh.v1.deleted/x-deprecated":        `{"from":"2999-12-31","successor":"hotich.khaisinh.v2"}`,
		"components/messages/hotich.khaisinh.v1/tags/0/name":                 `"deprecated"`,
		"components/schemas/thu.le-1.0.0/x-schema-id":                        `"https://truc.example/schemas/thu.le/1.0.0"`,
		"components/schemas/thu.le-1.0.0/$schema":                            "",
		"components/schemas/thu.le-1.0.0/$id":                                "",
		"components/schemas/hotich.khaisinh-1.0.0/properties/so/x-phan-loai": `"co-ban"`,
	})
	agencies := told(t, doc, pattern+"parameters/agency/description")
	key := told(t, doc, "components/messages/hotich.khaisinh.v1/bindings/kafka/key/description")
	births, err := builtin(t).Dataset("hotich.khaisinh.v1")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(agencies, "H26.*, H25") || !strings.Contains(key, "so, quyenSo, noiDangKy.ma. Nhiều thuộc tính") ||
		told(t, doc, "channels/hotich.khaisinh.v1.h44.15/description") == "" || births.Root().Description["vi"] == "" {
		t.Errorf("agencies %s, key %s", agencies, key)
	}

	n := someNode(t)
	n.NeverCompacted = true
	text, err = AsyncAPI(n)
	tells(t, parsedJSON(t, text, err), map[string]string{
		"channels/thu.le.v1.h44.15/bindings/kafka/topicConfiguration": `{"cleanup.policy":["delete"],"max.message.bytes":2097152,"retention.ms":-1}`,
	})
}

// The headers are those on the wire (package bus), each with the form that a program can rely on.
func TestAsyncAPITellsTheHeaders(t *testing.T) {
	t.Parallel()
	text, err := AsyncAPI(someNode(t))
	doc := parsedJSON(t, text, err)
	for message, types := range map[string]string{
		"thu.le.v1": `["thu.le.v1.created","thu.le.v1.updated","thu.le.v1.snapshot"]`, "thu.le.v1.deleted": `["thu.le.v1.deleted"]`,
	} {
		at := "components/messages/" + message + "/headers/"
		tells(t, doc, map[string]string{
			at + "type":                              `"object"`,
			at + "required":                          `["ce_specversion","ce_id","ce_source","ce_type","ce_subject","ce_time","ce_dataschema","ce_sequence","content-type"]`,
			at + "properties/ce_specversion/const":   `"1.0"`,
			at + "properties/ce_id/minLength":        `1`,
			at + "properties/ce_source/pattern":      `"^/agencies/[^/]+/[^/]+/[^/]+$"`,
			at + "properties/ce_type/enum":           types,
			at + "properties/ce_subject/type":        `"string"`,
			at + "properties/ce_time/format":         `"date-time"`,
			at + "properties/ce_dataschema/type":     `"string"`,
			at + "properties/ce_sequence/pattern":    `"^[0-9a-f]{32}$"`,
			at + "properties/content-type/const":     `"application/json"`,
			at + "properties/ce_deprecated/format":   `"date"`,
			at + "properties/ce_successor/type":      `"string"`,
			at + "properties/ce_trucredelivery/enum": `["retry","replay","erase"]`,
		})
		var properties map[string]json.RawMessage
		if err := json.Unmarshal([]byte(told(t, doc, at+"properties")), &properties); err != nil || len(properties) != 12 {
			t.Errorf("%s has %d headers, %v", message, len(properties), err)
		}
	}
}

// How one logs in is told of every server, who logs in of none.
func TestAsyncAPITellsTheLogIn(t *testing.T) {
	t.Parallel()
	for mechanism, kind := range map[string]string{"plain": `"plain"`, "scram-sha-256": `"scramSha256"`, "scram-sha-512": `"scramSha512"`} {
		text, err := AsyncAPI(Node{Agency: "H44", Servers: []string{"a:1", "b:2"}, Encrypted: true, ClientCertificate: true, SASL: mechanism})
		const both = `[{"$ref":"#/components/securitySchemes/sasl"},{"$ref":"#/components/securitySchemes/certificate"}]`
		tells(t, parsedJSON(t, text, err), map[string]string{
			"servers/kafka-1/protocol": `"kafka-secure"`, "servers/kafka-1/security": both, "servers/kafka-2/security": both,
			"components/securitySchemes/sasl/type": kind, "components/securitySchemes/certificate/type": `"X509"`,
		})
	}
}

// A contract says of each property what the schema does.
func TestContractTellsTheSchema(t *testing.T) {
	t.Parallel()
	set := builtin(t)
	contract := func(d *schemas.Dataset, status string, end *Ending, lists *schemas.Set) any {
		t.Helper()
		text, err := ODCS(d, status, end, lists)
		if err != nil {
			t.Fatal(err)
		}
		return fromYAML(t, text)
	}
	births, err := set.Dataset("hotich.khaisinh.v1")
	if err != nil {
		t.Fatal(err)
	}
	const at = "schema/0/properties/"
	const child = at + "nguoiDuocKhaiSinh/properties/"
	doc := contract(births, "", nil, nil)
	tells(t, doc, map[string]string{
		"status": `"active"`, "kind": `"DataContract"`, "apiVersion": `"v3.1.0"`,
		"authoritativeDefinitions/0/url": `"https://github.com/lienthong/truc/schemas/hotich.khaisinh/1.0.0"`,
		"schema/0/physicalName":          `"hotich.khaisinh.v1.<agency>"`,
		"schema/0/quality/0/metric":      `"duplicateValues"`, "schema/0/quality/0/arguments/properties": `["so","quyenSo","noiDangKy.ma"]`, "schema/0/quality/0/mustBe": `0`,
		"customProperties/ngungTu": "",

		at + "so/required": "true", at + "so/primaryKey": "true", at + "so/primaryKeyPosition": "1", at + "so/classification": `"co-ban"`,
		at + "so/logicalTypeOptions/minLength": "1", at + "so/logicalTypeOptions/maxLength": "20", at + "so/physicalType": `"string"`,
		at + "ngayDangKy/logicalType": `"date"`, at + "ngayDangKy/logicalTypeOptions/format": `"yyyy-MM-dd"`,
		at + "loaiDangKy/customProperties/danhMuc/value":            `"danhmuc.loaidangky"`,
		at + "loaiDangKy/quality/0/type":                            `"text"`,
		at + "noiDangKy/logicalTypeOptions/required":                `["ma"]`,
		at + "noiDangKy/customProperties/kieu/value":                `"coQuan"`,
		at + "noiDangKy/properties/ma/logicalTypeOptions/pattern":   `"^[A-Z][0-9]{2}(\\.[0-9]{2,3})*$"`,
		child + "quocTichKhac/logicalTypeOptions/maxItems":          `5`,
		child + "quocTichKhac/logicalTypeOptions/minItems":          `1`,
		child + "quocTichKhac/items/customProperties/danhMuc/value": `"danhmuc.quoctich"`,
		child + "ngaySinh/properties/doChinhXac/quality/0/metric":   `"invalidValues"`,
	})
	for path, part := range map[string]string{
		"slaProperties/retention/value": "vinh-vien", "customProperties/xoa/value": "xoa: ", at + "so/customProperties/canCu/value": "Luật 91/2025/QH15", at + "so/customProperties/nguon/value": "", "customProperties/nguon/value": "",
	} {
		if got := told(t, doc, path); got == "" || !strings.Contains(got, part) {
			t.Errorf("%s is %s", path, got)
		}
	}
	end := &Ending{"2999-12-31", "hotich.khaisinh.v2"}
	tells(t, contract(births, "", end, set), map[string]string{
		"status": `"deprecated"`, "customProperties/ngungTu/value": `"2999-12-31"`, "customProperties/thayBang/value": `"hotich.khaisinh.v2"`,
		at + "loaiDangKy/quality/0/metric": `"invalidValues"`, at + "loaiDangKy/quality/0/arguments/validValues": `["0","1","2","3","4"]`,
	})
	tells(t, contract(births, "retired", end, nil), map[string]string{"status": `"retired"`})

	dossiers, err := set.Dataset("tthc.hoso.v1")
	if err != nil {
		t.Fatal(err)
	}
	tells(t, contract(dossiers, "", nil, nil), map[string]string{
		"slaProperties/retention/value": `10`, "slaProperties/retention/unit": `"y"`,
		at + "ngayTiepNhan/logicalType": `"timestamp"`, at + "ngayTiepNhan/logicalTypeOptions/timezone": "true",
	})
}

func TestTermsOfRetention(t *testing.T) {
	t.Parallel()
	for term, unit := range map[string]string{"P10Y": "y", "P6M": "mo", "P90D": "d"} {
		v, err := parse([]byte(`{"x-luu-tru":{"thoiHan":"` + term + `"}}`))
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := commitments(v.(*object))[0].(*object).get("unit"); got != unit {
			t.Errorf("%s is in %v", term, got)
		}
	}
}

// A version that comes to its end says so to programs and to who programs.
func TestEndingIsTold(t *testing.T) {
	t.Parallel()
	_, d := odd(t)
	end := &Ending{"2999-12-31", "thu.le.v2"}
	for e, want := range map[*Ending]string{nil: "", end: `{"from":"2999-12-31","successor":"thu.le.v2"}`} {
		text, err := JSONSchema(d, e, nil)
		doc := parsedJSON(t, text, err)
		if got := told(t, doc, "x-deprecated"); got != want || (told(t, doc, "deprecated") == "true") != (e != nil) {
			t.Errorf("JSON Schema says %s", got)
		}
		code, err := GoStructs(d, "le", e)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(string(code), "\n//\n// Deprecated: ") && strings.Contains(string(code), "from 2999-12-31 on this version may end; use thu.le.v2."); got != (e != nil) {
			t.Errorf("Go says\n%.600s", code)
		}
	}
}

// What the comments of Go types say.
func TestGoCommentsTellTheSchema(t *testing.T) {
	t.Parallel()
	d, err := builtin(t).Dataset("hotich.khaisinh.v1")
	if err != nil {
		t.Fatal(err)
	}
	text, err := GoStructs(d, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"// Khóa / part of the key.\n", "// Mã của danh mục / a code of danhmuc.loaidangky.\n", "// Phân loại / class: nhay-cam.\n", "// Một trong / one of: nam, thang, ngay.\n",
		"// " + d.Root().Description["vi"][:20], `Version = "1.0.0"`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in\n%.3000s", want, text)
		}
	}
}
