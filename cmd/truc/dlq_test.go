package main

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lienthong/truc/adapters/memory"
	"github.com/lienthong/truc/portal"
)

// TestDeadLetters is what an operator does about a mapping that did not foresee how dates are written: look, hand a list to the
// clerks, mend the mapping, try again.
func TestDeadLetters(t *testing.T) {
	b := newBench(t)
	if err := b.stores["births"].Transact(func(tx *memory.Tx) error {
		return errors.Join(
			tx.Insert(birthsTable, birth(1, "12", "05/03/2020")), tx.Insert(birthsTable, birth(2, "13", "2020-03-06")),
			tx.Insert(birthsTable, birth(3, "14", "2020-03-07")), tx.Insert(birthsTable, birth(4, "15", "ngày 8")),
		)
	}); err != nil {
		t.Fatal(err)
	}
	background := context.Background()
	expect := func(code int, says string, args ...string) (stdout string) {
		t.Helper()
		got, stdout, stderr := b.truc(background, args...)
		if got != code || !strings.Contains(stdout+stderr, says) {
			t.Errorf("truc %s: exit %d, want %d and %q\n%s%s", strings.Join(args, " "), got, code, says, stdout, stderr)
		}
		return stdout
	}
	stop := b.run(t)
	open := func() int64 {
		_, stdout, _ := b.truc(background, "status", "--json")
		var s portal.Status
		if json.Unmarshal([]byte(stdout), &s) != nil || len(s.Readers) != 1 {
			return -1
		}
		return s.Readers[0].Pipelines[0].DeadLetters.Open
	}
	until(t, "three rows have letters", func() bool { return open() == 3 })

	var all []shownLetter
	if err := json.Unmarshal([]byte(expect(0, "", "dlq", "list", "khaisinh", "--json")), &all); err != nil || len(all) != 3 || all[0].Times != 1 || all[0].Since.IsZero() {
		t.Fatalf("dlq list --json: %v, %+v", err, all)
	}
	expect(0, "3 open dead letters", "dlq", "list")
	expect(0, "1 of 3 open dead letters are shown: --limit 0 shows all", "dlq", "list", "--limit", "1")
	expect(0, "3 open dead letters\n", "dlq", "list", "--limit", "0")
	var one []shownLetter
	if err := json.Unmarshal([]byte(expect(0, "", "dlq", "list", "--json", "--limit", "1")), &one); err != nil || len(one) != 1 {
		t.Fatalf("dlq list --json --limit 1: %v, %+v", err, one)
	}
	expect(0, "3 open dead letters", "dlq", "list", "khaisinh", "--reason", "date", "--field", "ngayDangKy", "--group", "format", "--since", "1h")
	expect(0, "0 open dead letters", "dlq", "list", "khaisinh", "--group", "duplicate")
	expect(0, "0 open dead letters", "dlq", "list", "khaisinh", "--field", "/me")
	if got := expect(0, "[]", "dlq", "list", "--reason", "pattern", "--json"); got != "[]\n" {
		t.Errorf("an empty list is %q", got)
	}
	expect(2, "--since", "dlq", "list", "--since", "-1h")
	summary := expect(0, "3 × /ngayDangKy, date, sai định dạng / format", "dlq", "list", "khaisinh", "--summary")
	if !strings.Contains(summary, "khaisinh: 3 thư lỗi đang mở, từ ") || !strings.Contains(summary, "Không đọc được thành ngày tháng") {
		t.Errorf("the summary does not say what is wrong:\n%s", summary)
	}
	var sums []letterSummary
	if err := json.Unmarshal([]byte(expect(0, "", "dlq", "list", "--summary", "--json")), &sums); err != nil || len(sums) != 2 || sums[0].Open != 3 || sums[1].Open != 0 {
		t.Errorf("dlq list --summary --json: %v, %+v", err, sums)
	}
	expect(0, all[1].Key, "dlq", "show", "khaisinh", all[0].Key, all[1].Key)
	expect(2, `no open dead letter with the key "0"`, "dlq", "show", "khaisinh", all[0].Key, "0")

	list := filepath.Join(b.dir, "list.csv")
	expect(0, "3 thư lỗi / ", "dlq", "export", "khaisinh", "--out", list)
	text, err := os.ReadFile(list)
	if err != nil || !strings.HasPrefix(string(text), "\ufeffBản ghi,Trường,") || strings.Contains(string(text), "2020-03") || !strings.Contains(string(text), "\r\n"+all[0].Key+",Ngày đăng ký") {
		t.Errorf("%v\n%s", err, text)
	}
	expect(2, "exists already", "dlq", "export", "khaisinh", "--out", list)
	expect(2, ".csv or .xlsx", "dlq", "export", "khaisinh", "--out", list+".ods")
	expect(2, "--lang", "dlq", "export", "khaisinh", "--out", list, "--lang", "fr")
	expect(2, "cannot be written", "dlq", "export", "khaisinh", "--out", filepath.Join(b.dir, "none", "list.csv"))
	expect(0, "dữ liệu cá nhân", "dlq", "export", "khaisinh", "--out", list, "--values", "--yes", "--lang", "en")
	text, err = os.ReadFile(list)
	if err != nil || !strings.HasPrefix(string(text), "\ufeffRecord,Field,") || !strings.Contains(string(text), `ngay_dk = ""2020-03-06""`) || strings.Contains(string(text), "Nguyễn Thị Mẫu") {
		t.Errorf("%v\n%s", err, text)
	}
	if info, err := os.Stat(list); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("a list with values has mode %v, %v", info.Mode(), err)
	}
	book := filepath.Join(b.dir, "list.xlsx")
	expect(0, "3 thư lỗi / ", "dlq", "export", "khaisinh", "--out", book)
	if z, err := zip.OpenReader(book); err != nil {
		t.Error(err)
	} else {
		_ = z.Close()
	}
	if left, err := filepath.Glob(filepath.Join(b.dir, ".truc-*")); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}

	expect(3, "vẫn còn sai / still wrong", "dlq", "retry", "khaisinh")
	if code, log := stop(); code != exitInterrupted {
		t.Fatalf("run ended with %d\n%s", code, log)
	}
	mended := strings.NewReplacer(`date(ngay_dk, "dd/MM/yyyy")`, `date(ngay_dk, ["dd/MM/yyyy", "yyyy-MM-dd"])`, `["dd/MM/yyyy"]`, `["dd/MM/yyyy", "yyyy-MM-dd"]`).Replace(birthsMapping)
	b.write(t, "mappings/khai_sinh.yaml", mended)
	expect(0, "will be tried again by the node that runs it", "dlq", "retry", "khaisinh", all[0].Key, "--wait", "1ms")
	b.run(t)
	until(t, "the request is done", func() bool { return open() == 2 })
	var answer struct {
		Requested int
		Result    struct {
			Total, Resolved int64
			Done            bool
		}
	}
	if err := json.Unmarshal([]byte(expect(3, "", "dlq", "retry", "khaisinh", "--reason", "date", "--json")), &answer); err != nil || answer.Requested != 2 || answer.Result.Resolved != 1 || !answer.Result.Done {
		t.Errorf("dlq retry --json: %v, %+v", err, answer)
	}
	expect(0, "/ last retry", "dlq", "list", "khaisinh", "--summary")
	expect(0, "không có thư lỗi nào", "dlq", "retry", "khaisinh", "--reason", "unique")
	expect(0, "không có thư lỗi nào", "dlq", "retry", "tre_em")
	expect(2, "did you mean khaisinh?", "dlq", "retry", "khaisin")
	until(t, "all but one are delivered", func() bool { return len(b.stores["insurer"].Rows(childrenTable)) == 3 })
}

// TestLettersOnAScreen: a table that nobody bounded shows a hundred letters; JSON and a summary are for whoever wants all.
func TestLettersOnAScreen(t *testing.T) {
	for _, tc := range []struct {
		args  []string
		json  bool
		limit int
	}{
		{nil, false, 100},
		{nil, true, 0},
		{[]string{"--summary"}, false, 0},
		{[]string{"--limit", "0"}, false, 0},
		{[]string{"--limit", "100"}, true, 100},
		{[]string{"--limit", "3", "--summary"}, false, 3},
	} {
		fs := flag.NewFlagSet("list", flag.ContinueOnError)
		l := newListed(fs)
		if err := fs.Parse(tc.args); err != nil {
			t.Fatal(err)
		}
		if l.bound(fs, tc.json); l.limit != tc.limit {
			t.Errorf("%q, JSON %v: at most %d, want %d", tc.args, tc.json, l.limit, tc.limit)
		}
	}
}
