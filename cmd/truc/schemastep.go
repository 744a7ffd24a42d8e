package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lienthong/truc/pipeline"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas/governance"
)

// stepShown is what a step prints with --json.
type stepShown struct {
	Dataset string              `json:"dataset"`
	Version string              `json:"version"`
	State   governance.State    `json:"state"`
	By      governance.Person   `json:"by"`
	At      time.Time           `json:"at"`
	Bump    string              `json:"bump,omitempty"`
	Changes []governance.Change `json:"changes,omitempty"`
	// Users are whom a deprecation concerns; absent where no bus could be asked.
	Users []pipeline.Use `json:"users,omitempty"`
	// NewCodes are what the code lists of a proposed version have more.
	NewCodes []listNews `json:"newCodes,omitempty"`

	lists []governance.ListChange
}

// stepVerbs lead a dataset from a draft to its end.
func stepVerbs() []verb {
	step := func(name string, summary, help problem.Text, do func(f *governance.Folder, id string, by governance.Decision) ([]stepShown, error)) verb {
		return verb{
			name: "schema " + name, args: "DATASET", least: 1, most: 1, summary: summary, help: help,
			define: func(fs *flag.FlagSet) action {
				dir := defineDir(fs)
				why := fs.String("why", "", "lý do `TEXT`, ghi vào lịch sử / the reason `TEXT`, kept in the history")
				return func(ctx context.Context, p *program) error { return p.step(ctx, *dir, *why, do) }
			},
		}
	}
	return []verb{
		step("propose", problem.Text{VI: "đề nghị công bố bản nháp của một bộ dữ liệu", EN: "put the draft of a dataset forward for publication"}, problem.Text{VI: `
Chạy cửa kiểm tra và so tính tương thích với mọi phiên bản đã công bố của cùng phiên bản lớn, theo mức của bộ dữ liệu
(x-tuong-thich, mặc định FULL_TRANSITIVE). Người đề nghị là tác giả mà git biết. Lịch sử ở history.jsonl cạnh lược đồ.

Mã thoát 3: không tương thích; truc schema diff DATASET nói vì sao.`, EN: `
Runs the gate and judges compatibility with every published version of the same major, at the dataset's level
(x-tuong-thich, FULL_TRANSITIVE without it). Who proposes is the author that git knows. The history is kept in
history.jsonl beside the schema.

Exit code 3: not compatible; truc schema diff DATASET says why.`}, proposeStep),
		step("approve", problem.Text{VI: "duyệt đúng văn bản đã được đề nghị", EN: "approve exactly the text that was proposed"}, problem.Text{VI: `
Duyệt văn bản đang ở thư mục, nếu nó đúng là văn bản đã được đề nghị (mã băm SHA-256). Người duyệt không phải là người
đề nghị.`, EN: `
Approves the text in the folder, if it is the very text that was proposed (by its SHA-256). Who approves is not who
proposed.`}, func(f *governance.Folder, id string, by governance.Decision) ([]stepShown, error) {
			d, err := f.Approve(id, by)
			return shownStep(d, governance.Approved, by), err
		}),
		step("publish", problem.Text{VI: "công bố phiên bản đã duyệt; từ đó nó không bao giờ đổi", EN: "publish the approved version; it never changes from then on"}, problem.Text{VI: `
Kiểm tra tương thích một lần nữa, rồi chép văn bản đã duyệt vào published/<phiên bản>.json cùng các kiểu dùng chung của nó.
Commit thư mục sau đó.

Mã thoát 3: không tương thích với một phiên bản vừa được công bố.`, EN: `
Judges compatibility once more, then copies the approved text to published/<version>.json with the shared types it uses.
Commit the folder afterwards.

Exit code 3: not compatible with a version that was published meanwhile.`}, func(f *governance.Folder, id string, by governance.Decision) ([]stepShown, error) {
			d, err := f.Publish(id, by)
			return shownStep(d, governance.Published, by), err
		}),
		deprecateVerb(),
		step("retire", problem.Text{VI: "ngừng phiên bản đã hết hạn báo trước", EN: "end what was deprecated, when its day has come"}, problem.Text{VI: `
Ngừng các phiên bản đã báo trước (truc schema deprecate) và đã tới ngày. Văn bản của chúng được giữ lại: sự kiện viết theo
chúng vẫn còn trên bus.`, EN: `
Ends the versions that were deprecated and whose day has come. Their texts are kept: events written by them are still on
the bus.`}, func(f *governance.Folder, id string, by governance.Decision) ([]stepShown, error) {
			d, entries, err := f.Retire(id, by)
			return shownEntries(d, entries), err
		}),
	}
}

