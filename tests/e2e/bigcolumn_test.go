//go:build linux

package e2e

import (
	"strings"
	"testing"

	"github.com/lienthong/truc/tests/nodes"
)

// Columns of 20 MB: one that no mapping names costs nothing but its way through; one that is mapped becomes a dead letter
// that says how big it is; everything else flows, and memory stays bounded.
func TestBigColumns(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("writes 200 MB")
	}
	r := sharedRegistry(t, 500)
	r.fill(1, 1000)
	const big = `repeat(md5(random()::text), 20 * 1024 * 1024 / 32)`
	r.exec(r.source, `UPDATE khai_sinh SET thuoc_tinh = jsonb_build_object('scan', `+big+`) WHERE so IN ('11', '12')`)
	r.exec(r.source, `UPDATE khai_sinh SET ghi_chu = `+big+` WHERE so IN ('21', '22')`)
	pub := start(t, r.pub())
	start(t, r.sub())
	pub.await("the snapshot is published", func(s *status) bool {
		return s.streaming() && s.Readers[0].Pipelines[0].DeadLetters.Open == 2
	})
	pub.fits("snapshot with columns of 20 MB")

	// The same in the stream: new big values, then updates that leave them alone, so that the log does not carry them.
	r.exec(r.source, `UPDATE khai_sinh SET thuoc_tinh = jsonb_build_object('scan', `+big+`) WHERE so IN ('11', '31')`)
	r.exec(r.source, `UPDATE khai_sinh SET ghi_chu = `+big+` WHERE so IN ('21', '41')`)
	r.exec(r.source, `UPDATE khai_sinh SET ten = 'Sau' WHERE so::int BETWEEN 11 AND 60`)
	r.exec(r.source, `UPDATE khai_sinh SET ten = 'Sau cùng' WHERE so = '1000'`)
	pub.await("the last change is published", func(s *status) bool {
		p := s.Readers[0].Pipelines[0]
		return p.DeadLetters.Open == 3 && p.Published["updated"]+p.Published["deleted"] >= 49
	})
	letters := nodes.Run(t, r.dir, "dlq", "list", "khaisinh", "-c", "pub.yaml")
	if letters.Code != 0 || strings.Count(letters.Stdout, "ghiChu") < 3 {
		t.Errorf("dlq list does not name the field of three letters: %s", letters)
	}
	// With whole old rows in the log, a change carries everything twice.
	before := pub.await("status", func(*status) bool { return true })
	r.exec(r.source, `ALTER TABLE khai_sinh REPLICA IDENTITY FULL`)
	r.exec(r.source, `UPDATE khai_sinh SET ghi_chu = `+big+` WHERE so IN ('21', '22', '41')`)
	r.exec(r.source, `UPDATE khai_sinh SET thuoc_tinh = jsonb_build_object('scan', `+big+`) WHERE so IN ('11', '12', '31')`)
	r.exec(r.source, `UPDATE khai_sinh SET ten = 'Sau nữa' WHERE so IN ('11', '12', '21', '22', '31', '41')`)
	pub.await("whole old rows have passed", func(s *status) bool { return s.records() >= before.records()+12 })
	pub.fits("stream with columns of 20 MB and whole old rows")
	// Mended at their source, the letters close by themselves.
	r.exec(r.source, `UPDATE khai_sinh SET ghi_chu = NULL WHERE length(ghi_chu) > 100000`)
	pub.await("the letters are closed", func(s *status) bool { return s.Readers[0].Pipelines[0].DeadLetters.Open == 0 })
	pub.fits("stream with columns of 20 MB")
	r.verified()
	r.equal()
}
