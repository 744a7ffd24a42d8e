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
	summary, help string
	// define adds the verb's own flags and returns what it does with them.
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
		return func(_ context.Context, p *program) error { return v.printHelp(p.stdout, fs) }, nil
	}
	if err != nil {
		return nil, err
	}
	if n := len(p.args); n < v.least || v.most >= 0 && n > v.most {
		return nil, &usageError{what: problem.Say("truc %s takes %s, %d were given", v.name, v.count(), n), fix: problem.Say("usage: %s", v.usage())}
	}
	return act, nil
}

func (v verb) count() string {
	switch {
	case v.most == 0:
		return "no arguments"
	case v.most < 0:
		return fmt.Sprintf("at least %d argument(s)", v.least)
	case v.least == v.most:
		return fmt.Sprintf("%d argument(s)", v.least)
	}
	return fmt.Sprintf("%d to %d arguments", v.least, v.most)
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
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--":
			return append(words, args[i+1:]...), nil
		case len(arg) < 2 || arg[0] != '-':
			if untilWord {
				return args[i:], nil
			}
			words = append(words, arg)
			continue
		}
		name, value, given := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if name == "h" || name == "help" {
			return nil, flag.ErrHelp
		}
		f := fs.Lookup(name)
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

const introduction = `truc shares data between agencies: it publishes the changes of your databases as checked
events, and delivers the events of others into your tables.

usage: truc COMMAND [flags] [arguments]

`

func (p *program) overview(all []verb) error {
	var b strings.Builder
	b.WriteString(introduction)
	for _, v := range all {
		fmt.Fprintf(&b, "  %-22s %s\n", strings.TrimRight(v.name+" "+v.args, " "), v.summary)
	}
	b.WriteString("\nevery command takes:\n")
	fs := flag.NewFlagSet("truc", flag.ContinueOnError)
	(&program{}).define(fs)
	printFlags(&b, fs)
	b.WriteString(`
exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 the answer is no, 4 a server cannot be reached,
5 changes are missing (truc resnapshot), 130 interrupted

truc COMMAND -h explains a command.
`)
	_, err := io.WriteString(p.stdout, b.String())
	return err
}

func (p *program) nounOverview(all []verb, noun string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "usage: truc %s VERB [flags] [arguments]\n\n", noun)
	for _, v := range all {
		if strings.HasPrefix(v.name, noun+" ") {
			fmt.Fprintf(&b, "  %-22s %s\n", strings.TrimRight(v.name+" "+v.args, " "), v.summary)
		}
	}
	fmt.Fprintf(&b, "\ntruc %s VERB -h explains a verb.\n", noun)
	_, err := io.WriteString(p.stdout, b.String())
	return err
}

func (v verb) printHelp(w io.Writer, fs *flag.FlagSet) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\nusage: %s\n\n", v.summary, v.usage())
	if v.help != "" {
		b.WriteString(strings.TrimSpace(v.help) + "\n\n")
	}
	b.WriteString("flags:\n")
	printFlags(&b, fs)
	_, err := io.WriteString(w, b.String())
	return err
}

func printFlags(w io.Writer, fs *flag.FlagSet) {
	fs.VisitAll(func(f *flag.Flag) {
		value, usage := flag.UnquoteUsage(f)
		fmt.Fprintf(w, "  %-22s %s\n", strings.TrimRight(dashed(f.Name)+" "+value, " "), usage)
	})
}
