package main

import (
	"context"
	"flag"
	"log/slog"
	"slices"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/pipeline"
	"github.com/lienthong/truc/problem"
)

func dlqVerbs() []verb {
	return []verb{
		{
			name: "dlq list", args: "[NAME]", most: 1, summary: problem.Text{VI: "liệt kê thư lỗi đang mở của một luồng hoặc mọi luồng", EN: "list the open dead letters, of one pipeline or of all"},
			help: problem.Text{VI: `
Thư lỗi là một bản ghi không công bố hoặc không ghi được, kèm lý do. Nó tự đóng khi một bản sau của cùng thực thể
đạt. Khóa hiện dưới dạng băm ngắn.

Với --summary: đếm theo trường, quy tắc và nhóm lỗi, và cho biết mỗi loại nghĩa là gì.`, EN: `
A dead letter is a record that could not be published or delivered, with the reason. It closes by itself
when a later version of the same entity passes. Keys are shown as short hashes.

With --summary it counts them by field, rule and error group instead, and says what each kind means.`},
			define: defineListLetters,
		},
		{
			name: "dlq show", args: "NAME KEY...", least: 2, most: -1, summary: problem.Text{VI: "xem thư lỗi", EN: "show dead letters"},
			help: problem.Text{VI: `
KEY là mã băm mà truc dlq list cho thấy.`, EN: `
KEY is the hash that truc dlq list shows.`},
			define: func(fs *flag.FlagSet) action {
				values := fs.Bool("values", false, "hiện cả khóa và dòng dữ liệu: dữ liệu cá nhân / also show the entity key and the row itself: personal data")
				return func(ctx context.Context, p *program) error { return showLetters(ctx, p, *values) }
			},
		},
		{
			name: "dlq retry", args: "NAME [KEY...]", least: 1, most: -1, summary: problem.Text{VI: "thử lại thư lỗi đang mở, tất cả hoặc một số", EN: "try open dead letters again, all of them or some"},
			help: problem.Text{VI: `
Nút chạy luồng này làm việc đó; nếu không có thì nút khởi động sau. Với luồng công bố: đọc lại dòng như hiện có; dòng
nào đạt được công bố thay cho thư lỗi, trừ khi chủ đề đã có bản mới hơn của thực thể; thư có dòng không còn nữa được
đóng. Với luồng nhận: áp dụng lại sự kiện. Ctrl-C chỉ thôi chờ, không hủy việc thử lại; nút bị dừng sẽ làm tiếp ở lần
khởi động sau.

Mã thoát 3: một số vẫn còn sai và vẫn mở.`, EN: `
The node that runs the pipeline does it; if none runs, the next that does. For a publishing pipeline the rows are
read again as they are now: what passes is published in the place of its letter, unless the topic holds something
newer of the entity; letters whose rows are gone are closed. For a delivery the events are applied again. Ctrl-C
ends the waiting, not the retry, and a node that is stopped goes on with it at its next start.

Exit code 3: something is still wrong with some of them, and they stay open.`},
			define: defineRetryLetters,
		},
		{
			name: "dlq export", args: "NAME", least: 1, most: 1, summary: problem.Text{VI: "viết danh sách lỗi cho người sửa dữ liệu", EN: "write a list of what is wrong, for those who correct the data"},
			help: problem.Text{VI: `
Mỗi trường sai một dòng: hồ sơ nào, trường nào, sai gì và phải làm gì, bằng tiếng Việt và tiếng Anh. FILE kết thúc
bằng .csv hoặc .xlsx. Hồ sơ được gọi bằng mã băm ngắn; với --values thì bằng khóa, và danh sách có giá trị sai: khi đó
nó là dữ liệu cá nhân, chỉ mình bạn đọc được, phải giữ và xóa như dữ liệu cá nhân.`, EN: `
One line for each wrong field: which record, which field, what is wrong and what to do, in Vietnamese and English.
FILE ends with .csv or .xlsx. Records are named by short hashes; with --values by their keys, and the list shows the
values at fault: then it is personal data, readable by you alone, to be kept and deleted as such.`},
			define: defineExportLetters,
		},
		{
			name: "dlq drop", args: "NAME KEY...", least: 2, most: -1, summary: problem.Text{VI: "đóng thư lỗi mà không công bố gì", EN: "close dead letters without publishing anything"},
			define: func(fs *flag.FlagSet) action {
				yes := defineYes(fs)
				return func(ctx context.Context, p *program) error { return dropLetters(ctx, p, *yes) }
			},
		},
	}
}

// letterbox is where the dead letters of one pipeline are.
type letterbox struct {
	pipeline string
	topic    string
	// keys is the topic with whose name the shown keys are hashed.
	keys string
	// source feeds a publishing pipeline; empty for a delivery.
	source string
}

