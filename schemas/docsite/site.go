// Package docsite writes the standards of a set as a site that people browse: an index, a page for each dataset and one for each code
// list, Vietnamese first and English beside it. What was decided about a dataset stands on its page: how far it is, when it ends, and
// what changed from version to version. The pages are plain files: they need no script, no server and nothing from elsewhere.
package docsite

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"path"
	"slices"
	"strings"

	"github.com/lienthong/truc/schemas"
	"github.com/lienthong/truc/schemas/governance"
)

//go:embed page
var pageFiles embed.FS

// Mark stands in every page: what has it was written by Pages, and may be written anew.
const Mark = `<meta name="generator" content="truc schema docs">`

// Page is one file of the site.
type Page struct {
	Path string // in the site, with slashes: "danh-muc/danhmuc.gioitinh.html"
	HTML []byte
}

// Pages writes the site of a set, the index first; folders are those of its datasets about which something may have been decided. The
// same standards give the same bytes.
func Pages(set *schemas.Set, folders ...*governance.Folder) ([]Page, error) {
	lives, err := livesOf(folders)
	if err != nil {
		return nil, err
	}
	style, err := pageFiles.ReadFile("page/style.css")
	if err != nil {
		return nil, fmt.Errorf("style of the pages: %w", err)
	}
	s := &site{style: template.CSS(style), lists: map[string][]use{}} //nolint:gosec // the style is our own file
	s.templates = template.Must(template.New("page").Funcs(template.FuncMap{
		"indent": func(depth int) int { return min(depth, 6) },
		"number": func(index int) int { return index + 1 },
	}).ParseFS(pageFiles, "page/*.tmpl"))
	for _, d := range set.Datasets() {
		v := viewOf(d)
		v.Life = lives[d.ID()]
		if name, major, _ := governance.SplitName(v.Life.Successor); set.Has(fmt.Sprintf("%s.v%d", name, major)) {
			v.Life.SuccessorPage = datasetPath(fmt.Sprintf("%s.v%d", name, major))
		}
		s.datasets = append(s.datasets, v)
	}
	for _, d := range s.datasets {
		for _, r := range d.Rows {
			if r.List != "" {
				s.lists[r.List] = append(s.lists[r.List], use{d.ID, r.Path})
			}
		}
	}
	s.page("index.html", "", "index", both{"Bộ dữ liệu và danh mục dùng chung", "Shared datasets and code lists"}, struct {
		Datasets []datasetView
		Lists    []*schemas.CodeList
	}{s.datasets, set.CodeLists()})
	for _, d := range s.datasets {
		s.page(datasetPath(d.ID), "../", "dataset", d.Title, d)
	}
	for _, l := range set.CodeLists() {
		s.page(listPath(l.ID), "../", "list", titled(l.Title), struct {
			*schemas.CodeList
			Uses []use
		}{l, s.lists[l.ID]})
	}
	return s.pages, s.err
}

// Folders are where pages other than the index stand.
func Folders() []string { return []string{"bo-du-lieu", "danh-muc"} }

func datasetPath(id string) string { return path.Join("bo-du-lieu", id+".html") }
func listPath(id string) string    { return path.Join("danh-muc", id+".html") }

// use is a property whose values are codes of a list.
type use struct{ Dataset, Path string }

// site collects the pages, and the first thing that goes wrong.
type site struct {
	style     template.CSS
	templates *template.Template
	datasets  []datasetView
	lists     map[string][]use
	pages     []Page
	err       error
}

func (s *site) page(name, home, body string, title both, data any) {
	if s.err != nil {
		return
	}
	var inner, whole bytes.Buffer
	if s.err = s.templates.ExecuteTemplate(&inner, body, struct {
		Home string
		Data any
	}{home, data}); s.err != nil {
		return
	}
	s.err = s.templates.ExecuteTemplate(&whole, "layout", struct {
		Home  string
		Title both
		Style template.CSS
		Mark  template.HTML
		Body  template.HTML
	}{home, title, s.style, Mark, template.HTML(inner.String())}) //nolint:gosec // made by html/template just above
	lines := slices.DeleteFunc(strings.Split(whole.String(), "\n"), func(line string) bool { return strings.TrimSpace(line) == "" })
	s.pages = append(s.pages, Page{Path: name, HTML: []byte(strings.Join(lines, "\n") + "\n")})
}
