package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite"

	"github.com/lienthong/truc/tests/messages"
)

// Values that stand in rows. Nothing of four characters of them occurs in a text by itself.
const (
	markName    = "Qxzẵv Zvẫqy Kjễxq"
	markNumber  = "QZX-7391-VKW"
	markCitizen = "079199866833"
	markDate    = "29/02/1917"
	markWord    = "wqzjkvxy"
)

// markTCVN3 is a name in TCVN3, as it stands in a row: "Wjư" and octets that are no UTF-8.
const markTCVN3 = "Wjqk\xad\xf2zwvx"

// marksSchema is a source and a sink in which every column refuses something.
const marksSource = `
CREATE TABLE khai_sinh (id INTEGER PRIMARY KEY, so_dk TEXT, quyen TEXT, ngay_dk TEXT, ho_ten TEXT, gioi_tinh TEXT, noi TEXT);
`

const marksSink = `
CREATE TABLE noi (ma TEXT PRIMARY KEY);
CREATE TABLE tre_em (co_quan TEXT, so_ks TEXT, ho_ten TEXT CHECK (length(ho_ten) < 5), duy_nhat TEXT UNIQUE, khong_trong TEXT NOT NULL, noi TEXT REFERENCES noi (ma), PRIMARY KEY (co_quan, so_ks)) STRICT;
`

func marks() *messages.Marks {
	return messages.NewMarks(markName, markNumber, markCitizen, markDate, markWord, "Wjqk", "zwvx", strings.ToValidUTF8(markTCVN3, "�"))
}

