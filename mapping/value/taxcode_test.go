package value_test

import (
	"testing"

	"github.com/lienthong/truc/mapping/value"
)

// The codes are invented.
func TestAppendTaxCode(t *testing.T) {
	for _, c := range []struct {
		in      string
		numeric bool
		want    string
		lost    int
		fault   value.Fault
	}{
		{"0100000018", false, "", 0, value.WrongCheckDigit},
		{taxCode("010000001"), false, taxCode("010000001"), 0, value.NoFault},
		{" 99-9000.123" + taxCode("999000123")[9:], false, taxCode("999000123"), 0, value.NoFault},
		{taxCode("999000123") + "001", false, taxCode("999000123") + "-001", 0, value.NoFault},
		{taxCode("999000123") + "-001", false, taxCode("999000123") + "-001", 0, value.NoFault},
		{taxCode("999000123") + " - 999", false, taxCode("999000123") + "-999", 0, value.NoFault},
		{taxCode("999000123") + "000", false, "", 0, value.WrongForm},
		{taxCode("010000001")[1:], true, taxCode("010000001"), 1, value.NoFault},
		{taxCode("010000001")[1:], false, "", 0, value.WrongForm},
		{taxCode("010000001")[1:] + "002", true, taxCode("010000001") + "-002", 1, value.NoFault},
		{taxCode("010000001")[1:] + "002", false, "", 0, value.WrongForm},
		{"99900012", true, "", 0, value.WrongForm},
		{"0000000018", false, "", 0, value.WrongForm},
		{"0100000000", false, "", 0, value.WrongForm},
		{"99900012345678", false, "", 0, value.WrongForm},
		{"99900012345678901234", false, "", 0, value.WrongForm},
		{"MST 9990001234", false, "", 0, value.WrongForm},
		{"", false, "", 0, value.WrongForm},
		{"-", false, "", 0, value.WrongForm},
		{"９990001234", false, "", 0, value.WrongForm},
	} {
		got, lost, fault := value.AppendTaxCode([]byte("x"), []byte(c.in), c.numeric)
		if string(got) != "x"+c.want || lost != c.lost || fault != c.fault {
			t.Errorf("%q: %q, %d, %d; want %q, %d, %d", c.in, got, lost, fault, c.want, c.lost, c.fault)
		}
	}
	// Of the ten digits that could stand last one is right, or none where 10 − Σ mod 11 is ten.
	for _, nine := range []string{"010000001", "999000123", "900000001", "123456789"} {
		right := 0
		for d := range 10 {
			if _, _, fault := value.AppendTaxCode(nil, []byte(nine+string(rune('0'+d))), false); fault == value.NoFault {
				right++
			}
		}
		if sum := weighted(nine); right != 1 && sum%11 != 0 || right != 0 && sum%11 == 0 {
			t.Errorf("%s has %d check digits", nine, right)
		}
	}
}

func weighted(nine string) int {
	sum := 0
	for i, w := range []int{31, 29, 23, 19, 17, 13, 7, 5, 3} {
		sum += w * int(nine[i]-'0')
	}
	return sum
}

// taxCode puts the check digit behind nine invented digits.
func taxCode(nine string) string {
	return nine + string(rune('0'+10-weighted(nine)%11))
}

func TestAppendPersonID(t *testing.T) {
	for _, c := range []struct {
		in      string
		numeric bool
		want    string
		lost    int
		short   bool
	}{
		{"001090000123", false, "001090000123", 0, false},
		{" 001 090-000.123\u00a0", false, "001090000123", 0, false},
		{"1090000123", true, "001090000123", 2, false},
		{"12090000123", true, "012090000123", 1, false},
		{"001090000123", true, "001090000123", 0, false},
		{"1090000123", false, "", 0, false},
		{"123456789", false, "", 0, true},
		{"123456789", true, "", 0, true},
		{"12345678", true, "", 0, false},
		{"0010900001234", false, "", 0, false},
		{"00109000012a", false, "", 0, false},
		{"", false, "", 0, false},
	} {
		got, lost, short, ok := value.AppendPersonID([]byte("x"), []byte(c.in), c.numeric)
		if string(got) != "x"+c.want || ok != (c.want != "") || lost != c.lost || short != c.short {
			t.Errorf("%q: %q, %d, %v, %v", c.in, got, lost, short, ok)
		}
	}
	for id, want := range map[string]value.PersonID{
		"001090000123": {1990, true}, "001190000123": {1990, false}, "001200000123": {2000, true}, "001325000123": {2025, false}, "001999000123": {2399, false},
	} {
		if got, ok := value.ParsePersonID([]byte(id)); !ok || got != want {
			t.Errorf("%s: %v, %v", id, got, ok)
		}
	}
	for _, bad := range []string{"", "00109000012", "00109000012x"} {
		if _, ok := value.ParsePersonID([]byte(bad)); ok {
			t.Errorf("%q was read", bad)
		}
	}
}
