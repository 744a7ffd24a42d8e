//go:build linux

package e2e

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/truc/demo"
	"github.com/lienthong/truc/tests/browser"
	"github.com/lienthong/truc/tests/nodes"
)

// pageNode is a node whose page is walked: Hải Dương publishes and has a dead letter, Hà Nội's database was restored from a
// backup, so that its reader stops, and the insurer's delivery runs.
type pageNode struct {
	t      *testing.T
	config string
	url    string
	node   *node
	idle   func() // ends the clerks' work
}

func newPageNode(t *testing.T) *pageNode {
	t.Helper()
	dir := t.TempDir()
	town := lay(t, dir)
	p := &pageNode{t: t, config: filepath.Join(dir, demo.ConfigFile), idle: func() {}}
	p.listen()
	backup := filepath.Join(dir, "backup.db")
	if _, err := town.Hanoi.Exec("VACUUM INTO ?", backup); err != nil {
		t.Fatal(err)
	}
	p.start()
	p.work(town)
	eventually(t, "both offices publish", func() bool {
		s, ok := p.node.status()
		return ok && len(s.Readers) == 3 && s.Readers[0].Records > 60 && s.Readers[1].Records > 60
	})
	p.idle()
	p.node.interrupt()
	if err := town.Close(); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"-wal", "-shm"} {
		os.Remove(filepath.Join(dir, demo.HanoiFile+suffix))
	}
	if err := os.Rename(backup, filepath.Join(dir, demo.HanoiFile)); err != nil {
		t.Fatal(err)
	}
	p.start()
	p.work(lay(t, dir))
	return p
}

func lay(t *testing.T, dir string) *demo.Layout {
	t.Helper()
	town, err := demo.Lay(t.Context(), dir, false)
	if err != nil {
		t.Fatal(err)
	}
	return town
}

// listen gives the node a port that it finds again.
func (p *pageNode) listen() {
	p.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		p.t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	text, err := os.ReadFile(p.config)
	if err != nil {
		p.t.Fatal(err)
	}
	nodes.Write(p.t, p.config, strings.Replace(string(text), "127.0.0.1:0", address, 1))
	p.url = "http://" + address
}

func (p *pageNode) start() {
	p.t.Helper()
	p.node = start(p.t, p.config)
	p.node.serving()
}

