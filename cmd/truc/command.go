package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/lienthong/truc/config"
	"github.com/lienthong/truc/problem"
)

// action does what a verb promises. Its results go to stdout; the error decides the exit code.
type action func(ctx context.Context, p *program) error

// verb is one command of truc.
type verb struct {
	// name is one word, or a noun and a verb: "dlq list".
	name string
	// args names the arguments for the help: "NAME [KEY...]"; least and most bound their number, most -1 does not.
	args        string
	least, most int
	// summary is one line, help what else a user should know.
	summary, help problem.Text
	// define adds the verb's own flags and returns what it does with them. What a flag is for is written "Vietnamese / English".
	define func(fs *flag.FlagSet) action
}

// usageError is a command line that cannot be understood.
type usageError struct {
	what, fix problem.Text
}

func (e *usageError) Error() string { return e.what.EN }

// nounHelpError is a question about all the verbs of a noun: truc dlq -h.
type nounHelpError struct{ noun string }

func (e *nounHelpError) Error() string { return "help for " + e.noun }

// parse turns a command line into the action it asks for. Flags may stand anywhere.
func (p *program) parse(all []verb, args []string) (action, error) {
	global := flag.NewFlagSet("truc", flag.ContinueOnError)
	p.define(global)
	words, err := splitFlags(global, args, true)
	switch {
	case errors.Is(err, flag.ErrHelp), err == nil && (len(words) == 0 || words[0] == "help" && len(words) == 1):
		return func(_ context.Context, p *program) error { return p.overview(all) }, nil
	case err != nil:
		return nil, err
	}
	if words[0] == "help" {
		words = append(words[1:], "-h")
	}
	v, rest, err := find(all, words)
	var noun *nounHelpError
	switch {
	case errors.As(err, &noun):
		return func(_ context.Context, p *program) error { return p.nounOverview(all, noun.noun) }, nil
	case err != nil:
		return nil, err
	}
	fs := flag.NewFlagSet("truc "+v.name, flag.ContinueOnError)
	p.define(fs)
	act := v.define(fs)
	p.args, err = splitFlags(fs, rest, false)
	if errors.Is(err, flag.ErrHelp) {
		return func(_ context.Context, p *program) error { return p.printHelp(v, fs) }, nil
	}
	if err != nil {
		return nil, err
	}
	if n := len(p.args); n < v.least || v.most >= 0 && n > v.most {
		return nil, &usageError{what: problem.Say("truc %s takes %s, %d were given", v.name, v.count(), n), fix: problem.Say("usage: %s", v.usage())}
	}
	return act, nil
}

func (v verb) count() problem.Text {
	switch {
	case v.most == 0:
		return problem.Say("no arguments")
	case v.most < 0:
		return problem.Say("at least %d argument(s)", v.least)
	case v.least == v.most:
		return problem.Say("%d argument(s)", v.least)
	}
	return problem.Say("%d to %d arguments", v.least, v.most)
}

func (v verb) usage() string {
	return strings.TrimRight("truc "+v.name+" [flags] "+v.args, " ")
}

// find returns the verb that the words begin with, and the words after it.
func find(all []verb, words []string) (verb, []string, error) {
	var names, nouns []string
	for _, v := range all {
		first, second, two := strings.Cut(v.name, " ")
		if first == words[0] && (!two || len(words) > 1 && second == words[1]) {
			return v, words[1+strings.Count(v.name, " "):], nil
		}
		if two && first == words[0] {
			nouns = append(nouns, second)
		}
		if !slices.Contains(names, first) {
			names = append(names, first)
		}
	}
	if len(nouns) > 0 {
		if len(words) == 2 && (words[1] == "-h" || strings.TrimLeft(words[1], "-") == "help") {
			return verb{}, nil, &nounHelpError{words[0]}
		}
		if len(words) == 1 || strings.HasPrefix(words[1], "-") {
			return verb{}, nil, &usageError{what: problem.Say("truc %s needs one of: %s", words[0], strings.Join(nouns, ", ")), fix: problem.Say("truc %s %s -h explains the first", words[0], nouns[0])}
		}
		return verb{}, nil, &usageError{what: problem.Say("there is no command %q", "truc "+words[0]+" "+words[1]), fix: meant("truc "+words[0]+" ", words[1], nouns)}
	}
	return verb{}, nil, &usageError{what: problem.Say("there is no command %q", words[0]), fix: meant("truc ", words[0], names)}
}

// meant says which known word a mistyped one stands for, or all of them.
func meant(prefix, word string, known []string) problem.Text {
	if k := config.Similar(word, known); k != "" {
		return problem.Say("did you mean %s?", prefix+k)
	}
	return problem.Say("the commands are: %s", strings.Join(known, ", "))
}

// splitFlags sets the flags among args and returns the other words. With untilWord it ends at the first of these, which is
// the verb; its flags are not known yet.
func splitFlags(fs *flag.FlagSet, args []string, untilWord bool) ([]string, error) {
	var words []string
	help := false
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--":
			return append(words, args[i+1:]...), nil
		case len(arg) < 2 || arg[0] != '-':
			if untilWord && !help {
				return args[i:], nil
			}
			words = append(words, arg)
			continue
		}
		name, value, given := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if name == "h" || name == "help" {
			help = true // flags behind it may say in which language
			continue
		}
		f := fs.Lookup(name)
		if f == nil && help {
			return nil, flag.ErrHelp
		}
		if f == nil {
			return nil, unknownFlag(fs, name)
		}
		if b, ok := f.Value.(interface{ IsBoolFlag() bool }); !given && ok && b.IsBoolFlag() {
			value = "true"
		} else if !given {
			if i++; i == len(args) {
				return nil, &usageError{what: problem.Say("%s needs a value", dashed(name)), fix: problem.Say("%s -h explains it", fs.Name())}
			}
			value = args[i]
		}
		if err := fs.Set(name, value); err != nil {
			return nil, &usageError{what: problem.Say("%s cannot be %q", dashed(name), value), fix: problem.Say("%s -h explains it", fs.Name())}
		}
	}
	if help {
		return nil, flag.ErrHelp
	}
	return words, nil
}

