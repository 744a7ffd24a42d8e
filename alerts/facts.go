package alerts

import (
	"errors"
	"fmt"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/pipeline"
)

// Sample is the state of a node at one moment.
type Sample struct {
	Loops []Loop
}

// Loop is the state of a source reader or of a delivery.
type Loop struct {
	// Where is "source hotich" or "subscribe.tre_em".
	Where string
	State pipeline.State
	Err   error
	// Progress changes whenever something has moved: a position was saved, events were applied.
	Progress int64
	// Pending says that something was read, or stands on a topic, and is not through.
	Pending bool
	// Oldest is the time of the last change that is through, of a reader with something pending; zero when not known.
	Oldest time.Time
	// Retained is what the source keeps for the reader, in bytes; -1 when not known.
	Retained int64
	// Letters are the open dead letters by pipeline: "publish.khaisinh".
	Letters map[string]int64
}

// fact is something that is so and should not be. One event is true of one place at a time.
type fact struct {
	event  Event
	where  string
	vi, en Text
	detail string
	// since is when it began, where that is known.
	since time.Time
	// sure says that it need not be looked at twice.
	sure bool
}

// movement is what has to be remembered of a loop to tell whether it moves.
type movement struct {
	progress int64
	retained int64 // when it last moved
	// kept is the last that was known of what the source keeps; a reader that does not run is not asked.
	kept int64
	// stuck is since when there is work and no progress, behind since when there is always something pending; zero: not now.
	stuck, behind time.Time
}

// grown is by how much a source's log must have grown, without any progress, to count as work.
const grown = 1 << 20

func (m *movement) note(now time.Time, l *Loop) {
	if l.State == pipeline.StateStandby { // another node's work, and its alerts
		*m = movement{retained: -1, kept: -1}
		return
	}
	if l.Retained < 0 {
		l.Retained = m.kept
	}
	m.kept = l.Retained
	moved := l.Progress != m.progress
	if moved || m.retained < 0 {
		m.progress, m.retained = l.Progress, l.Retained
	}
	work := l.State != pipeline.StateRunning || l.Pending || l.Retained > m.retained+grown
	switch {
	case l.State == pipeline.StateFailed || l.State == pipeline.StateStopped || l.State == pipeline.StatePaused || !work:
		m.stuck = time.Time{}
	case moved || m.stuck.IsZero():
		m.stuck = now
	}
	switch {
	case !l.Pending || l.State != pipeline.StateRunning:
		m.behind = time.Time{}
	case m.behind.IsZero():
		m.behind = now
	}
}

// facts says what is wrong with a loop, by the rules of one target.
func (r *Rules) facts(now time.Time, l *Loop, m *movement) []fact {
	var out []fact
	if l.State == pipeline.StateFailed {
		out = append(out, failure(l))
	}
	switch behind := m.behindFor(now, l); {
	case !m.stuck.IsZero() && now.Sub(m.stuck) >= r.Stale:
		out = append(out, fact{
			event: Stale, where: l.Where, since: m.stuck, detail: detail(l.Err),
			vi: Text{fmt.Sprintf("Có việc phải làm nhưng không nhúc nhích đã %s.", span(now.Sub(m.stuck), "giờ", "phút")), "Xem truc status: máy chủ nguồn, đích hay trục có trả lời không."},
			en: Text{fmt.Sprintf("There is work, and nothing has moved for %s.", span(now.Sub(m.stuck), "h", "min")), "Look at truc status: does the source, the sink or the bus not answer?"},
		})
	case behind >= r.Lag:
		out = append(out, fact{
			event: Lag, where: l.Where, since: now.Add(-behind),
			vi: Text{fmt.Sprintf("Chậm hơn nguồn đã %s mà chưa theo kịp.", span(behind, "giờ", "phút")), "Xem truc status; nếu kéo dài, kiểm tra tải của máy chủ và mạng."},
			en: Text{fmt.Sprintf("It has been behind for %s and does not catch up.", span(behind, "h", "min")), "Look at truc status; if it lasts, look at the load of the servers and the network."},
		})
	}
	if l.Retained > r.RetainedBytes {
		out = append(out, fact{
			event: Retained, where: l.Where,
			vi: Text{fmt.Sprintf("Nguồn đang giữ %d MiB nhật ký cho truc, quá mức %d MiB.", l.Retained>>20, r.RetainedBytes>>20), "Cho luồng chạy lại, hoặc bỏ nguồn này, trước khi đĩa của máy chủ nguồn đầy."},
			en: Text{fmt.Sprintf("The source keeps %d MiB of log for truc, more than %d MiB.", l.Retained>>20, r.RetainedBytes>>20), "Let the pipeline run again, or give the source up, before the disk of its server is full."},
		})
	}
	for where, n := range l.Letters {
		if n > r.OpenLetters {
			out = append(out, fact{
				event: Letters, where: where,
				vi: Text{fmt.Sprintf("%d thư lỗi đang mở, quá mức %d.", n, r.OpenLetters), "truc dlq list --summary cho biết sai gì; truc dlq export xuất danh sách cho người sửa dữ liệu."},
				en: Text{fmt.Sprintf("%d dead letters are open, more than %d.", n, r.OpenLetters), "truc dlq list --summary says what is wrong; truc dlq export writes a list for those who correct the data."},
			})
		}
	}
	return out
}

