//go:build linux

package e2e

import (
	"encoding/json"
	"fmt"
	"hash/maphash"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/lienthong/truc/tests/nodes"
)

// This file compares contents. It shares nothing with truc: SQL says what a document and a row should be, kcat reads the topic.

// documents makes of each registration what its mapping promises.
const documents = `SELECT json_build_array(so, quyen, '%[1]s')::text, jsonb_strip_nulls(jsonb_build_object(
  'so', so, 'quyenSo', quyen, 'ngayDangKy', to_char(ngay_dk, 'YYYY-MM-DD'), 'loaiDangKy', loai_dk::text,
  'noiDangKy', jsonb_build_object('ma', '%[1]s'), 'nguoiKy', nguoi_ky, 'ghiChu', ghi_chu,
  'nguoiDuocKhaiSinh', jsonb_build_object(
    'hoTen', concat_ws(' ', ho, dem, ten), 'gioiTinh', CASE gioi WHEN 'Nam' THEN '1' ELSE '2' END,
    'ngaySinh', CASE length(ngay_sinh)
      WHEN 4 THEN jsonb_build_object('giaTri', ngay_sinh, 'doChinhXac', 'nam')
      WHEN 7 THEN jsonb_build_object('giaTri', right(ngay_sinh, 4) || '-' || left(ngay_sinh, 2), 'doChinhXac', 'thang')
      ELSE jsonb_build_object('giaTri', to_char(to_date(ngay_sinh, 'DD/MM/YYYY'), 'YYYY-MM-DD'), 'doChinhXac', 'ngay') END,
    'soDinhDanh', lpad(so_dinh_danh::text, 12, '0'), 'danToc', dan_toc, 'noiSinh', noi_sinh),
  'me', jsonb_build_object('hoTen', me_ho_ten, 'ngaySinh', jsonb_build_object('giaTri', me_sinh, 'doChinhXac', 'nam')),
  'cha', CASE WHEN cha_ho_ten IS NOT NULL THEN jsonb_build_object('hoTen', cha_ho_ten) END))::text
FROM khai_sinh WHERE trang_thai = 2`

// childrenWanted and childrenFound are the insurer's rows as the office's table says they should be, and as they are.
const (
	childrenWanted = `SELECT quyen || '/' || so, concat_ws('|', '%s', concat_ws(' ', ho, dem, ten),
  CASE length(ngay_sinh) WHEN 4 THEN ngay_sinh WHEN 7 THEN right(ngay_sinh, 4) || '-' || left(ngay_sinh, 2)
    ELSE to_char(to_date(ngay_sinh, 'DD/MM/YYYY'), 'YYYY-MM-DD') END,
  CASE gioi WHEN 'Nam' THEN 'M' ELSE 'F' END, coalesce(lpad(so_dinh_danh::text, 12, '0'), '-'), ngay_dk, me_ho_ten, md5(ghi_chu), 'chưa cấp')
FROM khai_sinh WHERE trang_thai = 2 AND loai_dk = 1`
	childrenFound = `SELECT quyen || '/' || so, concat_ws('|', co_quan, ho_ten, ngay_sinh, gioi, coalesce(so_dinh_danh, '-'), ngay_dk, me, md5(ghi_chu), so_the)
FROM tre_em`
)

// complaints fails the test with the first few of what may be very many differences.
type complaints struct {
	t *testing.T
	n int
}

func (c *complaints) add(format string, args ...any) {
	c.t.Helper()
	if c.n++; c.n <= 10 {
		c.t.Errorf(format, args...)
	}
}

var seed = maphash.MakeSeed()

// canonical hashes a JSON document regardless of the order of its properties.
func canonical(t *testing.T, document string) uint64 {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(document), &v); err != nil {
		t.Fatalf("a document is not JSON: %v", err)
	}
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return maphash.Bytes(seed, text)
}

