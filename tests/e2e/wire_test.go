//go:build linux

package e2e

import (
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/lienthong/truc/tests/nodes"
)

// cloudEvent reads a record by the CloudEvents 1.0 Kafka protocol binding, binary content mode (section 3.2): attributes are
// headers with the prefix ce_, the media type is in content-type, the data is the value.
func cloudEvent(e *nodes.Event) (attributes map[string]string, err error) {
	attributes = map[string]string{}
	for i := 0; i+1 < len(e.Headers); i += 2 {
		name, value := e.Headers[i], e.Headers[i+1]
		if !utf8.ValidString(value) {
			return nil, fmt.Errorf("header %s is not UTF-8", name)
		}
		if attribute, ok := strings.CutPrefix(name, "ce_"); ok {
			if !regexp.MustCompile(`^[a-z0-9]{1,20}$`).MatchString(attribute) {
				return nil, fmt.Errorf("%q is no name of an attribute", attribute)
			}
			if _, twice := attributes[attribute]; twice {
				return nil, fmt.Errorf("attribute %s stands there twice", attribute)
			}
			attributes[attribute] = value
		}
		if name == "content-type" {
			attributes["datacontenttype"] = value
		}
	}
	for _, required := range []string{"specversion", "id", "source", "type"} {
		if attributes[required] == "" {
			return nil, fmt.Errorf("attribute %s is missing", required)
		}
	}
	if v := attributes["specversion"]; v != "1.0" {
		return nil, fmt.Errorf("specversion is %s", v)
	}
	if _, err := url.Parse(attributes["source"]); err != nil {
		return nil, fmt.Errorf("source is no URI reference: %w", err)
	}
	if schema, ok := attributes["dataschema"]; ok {
		if u, err := url.Parse(schema); err != nil || !u.IsAbs() {
			return nil, fmt.Errorf("dataschema %q is no absolute URI", schema)
		}
	}
	if at, ok := attributes["time"]; ok {
		if _, err := time.Parse(time.RFC3339Nano, at); err != nil {
			return nil, fmt.Errorf("time: %w", err)
		}
	}
	return attributes, nil
}

