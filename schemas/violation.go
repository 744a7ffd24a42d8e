package schemas

import (
	"fmt"
	"slices"
	"strings"
)

// Violation says where and why a document is not valid: the content of a dead letter.
// No text in it ever holds a value of the document.
type Violation struct {
	// Pointer is the JSON pointer (RFC 6901) of the offending place; "" is the whole document.
	// For a missing or an undeclared property it is the parent's pointer plus the property.
	Pointer string `json:"pointer"`
	// Rule is the schema keyword that failed ("required", "pattern", ...), or one of the Rule constants.
	Rule string `json:"rule"`
	// Group is the error group under which data quality is counted, one of the Group constants.
	Group string `json:"group"`
	// VI and EN say it in one sentence, in Vietnamese and in English.
	VI string `json:"vi"`
	EN string `json:"en"`
}

// The eight error groups of the national data-quality model (official letter 4856/BCA-TTDLQG).
const (
	GroupMissing       = "missing"       // a value that must be there is not
	GroupOutlier       = "outlier"       // a value outside what is possible
	GroupDuplicate     = "duplicate"     // the same thing twice
	GroupFormat        = "format"        // written in the wrong way
	GroupReference     = "reference"     // points to something that does not exist, such as a code not in its list
	GroupContradiction = "contradiction" // fields that cannot be true together
	GroupStale         = "stale"         // older than it may be
	GroupNational      = "national"      // differs from the national reference data
)

// Rules that are not draft-07 keywords.
const (
	RuleJSON         = "json"          // not a JSON text, or nested too deeply
	RuleEncoding     = "encoding"      // bytes that are not text in the declared encoding
	RuleDuplicateKey = "duplicateKey"  // an object names a property twice
	RuleNumber       = "number"        // a number that cannot be read or is beyond every bound
	RuleDate         = "date"          // text that is no date in any declared layout
	RuleCode         = "code"          // a code that its code list (x-danh-muc) does not hold
	RuleUnmappedCode = "unmapped-code" // a source code for which the mapping names no target
	RuleOversize     = "oversize"      // larger than a record on the bus may be
	RuleUnwritable   = "unwritable"    // a character that the encoding of a target column cannot say
	RuleAmount       = "amount"        // text that is no amount of money, or may be two
	RuleCheckDigit   = "check-digit"   // a number whose check digit does not fit: a slip in it
	RuleTaxCode      = "tax-code"      // text that has not the form of a tax code
	RulePersonID     = "person-id"     // text that has not the form of a personal identification number
	RuleUnlisted     = "unlisted"      // text that is neither a code nor a name of a code list
	RuleAmbiguous    = "ambiguous"     // text that stands for several entries of a code list, or a path for several places
	RuleUnborn       = "unborn"        // a date of birth after the time at which an age is counted
	RuleMalformed    = "malformed"     // a cell that should hold a JSON or XML document and does not
)

// NewViolation words a violation of a rule at a place. The detail completes the sentence and must come from
// a schema or a mapping, never from a row: a code list for RuleCode and RuleUnmappedCode, an encoding for
// RuleEncoding, a list of layouts for RuleDate, the constraint for a keyword; it may be empty.
func NewViolation(pointer, rule, detail string) Violation {
	w, ok := wordings(rule)
	if !ok {
		w = wording{GroupFormat, "Giá trị vi phạm quy tắc " + rule, "The value breaks the rule " + rule}
	}
	vi, en := w.vi, w.en
	if detail != "" {
		vi, en = vi+" ("+detail+")", en+" ("+detail+")"
	}
	return Violation{Pointer: pointer, Rule: rule, Group: w.group, VI: vi + ".", EN: en + "."}
}

// Named returns the violation with a property's title put before its sentences, for people who do not read pointers.
func (v Violation) Named(title func(lang string) string) Violation {
	if t := title("vi"); t != "" {
		v.VI = fmt.Sprintf("“%s”: %s", t, v.VI)
	}
	if t := title("en"); t != "" {
		v.EN = fmt.Sprintf("“%s”: %s", t, v.EN)
	}
	return v
}

type wording struct{ group, vi, en string }

// Rules are all rules that a violation can carry, sorted.
func Rules() []string {
	rules := []string{RuleJSON, RuleEncoding, RuleDuplicateKey, RuleNumber, RuleDate, RuleCode, RuleUnmappedCode, RuleOversize}
	for name := range keywords {
		if _, ok := wordings(name); ok {
			rules = append(rules, name)
		}
	}
	slices.Sort(rules)
	return rules
}

