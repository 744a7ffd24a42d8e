package value

import "unicode/utf8"

// visciiHigh are the letters of VISCII 1.1 (RFC 1456) from 0x80 on.
const visciiHigh = "ẠẮẰẶẤẦẨẬẼẸẾỀỂỄỆỐ" + // 80
	"ỒỔỖỘỢỚỜỞỊỎỌỈỦŨỤỲ" + // 90
	"Õắằặấầẩậẽẹếềểễệố" + // A0
	"ồổỗỠƠộờởịỰỨỪỬơớƯ" + // B0
	"ÀÁÂÃẢĂẳẵÈÉÊẺÌÍĨỳ" + // C0
	"ĐứÒÓÔạỷừửÙÚỹỵÝỡư" + // D0
	"àáâãảăữẫèéêẻìíĩỉ" + // E0
	"đựòóôõỏọụùúũủýợỮ" //   F0

// visciiRunes is the whole table: ASCII, but for six control characters that gave their places to capitals.
var visciiRunes = func() (runes [256]rune) {
	for i := range runes {
		runes[i] = rune(i)
	}
	for i, r := range []rune(visciiHigh) {
		runes[0x80+i] = r
	}
	runes[0x02], runes[0x05], runes[0x06], runes[0x14], runes[0x19], runes[0x1E] = 'Ẳ', 'Ẵ', 'Ẫ', 'Ỷ', 'Ỹ', 'Ỵ'
	return runes
}()

var visciiBytes = func() map[rune]byte {
	m := make(map[rune]byte, 134)
	for b, r := range visciiRunes {
		if r >= utf8.RuneSelf {
			m[r] = byte(b)
		}
	}
	return m
}()

// AppendVISCII decodes raw VISCII bytes to UTF-8 in NFC. Every byte has a meaning, so that nothing tells a text of another encoding: ok is always true.
func AppendVISCII(dst, src []byte) (out []byte, ok bool) {
	for _, b := range src {
		dst = utf8.AppendRune(dst, visciiRunes[b])
	}
	return dst, true
}

// EncodeVISCII is the way back: UTF-8 (NFC or not) to VISCII bytes. ok is false for everything VISCII cannot say, the six control characters
// whose places are taken among it.
func EncodeVISCII(dst, src []byte) (out []byte, ok bool) {
	for _, c := range src {
		if c < utf8.RuneSelf && visciiRunes[c] != rune(c) {
			return dst, false
		}
	}
	return encodeRunes(dst, src, func(dst []byte, r rune) ([]byte, bool) {
		b, ok := visciiBytes[r]
		return append(dst, b), ok
	})
}