// What stands on the wire, as anybody without truc reads it.
func TestWire(t *testing.T) {
	t.Parallel()
	r := sharedRegistry(t, 100)
	r.fill(1, 2)
	r.exec(r.source, `UPDATE khai_sinh SET gioi = 'Nữ', ten = 'Ước'`)
	n := start(t, r.pub())
	n.await("the snapshot is published", (*status).streaming)
	r.exec(r.source, `INSERT INTO khai_sinh SELECT '3', quyen, ngay_dk, loai_dk, ho, dem, ten, ngay_sinh, gioi, so_dinh_danh, dan_toc, noi_sinh, me_ho_ten, me_sinh, cha_ho_ten, nguoi_ky, ghi_chu, le_phi, thuoc_tinh, sua_luc, trang_thai FROM khai_sinh WHERE so = '1'`)
	r.exec(r.source, `UPDATE khai_sinh SET ten = 'Thảo' WHERE so = '3'`)
	r.exec(r.source, `UPDATE khai_sinh SET so = '4' WHERE so = '3'`)
	r.exec(r.source, `DELETE FROM khai_sinh WHERE so = '4'`)
	n.await("all is published", func(s *status) bool { return s.Readers[0].Pipelines[0].Published["deleted"] == 2 })

	var types []string
	nodes.ReadTopic(t, r.broker, r.topic, func(e *nodes.Event) {
		a, err := cloudEvent(e)
		if err != nil {
			t.Errorf("offset %d is no CloudEvent: %v", e.Offset, err)
			return
		}
		var key []string
		if json.Unmarshal([]byte(e.Key), &key) != nil || len(key) != 3 || key[1] != "01/2026" || key[2] != r.agency {
			t.Errorf("key %s, want a JSON array of so, quyenSo and noiDangKy.ma", e.Key)
			return
		}
		kind, _ := strings.CutPrefix(a["type"], "hotich.khaisinh.v1.")
		types = append(types, key[0]+" "+kind)
		for name, want := range map[string]string{
			"source": "/agencies/" + r.agency + "/hotich/khaisinh", "subject": e.Key, "datacontenttype": "application/json",
			"dataschema": "https://chuan.vidu.example/schemas/hotich.khaisinh.v1/1.0.0",
		} {
			if a[name] != want {
				t.Errorf("%s is %q, want %q", name, a[name], want)
			}
		}
		if !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(a["sequence"]) || !strings.HasPrefix(a["id"], a["sequence"]+"-") {
			t.Errorf("id %q, sequence %q", a["id"], a["sequence"])
		}
		if at, _ := time.Parse(time.RFC3339Nano, a["time"]); time.Since(at).Abs() > 10*time.Minute {
			t.Errorf("time %s is not that of the change", a["time"])
		}
		if (e.Payload == nil) != (kind == "deleted") {
			t.Errorf("%s has the value %v", a["type"], e.Payload)
		}
		if e.Payload != nil && !strings.Contains(*e.Payload, `"quyenSo":"01/2026"`) {
			t.Errorf("the value is no compact JSON document: %s", *e.Payload)
		}
	})
	slices.Sort(types)
	if got, want := strings.Join(types, ", "), "1 snapshot, 2 snapshot, 3 created, 3 deleted, 3 updated, 4 created, 4 deleted"; got != want {
		t.Errorf("events %s, want %s", got, want)
	}
	r.readBySDK(types)
	plain := nodes.Command(t, r.dir, nodes.Tool(t, "kcat"), "-b", r.broker, "-C", "-e", "-q", "-t", r.topic, "-o", "beginning", "-f", "%h %k %s\n")
	line := regexp.MustCompile(`(?m)^ce_specversion=1\.0,.*ce_type=hotich\.khaisinh\.v1\.created,.*,content-type=application/json,.*ce_subject=\["3".*ce_sequence=[0-9a-f]{32} \["3","01/2026","` + regexp.QuoteMeta(r.agency) + `"\] \{"so":"3",.*Ước.*\}$`)
	if !line.MatchString(plain.Stdout) {
		t.Errorf("kcat shows no line like %s:\n%s", line, plain.Stdout)
	}
}

// readBySDK reads the topic once more with the CloudEvents SDK for Go, in a process and a module of its own, and compares.
func (r *registry) readBySDK(types []string) {
	r.t.Helper()
	got := nodes.Command(r.t, filepath.Join("..", "cloudevents"), nodes.Tool(r.t, "go"), "run", ".", r.broker, r.topic)
	if got.Code != 0 {
		r.t.Fatalf("the CloudEvents SDK does not read the topic: %s", got)
	}
	var read []string
	for line := range strings.Lines(got.Stdout) {
		var e struct {
			SpecVersion, ID, Source, Type, Subject, Sequence, DataSchema, DataContentType string

			Time time.Time
			Data *struct{ So string }
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			r.t.Fatalf("the SDK's JSON: %v\n%s", err, line)
		}
		var key []string
		if json.Unmarshal([]byte(e.Subject), &key) != nil || len(key) != 3 {
			r.t.Fatalf("subject %q is no key", e.Subject)
		}
		kind, _ := strings.CutPrefix(e.Type, "hotich.khaisinh.v1.")
		read = append(read, key[0]+" "+kind)
		if e.SpecVersion != "1.0" || !strings.HasPrefix(e.ID, e.Sequence+"-") || !strings.HasPrefix(e.Source, "/agencies/") ||
			e.DataSchema == "" || e.DataContentType != "application/json" || e.Time.IsZero() {
			r.t.Errorf("the SDK understood: %s", line)
		}
		if (e.Data == nil) != (kind == "deleted") || e.Data != nil && e.Data.So != key[0] {
			r.t.Errorf("%s: data as the SDK understood it: %s", read[len(read)-1], line)
		}
	}
	slices.Sort(read)
	if !slices.Equal(read, types) {
		r.t.Errorf("the SDK read %v, want %v", read, types)
	}
}
