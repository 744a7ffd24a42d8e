package compat

import (
	"errors"
	"fmt"

	"github.com/lienthong/truc/problem"
)

// Text says for a person what changed, and where.
func (d Difference) Text() problem.Text {
	return problem.Say("%s: %s", d.Pointer, ruleOf(d.Rule).says)
}

// Fix is the smallest change that would pass, empty for a compatible difference.
func (d Difference) Fix() problem.Text { return ruleOf(d.Rule).fix }

func fixAt(d Difference) problem.Text { return problem.Say("%s: %s", d.Pointer, d.Fix()) }

// Problem words a refusal, the earlier version by its number in the history, from 1.
func (r Refusal) Problem() problem.Problem {
	return r.between("", problem.Say("version %d", r.Version+1), problem.Say("the new version"))
}

// Between words a refusal with the names that people give to the two versions.
func (r Refusal) Between(earlier, updated string) problem.Problem {
	at := updated
	if r.Direction == Forward {
		at = earlier
	}
	return r.between(at, problem.Verbatim(earlier), problem.Verbatim(updated))
}

func (r Refusal) between(at string, earlier, updated problem.Text) problem.Problem {
	reader, writer := updated, earlier
	if r.Direction == Forward {
		reader, writer = earlier, updated
	}
	p := problem.Problem{
		Code: "compat.not-proven", Where: at + r.Pointer,
		What: problem.Say("it is not proven that subscribers who read by %s can read all that producers write by %s: %s", reader, writer, r.unproven),
		Fix:  r.Remedy,
	}
	switch {
	case r.Witness != nil:
		p.Code = "compat.refused"
		p.What = problem.Say("subscribers who read by %[1]s would refuse what producers may write by %[2]s: %[2]s accepts %[3]s, %[1]s does not", reader, writer, short(r.Witness))
	case r.unproven.Empty() && len(r.Differences) > 0:
		p.Code = "compat.rule"
		p.What = problem.Say("subscribers who read by %s may refuse what producers write by %s, by the rules of the registries: %s", reader, writer, listed(r.Differences))
	}
	return p
}

// listed are the first of many differences.
func listed(all []Difference) problem.Text {
	const some = 3
	var texts []problem.Text
	for _, d := range all[:min(len(all), some)] {
		texts = append(texts, d.Text())
	}
	out := problem.Join(texts, "; ")
	if more := len(all) - some; more > 0 {
		out = problem.Say("%s; and %d more", out, more)
	}
	return out
}

// short cuts a long document.
func short(document []byte) string {
	const most = 600
	runes := []rune(string(document))
	if len(runes) <= most {
		return string(runes)
	}
	return string(runes[:most]) + "…"
}

func changesText(changes []Change) problem.Text {
	var texts []problem.Text
	for _, c := range changes {
		if c.Value == nil {
			texts = append(texts, problem.Say("leave out %s", c.Pointer))
		} else {
			texts = append(texts, problem.Say("write at %s what stood there before: %s", c.Pointer, short(c.Value)))
		}
	}
	return problem.Join(texts, "; ")
}

// unproven says why there is neither a proof nor a document.
func unproven(writer, reader *Document, impeded error) problem.Text {
	switch {
	case writer.dynamic() || reader.dynamic():
		return problem.Say("the schema uses $dynamicRef or $recursiveRef, which cannot be compared without a document")
	case errors.Is(impeded, errLarge):
		return problem.Say("a version has more than %d subschemas or %d bytes: no document was sought", maxPlaces, maxSought)
	case impeded != nil:
		return problem.Say("a version is no valid schema of its draft, or has a pattern that this program cannot run")
	}
	for _, s := range []*set{writer.root().set, reader.root().set} {
		for _, key := range sortedKeys(s.lists) {
			if l := s.lists[key]; !l.known {
				return problem.Say("the codes of %s are not known here", l.id)
			}
		}
	}
	return problem.Say("no document was found that the reader refuses, and no rule proves that there is none")
}

// ErrTooComplex says that two schemas are too entangled to compare within the time a person waits.
var ErrTooComplex = errors.New("the schemas are too entangled to compare; use fewer branches in anyOf, oneOf and allOf")

// tooComplex is ErrTooComplex with the place to begin at: the one with the most branches, or without many the one with the most
// of anything.
func tooComplex(documents ...*Document) error {
	const many = 8
	p := problem.Problem{
		Code: "compat.too-complex", What: problem.Say("the schemas are too entangled to compare"),
		Fix: problem.Say("use fewer branches in anyOf, oneOf and allOf, first at the place named"),
	}
	at, branches := busiest(documents, func(p *place) (keyword string, n int) {
		for _, of := range []string{"anyOf", "oneOf", "allOf"} {
			if len(p.all(of)) > n {
				keyword, n = of, len(p.all(of))
			}
		}
		return keyword, n
	})
	if branches < many {
		if wide, n := busiest(documents, func(p *place) (string, int) { return "", len(p.children) }); n >= many {
			at, p.What = wide, problem.Say("the schemas are too large to compare")
			p.Fix = problem.Say("use fewer properties and definitions, first at the place named")
		}
	}
	p.Where = at
	return fmt.Errorf("%w: %w", ErrTooComplex, p)
}

// busiest is the place with the most of something.
func busiest(documents []*Document, count func(*place) (keyword string, n int)) (at string, most int) {
	at = "#"
	for _, d := range documents {
		for _, p := range d.root().set.order {
			if keyword, n := count(p); n > most {
				at, most = under(p.pointer, keyword), n
			}
		}
	}
	return at, most
}

// bad is a schema that cannot be compared.
func bad(where string, what, fix problem.Text) error {
	return problem.Problem{Code: "compat.schema", Where: where, What: what, Fix: fix}
}

func notComparable(where string) error {
	return bad(where, problem.Say("this is no number that can be compared"), problem.Say("write a plain decimal"))
}

// inReference puts the name of a reference before the place of a finding.
func inReference(err error, name string) error {
	var p problem.Problem
	if errors.As(err, &p) {
		p.Where = name + p.Where
		return p
	}
	return err
}

// lost words a $ref that leads nowhere.
func lost(where string, err error) error {
	switch {
	case errors.Is(err, errOutside):
		return bad(where, problem.Say("the $ref leads out of the schema and its references, and nothing is ever fetched"), problem.Say("add a reference of exactly this name"))
	case errors.Is(err, errNoAnchor):
		return bad(where, problem.Say("the $ref names an anchor that does not exist"), problem.Say("correct the $ref or add what it names"))
	case errors.Is(err, errNowhere):
		return bad(where, problem.Say("the $ref leads to a place that does not exist"), problem.Say("correct the $ref or add what it names"))
	}
	return err
}
