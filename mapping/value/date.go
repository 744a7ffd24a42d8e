package value

// Precision says how much of a date is known. Its names are those of the shared type ngayKhongDayDu.
type Precision uint8

const (
	// Year is "nam": only the year is known.
	Year Precision = iota + 1
	// Month is "thang": year and month.
	Month
	// Day is "ngay": the whole date.
	Day
	// Time is a date with a time of day. It has no name in ngayKhongDayDu.
	Time
)

func (p Precision) String() string {
	switch p {
	case Year:
		return "nam"
	case Month:
		return "thang"
	case Day:
		return "ngay"
	case Time:
		return "gio"
	}
	return ""
}

// DateTime is a date of the calendar with a time of day, without a zone. Fields beyond Precision are zero.
type DateTime struct {
	Year, Month, Day, Hour, Min, Sec, Nano int
	Precision                              Precision
}

// valid checks the calendar: years 1 to 9999, no 30 February, no leap second.
func (t DateTime) valid() bool {
	return t.Year >= 1 && t.Year <= 9999 &&
		(t.Precision < Month || t.Month >= 1 && t.Month <= 12) &&
		(t.Precision < Day || t.Day >= 1 && t.Day <= daysIn(t.Year, t.Month)) &&
		t.Hour < 24 && t.Min < 60 && t.Sec < 60
}

// AddMinutes moves a whole date and time on (or back) by minutes: an instant in UTC becomes the wall time of an offset. ok is false beyond the years 1 to 9999.
func (t DateTime) AddMinutes(minutes int) (DateTime, bool) {
	total := t.Hour*60 + t.Min + minutes
	days := floorDiv(total, 24*60)
	total -= days * 24 * 60
	t.Hour, t.Min = total/60, total%60
	for ; days > 0; days-- {
		if t.Day++; t.Day > daysIn(t.Year, t.Month) {
			t.Day = 1
			if t.Month++; t.Month > 12 {
				t.Year, t.Month = t.Year+1, 1
			}
		}
	}
	for ; days < 0; days++ {
		if t.Day--; t.Day < 1 {
			if t.Month--; t.Month < 1 {
				t.Year, t.Month = t.Year-1, 12
			}
			t.Day = daysIn(t.Year, t.Month)
		}
	}
	return t, t.Year >= 1 && t.Year <= 9999
}

// AppendISODate appends "2006-01-02". t must have a day.
func AppendISODate(dst []byte, t DateTime) []byte {
	dst = appendYear(dst, t.Year)
	dst = append(dst, '-', byte('0'+t.Month/10), byte('0'+t.Month%10))
	return append(dst, '-', byte('0'+t.Day/10), byte('0'+t.Day%10))
}

// AppendISODateTime appends RFC 3339 with an offset in minutes east of UTC (Vietnam: 420): "2006-01-02T15:04:05+07:00", with a
// fraction only where there is one; offset 0 is "Z". It states that t is the wall time at that offset, and converts nothing.
func AppendISODateTime(dst []byte, t DateTime, offset int) []byte {
	dst = AppendISODate(dst, t)
	dst = append(dst, 'T', byte('0'+t.Hour/10), byte('0'+t.Hour%10), ':', byte('0'+t.Min/10), byte('0'+t.Min%10),
		':', byte('0'+t.Sec/10), byte('0'+t.Sec%10))
	if t.Nano != 0 {
		dst = append(dst, '.')
		for unit, rest := 100_000_000, t.Nano; rest > 0; unit /= 10 {
			dst = append(dst, byte('0'+rest/unit))
			rest %= unit
		}
	}
	if offset == 0 {
		return append(dst, 'Z')
	}
	sign := byte('+')
	if offset < 0 {
		sign, offset = '-', -offset
	}
	h, m := offset/60, offset%60
	return append(dst, sign, byte('0'+h/10), byte('0'+h%10), ':', byte('0'+m/10), byte('0'+m%10))
}

// ParseISODate reads the canonical "2006-01-02" (record.Date). Years beyond four digits, BC and the infinities are refused: no document can say them.
func ParseISODate(src []byte) (DateTime, bool) {
	if len(src) != 10 || src[4] != '-' || src[7] != '-' || !allDigits(src[:4]) || !allDigits(src[5:7]) || !allDigits(src[8:]) {
		return DateTime{}, false
	}
	t := DateTime{Year: digits(src[:4]), Month: digits(src[5:7]), Day: digits(src[8:]), Precision: Day}
	if !t.valid() {
		return DateTime{}, false
	}
	return t, true
}

// ParseISODateTime reads the canonical "2006-01-02T15:04:05.999999" (record.DateTime), and with a "Z" after it
// (record.Timestamp), for which utc is true. The fraction has 1 to 9 digits or is not there.
func ParseISODateTime(src []byte) (t DateTime, utc, ok bool) {
	if len(src) < 19 || src[10] != 'T' {
		return DateTime{}, false, false
	}
	if t, ok = ParseISODate(src[:10]); !ok {
		return DateTime{}, false, false
	}
	clock := src[11:]
	if clock[2] != ':' || clock[5] != ':' || !allDigits(clock[:2]) || !allDigits(clock[3:5]) || !allDigits(clock[6:8]) {
		return DateTime{}, false, false
	}
	t.Hour, t.Min, t.Sec, t.Precision = digits(clock[:2]), digits(clock[3:5]), digits(clock[6:8]), Time
	rest := clock[8:]
	if n := len(rest); n > 0 && rest[n-1] == 'Z' {
		utc, rest = true, rest[:n-1]
	}
	if len(rest) > 0 {
		if rest[0] != '.' || len(rest) < 2 || len(rest) > 10 || !allDigits(rest[1:]) {
			return DateTime{}, false, false
		}
		t.Nano = nanos(rest[1:])
	}
	if !t.valid() {
		return DateTime{}, false, false
	}
	return t, utc, true
}

// nanos reads the digits of a fraction of a second, at most nine.
func nanos(b []byte) int {
	n := digits(b)
	for i := len(b); i < 9; i++ {
		n *= 10
	}
	return n
}

func appendYear(dst []byte, y int) []byte {
	return append(dst, byte('0'+y/1000%10), byte('0'+y/100%10), byte('0'+y/10%10), byte('0'+y%10))
}

// daysIn is the length of a month, 1 to 12.
func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

func floorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
