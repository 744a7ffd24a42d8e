package main

import (
	"context"
	"flag"
	"fmt"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/config"
	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/problem"
)

func schemaExportVerb() verb {
	return verb{
		name: "schema export", args: "[DATASET...]", most: -1,
		summary: problem.Text{VI: "bàn giao bộ dữ liệu đã ký, hoặc JSON Schema cho trình soạn thảo", EN: "hand datasets over, signed; or JSON Schema for editors"},
		help: problem.Text{VI: `
Viết JSON Schema (draft-07) của tệp cấu hình hoặc của ánh xạ, để trình soạn thảo gợi ý và báo lỗi khi gõ. Dòng sau ở
đầu tệp YAML cho trình soạn thảo biết tệp nào là lược đồ:

  # yaml-language-server: $schema=.truc/mapping.schema.json

Với --bundle: gói các bộ dữ liệu đã công bố vào một tệp, ký bằng khóa --key (truc schema key), để mang tới nơi không có mạng;
truc schema import nhận nó. Bộ nhận từ nơi khác giữ chữ ký của họ. Cùng nội dung thì cùng một tệp.`, EN: `
Writes the JSON Schema (draft-07) of the configuration or of mappings, so that editors complete and check while you
type. This line at the head of a YAML file names the schema:

  # yaml-language-server: $schema=.truc/mapping.schema.json

With --bundle: puts published datasets into one file, signed by the key --key (truc schema key), to be carried where there is no
network; truc schema import takes it over. What was taken over from others keeps their signature. The same content makes the
same file.`},
		define: func(fs *flag.FlagSet) action {
			ofConfig := fs.Bool("config", false, "của truc.yaml / of truc.yaml")
			ofMapping := fs.Bool("mapping", false, "của ánh xạ / of mappings")
			out := fs.String("out", "", "ghi vào `FILE` mới / write into a new file")
			bundle := fs.String("bundle", "", "ghi gói bộ dữ liệu vào `FILE` mới / write a bundle of datasets into a new `FILE`")
			key := fs.String("key", "", "khóa riêng `FILE` để ký gói / the private key `FILE` that signs the bundle")
			dir := defineDir(fs)
			return func(_ context.Context, p *program) error {
				if *bundle != "" && !*ofConfig && !*ofMapping && *out == "" {
					return p.exportBundle(*dir, *bundle, *key)
				}
				if len(p.args) > 0 || *bundle != "" {
					return &usageError{what: problem.Say("datasets are handed over in a bundle of their own"), fix: problem.Say("truc schema export --bundle FILE --key KEY DATASET...")}
				}
				return p.schemaExport(*ofConfig, *ofMapping, *out)
			}
		},
	}
}

func (p *program) schemaExport(ofConfig, ofMapping bool, out string) error {
	if ofConfig == ofMapping {
		return &usageError{what: problem.Say("truc schema export writes one schema"), fix: problem.Say("write --config or --mapping, or --bundle FILE DATASET... to hand datasets over")}
	}
	var text []byte
	var err error
	if ofConfig {
		text, err = configSchema(p.adapters)
	} else {
		text, err = mapping.JSONSchema()
	}
	if err != nil {
		return err
	}
	if out != "" {
		return writeNew(out, string(text))
	}
	if _, err := p.stdout.Write(text); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}

// configSchema is the schema of the configuration file with the adapters of this binary.
func configSchema(r *adapters.Registry) ([]byte, error) {
	a := config.Adapters{Sources: map[string]any{}, Sinks: map[string]any{}}
	for _, name := range r.Names(true, false) {
		a.Sources[name] = r.Config(name)
	}
	for _, name := range r.Names(false, true) {
		a.Sinks[name] = r.Config(name)
	}
	return config.JSONSchema(a)
}
