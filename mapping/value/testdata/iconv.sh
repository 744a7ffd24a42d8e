#!/usr/bin/env bash
# Prints what glibc's iconv knows of the Vietnamese encodings, as testdata/iconv.txt holds it:
#
#   bash testdata/iconv.sh > testdata/iconv.txt      (in this folder's parent; then put its SHA-256 into iconv_test.go)
#
# "VISCII C6 1EB3": this byte is that character (of CP1258 some are combining tones). "CP1258 1EB3 E3D2": that letter, one of the 134, is written
# so. "-" is what the encoding does not have.
set -eu
export LC_ALL=C.UTF-8
hex() { od -An -v -tx1 | tr -d ' \n' | tr a-f A-F; }
letters=$(printf '%s' 'aàảãáạăằẳẵắặâầẩẫấậeèẻẽéẹêềểễếệiìỉĩíịoòỏõóọôồổỗốộơờởỡớợuùủũúụưừửữứựyỳỷỹýỵđAÀẢÃÁẠĂẰẲẴẮẶÂẦẨẪẤẬEÈẺẼÉẸÊỀỂỄẾỆIÌỈĨÍỊOÒỎÕÓỌÔỒỔỖỐỘƠỜỞỠỚỢUÙỦŨÚỤƯỪỬỮỨỰYỲỶỸÝỴĐ' | iconv -t UCS-4BE | od -An -v -tx1 -w4 | tr -d ' ')
for charset in TCVN5712-1 VISCII CP1258; do
	for high in 0 1 2 3 4 5 6 7 8 9 A B C D E F; do
		for low in 0 1 2 3 4 5 6 7 8 9 A B C D E F; do
			octal=$(printf '\\%03o' "0x$high$low")
			char=$(printf "$octal" | iconv -f "$charset" -t UCS-4BE 2>/dev/null | hex) || char=
			echo "$charset $high$low $(echo "${char:--}" | sed 's/^0000//')"
		done
	done
	for letter in $letters; do
		utf8=$(printf "$(echo "$letter" | sed 's/../\\x&/g')" | iconv -f UCS-4BE -t UTF-8)
		bytes=$(printf '%s' "$utf8" | iconv -t "$charset" 2>/dev/null | hex) || bytes=
		echo "$charset $(echo "$letter" | tr a-f A-F | sed 's/^0000//') ${bytes:--}"
	done
done
