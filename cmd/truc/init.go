package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/problem"
)

//go:embed starter.yaml
var starterConfig string

const starterIgnore = `# Không đưa bí mật và dữ liệu vào kho mã. / Neither secrets nor data belong into the repository.
/secrets/
/data/
/.env
`

const starterMappings = `Ánh xạ đặt ở đây, mỗi bảng một tệp YAML. / Mappings stand here, a YAML file for each table.

    truc discover SOURCE TABLE --out mappings/ten.yaml     viết nháp từ cơ sở dữ liệu / a draft from the database
    truc mapping new DATASET --table T --out mappings/ten.yaml     khung trống / an empty one

Dòng đầu tiên giúp trình soạn thảo gợi ý / the first line lets editors complete:

    # yaml-language-server: $schema=../.truc/mapping.schema.json
`

func initVerb() verb {
	return verb{
		name: "init", args: "[DIR]", most: 1, summary: problem.Text{VI: "tạo thư mục cấu hình để bắt đầu", EN: "write a configuration to begin with"},
		help: problem.Text{VI: `
Tạo trong DIR (mặc định là thư mục này) một truc.yaml có chú thích, thư mục mappings, .gitignore cho bí mật và dữ liệu,
và lược đồ cho trình soạn thảo. Không hỏi gì và không ghi đè tệp nào. Những chỗ phải điền có chữ DIEN-VAO; truc check
chỉ ra từng chỗ.`, EN: `
Writes into DIR (this folder by default) a commented truc.yaml, the folder mappings, a .gitignore for secrets and data,
and schemas for editors. Asks nothing and overwrites nothing. What must be filled in says DIEN-VAO; truc check names
each place.`},
		define: func(*flag.FlagSet) action {
			return func(_ context.Context, p *program) error { return p.initialize() }
		},
	}
}

const ignoreFile = ".gitignore"

// starterFile is one file that init writes; path has slashes.
type starterFile struct{ path, content string }

func (p *program) initialize() error {
	dir := "."
	if len(p.args) == 1 {
		dir = p.args[0]
	}
	ofConfig, err := configSchema(p.adapters)
	if err != nil {
		return err
	}
	ofMapping, err := mapping.JSONSchema()
	if err != nil {
		return err
	}
	files := []starterFile{
		{"truc.yaml", starterConfig},
		{"mappings/README.md", starterMappings},
		{ignoreFile, starterIgnore},
		{".truc/config.schema.json", string(ofConfig)},
		{".truc/mapping.schema.json", string(ofMapping)},
	}
	// Everything is looked at before anything is written: half a start is worse than none.
	var there problem.List
	note := ""
	for i, f := range files {
		path := filepath.Join(dir, filepath.FromSlash(f.path))
		if _, err := os.Lstat(path); err == nil && f.path == ignoreFile {
			files[i].path = "" // a folder that is under version control already has one, and that is no reason to refuse
			note = fmt.Sprintf("%s có sẵn, giữ nguyên; nên thêm: secrets/, data/, .env / %s is there and stays; add secrets/, data/, .env to it\n", path, path)
		} else if err == nil {
			there = append(there, problem.Problem{Code: "init.file-exists", Where: path, What: problem.Say("the file is there already, and nothing is overwritten"), Fix: problem.Say("choose another folder: truc init DIR")})
		} else if !errors.Is(err, fs.ErrNotExist) {
			return problem.List{{Code: "init.unusable", Where: path, What: problem.Say("no file can be made here: %v", errors.Unwrap(err)), Fix: problem.Say("choose another folder: truc init DIR")}}
		}
	}
	if there != nil {
		return there
	}
	written := make([]string, 0, len(files))
	for _, f := range files {
		if f.path == "" {
			continue
		}
		path := filepath.Join(dir, filepath.FromSlash(f.path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // folders of a project, as an editor would make them
			return fmt.Errorf("create folder: %w", err)
		}
		if err := writeNew(path, f.content); err != nil {
			return err
		}
		written = append(written, filepath.ToSlash(path))
	}
	if p.json {
		return p.printJSON(map[string]any{"files": written})
	}
	text := ""
	for _, w := range written {
		text += "  " + w + "\n"
	}
	config := filepath.Join(dir, "truc.yaml")
	text = "Đã tạo / written:\n" + text + note + fmt.Sprintf("Điền các chỗ có chữ DIEN-VAO trong %s, rồi chạy / fill in what says DIEN-VAO, then run:\n  truc check -c %s --offline\n  truc discover -c %s SOURCE\n", config, config, config)
	if _, err := io.WriteString(p.stdout, text); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}
