package portal

import "maps"

// text is what the page says, in both languages, with room for arguments as fmt has it.
type text struct{ vi, en string }

// words are all the texts of the page.
func words() map[string]text {
	out := pageWords()
	maps.Copy(out, issueWords())
	maps.Copy(out, reasonWords())
	return out
}

func pageWords() map[string]text {
	return map[string]text{
		"language.choose":   {"Ngôn ngữ", "Language"},
		"theme":             {"Nền", "Theme"},
		"theme.auto":        {"Tự động", "Auto"},
		"theme.light":       {"Sáng", "Light"},
		"theme.dark":        {"Tối", "Dark"},
		"skip":              {"Đến nội dung", "Skip to content"},
		"page":              {"Trạng thái nút truc", "truc node status"},
		"agency":            {"Cơ quan", "Agency"},
		"version":           {"Phiên bản", "Version"},
		"started":           {"Chạy từ", "Running since"},
		"bus":               {"Trục (bus)", "Bus"},
		"registry":          {"Kho lược đồ", "Schema registry"},
		"registry.subjects": {"%s chủ thể", "%s subjects"},
		"bus.embedded":      {"tích hợp sẵn, %s trên đĩa", "embedded, %s on disk"},
		"asof":              {"Số liệu lúc", "As of"},
		"footer":            {"Trang này không hiển thị giá trị của bản ghi, khóa hay mật khẩu.", "This page never shows the value of a record, a key or a password."},
		"raw":               {"Số liệu thô", "Raw figures"},
		"command":           {"Lệnh", "Command"},

		"live.on":    {"Trực tiếp", "Live"},
		"live.wait":  {"Đang kết nối…", "Connecting…"},
		"live.lost":  {"Mất kết nối với nút. Số liệu bên dưới đã cũ; trang tự thử lại.", "The node does not answer. The figures below are old; this page keeps trying."},
		"live.back":  {"Đã kết nối lại", "Connected again"},
		"live.short": {"Mất kết nối", "Disconnected"},
		"noscript":   {"Không có JavaScript: trang tự tải lại sau mỗi 10 giây.", "Without JavaScript this page reloads every 10 seconds."},

		"verdict.good":     {"Mọi thứ đang chạy", "Everything is running"},
		"verdict.starting": {"Đang khởi động", "Starting"},
		"verdict.empty":    {"Chưa có gì để chạy", "Nothing to run yet"},
		"verdict.bad":      {"%s việc phải xử lý ngay", "%s to act on now"},
		"verdict.warn":     {"%s việc cần xem", "%s to look at"},
		"verdict.note":     {"Đang chạy, có %s điều cần biết", "Running, %s to know"},

		"sum.readers":    {"Nguồn đang đọc", "Sources reading"},
		"sum.deliveries": {"Đích đang nhận", "Deliveries running"},
		"sum.of":         {"trên %s", "of %s"},
		"sum.minute":     {"Sự kiện đã công bố trong phút qua", "Events published, last minute"},
		"sum.applied":    {"Sự kiện đã giao trong phút qua", "Events delivered, last minute"},
		"sum.letters":    {"Thư lỗi đang mở", "Dead letters open"},

		"issues":       {"Việc cần làm", "What to do"},
		"issues.none":  {"Không có việc gì cần làm.", "Nothing needs attention."},
		"issues.more":  {"%s việc nữa", "%s more"},
		"issues.said":  {"Thông báo gốc", "Original message"},
		"issues.since": {"Từ", "Since"},
		"level.bad":    {"Phải xử lý", "Act now"},
		"level.warn":   {"Cần xem", "Look at"},
		"level.note":   {"Để biết", "For information"},
		"of.source":    {"Nguồn", "Source"},
		"of.publish":   {"Luồng công bố", "Publishing"},
		"of.subscribe": {"Luồng nhận", "Delivery"},
		"of.registry":  {"Kho lược đồ", "Schema registry"},

		"state.starting": {"Đang khởi động", "Starting"},
		"state.running":  {"Đang chạy", "Running"},
		"state.retrying": {"Đang thử lại", "Retrying"},
		"state.failed":   {"Đã dừng vì lỗi", "Failed"},
		"state.stopped":  {"Đã dừng", "Stopped"},
		"state.paused":   {"Tạm dừng", "Paused"},
		"state.waiting":  {"Đang chờ", "Waiting"},
		"state.standby":  {"Dự phòng", "Standby"},

		"filter":         {"Lọc", "Filter"},
		"filter.find":    {"Tìm theo tên, bảng, chủ đề", "Find by name, table, topic"},
		"filter.only":    {"Chỉ những gì có vấn đề", "Only what is wrong"},
		"filter.apply":   {"Áp dụng", "Apply"},
		"filter.nothing": {"Không có dòng nào khớp với bộ lọc.", "Nothing matches the filter."},
		"toc":            {"Mục lục", "Contents"},

		"readers":            {"Nguồn và luồng công bố", "Sources and publishing"},
		"readers.none":       {"Nút này không công bố gì.", "This node publishes nothing."},
		"reader.since":       {"Từ", "Since"},
		"reader.holder":      {"Nút đang đọc", "Read by"},
		"reader.epoch":       {"Kỷ (epoch)", "Epoch"},
		"reader.lag":         {"Độ trễ", "Lag"},
		"reader.records":     {"Thay đổi đã đọc", "Changes read"},
		"reader.retained":    {"Nhật ký nguồn còn giữ", "Log kept by the source"},
		"reader.saved":       {"Lưu vị trí lần cuối", "Position saved"},
		"reader.snapshots":   {"Đang đọc toàn bảng", "Reading whole tables"},
		"reader.tables":      {"Đã đọc toàn bảng", "Whole tables read"},
		"reader.tables.done": {"%s bảng, %s dòng", "%s (%s rows)"},
		"snapshot.rows":      {"%s dòng", "%s rows"},
		"snapshot.of":        {"%s trên khoảng %s dòng, %d %%", "%s of about %s rows, %d %%"},

		"publish.name":      {"Luồng công bố", "Pipeline"},
		"publish.minute":    {"Phút qua", "Last minute"},
		"publish.published": {"Đã công bố", "Published"},
		"publish.created":   {"mới %s", "%s new"},
		"publish.updated":   {"sửa %s", "%s changed"},
		"publish.deleted":   {"xóa %s", "%s deleted"},
		"publish.snapshot":  {"ban đầu %s", "%s initial"},
		"publish.filtered":  {"Ngoài bộ lọc", "Filtered"},
		"publish.remarks":   {"Nhận xét", "Remarks"},
		"publish.letters":   {"Thư lỗi mở", "Letters open"},
		"publish.topic":     {"chủ đề", "topic"},
		"publish.table":     {"bảng", "table"},
		"publish.none":      {"Nguồn này chưa có luồng công bố nào.", "No pipeline publishes from this source."},
		"remarks.by":        {"Nhận xét theo trường", "Remarks by field"},
		"letters.by":        {"Thư lỗi theo lý do, từ khi nút chạy", "Dead letters by reason, since the node started"},
		"letters.resolved":  {"%s đã tự đóng", "%s resolved"},

		"deliveries":       {"Luồng nhận", "Deliveries"},
		"deliveries.none":  {"Nút này không nhận gì.", "This node receives nothing."},
		"delivery.name":    {"Luồng nhận", "Delivery"},
		"delivery.state":   {"Trạng thái", "State"},
		"delivery.applied": {"Đã giao", "Applied"},
		"delivery.behind":  {"Còn chờ đọc", "Behind"},
		"delivery.parked":  {"Chờ khóa", "Parked"},
		"delivery.latency": {"95 % đến trong", "95 % arrive within"},
		"delivery.never":   {"chưa có", "nothing yet"},
		"delivery.into":    {"vào bảng", "into table"},
		"empty.node":       {"Cấu hình chưa có mục publish: hay subscribe: nào.", "The configuration has no publish: or subscribe: section yet."},
		"empty.node.do":    {"Thêm một luồng công bố hoặc luồng nhận vào truc.yaml, kiểm tra rồi khởi động lại.", "Add something to publish or to receive to truc.yaml, check it, and start again."},

		"time.now":          {"vừa xong", "just now"},
		"time.ago":          {"%s trước", "%s ago"},
		"unit.seconds":      {"%s giây", "%s s"},
		"unit.milliseconds": {"%s ms", "%s ms"},
		"unit.second":       {"%s giây", "%s seconds"},
		"unit.second.one":   {"%s giây", "%s second"},
		"unit.minute":       {"%s phút", "%s minutes"},
		"unit.minute.one":   {"%s phút", "%s minute"},
		"unit.hour":         {"%s giờ", "%s hours"},
		"unit.hour.one":     {"%s giờ", "%s hour"},
		"unit.day":          {"%s ngày", "%s days"},
		"unit.day.one":      {"%s ngày", "%s day"},
	}
}

