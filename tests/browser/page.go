package browser

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Page is one open page.
type Page struct {
	ctx     context.Context
	browser *Browser
	host    string

	mu     sync.Mutex
	lossy  bool
	faults []string
}

// Open opens a page in a tab of its own. It fails the test at its end for what the page did wrong.
func (b *Browser) Open(tb testing.TB, address string) *Page {
	tb.Helper()
	return b.open(tb, address)
}

// Stranger opens a page as somebody else would: without the cookies and connections of the other pages.
func (b *Browser) Stranger(tb testing.TB, address string) *Page {
	tb.Helper()
	return b.open(tb, address, chromedp.WithNewBrowserContext())
}

func (b *Browser) open(tb testing.TB, address string, options ...chromedp.ContextOption) *Page {
	tb.Helper()
	to, err := url.Parse(address)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, end := chromedp.NewContext(b.ctx, options...)
	p := &Page{ctx: ctx, browser: b, host: to.Host}
	if err := chromedp.Listen(ctx, p.watch); err != nil {
		tb.Fatalf("open a page: %v", err)
	}
	tb.Cleanup(func() {
		end()
		for _, fault := range p.faults {
			tb.Errorf("%s: %s", address, fault)
		}
	})
	p.Go(tb, address)
	return p
}

// watch notes what a good page does not do.
func (p *Page) watch(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fault := func(format string, args ...any) { p.faults = append(p.faults, fmt.Sprintf(format, args...)) }
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		fault("exception: %v", e.ExceptionDetails)
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeAssert {
			fault("console.%s: %s", e.Type, e.Args[0].Value)
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError && (!p.lossy || !strings.Contains(e.Entry.Text, "net::ERR_")) {
			fault("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		if to, err := url.Parse(e.Request.URL); err != nil || (to.Host != p.host && to.Scheme != "data") {
			fault("request to another host: %s", e.Request.URL)
		}
	}
}

// Lossy says that the server may be gone from here on: that is not the page's fault.
func (p *Page) Lossy() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lossy = true
}

func (p *Page) do(tb testing.TB, what string, steps ...chromedp.Action[chromedp.Void]) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		tb.Fatalf("%s: %v", what, err)
	}
}

// Go loads an address and waits until it is there.
func (p *Page) Go(tb testing.TB, address string) {
	tb.Helper()
	p.do(tb, "load "+address, chromedp.Navigate(address))
}

// Eval evaluates an expression in the page.
func Eval[T any](p *Page, tb testing.TB, expression string) T {
	tb.Helper()
	return evaluate[T](p, tb, chromedp.Evaluate[T](expression), expression)
}

// Await evaluates an expression that promises its value.
func Await[T any](p *Page, tb testing.TB, expression string) T {
	tb.Helper()
	return evaluate[T](p, tb, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise), expression)
}

func evaluate[T any](p *Page, tb testing.TB, action chromedp.Action[T], expression string) T {
	tb.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, action)
	if err != nil {
		tb.Fatalf("evaluate %.100s: %v", expression, err)
	}
	return value
}

// Wait waits until an expression is true, also across loads of the page.
func (p *Page) Wait(tb testing.TB, what, expression string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	for {
		is, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
		if err == nil && is {
			return
		}
		if chromedp.Do(ctx, chromedp.Sleep(50*time.Millisecond)) != nil {
			shows, _ := chromedp.Run(p.ctx, chromedp.Evaluate[string](`document.body ? document.body.innerText : ''`))
			tb.Fatalf("after %s still not: %s (%v); the page shows:\n%s", patience, what, err, shows)
		}
	}
}

// Text is what an element shows.
func (p *Page) Text(tb testing.TB, selector string) string {
	tb.Helper()
	return Eval[string](p, tb, `document.querySelector(`+quote(selector)+`).textContent.trim()`)
}

// Click clicks an element.
func (p *Page) Click(tb testing.TB, selector string) {
	tb.Helper()
	p.do(tb, "click "+selector, chromedp.Click(selector))
}

// Screen sets the size of the window and what the system prefers.
func (p *Page) Screen(tb testing.TB, width, height int64, dark bool) {
	tb.Helper()
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	var options []chromedp.EmulateViewportOption
	if width < 500 {
		options = append(options, chromedp.EmulateMobile)
	}
	p.do(tb, "set the screen", chromedp.EmulateViewport(width, height, options...), media("", scheme))
}

// Paper shows the page as it will be printed.
func (p *Page) Paper(tb testing.TB) {
	tb.Helper()
	p.do(tb, "show as printed", media("print", "dark"))
}

func media(kind, scheme string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Media: kind, Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
		})
		return err
	})
}

// Scripts allows or forbids the page to run scripts, from its next load on.
func (p *Page) Scripts(tb testing.TB, allowed bool) {
	tb.Helper()
	p.do(tb, "switch scripts", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !allowed})
		return err
	}))
}

// Before runs a script in every document that is loaded from here on, before the document's own.
func (p *Page) Before(tb testing.TB, script string) {
	tb.Helper()
	p.do(tb, "prepare pages", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
		return err
	}))
}

// PDF prints the page on A4.
func (p *Page) PDF(tb testing.TB) []byte {
	tb.Helper()
	return evaluate[[]byte](p, tb, chromedp.PrintToPDF(chromedp.PDFPaper(chromedp.PaperA4)), "print")
}

// Fits fails the test when one must scroll sideways.
func (p *Page) Fits(tb testing.TB, what string) {
	tb.Helper()
	wide := Eval[[]string](p, tb, `(() => {
		const room = document.documentElement.clientWidth, out = [];
		if (document.documentElement.scrollWidth <= room) return out;
		for (const e of document.querySelectorAll('body *')) {
			const r = e.getBoundingClientRect();
			if (r.right > room + 1 && r.width > 1) out.push(e.tagName + '.' + e.className + ' ' + r.right + ' of ' + room);
		}
		return out.concat('scrollWidth ' + document.documentElement.scrollWidth).slice(0, 8);
	})()`)
	if len(wide) > 0 {
		tb.Errorf("%s: the page is wider than the screen: %s", what, strings.Join(wide, "; "))
	}
}
