#!/usr/bin/env bash
# Recomputes what a folder of `truc demo --dir` must hold, with sqlite3, iconv and kcat alone, and compares.
#
#   demo_check.sh DIR            the insurer's table tre_em against the two civil-status databases
#   demo_check.sh DIR BROKER     also both topics, replayed from offset 0, against the databases, and tre_em as of event time
#
# The demo must have ended; for the topics a `truc run -c DIR/truc.yaml` keeps the broker up (its address is in DIR/bus/truc.address).
# Exit: 0 identical, 1 different (each key with what is wrong, on stdout), 2 cannot compare.
set -euo pipefail

die() { echo "demo_check: $*" >&2; exit 2; }
dir="${1:-}" broker="${2:-}"
[[ -n "$dir" && -f "$dir/bhyt.db" ]] || die "usage: demo_check.sh DIR [BROKER]; DIR holds haiduong.db, hanoi.db and bhyt.db"
[[ -f "$dir/hanoi.db" ]] || die "$dir/hanoi.db is missing: this script compares SQLite only"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

# Hải Dương's text is TCVN3. Its bytes leave the database as they are and are decoded by iconv: in the letters (A1 to FE)
# TCVN 5712 part 1 is what TCVN3 is. 1F stands between columns, 1E between rows.
sqlite3 -batch "$dir/haiduong.db" "SELECT writefile('$work/haiduong.tcvn3', CAST(group_concat(concat, char(30)) AS BLOB)) FROM (
  SELECT so_dk || char(31) || quyen_so || char(31) || ifnull(ngay_dk, '') || char(31) || ifnull(loai_dk, '') || char(31) ||
    ifnull(ho_ten, '') || char(31) || ifnull(ngay_sinh, '') || char(31) || ifnull(gioi_tinh, '') || char(31) ||
    ifnull(noi_sinh, '') || char(31) || ifnull(ma_xa, '') || char(31) || ifnull(ho_ten_me, '') AS concat
  FROM ht_khaisinh WHERE trang_thai = 2 AND da_xoa <> 1)" >/dev/null || die "cannot read haiduong.db"
iconv -f TCVN5712-1 -t UTF-8 "$work/haiduong.tcvn3" >"$work/haiduong.utf8" || die "haiduong.db holds text that is not TCVN3"
printf '\036' >>"$work/haiduong.utf8"

: >"$work/topics.json"
if [[ -n "$broker" ]]; then
  for topic in hotich.khaisinh.v1.h24.26 hotich.khaisinh.v1.h26.10; do
    kcat -b "$broker" -C -e -q -J -o beginning -t "$topic" >>"$work/topics.json" || die "cannot read $topic from $broker"
  done
fi

sqlite3 -batch -bail "$work/compare.db" >"$work/differences" <<SQL || die "the comparison failed"
CREATE TABLE haiduong (so, quyen, ngay_dk, loai, ho_ten, ngay_sinh, gioi, noi_sinh, ma_xa, me);
-- The communes by the day's list, and what they are today; NULL where that was divided, or where the list of the day is today's.
CREATE TABLE commune (year, name, code, tinh, xa, tinh_cu, huyen_cu, xa_cu);
INSERT INTO commune VALUES
  ('2019', 'xã Hồng Khê, huyện Bình Giang, tỉnh Hải Dương', '10978', '31', '10966', '30', '296', '10978'),
  ('2019', 'xã Tân Việt, huyện Bình Giang, tỉnh Hải Dương', '10966', '31', '10966', '30', '296', '10966'),
  ('2019', 'xã Tráng Liệt, huyện Bình Giang, tỉnh Hải Dương', '10957', '31', '10945', '30', '296', '10957'),
  ('2019', 'xã Thái Dương, huyện Bình Giang, tỉnh Hải Dương', '10990', '31', NULL, '30', '296', '10990'),
  ('2026', 'xã Bình Giang, thành phố Hải Phòng', '10966', '31', '10966', NULL, NULL, NULL),
  ('2026', 'xã Kẻ Sặt, thành phố Hải Phòng', '10945', '31', '10945', NULL, NULL, NULL);
CREATE TABLE record (line);
.mode ascii
.separator "\037" "\036"
.import '$work/haiduong.utf8' haiduong
.separator "\037" "\n"
.import '$work/topics.json' record
.mode list
.separator " "
ATTACH '$dir/hanoi.db' AS hanoi;
ATTACH '$dir/bhyt.db' AS bhyt;

