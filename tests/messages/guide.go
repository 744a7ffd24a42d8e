package messages

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/lienthong/truc/schemas"
)

// room is a section of the guide: the codes that begin with its name.
type room struct{ name, vi, en string }

func rooms() []room {
	return []room{
		{"run", "Khi một nút hoặc một lệnh dừng lại", "When a node or a command stops"},
		{"config", "Tệp cấu hình", "The configuration file"},
		{"mapping", "Ánh xạ", "Mappings"},
		{"check", "Kiểm tra với máy chủ", "Checks with the servers"},
		{"source", "Nguồn", "Sources"},
		{"sink", "Đích", "Sinks"},
		{"postgres", "PostgreSQL", "PostgreSQL"},
		{"sqlite", "SQLite", "SQLite"},
		{"memory", "Kho trong bộ nhớ (để thử)", "The store in memory (for tests)"},
		{"schema", "Lược đồ và danh mục mã", "Schemas and code lists"},
		{"compat", "Phiên bản của lược đồ", "Versions of a schema"},
	}
}

const guideHead = `# Khi có sự cố · When something is wrong

<!-- Written by "go test ./tests/messages -update" from the messages in the code. Do not edit. -->

Mỗi thông báo của truc nêu **ở đâu**, **điều gì sai** và **cách sửa**, bằng tiếng Việt rồi tiếng Anh; ` + "`--lang vi`, `--lang en` hoặc biến `TRUC_LANG`" + `
chọn một ngôn ngữ. Với ` + "`--json`" + `, mỗi thông báo có ` + "`code`" + ` ổn định để tra ở trang này. Dấu … thay cho tên, số hoặc câu lệnh cụ thể. Thông báo
không bao giờ chứa giá trị của dòng dữ liệu, khóa hoặc bí mật.

Every message of truc says **where**, **what is wrong** and **what to do**, in Vietnamese and then in English; ` + "`--lang vi`, `--lang en` or the variable `TRUC_LANG`" + `
choose one. With ` + "`--json`" + ` each has a stable ` + "`code`" + ` to look up here. The sign … stands for a name, a number or a statement. A message never
holds the value of a row, a key or a secret.
`

// Guide writes the page from what the code says.
func Guide(s *Source, translations map[string]string) string {
	var b strings.Builder
	b.WriteString(guideHead)
	known := map[string]bool{}
	for _, r := range rooms() {
		known[r.name] = true
		writeRoom(&b, r, s, translations)
	}
	for _, m := range s.Messages {
		if name, _, _ := strings.Cut(m.Code, "."); !known[name] {
			known[name] = true
			writeRoom(&b, room{name, name, name}, s, translations)
		}
	}
	writeRules(&b)
	return b.String()
}

func writeRoom(b *strings.Builder, r room, s *Source, translations map[string]string) {
	var of []Message
	for _, m := range s.Messages {
		if strings.HasPrefix(m.Code, r.name+".") {
			of = append(of, m)
		}
	}
	if len(of) == 0 {
		return
	}
	title := r.vi
	if r.en != r.vi {
		title += " · " + r.en
	}
	fmt.Fprintf(b, "\n## %s\n", title)
	last := ""
	told := map[string]bool{}
	for _, m := range of {
		if m.Code != last {
			fmt.Fprintf(b, "\n### `%s`\n\n", m.Code)
			last = m.Code
		}
		for _, what := range m.What {
			line := m.Code + what + strings.Join(m.Fixes, "|")
			if told[line] {
				continue
			}
			told[line] = true
			fmt.Fprintf(b, "- **%s**%s\\\n  *%s*%s\n", shown(translations[what]), remedies(m.Fixes, func(f string) string { return shown(translations[f]) }),
				shown(what), remedies(m.Fixes, shown))
		}
	}
}

// remedies are joined behind an arrow, those that the program makes up only when there is nothing else.
func remedies(fixes []string, in func(string) string) string {
	var out []string
	for _, f := range fixes {
		if text := in(f); f != Statement && text != "" && !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	if len(out) == 0 && len(fixes) > 0 {
		out = []string{"…"}
	}
	if len(out) == 0 {
		return ""
	}
	return " → " + strings.Join(out, " / ")
}

var shownVerb = regexp.MustCompile(`%(?:\[\d+\])?[-+# 0]*\d*[a-zA-Z]`)

// shown is a format as a reader sees it.
func shown(format string) string {
	text := strings.ReplaceAll(shownVerb.ReplaceAllString(format, "…"), "%%", "%")
	return strings.NewReplacer("\n", " ", "*", `\*`, "<", "&lt;", ">", "&gt;", "_", `\_`).Replace(text)
}

// writeRules lists what may be wrong with a record, by the rule that a dead letter names.
func writeRules(b *strings.Builder) {
	b.WriteString("\n## Thư lỗi · Dead letters\n\nQuy tắc mà một bản ghi vi phạm, như `truc dlq list` và `truc try` nêu. · The rule a record broke, as `truc dlq list` and `truc try` name it.\n\n")
	b.WriteString("| quy tắc · rule | nhóm · group | điều gì sai | what is wrong |\n|---|---|---|---|\n")
	for _, rule := range schemas.Rules() {
		v := schemas.NewViolation("", rule, "")
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", rule, v.Group, shown(v.VI), shown(v.EN))
	}
}
