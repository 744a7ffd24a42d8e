package export

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/lienthong/truc/schemas"
)

// roundTrip compiles the types of datasets and sends documents through them.
func roundTrip(t *testing.T, datasets []*schemas.Dataset, documents func(*schemas.Dataset) [][]byte) {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module example\n\ngo 1.24\n")
	var imports, through strings.Builder
	var sent [][]byte
	for i, d := range datasets {
		pkg := fmt.Sprintf("p%d", i)
		text, err := GoStructs(d, pkg, nil)
		if err != nil {
			t.Fatal(err)
		}
		write(pkg+"/types.go", string(text))
		fmt.Fprintf(&imports, "%q\n", "example/"+pkg)
		root := exported(d.Name()[strings.LastIndexByte(d.Name(), '.')+1:])
		for _, doc := range documents(d) {
			var small bytes.Buffer
			if err := json.Compact(&small, doc); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&through, "through(%q, new(%s.%s))\n", small.String(), pkg, root)
			sent = append(sent, doc)
		}
	}
	write("main.go", "package main\n\nimport (\n\"encoding/json\"\n\"os\"\n"+imports.String()+`)

func through(document string, into any) {
	if err := json.Unmarshal([]byte(document), into); err != nil {
		panic(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(into); err != nil {
		panic(err)
	}
}

func main() {
`+through.String()+"}\n")
	cmd := exec.Command("go", "run", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	came := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	if len(came) != len(sent) {
		t.Fatalf("%d documents came back of %d", len(came), len(sent))
	}
	for i := range sent {
		if !reflect.DeepEqual(decoded(t, sent[i]), decoded(t, came[i])) {
			t.Errorf("sent     %s\ncame back %s", sent[i], came[i])
		}
	}
}

func decoded(t *testing.T, text []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestGoStructsLoseNothing(t *testing.T) {
	t.Parallel()
	roundTrip(t, builtin(t).Datasets(), func(d *schemas.Dataset) (valid [][]byte) {
		for _, e := range builtinExamples(t, d) {
			if e.valid {
				valid = append(valid, e.document)
			}
		}
		return valid
	})
}

// What is absent, null, empty and unknown stays apart; numbers keep their digits.
func TestGoStructsOfAnOddOne(t *testing.T) {
	t.Parallel()
	_, d := odd(t)
	roundTrip(t, []*schemas.Dataset{d}, func(*schemas.Dataset) (out [][]byte) {
		for _, doc := range []string{
			`{"so":"1"}`, `{"so":""}`, `{"so":"1","ten":""}`, `{"so":"1","dai":[]}`, `{"so":"1","dai":[1,2]}`, `{"so":"1","cap":["x",1,true]}`,
			`{"so":"1","cay":{}}`, `{"so":"1","cay":{"ten":"a","con":[]}}`, `{"so":"1","cay":{"con":[{"con":[{"ten":"abc"}]}]}}`, `{"so":"1","mot":{"sau":{"sau":{}}}}`,
			`{"so":"1","maKhong":null}`, `{"so":"1","maKhong":"1"}`, `{"so":"1","duLieu":{"items":[{"items":[1]}]}}`, `{"so":"1","a":0,"b":-5,"c":9007199254740993}`,
			`{"so":"1","tien":1.10}`, `{"so":"1","mo":{"la":1,"co":"x"}}`, `{"so":"1","mo":{}}`, `{"so":"1","mo":{"la":null}}`, `{"so":"1","tuDo":{"x":[1]}}`, `{"so":"1","tuDo":{}}`,
			`{"so":"1","danhSach":["a",null]}`, `{"so":"1","danhSach":null}`, `{"so":"1","canCo":{"k":null}}`, `{"so":"1","canCo":{"k":"x"}}`, `{"so":"1","ho-Ten":"a","hoTen":"b"}`,
		} {
			for _, v := range d.Check([]byte(doc)) {
				t.Errorf("%s is not valid: %s", doc, v.EN)
			}
			out = append(out, []byte(doc))
		}
		return out
	})
}

func TestGoPackageName(t *testing.T) {
	t.Parallel()
	_, d := odd(t)
	if _, err := GoStructs(d, "a-b", nil); err == nil {
		t.Error("a-b passes for a package")
	}
	text, err := GoStructs(d, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\npackage le\n", "\ntype Le struct {", `Dataset = "thu.le.v1"`, "// Mã của danh mục / a code of danhmuc.thu."} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}
