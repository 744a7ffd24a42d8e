package mapping

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/lienthong/truc/record"
)

func treEmPlan(tb testing.TB, with ...string) *SinkPlan {
	tb.Helper()
	set := testSet(tb)
	data, err := os.ReadFile("testdata/tre_em.yaml")
	if err != nil {
		tb.Fatal(err)
	}
	f, problems := Parse("tre_em.yaml", []byte(strings.NewReplacer(with...).Replace(string(data))), nil)
	if f == nil {
		tb.Fatal(problems)
	}
	p, problems := CompileSink(f, testDataset(tb, set), treEmTable(), Env{Set: set, Agency: "H26"})
	if p == nil {
		tb.Fatal(problems)
	}
	return p
}

const treEmDocument = `{"so":"12","quyenSo":"01/2020","ngayDangKy":"2020-03-05","noiDangKy":{"ma":"H44.15","ten":"ph\u01b0\u1eddng \"M\u1ea5u\""},` +
	`"nguoiDuocKhaiSinh":{"hoTen":"Nguyễn Thị Mẫu","ngaySinh":{"giaTri":"2020-02","doChinhXac":"thang"},"gioiTinh":"2"},"lePhi":12500.50,"nhan":["a"]}`

func treEmEvent() EventView {
	return EventView{
		ID: "e1", Op: "updated", Agency: "H44.15", Sequence: "0001", Dataset: "thu.khaisinh.v1",
		Time: time.Date(2024, 1, 1, 3, 4, 5, 600_000_000, time.UTC), Key: []byte(`["12","01/2020","H44.15"]`),
	}
}

func values(row record.Row) []string {
	var out []string
	for _, v := range row {
		out = append(out, v.Kind.String()+" "+string(v.Append(nil)))
	}
	return out
}

