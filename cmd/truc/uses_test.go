package main

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/pipeline"
)

// TestWhoUsesWhat: a node on the bus inside the process says what it uses; what leaves its configuration is gone after the next start.
func TestWhoUsesWhat(t *testing.T) {
	b := newBench(t)
	background := context.Background()
	b.write(t, "mappings/tre_em.yaml", strings.Replace(childrenMapping, "nguoiDuocKhaiSinh.hoTen", `'join([nguoiDuocKhaiSinh.hoTen, codeOf("gioi", nguoiDuocKhaiSinh.gioiTinh)], " ")'`, 1)+
		"codes: { gioi: { list: danhmuc.gioitinh, map: { M: \"1\", F: \"2\" } } }\n")
	uses := func(args ...string) (code int, found []pipeline.Use, stdout, stderr string) {
		code, stdout, stderr = b.truc(background, append([]string{"schema", "uses", "--json", "--lang", "en"}, args...)...)
		_ = json.Unmarshal([]byte(stdout), &found)
		return code, found, stdout, stderr
	}
	if code, found, stdout, _ := uses(); code != exitNo || len(found) != 0 || stdout != "[]\n" {
		t.Errorf("before any node ran: exit %d\n%s", code, stdout)
	}
	// A command that looks at the bus while the node opens it would be in its way.
	up := func() bool { code, _, _ := b.truc(background, "status"); return code == 0 }
	stop := b.run(t)
	until(t, "the node is up", up)
	until(t, "both pipelines are announced", func() bool { _, found, _, _ := uses(); return len(found) == 2 })
	_, found, _, _ := uses()
	publish, subscribe := found[0], found[1]
	if publish.Pipeline != "publish.khaisinh" || publish.Direction != "publish" || publish.Agency != "H44.15" || publish.Dataset != "hotich.khaisinh.v1" || publish.Version != "1.0.0" ||
		!reflect.DeepEqual(publish.Agencies, []string{"H44.15"}) || publish.Mapping == "" {
		t.Errorf("the publisher is %+v", publish)
	}
	if want := []string{"loaiDangKy", "ngayDangKy", "nguoiDuocKhaiSinh.gioiTinh", "nguoiDuocKhaiSinh.hoTen", "nguoiDuocKhaiSinh.ngaySinh", "noiDangKy", "quyenSo", "so"}; !reflect.DeepEqual(publish.Properties, want) {
		t.Errorf("it fills %v", publish.Properties)
	}
	if subscribe.Pipeline != "subscribe.tre_em" || !reflect.DeepEqual(subscribe.Agencies, []string{"H44.*"}) || !reflect.DeepEqual(subscribe.Properties, []string{"nguoiDuocKhaiSinh.gioiTinh", "nguoiDuocKhaiSinh.hoTen", "so"}) ||
		!reflect.DeepEqual(subscribe.Codes, []mapping.CodesUsed{{List: "danhmuc.gioitinh", Codes: []string{"1", "2"}}}) {
		t.Errorf("the subscriber is %+v", subscribe)
	}
	for _, c := range []struct {
		about string
		code  int
		found int
	}{
		{"hotich.khaisinh", 0, 2},
		{"hotich.khaisinh.v1", 0, 2},
		{"hotich.khaisinh.v1.quyenSo", 0, 1},
		{"hotich.khaisinh.v1.nguoiDuocKhaiSinh", 0, 2},
		{"hotich.khaisinh.v1.noiDangKy.ma", 0, 1},
		{"hotich.khaisinh.v1.ghiChu", exitNo, 0},
		{"dancu.congdan", exitNo, 0},
		{"danhmuc.gioitinh", 0, 1},
		{"danhmuc.dantoc", exitNo, 0},
	} {
		if code, found, _, stderr := uses(c.about); code != c.code || len(found) != c.found {
			t.Errorf("%s: exit %d, %d found\n%s", c.about, code, len(found), stderr)
		}
	}
	for about, says := range map[string]string{
		"hotich.khaisin": `did you mean "hotich.khaisinh.v1"`, "hotich.khaisinh.v2": `there is no dataset "hotich.khaisinh.v2"`, "hotich.khaisinh.v1.quyenso": "did you mean quyenSo?",
		"hotich.khaisinh.v1.nguoiDuocKhaiSinh.x": "the properties there are: hoTen, ",
	} {
		if code, _, _, stderr := uses(about); code != exitUsage || !strings.Contains(stderr, says) {
			t.Errorf("%s: exit %d\n%s", about, code, stderr)
		}
	}
	if _, stdout, _ := b.truc(background, "schema", "uses", "danhmuc.gioitinh", "--lang", "en"); !strings.Contains(stdout, "H44.15  subscribe.tre_em  hotich.khaisinh.v1  1.0.0    H44.*  3           1 2") {
		t.Errorf("as a table:\n%s", stdout)
	}
	if code, log := stop(); code != exitInterrupted {
		t.Errorf("run ended with %d\n%s", code, log)
	}

	b.write(t, "truc.yaml", `agency: H44.15
registry: { url: https://chuan.phutho.example/ }
sources: { hotich: { memory: { store: births } } }
publish: { khaisinh: { source: hotich, mapping: mappings/khai_sinh.yaml, partitions: 1 } }
http: { listen: "`+b.listen+`" }
`)
	if code, found, _, _ := uses(); code != 0 || len(found) != 2 {
		t.Errorf("a node that is down has left the list: exit %d, %d", code, len(found))
	}
	stop = b.run(t)
	until(t, "the node is up again", up)
	until(t, "what left the configuration is gone", func() bool {
		_, found, _, _ := uses()
		return len(found) == 1 && found[0].Pipeline == "publish.khaisinh"
	})
	stop()
	for _, c := range []struct {
		code int
		says string
		args []string
	}{
		{exitUsage, "H44.15/publish.x has announced nothing", []string{"--forget", "H44.15/publish.x"}},
		{exitUsage, "nothing was done", []string{"--forget", "H44.15/publish.khaisinh"}},
		{0, "", []string{"--forget", "h44.15/publish.khaisinh", "--yes"}},
	} {
		if code, _, _, stderr := uses(c.args...); code != c.code || !strings.Contains(stderr, c.says) {
			t.Errorf("%v: exit %d\n%s", c.args, code, stderr)
		}
	}
	if code, _, _, _ := uses(); code != exitNo {
		t.Errorf("after it was forgotten: exit %d", code)
	}
}