// work lets the clerks work until idle is called. The wrong record stays wrong.
func (p *pageNode) work(town *demo.Layout) {
	p.t.Helper()
	offices, err := town.Open(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(p.t.Context())
	done := make(chan error, 1)
	go func() { done <- offices.Work(ctx, 50*time.Millisecond, nil) }()
	ended := false
	p.idle = func() {
		if ended {
			return
		}
		ended = true
		cancel()
		if err := <-done; err != nil {
			p.t.Errorf("the clerks: %v", err)
		}
	}
	p.t.Cleanup(func() { p.idle(); town.Close() })
}

const isLive = `document.getElementById('feed').dataset.state === 'live'`

func TestPage(t *testing.T) {
	t.Setenv("TZ", "Asia/Ho_Chi_Minh") // of the node: its page says times with their zone
	b := browser.Start(t)
	n := newPageNode(t)
	page := b.Open(t, n.url+"/vi")
	page.Wait(t, "the reader of Hà Nội has failed, Hải Dương has a dead letter, and the page says so", isLive+` &&
		document.querySelector('.s-failed') && document.querySelectorAll('.issue').length >= 2 && +document.querySelector('#p0-0 [data-live="open"]').textContent > 0`)
	t.Run("is seen", func(t *testing.T) { n.seen(t, page) })
	t.Run("is live", func(t *testing.T) { n.alive(t, page) })
	t.Run("without shared workers", func(t *testing.T) { n.workerless(t, b) })
	t.Run("filters", func(t *testing.T) { n.filters(t, page) })
	t.Run("theme", func(t *testing.T) { n.theme(t, b) })
	t.Run("without scripts", func(t *testing.T) { n.scriptless(t, b) })
	t.Run("on paper", func(t *testing.T) { n.paper(t, page) })
	t.Run("ten pages in two languages", func(t *testing.T) { n.ten(t, b) })
	t.Run("the node is started again", func(t *testing.T) { n.again(t, page) })
}

// seen walks the page in both languages, light and dark, on a screen and on a phone.
func (p *pageNode) seen(t *testing.T, page *browser.Page) {
	for _, c := range []struct {
		name, lang    string
		width, height int64
		dark          bool
		words         []string
	}{
		{"screen-vi", "vi", 1280, 900, false, []string{"Cơ quan H24", "Việc cần làm", "Đã dừng vì lỗi", "Thư lỗi đang mở", "Bản ghi không đúng chuẩn dữ liệu.", "truc resnapshot hanoi", "truc dlq list khaisinh_haiduong", "rồi đọc lại các bảng từ đầu"}},
		{"screen-en-dark", "en", 1280, 900, true, []string{"Agency H24", "What to do", "Failed", "Dead letters open", "The record does not meet the data standard.", "truc resnapshot hanoi"}},
		{"phone-vi-dark", "vi", 360, 1500, true, []string{"Việc cần làm"}},
		{"phone-en", "en", 360, 1500, false, []string{"What to do"}},
	} {
		page.Screen(t, c.width, c.height, c.dark)
		page.Go(t, p.url+"/"+c.lang)
		page.Wait(t, "it is live", isLive)
		shown := page.Text(t, "body")
		for _, word := range c.words {
			if !strings.Contains(shown, word) {
				t.Errorf("%s does not show %q", c.name, word)
			}
		}
		page.Fits(t, c.name)
		page.Axe(t, c.name)
		page.Picture(t, c.name, c.width > 500)
	}
	// The registers are full of names; none of them, and no identifier of a person, may be here.
	source := browser.Await[string](page, t, `fetch('/en').then(r => r.text()).then(a => fetch('/api/status').then(r => r.text()).then(b => a + b))`)
	for _, private := range []string{"Nguyễn", "Trần ", "Phạm", "gioi_tinh", "backup.db"} {
		if strings.Contains(source, private) {
			t.Errorf("the page holds %q", private)
		}
	}
	page.Screen(t, 1280, 900, false)
}

// alive watches numbers change without a load, and what is unfolded stay so.
func (p *pageNode) alive(t *testing.T, page *browser.Page) {
	page.Go(t, p.url+"/vi")
	page.Wait(t, "it is live", isLive)
	browser.Eval[bool](page, t, `window.sameLoad = true`)
	before := page.Text(t, `#p0-0 [data-live="total"]`)
	applied := page.Text(t, `#d0 [data-live="applied"]`)
	asOf := page.Text(t, "#asof")
	browser.Eval[bool](page, t, `document.querySelector('#issues details').open = true`)
	page.Wait(t, "events are counted", fmt.Sprintf(`document.querySelector('#p0-0 [data-live="total"]').textContent !== %q && document.querySelector('#d0 [data-live="applied"]').textContent !== %q && document.getElementById('asof').textContent !== %q`, before, applied, asOf))
	page.Wait(t, "a line is drawn", `document.querySelector('#p0-0 polyline').getAttribute('points').split(' ').length > 2`)
	if !browser.Eval[bool](page, t, `window.sameLoad && document.querySelector('#issues details').open`) {
		t.Error("the page was loaded anew, or what was unfolded is not any more")
	}
	if shown := page.Text(t, "#asof"); !strings.Contains(shown, "UTC+7") {
		t.Errorf("a time without the zone of the node: %q", shown)
	}
	if said := page.Text(t, "#say"); said != "" {
		t.Errorf("numbers that grow are told aloud: %q", said)
	}
}

// workerless is an old browser, or one of a telephone.
func (p *pageNode) workerless(t *testing.T, b *browser.Browser) {
	page := b.Stranger(t, p.url+"/healthz")
	page.Before(t, `delete window.SharedWorker`)
	page.Go(t, p.url+"/en")
	page.Wait(t, "it is live", isLive+` && typeof SharedWorker === 'undefined'`)
	before := page.Text(t, "#asof")
	page.Wait(t, "it goes on", fmt.Sprintf(`document.getElementById('asof').textContent !== %q`, before))
}

func (p *pageNode) filters(t *testing.T, page *browser.Page) {
	visible := `Array.from(document.querySelectorAll('.pipe')).filter(e => e.offsetParent).map(e => e.id).join()`
	if got := browser.Eval[string](page, t, visible); got != "p0-0,p1-0,p2-0,d0,d1" {
		t.Errorf("unfiltered: %s", got)
	}
	page.Click(t, "#filter input[type=checkbox]")
	if got := browser.Eval[string](page, t, visible); got != "p0-0,p1-0" {
		t.Errorf("only what is wrong: %s", got)
	}
	if !browser.Eval[bool](page, t, `location.search === '?only=1' && document.querySelector('.choice a[hreflang=en]').href.endsWith('/en?only=1')`) {
		t.Error("the filter is not in the address, or does not go along to the other language")
	}
	page.Click(t, ".choice a[hreflang=en]")
	page.Wait(t, "English, filtered", `document.documentElement.lang === 'en' && document.querySelector('#filter input').checked && `+isLive)
	if got := browser.Eval[string](page, t, visible); got != "p0-0,p1-0" {
		t.Errorf("only what is wrong, after a change of language: %s", got)
	}
	page.Go(t, p.url+"/")
	if lang := browser.Eval[string](page, t, `document.documentElement.lang`); lang != "en" {
		t.Errorf("the language that was chosen is not remembered: %s", lang)
	}
}

func (p *pageNode) theme(t *testing.T, b *browser.Browser) {
	page := b.Stranger(t, p.url+"/en")
	paper := `getComputedStyle(document.body).backgroundColor`
	page.Screen(t, 1280, 900, false)
	light := browser.Eval[string](page, t, paper)
	page.Screen(t, 1280, 900, true)
	dark := browser.Eval[string](page, t, paper)
	if light == dark {
		t.Errorf("light and dark are both %s", light)
	}
	page.Click(t, `a[href="/en?theme=light"]`)
	page.Wait(t, "light although the system is dark", paper+`=== "`+light+`"`)
	page.Go(t, p.url+"/en")
	if got := browser.Eval[string](page, t, paper); got != light {
		t.Error("the choice is not remembered")
	}
	// By keyboard alone: the first stop is the way past the top.
	if first := browser.Eval[string](page, t, `document.querySelector('a, button, input, summary').className`); first != "skip" {
		t.Errorf("the first stop of the keyboard is %q", first)
	}
}

func (p *pageNode) scriptless(t *testing.T, b *browser.Browser) {
	page := b.Stranger(t, p.url+"/vi")
	page.Scripts(t, false)
	page.Go(t, p.url+"/vi")
	if shown := page.Text(t, "main"); !strings.Contains(shown, "truc resnapshot hanoi") {
		t.Error("without scripts the page is not complete")
	}
	if !browser.Eval[bool](page, t, `document.getElementById('feed').hidden && getComputedStyle(document.querySelector('noscript p')).display !== 'none' && document.querySelector('noscript meta[http-equiv=refresh]').content === '10'`) {
		t.Error("without scripts it does not say that it reloads")
	}
	page.Click(t, "#filter input[type=checkbox]")
	page.Click(t, "#filter button")
	page.Wait(t, "filtered by the node", `location.search === '?only=1' && !document.getElementById('d0').offsetParent && document.getElementById('p1-0').offsetParent`)
}

func (p *pageNode) paper(t *testing.T, page *browser.Page) {
	page.Go(t, p.url+"/vi")
	page.Wait(t, "it is live", isLive)
	pdf := page.PDF(t)
	pages := len(regexp.MustCompile(`/Type\s*/Page\b`).FindAll(pdf, -1))
	if !strings.HasPrefix(string(pdf), "%PDF-") || pages < 1 || pages > 4 {
		t.Errorf("%d bytes, %d sheets", len(pdf), pages)
	}
	if dir := os.Getenv("TRUC_PAGES"); dir != "" {
		t.Logf("%d sheets", pages)
	}
	page.Screen(t, 794, 1123, true) // A4 at 96 dots an inch
	page.Paper(t)
	if got := browser.Eval[string](page, t, `getComputedStyle(document.body).backgroundColor + getComputedStyle(document.querySelector('.tools')).display + getComputedStyle(document.querySelector('.rows thead')).display`); got != "rgb(255, 255, 255)nonetable-header-group" {
		t.Errorf("on paper: %s", got)
	}
	page.Fits(t, "paper")
	page.Picture(t, "paper-vi", true)
	page.Screen(t, 1280, 900, false)
}

// ten opens more pages than a browser has connections to a server, and another person's besides.
func (p *pageNode) ten(t *testing.T, b *browser.Browser) {
	var pages []*browser.Page
	for i := range 10 {
		pages = append(pages, b.Open(t, p.url+[]string{"/vi", "/en"}[i%2]))
	}
	pages = append(pages, b.Stranger(t, p.url+"/en"))
	for _, page := range pages {
		page.Wait(t, "it is live", isLive)
		before := page.Text(t, "#asof")
		page.Wait(t, "it goes on", fmt.Sprintf(`document.getElementById('asof').textContent !== %q`, before))
	}
	if got := pages[0].Text(t, "#verdict"); !strings.Contains(got, "việc phải xử lý") {
		t.Errorf("the first, in Vietnamese: %q", got)
	}
	if got := pages[9].Text(t, "#verdict"); !strings.Contains(got, "to act on") {
		t.Errorf("the tenth, in English: %q", got)
	}
}

// again stops the node, as an operator would, and starts it again.
func (p *pageNode) again(t *testing.T, page *browser.Page) {
	page.Go(t, p.url+"/en")
	page.Wait(t, "it is live", isLive)
	page.Lossy()
	boot := browser.Eval[string](page, t, `document.body.dataset.boot`)
	p.idle()
	began := time.Now()
	if code := p.node.interrupt(); code != 5 { // what was missing before still is
		t.Errorf("truc ended with %d, want 5", code)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("open pages kept the node from stopping for %s", took)
	}
	page.Wait(t, "it says that the node is gone", `!document.getElementById('lost').hidden && document.getElementById('say').textContent.includes('does not answer') && document.getElementById('feed').dataset.state === 'lost'`)
	page.Axe(t, "the node is gone")
	page.Picture(t, "lost-en", false)
	p.start()
	page.Wait(t, "it is live again, with the new node", fmt.Sprintf(`document.body.dataset.boot !== %q && document.getElementById('lost').hidden && %s`, boot, isLive))
}
