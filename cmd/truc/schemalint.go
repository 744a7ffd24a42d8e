package main

import (
	"context"
	"flag"

	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas/governance"
)

func schemaLintVerb() verb {
	return verb{
		name: "schema lint", args: "[DIR]", most: 1,
		summary: problem.Text{VI: "tìm mọi chỗ sai trong một thư mục chuẩn", EN: "find everything that is wrong in a folder of standards"},
		help: problem.Text{VI: `
Chạy cửa kiểm tra (như truc check), rồi các quy tắc viết: tên bằng hai ngôn ngữ, loại dữ liệu của từng trường, khóa, căn cứ
pháp lý, tài liệu đóng, ít nhất 5 ví dụ đúng và 10 ví dụ sai, trang giới thiệu. Còn phát hiện phiên bản đã công bố hoặc lịch
sử bị sửa, và bộ dữ liệu nhận từ nơi khác bị sửa (chữ ký không khớp). Không thay đổi gì.

Mã thoát 2: có chỗ phải sửa; cảnh báo không tính.`, EN: `
Runs the gate (as truc check does), then the rules of style: titles in both languages, a data class for each field, the key,
the legal ground, a closed document, at least 5 valid and 10 invalid examples, a page for people. Also finds published
versions and histories that were changed, and datasets of others that were (their signature does not fit). Changes nothing.

Exit code 2: something must be mended; warnings do not count.`},
		define: func(fs *flag.FlagSet) action {
			dir := defineDir(fs)
			return func(_ context.Context, p *program) error { return p.schemaLint(*dir) }
		},
	}
}

// given is the folder named as an argument, or else by --dir.
func (p *program) given(dir string) string {
	if len(p.args) == 1 {
		return p.args[0]
	}
	return dir
}

func (p *program) schemaLint(dir string) error {
	f, done, err := p.standards(p.given(dir))
	if err != nil {
		return err
	}
	defer done()
	found := inOrder(distinct(f.Lint()))
	switch {
	case p.json && found == nil:
		err = p.printJSON(problem.List{})
	case p.json:
		err = p.printJSON(found)
	default:
		printProblems(p.stdout, p.languages(), found)
		faults := 0
		for _, one := range found {
			if !one.Warning {
				faults++
			}
		}
		err = p.answer(problem.Say("%d datasets: %d errors, %d warnings", len(f.Datasets()), faults, len(found)-faults))
	}
	if err == nil && found.Err() != nil {
		err = &codeError{code: exitUsage}
	}
	return err
}

func schemaTestVerb() verb {
	return verb{
		name: "schema test", args: "[DIR]", most: 1,
		summary: problem.Text{VI: "chạy các ví dụ, và tìm quy tắc mà không ví dụ nào cần đến", EN: "run the examples, and find the rules that none of them needs"},
		help: problem.Text{VI: `
Chạy ví dụ đúng và sai của từng bộ dữ liệu, rồi bỏ lần lượt từng từ khóa của lược đồ: nếu không ví dụ sai nào vì thế mà thành
đúng, thì không ai thấy được từ khóa ấy để làm gì. --dataset chỉ chạy một bộ.

Mã thoát 3: có từ khóa không ví dụ nào cần đến.`, EN: `
Runs the valid and invalid examples of each dataset, then takes the keywords of its schema away one by one: when no invalid
example passes for that, nobody can see what the keyword is for. --dataset runs one of them.

Exit code 3: there are keywords that no example needs.`},
		define: func(fs *flag.FlagSet) action {
			dir := defineDir(fs)
			only := fs.String("dataset", "", "chỉ bộ dữ liệu `DATASET` / only this `DATASET`")
			return func(ctx context.Context, p *program) error { return p.schemaTest(ctx, *dir, *only) }
		},
	}
}

func (p *program) schemaTest(ctx context.Context, dir, only string) error {
	f, done, err := p.standards(p.given(dir))
	if err != nil {
		return err
	}
	defer done()
	var ids []string
	if only != "" {
		ids = []string{only}
	} else {
		for _, d := range f.Datasets() {
			ids = append(ids, d.ID)
		}
	}
	if len(ids) == 0 {
		return &usageError{what: problem.Say("the folder of standards has no dataset"), fix: problem.Say("name the folder that holds <dataset>/v<major>/schema.json")}
	}
	all := []governance.Tested{}
	unneeded := 0
	for _, id := range ids {
		t, err := f.Test(ctx, id)
		if err != nil {
			return err
		}
		all = append(all, t)
		unneeded += len(t.Unneeded)
		if p.json {
			continue
		}
		if err := p.answer(problem.Say("%s: %d valid and %d invalid examples as expected; %d rules, %d that no example needs", t.Dataset, t.Valid, t.Invalid, t.Rules, len(t.Unneeded))); err != nil {
			return err
		}
		for _, at := range t.Unneeded {
			if err := p.answer(problem.Say("  %s: without it every example is judged as before; add an invalid example that fails for this alone, or leave it out", at)); err != nil {
				return err
			}
		}
	}
	if p.json {
		if err := p.printJSON(all); err != nil {
			return err
		}
	}
	if unneeded > 0 {
		return &codeError{code: exitNo}
	}
	return nil
}