func deprecateVerb() verb {
	return verb{
		name: "schema deprecate", args: "DATASET[@VERSION]", least: 1, most: 1,
		summary: problem.Text{VI: "báo trước ngày ngừng, và bộ dữ liệu thay thế", EN: "announce the end of a version, and what takes its place"},
		help: problem.Text{VI: `
Báo trước rằng các phiên bản đã công bố (hoặc một phiên bản: DATASET@1.0.0) sẽ ngừng từ ngày --date, và dùng --successor thay
thế. truc check của nút nào dùng bộ dữ liệu ấy sẽ cảnh báo. Ngày đã báo chỉ có thể lùi xa hơn.`, EN: `
Announces that the published versions (or one of them: DATASET@1.0.0) will end from the day --date on, and that --successor
takes their place. truc check warns on every node that uses the dataset. The announced day may only move further away.`},
		define: func(fs *flag.FlagSet) action {
			dir := defineDir(fs)
			why := fs.String("why", "", "lý do `TEXT`, ghi vào lịch sử / the reason `TEXT`, kept in the history")
			successor := fs.String("successor", "", "bộ dữ liệu thay thế `DATASET` / the `DATASET` that takes its place")
			date := fs.String("date", "", "ngày `YYYY-MM-DD` từ đó có thể ngừng / `YYYY-MM-DD`, from which it may be retired")
			return func(ctx context.Context, p *program) error {
				if *successor == "" || *date == "" {
					return &usageError{what: problem.Say("a deprecation says what takes the place of %s, and from which day", p.args[0]), fix: problem.Say("write --successor DATASET --date YYYY-MM-DD")}
				}
				return p.step(ctx, *dir, *why, func(f *governance.Folder, id string, by governance.Decision) ([]stepShown, error) {
					d, entries, err := f.Deprecate(id, *successor, *date, by)
					return shownEntries(d, entries), err
				})
			}
		},
	}
}

func proposeStep(f *governance.Folder, id string, by governance.Decision) ([]stepShown, error) {
	d, c, err := f.Propose(id, by)
	shown := shownStep(d, governance.Proposed, by)
	if c != nil && len(shown) == 1 {
		shown[0].Bump, shown[0].Changes, shown[0].lists = c.Demand, c.Changes, c.Lists
	}
	return shown, err
}

func shownStep(d *governance.Dataset, s governance.State, by governance.Decision) []stepShown {
	if d == nil {
		return nil
	}
	return []stepShown{{Dataset: d.ID, Version: d.Working.Version.String(), State: s, By: by.By, At: by.At.UTC().Truncate(time.Second)}}
}

func shownEntries(d *governance.Dataset, entries []governance.Entry) []stepShown {
	var out []stepShown
	for _, e := range entries {
		out = append(out, stepShown{Dataset: d.ID, Version: e.Version, State: e.State, By: e.By, At: e.At.UTC().Truncate(time.Second)})
	}
	return out
}

// step asks who decides, decides, and says what was done.
func (p *program) step(ctx context.Context, dir, why string, do func(*governance.Folder, string, governance.Decision) ([]stepShown, error)) error {
	f, done, err := p.standards(dir)
	if err != nil {
		return err
	}
	defer done()
	if _, err := f.Dataset(p.args[0]); err != nil {
		return err // before who decides is asked: a slip in the name or the folder is the likelier fault
	}
	by, err := p.decision(ctx, dir, why)
	if err != nil {
		return err
	}
	taken, err := do(f, p.args[0], by)
	if no, ok := errors.AsType[*governance.RefusedError](err); ok {
		if err := p.printRefusal(ctx, no); err != nil {
			return err
		}
		return &codeError{code: exitNo}
	}
	if err != nil {
		return err
	}
	for i, s := range taken {
		taken[i].NewCodes = p.newCodes(ctx, f, s.Dataset, s.lists)
	}
	asked := false
	if len(taken) > 0 && taken[0].State == governance.Deprecated {
		var users []pipeline.Use
		users, asked = p.usersOf(ctx, taken[0].Dataset)
		for i, s := range taken {
			taken[i].Users = slices.DeleteFunc(slices.Clone(users), func(u pipeline.Use) bool { return u.Version != s.Version })
		}
	}
	if p.json {
		return p.printJSON(taken)
	}
	for _, s := range taken {
		if err := p.answer(problem.Say("%s@%s is %s, by %s", s.Dataset, s.Version, s.State.Text(), s.By)); err != nil {
			return err
		}
		for _, l := range p.languages() {
			p.printChanges(l, s.Changes)
		}
		if err := p.printNewCodes(s.NewCodes); err != nil {
			return err
		}
		if asked {
			if err := p.printUsers(s.Dataset+"@"+s.Version, s.Users); err != nil {
				return err
			}
		}
	}
	if len(taken) > 0 {
		return p.answer(nextStep(taken[0]))
	}
	return nil
}

func nextStep(s stepShown) problem.Text {
	switch s.State {
	case governance.Proposed:
		return problem.Say("next: commit it, and let a colleague run truc schema approve %s", s.Dataset)
	case governance.Approved:
		return problem.Say("next: truc schema publish %s", s.Dataset)
	case governance.Draft, governance.Published, governance.Deprecated, governance.Retired:
	}
	return problem.Say("next: commit the folder, and hand it over: truc schema export --bundle FILE %s", s.Dataset)
}

// printRefusal says why a version may not follow the published ones.
func (p *program) printRefusal(ctx context.Context, no *governance.RefusedError) error {
	name, _, _ := strings.Cut(no.Version, "@")
	users, asked := p.usersOf(ctx, name)
	if p.json {
		return p.printJSON(diffShown{To: no.Version, Comparison: no.Comparison, Users: users})
	}
	if err := p.answer(problem.Say("%s may not follow what is published", no.Version)); err != nil {
		return err
	}
	for _, l := range p.languages() {
		fmt.Fprintln(p.stdout)
		p.printComparison(l, &no.Comparison)
	}
	if asked {
		return p.printUsers(name, users)
	}
	return nil
}
