package value

import "fmt"

// Ambiguous returns a text that is one date by l and another by other, as "03/02/2011" is by dd/MM/yyyy and MM/dd/yyyy; "" when
// no date of our time is written so. Where one of them states less (01/MM/yyyy beside dd/MM/yyyy), what they share is meant.
func (l *Layout) Ambiguous(other *Layout) string {
	if l.serial || other.serial || l.precision != other.precision {
		return ""
	}
	dates := []DateTime{
		{Year: 2003, Month: 2, Day: 1, Hour: 4, Min: 5, Sec: 6},
		{Year: 2011, Month: 2, Day: 3, Hour: 4, Min: 5, Sec: 6},
		{Year: 2012, Month: 10, Day: 11, Hour: 12, Min: 13, Sec: 14},
		// Two centuries for two digits of a year differ in the years that one of them begins with.
		{Year: l.first, Month: 1, Day: 1},
		{Year: other.first, Month: 1, Day: 1},
	}
	for _, t := range dates {
		text := l.write(t)
		one, ok := l.Parse(text)
		if !ok {
			continue
		}
		if two, ok := other.Parse(text); ok && one != two && two.Year >= 1800 && two.Year < 2200 {
			return string(text)
		}
	}
	return ""
}

// write is a date as a text of the layout.
func (l *Layout) write(t DateTime) []byte {
	values := [fieldCount]int{yearField: t.Year, monthField: t.Month, dayField: t.Day, hourField: t.Hour, minuteField: t.Min, secondField: t.Sec}
	if l.first != 0 {
		values[yearField] %= 100
	}
	var out []byte
	for _, p := range l.parts {
		if p.field == literalByte {
			out = append(out, p.literal)
			continue
		}
		out = fmt.Appendf(out, "%0*d", p.min, values[p.field])
	}
	return out
}
