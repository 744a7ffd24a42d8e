//go:build linux

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/truc/tests/nodes"
	"github.com/lienthong/truc/tests/servers"
)

// The next major version of the standard splits the child's name and renames who signed. It is no part of the binary: it comes
// from testdata/chuan.
const (
	registryMapping2 = `dataset: hotich.khaisinh.v2
table: public.khai_sinh
only: trang_thai == 2
codes:
  gioi: { list: danhmuc.gioitinh, map: { "Nam": "1", "Nữ": "2" } }
  loai: { list: danhmuc.loaidangky, map: { "1": "1", "2": "2", "4": "4" } }
fields:
  so: so
  quyenSo: quyen
  ngayDangKy: ngay_dk
  loaiDangKy: code("loai", loai_dk)
  noiDangKy: { ma: { const: %s } }
  nguoiKyGiayKhaiSinh: text(nguoi_ky)
  ghiChu: ghi_chu
  nguoiDuocKhaiSinh:
    ho: text(ho)
    chuDem: text(dem)
    ten: text(ten)
    ngaySinh: partialDate(ngay_sinh, ["dd/MM/yyyy", "MM/yyyy", "yyyy"])
    gioiTinh: code("gioi", gioi)
    soDinhDanh: pad(so_dinh_danh, 12)
`
	documents2 = `SELECT json_build_array(so, quyen, '%[1]s')::text, jsonb_strip_nulls(jsonb_build_object(
  'so', so, 'quyenSo', quyen, 'ngayDangKy', to_char(ngay_dk, 'YYYY-MM-DD'), 'loaiDangKy', loai_dk::text,
  'noiDangKy', jsonb_build_object('ma', '%[1]s'), 'nguoiKyGiayKhaiSinh', nguoi_ky, 'ghiChu', ghi_chu,
  'nguoiDuocKhaiSinh', jsonb_build_object('ho', ho, 'chuDem', dem, 'ten', ten, 'gioiTinh', CASE gioi WHEN 'Nam' THEN '1' ELSE '2' END,
    'ngaySinh', CASE length(ngay_sinh)
      WHEN 4 THEN jsonb_build_object('giaTri', ngay_sinh, 'doChinhXac', 'nam')
      WHEN 7 THEN jsonb_build_object('giaTri', right(ngay_sinh, 4) || '-' || left(ngay_sinh, 2), 'doChinhXac', 'thang')
      ELSE jsonb_build_object('giaTri', to_char(to_date(ngay_sinh, 'DD/MM/YYYY'), 'YYYY-MM-DD'), 'doChinhXac', 'ngay') END,
    'soDinhDanh', lpad(so_dinh_danh::text, 12, '0'))))::text
FROM khai_sinh WHERE trang_thai = 2`
	schoolTable = `CREATE TABLE hoc_sinh (
  co_quan text, quyen text, so text, ho text NOT NULL, dem text, ten text NOT NULL, nguoi_ky text, ghi_chu text, lop text DEFAULT 'chưa xếp', PRIMARY KEY (co_quan, quyen, so))`
	schoolMapping = `dataset: hotich.khaisinh.v2
table: public.hoc_sinh
key: { co_quan: event.agency, quyen: quyenSo, so: so }
columns:
  ho: nguoiDuocKhaiSinh.ho
  dem: nguoiDuocKhaiSinh.chuDem
  ten: nguoiDuocKhaiSinh.ten
  nguoi_ky: nguoiKyGiayKhaiSinh
  ghi_chu: ghiChu
`
	pupilsWanted = `SELECT quyen || '/' || so, concat_ws('|', '%s', ho, coalesce(dem, '-'), ten, nguoi_ky, md5(ghi_chu), 'chưa xếp') FROM khai_sinh WHERE trang_thai = 2`
	pupilsFound  = `SELECT quyen || '/' || so, concat_ws('|', co_quan, ho, coalesce(dem, '-'), ten, nguoi_ky, md5(ghi_chu), lop) FROM hoc_sinh`
)

