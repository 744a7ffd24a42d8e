package main

import (
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/schemas/match"
)

// TestBuild makes versions and links of three small lists: a unit that stays, one of another spelling, one that is renamed, one
// that is merged by a former name, one that vanishes in silence, and one that is divided at the merger.
func TestBuild(t *testing.T) {
	base := func() list {
		return list{"75": {code: "75", kind: "tỉnh", name: "Mẫu"}, "001": {code: "001", province: "75", kind: "huyện", name: "Mẫu"}}
	}
	commune := func(l list, code, name string) {
		l[code] = unit{code: code, province: "75", district: "001", kind: "xã", name: name}
	}
	s := &sources{
		l2019: base(), l2023: base(), l2025: base(), after: list{"75": {code: "75", kind: "tỉnh", name: "Mẫu"}},
		former:    map[string][]string{"00001": {match.Name("Xã Cũ")}},
		into:      map[string][]string{"00001": {"00001"}, "00002": {"00001", "00003"}, "00004": {"00003"}},
		provinces: map[string]string{"75": "75"}, second: map[string]string{"00001": "00001", "00002": "99999"},
	}
	for _, l := range []list{s.l2019, s.l2023, s.l2025} {
		commune(l, "00001", "Hoà Mẫu")
		commune(l, "00004", "Bốn")
	}
	commune(s.l2025, "00001", "Hòa Mẫu") // another spelling, no change
	commune(s.l2019, "00002", "Hai")
	commune(s.l2023, "00002", "Hai Mới") // renamed
	commune(s.l2025, "00002", "Hai Mới")
	commune(s.l2019, "00005", "Cũ")   // merged into 00001, by its former name
	commune(s.l2023, "00006", "Lặng") // vanishes, and nobody says whither
	for _, c := range []string{"00001", "00003"} {
		s.after[c] = unit{code: c, province: "75", kind: "xã", name: "Mới " + c}
	}
	if _, err := build(s, io.Discard); err == nil {
		t.Fatal("the later changes name units that are not there, and nobody minds")
	}
	all, err := buildUntilMerger(s, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, v := range all {
		if len(v.code) != 5 || v.from == merger {
			continue
		}
		var into []string
		for _, w := range v.into {
			into = append(into, w.code)
		}
		line := strings.Join([]string{v.code, v.name, v.from, v.until, strings.Join(into, ",")}, " ")
		if v.vague {
			line += " ?"
		}
		got = append(got, line)
	}
	slices.Sort(got)
	want := []string{
		"00001 Hòa Mẫu  2025-07-01 00001",
		"00002 Hai  2023-04-10 00002",
		"00002 Hai Mới 2019-10-07 2025-07-01 00001,00003",
		"00004 Bốn  2025-07-01 00003",
		"00005 Cũ  2023-04-10 00001",
		"00006 Lặng 2019-10-07 2025-03-01 00001,00002,00004 ?",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	delete(s.into, "00004")
	if _, err := buildUntilMerger(s, io.Discard); err == nil || !strings.Contains(err.Error(), "00004 xã Bốn: nothing is said") {
		t.Errorf("a commune without successor: %v", err)
	}
}
