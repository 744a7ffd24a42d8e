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
)

func pick(r *rand.Rand, from []string) string { return from[r.IntN(len(from))] }

// child is a made-up person.
type child struct {
	family, middle, given string
	year, month, day      int
	girl                  bool
}

// newChild is registered in the middle of a year, at most five years late, but for a few who are no children any more, which the
// insurer leaves out.
func newChild(r *rand.Rand, registered int) child {
	c := child{family: pick(r, families), middle: pick(r, middles), given: pick(r, givens), year: registered - r.IntN(6), month: 1 + r.IntN(12), day: 1 + r.IntN(28), girl: r.IntN(2) == 0}
	if r.IntN(12) == 0 {
		c.year = 2000 + r.IntN(8)
	}
	if c.year == registered {
		c.month = 1 + r.IntN(4)
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

// commune is where a child may be born, as the clerks of the day write it.
type commune struct{ code, name string }

// communes of the district Bình Giang in 2019: the first went to xã Bình Giang of today, whose code another of them had, one
// became part of a town before that, and the last was divided, so that nobody can say in which commune of today a house lies.
func communesOf2019() []commune {
	return []commune{
		{"10978", "xã Hồng Khê, huyện Bình Giang, tỉnh Hải Dương"},
		{"10966", "xã Tân Việt, huyện Bình Giang, tỉnh Hải Dương"},
		{"10957", "xã Tráng Liệt, huyện Bình Giang, tỉnh Hải Dương"},
		{"10990", "xã Thái Dương, huyện Bình Giang, tỉnh Hải Dương"},
	}
}

// communesOfToday are what has become of them.
func communesOfToday() []commune {
	return []commune{{"10966", "xã Bình Giang, thành phố Hải Phòng"}, {"10945", "xã Kẻ Sặt, thành phố Hải Phòng"}}
}
