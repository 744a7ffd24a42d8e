package value

// vowelRows are the Vietnamese vowels, each with its tones in the order of the tone constants. The capitals are those of unicode.ToUpper.
var vowelRows = [...]string{
	"aàảãáạ", "ăằẳẵắặ", "âầẩẫấậ", "eèẻẽéẹ", "êềểễếệ", "iìỉĩíị", "oòỏõóọ", "ôồổỗốộ", "ơờởỡớợ", "uùủũúụ", "ưừửữứự", "yỳỷỹýỵ",
}

// Tones, in the order of vowelRows.
const (
	noTone = iota
	graveTone
	hookTone
	tildeTone
	acuteTone
	dotTone
	toneCount
)
