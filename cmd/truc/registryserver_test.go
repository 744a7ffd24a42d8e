package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lienthong/truc/pipeline"
	"github.com/lienthong/truc/portal"
)

// answer of the registry at an address; the code is 0 while nobody listens.
func askRegistry(t *testing.T, method, url, body string) (code int, text string) {
	t.Helper()
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	all, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(all)
}

// TestRegistryInNode: a node serves the registry beside its pipelines, on its own bus; what was registered outlives it.
func TestRegistryInNode(t *testing.T) {
	b := newBench(t)
	address := freeAddress(t)
	url := "http://" + address
	b.write(t, "truc.yaml", `agency: H44.15
registry: { url: https://chuan.phutho.example/, listen: "`+address+`" }
sources: { hotich: { memory: { store: births } } }
publish: { khaisinh: { source: hotich, mapping: mappings/khai_sinh.yaml, partitions: 1 } }
http: { listen: "`+b.listen+`" }
`)
	background := context.Background()
	if code, stdout, stderr := b.truc(background, "check"); code != exitDone {
		t.Fatalf("check: exit %d\n%s%s", code, stdout, stderr)
	}
	status := func() (s portal.Status) {
		_, stdout, _ := b.truc(background, "status", "--json")
		_ = json.Unmarshal([]byte(stdout), &s)
		return s
	}
	running := func() {
		t.Helper()
		until(t, "the registry runs", func() bool {
			s := status()
			return s.Registry != nil && s.Registry.State == pipeline.StateRunning && len(s.NotReady) == 0
		})
	}
	stop := b.run(t)
	running()
	const body = `{"schemaType":"JSON","schema":"{\"type\":\"object\",\"title\":\"thử\"}"}`
	code, first := askRegistry(t, http.MethodPost, url+"/subjects/thu/versions", body)
	if code != http.StatusOK {
		t.Fatalf("register: %d %s", code, first)
	}
	if code, text := askRegistry(t, http.MethodGet, url+"/schemas/hotich.khaisinh.v1/"+datasetVersion(t), ""); code != http.StatusOK || !strings.Contains(text, "hotich.khaisinh") {
		t.Errorf("schema of a dataset: %d %.80s", code, text)
	}
	if s := status(); s.Registry.Listen != address || s.Registry.Subjects != 1 || len(s.NotReady) > 0 {
		t.Errorf("status: %+v, not ready: %v", s.Registry, s.NotReady)
	}
	if code, stdout, _ := b.truc(background, "status", "--lang", "en"); code != exitDone || !strings.Contains(stdout, "schema registry at "+url+": running") {
		t.Errorf("status: exit %d\n%s", code, stdout)
	}
	if _, text := askRegistry(t, http.MethodGet, "http://"+b.listen+"/metrics", ""); !strings.Contains(text, "\ntruc_registry_ready 1\n") || !strings.Contains(text, "\ntruc_registry_subjects 1\n") {
		t.Error("metrics do not tell of the registry")
	}
	if code, log := stop(); code != exitInterrupted {
		t.Fatalf("run ended with %d\n%s", code, log)
	}
	if code, _ := askRegistry(t, http.MethodGet, url+"/subjects", ""); code != 0 {
		t.Errorf("the registry answers %d after its node has ended", code)
	}

	stop = b.run(t)
	running()
	if code, again := askRegistry(t, http.MethodPost, url+"/subjects/thu", body); code != http.StatusOK || !strings.Contains(again, `"version":1`) {
		t.Errorf("look up after a restart: %d %s, registered as %s", code, again, first)
	}
	if code, log := stop(); code != exitInterrupted {
		t.Fatalf("run ended with %d\n%s", code, log)
	}

	taken, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	switch code, _, stderr := b.truc(background, "run", "--lang", "en"); {
	case code != exitUsage, !strings.Contains(stderr, filepath.Join(b.dir, "truc.yaml")+":2:"), !strings.Contains(stderr, "registry.listen: error: cannot listen on "+address):
		t.Errorf("run beside another at the address: exit %d\n%s", code, stderr)
	}
}

func datasetVersion(t *testing.T) string {
	t.Helper()
	set, problems := loadDatasets(nil)
	if problems != nil {
		t.Fatal(problems)
	}
	d, err := set.Dataset("hotich.khaisinh.v1")
	if err != nil {
		t.Fatal(err)
	}
	return d.Version()
}

