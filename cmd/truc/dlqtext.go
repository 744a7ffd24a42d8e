package main

import (
	"github.com/lienthong/truc/pipeline"
	"github.com/lienthong/truc/schemas"
)

// faults are what is wrong with a letter: its violations, or the one fault that its reason stands for.
func faults(l *pipeline.Letter) []pipeline.LetterViolation {
	if len(l.Violations) > 0 {
		return l.Violations
	}
	v := pipeline.LetterViolation{Rule: l.Reason}
	switch l.Reason {
	case "key":
		v.Group, v.VI, v.EN = schemas.GroupMissing, "Không lập được khóa của bản ghi từ dòng này.", "The key of the record cannot be made from this row."
	case "oversize":
		v.Group, v.VI, v.EN = schemas.GroupOutlier, "Bản ghi quá lớn để truyền trên trục.", "The record is larger than the bus takes."
	default:
		v.VI, v.EN = "Bản ghi không truyền được.", "The record could not be carried."
	}
	return []pipeline.LetterViolation{v}
}

// groupName names an error group of the national data-quality model.
func groupName(group string) (vi, en string) {
	switch group {
	case schemas.GroupMissing:
		return "thiếu dữ liệu", "missing"
	case schemas.GroupOutlier:
		return "giá trị bất thường", "outlier"
	case schemas.GroupDuplicate:
		return "trùng lặp", "duplicate"
	case schemas.GroupFormat:
		return "sai định dạng", "format"
	case schemas.GroupReference:
		return "sai tham chiếu", "reference"
	case schemas.GroupContradiction:
		return "mâu thuẫn giữa các trường", "contradiction"
	case schemas.GroupStale:
		return "dữ liệu cũ", "stale"
	case schemas.GroupNational:
		return "khác dữ liệu quốc gia", "differs from the national reference"
	}
	return "khác", "other"
}

// remedy says what to do about a fault: first what only one rule or reason asks for, then what its group does.
func remedy(reason, rule, group string) (vi, en string) {
	switch rule {
	case schemas.RuleUnmappedCode:
		return "Bổ sung mã này vào bảng mã của ánh xạ, hoặc sửa mã trong hồ sơ gốc.", "Add this code to the codes of the mapping, or correct it in the original record."
	case schemas.RuleEncoding:
		return "Kiểm tra bảng mã khai báo trong ánh xạ; nhập lại văn bản trong hồ sơ gốc nếu bị hỏng.", "Check the encoding that the mapping declares; type the text again in the original record if it is damaged."
	case "additionalProperties", "additionalItems", "propertyNames", "false":
		return "Sửa ánh xạ: chuẩn không có thuộc tính này.", "Correct the mapping: the standard has no such property."
	case "not-an-event":
		return "Báo cơ quan gửi: bản ghi này không phải do truc phát.", "Tell the sending agency: truc did not publish this record."
	}
	switch reason {
	case "key":
		return "Điền các cột làm khóa trong hồ sơ gốc, hoặc sửa ánh xạ của khóa.", "Fill in the columns of the key in the original record, or correct the mapping of the key."
	case "oversize":
		return "Bỏ bớt nội dung lớn (ảnh, tệp quét) khỏi trường này.", "Take large content (pictures, scans) out of this field."
	case "unique":
		return "Tìm dòng khác ở đích đang giữ giá trị này và sửa dòng sai.", "Find the other row at the sink that holds this value, and correct the one that is wrong."
	case "foreign-key":
		return "Bổ sung ở đích dòng mà bản ghi này trỏ tới.", "Add at the sink the row that this record points at."
	case "not-null", "check", "type", "too-long":
		return "Sửa ánh xạ của bảng đích, hoặc nới ràng buộc của cột.", "Correct the mapping to the sink's table, or widen the constraint of the column."
	case "conflict":
		return "Hai nguồn cùng giữ bản ghi này: xác định cơ quan quản lý nó, rồi khai báo conflict.", "Two sources hold this record: find out whose it is, and declare the conflict."
	case "unreadable":
		return "Nâng cấp truc, hoặc đóng thư này bằng truc dlq drop.", "Upgrade truc, or close this letter with truc dlq drop."
	}
	switch group {
	case schemas.GroupMissing:
		return "Bổ sung thông tin còn thiếu trong hồ sơ gốc.", "Fill in what is missing in the original record."
	case schemas.GroupOutlier:
		return "Đối chiếu giá trị với giấy tờ gốc và sửa lại.", "Compare the value with the paper original, and correct it."
	case schemas.GroupDuplicate:
		return "Xóa hoặc gộp mục bị trùng.", "Remove or merge what is there twice."
	case schemas.GroupFormat:
		return "Nhập lại giá trị theo đúng định dạng.", "Type the value again in the required form."
	case schemas.GroupReference:
		return "Chọn lại mã có trong danh mục.", "Choose a code that the code list has."
	case schemas.GroupContradiction:
		return "Kiểm tra các trường liên quan và sửa trường sai.", "Check the fields concerned, and correct the one that is wrong."
	case schemas.GroupStale:
		return "Cập nhật thông tin mới nhất.", "Bring the record up to date."
	case schemas.GroupNational:
		return "Đối chiếu với cơ sở dữ liệu quốc gia.", "Compare with the national database."
	}
	return "Kiểm tra hồ sơ gốc và ánh xạ.", "Check the original record and the mapping."
}
