package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/config"
	"github.com/lienthong/truc/export"
	"github.com/lienthong/truc/pipeline"
	"github.com/lienthong/truc/portal/openapi"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas"
	"github.com/lienthong/truc/schemas/governance"
)

func exportVerbs() []verb {
	return []verb{
		{
			name: "export asyncapi", summary: problem.Text{VI: "mô tả AsyncAPI 3 của các chủ đề mà nút công bố và nhận", EN: "AsyncAPI 3 of the topics that the node publishes and receives"},
			help: problem.Text{VI: `
Viết tài liệu AsyncAPI 3.0 (JSON) từ cấu hình: máy chủ (không có bí mật), mỗi chủ đề một kênh với cấu hình Kafka, các tiêu đề
CloudEvents và lược đồ của tài liệu. Không hỏi máy chủ nào. Chủ đề thư lỗi và chủ đề riêng của truc không có trong đó.`, EN: `
Writes an AsyncAPI 3.0 document (JSON) from the configuration: servers (no secrets), a channel for each topic with its Kafka
settings, the CloudEvents headers and the schema of the documents. No server is asked. Topics of dead letters and truc's own
topics are left out.`},
			define: func(fs *flag.FlagSet) action {
				out := defineOut(fs)
				return func(_ context.Context, p *program) error {
					text, err := p.exportAsyncAPI()
					return p.exported(text, err, *out)
				}
			},
		},
		{
			name: "export openapi", summary: problem.Text{VI: "mô tả OpenAPI 3.1 của các giao diện HTTP: nút và kho lược đồ", EN: "OpenAPI 3.1 of the HTTP interfaces: the node and the schema registry"},
			help: problem.Text{VI: `
Viết tài liệu OpenAPI 3.1 (JSON) của phiên bản này. Nút và kho lược đồ đang chạy phục vụ cùng tài liệu ở /openapi.json, với địa
chỉ của chúng. Không cần cấu hình.`, EN: `
Writes the OpenAPI 3.1 document (JSON) of this version. A running node and a running registry serve the same at
/openapi.json, with their addresses. No configuration is needed.`},
			define: func(fs *flag.FlagSet) action {
				out := defineOut(fs)
				return func(_ context.Context, p *program) error {
					text, err := openapi.Document(openapi.Options{Version: versionOf(debug.ReadBuildInfo()).Version})
					return p.exported(text, err, *out)
				}
			},
		},
		{
			name: "export odcs", args: "DATASET", least: 1, most: 1, summary: problem.Text{VI: "hợp đồng dữ liệu của một bộ dữ liệu (ODCS 3.1)", EN: "the data contract of a dataset (ODCS 3.1)"},
			help: problem.Text{VI: `
Viết hợp đồng theo Open Data Contract Standard 3.1 (YAML): thuộc tính với phân loại dữ liệu (x-phan-loai), khóa, quy tắc chất
lượng, thời hạn lưu giữ (x-luu-tru) và cam kết dịch vụ (x-cam-ket) nếu lược đồ có khai.`, EN: `
Writes a contract of the Open Data Contract Standard 3.1 (YAML): properties with their data class (x-phan-loai), the key, rules
about quality, and the retention (x-luu-tru) and service levels (x-cam-ket) that the schema declares, if it does.`},
			define: func(fs *flag.FlagSet) action {
				out, dir, inline := defineOut(fs), defineDir(fs), defineInlineCodes(fs)
				status := fs.String("status", "", "trạng thái `STATUS` của hợp đồng: proposed, draft, active, deprecated, retired; nếu không nêu: theo lịch sử của bộ dữ liệu / the `STATUS` of the contract: proposed, draft, active, deprecated, retired; without it what the dataset's history says")
				return func(_ context.Context, p *program) error {
					if known := []string{"proposed", "draft", "active", "deprecated", "retired"}; *status != "" && !slices.Contains(known, *status) {
						return &usageError{what: problem.Say("%q is no status of a contract", *status), fix: problem.Say("write one of: %s", strings.Join(known, ", "))}
					}
					return p.exportDataset(*out, *dir, *inline, func(e exporting) ([]byte, error) {
						return export.ODCS(e.dataset, cmp.Or(*status, e.status), e.end, e.lists)
					})
				}
			},
		},
		{
			name: "export jsonschema", args: "DATASET", least: 1, most: 1, summary: problem.Text{VI: "lược đồ của một bộ dữ liệu trong một tệp, JSON Schema 2020-12", EN: "the schema of a dataset in one file, JSON Schema 2020-12"},
			help: problem.Text{VI: `
Viết lược đồ theo JSON Schema 2020-12, kiểu dùng chung nằm trong $defs: bộ kiểm tra không cần tệp nào khác. Hãy bật kiểm tra
format ở bộ kiểm tra của bạn: với 2020-12 nhiều bộ coi format chỉ là ghi chú. Mã danh mục không nằm trong lược đồ, trừ khi có
--inline-codes.`, EN: `
Writes the schema in JSON Schema 2020-12 with shared types under $defs, so that a validator needs no other file. Let your
validator assert formats: in 2020-12 many take them for notes. Codes are not in the schema, unless --inline-codes puts them there.`},
			define: func(fs *flag.FlagSet) action {
				out, dir, inline := defineOut(fs), defineDir(fs), defineInlineCodes(fs)
				return func(_ context.Context, p *program) error {
					return p.exportDataset(*out, *dir, *inline, func(e exporting) ([]byte, error) { return export.JSONSchema(e.dataset, e.end, e.lists) })
				}
			},
		},
		{
			name: "export go", args: "DATASET", least: 1, most: 1, summary: problem.Text{VI: "kiểu Go của tài liệu của một bộ dữ liệu", EN: "Go types of a dataset's documents"},
			help: problem.Text{VI: `
Viết một tệp Go (Go 1.24 trở lên, chỉ dùng thư viện chuẩn): giải mã rồi mã hóa lại tài liệu mà không mất gì; vắng mặt, null và
rỗng vẫn là ba thứ khác nhau. Chú thích lấy từ tiêu đề và mô tả của lược đồ.`, EN: `
Writes a Go file (Go 1.24 and later, standard library only): documents are decoded and encoded again without loss; absent, null
and empty stay three things. Comments come from the titles and descriptions of the schema.`},
			define: func(fs *flag.FlagSet) action {
				out, dir := defineOut(fs), defineDir(fs)
				pkg := fs.String("package", "", "tên gói `NAME`; nếu không nêu: từ cuối trong tên bộ dữ liệu / `NAME` of the package; without it the last word of the dataset's name")
				return func(_ context.Context, p *program) error {
					if *pkg != "" && !export.IsGoPackage(*pkg) {
						return &usageError{what: problem.Say("%q is no name of a Go package", *pkg), fix: problem.Say("write a word of letters and digits")}
					}
					return p.exportDataset(*out, *dir, false, func(e exporting) ([]byte, error) { return export.GoStructs(e.dataset, *pkg, e.end) })
				}
			},
		},
	}
}

