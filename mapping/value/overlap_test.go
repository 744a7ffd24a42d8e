package value

import "testing"

func TestAmbiguousLayouts(t *testing.T) {
	for _, c := range []struct{ a, b, want string }{
		{"dd/MM/yyyy", "MM/dd/yyyy", "01/02/2003"},
		{"d/M/yyyy", "MM/dd/yyyy", "11/10/2012"}, // 1/2/2003 is one of the first only
		{"d/M/yyyy", "M/d/yyyy", "1/2/2003"},
		{"MM/dd/yyyy", "d/M/yyyy", "02/01/2003"},
		{"dd/MM/yyyy HH:mm", "dd/MM/yyyy mm:HH", "01/02/2003 04:05"},
		{"dd/MM/yy[1930]", "yy[1930]/MM/dd", "01/02/03"},
		{"dd/MM/yy[1930]", "dd/MM/yy[1950]", "01/01/30"},
		{"dd/MM/yy[1950]", "dd/MM/yy[1930]", "01/01/30"},
		{"yyyyMMdd", "ddMMyyyy", ""}, // 20030201 is no day of the year 201
		{"dd/MM/yyyy", "d/M/yyyy", ""},
		{"dd/MM/yyyy", "dd-MM-yyyy", ""},
		{"dd/MM/yyyy", "01/MM/yyyy", ""},
		{"MM/yyyy", "yyyy", ""},
		{"yyyyMM", "MMyyyy", ""},
		{ExcelLayout, "dd/MM/yyyy", ""},
		{"dd/MM/yyyy", "dd/MM/yyyy", ""},
	} {
		a, err := CompileLayout(c.a)
		if err != nil {
			t.Fatal(err)
		}
		b, err := CompileLayout(c.b)
		if err != nil {
			t.Fatal(err)
		}
		if got := a.Ambiguous(b); got != c.want {
			t.Errorf("%s and %s: %q, want %q", c.a, c.b, got, c.want)
		}
	}
}
