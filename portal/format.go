package portal

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// format writes numbers and times as people write them in a language.
type format struct {
	lang  string
	words map[string]string
	now   time.Time
}

func newFormat(lang string) format {
	f := format{lang: lang, words: map[string]string{}}
	for key, w := range words() {
		f.words[key] = w.vi
		if lang == english {
			f.words[key] = w.en
		}
	}
	return f
}

// as is the format at another time.
func (f format) as(now time.Time) format {
	f.now = now
	return f
}

// number groups the digits: 1.234.567 in Vietnamese, 1,234,567 in English.
func (f format) number(n int64) string {
	digits, sign := strconv.FormatInt(n, 10), ""
	if n < 0 {
		digits, sign = digits[1:], "−"
	}
	separator := "."
	if f.lang == english {
		separator = ","
	}
	var b strings.Builder
	b.WriteString(sign)
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteString(separator)
		}
		b.WriteRune(d)
	}
	return b.String()
}

// decimal writes a number with at most three places.
func (f format) decimal(v float64, places int) string {
	text := strconv.FormatFloat(v, 'f', places, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	if f.lang != english {
		text = strings.Replace(text, ".", ",", 1)
	}
	return text
}

func (f format) bytes(n int64) string {
	const unit = 1024
	if n < unit {
		return f.number(n) + " B"
	}
	value, suffix := float64(n)/unit, 0
	for value >= unit && suffix < 4 {
		value, suffix = value/unit, suffix+1
	}
	return fmt.Sprintf("%s %ciB", f.decimal(value, 1), "KMGTP"[suffix])
}

// seconds writes a short duration.
func (f format) seconds(s float64) string {
	switch {
	case s <= 0:
		return f.say("unit.seconds", "0")
	case s < 1:
		return f.say("unit.milliseconds", f.decimal(s*1000, 0))
	case s < 60:
		return f.say("unit.seconds", f.decimal(s, 1))
	}
	return f.span(time.Duration(s * float64(time.Second)))
}

// span writes a duration in its largest unit: a person looks at "3 hours", not at "3 h 12 min 4 s".
func (f format) span(d time.Duration) string {
	n := func(unit time.Duration, word string) string {
		count := int64(d / unit)
		if count == 1 {
			word += ".one"
		}
		return f.say(word, f.number(count))
	}
	switch {
	case d < time.Minute:
		return n(time.Second, "unit.second")
	case d < time.Hour:
		return n(time.Minute, "unit.minute")
	case d < 48*time.Hour:
		return n(time.Hour, "unit.hour")
	}
	return n(24*time.Hour, "unit.day")
}

// ago is coarse, so that a page at rest does not change all the time.
func (f format) ago(t time.Time) string {
	d := f.now.Sub(t)
	switch {
	case d < 10*time.Second:
		return f.say("time.now")
	case d < time.Minute:
		d = d.Truncate(10 * time.Second)
	}
	return f.say("time.ago", f.span(d))
}

// stamp is a time with its zone, that of the node.
func (f format) stamp(t time.Time) string {
	t = t.In(f.now.Location())
	zone := "UTC"
	if _, offset := t.Zone(); offset != 0 {
		sign := "+"
		if offset < 0 {
			sign, offset = "−", -offset
		}
		zone += sign + strconv.Itoa(offset/3600)
		if minutes := offset / 60 % 60; minutes != 0 {
			zone += fmt.Sprintf(":%02d", minutes)
		}
	}
	layout := "15:04:05 02/01/2006"
	if f.lang == english {
		layout = "2 Jan 2006, 15:04:05"
	}
	return t.Format(layout) + " " + zone
}

// say returns the words of a key, with what they have room for.
func (f format) say(key string, args ...any) string {
	text, known := f.words[key]
	if !known {
		return key
	}
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}
