package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/adapters/all"
	"github.com/lienthong/truc/adapters/memory"
	"github.com/lienthong/truc/discover"
	"github.com/lienthong/truc/record"
	"github.com/lienthong/truc/trial"
)

// before is a node whose mapping is not written yet.
func before(t *testing.T) *bench {
	t.Helper()
	b := newBench(t)
	store := birthsStore(t)
	store.Define(memory.TableSpec{
		Table: record.Table{Schema: "public", Name: "phu_luc", Key: []int{0}, Columns: []record.Column{
			{Name: "id", Kind: record.Int, Type: "int"}, {Name: "khai_sinh_id", Kind: record.Int, Type: "int", Nullable: true},
		}},
		Relations: []adapters.Relation{{Columns: []string{"khai_sinh_id"}, Table: birthsTable, References: []string{"id"}}},
	})
	b.stores["births"] = store
	b.put(t, birth(1, "12", "02/03/2020"), birth(2, "13", "25/03/2020"), birth(3, "14", "28/03/2020"))
	if err := os.Remove(filepath.Join(b.dir, "mappings", "khai_sinh.yaml")); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) put(t *testing.T, rows ...record.Row) {
	t.Helper()
	err := b.stores["births"].Transact(func(tx *memory.Tx) error {
		for _, r := range rows {
			if err := tx.Insert(birthsTable, r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (b *bench) expect(t *testing.T, want int, args ...string) (stdout, stderr string) {
	t.Helper()
	code, stdout, stderr := b.truc(t.Context(), args...)
	if code != want {
		t.Fatalf("truc %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), code, want, stdout, stderr)
	}
	return stdout, stderr
}

func lacks(t *testing.T, text string, secrets ...string) {
	t.Helper()
	for _, s := range secrets {
		if strings.Contains(text, s) {
			t.Errorf("%q is in the output:\n%s", s, text)
		}
	}
}

func has(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("the output lacks %q:\n%s", p, text)
		}
	}
}

// TestDiscover walks from a table to a mapping that check reads, before any mapping exists.
func TestDiscover(t *testing.T) {
	b := before(t)
	out, _ := b.expect(t, exitDone, "discover", "hotich")
	has(t, out, "bảng public.khai_sinh: ~3 hàng, đã xem 3 / table public.khai_sinh: ~3 rows, looked at 3", "khóa ngoại: (khai_sinh_id) → public.khai_sinh (id) / foreign key",
		"dataset: hotich.khaisinh.v1", "so: text(so_dk)", `ngayDangKy: date(ngay_dk, "dd/MM/yyyy")`, "hoTen: text(ho_ten)", "# TODO")
	lacks(t, out, "Nguyễn", "02/03/2020", "01/2020")
	out, _ = b.expect(t, exitDone, "discover", "hotich", birthsTable, "--samples")
	has(t, out, `"Nguyễn Thị Mẫu"`)

	out, _ = b.expect(t, exitDone, "discover", "hotich", birthsTable, "--json")
	var result struct {
		Tables []discover.Table `json:"tables"`
	}
	if err := json.Unmarshal([]byte(out), &result); err != nil || len(result.Tables) != 1 || result.Tables[0].Draft == nil || result.Tables[0].Sampled != 3 {
		t.Errorf("%v: %s", err, out)
	}
	lacks(t, out, "Nguyễn")

	out, _ = b.expect(t, exitDone, "discover", "hotich", "--lang", "en")
	has(t, out, "table public.khai_sinh: ~3 rows, looked at 3", "# A draft by truc discover")
	lacks(t, out, "bảng", "hàng", "Bản nháp", "bắt buộc", "tên khớp")
	out, _ = b.expect(t, exitDone, "discover", "hotich", "--lang", "vi")
	has(t, out, "bảng public.khai_sinh: ~3 hàng, đã xem 3", "# Bản nháp của truc discover")
	lacks(t, out, "table public", "rows", "A draft", "required", "matches")

	file := filepath.Join(b.dir, "mappings", "khai_sinh.yaml")
	out, _ = b.expect(t, exitDone, "discover", "hotich", birthsTable, "--out", file)
	has(t, out, "The draft is "+file)
	out, _ = b.expect(t, exitUsage, "check")
	has(t, out, "the dataset requires gioiTinh here", "the dataset requires noiDangKy here")
	lacks(t, out, "YAML", "unknown column")
	_, errs := b.expect(t, exitUsage, "discover", "hotich", birthsTable, "--out", file)
	has(t, errs, "the file is there already")

	_, errs = b.expect(t, exitUsage, "discover", "hotic")
	has(t, errs, "did you mean hotich?")
	_, errs = b.expect(t, exitUsage, "discover", "hotich", "public.khai_sin")
	has(t, errs, "there is no table public.khai_sin")
	_, errs = b.expect(t, exitUsage, "discover", "hotich", "--dataset", "hotich.khaisin.v1")
	has(t, errs, `did you mean "hotich.khaisinh.v1"?`)
	out, _ = b.expect(t, exitNo, "discover", "hotich", "public.phu_luc")
	has(t, out, "No dataset fits")
	b.stores["births"].SetReachable(false)
	b.expect(t, exitUnreachable, "discover", "hotich")
}

// TestDiscoverShowsNames: names that a system gave its tables and columns move no cursor and end no line; look-up tables beside a
// table that is named are read for its codes, and what may not be read names what grants it.
func TestDiscoverShowsNames(t *testing.T) {
	b := before(t)
	b.stores["births"].Define(memory.TableSpec{Table: record.Table{Schema: "public", Name: "so\x1b[2J_cai", Key: []int{0}, Columns: []record.Column{
		{Name: "id", Kind: record.Int, Type: "int"}, {Name: "ho\x1b[31m\nten", Kind: record.Text, Type: "te\x07xt", Nullable: true},
	}}})
	for _, args := range [][]string{{"discover", "hotich"}, {"discover", "hotich", "public.so\x1b[2J_cai", "--dataset", "hotich.khaisinh.v1"}} {
		out, errs := b.expect(t, exitDone, args...)
		has(t, out, `so\x1B[2J_cai`, `ho\x1B[31m\x0Aten`, `te\x07xt`)
		lacks(t, out+errs, "\x1b", "\x07")
	}
}

// TestTry counts what real rows would become, and shows nothing of them.
func TestTry(t *testing.T) {
	b := newBench(t)
	b.put(t, birth(1, "12", "02/03/2020"), birth(2, "13", "03/03/2020"))
	out, _ := b.expect(t, exitDone, "try", "khaisinh")
	has(t, out, "khaisinh: public.khai_sinh → hotich.khaisinh.v1", "đã đọc / read", " 2 (cả bảng / the whole table)", "Định danh / identifiers  100.00 %", "chưa đo / not measured")
	lacks(t, out, "phát hiện", "vi phạm / violation ")

	b.put(t, birth(3, "14", "31/02/2020"), birth(4, "12", "04/03/2020"))
	out, _ = b.expect(t, exitNo, "try", "khaisinh")
	has(t, out, "vi phạm / violation  ngayDangKy  date: “Ngày đăng ký”", "duplicate-key", "phải đạt 100 % / must reach 100 %")
	lacks(t, out, "Nguyễn", "31/02", `"12"`)
	out, _ = b.expect(t, exitNo, "try", "khaisinh", "--json")
	var r trial.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil || r.Rows != 4 || r.Invalid != 1 || r.DuplicateRows != 1 || len(r.Groups) != 8 {
		t.Errorf("%v: %s", err, out)
	}
	out, _ = b.expect(t, exitDone, "try", "khaisinh", "--rows", "2")
	has(t, out, "not the whole table: --all")
	b.expect(t, exitNo, "try", "khaisinh", "--all")
	out, _ = b.expect(t, exitNo, "try", "khaisinh", "--lang", "en")
	has(t, out, "violation  ngayDangKy  date: ", "must reach 100 %", "Wrong format: 2 violations")
	lacks(t, out, "vi phạm", "phải đạt", "Sai định dạng", "nhóm lỗi", "chưa đo")
	out, _ = b.expect(t, exitNo, "try", "khaisinh", "--lang", "vi")
	has(t, out, "vi phạm  ngayDangKy  date: ", "phải đạt 100 %", "Sai định dạng: 2 vi phạm")
	lacks(t, out, "violation", "must reach", "Wrong format", "error groups", "not measured")

	_, errs := b.expect(t, exitUsage, "try", "khaisinh", "--document", "1")
	has(t, errs, "--document shows data of rows")
	out, _ = b.expect(t, exitDone, "try", "khaisinh", "--rows", "2", "--document", "1", "--values")
	has(t, out, `"hoTen": "Nguyễn Thị Mẫu"`)
	_, errs = b.expect(t, exitUsage, "try", "khaisin")
	has(t, errs, "did you mean khaisinh?")
	b.expect(t, exitUsage, "try", "tre_em")
	b.expect(t, exitUsage, "try", "khaisinh", "--at", "2026")
	b.expect(t, exitDone, "try", "khaisinh", "--at", "2026-03-02", "--rows", "2")

	// Interrupted, it says what it found so far.
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if code, out, _ := b.truc(ctx, "try", "khaisinh"); code != exitInterrupted {
		t.Errorf("exit code %d\n%s", code, out)
	}

	// The faults of the pipeline are told, those of others are not.
	b.write(t, "mappings/tre_em.yaml", "dataset: [")
	b.expect(t, exitDone, "try", "khaisinh", "--rows", "2")
	b.write(t, "mappings/khai_sinh.yaml", strings.Replace(birthsMapping, "so: so_dk", "so: so_dkk", 1))
	_, errs = b.expect(t, exitUsage, "try", "khaisinh")
	has(t, errs, `unknown column "so_dkk"`, "did you mean so_dk?")
	b.stores["births"].SetReachable(false)
	b.expect(t, exitUnreachable, "try", "khaisinh")
}

// TestAdapterKeysAreDescribed: every key of every adapter's configuration is described in the schema for editors.
func TestAdapterKeysAreDescribed(t *testing.T) {
	p := &program{adapters: all.Registry()}
	text, err := configSchema(p.adapters)
	if err != nil {
		t.Fatal(err)
	}
	var root map[string]any
	if err := json.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	inner := func(m map[string]any, key string) map[string]any { v, _ := m[key].(map[string]any); return v }
	n := 0
	for _, side := range []string{"sources", "sinks"} {
		kinds := inner(inner(inner(inner(root, "properties"), side), "additionalProperties"), "properties")
		for kind, s := range kinds {
			for key, k := range inner(s.(map[string]any), "properties") {
				n++
				if says, _ := k.(map[string]any)["description"].(string); !strings.Contains(says, " / ") {
					t.Errorf("%s.*.%s.%s is not described in config/keys.txt", side, kind, key)
				}
			}
		}
	}
	if n < 10 {
		t.Errorf("only %d keys", n)
	}
}