func TestTarget(t *testing.T) {
	want := &record.Target{
		Pipeline: "tre_em", Table: "bhyt.tre_em", Write: record.Upsert, Key: []string{"co_quan", "so_ks", "quyen", "noi"},
		Columns: []string{"ho_ten", "gioi_tinh", "nam_sinh", "ngay_dk", "le_phi", "cap_nhat"}, OnCreate: []string{"trang_thai"},
		OnDelete: record.DeleteSets, DeleteSet: []string{"trang_thai", "huy_luc"}, Conflict: record.ConflictReplaces,
	}
	if diff := cmp.Diff(want, treEmPlan(t).Target("tre_em"), cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
	inbox := treEmPlan(t, "write: upsert", "write: append", "on_delete: { set: { trang_thai: { const: huy }, huy_luc: event.time } }\n", "", "conflict: replace\n", "").Target("x")
	if inbox.Write != record.AppendOnly || inbox.OnDelete != record.DeleteIgnored {
		t.Errorf("inbox table: write %v, on delete %v", inbox.Write, inbox.OnDelete)
	}
}

func TestChange(t *testing.T) {
	tr := treEmPlan(t).NewTranslator()
	var change record.Change
	doc := []byte(treEmDocument)
	verdict, violations := tr.Change(treEmEvent(), doc, &change)
	if verdict != Live || change.Delete || len(violations) > 0 {
		t.Errorf("%s, delete %v, %v", verdict, change.Delete, violations)
	}
	key := []string{"text H44.15", "text 12", "text 01/2020", "text H44.15"}
	written := []string{"text Nguyễn Thị Mẫu", "text F", "text 2020-02", "date 2020-03-05", "decimal 12500.5", "timestamp 2024-01-01T03:04:05.6Z"}
	check := func(when string) {
		t.Helper()
		for _, c := range []struct{ got, want []string }{{values(change.Key), key}, {values(change.Values), written}, {values(change.OnCreate), []string{"text moi"}}} {
			if diff := cmp.Diff(c.want, c.got); diff != "" {
				t.Errorf("%s: %s", when, diff)
			}
		}
	}
	check("at once")
	// The change owns its memory: neither the document's buffer nor a later event may reach it.
	clear(doc)
	var other record.Change
	tr.Change(treEmEvent(), []byte(strings.ReplaceAll(treEmDocument, "12", "99")), &other)
	check("later")
}

func TestChangeThatDeletes(t *testing.T) {
	tr := treEmPlan(t).NewTranslator()
	var live record.Change
	tr.Change(treEmEvent(), []byte(treEmDocument), &live)

	ev := treEmEvent()
	ev.Op = "deleted"
	gone := record.Change{OnCreate: record.Row{record.NullValue}}
	verdict, violations := tr.Change(ev, nil, &gone)
	if verdict != Gone || !gone.Delete || len(violations) > 0 || gone.OnCreate != nil {
		t.Errorf("%s, %+v, %v", verdict, gone, violations)
	}
	if diff := cmp.Diff(values(live.Key), values(gone.Key)); diff != "" {
		t.Errorf("the key of the deletion is not that of the document: %s", diff)
	}
	if diff := cmp.Diff([]string{"text huy", "datetime 2024-01-01T10:04:05.6"}, values(gone.Values)); diff != "" {
		t.Error(diff)
	}

	ev = treEmEvent()
	ev.Time = ev.Time.AddDate(5, 0, 0)
	var filtered record.Change
	verdict, violations = tr.Change(ev, []byte(treEmDocument), &filtered)
	if verdict != Filtered || !filtered.Delete || len(violations) > 0 {
		t.Errorf("%s, %+v, %v", verdict, filtered, violations)
	}
	if diff := cmp.Diff(values(live.Key), values(filtered.Key)); diff != "" {
		t.Error(diff)
	}
}

func TestChangeViolations(t *testing.T) {
	for _, c := range []struct {
		name     string
		with     []string
		ev       func(*EventView)
		doc      string
		want     string
		deletion bool
	}{
		{name: "no JSON", doc: `{"so":`, want: " json"},
		{name: "more than JSON", doc: treEmDocument + "x", want: " json"},
		{name: "key that is no key", ev: func(e *EventView) { e.Key = []byte(`["12"]`) }, deletion: true, want: " json"},
		{name: "key with more", ev: func(e *EventView) { e.Key = []byte(`["12","a","b","c"]`) }, deletion: true, want: " json"},
		{name: "unmapped code", with: []string{`, "U": "0"`, ""}, doc: strings.Replace(treEmDocument, `"gioiTinh":"2"`, `"gioiTinh":"0"`, 1), want: "/nguoiDuocKhaiSinh/gioiTinh unmapped-code"},
		{name: "text the encoding cannot say", with: []string{"text: utf-8", "text: tcvn3"}, doc: strings.Replace(treEmDocument, "Nguyễn", "世", 1), want: "/nguoiDuocKhaiSinh/hoTen unwritable"},
		{name: "birth after the event", doc: strings.Replace(treEmDocument, "2020-02", "2025-02", 1), want: " unborn"},
		{name: "no time", with: []string{"ngay_dk: ngayDangKy", "huy_luc: capNhat"}, doc: strings.Replace(treEmDocument, `"lePhi"`, `"capNhat":"hôm qua","lePhi"`, 1), want: "/capNhat type"},
		{name: "absent key", doc: strings.Replace(treEmDocument, `"so":"12",`, "", 1), want: "/so required"},
	} {
		tr := treEmPlan(t, c.with...).NewTranslator()
		ev := treEmEvent()
		if c.ev != nil {
			c.ev(&ev)
		}
		doc := []byte(c.doc)
		if c.deletion {
			doc = nil
		}
		var change record.Change
		_, violations := tr.Change(ev, doc, &change)
		var got []string
		for _, v := range violations {
			got = append(got, v.Pointer+" "+v.Rule)
		}
		if diff := cmp.Diff([]string{c.want}, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

func TestTextIsEncodedForTheSink(t *testing.T) {
	tr := treEmPlan(t, "text: utf-8", "text: tcvn3").NewTranslator()
	var change record.Change
	tr.Change(treEmEvent(), []byte(treEmDocument), &change)
	if diff := cmp.Diff(tcvn3(t, "Nguyễn Thị Mẫu").Bytes, change.Values[0].Bytes); diff != "" {
		t.Error(diff)
	}
}

// TestTextForBytes: a column of bytes gets bytes, in the encoding that it holds.
func TestTextForBytes(t *testing.T) {
	v := columnValue{column: "c", kind: record.Bytes}
	if out, _, fail := v.textValue([]byte("Mẫu"), nil); fail != "" || out.Kind != record.Bytes || string(out.Bytes) != "Mẫu" {
		t.Errorf("%s %q, %v", out.Kind, out.Bytes, fail)
	}
}

// TestOnlyThatIsNull: what the condition leaves open does not pass; what it makes no truth value of is told.
func TestOnlyThatIsNull(t *testing.T) {
	only := "only: 'age(nguoiDuocKhaiSinh.ngaySinh, event.time) < 6'"
	for _, c := range []struct {
		only, doc string
		verdict   Verdict
		want      string
	}{
		{"only: quaHan", treEmDocument, Filtered, ""},
		{"only: quaHan", strings.Replace(treEmDocument, `"lePhi"`, `"quaHan":true,"lePhi"`, 1), Live, ""},
		{"only: quaHan", strings.Replace(treEmDocument, `"lePhi"`, `"quaHan":"x","lePhi"`, 1), Live, " type"},
	} {
		var change record.Change
		verdict, violations := treEmPlan(t, only, c.only).NewTranslator().Change(treEmEvent(), []byte(c.doc), &change)
		got := ""
		for _, v := range violations {
			got += v.Pointer + " " + v.Rule
		}
		if verdict != c.verdict || got != c.want {
			t.Errorf("%s: %s, %q", c.doc, verdict, got)
		}
	}
}

// TestPartsOfKeys: a part of an event key is what the document's property is.
func TestPartsOfKeys(t *testing.T) {
	for _, c := range []struct {
		kind kind
		part cell
		want cell
	}{
		{kindInt, textCell([]byte("7")), intCell(7)},
		{kindInt, bytesCell(kindDecimal, []byte("7")), intCell(7)},
		{kindInt, bytesCell(kindDecimal, []byte("70000000000000000000")), bytesCell(kindDecimal, []byte("70000000000000000000"))},
		{kindDate, textCell([]byte("2020-03-05")), bytesCell(kindDate, []byte("2020-03-05"))},
		{kindTimestamp, textCell([]byte("2020-03-05T00:00:00Z")), bytesCell(kindTimestamp, []byte("2020-03-05T00:00:00Z"))},
		{kindText, textCell([]byte("7")), textCell([]byte("7"))},
	} {
		p := docProperty{typ: typ{kind: c.kind}}
		if got := p.fromKey(c.part); got.kind != c.want.kind || got.num != c.want.num || got.text != c.want.text {
			t.Errorf("%s %q: %s %q", c.kind, c.part.text, got.kind, got.bytes())
		}
	}
}

// TestScannerReadsWhatJSONIs holds the document reader to encoding/json, on sound and on broken texts.
func TestScannerReadsWhatJSONIs(t *testing.T) {
	leaf := rapid.SampledFrom([]any{"", "a", `"\/`, "Nguyễn\n\t\u0001", "😀", 0, -1, 12.5, 1e21, true, false, nil})
	rapid.Check(t, func(t *rapid.T) {
		doc := map[string]any{}
		for _, k := range rapid.SliceOfN(rapid.SampledFrom([]string{"so", "x", "ậ\"", ""}), 0, 4).Draw(t, "keys") {
			doc[k] = leaf.Draw(t, "leaf")
			if rapid.Bool().Draw(t, "nest") {
				doc[k] = map[string]any{"ma": doc[k], "l": []any{doc[k], map[string]any{}}}
			}
		}
		b, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		for name, v := range doc {
			raw, ok := member(b, name)
			want, _ := json.Marshal(v) // it was marshalled above
			if !ok || string(raw) != string(want) {
				t.Fatalf("%s: member %q is %s, want %s", b, name, raw, want)
			}
			if s, isText := v.(string); isText && string(appendUnescaped(nil, raw[1:len(raw)-1])) != s {
				t.Fatalf("%q reads as %q", s, raw)
			}
		}
		if rapid.Bool().Draw(t, "break") && len(b) > 0 {
			b[rapid.IntRange(0, len(b)-1).Draw(t, "at")] = rapid.SampledFrom([]byte(`{}[]",:0a\`)).Draw(t, "byte")
		}
		s := scanner{text: b}
		ok := s.value(nil, nil)
		s.blank()
		if sound := json.Valid(b); sound && (!ok || s.at != len(b)) {
			t.Fatalf("%s is JSON and was refused", b)
		}
	})
}

// TestKeyRoundTrip: the key of a document, split again, gives the values back.
func TestKeyRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 4).Draw(t, "n")
		var parts []cell
		for range n {
			s := rapid.SampledFrom([]string{"", "a", `"`, "[", ",", "Nguyễn", "]", "\n"}).Draw(t, "part")
			parts = append(parts, textCell([]byte(s)))
		}
		key, ok := appendKey(nil, parts)
		if !ok {
			t.Fatal("no key")
		}
		back, ok := splitKey(key, n)
		if !ok || len(back) != n {
			t.Fatalf("%s does not split into %d", key, n)
		}
		for i := range back {
			if !equal(parts[i], back[i]) {
				t.Fatalf("%s: part %d is %q", key, i, back[i].text)
			}
		}
		if _, ok := splitKey(key, n+1); ok && n > 1 {
			t.Fatalf("%s splits into %d", key, n+1)
		}
	})
}

func BenchmarkDeliver(b *testing.B) {
	tr := treEmPlan(b).NewTranslator()
	ev, doc := treEmEvent(), []byte(treEmDocument)
	var change record.Change
	b.ReportAllocs()
	for b.Loop() {
		tr.Change(ev, doc, &change)
	}
}

// TestFunctionsOfADocument: the functions that read legacy columns are at hand for documents too.
func TestFunctionsOfADocument(t *testing.T) {
	set := testSet(t)
	env := Env{Set: set, Agency: "H44.15", Pseudonyms: map[string][]byte{"k": bytes.Repeat([]byte("k"), MinPseudonymKey)}}
	doc := []byte(`{"so":"12","quyenSo":"q1","noiDangKy":{"ma":"H44.15"},"nguoiDuocKhaiSinh":{"hoTen":"TRẦN THỬ","ngaySinh":{"giaTri":"1975","doChinhXac":"nam"},"gioiTinh":"2","danToc":"Tày"},` +
		`"me":{"soDinhDanh":"001175000123"},"ghiChu":"xã A, huyện B, tỉnh C"}`)
	for expression, want := range map[string]string{
		`titleCase(nguoiDuocKhaiSinh.hoTen)`:                       "Trần Thử",
		`address(ghiChu, "huyen")`:                                 "huyện B",
		`when(nguoiDuocKhaiSinh.gioiTinh == "2", "nữ")`:            "nữ",
		`when(nguoiDuocKhaiSinh.gioiTinh == "1", "nam")`:           "",
		`lookup("danhmuc.dantoc", nguoiDuocKhaiSinh.danToc)`:       "02",
		`pseudonym(cha.soDinhDanh, "k")`:                           "",
		`personId(me.soDinhDanh, "2", nguoiDuocKhaiSinh.ngaySinh)`: "001175000123",
		`address(ghiChu)`:                                          `{"chiTiet":"xã A, huyện B, tỉnh C"}`,
	} {
		f, problems := Parse("m.yaml", []byte("dataset: thu.khaisinh.v1\ntable: t\nkey: { so: so }\ncolumns:\n  c: '"+expression+"'\n"), nil)
		if problems != nil {
			t.Fatal(problems)
		}
		p, problems := CompileSink(f, testDataset(t, set), &record.Table{Name: "t", Columns: []record.Column{{Name: "so", Kind: record.Text}, {Name: "c", Kind: record.Text, Nullable: true}}}, env)
		if p == nil {
			t.Fatal(problems)
		}
		var change record.Change
		if _, violations := p.NewTranslator().Change(EventView{}, doc, &change); len(violations) > 0 {
			t.Errorf("%s: %v", expression, violations)
		}
		if got := string(change.Values[0].Bytes); got != want {
			t.Errorf("%s: %q, want %q", expression, got, want)
		}
	}
}
