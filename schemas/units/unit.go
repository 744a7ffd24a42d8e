// Package units knows the administrative units of Viet Nam with their dates: the provinces, districts and communes before
// 1 July 2025, the provinces and communes since then, what changed after, and what became of what. A code means nothing
// without a date (24 was Bắc Giang, and is Bắc Ninh), so that every question here has one.
//
// The data come from open data (data/README.md), are embedded, and are read when they are first asked for.
package units

// Level says how high a unit stands.
type Level uint8

const (
	// NoLevel is of no unit.
	NoLevel Level = iota
	// Province is a tỉnh, or a thành phố under the central government; its code has two digits.
	Province
	// District is a huyện, quận, thị xã or thành phố below a province, which ended on 1 July 2025; its code has three digits.
	District
	// Commune is a xã, phường, thị trấn or đặc khu; its code has five digits.
	Commune
)

func (l Level) String() string {
	switch l {
	case Province:
		return "tinh"
	case District:
		return "huyen"
	case Commune:
		return "xa"
	case NoLevel:
	}
	return ""
}

// Unit is an administrative unit as it was over a time: with another name, type or parent it is another Unit. Units are
// shared and must not be changed.
type Unit struct {
	// Code is the code of the General Statistics Office's list.
	Code  string
	Level Level
	// Type is the kind of unit in small letters, "thị trấn", Name what is written behind it: "Lai Cách", or "5" of Phường 5.
	Type, Name string
	// Province and District are the codes of the units that this one is in, "" where there is none.
	Province, District string
	// From is the first day, Until the day after the last one; 0 when the list does not say or does not end.
	From, Until Date
	// Act names what made the unit so, as far as the sources say.
	Act string
	// Into are the units that took over its territory when it ended: one, or several among which it was divided.
	Into []*Unit
	// Vague: it became one of Into, and the sources do not say which.
	Vague bool
}

// Full is the type and the name: "thị trấn Lai Cách".
func (u *Unit) Full() string { return u.Type + " " + u.Name }

// In reports whether the unit was in force on a day.
func (u *Unit) In(at Date) bool { return u.From <= at && (u.Until == 0 || at < u.Until) }