func unknownFlag(fs *flag.FlagSet, name string) error {
	var known []string
	fs.VisitAll(func(f *flag.Flag) { known = append(known, f.Name) })
	fix := problem.Say("%s -h lists the flags", fs.Name())
	if k := config.Similar(name, known); k != "" && len(name) > 1 {
		fix = problem.Say("did you mean %s?", dashed(k))
	}
	return &usageError{what: problem.Say("%s has no flag %s", fs.Name(), dashed(name)), fix: fix}
}

func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// introduction says what truc is for.
func introduction() problem.Text {
	return problem.Text{
		VI: "truc chia sẻ dữ liệu giữa các cơ quan: công bố thay đổi trong cơ sở dữ liệu của bạn thành sự kiện đã kiểm tra,\nvà ghi sự kiện của cơ quan khác vào bảng của bạn.\n",
		EN: "truc shares data between agencies: it publishes the changes of your databases as checked\nevents, and delivers the events of others into your tables.\n",
	}
}

func exitCodes() problem.Text {
	return problem.Text{
		VI: "mã thoát: 0 xong, 1 thất bại, 2 sai cách dùng hoặc cấu hình, 3 câu trả lời là không, 4 máy chủ không trả lời,\n5 thiếu thay đổi (truc resnapshot), 6 nút khác đã tiếp quản nguồn, 130 bị ngắt\n",
		EN: "exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 the answer is no, 4 a server cannot be reached,\n5 changes are missing (truc resnapshot), 6 another node has taken the source over, 130 interrupted\n",
	}
}

func (p *program) overview(all []verb) error {
	var b strings.Builder
	p.paragraphs(&b, introduction())
	b.WriteString("usage: truc COMMAND [flags] [arguments]\n\n")
	for _, v := range all {
		p.entry(&b, strings.TrimRight(v.name+" "+v.args, " "), v.summary)
	}
	fmt.Fprintf(&b, "\n%s:\n", p.both(problem.Text{VI: "mọi lệnh đều nhận", EN: "every command takes"}))
	fs := flag.NewFlagSet("truc", flag.ContinueOnError)
	(&program{}).define(fs)
	p.printFlags(&b, fs)
	b.WriteByte('\n')
	p.paragraphs(&b, exitCodes())
	fmt.Fprintln(&b, p.both(problem.Text{VI: "truc COMMAND -h giải thích một lệnh.", EN: "truc COMMAND -h explains a command."}))
	_, err := io.WriteString(p.stdout, b.String())
	return err
}

func (p *program) nounOverview(all []verb, noun string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "usage: truc %s VERB [flags] [arguments]\n\n", noun)
	for _, v := range all {
		if strings.HasPrefix(v.name, noun+" ") {
			p.entry(&b, strings.TrimRight(v.name+" "+v.args, " "), v.summary)
		}
	}
	fmt.Fprintf(&b, "\n%s\n", p.both(problem.Text{VI: "truc " + noun + " VERB -h giải thích một lệnh.", EN: "truc " + noun + " VERB -h explains a verb."}))
	_, err := io.WriteString(p.stdout, b.String())
	return err
}

func (p *program) printHelp(v verb, fs *flag.FlagSet) error {
	var b strings.Builder
	p.paragraphs(&b, v.summary)
	fmt.Fprintf(&b, "usage: %s\n\n", v.usage())
	if !v.help.Empty() {
		p.paragraphs(&b, v.help)
	}
	b.WriteString("flags:\n")
	p.printFlags(&b, fs)
	_, err := io.WriteString(p.stdout, b.String())
	return err
}

// paragraphs writes a text in the languages of the user, one below the other.
func (p *program) paragraphs(w io.Writer, t problem.Text) {
	for _, l := range p.languages() {
		fmt.Fprintf(w, "%s\n\n", strings.TrimSpace(t.In(l)))
	}
}

// usageSeparator stands in the usage of a flag between Vietnamese and English.
const usageSeparator = " / "

func (p *program) printFlags(w io.Writer, fs *flag.FlagSet) {
	fs.VisitAll(func(f *flag.Flag) {
		var t problem.Text
		var value string
		vi, en, _ := strings.Cut(f.Usage, usageSeparator)
		value, t.VI = flag.UnquoteUsage(&flag.Flag{Name: f.Name, Usage: vi, Value: f.Value})
		t.EN = strings.ReplaceAll(en, "`", "")
		p.entry(w, strings.TrimRight(dashed(f.Name)+" "+value, " "), t)
	})
}

// entry writes a line of a list, a line for each language of the user.
func (p *program) entry(w io.Writer, name string, t problem.Text) {
	for _, l := range p.languages() {
		fmt.Fprintf(w, "  %-22s %s\n", name, t.In(l))
		name = ""
	}
}
