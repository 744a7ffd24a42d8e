package governance

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

const historyFile = "phuongtien.bienso/v1/history.jsonl"

// The last line has none behind it that would name it: what is no step is seen by itself.
func TestLastLineOfAHistory(t *testing.T) {
	for name, spoil := range map[string]func(line string) string{
		"a member that nobody knows": func(l string) string { return strings.Replace(l, `"format":1`, `"format":1,"them":1`, 1) },
		"more text behind it":        func(l string) string { return l + ` {"format":1}` },
		"a state that there is not":  func(l string) string { return strings.Replace(l, `"published"`, `"draft"`, 1) },
		"no fingerprint":             func(l string) string { return strings.Replace(l, `"sha256":"`, `"sha256":"","why":"`, 1) },
		"no JSON":                    func(l string) string { return l[:len(l)-1] },
		"a later format":             func(l string) string { return strings.Replace(l, `"format":1`, `"format":2`, 1) },
		"no format":                  func(l string) string { return strings.Replace(l, `"format":1`, `"format":0`, 1) },
		"a blank line":               func(l string) string { return l + "\n" },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStandards(t)
			s.release()
			lines := strings.SplitAfter(strings.TrimSuffix(s.text(historyFile), "\n"), "\n")
			last := lines[len(lines)-1]
			changed := spoil(last)
			if changed == last {
				t.Fatal("nothing is spoilt")
			}
			s.put(historyFile, strings.Join(lines[:len(lines)-1], "")+changed+"\n")
			d, err := s.open().Dataset(plateID)
			must(t, err)
			refused(t, d.Problems.Err(), "governance.history")
			if name == "a later format" && !strings.Contains(d.Problems[0].Fix.EN, "newer truc") {
				t.Errorf("a later format: %v", d.Problems)
			}
		})
	}
}

// A step adds a line and leaves those before it as they are, byte for byte.
func TestHistoryIsOnlyAddedTo(t *testing.T) {
	s := newStandards(t)
	before := ""
	for i, step := range []func() error{s.propose, s.approve, s.publish, func() error { return s.deprecate(plateID, "hotich.khaisinh.v1", "2027-12-31") }, func() error { return s.retire(plateID, "2027-12-31") }} {
		must(t, step())
		after := s.text(historyFile)
		if !strings.HasPrefix(after, before) || strings.Count(after, "\n") != i+1 {
			t.Fatalf("step %d wrote\n%s\nafter\n%s", i, after, before)
		}
		before = after
	}
}

// What the history tells is there: a publication whose texts cannot be written is none, and can be repeated.
func TestPublicationThatCannotBeWritten(t *testing.T) {
	s := newStandards(t)
	must(t, s.propose())
	must(t, s.approve())
	s.put("phuongtien.bienso/v1/published/1.0.0.json/x", "in the way")
	if err := s.publish(); err == nil {
		t.Fatal("published over a folder")
	}
	if strings.Contains(s.text(historyFile), `"published"`) {
		t.Errorf("the history tells of what is not there:\n%s", s.text(historyFile))
	}
	if left, err := filepath.Glob(filepath.Join(s.dir, "phuongtien.bienso/v1/published/.*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	must(t, os.RemoveAll(filepath.Join(s.dir, "phuongtien.bienso/v1/published/1.0.0.json")))
	must(t, s.publish())
}

// Steps are about the working copy, and about one whose level is a word that there is.
func TestStepsAreAboutTheWorkingCopy(t *testing.T) {
	s := newStandards(t)
	for _, step := range []func(*Folder) error{
		func(f *Folder) error { _, _, err := f.Propose(plateID+"@1.0.0", by(an())); return err },
		func(f *Folder) error { _, err := f.Approve(plateID+"@1.0.0", by(an())); return err },
		func(f *Folder) error { _, err := f.Publish(plateID+"@1.0.0", by(an())); return err },
	} {
		refused(t, step(s.open()), "governance.version")
	}
	s.edit(schemaFile, `"x-khoa"`, `"x-tuong-thich": "SOME", "x-khoa"`)
	refused(t, s.propose(), "governance.level")
	s.edit(schemaFile, `"x-tuong-thich": "SOME", `, "")
	s.release()
	// A wrong word for the level is told where that of the published version counts.
	s.edit(schemaFile, `"x-khoa"`, `"x-tuong-thich": "SOME", "x-khoa"`)
	s.version("1.0.0", "1.0.1")
	refused(t, s.propose(), "governance.level")
}

// A folder is somebody else's: what is no file, and what is too large, is not read.
func TestFolderReadsFilesOnly(t *testing.T) {
	s := newStandards(t)
	outside := filepath.Join(t.TempDir(), "secret.json")
	must(t, os.WriteFile(outside, []byte(plate), 0o600))
	must(t, os.Symlink(outside, filepath.Join(s.dir, "phuongtien.bienso/v1/examples/valid/link.json")))
	must(t, os.Symlink(filepath.Join(s.dir, filepath.FromSlash(typesFile)), filepath.Join(s.dir, "types/link.json")))
	if f := s.open(); f.files["phuongtien.bienso/v1/examples/valid/link.json"] != nil || f.files["types/link.json"] != nil || f.files[typesFile] == nil {
		t.Error("a link was followed")
	}
	s.put("phuongtien.bienso/v1/README.md", strings.Repeat("x", maxFile+1))
	_, err := Open(s.dir, "chuan")
	refused(t, err, "governance.too-large")
	s.put("phuongtien.bienso/v1/README.md", strings.Repeat("x", maxFile))
	if _, err := Open(s.dir, "chuan"); err != nil {
		t.Errorf("a file of exactly 1 MiB: %v", err)
	}
}

// A file is replaced, not written over: whoever reads it meanwhile, or whose disk fills up, has the one before.
func TestFilesAreReplaced(t *testing.T) {
	s := newStandards(t)
	must(t, s.propose())
	before := s.text(historyFile)
	reader := filepath.Join(s.dir, "reader")
	must(t, os.Link(filepath.Join(s.dir, filepath.FromSlash(historyFile)), reader))
	must(t, s.approve())
	if got := s.text("reader"); got != before || s.text(historyFile) == before {
		t.Errorf("who read the history has now\n%s", got)
	}
}

// A folder that was not meant, a home or a disk, is left soon.
func TestLargeFolder(t *testing.T) {
	files := fstest.MapFS{}
	for i := range maxEntries {
		files["f"+strconv.Itoa(i)] = &fstest.MapFile{}
	}
	refused(t, (&Folder{files: map[string][]byte{}}).read(files), "governance.too-large")
	large := &fstest.MapFile{Data: make([]byte, maxFile)}
	files = fstest.MapFS{}
	for i := range maxTotal/maxFile + 1 {
		files["types/f"+strconv.Itoa(i)+".json"] = large
	}
	refused(t, (&Folder{files: map[string][]byte{}}).read(files), "governance.too-large")
}
