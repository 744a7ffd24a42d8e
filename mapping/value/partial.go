package value

// Partial is a date of which less than the day may be known (ngayKhongDayDu). Fields beyond Precision are zero: an
// unknown month is never January.
type Partial struct {
	Year, Month, Day int
	Precision        Precision // Year, Month or Day
}

// ParsePartial reads a date by the first of the layouts that fits. A time of day is dropped.
func ParsePartial(layouts []*Layout, src []byte) (Partial, bool) {
	for _, l := range layouts {
		if t, ok := l.Parse(src); ok {
			return t.Partial(), true
		}
	}
	return Partial{}, false
}

// ParsePartialISO reads the canonical value of a partial date: "1975", "1975-06", "1975-06-12".
func ParsePartialISO(src []byte) (Partial, bool) {
	var t DateTime
	switch {
	case len(src) == 10:
		t, ok := ParseISODate(src)
		return t.Partial(), ok
	case len(src) == 7 && src[4] == '-' && allDigits(src[:4]) && allDigits(src[5:]):
		t = DateTime{Year: digits(src[:4]), Month: digits(src[5:]), Precision: Month}
	case len(src) == 4 && allDigits(src):
		t = DateTime{Year: digits(src), Precision: Year}
	}
	if t.Precision == 0 || !t.valid() {
		return Partial{}, false
	}
	return t.Partial(), true
}

// Partial drops the time of day.
func (t DateTime) Partial() Partial {
	return Partial{Year: t.Year, Month: t.Month, Day: t.Day, Precision: min(t.Precision, Day)}
}

// AppendPartialValue appends "1975", "1975-06" or "1975-06-12" (giaTri of ngayKhongDayDu; doChinhXac is Precision.String).
func AppendPartialValue(dst []byte, p Partial) []byte {
	dst = appendYear(dst, p.Year)
	if p.Precision >= Month {
		dst = append(dst, '-', byte('0'+p.Month/10), byte('0'+p.Month%10))
	}
	if p.Precision >= Day {
		dst = append(dst, '-', byte('0'+p.Day/10), byte('0'+p.Day%10))
	}
	return dst
}

// AgeAt is the age in whole years on the day of at: the least that is certain. An unknown month counts as December, an unknown
// day as the last of its month, so that somebody born "1975" is 49 throughout 2025 until 31 December. Who was born on 29
// February is a year older on 1 March of a common year. ok is false when at lies before the earliest day of birth.
func AgeAt(birth Partial, at DateTime) (years int, ok bool) {
	month, day := birth.Month, birth.Day
	switch birth.Precision {
	case Year:
		month, day = 12, 31
	case Month:
		day = daysIn(birth.Year, month)
	case Day, Time: // known
	}
	years = at.Year - birth.Year
	if at.Month < month || at.Month == month && at.Day < day {
		years--
	}
	if years >= 0 {
		return years, true
	}
	earliest := Partial{Year: birth.Year, Month: max(birth.Month, 1), Day: max(birth.Day, 1)}
	born := at.Year > earliest.Year || at.Year == earliest.Year &&
		(at.Month > earliest.Month || at.Month == earliest.Month && at.Day >= earliest.Day)
	return 0, born
}
