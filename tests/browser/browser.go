// Package browser walks pages in a real Chromium for tests. Only tests import it.
//
//	Start(t)               a browser with a fresh profile, gone when the test ends
//	b.Open(t, url)         a page of it; b.Stranger(t, url) one of another person, with cookies and connections of its own
//	p.Axe(t)               fails the test for what would keep people out
//
// A page fails its test for every console error, uncaught exception, violation of the Content-Security-Policy and request
// to another host.
//
// Environment:
//
//	TRUC_TEST_CHROMIUM   the browser's program; default: chromium, chromium-browser, google-chrome in PATH
//	TRUC_TEST_AXE        axe.min.js; default: out of truc/axe-core-<version>.jar in the user's cache directory
//	TRUC_PAGES           directory into which Picture writes; default: it writes nothing
//	ALLOW_SKIP=1         skip a test whose browser is not installed, instead of failing it
package browser

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/lienthong/truc/tests/servers"
)

// patience is how long a page may take for what normally takes a moment, on a machine that does much else.
const patience = 3 * time.Minute

// Browser is a running Chromium.
type Browser struct {
	ctx context.Context
	axe string
}

// Start starts a browser; it ends with the test.
func Start(tb testing.TB) *Browser {
	tb.Helper()
	if testing.Short() {
		tb.Skip("needs a browser, and this is a short run")
	}
	axe, err := readAxe()
	if err != nil {
		giveUp(tb, err.Error())
	}
	// The sandbox wants what containers and root do not have; only pages of our own are opened.
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program(tb)), chromedp.UserDataDir(tb.TempDir()), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("headless", "new"), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("hide-scrollbars", true), chromedp.Flag("lang", "en-US"),
	)
	allocator, free := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, end := chromedp.NewContext(allocator)
	tb.Cleanup(func() {
		end()
		free()
	})
	if err := chromedp.Do(ctx); err != nil {
		tb.Fatalf("start the browser: %v", err)
	}
	return &Browser{ctx, axe}
}

func program(tb testing.TB) string {
	tb.Helper()
	if path := os.Getenv("TRUC_TEST_CHROMIUM"); path != "" {
		return path
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	giveUp(tb, "no Chromium here")
	return ""
}

func giveUp(tb testing.TB, what string) {
	tb.Helper()
	what += "; `make setup` installs it (ALLOW_SKIP=1 skips the tests that need it)"
	if servers.SkipAllowed() {
		tb.Skip(what)
	}
	tb.Fatal(what)
}