// issueWords say of each kind of issue what it is and what to do next.
func issueWords() map[string]text {
	return map[string]text{
		"issue.gap.what": {
			"Nguồn không còn giữ một đoạn thay đổi mà truc chưa đọc.",
			"The source no longer has some of the changes that truc did not read.",
		},
		"issue.gap.do": {
			"Tìm hiểu vì sao đoạn đó mất, rồi đọc lại các bảng từ đầu: những gì đã xóa ở nguồn cũng sẽ bị xóa trên trục.",
			"Find out why they are lost, then read the tables again from the start: what was deleted at the source is then deleted on the bus too.",
		},
		"issue.divergence.what": {
			"Đây không phải là cơ sở dữ liệu đã đọc lần trước: nó được khôi phục từ bản sao lưu, hoặc là một máy khác.",
			"This is not the database that was read before: it was restored from a backup, or it is another one.",
		},
		"issue.divergence.do": {
			"Kiểm tra xem có đúng cơ sở dữ liệu cần đọc không. Nếu đúng, đọc lại các bảng từ đầu.",
			"Make sure that it is the right database. If it is, read the tables again from the start.",
		},
		"issue.bus-gap.what": {
			"Một chủ đề trên trục đã mất một phần, hoặc đã được tạo lại.",
			"A topic on the bus lost a part, or was created anew.",
		},
		"issue.bus-gap.do": {
			"Tìm hiểu chuyện gì đã xảy ra với chủ đề, rồi đọc lại các bảng từ đầu để công bố lại.",
			"Find out what happened to the topic, then read the tables again from the start to publish them anew.",
		},
		"issue.delivery-gap.what": {
			"Chủ đề mà luồng này đang nhận đã mất một phần, hoặc đã được tạo lại.",
			"A topic that this delivery reads lost a part, or was created anew.",
		},
		"issue.delivery-gap.do": {
			"Đọc lại chủ đề từ đầu; những gì không còn trên chủ đề sẽ bị xóa ở đích.",
			"Read the topic again from its start; what is no longer on it is deleted from the sink.",
		},
		"issue.budget.what": {
			"Phần lớn bản ghi gần đây thành thư lỗi: ánh xạ không khớp với dữ liệu.",
			"Most of the latest records became dead letters: the mapping does not fit the data.",
		},
		"issue.budget.do": {
			"Xem thư lỗi, sửa ánh xạ, kiểm tra, khởi động lại nút, rồi thử lại các thư.",
			"Look at the letters, correct the mapping, check it, start the node again, then retry the letters.",
		},
		"issue.taken-over.what": {
			"Một nút truc khác đã tiếp quản nguồn này và đang công bố. Nút này không ghi được gì nữa.",
			"Another truc node has taken this source over and publishes now. Nothing of this one can land any more.",
		},
		"issue.taken-over.do": {
			"Nếu là chủ ý thì tắt nút này. Nếu không, tắt nút kia rồi khởi động lại nút này.",
			"If that is intended, stop this node. If not, stop the other, then start this one again.",
		},
		"issue.refused.what": {
			"Máy chủ có trả lời, nhưng cấu hình không dùng được với những gì có ở đó.",
			"The server answers, but the configuration cannot work with what is there.",
		},
		"issue.refused.do": {
			"Sửa theo thông báo gốc bên dưới, kiểm tra, rồi khởi động lại nút.",
			"Correct what the original message below names, check, then start the node again.",
		},
		"issue.topic.what": {
			"Một chủ đề trên trục không như cấu hình yêu cầu.",
			"A topic on the bus is not as the configuration wants it.",
		},
		"issue.topic.do": {
			"Sửa cấu hình hoặc chủ đề theo thông báo gốc bên dưới, kiểm tra, rồi khởi động lại nút.",
			"Correct the configuration or the topic as the original message below says, check, then start the node again.",
		},
		"issue.unreachable.what": {
			"Máy chủ không trả lời. truc tự thử lại; không mất gì.",
			"The server does not answer. truc keeps trying; nothing is lost.",
		},
		"issue.unreachable.do": {
			"Xem máy chủ có chạy không, mạng và tường lửa có thông không. Lệnh dưới đây thử lại mọi kết nối.",
			"See whether the server runs, and whether network and firewall let truc through. The command below tries every connection.",
		},
		"issue.retrying.what": {
			"Vừa gặp lỗi. truc tự thử lại; không mất gì.",
			"Something failed. truc keeps trying; nothing is lost.",
		},
		"issue.retrying.do": {
			"Nếu sau vài phút vẫn còn, đọc thông báo gốc bên dưới và kiểm tra cấu hình.",
			"If it is still there after some minutes, read the original message below and check the configuration.",
		},
		"issue.other.what": {
			"Đã dừng vì một lỗi mà thử lại không giải quyết được.",
			"It stopped for an error that trying again does not mend.",
		},
		"issue.other.do": {
			"Đọc thông báo gốc bên dưới, sửa, kiểm tra, rồi khởi động lại nút.",
			"Read the original message below, mend it, check, then start the node again.",
		},
		"issue.stopped.what": {
			"Đã dừng theo lệnh: nút đang tắt.",
			"It was told to stop: the node is going down.",
		},
		"issue.stopped.do": {
			"Không cần làm gì. Khi muốn chạy tiếp, khởi động lại nút.",
			"Nothing. To go on, start the node again.",
		},
		"issue.paused.what": {
			"Được tạm dừng theo lệnh. Nguồn giữ nhật ký lại cho đến khi chạy tiếp.",
			"It was paused by hand. What changes meanwhile is kept until it goes on.",
		},
		"issue.paused.do": {
			"Chạy tiếp khi đã xong việc; để lâu thì nhật ký chiếm đĩa.",
			"Let it go on when you are done: what is kept takes disk space.",
		},
		"issue.standby.what": {
			"Một nút khác đang đọc nguồn này; nút này sẵn sàng thay.",
			"Another node reads this source; this one is ready to take over.",
		},
		"issue.standby.do": {
			"Không cần làm gì: khi nút kia dừng hoặc không trả lời, nút này tự tiếp quản trong vài giây.",
			"Nothing: when the other one ends or falls silent, this one takes over by itself within seconds.",
		},
		"issue.waiting.what": {
			"Đang chờ đến lúc được phép làm việc.",
			"It waits until it may work.",
		},
		"issue.waiting.do": {
			"Không cần làm gì: sẽ tự chạy tiếp.",
			"Nothing: it goes on by itself.",
		},
		"issue.unknown.what": {
			"Trang này chưa biết trạng thái đó.",
			"This page does not know that state.",
		},
		"issue.unknown.do": {
			"Đọc thông báo gốc bên dưới.",
			"Read the original message below.",
		},
		"issue.slow.what": {
			"Đang chạy nhưng chậm: có thay đổi đã đọc hơn một phút mà chưa được xác nhận.",
			"It runs, but slowly: a change was read more than a minute ago and is not acknowledged yet.",
		},
		"issue.slow.do": {
			"Xem trục và mạng có quá tải không, đĩa có đầy không.",
			"See whether the bus or the network is overloaded, or a disk is full.",
		},
		"issue.letters.what": {
			"Thư lỗi đang mở: %s. Những bản ghi này không công bố được; các bản ghi khác không bị ảnh hưởng.",
			"Dead letters open: %s. These records could not be published; they hold up no others.",
		},
		"issue.letters.do": {
			"Xem từng thư và sửa bản ghi ở hệ thống nguồn: thư tự đóng khi có bản đúng. Nếu lỗi do ánh xạ, sửa ánh xạ, khởi động lại rồi thử lại.",
			"Look at each and correct the record in the source system: a letter closes when a valid version comes. If the mapping is wrong, correct it, start again, then retry.",
		},
		"issue.refused-letters.what": {
			"Thư lỗi đang mở: %s. Những thay đổi này không ghi được vào đích; các thay đổi khác không bị ảnh hưởng.",
			"Dead letters open: %s. These changes could not be written to the sink; they hold up no others.",
		},
		"issue.refused-letters.do": {
			"Xem vì sao đích từ chối, sửa bảng đích hoặc ánh xạ, rồi thử lại.",
			"See why the sink refused them, correct its table or the mapping, then retry.",
		},
		"issue.parked.what": {
			"Thay đổi đang chờ thay đổi khác (khóa duy nhất hoặc khóa ngoại): %s.",
			"Changes that wait for others, because of a unique or foreign key: %s.",
		},
		"issue.parked.do": {
			"Không cần làm gì: sau 30 giây, thay đổi nào vẫn không ghi được sẽ thành thư lỗi.",
			"Nothing: what still cannot be written after 30 seconds becomes a dead letter.",
		},
		"issue.deprecated.what": {
			"Phiên bản của %s sẽ ngừng: từ ngày %s không ai chăm sóc nó nữa. Thay bằng %s.",
			"The version of %s comes to its end: from %s on nobody may look after it. %s takes its place.",
		},
		"issue.deprecated.do": {
			"Chạy thêm luồng theo bộ dữ liệu mới bên cạnh luồng này, rồi bỏ luồng này trước ngày ấy.",
			"Run a pipeline by the new dataset beside this one, and take this one out before that day.",
		},
	}
}

