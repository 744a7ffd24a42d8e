package mapping

import (
	celast "cel.dev/cel-go/common/ast"
)

// function is one of truc's functions: how it is written, and how a call becomes a node.
type function struct {
	name, usage string
	min, max    int
	lower       func(l *lowering, e celast.Expr, args []celast.Expr) (node, typ)
	// vi and en are the help, one line each.
	vi, en string
	// moreVI and moreEN are what the reference page adds, "" for nothing.
	moreVI, moreEN string
	// examples are calls with constants, which a test runs.
	examples []functionExample
}

// functionExample is a call and what comes of it, in the notation of the reference page: a text in quotes, JSON, null, "violation RULE", each
// with the remarks behind it: "[GROUP RULE]".
type functionExample struct{ call, result string }

func functionNamed(name string) *function {
	list := functions()
	for i := range list {
		if list[i].name == name {
			return &list[i]
		}
	}
	return nil
}

func functionNames() []string {
	var out []string
	for _, f := range functions() {
		out = append(out, f.name)
	}
	return out
}

// functions lists them all. It is a function, not a variable, because lowering them refers back to the list.
func functions() []function {
	return []function{
		{
			name: "text", usage: "text(x)", min: 1, max: 1, lower: lowerText,
			vi: "văn bản sạch: NFC, bỏ khoảng trắng thừa", en: "clean text: NFC, trimmed, single blanks",
			moreVI:   "Ký tự không nhìn thấy (khoảng trắng độ rộng 0, BOM, gạch nối mềm) bị bỏ; chữ hoa, chữ thường và vị trí dấu thanh giữ nguyên. Số, ngày, đúng/sai thành dạng chữ chuẩn.",
			moreEN:   "Characters that show nothing (zero width, BOM, soft hyphen) go; case and the place of tones stay. Numbers, dates and true/false become their canonical text.",
			examples: []functionExample{{`text("  Nguyễn   Văn Mẫu ")`, `"Nguyễn Văn Mẫu"`}, {`text(12)`, `"12"`}},
		},
		{
			name: "titleCase", usage: "titleCase(x)", min: 1, max: 1, lower: lowerTitleCase,
			vi: "text() rồi viết hoa chữ đầu mỗi từ", en: "text(), then every word with a capital",
			moreVI:   "Chỉ dùng khi cần: tên in hoa của nguồn là sự thật của nguồn. Từ bắt đầu sau khoảng trắng, dấu nối, dấu nháy; chữ đứng sau chữ số giữ nguyên.",
			moreEN:   "Only when asked for: a name in capitals is how the source has it. A word begins after a blank, hyphen or apostrophe; a letter after a digit stays.",
			examples: []functionExample{{`titleCase("NGUYỄN VĂN MẪU")`, `"Nguyễn Văn Mẫu"`}, {`titleCase("H'HEN NIÊ, 12A")`, `"H'Hen Niê, 12A"`}},
		},
		{
			name: "or", usage: "or(a, b)", min: 2, max: 8, lower: lowerOr,
			vi: "giá trị đầu tiên khác null; hằng số mặc định được ghi nhận", en: "the first value that is not null; a constant default leaves a remark",
			examples: []functionExample{{`or(null, "1")`, `"1" [missing default]`}},
		},
		{
			name: "when", usage: "when(condition, x)", min: 2, max: 2, lower: lowerWhen,
			vi: "x nếu điều kiện đúng, nếu không thì null", en: "x where the condition holds, else null",
			examples: []functionExample{{`when(1 < 2, "a")`, `"a"`}, {`when(1 > 2, "a")`, `null`}},
		},
		{
			name: "join", usage: `join([a, b], " ")`, min: 2, max: 2, lower: lowerJoin,
			vi: "nối các phần khác null và khác rỗng", en: "joins what is neither null nor blank",
			examples: []functionExample{{`join(["Nguyễn", "", "Mẫu"], " ")`, `"Nguyễn Mẫu"`}},
		},
		{
			name: "split", usage: `split(x, ";")`, min: 2, max: 2, lower: lowerSplit,
			vi: "tách văn bản thành danh sách, bỏ phần trống", en: "a list of the parts of a text, without the blank ones",
			moreVI:   "Có thể nêu nhiều dấu phân cách: split(x, [\";\", \",\"]). Không còn phần nào là null.",
			moreEN:   "Several separators are possible: split(x, [\";\", \",\"]). Without any part it is null.",
			examples: []functionExample{{`split("A; B;;", ";")`, `["A","B"]`}},
		},
		{
			name: "digits", usage: "digits(x)", min: 1, max: 1, lower: lowerDigits,
			vi: "chỉ giữ chữ số", en: "keeps the digits",
			examples: []functionExample{{`digits("0912 345-678")`, `"0912345678"`}, {`digits("không có")`, `null [format no-digits]`}},
		},
		{
			name: "pad", usage: "pad(x, 12)", min: 2, max: 2, lower: lowerPad,
			vi: "thêm số 0 bên trái cho đủ độ dài", en: "zeros on the left up to a length",
			moreVI:   "Dài hơn thì giữ nguyên, rỗng vẫn rỗng. Số âm là lỗi.",
			moreEN:   "What is longer stays, what is empty stays empty. A negative number is a violation.",
			examples: []functionExample{{`pad(79, 5)`, `"00079"`}, {`pad("", 5)`, `""`}},
		},
		{
			name: "date", usage: `date(x, "dd/MM/yyyy")`, min: 1, max: 2, lower: lowerDate,
			vi: "ngày theo mẫu", en: "a date by its layout",
			moreVI:   "Xem “Mẫu ngày”. Ngày không có thật (30/02) là lỗi, không bao giờ được sửa. Không có mẫu: phần ngày của một cột ngày giờ.",
			moreEN:   "See “Date layouts”. A day that never was (30/02) is a violation and never mended. Without a layout: the day of a column with date and time.",
			examples: []functionExample{{`date("07/06/1975", "dd/MM/yyyy")`, `"1975-06-07"`}, {`date("30/02/1975", "dd/MM/yyyy")`, `violation date`}, {`date(45292, "excel")`, `"2024-01-01"`}, {`date("12/05/31", "dd/MM/yy[1930]")`, `"1931-05-12"`}},
		},
		{
			name: "dateTime", usage: `dateTime(x, "dd/MM/yyyy HH:mm")`, min: 2, max: 3, lower: lowerDateTime,
			vi: "thời điểm theo mẫu, múi giờ Việt Nam nếu không nêu", en: "date and time by its layout, in Vietnam's zone unless said otherwise",
			examples: []functionExample{{`dateTime("07/06/2020 08:30", "dd/MM/yyyy HH:mm")`, `"2020-06-07T08:30:00+07:00"`}, {`dateTime("202006070130", "yyyyMMddHHmm", "UTC")`, `"2020-06-07T01:30:00Z"`}},
		},
		{
			name: "zone", usage: `zone(x, "Asia/Ho_Chi_Minh")`, min: 2, max: 2, lower: lowerZone,
			vi: "nói ngày giờ không có múi giờ là của múi giờ nào", en: "says of which zone a date and time without zone is",
			moreVI: "Cho cột ngày giờ không múi giờ; khai báo dưới columns: { x: { zone: … } } có cùng tác dụng cho cả cột.",
			moreEN: "For a column with date and time without zone; columns: { x: { zone: … } } does the same for the whole column.",
		},
		{
			name: "partialDate", usage: `partialDate(x, ["dd/MM/yyyy", "MM/yyyy", "yyyy"])`, min: 2, max: 2, lower: lowerPartialDate,
			vi: "ngày có thể thiếu ngày hoặc tháng", en: "a date of which day or month may be unknown",
			moreVI:   "Mẫu đầu tiên khớp được dùng. Phần không biết không bao giờ thành 01: hệ thống ghi 00/00/1975 thì khai báo mẫu \"00/00/yyyy\". 30/02/1975 là lỗi: không ai biết phần nào sai.",
			moreEN:   "The first layout that fits is used. What is unknown never becomes 01: for a system that writes 00/00/1975 declare the layout \"00/00/yyyy\". 30/02/1975 is a violation: nobody knows which part is wrong.",
			examples: []functionExample{{`partialDate("06/1975", ["dd/MM/yyyy", "MM/yyyy"])`, `{"giaTri":"1975-06","doChinhXac":"thang"}`}, {`partialDate("00/00/1975", ["dd/MM/yyyy", "00/00/yyyy"])`, `{"giaTri":"1975","doChinhXac":"nam"}`}, {`partialDate("30/02/1975", ["dd/MM/yyyy", "yyyy"])`, `violation date`}},
		},
		{
			name: "age", usage: "age(born, at)", min: 2, max: 2, lower: lowerAge,
			vi: "tuổi tròn tại một thời điểm", en: "whole years of age at a time",
			moreVI:   "Phần chưa biết của ngày sinh được tính là muộn nhất: tuổi chắc chắn đã đủ.",
			moreEN:   "What is unknown of the birth counts as the latest: the age that is certain.",
			examples: []functionExample{{`age(partialDate("1975", "yyyy"), date("30/12/2025", "dd/MM/yyyy"))`, `49`}, {`age(partialDate("31/12/2025", "dd/MM/yyyy"), date("30/12/2025", "dd/MM/yyyy"))`, `violation unborn`}},
		},
		{
			name: "code", usage: `code("gioi_tinh", x)`, min: 2, max: 2, lower: lowerCode,
			vi: "mã chuẩn theo bảng mã", en: "the standard code by a code table",
			moreVI: "Bảng mã nằm dưới codes:; mã chưa ánh xạ là lỗi, không phải giá trị mặc định.",
			moreEN: "The table stands under codes:; a code without a target is a violation, no default.",
		},
		{
			name: "codeOf", usage: `codeOf("gioi_tinh", x)`, min: 2, max: 2, lower: lowerCodeOf,
			vi: "mã nội bộ, đọc ngược bảng mã", en: "the local code, the table read backwards",
		},
		{
			name: "lookup", usage: `lookup("danhmuc.dantoc", x)`, min: 2, max: 3, lower: lowerLookup,
			vi: "mã trong danh mục, tìm theo mã, tên hoặc tên khác", en: "the code of a code list, by its code, name or alias",
			moreVI:   "Không phân biệt hoa thường; đúng dấu được ưu tiên, sau đó mới so không dấu, rồi theo âm (i/y, k/c, bỏ khoảng trắng và gạch nối). Không khớp, hoặc khớp nhiều mã, là lỗi; thêm \"remark\" thì bỏ trống và ghi nhận.",
			moreEN:   "Case does not count; what fits with its marks comes first, then without marks, then by sound (i/y, k/c, without blanks and hyphens). Nothing, or several codes, is a violation; with \"remark\" it is left out and counted.",
			examples: []functionExample{{`lookup("danhmuc.dantoc", "TÀY")`, `"02"`}, {`lookup("danhmuc.dantoc", "muong")`, `"06"`}, {`lookup("danhmuc.dantoc", "Giarai")`, `"10"`}, {`lookup("danhmuc.dantoc", "99")`, `violation unlisted`}, {`lookup("danhmuc.dantoc", "người lạ", "remark")`, `null [reference unlisted]`}},
		},
		{
			name: "decimal", usage: "decimal(x)", min: 1, max: 1, lower: lowerDecimal,
			vi: "số thập phân chính xác", en: "an exact decimal number",
			examples: []functionExample{{`decimal("12500.50")`, `12500.5`}, {`decimal("12.500,50")`, `violation number`}},
		},
		{
			name: "money", usage: `money(x, "vi")`, min: 1, max: 2, lower: lowerMoney,
			vi: "số tiền bằng đồng, có dấu phân cách và “đ”", en: "an amount in đồng, with separators and “đ”",
			moreVI:   "\"vi\": 1.234.567,50 · \"en\": 1,234,567.50. Không nêu: chỉ nhận cách viết hiểu được theo đúng một cách; 1.234 là lỗi vì có thể là 1234 hoặc 1,234. Ngoại tệ, “triệu”, “tỷ” là lỗi. Trống là null.",
			moreEN:   "\"vi\": 1.234.567,50 · \"en\": 1,234,567.50. Without it only what can be read in one way is taken; 1.234 is a violation. Other currencies and words for a scale are violations. Blank is null.",
			examples: []functionExample{{`money("1.234.567 đ")`, `1234567`}, {`money("1,234,567.50")`, `1234567.5`}, {`money("1.234")`, `violation amount`}, {`money("1.234", "vi")`, `1234`}, {`money("1,234,567.50", "vi")`, `violation amount`}},
		},
		{
			name: "taxCode", usage: "taxCode(x)", min: 1, max: 1, lower: lowerTaxCode,
			vi: "mã số thuế, mã số doanh nghiệp", en: "a tax code, the code of an enterprise",
			moreVI:   "Bỏ khoảng trắng, dấu chấm, dấu nối; 13 chữ số viết thành 10-3; kiểm tra chữ số thứ mười. Cột số làm mất số 0 đầu: được điền lại và ghi nhận. Trống là null.",
			moreEN:   "Blanks, points and hyphens go; 13 digits are written 10-3; the tenth digit is checked. A zero that a number column lost on the left is put back, with a remark. Blank is null.",
			examples: []functionExample{{`taxCode("990 000 1235 001")`, `"9900001235-001"`}, {`taxCode(100000123)`, `"0100000123" [format repaired]`}, {`taxCode("9900001234")`, `violation check-digit`}, {`taxCode("123")`, `violation tax-code`}},
		},
		{
			name: "personId", usage: "personId(x, sex, born)", min: 1, max: 4, lower: lowerPersonID,
			vi: "số định danh cá nhân, 12 chữ số", en: "a personal identification number, 12 digits",
			moreVI:   "personId(x) hoặc personId(x, giới tính, ngày sinh): số và giới tính (1 nam, 2 nữ), năm sinh mâu thuẫn thì ghi nhận, không chặn. Số 0 đầu bị cột số làm mất được điền lại và ghi nhận. CMND 9 số không phải số định danh: là lỗi; thêm \"remark\" ở cuối thì bỏ trống và ghi nhận. Trống là null. Mã tỉnh không được kiểm tra: số không đổi khi sáp nhập.",
			moreEN:   "personId(x), or personId(x, sex, born): where the number contradicts the sex (1 nam, 2 nữ) or the year of birth there is a remark, no violation. Zeros that a number column lost are put back, with a remark. A CMND of 9 digits is another number: a violation; with \"remark\" at the end it is left out and counted. Blank is null. The province is not checked: numbers outlive mergers.",
			examples: []functionExample{{`personId("001 090 000123")`, `"001090000123"`}, {`personId(1090000123)`, `"001090000123" [format repaired]`}, {`personId("123456789")`, `violation person-id`}, {`personId("123456789", "remark")`, `null [format cmnd]`}, {`personId("001090000123", "2", partialDate("1991", "yyyy"))`, `"001090000123" [contradiction sex] [contradiction birth-year]`}},
		},
		{
			name: "address", usage: "address(x)", min: 1, max: 2, lower: lowerAddress,
			vi: "địa chỉ: nguyên văn, hoặc một phần của nó", en: "an address: its text, or a part of it",
			moreVI:   "address(x) là đối tượng {chiTiet} với đủ nguyên văn. address(x, \"tinh\" | \"huyen\" | \"xa\" | \"conLai\") đọc từ cuối lên những phần tự xưng tên (“xã …, huyện …, tỉnh …”); phần không tự xưng là null, không đoán. Trống là null.",
			moreEN:   "address(x) is an object {chiTiet} with the whole text. address(x, \"tinh\" | \"huyen\" | \"xa\" | \"conLai\") reads from the end the parts that name themselves (“xã …, huyện …, tỉnh …”); the others are null, not guessed. Blank is null.",
			examples: []functionExample{{`address("Số 5, xã Mẫu, tỉnh Phú Thọ")`, `{"chiTiet":"Số 5, xã Mẫu, tỉnh Phú Thọ"}`}, {`address("Số 5, xã Mẫu, tỉnh Phú Thọ", "xa")`, `"xã Mẫu"`}, {`address("Số 5, xã Mẫu, tỉnh Phú Thọ", "huyen")`, `null`}},
		},
		{
			name: "adminUnit", usage: "adminUnit(x, day)", min: 2, max: 2, lower: lowerAdminUnit,
			vi: "đơn vị hành chính của một mã hoặc địa chỉ tại một ngày", en: "the administrative unit of a code or an address on a day",
			moreVI: "Đối tượng donViHanhChinh: maTinh, maXa của ngày thoiDiemDanhMuc (lần thay đổi gần nhất mà truc biết), và mã như của nguồn: maTinhCu, maHuyenCu, maXaCu. Khớp nhiều đơn vị, địa bàn đã chia, hoặc không khớp: bỏ mã mới, giữ mã cũ và những gì chắc chắn (như tỉnh), ghi nhận. Nguyên văn địa chỉ để ở chiTiet. Cột số làm mất số 0 đầu: pad(x, 5). Trống là null; không có ngày là null và ghi nhận.",
			moreEN: "The object donViHanhChinh: maTinh and maXa of the day thoiDiemDanhMuc (that of the last change truc knows), and the codes of the source: maTinhCu, maHuyenCu, maXaCu. Where several units fit, the territory was divided, or nothing fits, the new codes are left out, the old ones and what is certain (such as the province) stay, and there is a remark. The text of the address belongs into chiTiet. A number column has lost zeros: pad(x, 5). Blank is null; without a day it is null, with a remark.",
			examples: []functionExample{
				{`adminUnit("10978", date("01/05/2019", "dd/MM/yyyy"))`, `{"thoiDiemDanhMuc":"2026-09-20","maTinh":"31","maXa":"10966","maTinhCu":"30","maHuyenCu":"296","maXaCu":"10978"}`},
				{`adminUnit("P. 5 Q.3 TP HCM", date("01/05/2019", "dd/MM/yyyy"))`, `{"thoiDiemDanhMuc":"2026-09-20","maTinh":"79","maXa":"27154","maTinhCu":"79","maHuyenCu":"770","maXaCu":"27151"}`},
				{`adminUnit("xã Kẻ Sặt, Hải Phòng", date("01/05/2026", "dd/MM/yyyy"))`, `{"thoiDiemDanhMuc":"2026-09-20","maTinh":"31","maXa":"10945"}`},
				{`adminUnit("00007", date("01/05/2019", "dd/MM/yyyy"))`, `{"thoiDiemDanhMuc":"2026-09-20","maTinh":"01","maTinhCu":"01","maHuyenCu":"001","maXaCu":"00007"} [reference divided]`},
				{`adminUnit("phường 12, TP HCM", date("01/05/2019", "dd/MM/yyyy"))`, `{"thoiDiemDanhMuc":"2026-09-20","maTinh":"79","maTinhCu":"79"} [reference ambiguous]`},
				{`adminUnit("99999", date("01/05/2019", "dd/MM/yyyy"))`, `{"thoiDiemDanhMuc":"2019-05-01","maXaCu":"99999"} [reference unlisted]`},
				{`adminUnit("không rõ", date("01/05/2019", "dd/MM/yyyy"))`, `null [reference unlisted]`},
			},
		},
		{
			name: "pseudonym", usage: `pseudonym(x, "name")`, min: 2, max: 2, lower: lowerPseudonym,
			vi: "bút danh ổn định thay cho một giá trị (HMAC-SHA256)", en: "a stable pseudonym in place of a value (HMAC-SHA256)",
			moreVI:   "26 ký tự a–z2–7. Khóa lấy theo tên từ cấu hình: pseudonyms: { name: \"${env:BIEN}\" }, ít nhất 32 ký tự. Cùng khóa thì cùng bút danh: mỗi mục đích một khóa. Đổi khóa thì mọi bút danh đổi: đọc lại toàn bộ (resnapshot).",
			moreEN:   "26 characters a–z2–7. The key comes by its name from the configuration: pseudonyms: { name: \"${env:NAME}\" }, 32 characters at least. One key, one pseudonym: a key for each purpose. Another key makes all pseudonyms others: resnapshot.",
			examples: []functionExample{{`pseudonym("001090000123", "vi_du")`, `"63iw3feabs5jykb2fiahmjicju"`}},
		},
		{
			name: "json", usage: `json(x, "a.b[0].c")`, min: 2, max: 3, lower: lowerJSON,
			vi: "một giá trị trong cột chứa văn bản JSON", en: "a value inside a column that holds JSON",
			moreVI:   "Vị trí trong danh sách đếm từ 0. Tham số thứ ba là kiểu: \"text\" (mặc định), \"int\", \"decimal\", \"bool\", \"json\". Không có là null; văn bản hỏng, quá 1 MiB hoặc lồng quá 200 tầng là lỗi.",
			moreEN:   "Places in lists count from 0. The third value is the kind: \"text\" (default), \"int\", \"decimal\", \"bool\", \"json\". What is not there is null; a broken text, one beyond 1 MiB or 200 levels is a violation.",
			examples: []functionExample{{`json('{"a":{"b":[{"c":"x"}]}}', "a.b[0].c")`, `"x"`}, {`json('{"n":12}', "n", "int")`, `12`}, {`json('{"a":1}', "b")`, `null`}, {`json('{"a":', "a")`, `violation malformed`}},
		},
		{
			name: "xml", usage: `xml(x, "HoSo/NguoiDan/HoTen")`, min: 2, max: 3, lower: lowerXML,
			vi: "một giá trị trong cột chứa văn bản XML", en: "a value inside a column that holds XML",
			moreVI:   "Tên từ phần tử gốc, bỏ tiền tố không gian tên; vị trí đếm từ 1 (NguoiDan[2]); thuộc tính là @ten ở cuối. Tham số thứ ba là kiểu: \"text\", \"int\", \"decimal\", \"bool\". Không có hoặc rỗng là null; nhiều chỗ khớp, văn bản hỏng hoặc có DOCTYPE là lỗi.",
			moreEN:   "Names from the root element on, without prefixes; places count from 1 (NguoiDan[2]); an attribute is @name at the end. The third value is the kind: \"text\", \"int\", \"decimal\", \"bool\". What is not there or empty is null; several places, a broken text or one with a DOCTYPE is a violation.",
			examples: []functionExample{{`xml("<HoSo><Ten>Mẫu</Ten></HoSo>", "HoSo/Ten")`, `"Mẫu"`}, {`xml('<HoSo ma="5"/>', "HoSo/@ma", "int")`, `5`}, {`xml("<a><b>1</b><b>2</b></a>", "a/b")`, `violation ambiguous`}, {`xml("<a>", "a")`, `violation malformed`}},
		},
	}
}