// letterboxes returns those of the node in the order of the file.
func (n *node) letterboxes() []letterbox {
	var out []letterbox
	for _, p := range n.publish {
		out = append(out, letterbox{p.name, p.topic + bus.DLQSuffix, p.topic, p.Source})
	}
	for _, s := range n.subscribe {
		topic := bus.SinkDLQTopic(n.config.Agency, s.name)
		out = append(out, letterbox{s.name, topic, topic, ""})
	}
	return out
}

// letterbox finds the one of a pipeline.
func (n *node) letterbox(name string) (letterbox, error) {
	all := n.letterboxes()
	var names []string
	for _, b := range all {
		if b.pipeline == name {
			return b, nil
		}
		names = append(names, b.pipeline)
	}
	return letterbox{}, unknownName(problem.Say("pipeline"), name, names)
}

// openNode loads the configuration and opens the bus, for verbs that work on what is there.
func (p *program) openNode(ctx context.Context) (*node, *connection, error) {
	c, problems := p.load()
	if err := problems.Err(); err != nil {
		return nil, nil, err
	}
	n, problems := build(c, p.adapters, p.log(slog.LevelWarn))
	if err := problems.Err(); err != nil {
		return nil, nil, err
	}
	conn, err := connect(ctx, c.Bus, false, n.log)
	return n, conn, err
}

// each hands out the open letters of a box that a filter means, oldest first.
func (b letterbox) each(ctx context.Context, conn *connection, f pipeline.LetterFilter, fn func(pipeline.OpenLetter) error) error {
	return pipeline.EachOpenLetter(ctx, pipeline.KafkaBus{Client: conn.Client}, b.topic, b.keys, b.pipeline, func(o pipeline.OpenLetter) error {
		if !f.Match(&o) {
			return nil
		}
		return fn(o)
	})
}

// reader is the name under which requests to retry the letters of the box stand.
func (b letterbox) reader() string {
	if b.source == "" {
		return pipeline.DeliveryRetries(b.pipeline)
	}
	return b.source
}

// defineLetterFilter adds the flags that limit which letters are meant.
func defineLetterFilter(fs *flag.FlagSet) *pipeline.LetterFilter {
	f := &pipeline.LetterFilter{}
	fs.StringVar(&f.Reason, "reason", "", "chỉ những thư có quy tắc hoặc lý do `RULE`: pattern, code, unique … / only those with this `RULE` or reason: pattern, code, unique …")
	fs.StringVar(&f.Field, "field", "", "chỉ những thư sai ở `POINTER` hoặc bên dưới: /me/hoTen / only those with something wrong at this `POINTER` or below it: /me/hoTen")
	return f
}

// openBox loads the configuration, opens the bus and finds the letterbox that the first argument names.
func (p *program) openBox(ctx context.Context) (*node, *connection, letterbox, error) {
	n, conn, err := p.openNode(ctx)
	if err != nil {
		return nil, nil, letterbox{}, err
	}
	box, err := n.letterbox(p.args[0])
	if err != nil {
		_ = conn.Close()
		return nil, nil, letterbox{}, err
	}
	return n, conn, box, nil
}

// findLetters returns the open letters with the given key hashes, in their order.
func (b letterbox) find(ctx context.Context, conn *connection, keys []string) ([]pipeline.OpenLetter, error) {
	found := make([]pipeline.OpenLetter, len(keys))
	err := b.each(ctx, conn, pipeline.LetterFilter{Keys: keys}, func(o pipeline.OpenLetter) error {
		for i, k := range keys {
			if k == o.Key {
				found[i] = o
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i := range found {
		if found[i].Letter == nil {
			return nil, &usageError{what: problem.Say("pipeline %s has no open dead letter with the key %q", b.pipeline, keys[i]), fix: problem.Say("truc dlq list %s shows those it has", b.pipeline)}
		}
	}
	return found, nil
}

func dropLetters(ctx context.Context, p *program, yes bool) error {
	_, conn, box, err := p.openBox(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	found, err := box.find(ctx, conn, distinctWords(p.args[1:]))
	if err != nil {
		return err
	}
	what := problem.Say("%d dead letter(s) of %s would be closed, what they hold will not be published until their rows change", len(found), box.pipeline)
	if err := p.confirm(ctx, yes, what); err != nil {
		return err
	}
	keys := make([][]byte, len(found))
	for i, o := range found {
		keys[i] = o.Raw
	}
	if err := pipeline.DropLetters(ctx, pipeline.KafkaBus{Client: conn.Client}, box.topic, box.pipeline, keys); err != nil {
		return err
	}
	if p.json {
		return p.printJSON(map[string]any{"pipeline": box.pipeline, "dropped": len(found)})
	}
	return p.answer(problem.Say("dead letters of %s that were closed: %d", box.pipeline, len(found)))
}

// distinctWords leaves out what was given before.
func distinctWords(words []string) []string {
	words = slices.Clone(words)
	slices.Sort(words)
	return slices.Compact(words)
}
