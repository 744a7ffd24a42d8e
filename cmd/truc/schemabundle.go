package main

import (
	"context"
	"crypto/ed25519"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas/governance"
)

func schemaKeyVerb() verb {
	return verb{
		name: "schema key", args: "NAME", least: 1, most: 1,
		summary: problem.Text{VI: "tạo cặp khóa để ký bộ dữ liệu bàn giao", EN: "make a key pair to sign datasets that are handed over"},
		help: problem.Text{VI: `
Viết NAME.key (khóa riêng: giữ kín, không đưa vào git) và NAME.pub (khóa công khai: đưa cho bên nhận bằng đường khác với
gói, để họ nêu ở --trust).`, EN: `
Writes NAME.key (private: keep it, and never commit it) and NAME.pub (public: give it to those who receive, by another way
than the bundle, for their --trust).`},
		define: func(*flag.FlagSet) action {
			return func(_ context.Context, p *program) error { return p.schemaKey(p.args[0]) }
		},
	}
}

func (p *program) schemaKey(name string) error {
	private, public, err := governance.NewKey(name)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(name + ".pub"); err == nil {
		return fileExists(name + ".pub")
	}
	f, err := os.OpenFile(name+".key", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if os.IsExist(err) {
		return fileExists(name + ".key")
	}
	if err != nil {
		return err
	}
	_, err = io.WriteString(f, private)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("write key: %w", err)
	}
	if err := writeNew(name+".pub", public); err != nil {
		return err
	}
	if p.json {
		return p.printJSON(map[string]string{"private": name + ".key", "public": name + ".pub"})
	}
	return p.answer(problem.Say("%s.key is private: keep it out of git. %s.pub goes to those who receive your datasets", name, name))
}

// exportBundle writes datasets into a signed bundle.
func (p *program) exportBundle(dir, out, keyFile string) error {
	if len(p.args) == 0 {
		return &usageError{what: problem.Say("a bundle holds datasets, and none is named"), fix: problem.Say("truc schema export --bundle FILE --key KEY DATASET...")}
	}
	var name string
	var key ed25519.PrivateKey
	if keyFile != "" {
		text, err := readNamed(keyFile)
		if err != nil {
			return err
		}
		if name, key, err = governance.PrivateKey(keyFile, text); err != nil {
			return err
		}
	}
	f, done, err := p.standards(dir)
	if err != nil {
		return err
	}
	defer done()
	text, err := f.Export(p.args, name, key)
	if err != nil {
		return err
	}
	if err := writeNew(out, string(text)); err != nil {
		return err
	}
	if p.json {
		return p.printJSON(map[string]any{"bundle": out, "datasets": p.args})
	}
	return p.answer(problem.Say("%s holds %d datasets; whoever has your .pub file takes them over: truc schema import %s --trust FILE", out, len(p.args), out))
}

func schemaImportVerb() verb {
	return verb{
		name: "schema import", args: "BUNDLE", least: 1, most: 1,
		summary: problem.Text{VI: "nhận bộ dữ liệu từ một gói đã ký", EN: "take datasets over from a signed bundle"},
		help: problem.Text{VI: `
Kiểm tra chữ ký bằng khóa công khai bạn tin (--trust, hoặc trusted.keys trong thư mục), từng tệp, và cửa kiểm tra, rồi mới ghi.
Bộ dữ liệu của bạn không bị ghi đè; gói đổi một phiên bản đã công bố, hoặc cũ hơn cái đang có, bị từ chối. Khóa đã tin được ghi
vào trusted.keys. Bộ đã nhận thì dùng và mở rộng được, không sửa được: truc schema lint kiểm tra chữ ký mỗi lần.`, EN: `
Proves the signature by a public key that you trust (--trust, or trusted.keys in the folder), each file, and the gate, and only
then writes. Datasets of your own are not overwritten; a bundle that changes a published version, or is older than what is
here, is refused. A key that was trusted is kept in trusted.keys. What was taken over can be used and extended, not altered:
truc schema lint proves the signature each time.`},
		define: func(fs *flag.FlagSet) action {
			dir := defineDir(fs)
			trust := fs.String("trust", "", "khóa công khai `FILE` của bên gửi / the sender's public key `FILE`")
			return func(_ context.Context, p *program) error { return p.schemaImport(*dir, *trust) }
		},
	}
}

// maxBundle is more than a bundle may have; what is larger is not read to its end.
const maxBundle = 65 << 20

func (p *program) schemaImport(dir, trust string) error {
	text, err := readNamedWithin(p.args[0], maxBundle)
	if err != nil {
		return err
	}
	var keys []governance.Key
	if trust != "" {
		raw, err := readNamed(trust)
		if err != nil {
			return err
		}
		if keys, err = governance.PublicKeys(trust, raw); err != nil {
			return err
		}
	}
	f, done, err := p.standards(dir)
	if err != nil {
		return err
	}
	defer done()
	taken, err := f.Import(p.args[0], text, keys)
	if err != nil {
		return err
	}
	if p.json {
		return p.printJSON(taken)
	}
	for _, t := range taken {
		what := problem.Say("%s@%s (%s), from %s: taken over", t.Dataset, t.Version, t.State.Text(), t.Origin)
		if !t.New {
			what = problem.Say("%s@%s (%s), from %s: here already", t.Dataset, t.Version, t.State.Text(), t.Origin)
		}
		if err := p.answer(what); err != nil {
			return err
		}
	}
	return nil
}
