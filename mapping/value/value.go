// Package value holds the functions by which legacy Vietnamese cells become clean values: text encodings, names, codes,
// numbers and dates. They are pure functions over bytes that append to a buffer of the caller, and know nothing of rows,
// expressions or files.
//
//	TCVN3 bytes → UTF-8 NFC → trimmed text → "Nguyễn Văn An"
//	"07/06/1975", layouts → Partial{1975, 6, 7} → "1975-06-07"
//
// A function that can fail returns ok == false and dst as it was given; it never returns half a result, and never says
// why: the caller knows the column, and may not repeat the value.
package value
