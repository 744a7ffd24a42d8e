//go:build linux

package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/lienthong/truc/tests/nodes"
	"github.com/lienthong/truc/tests/servers"
)

// registry is a civil-status office with a PostgreSQL, an insurer with another database, and a Kafka between them. Every
// person is made up.
type registry struct {
	t *testing.T
	// agency is the office's identifier; every test has its own, since tests share a Kafka.
	agency, insurer string
	topic           string
	source, sink    *pgxpool.Pool
	broker          string
	dir             string
}

// The table has 21 columns; 15 fields are made from 17 of them. The key of the document is the primary key of the table, so
// that the default replica identity carries it.
const registryTable = `CREATE TABLE khai_sinh (
  so text, quyen text, ngay_dk date NOT NULL, loai_dk smallint NOT NULL, ho text NOT NULL, dem text, ten text NOT NULL,
  ngay_sinh text NOT NULL, gioi text NOT NULL, so_dinh_danh bigint, dan_toc text, noi_sinh text, me_ho_ten text, me_sinh text,
  cha_ho_ten text, nguoi_ky varchar(80), ghi_chu text, le_phi numeric(12,2), thuoc_tinh jsonb,
  sua_luc timestamptz NOT NULL DEFAULT now(), trang_thai int NOT NULL, PRIMARY KEY (so, quyen));
ALTER TABLE khai_sinh ALTER ghi_chu SET STORAGE EXTERNAL;
CREATE SEQUENCE so_moi;`

const registryMapping = `dataset: hotich.khaisinh.v1
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
  nguoiKy: text(nguoi_ky)
  ghiChu: ghi_chu
  nguoiDuocKhaiSinh:
    hoTen: join([text(ho), text(dem), text(ten)], " ")
    ngaySinh: partialDate(ngay_sinh, ["dd/MM/yyyy", "MM/yyyy", "yyyy"])
    gioiTinh: code("gioi", gioi)
    soDinhDanh: pad(so_dinh_danh, 12)
    danToc: dan_toc
    noiSinh: text(noi_sinh)
  me: { hoTen: text(me_ho_ten), ngaySinh: 'partialDate(me_sinh, ["yyyy"])' }
  cha: { hoTen: text(cha_ho_ten) }
`

const insurerTable = `CREATE TABLE tre_em (
  co_quan text, quyen text, so text, ho_ten text NOT NULL, ngay_sinh text NOT NULL, gioi char(1) NOT NULL, so_dinh_danh text,
  ngay_dk date, me text, ghi_chu text, cap_nhat timestamptz, so_the text DEFAULT 'chưa cấp', PRIMARY KEY (co_quan, quyen, so))`

const insurerMapping = `dataset: hotich.khaisinh.v1
table: public.tre_em
key: { co_quan: event.agency, quyen: quyenSo, so: so }
only: loaiDangKy == "1"
codes:
  gioi: { list: danhmuc.gioitinh, map: { "M": "1", "F": "2" } }
columns:
  ho_ten: nguoiDuocKhaiSinh.hoTen
  ngay_sinh: nguoiDuocKhaiSinh.ngaySinh.giaTri
  gioi: codeOf("gioi", nguoiDuocKhaiSinh.gioiTinh)
  so_dinh_danh: nguoiDuocKhaiSinh.soDinhDanh
  ngay_dk: ngayDangKy
  me: me.hoTen
  ghi_chu: ghiChu
  cap_nhat: event.time
`