func defineOut(fs *flag.FlagSet) *string {
	return fs.String("out", "", "ghi vào `FILE` mới / write into a new file")
}

func defineInlineCodes(fs *flag.FlagSet) *bool {
	return fs.Bool("inline-codes", false, "ghi luôn các mã của danh mục, như hôm nay / write the codes of code lists too, as they are today")
}

// exported writes what an export gave to a new file or to stdout.
func (p *program) exported(text []byte, err error, out string) error {
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

// exporting is what an export of a dataset is made of.
type exporting struct {
	dataset *schemas.Dataset
	lists   *schemas.Set // nil unless codes are to be written
	// end and status are what the dataset's folder says of the version; nil and "" where it says nothing.
	end    *export.Ending
	status string
}

// exportDataset renders the dataset that the argument names.
func (p *program) exportDataset(out, dir string, inline bool, render func(exporting) ([]byte, error)) error {
	set, folders, done, err := p.allStandards(dir)
	if err != nil {
		return err
	}
	defer done()
	e := exporting{}
	if e.dataset, err = namedDataset(set, latestID(set, p.args[0])); err != nil {
		return err
	}
	if inline {
		e.lists = set
	}
	e.end = endingFor(endingsIn(folders), e.dataset)
	for _, f := range folders {
		if d, err := f.Dataset(e.dataset.ID()); err == nil && len(d.History) > 0 {
			e.status = contractStatus(d.State())
		}
	}
	text, err := render(e)
	return p.exported(text, err, out)
}

// contractStatus is the word of data contracts for a state.
func contractStatus(s governance.State) string {
	switch s {
	case governance.Draft, governance.Deprecated, governance.Retired:
		return string(s)
	case governance.Proposed, governance.Approved:
		return "proposed"
	case governance.Published:
	}
	return "active"
}

// endingFor is the end of the version of a dataset as exports tell it, nil when none is announced.
func endingFor(all map[string]*pipeline.Deprecation, d *schemas.Dataset) *export.Ending {
	if end := all[d.ID()+"@"+d.Version()]; end != nil {
		return &export.Ending{Date: end.Date, Successor: end.Successor}
	}
	return nil
}

// latestID is the id of the latest major version of the dataset that a person named without one; any other name stays as it is.
func latestID(set *schemas.Set, name string) string {
	id, major := name, 0
	for _, d := range set.Datasets() {
		if d.Name() == name && d.Major() > major {
			id, major = d.ID(), d.Major()
		}
	}
	return id
}

// namedDataset is the dataset that a person named.
func namedDataset(set *schemas.Set, id string) (*schemas.Dataset, error) {
	d, err := set.Dataset(id)
	if fault := new(problem.Problem); errors.As(err, fault) {
		return nil, &usageError{what: fault.What, fix: fault.Fix}
	}
	return d, err
}

// exportAsyncAPI describes the node of the configuration. Secrets do not stand in the result, so whoever writes it need not have them.
func (p *program) exportAsyncAPI() ([]byte, error) {
	c, problems := p.load()
	if c == nil {
		return nil, problems
	}
	n, found := build(c, p.adapters, p.log(slog.LevelWarn))
	problems = slices.DeleteFunc(append(problems, found...), func(f problem.Problem) bool {
		return f.Code == "config.missing-secret" && !c.Faulty("bus.kafka.brokers")
	})
	if err := problems.Err(); err != nil {
		return nil, problems
	}
	return export.AsyncAPI(n.described())
}

// described is the node as an export tells of it.
func (n *node) described() export.Node {
	out := export.Node{Agency: n.config.Agency, RegistryURL: n.config.Registry.URL, Replicas: n.replication(), NeverCompacted: n.config.Bus.Kafka == nil}
	if k := n.config.Bus.Kafka; k != nil {
		out.Servers, out.Encrypted, out.ClientCertificate = k.Brokers, k.TLS.Enabled, k.TLS.Cert != ""
		if k.SASL != nil {
			out.SASL = strings.ToLower(k.SASL.Mechanism)
		}
	} else if e := n.config.Bus.Embedded; e != nil {
		out.Servers = []string{loopback(e)}
	}
	for _, p := range n.publish {
		out.Publishes = append(out.Publishes, export.Publishing{
			Name: p.name, Agency: p.Agency, Topic: p.topic, Source: bus.SourceName(p.Agency, p.Source, p.name), Dataset: p.dataset, Ending: endingFor(n.endings(), p.dataset), Partitions: p.Partitions,
			DeleteRetentionMS: pipeline.DeleteRetention.Milliseconds(), MaxMessageBytes: pipeline.MaxMessageBytes,
		})
	}
	for _, s := range n.subscribe {
		out.Deliveries = append(out.Deliveries, export.Delivery{Name: s.name, Dataset: s.dataset, Ending: endingFor(n.endings(), s.dataset), Agencies: s.Agencies})
	}
	return out
}

// loopback is where the bus inside the process listens; a port that it chooses itself is not known.
func loopback(e *config.EmbeddedBus) string {
	const host = "127.0.0.1"
	if e.Port == 0 {
		return host
	}
	return net.JoinHostPort(host, strconv.Itoa(e.Port))
}