// reasonWords say what the reason of a dead letter means.
func reasonWords() map[string]text {
	return map[string]text{
		"reason.violation":    {"Bản ghi không đúng chuẩn dữ liệu.", "The record does not meet the data standard."},
		"reason.key":          {"Không lập được khóa của bản ghi: thiếu hoặc sai giá trị.", "No key can be made of the record: a value is missing or wrong."},
		"reason.oversize":     {"Bản ghi quá lớn để truyền trên trục.", "The record is larger than the bus takes."},
		"reason.conflict":     {"Đích đã có bản ghi này, từ nơi khác.", "The sink has this record already, from elsewhere."},
		"reason.unique":       {"Trùng với bản ghi khác ở đích (khóa duy nhất).", "Another record at the sink has the same unique value."},
		"reason.foreign-key":  {"Bản ghi mà nó tham chiếu chưa có ở đích.", "The record it refers to is not at the sink."},
		"reason.not-null":     {"Thiếu giá trị mà bảng đích bắt buộc.", "A value that the sink's table requires is missing."},
		"reason.check":        {"Bảng đích không chấp nhận giá trị (ràng buộc kiểm tra).", "The sink's table does not accept a value (check constraint)."},
		"reason.type":         {"Giá trị không vừa kiểu của cột ở đích.", "A value does not fit the type of the sink's column."},
		"reason.not-an-event": {"Trên chủ đề có bản ghi không phải sự kiện của truc.", "A record on the topic is not an event of truc."},
		"reason.other":        {"Xem chi tiết bằng truc dlq list.", "See truc dlq list for details."},
	}
}
