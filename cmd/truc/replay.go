package main

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/lienthong/truc/pipeline"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/record"
)

func replayVerb() verb {
	return verb{
		name: "replay", args: "NAME", least: 1, most: 1, summary: problem.Text{VI: "ghi lại vào bảng đích những gì chủ đề của một luồng nhận nói", EN: "write again at the sink what the topics of a delivery say"},
		help: problem.Text{VI: `
Nút chạy luồng nhận (nếu không có thì nút khởi động sau) tăng thế hệ, đọc các chủ đề từ đầu hoặc từ một ngày, và ghi lại
mọi sự kiện đè lên những gì bảng đang có, kể cả dòng đã bị sửa, xóa hoặc thêm bằng tay. Phát lại toàn bộ thì cuối cùng
xóa những dòng truc đã ghi mà không chủ đề nào còn; cột mà ánh xạ không nêu tên giữ nguyên. Nút bị giết sẽ làm tiếp chính
lần phát lại đó.

Với tên của một nguồn hoặc luồng công bố, lệnh này là truc resnapshot: các dòng được công bố lại từ nguồn.`, EN: `
The node that runs the delivery (if none runs, the next that does) raises its generation, reads the topics from
their start, or from a date, and writes every event again over whatever the table holds. A replay of everything
ends by deleting the rows that truc wrote and that no topic has any more; columns the mapping does not name stay.
A node that is killed goes on with the same replay.

With the name of a source or of a publishing pipeline it is truc resnapshot: rows are published again from the source.`},
		define: func(fs *flag.FlagSet) action {
			yes := defineYes(fs)
			r := &replayRequest{}
			fs.Func("from", "chỉ những gì bus nhận từ `DATE`, giờ Việt Nam / only what the bus took since `DATE`: 2026-03-01, or 2026-03-01T08:00; in Vietnam's time", r.parseFrom)
			fs.BoolVar(&r.all, "all", false, "tất cả, từ đầu các chủ đề; không có --from cũng vậy / everything, from the start of the topics; so it is without --from, too")
			fs.Func("key-hash", "chỉ thực thể có mã băm `HASH` như truc verify cho thấy; nêu được nhiều lần / only the entity with this `HASH`, as truc verify shows it; may be given several times", r.addKey)
			return func(ctx context.Context, p *program) error { return p.replay(ctx, *yes, r) }
		},
	}
}

// replayRequest is what the flags say.
type replayRequest struct {
	all bool
	pipeline.Replay
}

var vietnamTime = [...]string{"2006-01-02", "2006-01-02T15:04", "2006-01-02T15:04:05", time.RFC3339}

func (r *replayRequest) parseFrom(text string) error {
	for _, layout := range vietnamTime {
		if at, err := time.ParseInLocation(layout, text, time.FixedZone("", 7*60*60)); err == nil {
			r.From = at.UTC()
			return nil
		}
	}
	return fmt.Errorf("not a date")
}

var hashForm = regexp.MustCompile(`^[0-9a-f]{12}$`)

func (r *replayRequest) addKey(text string) error {
	if !hashForm.MatchString(text) {
		return fmt.Errorf("not a hash")
	}
	r.Keys = append(r.Keys, text)
	return nil
}

func (p *program) replay(ctx context.Context, yes bool, r *replayRequest) error {
	if r.all && !r.From.IsZero() {
		return &usageError{what: problem.Say("--all and --from exclude each other"), fix: problem.Say("keep one of them")}
	}
	if r.From.After(time.Now()) {
		return &usageError{what: problem.Say("--from lies in the future"), fix: problem.Say("name a date that has been, or leave --from out for everything")}
	}
	n, conn, err := p.openNode(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	name := p.args[0]
	if !n.isDelivery(name) {
		source, pipelines, err := n.resnapshotTarget(name)
		if err != nil {
			return err
		}
		if !r.From.IsZero() || len(r.Keys) > 0 {
			return &usageError{what: problem.Say("%s publishes: what it published cannot be published again in part", name), fix: problem.Say("truc resnapshot %s reads its tables again and publishes every row", name)}
		}
		return p.requestResnapshot(ctx, n, conn, source, pipelines, yes)
	}
	for _, s := range n.subscribe {
		if s.name == name && s.mapping != nil && s.mapping.Write == record.AppendOnly {
			return &usageError{what: problem.Say("%s appends to an inbox table: a replay would add every row a second time", name), fix: problem.Say("nothing needs to be replayed there; truc resnapshot %s adds what is missing", name)}
		}
	}
	if err := p.confirm(ctx, yes, r.describe(name)); err != nil {
		return err
	}
	request := pipeline.Request{ID: rand.Text(), Made: time.Now().UTC(), Replay: &r.Replay}
	bus := pipeline.KafkaBus{Client: conn.Client}
	if err := pipeline.PutRequest(ctx, bus, n.config.Agency, pipeline.DeliveryRequests(name), request); err != nil {
		return err
	}
	since, err := pipeline.Paused(ctx, bus, n.config.Agency, pipeline.DeliveryRequests(name))
	if err != nil {
		return err
	}
	if p.json {
		return p.printJSON(map[string]any{"delivery": name, "requested": request.ID, "paused": !since.IsZero()})
	}
	if !since.IsZero() {
		return p.answer(problem.Say("%s is paused: the replay begins after truc resume %s", name, name))
	}
	return p.answer(problem.Say("the node that runs %s will replay; truc status shows how far it is", name))
}

// describe says what is about to happen, in both languages.
func (r *replayRequest) describe(name string) problem.Text {
	from := r.From.In(time.FixedZone("", 7*60*60)).Format("2006-01-02 15:04")
	keys := strings.Join(r.Keys, ", ")
	switch {
	case len(r.Keys) > 0 && !r.From.IsZero():
		return problem.Text{VI: fmt.Sprintf("%s: ghi lại các thực thể %s từ những sự kiện kể từ %s, đè lên bảng đích", name, keys, from), EN: fmt.Sprintf("the events of %s since %s for %s will be written again over what the table holds", name, from, keys)}
	case len(r.Keys) > 0:
		return problem.Text{VI: fmt.Sprintf("%s: ghi lại các thực thể %s, đè lên bảng đích", name, keys), EN: fmt.Sprintf("all events of %s for %s will be written again over what the table holds", name, keys)}
	case !r.From.IsZero():
		return problem.Text{VI: fmt.Sprintf("%s: ghi lại mọi sự kiện kể từ %s, đè lên bảng đích", name, from), EN: fmt.Sprintf("the events of %s since %s will be written again over what the table holds", name, from)}
	}
	return problem.Text{VI: fmt.Sprintf("%s: ghi lại toàn bộ chủ đề, đè lên bảng đích, rồi xóa những dòng truc đã ghi mà chủ đề không còn", name), EN: fmt.Sprintf("everything on the topics of %s will be written again over what the table holds, and rows that truc wrote and the topics no longer have will be deleted", name)}
}
