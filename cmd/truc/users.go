package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/lienthong/truc/config"
	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/pipeline"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas/governance"
)

// askUsers is how long a decision about a dataset waits for the bus to say whom it concerns.
const askUsers = 5 * time.Second

// usersOf asks the bus who uses a dataset, "hotich.khaisinh.v1". asked is false where there is no bus to ask: the standards team works
// in its folder, and need not have one.
func (p *program) usersOf(ctx context.Context, dataset string) (users []pipeline.Use, asked bool) {
	c := p.nearestConfig()
	if c == nil || c.Faulty("bus") {
		return nil, false
	}
	if c.Bus.Kafka == nil {
		if _, err := os.Stat(c.Bus.Embedded.Dir); errors.Is(err, fs.ErrNotExist) {
			return nil, false // no node ever ran here, and none is to be laid out for a question
		}
	}
	ctx, cancel := context.WithTimeout(ctx, askUsers)
	defer cancel()
	conn, err := connect(ctx, c.Bus, false, p.log(slog.LevelError))
	if err == nil {
		defer conn.Close()
		users, _, err = pipeline.ReadUses(ctx, pipeline.KafkaBus{Client: conn.Client})
	}
	if err != nil {
		for _, l := range p.languages() {
			fmt.Fprintln(p.stderr, problem.Say("who uses %s could not be asked: %v; ask later: truc schema uses %s", dataset, err, dataset).In(l))
		}
		return nil, false
	}
	return slices.DeleteFunc(users, func(u pipeline.Use) bool { return u.Dataset != dataset }), true
}

// nearestConfig is the configuration that -c names, or else the nearest truc.yaml, as far as it can be read; nil without one.
func (p *program) nearestConfig() *config.Config {
	file := p.configFile
	if file == "" {
		file = configAround(".")
	}
	if file == "" {
		file, _ = p.env("TRUC_CONFIG")
	}
	if file == "" {
		return nil
	}
	c, _ := config.Load(file, p.env) // what is wrong with other parts does not matter here
	if c != nil {
		p.stderr = newRedactor(p.stderr, c.Secrets())
	}
	return c
}

// printUsers says whom a decision about a dataset concerns.
func (p *program) printUsers(name string, users []pipeline.Use) error {
	if len(users) == 0 {
		return p.answer(problem.Say("nobody has announced a use of %s; nodes announce when they run", name))
	}
	if err := p.answer(problem.Say("this concerns, as nodes have announced it (truc schema uses):")); err != nil {
		return err
	}
	return p.printUses(users, useQuery{})
}

// listNews is a code list that a new version of a dataset names in a later version, with more codes.
type listNews struct {
	governance.ListChange
	Codes []string `json:"codes"`
	// Lacking are subscribers of the dataset whose code tables have not all of them; absent where no bus could be asked.
	Lacking []pipeline.Use `json:"lacking,omitempty"`
}

// newCodes tells which codes come with the lists of a new version, and who cannot map them yet.
func (p *program) newCodes(ctx context.Context, f *governance.Folder, dataset string, lists []governance.ListChange) []listNews {
	if len(lists) == 0 {
		return nil
	}
	set, err := f.Set()
	if err != nil {
		return nil // what is wrong with the folder was told
	}
	users, _ := p.usersOf(ctx, dataset)
	var out []listNews
	for _, l := range lists {
		now, _ := set.Codes(l.List, l.To)
		was, _ := set.Codes(l.List, l.From)
		news := listNews{ListChange: l, Codes: slices.DeleteFunc(now, func(code string) bool { return slices.Contains(was, code) })}
		for _, u := range users {
			lacks := func(c mapping.CodesUsed) bool {
				return c.List == l.List && slices.ContainsFunc(news.Codes, func(code string) bool { return !slices.Contains(c.Codes, code) })
			}
			if u.Direction == pipeline.UseSubscribe && slices.ContainsFunc(u.Codes, lacks) {
				news.Lacking = append(news.Lacking, u)
			}
		}
		if len(news.Codes) > 0 {
			out = append(out, news)
		}
	}
	return out
}

func (p *program) printNewCodes(news []listNews) error {
	for _, n := range news {
		if err := p.answer(problem.Say("%s has codes in %s that it had not in %s: %s", n.List, n.To, n.From, strings.Join(n.Codes, ", "))); err != nil {
			return err
		}
		if len(n.Lacking) == 0 {
			continue
		}
		if err := p.answer(problem.Say("the code tables of these subscribers lack them; tell them before it is published:")); err != nil {
			return err
		}
		if err := p.printUses(n.Lacking, useQuery{dataset: n.List}); err != nil {
			return err
		}
	}
	return nil
}

// governedName is the dataset that a text to be compared is a version of, "hotich.khaisinh.v1"; "" for a file.
func governedName(texts ...governance.Text) string {
	for _, t := range texts {
		name, _, _ := strings.Cut(t.Name, "@")
		if m := datasetQuery.FindStringSubmatch(name); m != nil && m[2] == "" {
			return name
		}
	}
	return ""
}
