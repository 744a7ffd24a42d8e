package value

import (
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Encoding is how the texts of a column are written. Decoding gives UTF-8 in NFC; encoding takes UTF-8, NFC or not.
type Encoding struct {
	// Name is the word of the mapping language: "tcvn3".
	Name string
	// VI and EN describe it in one line.
	VI, EN         string
	decode, encode func(dst, src []byte) ([]byte, bool)
}

// Encodings lists them all. Which one a column has is declared and never guessed: the bytes of one are valid in another, and mean other words.
//
// The -latin1 forms are for bytes that were taken for Latin-1 or CP1252 on their way and arrive as UTF-8 (see AppendTCVN3Latin1).
func Encodings() []Encoding {
	return []Encoding{
		{"utf-8", "Unicode, dựng sẵn hoặc tổ hợp", "Unicode, composed or decomposed", appendUTF8, appendUTF8},
		{"tcvn3", "TCVN3 (ABC, phông .VnTime)", "TCVN3 (ABC, .VnTime fonts)", AppendTCVN3, EncodeTCVN3},
		{"tcvn3-hoa", "TCVN3 gõ bằng phông chữ hoa (.VnTimeH): đọc ra chữ in hoa", "TCVN3 typed in a capital font (.VnTimeH): read as capitals", AppendTCVN3Capitals, EncodeTCVN3Capitals},
		{"tcvn3-latin1", "TCVN3 đã bị đọc nhầm thành Latin-1: “NguyÔn V¨n”", "TCVN3 that was taken for Latin-1: “NguyÔn V¨n”", AppendTCVN3Latin1, EncodeTCVN3Latin1},
		{"tcvn3-latin1-hoa", "như tcvn3-latin1, gõ bằng phông chữ hoa", "as tcvn3-latin1, typed in a capital font", fromLatin1(AppendTCVN3Capitals), toLatin1(EncodeTCVN3Capitals)},
		{"vni", "VNI (phông VNI-Times)", "VNI (VNI-Times fonts)", AppendVNI, EncodeVNI},
		{"vni-latin1", "VNI đã bị đọc nhầm thành Latin-1: “Nguyeãn Vaên”", "VNI that was taken for Latin-1: “Nguyeãn Vaên”", fromLatin1(AppendVNI), toLatin1(EncodeVNI)},
		{"viscii", "VISCII 1.1", "VISCII 1.1", AppendVISCII, EncodeVISCII},
		{"viscii-latin1", "VISCII đã bị đọc nhầm thành Latin-1", "VISCII that was taken for Latin-1", fromLatin1(AppendVISCII), toLatin1(EncodeVISCII)},
		{"cp1258", "Windows-1258 (dấu thanh là ký tự riêng)", "Windows-1258 (tones are characters of their own)", AppendCP1258, EncodeCP1258},
		{"cp1258-latin1", "Windows-1258 đã bị đọc nhầm thành Latin-1: “NguyêÞn”", "Windows-1258 that was taken for Latin-1: “NguyêÞn”", fromLatin1(AppendCP1258), toLatin1(EncodeCP1258)},
	}
}

// EncodingNamed returns the encoding of a name of the mapping language.
func EncodingNamed(name string) (Encoding, bool) {
	for _, e := range Encodings() {
		if e.Name == name {
			return e, true
		}
	}
	return Encoding{}, false
}

// Decode appends text that is written in the encoding as UTF-8 in NFC. ok is false at anything that has no meaning in it.
func (e Encoding) Decode(dst, src []byte) (out []byte, ok bool) { return e.decode(dst, src) }

// Encode appends UTF-8 text as the encoding writes it. ok is false for a character that it cannot say: nothing is replaced by "?".
func (e Encoding) Encode(dst, src []byte) (out []byte, ok bool) { return e.encode(dst, src) }

func appendUTF8(dst, src []byte) ([]byte, bool) {
	if asciiPrefix(src) == len(src) {
		return append(dst, src...), true
	}
	if !utf8.Valid(src) {
		return dst, false
	}
	if !norm.NFC.IsNormal(src) {
		src = norm.NFC.Bytes(src)
	}
	return append(dst, src...), true
}