// behindFor is how long a loop has been behind. A reader knows how old the last change is that is through; that it is old
// says something only while one is pending, and the first after a quiet night is not.
func (m *movement) behindFor(now time.Time, l *Loop) time.Duration {
	if m.behind.IsZero() {
		return 0
	}
	if l.Oldest.IsZero() {
		return now.Sub(m.behind)
	}
	if now.Sub(m.behind) < confirm {
		return 0
	}
	return now.Sub(l.Oldest)
}

// span writes a duration for people.
func span(d time.Duration, hours, minutes string) string {
	if d >= 2*time.Hour {
		return fmt.Sprintf("%d %s", int(d.Hours()), hours)
	}
	return fmt.Sprintf("%d %s", max(int(d.Minutes()), 1), minutes)
}

func detail(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// failure tells why a loop has stopped for good.
func failure(l *Loop) fact {
	f := fact{event: Stopped, where: l.Where, detail: detail(l.Err), sure: true}
	var budget *pipeline.BudgetError
	var delivery *pipeline.DeliveryGapError
	switch {
	case errors.As(l.Err, &budget):
		f.event, f.where = Budget, "publish."+budget.Pipeline
		f.vi = Text{"Luồng đã dừng vì phần lớn bản ghi không hợp lệ: ánh xạ không khớp dữ liệu.", "truc dlq list --summary, sửa ánh xạ, truc check, chạy lại, rồi truc dlq retry."}
		f.en = Text{"The pipeline has stopped because most records fail: the mapping does not fit the data.", "truc dlq list --summary, correct the mapping, truc check, start again, then truc dlq retry."}
	case isDivergence(l.Err):
		f.event = Divergence
		f.vi = Text{"Đã dừng vì nguồn không còn là cơ sở dữ liệu trước đây.", "Xác nhận đúng cơ sở dữ liệu, rồi chạy truc resnapshot."}
		f.en = Text{"It has stopped because the source is not the database that it was.", "Make sure that this is the right database, then run truc resnapshot."}
	case pipeline.IsGap(l.Err), errors.As(l.Err, &delivery):
		f.event = Gap
		f.vi = Text{"Đã dừng vì thiếu một đoạn thay đổi.", "Chạy truc resnapshot để đọc lại toàn bộ."}
		f.en = Text{"It has stopped because changes are missing.", "Run truc resnapshot to read everything again."}
	case pipeline.IsTakenOver(l.Err):
		f.vi = Text{"Nút khác đã tiếp quản nguồn này; nút này ngừng phát.", "Nếu không chủ ý, tắt một trong hai nút."}
		f.en = Text{"Another node has taken this source over; this one publishes no more.", "If nobody meant that, stop one of the two."}
	default:
		f.vi = Text{"Đã dừng hẳn, không tự chạy lại.", "Sửa điều nêu trong detail, rồi khởi động lại nút."}
		f.en = Text{"It has stopped for good and does not try again.", "Mend what detail names, then start the node again."}
	}
	return f
}

func isDivergence(err error) bool {
	var d *adapters.DivergenceError
	return errors.As(err, &d)
}
