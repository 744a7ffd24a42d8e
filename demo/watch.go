package demo

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
)

// Watched is a topic whose records are told as they arrive.
type Watched struct {
	Topic string
	// Label is the agency's name in the telling.
	Label string
	// Letters says that it carries dead letters.
	Letters bool
}

// Watch tells what travels, one line a record, until ctx is done. The people are made up, so their names may be shown.
func Watch(ctx context.Context, client *kafka.Client, out io.Writer, topics []Watched) {
	t := &teller{out: out, start: time.Now()}
	var wg sync.WaitGroup
	for _, topic := range topics {
		wg.Go(func() {
			info, ok := await(ctx, client, topic.Topic)
			if !ok {
				return
			}
			var parts sync.WaitGroup
			for n := range info.Partitions {
				parts.Go(func() { t.follow(ctx, client, topic, int32(n)) })
			}
			parts.Wait()
		})
	}
	wg.Wait()
}

// await waits until a topic is there.
func await(ctx context.Context, client *kafka.Client, topic string) (kafka.TopicInfo, bool) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if infos, err := client.Describe(ctx, topic); err == nil && infos[topic].Partitions > 0 {
			return infos[topic], true
		}
		select {
		case <-ctx.Done():
			return kafka.TopicInfo{}, false
		case <-tick.C:
		}
	}
}

// teller writes one line at a time.
type teller struct {
	mu    sync.Mutex
	out   io.Writer
	start time.Time
}

func (t *teller) follow(ctx context.Context, client *kafka.Client, topic Watched, partition int32) {
	tp := kafka.TopicPartition{Topic: topic.Topic, Partition: partition}
	ranges, err := client.Ranges(ctx, tp)
	if err != nil {
		return
	}
	r := client.NewReader(tp, ranges[tp].Start, kafka.ReaderConfig{})
	for {
		records, err := r.Read(ctx)
		if err != nil {
			return
		}
		for i := range records {
			if line := tell(topic, &records[i]); line != "" {
				t.say(line)
			}
		}
	}
}

func (t *teller) say(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintf(t.out, "%6.1fs  %s\n", time.Since(t.start).Seconds(), line)
}

var verbs = map[bus.Op]string{
	bus.Created:  "đăng ký    registered",
	bus.Updated:  "sửa        corrected ",
	bus.Deleted:  "xóa        deleted   ",
	bus.Snapshot: "có sẵn     on file   ",
}

func tell(topic Watched, d *bus.Delivered) string {
	if topic.Letters {
		return tellLetter(topic, d)
	}
	e, err := bus.ParseEvent(d)
	if err != nil {
		return ""
	}
	var doc struct {
		So                string
		QuyenSo           string
		NguoiDuocKhaiSinh struct {
			HoTen       string
			NgaySinh    struct{ GiaTri string }
			NoiSinhDVHC struct{ MaTinh, MaXa, MaTinhCu, MaXaCu string }
		}
	}
	what := ""
	if e.Data == nil {
		var key []string
		if json.Unmarshal(e.Key, &key) == nil && len(key) > 1 {
			what = fmt.Sprintf("KS %s quyển %s", key[0], key[1])
		}
	} else if json.Unmarshal(e.Data, &doc) == nil {
		child := doc.NguoiDuocKhaiSinh
		what = fmt.Sprintf("KS %s quyển %s  %s, %s", doc.So, doc.QuyenSo, child.HoTen, child.NgaySinh.GiaTri)
		if at := child.NoiSinhDVHC; at.MaXaCu != "" {
			what += fmt.Sprintf("  %s/%s → %s/%s", at.MaTinhCu, at.MaXaCu, at.MaTinh, cmp.Or(at.MaXa, "?"))
		}
	}
	return fmt.Sprintf("%-10s %s  %s", topic.Label, verbs[e.Op], what)
}

func tellLetter(topic Watched, d *bus.Delivered) string {
	if d.Value == nil {
		return fmt.Sprintf("%-10s ✓ thư lỗi tự đóng: đã sửa tại nguồn / dead letter resolved: corrected at its source", topic.Label)
	}
	var l struct {
		Violations []struct{ Field, VI, EN string }
	}
	if json.Unmarshal(d.Value, &l) != nil || len(l.Violations) == 0 {
		return ""
	}
	v := l.Violations[0]
	return fmt.Sprintf("%-10s ✗ thư lỗi / dead letter: %s: %s / %s", topic.Label, strings.TrimPrefix(v.Field, "/"), v.VI, v.EN)
}
