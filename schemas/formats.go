package schemas

import (
	"errors"
	"net/mail"
	"net/url"
	"slices"
	"sync"

	santhosh "github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/xeipuuv/gojsonschema"
)

// Formats returns the values of the keyword format that schemas may use. Each has one implementation, which
// both validators and the fast check call, so that they cannot disagree about it.
func Formats() []string { return slices.Clone(formatNames) }

var formatNames = []string{"date", "date-time", "email", "uri", "uuid"}

func matchFormat(name, s string) bool {
	switch name {
	case "date":
		return isDate(s)
	case "date-time":
		return isDateTime(s)
	case "email":
		a, err := mail.ParseAddress(s)
		return err == nil && a.Address == s
	case "uri":
		u, err := url.Parse(s)
		return err == nil && u.IsAbs()
	case "uuid":
		return isUUID(s)
	}
	return false
}

var errFormat = errors.New("does not have the format")

// registerFormats puts our formats into gojsonschema's process-wide table, over its own: its date-time also
// accepts a bare date or time. Registered once, because the table is shared by all schemas of the process.
var registerFormats = sync.OnceFunc(func() {
	for _, name := range formatNames {
		gojsonschema.FormatCheckers.Add(name, goFormat(name))
	}
})

type goFormat string

func (f goFormat) IsFormat(input any) bool {
	s, ok := input.(string)
	return !ok || matchFormat(string(f), s)
}

func santhoshFormats(c *santhosh.Compiler) {
	for _, name := range formatNames {
		c.RegisterFormat(&santhosh.Format{Name: name, Validate: func(v any) error {
			if s, ok := v.(string); ok && !matchFormat(name, s) {
				return errFormat
			}
			return nil
		}})
	}
	c.AssertFormat()
}

type text interface{ ~string | ~[]byte }

// isDate accepts YYYY-MM-DD of the proleptic Gregorian calendar, years 0001 to 9999.
func isDate[T text](s T) bool {
	if len(s) != 10 || s[4] != '-' || s[7] != '-' {
		return false
	}
	century, ok1 := twoDigits(s[0], s[1])
	year, ok2 := twoDigits(s[2], s[3])
	month, ok3 := twoDigits(s[5], s[6])
	day, ok4 := twoDigits(s[8], s[9])
	year += 100 * century
	if !(ok1 && ok2 && ok3 && ok4) || year == 0 || month < 1 || month > 12 || day < 1 {
		return false
	}
	return day <= daysIn(year, month)
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// isDateTime accepts RFC 3339 with seconds and an offset, upper-case T and Z, at most nine decimals, no leap second:
// the times that a Go time.Time holds without loss.
func isDateTime[T text](s T) bool {
	if len(s) < len("2006-01-02T15:04:05Z") || !isDate(s[:10]) || s[10] != 'T' || s[13] != ':' || s[16] != ':' {
		return false
	}
	hour, ok1 := twoDigits(s[11], s[12])
	minute, ok2 := twoDigits(s[14], s[15])
	second, ok3 := twoDigits(s[17], s[18])
	if !(ok1 && ok2 && ok3) || hour > 23 || minute > 59 || second > 59 {
		return false
	}
	rest := s[19:]
	if rest[0] == '.' {
		n := 1
		for n < len(rest) && isDigit(rest[n]) {
			n++
		}
		if n < 2 || n > 10 || n == len(rest) {
			return false
		}
		rest = rest[n:]
	}
	if len(rest) == 1 {
		return rest[0] == 'Z'
	}
	if len(rest) != 6 || (rest[0] != '+' && rest[0] != '-') || rest[3] != ':' {
		return false
	}
	hour, ok1 = twoDigits(rest[1], rest[2])
	minute, ok2 = twoDigits(rest[4], rest[5])
	return ok1 && ok2 && hour <= 23 && minute <= 59
}

func isUUID[T text](s T) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case !isDigit(c) && (c < 'a' || c > 'f'):
			return false
		}
	}
	return true
}

func twoDigits(a, b byte) (int, bool) {
	return int(a-'0')*10 + int(b-'0'), isDigit(a) && isDigit(b)
}

func isDigit(c byte) bool { return c-'0' <= 9 }