// A new major version of a dataset is published beside the old one, for a subscriber of its own, while clerks work and the
// publisher is killed; then the old one is taken away, and its subscriber moves to the new one.
func TestTwoMajors(t *testing.T) {
	t.Parallel()
	const rows = 3000
	r := sharedRegistry(t, 200)
	school := *r // the new subscriber
	school.topic = strings.Replace(r.topic, ".v1.", ".v2.", 1)
	dsn := servers.Postgres(t).Database(t)
	school.sink = pool(t, dsn)
	r.exec(school.sink, schoolTable)
	nodes.Write(t, filepath.Join(r.dir, "secrets/school"), dsn)
	moi := filepath.Join(r.dir, "moi.yaml")
	verified := func(configs ...string) {
		t.Helper()
		for _, config := range configs {
			if got := nodes.Run(t, r.dir, "verify", "-c", config, "--settle", patience().String()); got.Code != 0 {
				t.Fatalf("truc verify -c %s: %s", config, got)
			}
		}
	}
	equal2 := func() {
		t.Helper()
		wrong := complaints{t: t}
		school.topicEqual(&wrong, documents2)
		school.sinkSame(&wrong, pupilsWanted, pupilsFound)
		if wrong.n > 0 {
			t.Fatalf("%d differences in v2", wrong.n)
		}
	}

	r.fill(1, rows)
	sub := start(t, r.sub())
	n := start(t, r.pub())
	n.await("v1 is published", (*status).streaming)
	c := r.work(rows, false)
	n.Kill()

	// The second version is added, and its snapshot is killed.
	if err := os.CopyFS(filepath.Join(r.dir, "chuan"), os.DirFS("testdata/chuan")); err != nil {
		t.Fatal(err)
	}
	nodes.Write(t, filepath.Join(r.dir, "khai_sinh_2.yaml"), fmt.Sprintf(registryMapping2, r.agency))
	nodes.Write(t, filepath.Join(r.dir, "hoc_sinh.yaml"), schoolMapping)
	nodes.Write(t, moi, strings.NewReplacer("secrets/sink", "secrets/school", r.insurer, "X"+r.insurer[1:], "tre_em", "hoc_sinh", "http:", "datasets: [chuan]\nhttp:").Replace(content(t, r.sub())))
	rewrite(t, r.pub(), "publish: { khaisinh: { source: hotich, mapping: khai_sinh.yaml } }",
		"publish: { khaisinh: { source: hotich, mapping: khai_sinh.yaml }, khaisinh2: { source: hotich, mapping: khai_sinh_2.yaml } }")
	if got := nodes.Run(t, r.dir, "check", "-c", r.pub(), "--offline", "--lang", "en"); got.Code != 2 || !strings.Contains(got.Stdout, `there is no dataset "hotich.khaisinh.v2"`) {
		t.Errorf("the folder is not named yet: %s", got)
	}
	rewrite(t, r.pub(), "http:", "datasets: [chuan]\nhttp:")
	for _, config := range []string{r.pub(), moi} {
		r.asked(config, "check")
	}
	start(t, r.pub()).killWhile("the snapshot of v2", 50*time.Millisecond, (*status).snapshotting)
	n = start(t, r.pub())
	newSub := start(t, moi)
	n.await("both are published", (*status).streaming)
	n.killWhile("both stream", 100*time.Millisecond, (*status).streaming)
	n = start(t, r.pub())
	c.rest(t)
	verified(r.pub(), r.sub(), moi)
	r.equal()
	equal2()

	// A damage of one of them is named, and only there.
	const one = `(SELECT so FROM hoc_sinh ORDER BY so LIMIT 1)`
	r.exec(school.sink, `UPDATE hoc_sinh SET ten = ten || 'x' WHERE so = `+one)
	got := nodes.Run(t, r.dir, "verify", "-c", moi, "--settle", "1s")
	if got.Code != 3 || !regexp.MustCompile(`(?m)^hoc_sinh: NOT EQUAL: .*\n  khóa · key [0-9a-f]{12}: .* · content differs$`).MatchString(got.Stdout) {
		t.Errorf("one row of the new sink is damaged: %s", got)
	}
	r.exec(school.sink, `UPDATE hoc_sinh SET ten = left(ten, -1) WHERE so = `+one)
	verified(r.sub(), moi)

	// The old version is taken away. Its topic and its subscriber stay as they are.
	_, before := r.topicContents()
	c = r.work(rows, false)
	n.Kill()
	rewrite(t, r.pub(), "khaisinh: { source: hotich, mapping: khai_sinh.yaml }, ", "")
	n = start(t, r.pub())
	s := n.await("v2 alone", (*status).streaming)
	if p := s.Readers[0].Pipelines; len(p) != 1 || p[0].Name != "khaisinh2" {
		t.Errorf("pipelines %+v, want khaisinh2 alone", p)
	}
	from := s.records()
	n.await("v2 goes on", func(s *status) bool { return s.records() > from+200 })
	c.rest(t)
	verified(r.pub(), r.sub(), moi)
	equal2()
	if s := n.await("still v2 alone", (*status).streaming); s.Readers[0].Error != "" {
		t.Errorf("the reader complains: %s", s.Readers[0].Error)
	}
	_, after := r.topicContents()
	t.Logf("v1 ended with %d events, of which %d came after the last comparison", after, after-before)

	// Its subscriber moves to the new version, into the table it has: the rows change hands, and a replay deletes what vanished
	// after v1 had ended.
	sub.Kill()
	nodes.Write(t, filepath.Join(r.dir, "tre_em_2.yaml"), strings.NewReplacer(".v1", ".v2", "nguoiDuocKhaiSinh.hoTen", `'join([nguoiDuocKhaiSinh.ho, nguoiDuocKhaiSinh.chuDem, nguoiDuocKhaiSinh.ten], " ")'`, "  me: me.hoTen\n", "").Replace(insurerMapping)+"conflict: replace\n")
	rewrite(t, r.sub(), "mapping: tre_em.yaml", "mapping: tre_em_2.yaml")
	rewrite(t, r.sub(), "http:", "datasets: [chuan]\nhttp:")
	moved := start(t, r.sub())
	moved.serving()
	r.asked(r.sub(), "replay", "tre_em", "--yes")
	moved.await("the replay is done", func(s *status) bool {
		return len(s.Deliveries) == 1 && s.Deliveries[0].Generation > 0 && s.Deliveries[0].Replay == nil
	})
	verified(r.sub(), moi)
	wrong := complaints{t: t}
	without := func(query string) string { return strings.NewReplacer(", me_ho_ten", "", ", me,", ",").Replace(query) }
	r.sinkSame(&wrong, without(childrenWanted), without(childrenFound))
	if wrong.n > 0 {
		t.Errorf("%d differences at the subscriber that moved", wrong.n)
	}
	if newSub.Ended() {
		t.Error("the new subscriber has ended")
	}
}

// content reads a file of a node.
func content(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
