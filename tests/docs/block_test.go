package docs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// root is the repository, seen from here.
const root = "../.."

// block is one fenced block of a page.
type block struct {
	// language is the first word after the fence; file the second one, or else the name in a paragraph before the block that
	// begins with it in code quotes.
	language, file string
	text           string
}

// blocks returns the fenced blocks of a page, in order.
func blocks(t *testing.T, page string) []block {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(page)))
	if err != nil {
		t.Fatal(err)
	}
	var found []block
	var open *block
	named := "" // by the paragraph before
	for line := range strings.Lines(string(text)) {
		switch info, fence := strings.CutPrefix(strings.TrimRight(line, "\n"), "```"); {
		case fence && open != nil:
			found, open, named = append(found, *open), nil, ""
		case fence:
			language, file, _ := strings.Cut(info, " ")
			if file == "" {
				file = named
			}
			open = &block{language: language, file: file}
		case open != nil:
			open.text += line
		case strings.HasPrefix(line, "`"):
			named, _, _ = strings.Cut(line[1:], "`")
		case strings.TrimSpace(line) != "":
			named = ""
		}
	}
	if open != nil {
		t.Fatalf("%s: a block is not closed", page)
	}
	return found
}

// file returns the text of the one block of a page that is a file of this name.
func file(t *testing.T, page, name string) string {
	t.Helper()
	var texts []string
	for _, b := range blocks(t, page) {
		if b.file == name {
			texts = append(texts, b.text)
		}
	}
	if len(texts) != 1 {
		t.Fatalf("%s has %d blocks for %s, want one", page, len(texts), name)
	}
	return texts[0]
}

// inLanguage returns the texts of the blocks of a page in a language; want is how many there are.
func inLanguage(t *testing.T, page, language string, want int) []string {
	t.Helper()
	var texts []string
	for _, b := range blocks(t, page) {
		if b.language == language {
			texts = append(texts, b.text)
		}
	}
	if len(texts) != want {
		t.Fatalf("%s has %d %s blocks, this test knows of %d", page, len(texts), language, want)
	}
	return texts
}

// write writes files under a directory: name, text, name, text, …
func write(t *testing.T, dir string, files ...string) {
	t.Helper()
	for i := 0; i < len(files); i += 2 {
		path := filepath.Join(dir, filepath.FromSlash(files[i]))
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(files[i+1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