// wordings has one entry for each rule a Violation can carry.
func wordings(rule string) (wording, bool) {
	switch rule {
	case RuleJSON:
		return wording{GroupFormat, "Nội dung không phải là JSON hợp lệ", "The text is not valid JSON"}, true
	case RuleEncoding:
		return wording{GroupFormat, "Văn bản không đúng bảng mã đã khai báo", "The text is not in the declared encoding"}, true
	case RuleDuplicateKey:
		return wording{GroupDuplicate, "Thuộc tính xuất hiện hai lần trong cùng một đối tượng", "The property stands twice in one object"}, true
	case RuleNumber:
		return wording{GroupFormat, "Không đọc được thành số, hoặc số vượt mọi giới hạn", "It cannot be read as a number, or is beyond every bound"}, true
	case RuleDate:
		return wording{GroupFormat, "Không đọc được thành ngày tháng", "It cannot be read as a date"}, true
	case RuleCode:
		return wording{GroupReference, "Mã không có trong danh mục", "The code is not in the code list"}, true
	case RuleUnmappedCode:
		return wording{GroupReference, "Mã của nguồn chưa được ánh xạ sang danh mục", "The source's code is not mapped to the code list"}, true
	case RuleOversize:
		return wording{GroupOutlier, "Quá lớn để truyền trên trục", "It is larger than a record on the bus may be"}, true
	case RuleUnwritable:
		return wording{GroupFormat, "Có ký tự mà bảng mã của cột đích không viết được", "It has a character that the encoding of the target column cannot write"}, true
	case RuleAmount:
		return wording{GroupFormat, "Không đọc được thành số tiền theo đúng một cách", "It cannot be read as an amount of money in exactly one way"}, true
	case RuleCheckDigit:
		return wording{GroupFormat, "Chữ số kiểm tra không khớp, mã bị ghi sai", "The check digit does not fit: the code was written wrongly"}, true
	case RuleTaxCode:
		return wording{GroupFormat, "Không đúng dạng mã số thuế (10 chữ số, đơn vị phụ thuộc thêm 3)", "It is not a tax code (10 digits, 3 more for a dependent unit)"}, true
	case RulePersonID:
		return wording{GroupFormat, "Không đúng dạng số định danh cá nhân (12 chữ số)", "It is not a personal identification number (12 digits)"}, true
	case RuleUnlisted:
		return wording{GroupReference, "Không phải mã hay tên nào trong danh mục", "It is neither a code nor a name of the code list"}, true
	case RuleAmbiguous:
		return wording{GroupReference, "Khớp với nhiều chỗ, không biết chỗ nào là đúng", "It fits several places, and nothing says which is meant"}, true
	case RuleUnborn:
		return wording{GroupContradiction, "Ngày sinh nằm sau thời điểm tính tuổi", "The date of birth lies after the time at which the age is counted"}, true
	case RuleMalformed:
		return wording{GroupFormat, "Nội dung của cột không phải là văn bản JSON hoặc XML đúng chuẩn", "The cell does not hold a well-formed JSON or XML document"}, true
	case "required":
		return wording{GroupMissing, "Thiếu thuộc tính bắt buộc", "A required property is missing"}, true
	case "dependencies":
		return wording{GroupMissing, "Thiếu thuộc tính mà một thuộc tính khác đòi hỏi", "A property that another one requires is missing"}, true
	case "contains":
		return wording{GroupMissing, "Danh sách thiếu phần tử bắt buộc", "The list lacks an element it must have"}, true
	case "type":
		return wording{GroupFormat, "Sai kiểu dữ liệu", "The value has the wrong type"}, true
	case "format":
		return wording{GroupFormat, "Không đúng định dạng", "The value does not have the required format"}, true
	case "pattern":
		return wording{GroupFormat, "Không đúng mẫu quy định", "The value does not match the required pattern"}, true
	case "additionalProperties", "additionalItems", "propertyNames", "false":
		return wording{GroupFormat, "Thuộc tính không có trong chuẩn", "The property is not part of the standard"}, true
	case "enum", "const":
		return wording{GroupOutlier, "Giá trị không thuộc các giá trị cho phép", "The value is not one of those allowed"}, true
	case "minLength":
		return wording{GroupOutlier, "Quá ngắn", "The text is too short"}, true
	case "maxLength":
		return wording{GroupOutlier, "Quá dài", "The text is too long"}, true
	case "minimum", "exclusiveMinimum":
		return wording{GroupOutlier, "Số quá nhỏ", "The number is too small"}, true
	case "maximum", "exclusiveMaximum":
		return wording{GroupOutlier, "Số quá lớn", "The number is too large"}, true
	case "multipleOf":
		return wording{GroupOutlier, "Số không phải bội số của giá trị quy định", "The number is not a multiple of the required one"}, true
	case "minItems", "minProperties":
		return wording{GroupOutlier, "Có quá ít phần tử", "There are too few elements"}, true
	case "maxItems", "maxProperties":
		return wording{GroupOutlier, "Có quá nhiều phần tử", "There are too many elements"}, true
	case "uniqueItems":
		return wording{GroupDuplicate, "Danh sách có phần tử trùng nhau", "The list holds an element twice"}, true
	case "anyOf", "oneOf", "allOf", "not", "then", "else":
		return wording{GroupContradiction, "Các giá trị mâu thuẫn với nhau hoặc không khớp dạng nào được phép", "The values contradict each other or fit none of the allowed forms"}, true
	}
	return wording{}, false
}

// appendPointer returns the pointer of a member: reference tokens escape ~ and / (RFC 6901).
func appendPointer(parent, token string) string {
	if strings.ContainsAny(token, "~/") {
		token = strings.ReplaceAll(strings.ReplaceAll(token, "~", "~0"), "/", "~1")
	}
	return parent + "/" + token
}

func unescapeToken(token string) string {
	return strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
}