-- What the mappings make of each row: the agency, the entity key, and the document's properties.
CREATE TEMP VIEW expected AS
SELECT 'H24.26' AS agency, so, quyen, substr(ngay_dk, 7, 4) || '-' || substr(ngay_dk, 4, 2) || '-' || substr(ngay_dk, 1, 2) AS ngay_dk,
  CASE loai WHEN '' THEN '1' ELSE loai END AS loai, ho_ten,
  CASE length(ngay_sinh) WHEN 10 THEN substr(ngay_sinh, 7, 4) || '-' || substr(ngay_sinh, 4, 2) || '-' || substr(ngay_sinh, 1, 2)
    WHEN 7 THEN substr(ngay_sinh, 4, 4) || '-' || substr(ngay_sinh, 1, 2) ELSE ngay_sinh END AS ngay_sinh,
  CASE gioi WHEN '3' THEN '0' ELSE gioi END AS gioi, nullif(noi_sinh, '') AS noi_sinh, nullif(me, '') AS me, NULL AS so_dinh_danh,
  'Ủy ban nhân dân xã Bình Giang (ví dụ)' AS ten, '2026-09-20' AS danh_muc, c.tinh, c.xa, c.tinh_cu, c.huyen_cu, c.xa_cu
FROM haiduong LEFT JOIN commune c ON c.year = substr(ngay_dk, 7, 4) AND noi_sinh = 'Trạm y tế ' || c.name AND ma_xa IN ('', c.code) WHERE gioi IN ('1', '2', '3') AND ngay_sinh NOT IN ('', '01/01/1900')
UNION ALL
SELECT 'H26.10', printf('%04d', so), quyen, ngay_dang_ky, '1', ho || ' ' || dem || ' ' || ten, ngay_sinh,
  CASE gioi WHEN 'Nam' THEN '1' WHEN 'Nữ' THEN '2' END, NULL, NULL, so_dinh_danh, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM hanoi.khai_sinh WHERE xac_nhan = 1;

-- An absent property is an absent key: properties are compared as a sorted list of path and value.
CREATE TEMP TABLE document AS
SELECT agency, json_array(so, quyen, agency) AS key,
  json_array('.so', so, '.quyenSo', quyen, '.ngayDangKy', ngay_dk, '.loaiDangKy', loai, '.noiDangKy.ma', agency, '.noiDangKy.ten', ten,
    '.nguoiDuocKhaiSinh.hoTen', ho_ten, '.nguoiDuocKhaiSinh.ngaySinh.giaTri', ngay_sinh,
    '.nguoiDuocKhaiSinh.ngaySinh.doChinhXac', CASE length(ngay_sinh) WHEN 10 THEN 'ngay' WHEN 7 THEN 'thang' ELSE 'nam' END,
    '.nguoiDuocKhaiSinh.gioiTinh', gioi, '.nguoiDuocKhaiSinh.noiSinh', noi_sinh, '.nguoiDuocKhaiSinh.soDinhDanh', so_dinh_danh,
    '.me.hoTen', me,
    '.nguoiDuocKhaiSinh.noiSinhDVHC.thoiDiemDanhMuc', danh_muc, '.nguoiDuocKhaiSinh.noiSinhDVHC.maTinh', tinh, '.nguoiDuocKhaiSinh.noiSinhDVHC.maXa', xa,
    '.nguoiDuocKhaiSinh.noiSinhDVHC.maTinhCu', tinh_cu, '.nguoiDuocKhaiSinh.noiSinhDVHC.maHuyenCu', huyen_cu, '.nguoiDuocKhaiSinh.noiSinhDVHC.maXaCu', xa_cu) AS properties
FROM expected;
CREATE TEMP TABLE flat AS
SELECT key, group_concat(property, char(10)) AS content FROM (
  SELECT d.key AS key, path.value || '=' || val.value AS property
  FROM document d, json_each(d.properties) path JOIN json_each(d.properties) val ON val.key = path.key + 1
  WHERE path.key % 2 = 0 AND val.value IS NOT NULL ORDER BY d.key, 2)
GROUP BY key;

-- The topics: every record, then the last of each key.
CREATE TEMP TABLE event AS
SELECT json_extract(line, '\$.topic') AS topic, json_extract(line, '\$.partition') AS part, json_extract(line, '\$.offset') AS offset,
  json_extract(line, '\$.key') AS key, json_extract(line, '\$.payload') AS payload,
  (SELECT v.value FROM json_each(line, '\$.headers') n JOIN json_each(line, '\$.headers') v ON v.key = n.key + 1 WHERE n.key % 2 = 0 AND n.value = 'ce_id') AS id,
  (SELECT v.value FROM json_each(line, '\$.headers') n JOIN json_each(line, '\$.headers') v ON v.key = n.key + 1 WHERE n.key % 2 = 0 AND n.value = 'ce_time') AS at,
  (SELECT v.value FROM json_each(line, '\$.headers') n JOIN json_each(line, '\$.headers') v ON v.key = n.key + 1 WHERE n.key % 2 = 0 AND n.value = 'ce_sequence') AS sequence
