package schemas

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/problem"
)

// Nothing outside of a folder is read, and no pipe that would never answer.
func TestFolderStaysInside(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(t.TempDir(), "ngoai.json")
	for _, err := range []error{
		os.MkdirAll(filepath.Join(dir, "types"), 0o750), os.WriteFile(outside, []byte("bí mật"), 0o600),
		os.Symlink(outside, filepath.Join(dir, "types/ngoai.json")), os.Symlink("types", filepath.Join(dir, "hotich.khaisinh")), syscall.Mkfifo(filepath.Join(dir, "types/ong.json"), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	var list problem.List
	_, err = LoadFolders(Folder{Name: "chuan", FS: root.FS()})
	if errors.As(err, &list) {
		var got []string
		for _, p := range list {
			got = append(got, p.Code+" "+p.Where)
		}
		if diff := cmp.Diff([]string{"schema.unreadable chuan/hotich.khaisinh", "schema.unreadable chuan/types/ngoai.json", "schema.unreadable chuan/types/ong.json"}, got); diff != "" {
			t.Error(diff)
		}
	} else {
		t.Errorf("got %v", err)
	}
}
