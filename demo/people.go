package demo

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// Parts of names; any person they make is made up.
var (
	families = []string{"Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Phan", "Vũ", "Đặng", "Bùi", "Đỗ", "Hồ", "Ngô", "Dương", "Lý"}
	middles  = []string{"Văn", "Thị", "Đức", "Minh", "Ngọc", "Thu", "Quốc", "Thanh", "Hữu", "Khánh", "Bảo", "Gia"}
	givens   = []string{"An", "Bình", "Chi", "Dũng", "Hà", "Hương", "Khôi", "Lan", "Linh", "Mai", "Nam", "Phúc", "Quỳnh", "Sơn", "Thảo", "Trí", "Uyên", "Vy", "Yến", "Ước"}
	places   = []string{"Trạm y tế phường Tích Sơn", "Bệnh viện đa khoa tỉnh", "Trạm y tế xã Định Trung", "Nhà riêng"}
)

func pick(r *rand.Rand, from []string) string { return from[r.IntN(len(from))] }

// child is a made-up person.
type child struct {
	family, middle, given string
	year, month, day      int
	girl                  bool
}

func newChild(r *rand.Rand) child {
	c := child{family: pick(r, families), middle: pick(r, middles), given: pick(r, givens), year: 2021 + r.IntN(6), month: 1 + r.IntN(12), day: 1 + r.IntN(28), girl: r.IntN(2) == 0}
	if r.IntN(12) == 0 {
		c.year = 2008 + r.IntN(8) // registered late: no longer a small child, which the insurer leaves out
	}
	if c.year == 2026 {
		c.month = 1 + r.IntN(6)
	}
	return c
}

func (c child) name() string { return strings.Join([]string{c.family, c.middle, c.given}, " ") }

// legacyBirthday writes a birthday as the old system's clerks did: often without the day, sometimes the year alone.
func (c child) legacyBirthday(r *rand.Rand) string {
	switch r.IntN(8) {
	case 0:
		return strconv.Itoa(c.year)
	case 1:
		return fmt.Sprintf("%02d/%d", c.month, c.year)
	}
	return fmt.Sprintf("%02d/%02d/%d", c.day, c.month, c.year)
}