FROM record;
CREATE TEMP TABLE latest AS
SELECT key, payload, at FROM (SELECT *, row_number() OVER (PARTITION BY topic, key ORDER BY offset DESC) AS age FROM event) WHERE age = 1;
CREATE TEMP TABLE published AS
SELECT key, group_concat(property, char(10)) AS content FROM (
  SELECT l.key AS key, substr(t.fullkey, 2) || '=' || t.atom AS property FROM latest l, json_tree(CASE WHEN json_valid(l.payload) THEN l.payload ELSE json_quote(l.payload) END) t
  WHERE l.payload IS NOT NULL AND t.atom IS NOT NULL ORDER BY l.key, 2)
GROUP BY key;

-- The insurer takes children under sixteen at the time of the event: the day in Viet Nam, an unknown part of the birthday taken as
-- the last it can be. Without topics the event is taken to be of today.
CREATE TEMP TABLE child AS
SELECT e.agency AS co_quan, quyen AS quyen_so, so AS so_ks, ho_ten, ngay_sinh,
  CASE gioi WHEN '1' THEN 'M' WHEN '2' THEN 'F' ELSE 'U' END AS gioi_tinh, so_dinh_danh, ngay_dk AS ngay_dang_ky, tinh, xa, tinh_cu, xa_cu
FROM expected e LEFT JOIN latest l ON l.key = json_array(e.so, e.quyen, e.agency)
WHERE date(ifnull(substr(l.at, 1, 19), 'now'), '+7 hours') < (substr(ngay_sinh, 1, 4) + 16) ||
  CASE length(ngay_sinh) WHEN 10 THEN substr(ngay_sinh, 5)
    WHEN 7 THEN substr(date(ngay_sinh || '-01', '+1 month', '-1 day'), 5) ELSE '-12-31' END;
CREATE TEMP VIEW insured AS
SELECT co_quan, quyen_so, so_ks, ho_ten, ngay_sinh, gioi_tinh, so_dinh_danh, ngay_dang_ky, tinh, xa, tinh_cu, xa_cu FROM bhyt.tre_em;

SELECT 'sink:', json_array(so_ks, quyen_so, co_quan), 'missing' FROM child c WHERE NOT EXISTS (SELECT 1 FROM insured i WHERE (i.co_quan, i.quyen_so, i.so_ks) = (c.co_quan, c.quyen_so, c.so_ks));
SELECT 'sink:', json_array(so_ks, quyen_so, co_quan), 'should not be there' FROM insured i WHERE NOT EXISTS (SELECT 1 FROM child c WHERE (i.co_quan, i.quyen_so, i.so_ks) = (c.co_quan, c.quyen_so, c.so_ks));
SELECT 'sink:', json_array(so_ks, quyen_so, co_quan), 'differs' FROM (SELECT * FROM child EXCEPT SELECT * FROM insured) d
  WHERE EXISTS (SELECT 1 FROM insured i WHERE (i.co_quan, i.quyen_so, i.so_ks) = (d.co_quan, d.quyen_so, d.so_ks));
SELECT 'sink:', json_array(so_ks, quyen_so, co_quan), 'has an own column that truc should not have touched' FROM bhyt.tre_em WHERE so_the IS NOT NULL OR tinh_trang IS NOT 'mới';
${broker:+
SELECT 'topic:', key, 'missing' FROM flat WHERE key NOT IN (SELECT key FROM published);
SELECT 'topic:', key, 'should not be there' FROM published WHERE key NOT IN (SELECT key FROM flat);
SELECT 'topic:', f.key, 'differs' FROM flat f JOIN published p ON p.key = f.key WHERE p.content <> f.content;
SELECT 'topic:', key, 'has the event ' || id || ' twice' FROM event GROUP BY topic, id HAVING count(*) > 1;
SELECT 'topic:', key, 'has an event at offset ' || offset || ' that is not later than the one before'
  FROM (SELECT *, lag(sequence) OVER (PARTITION BY topic, key ORDER BY offset) AS before FROM event) WHERE before >= sequence OR sequence IS NULL;
}
.output stderr
SELECT count(*) || ' rows in tre_em, ' || (SELECT count(*) FROM child) || ' expected${broker:+; ' || (SELECT count(*) FROM event) || ' events, ' || (SELECT count(*) FROM published) || ' live keys, ' || (SELECT count(*) FROM flat) || ' expected}' FROM insured;
SQL

cat "$work/differences"
[[ ! -s "$work/differences" ]] || exit 1
echo "identical"
