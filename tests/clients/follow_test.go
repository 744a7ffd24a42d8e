//go:build linux

package clients

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/truc/tests/nodes"
)

// TestFollow: a province's registry has what the national one has, adds to it, cannot change it, and goes on without it.
func TestFollow(t *testing.T) {
	home := t.TempDir()
	national := start(t, "--dir", t.TempDir())
	post := func(r registry, subject string, body map[string]any) (got registration, err error) {
		body["schemaType"] = "JSON"
		_, err = ask(http.MethodPost, r.url+"/subjects/"+subject+"/versions", body, &got)
		return got, err
	}
	const first = `{"type":"object","properties":{"so":{"type":"string"}}}`
	if _, err := post(national, "hotich.khaisinh", map[string]any{"schema": first}); err != nil {
		t.Fatal(err)
	}
	province := start(t, "--dir", home, "--follow", national.url, "--follow-every", "1s")
	arrives := func(version, text string) {
		t.Helper()
		for deadline := time.Now().Add(nodes.Patience); ; time.Sleep(50 * time.Millisecond) {
			var got registration
			_, err := ask(http.MethodGet, province.url+"/subjects/hotich.khaisinh/versions/"+version, nil, &got)
			if err == nil && got.Schema == text {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("version %s does not arrive: %+v, %v\n%s", version, got, err, province.Log)
			}
		}
	}
	arrives("1", first)
	inside := filepath.Join(t.TempDir(), "truc.yaml")
	nodes.Write(t, inside, fmt.Sprintf("agency: H44.15\nregistry: { listen: 127.0.0.1:0, follow: %q }\nhttp: { listen: 127.0.0.1:0 }\n", national.url))
	standalone := province
	province = await(t, nodes.StartVerb(t, nodes.Binary(t), []string{"run", "-c", inside}))
	arrives("1", first)
	province = standalone
	if _, err := post(province, "hotich.khaisinh", map[string]any{"schema": `{"type":"object"}`}); err == nil || !strings.Contains(err.Error(), "42205") {
		t.Errorf("a copy is changed: %v", err)
	}
	own, err := post(province, "hotich.khaisinh.haiphong", map[string]any{
		"schema":     `{"allOf":[{"$ref":"khaisinh"}],"properties":{"soKho":{"type":"string"}}}`,
		"references": []map[string]any{{"name": "khaisinh", "subject": "hotich.khaisinh", "version": 1}},
	})
	if err != nil || own.ID != 1_000_001 {
		t.Errorf("a schema of the province's own: %+v, %v", own, err)
	}
	const second = `{"type":"object","properties":{"so":{"type":"string"},"quyen":{"type":"string"}}}`
	none(t, national.url)
	if _, err := post(national, "hotich.khaisinh", map[string]any{"schema": second}); err != nil {
		t.Fatal(err)
	}
	arrives("2", second)

	national.Kill()
	province.Kill()
	province = start(t, "--dir", home, "--follow", national.url, "--follow-every", "1s")
	arrives("1", first)
	arrives("2", second)
	for deadline := time.Now().Add(nodes.Patience); !province.Log.Has("is not copied completely"); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("nothing is said of the national registry that is down:\n%s", province.Log)
		}
	}
	if got := nodes.Command(t, home, nodes.Binary(t), "registry", "--dir", home, "--follow", "luocdo.vidu.example"); got.Code != 2 {
		t.Errorf("an address without scheme: %s", got)
	}
}