// newRegistry creates both databases and the files of both nodes, pub.yaml and sub.yaml.
func newRegistry(t *testing.T, source, sink, broker string, chunk int) *registry {
	t.Helper()
	agency := fmt.Sprintf("Z%02d.%03d.%03d", rand.IntN(100), rand.IntN(1000), rand.IntN(1000))
	r := &registry{
		t: t, agency: agency, insurer: "Y" + agency[1:], topic: "hotich.khaisinh.v1." + strings.ToLower(agency),
		source: pool(t, source), sink: pool(t, sink), broker: broker, dir: t.TempDir(),
	}
	r.exec(r.source, registryTable)
	r.exec(r.sink, insurerTable)
	nodes.Write(t, filepath.Join(r.dir, "secrets/source"), source)
	nodes.Write(t, filepath.Join(r.dir, "secrets/sink"), sink)
	nodes.Write(t, filepath.Join(r.dir, "khai_sinh.yaml"), fmt.Sprintf(registryMapping, agency))
	nodes.Write(t, filepath.Join(r.dir, "tre_em.yaml"), insurerMapping)
	nodes.Write(t, r.pub(), fmt.Sprintf(`agency: %s
registry: { url: https://chuan.vidu.example/ }
bus: { kafka: { brokers: ["%s"], replication: 1 } }
http: { listen: 127.0.0.1:0 }
sources: { hotich: { postgres: { dsn: "${file:secrets/source}", chunk_rows: %d } } }
publish: { khaisinh: { source: hotich, mapping: khai_sinh.yaml } }
`, agency, broker, chunk))
	nodes.Write(t, r.sub(), fmt.Sprintf(`agency: %s
registry: { url: https://chuan.vidu.example/ }
bus: { kafka: { brokers: ["%s"], replication: 1 } }
http: { listen: 127.0.0.1:0 }
sinks: { bhyt: { postgres: { dsn: "${file:secrets/sink}" } } }
subscribe: { tre_em: { agencies: [%s], sink: bhyt, mapping: tre_em.yaml } }
`, r.insurer, broker, agency))
	return r
}

// sharedRegistry works on the servers that all tests share.
func sharedRegistry(t *testing.T, chunk int) *registry {
	t.Helper()
	nodes.Tool(t, "kcat")
	pg, kafka := servers.Postgres(t), servers.Kafka(t)
	return newRegistry(t, pg.Database(t), pg.Database(t), kafka.Addr, chunk)
}

func (r *registry) pub() string { return filepath.Join(r.dir, "pub.yaml") }
func (r *registry) sub() string { return filepath.Join(r.dir, "sub.yaml") }

