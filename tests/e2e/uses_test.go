//go:build linux

package e2e

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/lienthong/truc/tests/nodes"
)

// Publisher and subscriber say on Kafka what they use; a delivery that leaves the configuration is gone at the next start, and
// what the other agency said stays.
func TestWhoUsesWhat(t *testing.T) {
	t.Parallel()
	r := sharedRegistry(t, 500)
	r.fill(1, 10)
	r.exec(r.sink, strings.Replace(insurerTable, "tre_em", "rut_gon", 1))
	text, err := os.ReadFile(r.sub())
	if err != nil {
		t.Fatal(err)
	}
	one := string(text)
	nodes.Write(t, r.dir+"/rut_gon.yaml", "dataset: hotich.khaisinh.v1\ntable: public.rut_gon\nkey: { co_quan: event.agency, quyen: quyenSo, so: so }\ncolumns: { ho_ten: nguoiDuocKhaiSinh.hoTen, ngay_sinh: nguoiDuocKhaiSinh.ngaySinh.giaTri, gioi: nguoiDuocKhaiSinh.gioiTinh }\n")
	nodes.Write(t, r.sub(), strings.Replace(one, "subscribe: { ", "subscribe: { rut_gon: { agencies: ["+r.agency+"], sink: bhyt, mapping: rut_gon.yaml }, ", 1))

	type use struct {
		Agency, Pipeline string
		Properties       []string
	}
	uses := func(config, about string) (code int, out []string) {
		t.Helper()
		got := nodes.Run(t, r.dir, "schema", "uses", about, "--json", "-c", config)
		var all []use
		if err := json.Unmarshal([]byte(got.Stdout), &all); err != nil {
			t.Fatalf("%v: %s", err, got)
		}
		for _, u := range all { // tests share the Kafka
			if u.Agency == r.agency || u.Agency == r.insurer {
				out = append(out, strings.NewReplacer(r.agency, "office", r.insurer, "insurer").Replace(u.Agency)+" "+u.Pipeline)
			}
		}
		slices.Sort(out)
		return got.Code, out
	}
	awaits := func(what, about string, want ...string) {
		t.Helper()
		eventually(t, what, func() bool { _, got := uses(r.pub(), about); return slices.Equal(got, want) })
	}
	start(t, r.pub())
	sub := start(t, r.sub())
	awaits("all is announced", "hotich.khaisinh.v1", "insurer subscribe.rut_gon", "insurer subscribe.tre_em", "office publish.khaisinh")
	awaits("who reads the mother's name", "hotich.khaisinh.v1.me.hoTen", "insurer subscribe.tre_em", "office publish.khaisinh")
	awaits("who maps the sexes", "danhmuc.gioitinh", "insurer subscribe.tre_em", "office publish.khaisinh")

	if code := sub.interrupt(); code != 130 {
		t.Errorf("the subscriber ended with %d", code)
	}
	nodes.Write(t, r.sub(), one)
	sub = start(t, r.sub())
	awaits("what left the configuration is gone", "hotich.khaisinh.v1", "insurer subscribe.tre_em", "office publish.khaisinh")
	sub.Kill()
	awaits("a killed node stays in the list", "hotich.khaisinh.v1", "insurer subscribe.tre_em", "office publish.khaisinh")
}