// topicContents replays the topic, checks what holds for every record (no id twice, sequences growing per key and per
// partition), and returns the live documents by key, hashed, and the number of events.
func (r *registry) topicContents() (live map[string]uint64, events int) {
	r.t.Helper()
	wrong := complaints{t: r.t}
	live = map[string]uint64{}
	ids := map[uint64]bool{}
	sequences := map[string]string{}
	partitions := map[int]string{}
	snapshots := map[string]string{} // of keys whose latest event is a snapshot's: its epoch
	nodes.ReadTopic(r.t, r.broker, r.topic, func(e *nodes.Event) {
		events++
		id, sequence := e.Header("ce_id"), e.Header("ce_sequence")
		where := fmt.Sprintf("partition %d offset %d, key %s", e.Partition, e.Offset, e.Key)
		if h := maphash.String(seed, id); ids[h] {
			wrong.add("%s: ce_id %s is on the topic already", where, id)
		} else {
			ids[h] = true
		}
		if sequence <= sequences[e.Key] {
			wrong.add("%s: sequence %s is not later than %s of the same key", where, sequence, sequences[e.Key])
		}
		again := e.Header("ce_trucredelivery") != "" // a retried letter has its old place
		if !again && sequence < partitions[e.Partition] {
			wrong.add("%s: sequence %s comes after %s", where, sequence, partitions[e.Partition])
		}
		epoch := sequence[:min(8, len(sequence))]
		// A snapshot's row is published once an epoch, also when it was read again after a crash: a second one must say something new.
		copied := strings.HasSuffix(e.Header("ce_type"), ".snapshot") && !again
		if copied && e.Payload != nil && snapshots[e.Key] == epoch && live[e.Key] == canonical(r.t, *e.Payload) {
			wrong.add("%s: the row of a snapshot is published again, with the same document", where)
		}
		if delete(snapshots, e.Key); copied {
			snapshots[e.Key] = epoch
		}
		sequences[e.Key] = sequence
		if !again {
			partitions[e.Partition] = sequence
		}
		if e.Payload == nil {
			delete(live, e.Key)
		} else {
			live[e.Key] = canonical(r.t, *e.Payload)
		}
	})
	if wrong.n > 0 {
		r.t.Errorf("%d records are wrong", wrong.n)
	}
	return live, events
}

// equal proves that source, topic and sink hold the same.
func (r *registry) equal() {
	r.t.Helper()
	wrong := complaints{t: r.t}
	r.topicEqual(&wrong, documents)
	r.sinkEqual(&wrong)
	if wrong.n > 0 {
		r.t.Fatalf("%d differences", wrong.n)
	}
}

// topicEqual compares the topic with the documents that a query makes of the source.
func (r *registry) topicEqual(wrong *complaints, query string) {
	r.t.Helper()
	live, events := r.topicContents()
	expected := 0
	r.rows(r.source, fmt.Sprintf(query, r.agency), func(key, document string) {
		expected++
		key = strings.ReplaceAll(key, ", ", ",")
		switch content, ok := live[key]; {
		case !ok:
			wrong.add("%s is missing on the topic", key)
		case content != canonical(r.t, document):
			wrong.add("%s differs on the topic; it should be %s", key, document)
		}
		delete(live, key)
	})
	for key := range live {
		wrong.add("%s is on the topic, and not in the source", key)
	}
	r.t.Logf("source and topic %s: %d keys from %d events", r.topic, expected, events)
}

// sinkEqual compares the insurer's table with the office's.
func (r *registry) sinkEqual(wrong *complaints) {
	r.t.Helper()
	r.sinkSame(wrong, childrenWanted, childrenFound)
}

// sinkSame compares what a query makes of the office's table with what another finds in a sink.
func (r *registry) sinkSame(wrong *complaints, wanted, there string) {
	r.t.Helper()
	found := map[string]string{}
	r.rows(r.sink, there, func(key, row string) { found[key] = row })
	total := len(found)
	r.rows(r.source, fmt.Sprintf(wanted, r.agency), func(key, row string) {
		switch have, ok := found[key]; {
		case !ok:
			wrong.add("%s is missing in the sink", key)
		case have != row:
			wrong.add("%s differs in the sink: %s, should be %s", key, have, row)
		}
		delete(found, key)
	})
	for key := range found {
		wrong.add("%s is in the sink, and should not be", key)
	}
	r.t.Logf("sink: %d rows", total)
}

func (r *registry) rows(from *pgxpool.Pool, sql string, each func(key, row string)) {
	r.t.Helper()
	rows, err := from.Query(r.t.Context(), sql)
	if err != nil {
		r.t.Fatal(err)
	}
	var key, row string
	if _, err := pgx.ForEachRow(rows, []any{&key, &row}, func() error { each(key, row); return nil }); err != nil {
		r.t.Fatal(err)
	}
}