func pool(t *testing.T, dsn string) *pgxpool.Pool {
	t.Helper()
	p, err := pgxpool.New(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func (r *registry) exec(p *pgxpool.Pool, sql string, args ...any) {
	r.t.Helper()
	if len(args) == 0 {
		args = []any{pgx.QueryExecModeSimpleProtocol}
	}
	if _, err := p.Exec(r.t.Context(), sql, args...); err != nil {
		r.t.Fatalf("%.60s: %v", sql, err)
	}
}

// columns makes the cells of a registration from a number; the SQL side of what clerks would type.
const columns = `'01/2026', date '2020-01-01' + (i %% 2000)::int, (ARRAY[1,1,1,2,4])[1 + i %% 5],
  (ARRAY['Nguyễn','Trần','Lê','Phạm','Đặng'])[1 + i %% 5], (ARRAY['Thị','Văn',NULL,'Đức'])[1 + i %% 4], (ARRAY['Mẫu','Ước','Thử','Quỳnh','Bảo','An'])[1 + i %% 6],
  CASE i %% 7 WHEN 0 THEN '2021' WHEN 1 THEN '03/2022' ELSE to_char(date '2020-01-01' + (i %% 2000)::int, 'DD/MM/YYYY') END,
  CASE i %% 2 WHEN 0 THEN 'Nam' ELSE 'Nữ' END, CASE WHEN i %% 3 > 0 THEN 1200000000 + i END, lpad((1 + i %% 54)::text, 2, '0'), 'Trạm y tế số ' || i %% 100,
  'Trần Thị Thử ' || i %% 50, (1970 + i %% 30)::text, CASE WHEN i %% 4 > 0 THEN 'Lê Văn Thử ' || i %% 50 END, 'Phạm Văn Ký',
  CASE WHEN i %% 50 = 0 THEN repeat(md5(i::text), 60) END, (i %% 1000) / 7.0, jsonb_build_object('i', i), now(), CASE WHEN i %% 10 = 0 THEN 0 ELSE 2 END`

// fill inserts registrations first to last.
func (r *registry) fill(first, last int) {
	r.t.Helper()
	r.exec(r.source, fmt.Sprintf("INSERT INTO khai_sinh SELECT i::text, "+columns+" FROM generate_series(%d::int8, %d::int8) i", first, last))
}

// clerks change the registrations, about 500 times a second.
type clerks struct {
	stop    context.CancelFunc
	wg      sync.WaitGroup
	changes atomic.Int64
	failed  atomic.Pointer[error]
}

// work lets the clerks work on registrations 1 to rows until they are told to rest. patient says that they try again when
// their database is away.
func (r *registry) work(rows int, patient bool) *clerks {
	ctx, stop := context.WithCancel(r.t.Context())
	c := &clerks{stop: stop}
	const desks = 2
	for desk := range desks {
		c.wg.Go(func() {
			tick := time.NewTicker(20 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
				}
				// Each desk has registrations of its own, so that no two wait for each other in a circle.
				if err := r.shift(ctx, desk, desks, rows); err == nil {
					c.changes.Add(shiftChanges)
				} else if ctx.Err() == nil && !patient {
					c.failed.Store(&err)
					return
				}
			}
		})
	}
	r.t.Cleanup(func() { c.stop(); c.wg.Wait() })
	return c
}

// rest ends the work and fails the test when a clerk could not do it.
func (c *clerks) rest(t *testing.T) {
	t.Helper()
	c.stop()
	c.wg.Wait()
	if err := c.failed.Load(); err != nil {
		t.Fatalf("a clerk's change failed: %v", *err)
	}
	t.Logf("the clerks made %d changes", c.changes.Load())
}

// shiftChanges is how many changes a desk makes in one transaction.
const shiftChanges = 5

func (r *registry) shift(ctx context.Context, desk, desks, rows int) error {
	b := &pgx.Batch{}
	for range shiftChanges {
		i := desks*rand.IntN(max(rows/desks, 1)) + desk
		key := strconv.Itoa(i)
		switch rand.IntN(20) {
		case 0, 1, 2, 3, 4, 5, 6:
			b.Queue("UPDATE khai_sinh SET ten = $2, sua_luc = now() WHERE so = $1", key, fmt.Sprintf("Mẫu %d", rand.IntN(1000)))
		case 7, 8:
			b.Queue("UPDATE khai_sinh SET ghi_chu = repeat(md5(random()::text), 60) WHERE so = $1", key)
		case 9: // the note is not in the log then, if it is long
			b.Queue("UPDATE khai_sinh SET thuoc_tinh = thuoc_tinh || '{\"x\": 1}', le_phi = le_phi + 0.01 WHERE so = $1", key)
		case 10: // in and out of what the insurer wants
			b.Queue("UPDATE khai_sinh SET loai_dk = CASE loai_dk WHEN 1 THEN 2 ELSE 1 END WHERE so = $1", key)
		case 11: // in and out of what is published
			b.Queue("UPDATE khai_sinh SET trang_thai = 2 - trang_thai WHERE so = $1", key)
		case 12, 13:
			b.Queue("DELETE FROM khai_sinh WHERE so = $1", key)
		case 14: // the key changes
			b.Queue("UPDATE khai_sinh SET so = 'M' || nextval('so_moi') WHERE so = $1", key)
		case 15: // deleted and registered again in one transaction
			b.Queue("DELETE FROM khai_sinh WHERE so = $1", key)
			b.Queue(fmt.Sprintf("INSERT INTO khai_sinh SELECT i::text, "+columns+" FROM (VALUES (%d::int8)) v (i)", i))
		default:
			b.Queue(fmt.Sprintf("INSERT INTO khai_sinh SELECT 'N' || nextval('so_moi'), "+columns+" FROM (VALUES (%d::int8)) v (i)", i))
		}
	}
	return r.source.SendBatch(ctx, b).Close()
}
