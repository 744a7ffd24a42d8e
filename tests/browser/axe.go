package browser

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// axeVersion names the file in the cache; tests/scripts/browser/pom.xml fetches the same version.
const axeVersion = "4.11.1"

func readAxe() (string, error) {
	if path := os.Getenv("TRUC_TEST_AXE"); path != "" {
		text, err := os.ReadFile(path)
		return string(text), err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	jar, err := zip.OpenReader(filepath.Join(cache, "truc", "axe-core-"+axeVersion+".jar"))
	if err != nil {
		return "", errors.New("no axe-core here")
	}
	defer jar.Close()
	for _, f := range jar.File {
		if filepath.Base(f.Name) != "axe.min.js" {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return "", err
		}
		defer r.Close()
		text, err := io.ReadAll(r)
		return string(text), err
	}
	return "", errors.New("the jar of axe-core has no axe.min.js")
}

type axeResult struct {
	ID, Impact, Help string
	Nodes            []struct{ HTML, FailureSummary string }
}

// Axe looks for what keeps people out of the page as it is now, and fails the test for all that is more than minor.
func (p *Page) Axe(tb testing.TB, what string) {
	tb.Helper()
	if !Eval[bool](p, tb, `typeof axe !== 'undefined'`) {
		Eval[bool](p, tb, p.browser.axe+"; true")
	}
	found := Await[[]axeResult](p, tb, `axe.run(document, {resultTypes: ['violations']}).then(r => r.violations.map(v => ({id: v.id, impact: v.impact, help: v.help, nodes: v.nodes.slice(0, 5).map(n => ({html: n.html, failureSummary: n.failureSummary}))})))`)
	for _, v := range found {
		var where strings.Builder
		for _, n := range v.Nodes {
			fmt.Fprintf(&where, "\n  %s\n  %s", n.HTML, strings.ReplaceAll(n.FailureSummary, "\n", "\n  "))
		}
		if v.Impact == "minor" {
			tb.Logf("%s: axe, minor: %s: %s%s", what, v.ID, v.Help, where.String())
			continue
		}
		tb.Errorf("%s: axe, %s: %s: %s%s", what, v.Impact, v.ID, v.Help, where.String())
	}
}
