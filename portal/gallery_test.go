package portal

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/pipeline"
)

// noon is when the made-up nodes of these tests are looked at.
func noon() time.Time { return time.Date(2026, 3, 2, 12, 0, 0, 0, time.FixedZone("", 7*3600)) }

// gallery has a node in each state that a page must be able to show.
func gallery() map[string]Status {
	return map[string]Status{
		"running": running(), "trouble": troubled(), "empty": node(), "starting": starting(), "reading": reading(), "many": many(),
		"only-deliveries": {Version: "1.0.0", Agency: "H26", Started: noon().Add(-time.Hour), Bus: BusStatus{Broker: "10.1.2.3:9092"}, Deliveries: running().Deliveries},
		"only-publishing": {Version: "1.0.0", Agency: "H26", Started: noon().Add(-time.Hour), Bus: BusStatus{Broker: "10.1.2.3:9092"}, Readers: running().Readers},
	}
}

func node() Status {
	size := int64(5_300_000)
	return Status{Version: "1.0.0", Agency: "H25", Started: noon().Add(-26 * time.Hour), Bus: BusStatus{Broker: "127.0.0.1:29092", Bytes: &size}}
}

func condition(s pipeline.State, ago time.Duration, message string) pipeline.Condition {
	return pipeline.Condition{State: s, Since: noon().Add(-ago), Error: message}
}

func published(n int64) map[string]int64 {
	return map[string]int64{"created": n / 2, "updated": n / 4, "deleted": n / 8, "snapshot": n - n/2 - n/4 - n/8}
}

func publish(name string, n int64) Publish {
	return Publish{Name: name, Table: "public." + name, Topic: "hotich.khaisinh.v1.h25.26", Dataset: "hotich.khaisinh.v1", Published: published(n), Filtered: n / 10}
}

func running() Status {
	s := node()
	kept, saved := int64(12<<20), noon().Add(-2*time.Second)
	s.Readers = []Reader{{
		Source: "hotich", Condition: condition(pipeline.StateRunning, 25*time.Hour, ""), Epoch: 3, Records: 1_234_567, LagSeconds: 0.25,
		RetainedBytes: &kept, LastSaved: &saved, Snapshots: []adapters.Progress{{Table: "public.khai_sinh", Rows: 900_000, Total: 890_000, Done: true}},
		Pipelines: []Publish{publish("khai_sinh", 1_234_567), publish("khai_tu", 45_678)},
	}}
	s.Readers[0].Pipelines[0].Remarks = []Remark{{"/nguoiDuocKhaiSinh/hoTen", "format", "x-uppercase", 1204}, {"/nguoiDuocKhaiSinh/ngaySinh", "missing", "x-partial", 77}}
	last := noon().Add(-3 * time.Second)
	s.Deliveries = []Delivery{{
		Name: "tre_em", Condition: condition(pipeline.StateRunning, 25*time.Hour, ""), Table: "tre_em", Dataset: "hotich.khaisinh.v1",
		Partitions: 8, Events: 1_000_000, Applied: 999_990, Behind: 10, LastApplied: &last,
	}}
	return s
}

func starting() Status {
	s := node()
	s.Started = noon().Add(-time.Second)
	s.Readers = []Reader{{Source: "hotich", Condition: condition(pipeline.StateStarting, time.Second, ""), Pipelines: []Publish{publish("khai_sinh", 0)}}}
	s.Deliveries = []Delivery{{Name: "tre_em", Condition: condition(pipeline.StateStarting, time.Second, ""), Table: "tre_em", Dataset: "hotich.khaisinh.v1"}}
	return s
}

func reading() Status {
	s := running()
	s.Readers[0].Snapshots = []adapters.Progress{
		{Table: "public.khai_sinh", Rows: 412_345, Total: 890_000}, {Table: "public.khai_tu", Rows: 1_200, Total: -1}, {Table: "public.ket_hon", Rows: 55, Done: true},
	}
	return s
}

