package postgres

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestPosition(t *testing.T) {
	p := &position{Version: 1, System: "7301234567890123456", Timeline: 3, Slot: "truc_h44_15_hotich", LSN: 0x16B3748, Index: 7, Confirmed: 0xA_0000_00FF, Tables: []byte(`{"public.a":{"oid":1,"run":2,"rows":3}}`)}
	text := string(p.encode())
	want := `{"v":1,"system":"7301234567890123456","timeline":3,"slot":"truc_h44_15_hotich","lsn":"0/16B3748","index":7,"confirmed":"A/FF","tables":{"public.a":{"oid":1,"run":2,"rows":3}}}`
	if diff := cmp.Diff(want, text); diff != "" {
		t.Error(diff)
	}
	got, tables, err := parsePosition([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]*tableState{"public.a": {OID: 1, Run: 2, Rows: 3}}, tables); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"", "x", `{}`, `{"v":2}`, `{"v":1,"lsn":"y"}`, `{"v":1,"tables":[]}`} {
		if _, _, err := parsePosition([]byte(bad)); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestLSN(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := lsn(rapid.Uint64().Draw(t, "lsn"))
		var back lsn
		if err := back.UnmarshalText(l.append(nil)); err != nil || back != l || l.String() != string(l.append(nil)) {
			t.Fatalf("%s became %s and %s, %v", l, l.append(nil), back, err)
		}
	})
}
