//go:build linux

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lienthong/truc/tests/nodes"
)

// A second mapping of the same table is published beside the first, then the first is changed into it and resnapshotted, while
// clerks work and the node is killed in between. Each topic holds what its mapping promises, to the last document.
func TestMappingsSideBySide(t *testing.T) {
	t.Parallel()
	const rows = 3000
	r := sharedRegistry(t, 500)
	second := *r
	second.topic += ".02" // of an office below
	r.fill(1, rows)
	start(t, r.sub())
	n := start(t, r.pub())
	n.await("streaming", (*status).streaming)
	c := r.work(rows, false)
	n.Kill()

	const signature = "nguoiKy: text(nguoi_ky)"
	changed := strings.Replace(fmt.Sprintf(registryMapping, r.agency), signature, `nguoiKy: 'join([text(nguoi_ky), "(2)"], " ")'`, 1)
	changedDocuments := strings.Replace(documents, "'nguoiKy', nguoi_ky", "'nguoiKy', concat_ws(' ', nguoi_ky, '(2)')", 1)
	nodes.Write(t, filepath.Join(r.dir, "khai_sinh_2.yaml"), changed)
	rewrite(t, r.pub(), "mapping: khai_sinh.yaml }", "mapping: khai_sinh.yaml }, khaisinh2: { source: hotich, agency: "+r.agency+".02, mapping: khai_sinh_2.yaml }")
	n = start(t, r.pub())
	n.await("both are published", (*status).streaming)
	c.rest(t)
	r.verified()
	r.equal()
	wrong := complaints{t: t}
	second.topicEqual(&wrong, changedDocuments)

	c = r.work(rows, false)
	n.Kill()
	nodes.Write(t, filepath.Join(r.dir, "khai_sinh.yaml"), changed)
	n = start(t, r.pub())
	before := n.await("streaming with the changed mapping", (*status).streaming)
	r.asked("pub.yaml", "resnapshot", "khaisinh", "--yes")
	n.await("the resnapshot is done", func(s *status) bool { return s.streaming() && s.Readers[0].Epoch > before.Readers[0].Epoch })
	c.rest(t)
	r.verified()
	r.topicEqual(&wrong, changedDocuments)
	r.sinkEqual(&wrong)
	second.topicEqual(&wrong, changedDocuments)
	if wrong.n > 0 {
		t.Fatalf("%d differences", wrong.n)
	}
}

// A mapped column is renamed in full flow: no mapping fits what the log holds from before and from after. The node says so, and
// the resnapshot that it advises passes over that log; what vanished in it is deleted.
func TestMappedColumnRenamed(t *testing.T) {
	t.Parallel()
	r := sharedRegistry(t, 500)
	r.fill(1, 500)
	start(t, r.sub())
	n := start(t, r.pub())
	n.await("streaming", (*status).streaming)
	n.Kill()
	r.exec(r.source, "UPDATE khai_sinh SET nguoi_ky = 'Nguyễn Văn Trước' WHERE length(so) = 2")
	r.exec(r.source, "DELETE FROM khai_sinh WHERE length(so) = 1")
	r.exec(r.source, "ALTER TABLE khai_sinh RENAME nguoi_ky TO nguoi_ky_ten")
	r.exec(r.source, "UPDATE khai_sinh SET nguoi_ky_ten = 'Nguyễn Văn Sau' WHERE length(so) = 3")

	n = start(t, r.pub())
	if code := n.wait(); code != 2 || !n.Log.Has("nguoi_ky_ten?") {
		t.Fatalf("with the old mapping it ended with %d:\n%s", code, n.Log.Tail(10))
	}
	rewrite(t, filepath.Join(r.dir, "khai_sinh.yaml"), "nguoiKy: text(nguoi_ky)", "nguoiKy: text(nguoi_ky_ten)")
	n = start(t, r.pub())
	if code := n.wait(); code != 2 || !n.Log.Has("truc resnapshot khaisinh") {
		t.Fatalf("with the new mapping it ended with %d:\n%s", code, n.Log.Tail(10))
	}
	r.asked("pub.yaml", "resnapshot", "khaisinh", "--yes")
	n = start(t, r.pub())
	n.await("the resnapshot is done", func(s *status) bool { return s.streaming() && s.Readers[0].Epoch > 1 })
	r.verified()
	wrong := complaints{t: t}
	r.topicEqual(&wrong, strings.ReplaceAll(documents, "nguoi_ky", "nguoi_ky_ten"))
	r.sinkEqual(&wrong)
	if wrong.n > 0 {
		t.Fatalf("%d differences", wrong.n)
	}
}

// rewrite replaces a part of a file, which must be there.
func rewrite(t *testing.T, path, old, text string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), old) {
		t.Fatalf("%s does not hold %q", path, old)
	}
	nodes.Write(t, path, strings.Replace(string(data), old, text, 1))
}
