package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/pipeline"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas"
)

func eraseVerb() verb {
	return verb{
		name: "erase", args: "NAME [KEY]", least: 1, most: 2,
		summary: problem.Text{VI: "xóa một thực thể khỏi chủ đề của một luồng công bố, có căn cứ", EN: "erase an entity from the topic of a publishing pipeline, on a ground"},
		help: problem.Text{VI: `
NAME là luồng công bố của nút này (hoặc bộ dữ liệu của luồng), KEY là khóa thực thể như truc dlq show --values in ra; với "-" khóa
được đọc từ đầu vào, để không nằm lại trong lịch sử dòng lệnh. Trước đó phải xóa hàng ở nguồn: nếu còn, lệnh từ chối, vì lần đọc lại
bảng sau sẽ công bố nó lần nữa.

Nút chạy nguồn (nếu không có thì nút khởi động sau) công bố bản xóa, bên nhận xóa hàng của mình, và thư lỗi về thực thể được đóng, của
cả các luồng nhận của nút này. Lệnh cho biết còn gì ở đâu, và đến khi nào. Bộ dữ liệu mà x-xoa nói bản ghi chỉ kết thúc thì không xóa
được. Lý do (--reason) được lưu mãi: ghi số văn bản, không ghi tên hay số của ai.

  truc erase khaisinh - --reason "Quyết định 12/QĐ-VIDU" --dry-run
  truc erase khaisinh --log`, EN: `
NAME is a publishing pipeline of this node (or its dataset), KEY the entity key as truc dlq show --values prints it; with "-" it is
read from the standard input, so that it does not stay in the history of the shell. The row must be deleted in the source first: while it is
there the command refuses, since the next time the table is read it would be published again.

The node that runs the source (if none runs, the next that does) publishes a deletion, subscribers delete their rows, and dead letters
about the entity are closed, those of this node's deliveries too. The command says what remains where, and until when. A dataset
whose x-xoa says that records only end is refused. The reason (--reason) is kept for ever: name the act, nobody's name or number.

  truc erase khaisinh - --reason "Decision 12/QĐ-VIDU" --dry-run
  truc erase khaisinh --log`},
		define: func(fs *flag.FlagSet) action {
			e := &eraseOrder{yes: defineYes(fs)}
			fs.StringVar(&e.reason, "reason", "", "căn cứ `TEXT`, được lưu mãi: số văn bản, không tên hay số của ai / the ground, kept for ever: `TEXT` that names the act, and nobody")
			fs.BoolVar(&e.dryRun, "dry-run", false, "chỉ cho biết có gì ở đâu, không làm gì / only say what is where, do nothing")
			fs.BoolVar(&e.force, "force", false, "xóa cả khi nguồn còn hàng hoặc không trả lời / erase although the source still has the row, or does not answer")
			fs.BoolVar(&e.log, "log", false, "liệt kê những gì đã xóa, khi nào và vì sao / list what was erased, when and why")
			fs.DurationVar(&e.wait, "wait", 10*time.Second, "chờ `DURATION` cho nút làm xong; 0 là không chờ / wait this `DURATION` for the node to do it; 0 does not wait")
			return e.run
		},
	}
}

// eraseOrder is what the flags say.
type eraseOrder struct {
	yes                *bool
	reason             string
	dryRun, force, log bool
	wait               time.Duration
}

// maxReason is how many characters a reason has at most.
const maxReason = 500

