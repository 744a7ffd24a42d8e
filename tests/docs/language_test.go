package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// languageElements are the elements of the mapping language besides its functions, each with how it looks in a mapping.
func languageElements() map[string]string {
	elements := map[string]string{
		// What a file says of itself and of its columns.
		"include":      `(?m)^include: \[`,
		"let":          `(?m)^let:`,
		"key":          `(?m)^key: \[`,
		"only":         `(?m)^only: `,
		"deleted":      `(?m)^deleted: `,
		"null words":   `(?m)^  \w+: \{.*null: \[`,
		"from":         `(?m)^  \w+: \{ from: "`,
		"zone":         `(?m)^  \w+: \{.*zone: `,
		"pad":          `(?m)^  \w+: \{ pad: \d+`,
		"every column": `(?m)^  "\*": \{`,
		"codes: map":   `list: danhmuc\.\w+, map: \{`,
		"codes: file":  `list: danhmuc\.\w+, file: \S+\.csv`,
		// What makes documents.
		"const":        `\{ const: `,
		"shapes":       `(?m)^shapes:`,
		"use":          `use: \w+`,
		"prefix":       `prefix: \w+_`,
		"when (block)": `(?m)when: `,
		"each, value":  `each: .*as: \w+, value: `,
		"each, fields": `(?m)^    as: \w+\n    fields:`,
		"list":         `(?m)^    - \{ use: `,
		// What makes rows.
		"write: upsert":     `(?m)^write: upsert`,
		"write: update":     `(?m)^write: update`,
		"write: append":     `(?m)^write: append`,
		"sink key":          `(?m)^key: \{ `,
		"conflict: replace": `(?m)^conflict: replace`,
		"conflict: ignore":  `(?m)^conflict: ignore`,
		"on_create":         `(?m)^on_create: \{`,
		"on_delete: set":    `(?m)^on_delete: \{ set: `,
		"on_delete: ignore": `(?m)^on_delete: ignore`,
		"value with text":   `\{ value: .*, text: `,
	}
	for _, encoding := range []string{"utf-8", "tcvn3", "tcvn3-hoa", "vni", "vni-latin1", "viscii", "cp1258"} {
		elements["text: "+encoding] = `text: ` + encoding + `\b[^-]`
	}
	for _, part := range []string{"id", "op", "time", "agency", "sequence", "dataset"} {
		elements["event."+part] = `\bevent\.` + part + `\b`
	}
	return elements
}

// TestEveryElementOccurs holds the examples to the whole language: what is in none of them was tried by nobody.
func TestEveryElementOccurs(t *testing.T) {
	var text strings.Builder
	err := filepath.WalkDir(filepath.Join(root, "examples"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Ext(path) != ".yaml" {
			return err
		}
		data, err := os.ReadFile(path)
		rules, _, _ := strings.Cut(string(data), "\nexamples:\n")
		text.WriteString(comment.ReplaceAllString(rules, ""))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	elements := languageElements()
	page, err := os.ReadFile(filepath.Join(root, "docs", "mapping-functions.md"))
	if err != nil {
		t.Fatal(err)
	}
	// The reference page is generated from the functions that there are.
	functions := regexp.MustCompile("(?m)^### `(\\w+)\\(").FindAllStringSubmatch(string(page), -1)
	if len(functions) < 24 {
		t.Fatalf("the reference page names %d functions", len(functions))
	}
	for _, m := range functions {
		elements[m[1]+"()"] = `\b` + m[1] + `\(`
	}
	for name, form := range elements {
		if !regexp.MustCompile(form).MatchString(text.String()) {
			t.Errorf("no mapping in examples/ has %s", name)
		}
	}
}

// comment is one at the end of a line, or a line of its own.
var comment = regexp.MustCompile(`(?m)(^|\s+)#.*$`)

// Code tables come as Excel writes them: that is what the examples are to show.
func TestCodeFilesAreOfExcel(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "examples", "*", "mappings", "codes", "*.csv"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no code files: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text := string(data)
		if !strings.HasPrefix(text, "\ufeff") || strings.Count(text, "\r\n") != strings.Count(text, "\n") {
			t.Errorf("%s has lost its BOM or its CRLF", file)
		}
	}
}
