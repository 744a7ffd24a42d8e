package schemas

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/problem"
)

// secondMajor is a folder with the next major version of births, copied from the first.
func secondMajor(t *testing.T) fstest.MapFS {
	t.Helper()
	out := fstest.MapFS{}
	v1 := os.DirFS("data/hotich.khaisinh/v1")
	err := fs.WalkDir(v1, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		raw, err := fs.ReadFile(v1, name)
		out["hotich.khaisinh/v2/"+name] = &fstest.MapFile{Data: []byte(strings.Replace(string(raw), "hotich.khaisinh/1.0.0", "hotich.khaisinh/2.0.0", 1))}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Whatever is wrong in a folder is told with the folder's name, the file, the line, and what to do, and takes no time.
func TestFolderFindings(t *testing.T) {
	const schema = "hotich.khaisinh/v2/schema.json"
	replace := func(name, old, text string) func(fstest.MapFS) {
		return func(f fstest.MapFS) {
			raw := string(f[name].Data)
			if !strings.Contains(raw, old) {
				panic(name + " does not hold " + old)
			}
			f[name] = &fstest.MapFile{Data: []byte(strings.Replace(raw, old, text, 1))}
		}
	}
	put := func(name, text string) func(fstest.MapFS) {
		return func(f fstest.MapFS) { f[name] = &fstest.MapFile{Data: []byte(text)} }
	}
	move := func(from, to string) func(fstest.MapFS) {
		return func(f fstest.MapFS) {
			for name, file := range f {
				if rest, ok := strings.CutPrefix(name, from); ok {
					delete(f, name)
					f[to+rest] = file
				}
			}
		}
	}
	const firstExample = "hotich.khaisinh/v2/examples/valid/toi-thieu.json"
	tests := []struct {
		name, want string // code and where
		change     func(fstest.MapFS)
	}{
		{"nothing", "", func(fstest.MapFS) {}},
		{"a byte order mark and CRLF", "", func(f fstest.MapFS) {
			f[schema].Data = []byte("\ufeff" + strings.ReplaceAll(string(f[schema].Data), "\n", "\r\n"))
		}},
		{"the first major again", "schema.twice chuan/hotich.khaisinh/v1/schema.json:3:3 #/$id", func(f fstest.MapFS) {
			move("hotich.khaisinh/v2/", "hotich.khaisinh/v1/")(f)
			replace("hotich.khaisinh/v1/schema.json", "/2.0.0", "/1.0.0")(f)
		}},
		{"the first major again, as its next minor version", "schema.twice chuan/hotich.khaisinh/v1/schema.json:1:1", func(f fstest.MapFS) {
			move("hotich.khaisinh/v2/", "hotich.khaisinh/v1/")(f)
			replace("hotich.khaisinh/v1/schema.json", "/2.0.0", "/1.1.0")(f)
		}},
		{"a code list that is built in", "schema.twice chuan/codelists/a.json:1:2 #/id", put("codelists/a.json", `{"id":"danhmuc.gioitinh","version":"1.0.0","source":"s","codes":[{"code":"1","vi":"một"}]}`)},
		{"$id of the first major", "schema.id chuan/hotich.khaisinh/v2/schema.json:3:3 #/$id", replace(schema, "/2.0.0", "/1.0.0")},
		{"another dataset's folder", "schema.id chuan/hotich.khaitu/v2/schema.json:3:3 #/$id", move("hotich.khaisinh/", "hotich.khaitu/")},
		{"the folder of the dataset itself", "schema.place chuan/v2/schema.json", move("hotich.khaisinh/", "")},
		{"no version folder", "schema.place chuan/hotich.khaisinh/schema.json", move("hotich.khaisinh/v2/", "hotich.khaisinh/")},
		{"no schema", "schema.missing chuan/hotich.khaisinh/v2/schema.json", func(f fstest.MapFS) { delete(f, schema) }},
		{"nothing at all", "schema.folder chuan", func(f fstest.MapFS) { clear(f); put("README.md", "")(f) }},
		{"not JSON", "schema.json chuan/hotich.khaisinh/v2/schema.json:9:3 #", replace(schema, `  "x-khoa"`, `  x-khoa`)},
		{"not UTF-8", "schema.json chuan/hotich.khaisinh/v2/schema.json:3:4 #", replace(schema, `"$id"`, "\"\xff\"")},
		{"repeated member", "schema.json chuan/hotich.khaisinh/v2/schema.json:9:8 #/$id", replace(schema, `  "x-khoa"`, `  "$id"`)},
		{"unknown keyword", "schema.unknown-keyword chuan/hotich.khaisinh/v2/schema.json:2:3 #/$schem", replace(schema, `{`, "{\n  \"$schem\": 1,")},
		{"$ref that would be fetched", "schema.ref chuan/hotich.khaisinh/v2/schema.json:94:7 #/properties/noiDangKy/$ref", replace(schema, `"../kieu/1.0.0#/definitions/coQuan"`, `"http://127.0.0.1:1/x.json"`)},
		{"200 levels", "schema.json chuan/types/sau.json:1:66 #" + strings.Repeat("/0", 64), put("types/sau.json", strings.Repeat("[", 200)+strings.Repeat("]", 200))},
		{"example that does not hold", "schema.example chuan/" + firstExample + ":1:1 #/loaiDangKy", put(firstExample, `{}`)},
		{"example with one wrong value", "schema.example chuan/" + firstExample + ":2:3 #/so", replace(firstExample, `"so": "`, `"so": 1, "x": "`)},
		{"no invalid example", "schema.example chuan/hotich.khaisinh/v2/examples/invalid", move("hotich.khaisinh/v2/examples/invalid/", "elsewhere/")},
		{"too large", "schema.too-large chuan/types/lon.json", put("types/lon.json", strings.Repeat(" ", 1<<20+1))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files := secondMajor(t)
			tt.change(files)
			start := time.Now()
			_, err := LoadFolders(Folder{Name: "chuan", FS: files})
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
			if got := first(t, err); got != tt.want {
				t.Errorf("got  %s\nwant %s\nall: %v", got, tt.want, err)
			}
		})
	}
}

// first is the code and the place of the first finding.
func first(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var list problem.List
	if !errors.As(err, &list) || list[0].What.EN == "" || list[0].Fix.EN == "" {
		t.Fatalf("got %v, want findings with remedies", err)
	}
	return list[0].Code + " " + list[0].Where
}

// Both majors live side by side, and the second uses the types and code lists of the first.
func TestSecondMajorInFolder(t *testing.T) {
	set, err := LoadFolders(Folder{Name: "chuan", FS: secondMajor(t)})
	if err != nil {
		t.Fatal(err)
	}
	var ids, want []string
	for _, d := range set.Datasets() {
		ids = append(ids, d.ID())
	}
	for _, d := range builtin(t).Datasets() {
		if want = append(want, d.ID()); d.ID() == "hotich.khaisinh.v1" {
			want = append(want, "hotich.khaisinh.v2")
		}
	}
	if diff := cmp.Diff(want, ids); diff != "" {
		t.Error(diff)
	}
	d, err := set.Dataset("hotich.khaisinh.v2")
	if err != nil {
		t.Fatal(err)
	}
	if ok, reason := d.Fast(); !ok {
		t.Errorf("not fast: %s", reason)
	}
	// Two folders with the same major: the second is told where the first is.
	_, err = LoadFolders(Folder{Name: "a", FS: secondMajor(t)}, Folder{Name: "b", FS: secondMajor(t)})
	if got := first(t, err); got != "schema.twice b/hotich.khaisinh/v2/schema.json:3:3 #/$id" || !strings.Contains(err.Error(), "it comes with a/hotich.khaisinh/v2/schema.json") {
		t.Errorf("got %v", err)
	}
}

// A folder is read within bounds, be it a whole disk.
func TestFolderIsBounded(t *testing.T) {
	many := fstest.MapFS{}
	for i := range maxFolderEntries + 1 {
		many[fmt.Sprintf("a/%d.txt", i)] = &fstest.MapFile{}
	}
	_, err := LoadFolders(Folder{Name: "lon", FS: many})
	if got := first(t, err); got != "schema.folder lon" || !strings.Contains(err.Error(), "more than 20000 files") {
		t.Errorf("too many files: %v", err)
	}
	heavy := fstest.MapFS{}
	for i := range maxFolderBytes>>20 + 1 {
		heavy[fmt.Sprintf("types/t%02d.json", i)] = &fstest.MapFile{Data: []byte(strings.Repeat(" ", 1<<20))}
	}
	_, err = LoadFolders(Folder{Name: "nang", FS: heavy})
	if !strings.Contains(fmt.Sprint(err), "has more than 64 MiB") {
		t.Errorf("too many bytes: %.300v", err)
	}
	var list problem.List
	wrong := withProperties(manyUnknown(500), "")
	if _, err = loadSchema(wrong); !errors.As(err, &list) || len(list) != maxFindings+1 || list[maxFindings].Code != "schema.more" {
		t.Errorf("%d findings", len(list))
	}
}

func manyUnknown(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"p%d":{"maxlen":1}`, i)
	}
	return b.String()
}
