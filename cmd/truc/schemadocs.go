package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas/docsite"
)

func schemaDocsVerb() verb {
	return verb{
		name: "schema docs", summary: problem.Text{VI: "trang tài liệu của các bộ dữ liệu và danh mục", EN: "pages about the datasets and code lists"},
		help: problem.Text{VI: `
Viết một trang web tĩnh về các bộ dữ liệu và danh mục: những gì đi kèm truc, và những gì trong thư mục --dir, nếu không thì trong
các thư mục datasets: của cấu hình, nếu không thì trong thư mục này. Có cả các phiên bản, những gì đã đổi, và ngày ngừng đã báo. Mở
index.html bằng trình duyệt; không cần máy chủ, không cần mạng.

Thư mục phải là mới, trống, hoặc do chính lệnh này viết: khi ấy các trang được viết lại, trang không còn nữa thì bị xóa.`, EN: `
Writes a static site about the datasets and code lists: those that come with truc, and those in the folder --dir, or else in the
folders under datasets: of the configuration, or else in this folder. It has the versions, what changed, and announced ends. Open
index.html in a browser; it needs no server and no network.

The folder must be new, empty, or written by this command: its pages are then written anew, and those that are no more are
removed.`},
		define: func(fs *flag.FlagSet) action {
			dir := defineDir(fs)
			out := fs.String("out", "schema-docs", "thư mục `FOLDER` để viết trang / the `FOLDER` to write the site into")
			return func(_ context.Context, p *program) error { return p.schemaDocs(*dir, *out) }
		},
	}
}

// schemaDocsDone is what truc schema docs prints with --json.
type schemaDocsDone struct {
	Out       string `json:"out"`
	Index     string `json:"index"`
	Datasets  int    `json:"datasets"`
	CodeLists int    `json:"codeLists"`
}

func (p *program) schemaDocs(dir, out string) error {
	set, folders, done, err := p.allStandards(dir)
	if err != nil {
		return err
	}
	defer done()
	pages, err := docsite.Pages(set, folders...)
	if err != nil {
		return err
	}
	stale, err := sitePages(out)
	if err != nil {
		return err
	}
	for _, page := range pages {
		file := filepath.Join(out, filepath.FromSlash(page.Path))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil { //nolint:gosec // a site is for everybody to read
			return fmt.Errorf("write the site: %w", err)
		}
		if err := os.WriteFile(file, page.HTML, 0o644); err != nil { //nolint:gosec // a site is for everybody to read
			return fmt.Errorf("write the site: %w", err)
		}
		delete(stale, file)
	}
	for file := range stale {
		if err := os.Remove(file); err != nil {
			return fmt.Errorf("remove a page that is no more: %w", err)
		}
	}
	result := schemaDocsDone{Out: out, Index: filepath.Join(out, "index.html"), Datasets: len(set.Datasets()), CodeLists: len(set.CodeLists())}
	if p.json {
		return p.printJSON(result)
	}
	return p.answer(problem.Say("%d datasets and %d code lists: open %s", result.Datasets, result.CodeLists, result.Index))
}

// sitePages are the pages that are in the folder already. It is an error when the folder holds something and is no site of ours:
// nothing of anybody else's is written over.
func sitePages(out string) (map[string]bool, error) {
	entries, err := os.ReadDir(out)
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0:
		return nil, nil
	case err != nil:
		return nil, &usageError{what: problem.Say("the folder %s cannot be used: %v", out, reasonOf(err)), fix: problem.Say("name a new or an empty folder with --out")}
	case !written(filepath.Join(out, "index.html")):
		return nil, &usageError{what: problem.Say("the folder %s holds other files", out), fix: problem.Say("name a new or an empty folder with --out")}
	}
	pages := map[string]bool{}
	for _, folder := range docsite.Folders() {
		files, err := filepath.Glob(filepath.Join(out, folder, "*.html"))
		if err != nil {
			return nil, fmt.Errorf("look for pages that are no more: %w", err)
		}
		for _, file := range files {
			pages[file] = written(file)
		}
	}
	for file, ours := range pages {
		if !ours {
			delete(pages, file)
		}
	}
	return pages, nil
}

// written reports whether a file is a page that this command has written.
func written(file string) bool {
	text, err := os.ReadFile(file)
	return err == nil && bytes.Contains(text, []byte(docsite.Mark))
}