func (e *eraseOrder) run(ctx context.Context, p *program) error {
	n, conn, err := p.openNode(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	of, err := n.erasable(p.args[0])
	if err != nil {
		return err
	}
	if e.log {
		return p.erasures(ctx, n, conn, of)
	}
	key, err := e.key(p)
	if err != nil {
		return err
	}
	if rule := of.dataset.Erasure(); rule != nil && rule.How == schemas.EraseEnd {
		return &usageError{
			what: problem.Say("records of %s are not erased: a record stays, and tells its end in %s (x-xoa)", of.dataset.ID(), rule.Property),
			fix:  problem.Say("write the end into the source; a row that was published by mistake is deleted there, and its deletion is published by itself"),
		}
	}
	r, err := e.look(ctx, p, n, conn, of, key)
	if err != nil {
		return err
	}
	switch {
	case !r.Held.any():
		return errors.Join(p.printErasure(r), &codeError{code: exitNo})
	case e.dryRun:
		return p.printErasure(r)
	case r.Source != nil && r.Source.Live > 0 && !e.force:
		return problem.List{{
			Code: "erase.source-row", Where: n.config.Where("sources." + of.Source),
			What: problem.Say("table %s of source %s still has the row: the next time it is read it would be published again", of.table, of.Source),
			Fix:  problem.Say("delete the row there first, or repeat the command with --force"),
		}}
	}
	what := problem.Say("the entity %s will be deleted from %s and from the tables of its subscribers (%d have announced themselves), and its dead letters closed", r.Key, of.topic, len(r.Subscribers))
	if err := p.confirm(ctx, *e.yes, what); err != nil {
		return err
	}
	if err := e.order(ctx, n, conn, of, key, r); err != nil {
		return err
	}
	return p.printErasure(r)
}

// erasable finds the pipeline that publishes under a name. Only who publishes an entity may erase it.
func (n *node) erasable(name string) (publishing, error) {
	var names []string
	for _, p := range n.publish {
		if p.name == name {
			return p, nil
		}
		names = append(names, p.name)
	}
	of := slices.DeleteFunc(slices.Clone(n.publish), func(p publishing) bool { return p.dataset.ID() != name })
	switch {
	case len(of) == 1:
		return of[0], nil
	case n.isDelivery(name):
		return publishing{}, &usageError{
			what: problem.Say("%s receives: only who publishes an entity can erase it", name),
			fix:  problem.Say("ask the agency that publishes it; its deletion comes on the topic and deletes the row here"),
		}
	}
	return publishing{}, unknownName(problem.Say("publishing pipeline"), name, names)
}

// key is the entity key, and the reason is one. Neither shows in any message.
func (e *eraseOrder) key(p *program) ([]byte, error) {
	if len(p.args) < 2 {
		return nil, &usageError{what: problem.Say("the key of the entity is missing"), fix: problem.Say("name it, or write - and give it on the standard input; truc erase -h explains it")}
	}
	text := p.args[1]
	if text == "-" {
		line, err := bufio.NewReader(p.stdin).ReadString('\n')
		if text = strings.TrimSpace(line); text == "" {
			return nil, &usageError{what: problem.Say("the standard input holds no key"), fix: problem.Say("give the key of the entity in one line: truc erase %s - < FILE", p.args[0])}
		} else if err != nil && line == "" {
			return nil, fmt.Errorf("read the key: %w", err)
		}
	}
	key := []byte(text)
	if key[0] == '[' { // several properties stand as a JSON array without blanks
		var compact bytes.Buffer
		if json.Compact(&compact, key) == nil {
			key = compact.Bytes()
		}
	}
	e.reason = strings.TrimSpace(e.reason)
	switch {
	case e.reason == "" && !e.dryRun:
		return nil, &usageError{what: problem.Say("an erasure needs a reason"), fix: problem.Say("write it with --reason: the act by which it must be, such as a decision with its number")}
	case utf8.RuneCountInString(e.reason) > maxReason, strings.ContainsAny(e.reason, "\r\n"):
		return nil, &usageError{what: problem.Say("the reason is longer than one line of %d characters", maxReason), fix: problem.Say("name the act and its number, nothing else")}
	case strings.Contains(e.reason, text):
		return nil, &usageError{what: problem.Say("the reason holds the key of the entity, and is kept for ever"), fix: problem.Say("name the act and its number, nothing else")}
	}
	return key, nil
}

// look finds out what is where.
func (e *eraseOrder) look(ctx context.Context, p *program, n *node, conn *connection, of publishing, key []byte) (*erasureReport, error) {
	b := pipeline.KafkaBus{Client: conn.Client}
	digest := pipeline.KeyDigest(of.topic, key)
	r := &erasureReport{
		Pipeline: of.name, Dataset: of.dataset.ID(), Topic: of.topic, Key: pipeline.KeyHash(of.topic, key), Reason: e.reason,
		Rule: of.dataset.Erasure(), Retention: of.dataset.Retention(), table: of.table, source: of.Source, embedded: n.config.Bus.Embedded != nil,
	}
	entity, err := pipeline.FindEntity(ctx, b, n.entityPlace(of), digest)
	if err != nil {
		return nil, err
	}
	r.Held = heldOf(entity, of.name)
	if entity.Documents > 0 {
		compaction, err := conn.Compaction(ctx, of.topic)
		if err != nil {
			return nil, err
		}
		r.Compaction = compactionOf(compaction, n.config.Bus.Embedded != nil)
	}
	if r.Source, err = e.sourceRows(ctx, p, n, of, key); err != nil {
		return nil, err
	}
	uses, _, err := pipeline.ReadUses(ctx, b)
	if err != nil {
		return nil, err
	}
	for _, u := range uses {
		covers := func(pattern string) bool { return bus.MatchAgency(pattern, of.Agency) }
		if u.Direction == pipeline.UseSubscribe && u.Dataset == of.dataset.ID() && slices.ContainsFunc(u.Agencies, covers) {
			r.Subscribers = append(r.Subscribers, erasureSubscriber{u.Agency, u.Pipeline, u.Version, u.Seen})
		}
	}
	return r, nil
}

// sourceRows looks for the row in the source; nil when that cannot be done and need not be.
func (e *eraseOrder) sourceRows(ctx context.Context, p *program, n *node, of publishing, key []byte) (*pipeline.SourceRows, error) {
	src, err := n.openSource(of.Source)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	rows, err := pipeline.FindSourceRows(ctx, src, of.Source, n.pipelineOf(of), key)
	switch {
	case err == nil:
		return &rows, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case e.force || e.dryRun:
		p.log(slog.LevelWarn).Warn("the source cannot be asked for the row", "source", of.Source, "err", err)
		return nil, nil
	}
	return nil, err
}

func (n *node) entityPlace(of publishing) pipeline.EntityPlace {
	at := pipeline.EntityPlace{Agency: n.config.Agency, Source: of.Source, Publish: n.pipelineOf(of)}
	for _, s := range n.subscribe {
		if s.dataset == of.dataset {
			at.Deliveries = append(at.Deliveries, s.name)
		}
	}
	return at
}

// order hands the erasure to the node that runs the source, and waits for it.
func (e *eraseOrder) order(ctx context.Context, n *node, conn *connection, of publishing, key []byte, r *erasureReport) error {
	b := pipeline.KafkaBus{Client: conn.Client}
	request := pipeline.Request{ID: rand.Text(), Made: time.Now().UTC(), Erase: &pipeline.Erasure{
		Pipeline: of.name, Key: pipeline.KeyDigest(of.topic, key), Reason: e.reason, Deliveries: n.entityPlace(of).Deliveries,
	}}
	if err := pipeline.PutRequest(ctx, b, n.config.Agency, of.Source, request); err != nil {
		return err
	}
	r.Request = request.ID
	since, err := pipeline.Paused(ctx, b, n.config.Agency, of.Source)
	if err != nil {
		return err
	}
	r.Paused = !since.IsZero()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for begin := time.Now(); !r.Paused && time.Since(begin) < e.wait; {
		if r.Result, err = pipeline.FindErasure(ctx, b, n.config.Agency, of.Source, request.ID); err != nil {
			return err
		}
		if r.Result != nil && r.Result.Done {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}

// compactionOf is the settings of a topic as they are shown.
func compactionOf(c kafka.Compaction, embedded bool) *erasureCompaction {
	out := &erasureCompaction{Policy: c.Policy, Compacts: c.Compacts(), Embedded: embedded}
	if c.MaxLag > 0 {
		out.Within = c.MaxLag.String()
	}
	if c.DeleteRetention > 0 {
		out.DeletionStays = c.DeleteRetention.String()
	}
	return out
}