// TestRegistryWaitsForBus: while the bus is away the registry says so, to clients and in the status, and the node stays up.
func TestRegistryWaitsForBus(t *testing.T) {
	b := newBench(t)
	address, nobody := freeAddress(t), freeAddress(t)
	b.write(t, "truc.yaml", `agency: H44.15
registry: { listen: "`+address+`" }
bus: { kafka: { brokers: ["`+nobody+`"] } }
http: { listen: "`+b.listen+`" }
`)
	stop := b.run(t)
	until(t, "the registry waits", func() bool {
		var s portal.Status
		_, stdout, _ := b.truc(context.Background(), "status", "--json")
		_ = json.Unmarshal([]byte(stdout), &s)
		return s.Registry != nil && s.Registry.State == pipeline.StateRetrying && s.Registry.Fault == "unreachable" && len(s.NotReady) == 1
	})
	if code, text := askRegistry(t, http.MethodGet, "http://"+address+"/subjects", ""); code != http.StatusServiceUnavailable || !strings.Contains(text, `"error_code":503`) {
		t.Errorf("subjects: %d %s", code, text)
	}
	if code, _ := askRegistry(t, http.MethodGet, "http://"+address+"/healthz", ""); code != http.StatusOK {
		t.Errorf("healthz: %d", code)
	}
	if code, _ := askRegistry(t, http.MethodGet, "http://"+address+"/readyz", ""); code != http.StatusServiceUnavailable {
		t.Errorf("readyz of the registry: %d", code)
	}
	if code, _ := askRegistry(t, http.MethodGet, "http://"+b.listen+"/readyz", ""); code != http.StatusServiceUnavailable {
		t.Errorf("readyz of the node: %d", code)
	}
	if code, log := stop(); code != exitInterrupted {
		t.Errorf("run ended with %d\n%s", code, log)
	}
}

// TestPeopleDecide: the people of the configuration decide about its folders where the node serves its registry.
func TestPeopleDecide(t *testing.T) {
	b := newBench(t)
	address := freeAddress(t)
	t.Setenv("TOKEN_OF_MAU", "mot-ma-bi-mat-cua-mau")
	b.write(t, "chuan/phuongtien.bienso/v1/schema.json", `{
  "$schema": "http://json-schema.org/draft-07/schema#", "$id": "https://chuan.vidu.example/phuongtien.bienso/1.0.0",
  "title": "Biển số", "x-title-en": "Plate", "x-khoa": ["so"], "type": "object", "required": ["so"], "additionalProperties": false,
  "properties": { "so": {"title": "Số", "x-title-en": "Number", "type": "string", "minLength": 1, "maxLength": 20} }
}`)
	b.write(t, "chuan/phuongtien.bienso/v1/examples/valid/1.json", `{"so": "19A-1"}`)
	b.write(t, "chuan/phuongtien.bienso/v1/examples/invalid/1.json", `{"about": "none", "expect": [{"pointer": "/so", "rule": "required"}], "document": {}}`)
	b.write(t, "truc.yaml", `agency: H44.15
datasets: [chuan]
registry:
  listen: "`+address+`"
  people: [ { name: Nguyễn Văn Mẫu, email: mau@vidu.example, token: "${env:TOKEN_OF_MAU}" } ]
http: { listen: "`+b.listen+`" }
`)
	stop := b.run(t)
	url := "http://" + address + "/governance/datasets/phuongtien.bienso.v1"
	until(t, "the registry answers", func() bool { code, _ := askRegistry(t, http.MethodGet, url, ""); return code == http.StatusOK })
	if code, text := askRegistry(t, http.MethodPost, url+"/propose", "{}"); code != http.StatusUnauthorized {
		t.Errorf("without a token: %d %s", code, text)
	}
	request, err := http.NewRequest(http.MethodPost, url+"/propose", strings.NewReader(`{"why": "thử"}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer mot-ma-bi-mat-cua-mau")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	history, err := os.ReadFile(filepath.Join(b.dir, "chuan/phuongtien.bienso/v1/history.jsonl"))
	if response.StatusCode != http.StatusOK || err != nil || !strings.Contains(string(history), "mau@vidu.example") {
		t.Errorf("propose: %d, %v: %s", response.StatusCode, err, history)
	}
	if code, log := stop(); code != exitInterrupted || strings.Contains(log, "bi-mat") {
		t.Errorf("run ended with %d\n%s", code, log)
	}
}