// TestNoRowInAnyText provokes what can be wrong with rows, with marks in every column, and looks for a mark in everything that
// is written for people without the option that shows values: commands, the page, its JSON, metrics and the log at every level.
func TestNoRowInAnyText(t *testing.T) {
	b := &bench{dir: t.TempDir(), listen: freeAddress(t)}
	source, sink := openSQLite(t, filepath.Join(b.dir, "hotich.db")), openSQLite(t, filepath.Join(b.dir, "bhyt.db"))
	run := func(db *sql.DB, statement string, args ...any) {
		t.Helper()
		if _, err := db.Exec(statement, args...); err != nil {
			t.Fatal(err)
		}
	}
	run(source, marksSource)
	run(sink, marksSink)
	insert := func(id int, cells ...any) {
		t.Helper()
		run(source, "INSERT INTO khai_sinh VALUES (?, CAST(? AS TEXT), ?, ?, CAST(? AS TEXT), ?, ?)", append([]any{id}, cells...)...)
	}
	good := "05/03/2020"
	insert(1, markNumber, markCitizen, good, "Văn", "1", nil)                                                 // becomes the row with whom others collide
	insert(2, markNumber+"2", markCitizen, good, markName, "1", nil)                                          // CHECK at the sink
	insert(3, markNumber+"3", markCitizen, good, "Văn", "1", nil)                                             // unique at the sink
	insert(4, markNumber+"4", "", good, "Văn", "1", nil)                                                      // required
	insert(5, markNumber+"5", markCitizen+"5", markDate, "Văn", "1", nil)                                     // no such day
	insert(6, markNumber+"6", markCitizen+"6", good, markName, markWord, nil)                                 // no such code
	insert(7, markNumber+"7", markCitizen+"7", good, []byte(markTCVN3), "1", nil)                             // no UTF-8
	insert(8, []byte(markTCVN3), markCitizen+"8", good, "Văn", "1", nil)                                      // no UTF-8 in the key
	insert(9, nil, markCitizen+"9", good, markName, "1", nil)                                                 // no key
	insert(10, markNumber+"10", markCitizen+"10", good, "Văn", "1", markWord)                                 // foreign key at the sink
	insert(11, strings.Repeat(markWord, 40), markCitizen+"11", good, strings.Repeat(markName, 100), "1", nil) // too long
	b.write(t, "mappings/khai_sinh.yaml", strings.Replace(birthsMapping, "table: public.khai_sinh", "table: khai_sinh", 1)+"  ghiChu: noi\n")
	b.write(t, "mappings/tre_em.yaml", `dataset: hotich.khaisinh.v1
table: tre_em
key: { co_quan: event.agency, so_ks: so }
columns:
  ho_ten: nguoiDuocKhaiSinh.hoTen
  duy_nhat: quyenSo
  khong_trong: quyenSo
  noi: ghiChu
`)
	b.write(t, "truc.yaml", `agency: H44.15
registry: { url: https://chuan.phutho.example/ }
sources: { hotich: { sqlite: { path: hotich.db, poll: 20ms } } }
publish: { khaisinh: { source: hotich, mapping: mappings/khai_sinh.yaml, partitions: 1 } }
sinks: { bhyt: { sqlite: { path: bhyt.db } } }
subscribe: { tre_em: { agencies: [H44.*], sink: bhyt, mapping: mappings/tre_em.yaml } }
http: { listen: "`+b.listen+`" }
`)
	m, texts := marks(), map[string]string{}
	truc := func(args ...string) string {
		t.Helper()
		var out, log lockedBuffer
		code := Main(t.Context(), append([]string{"-c", filepath.Join(b.dir, "truc.yaml")}, args...), strings.NewReader(""), &out, &log, func(string) (string, bool) { return "", false })
		texts[strings.Join(args, " ")] = out.String() + log.String()
		if code == exitUsage {
			t.Errorf("truc %s: %s", strings.Join(args, " "), log.String())
		}
		return out.String()
	}
	ctx, cancel := context.WithCancel(t.Context())
	log, ended := &lockedBuffer{}, make(chan struct{})
	go func() {
		defer close(ended)
		Main(ctx, []string{"-c", filepath.Join(b.dir, "truc.yaml"), "run", "-v"}, strings.NewReader(""), log, log, func(string) (string, bool) { return "", false })
	}()
	stop := func() {
		cancel()
		<-ended
		if t.Failed() {
			t.Log(log.String())
		}
	}
	t.Cleanup(stop)
	// What a unique or foreign key refuses is parked, and told as such: it becomes a letter only later.
	until(t, "the letters of both loops are open", func() bool {
		s, err := fetchStatus(t.Context(), b.listen)
		return err == nil && len(s.Readers) == 1 && len(s.Deliveries) == 1 && s.Deliveries[0].DeadLetters.Open == 1 && s.Deliveries[0].Parked == 2 && s.Readers[0].Pipelines[0].DeadLetters.Open == 7
	})
	for _, lang := range []string{"vi", "en", "both"} {
		truc("status", "--lang", lang)
		truc("dlq", "list", "--lang", lang)
		truc("dlq", "list", "--summary", "--lang", lang)
	}
	truc("verify", "--settle", "1ms")
	truc("status", "--json")
	truc("verify", "--settle", "1ms", "--json")
	truc("dlq", "export", "khaisinh", "--out", filepath.Join(b.dir, "list.csv"))
	key, reasons := "", map[string]bool{}
	for _, name := range []string{"khaisinh", "tre_em"} {
		var letters []shownLetter
		if err := json.Unmarshal([]byte(truc("dlq", "list", name, "--json")), &letters); err != nil {
			t.Fatal(err)
		}
		for _, l := range letters {
			reasons[l.Reason] = true
			if name == "khaisinh" {
				key = l.Key
			}
			truc("dlq", "show", name, l.Key)
			truc("dlq", "show", name, l.Key, "--json")
			for _, v := range l.Violations {
				reasons[v.Rule] = true
			}
		}
		truc("dlq", "retry", name, "--wait", "5s")
	}
	for _, path := range []string{"/", "/?lang=en", "/api/status", "/metrics", "/readyz"} {
		_, texts[path] = get(t, "http://"+b.listen+path)
	}
	for _, lang := range []string{"vi", "en"} {
		truc("try", "khaisinh", "--lang", lang)
		truc("discover", "hotich", "--lang", lang)
	}
	truc("try", "khaisinh", "--json")
	stop()
	texts["log"] = log.String()
	for _, reason := range []string{"violation", "check", "encoding", "code", "required", "date", "minLength", "maxLength"} {
		if !reasons[reason] {
			t.Errorf("no letter says %s; there are %v", reason, reasons)
		}
	}
	for name, text := range texts {
		if f := m.In(text); f != "" {
			t.Errorf("%s shows %q of a row:\n%s", name, f, around(text, f))
		}
	}
	// The test can fail: with the option that shows values they stand there.
	if letters := truc("dlq", "show", "khaisinh", key, "--values"); m.In(letters) == "" {
		t.Errorf("no mark stands in a letter that is shown with its values:\n%s", letters)
	}
}

func around(text, fragment string) string {
	i := strings.Index(strings.ToLower(text), fragment)
	return text[max(0, i-300):min(len(text), i+200)]
}

func openSQLite(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}
