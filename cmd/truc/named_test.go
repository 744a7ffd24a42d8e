package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/lienthong/truc/problem"
)

var namedCommand = regexp.MustCompile("truc ([a-z]+)(?: ([a-z]+))?")

// unknownCommand returns the first command of a text that does not exist, of those that keep says are meant as one.
func unknownCommand(text string, keep func(string) bool) string {
	for _, m := range namedCommand.FindAllStringSubmatch(text, -1) {
		words := strings.Fields(m[1] + " " + m[2])
		if len(words) == 1 {
			words = append(words, "-h") // a noun alone, "truc dlq", stands for its verbs
		}
		if _, _, err := find(verbs(), words); err != nil && !is[*nounHelpError](err) && keep(m[0]) {
			return m[0]
		}
	}
	return ""
}

// TestNamedCommandsExist: what a finding or a page tells a person to type must be there.
func TestNamedCommandsExist(t *testing.T) {
	t.Parallel()
	all, err := problem.Translations()
	if err != nil {
		t.Fatal(err)
	}
	for en, vi := range all {
		// Prose is translated ("truc wrote"), commands are not.
		if c := unknownCommand(en, func(c string) bool { return strings.Contains(vi, c) }); c != "" {
			t.Errorf("%q names the command %q, which does not exist", en, c)
		}
	}
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob("../../adapters/*/README.md")
	if err != nil {
		t.Fatal(err)
	}
	code := regexp.MustCompile("`truc [^`]*`")
	for _, page := range append(pages, more...) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, quoted := range code.FindAllString(string(text), -1) {
			if c := unknownCommand(quoted, func(string) bool { return true }); c != "" {
				t.Errorf("%s names the command %q, which does not exist", page, c)
			}
		}
	}
}

// TestEveryCommandIsDefined: two flags of one name would panic as soon as the command is typed.
func TestEveryCommandIsDefined(t *testing.T) {
	t.Parallel()
	for _, v := range verbs() {
		if _, err := (&program{}).parse(verbs(), append(strings.Fields(v.name), "-h")); err != nil {
			t.Errorf("truc %s -h: %v", v.name, err)
		}
	}
}