// troubled has everything that can be wrong, once.
func troubled() Status {
	s := node()
	for _, c := range []struct {
		source, fault, message string
		state                  pipeline.State
	}{
		{"hotich", faultGap, "gap in source hotich: the slot was dropped; missing from LSN 0/16B3748 to now; fix: truc resnapshot hotich", pipeline.StateFailed},
		{"hotich_cu", faultDivergence, "divergence in source hotich_cu: the database was restored from a backup and changed since", pipeline.StateFailed},
		{"dancu", faultBusGap, "bus gap for source dancu: topic dancu.congdan.v1.h25 partition 3, offsets 12 to 99", pipeline.StateFailed},
		{"thue", faultBudget, "publish.thue: most of the last 2000 records became dead letters", pipeline.StateFailed},
		{"datdai", faultTakenOver, "source datdai: another truc has taken this source over", pipeline.StateFailed},
		{"yte", faultRefused, "postgres 10.0.0.5:5432/yte: wal_level is replica; fix: set wal_level = logical and restart", pipeline.StateFailed},
		{"giaoduc", faultTopic, "topic giaoduc.hocsinh.v1.h25 has 3 partitions, not 8", pipeline.StateFailed},
		{"laodong", faultOther, "read: unexpected message", pipeline.StateFailed},
		{"baohiem", faultUnreachable, "postgres 10.0.0.6:5432/baohiem is unreachable: connection refused", pipeline.StateRetrying},
		{"ngansach", faultOther, "read: connection reset", pipeline.StateRetrying},
		{"xaydung", "", "", statePaused},
		{"giaothong", "", "", stateWaiting},
		{"vanhoa", "", "", pipeline.StateStopped},
		{"tuphap", "", "", "dreaming"},
	} {
		s.Readers = append(s.Readers, Reader{Source: c.source, Condition: condition(c.state, 7*time.Minute, c.message), Fault: c.fault, Epoch: 1, Pipelines: []Publish{publish(c.source, 12_345)}})
	}
	s.Readers[3].Pipelines[0].DeadLetters = Letters{Opened: 1800, Resolved: 20, Open: 1780, Reasons: map[string]int64{"violation": 1700, "key": 60, "oversize": 20, "newfangled": 20}}
	slow := running().Readers[0]
	slow.Source, slow.LagSeconds = "cham", 312
	slow.Pipelines = []Publish{publish("cham", 99)}
	slow.Pipelines[0].Deprecated = &pipeline.Deprecation{Date: "2027-01-01", Successor: "hotich.khaisinh.v2"}
	s.Readers = append(s.Readers, slow)
	s.Deliveries = []Delivery{
		{Name: "tre_em", Condition: condition(pipeline.StateFailed, time.Hour, "gap in subscribe.tre_em at topic hotich.khaisinh.v1.h25.26 partition 0"), Fault: faultDeliveryGap, Table: "tre_em", Dataset: "hotich.khaisinh.v1"},
		{Name: "the_bhyt", Condition: condition(pipeline.StateRunning, time.Hour, ""), Table: "the", Dataset: "hotich.khaisinh.v1", Parked: 4, Behind: 12, Applied: 99, DeadLetters: Letters{
			Opened: 9, Open: 9,
			Reasons: map[string]int64{"conflict": 1, "unique": 1, "foreign-key": 1, "not-null": 1, "check": 1, "type": 1, "not-an-event": 1, "violation": 2},
		}},
	}
	return s
}

// many is a big node: 200 pipelines, names of every length, the largest numbers.
func many() Status {
	s := running()
	s.Readers = nil
	for i := range 10 {
		r := Reader{Source: fmt.Sprintf("nguon_%02d", i), Condition: condition(pipeline.StateRunning, time.Hour, ""), Epoch: math.MaxUint32, Records: math.MaxInt64}
		for k := range 20 {
			r.Pipelines = append(r.Pipelines, publish(fmt.Sprintf("luong_%02d_%02d", i, k), 1_000_000_000))
		}
		s.Readers = append(s.Readers, r)
	}
	p := &s.Readers[0].Pipelines[0]
	p.Name, p.Topic = strings.Repeat("so_dang_ky_ho_tich_dien_tu_", 8), "hotich."+strings.Repeat("dangkykhaisinh", 12)+".v1.h25.26"
	p.Published = map[string]int64{"created": math.MaxInt64 / 4, "updated": math.MaxInt64 / 4, "deleted": 1, "snapshot": math.MaxInt64 / 4}
	p.Filtered = math.MaxInt64
	s.Readers[1].Source = strings.Repeat("W", 120)
	for i := range s.Readers {
		for k := range 4 {
			s.Readers[i].Pipelines[3*k].DeadLetters = Letters{Opened: 3, Open: 3, Reasons: map[string]int64{"violation": 3}}
		}
	}
	return s
}

// portalOf serves a node that somebody made up; its clock stands still.
func portalOf(look func() Status) *Portal {
	p := New(&Node{})
	p.live.look = func(context.Context, bool) Status { return look() }
	p.live.now = noon
	return p
}

// lived gives a portal a past of five minutes, in which each counter grew in waves.
func lived(p *Portal, s Status) {
	for i := range samples {
		was := s
		was.Readers, was.Deliveries = nil, nil
		left := func(n int64) int64 { return max(n-int64((samples-i)*(20+i%7*9)), 0) }
		for _, r := range s.Readers {
			r.Pipelines = append([]Publish(nil), r.Pipelines...)
			for k := range r.Pipelines {
				r.Pipelines[k].Published = map[string]int64{"created": left(total(r.Pipelines[k].Published))}
			}
			was.Readers = append(was.Readers, r)
		}
		for _, d := range s.Deliveries {
			d.Applied = left(d.Applied)
			was.Deliveries = append(was.Deliveries, d)
		}
		p.live.history.add(noon().Add(-time.Duration(samples-i)*samplePeriod), was)
	}
}
