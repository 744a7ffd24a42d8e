package main

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/lienthong/truc/pipeline"
	"github.com/lienthong/truc/problem"
)

// listed is what truc dlq list was asked for.
type listed struct {
	filter *pipeline.LetterFilter
	since  time.Duration
	// limit is 0 for all.
	limit   int
	summary bool
}

// screenful is how many letters a table shows to who did not say how many.
const screenful = 100

func defineListLetters(fs *flag.FlagSet) action {
	l := newListed(fs)
	return func(ctx context.Context, p *program) error {
		if l.since < 0 || l.limit < 0 {
			return &usageError{what: problem.Say("--since and --limit cannot be negative"), fix: problem.Say("truc dlq list -h explains them")}
		}
		l.bound(fs, p.json)
		if l.since > 0 {
			l.filter.Since = time.Now().Add(-l.since)
		}
		return l.list(ctx, p)
	}
}

// newListed defines the flags of truc dlq list.
func newListed(fs *flag.FlagSet) *listed {
	l := &listed{filter: defineLetterFilter(fs)}
	fs.StringVar(&l.filter.Group, "group", "", "chỉ những thư thuộc nhóm lỗi `GROUP`: missing, format, reference … / only those of this error `GROUP`: missing, format, reference …")
	fs.DurationVar(&l.since, "since", 0, "chỉ những thư mở chưa quá `DURATION`: 24h / only those that are open for no longer than this `DURATION`: 24h")
	fs.IntVar(&l.limit, "limit", screenful, "nhiều nhất `N` thư, cũ nhất trước; 0 là tất cả; nếu không nêu, bảng có 100 và JSON có tất cả / at most so many (`N`), the oldest; 0 for all; without it a table has 100, and JSON all")
	fs.BoolVar(&l.summary, "summary", false, "chỉ đếm theo trường, quy tắc và nhóm lỗi / count them by field, rule and error group instead")
	return l
}

// bound takes the limit that nobody asked for from what no screen has to hold.
func (l *listed) bound(fs *flag.FlagSet, json bool) {
	said := false
	fs.Visit(func(f *flag.Flag) { said = said || f.Name == "limit" })
	if !said && (json || l.summary) {
		l.limit = 0
	}
}

func (l *listed) list(ctx context.Context, p *program) error {
	n, conn, err := p.openNode(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	boxes := n.letterboxes()
	if len(p.args) == 1 {
		one, err := n.letterbox(p.args[0])
		if err != nil {
			return err
		}
		boxes = []letterbox{one}
	}
	if l.summary {
		return l.summarise(ctx, p, n, conn, boxes)
	}
	var out interface {
		put(o pipeline.OpenLetter) error
		end(more int) error
	} = &letterTable{p: p}
	if p.json {
		out = &letterArray{p: p}
	}
	count := 0
	for _, b := range boxes {
		err := b.each(ctx, conn, *l.filter, func(o pipeline.OpenLetter) error {
			if count++; l.limit > 0 && count > l.limit {
				return nil
			}
			return out.put(o)
		})
		if err != nil {
			return err
		}
	}
	if l.limit == 0 {
		return out.end(0)
	}
	return out.end(max(count-l.limit, 0))
}

// letterArray writes letters as a JSON array, one at a time: there may be more than memory holds.
type letterArray struct {
	p *program
	n int
}

func (a *letterArray) put(o pipeline.OpenLetter) error {
	before := "[\n  "
	if a.n++; a.n > 1 {
		before = ",\n  "
	}
	text, err := json.MarshalIndent(shown(o, false), "  ", "  ")
	if err == nil {
		_, err = fmt.Fprintf(a.p.stdout, "%s%s", before, text)
	}
	if err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}

func (a *letterArray) end(int) error {
	end := "\n]\n"
	if a.n == 0 {
		end = "[]\n"
	}
	if _, err := fmt.Fprint(a.p.stdout, end); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}

// tableBlock is how many lines are aligned together.
const tableBlock = 500

// letterTable writes letters as a table.
type letterTable struct {
	p *program
	t *tabwriter.Writer
	n int
}

func (a *letterTable) put(o pipeline.OpenLetter) error {
	if a.t == nil {
		a.t = tabwriter.NewWriter(a.p.stdout, 0, 0, 2, ' ', 0)
		a.p.headings(a.t, "", problem.Say("pipeline"), problem.Say("key"), problem.Say("since"), problem.Say("reason"), problem.Say("field"), problem.Say("what is wrong"))
	}
	l := o.Letter
	v := pipeline.LetterViolation{}
	if len(l.Violations) > 0 {
		v = l.Violations[0]
	}
	what := problem.Text{VI: v.VI, EN: v.EN}
	if more := len(l.Violations) - 1; more > 0 {
		what = problem.Say("%s (and %d more)", what, more)
	}
	// The first language alone: both do not fit into a line. truc dlq show says it in both.
	fmt.Fprintf(a.t, "%s\t%s\t%s\t%s\t%s\t%s\n", l.Pipeline, o.Key, o.Since.Local().Format("2006-01-02 15:04"), l.Reason, v.Field, what.In(a.p.languages()[0]))
	if a.n++; a.n%tableBlock == 0 {
		return a.t.Flush()
	}
	return nil
}

func (a *letterTable) end(more int) error {
	if a.t != nil {
		if err := a.t.Flush(); err != nil {
			return fmt.Errorf("write result: %w", err)
		}
	}
	end := problem.Text{VI: fmt.Sprintf("%d thư lỗi đang mở", a.n), EN: counted(a.n, "open dead letter")}
	if more > 0 {
		end = problem.Say("%d of %d open dead letters are shown: --limit 0 shows all, --summary counts them by what is wrong", a.n, a.n+more)
	}
	if err := a.p.say(a.p.stdout, end); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}

// letterSummary counts the open letters of one pipeline.
type letterSummary struct {
	Pipeline string     `json:"pipeline"`
	Open     int        `json:"open"`
	Since    *time.Time `json:"since,omitempty"`
	// Kinds are what is wrong, the most frequent first. A letter with several violations counts in several.
	Kinds     []*letterKind         `json:"kinds"`
	LastRetry *pipeline.RetryResult `json:"lastRetry,omitempty"`

	kinds map[kindKey]*letterKind
}

// letterKind is one way in which letters are wrong.
type letterKind struct {
	Reason string    `json:"reason"`
	Field  string    `json:"field"`
	Rule   string    `json:"rule"`
	Group  string    `json:"group"`
	Count  int       `json:"count"`
	Since  time.Time `json:"since"`
	Latest time.Time `json:"latest"`
	VI     string    `json:"vi"`
	EN     string    `json:"en"`
	// DoVI and DoEN say what to do.
	DoVI string `json:"doVi"`
	DoEN string `json:"doEn"`
}

type kindKey struct{ reason, field, rule, group string }

// maxKinds bounds what a summary keeps: a sink may name a constraint for every table partition.
const maxKinds = 2000

func (s *letterSummary) add(o pipeline.OpenLetter) {
	s.Open++
	if s.Since == nil || o.Since.Before(*s.Since) {
		s.Since = &o.Since
	}
	counted := map[kindKey]bool{} // ten wrong elements of a list are one letter
	for _, v := range faults(o.Letter) {
		key := kindKey{o.Letter.Reason, pipeline.FieldPattern(v.Field), v.Rule, v.Group}
		k := s.kinds[key]
		if k == nil && len(s.kinds) >= maxKinds {
			key = kindKey{rule: "…"}
			k = s.kinds[key]
		}
		if counted[key] {
			continue
		}
		counted[key] = true
		if k == nil {
			k = &letterKind{Reason: key.reason, Field: key.field, Rule: key.rule, Group: key.group, Since: o.Since, VI: v.VI, EN: v.EN}
			k.DoVI, k.DoEN = remedy(o.Letter.Reason, v.Rule, v.Group)
			s.kinds[key] = k
			s.Kinds = append(s.Kinds, k)
		}
		k.Count++
		if o.Since.Before(k.Since) {
			k.Since = o.Since
		}
		if o.Letter.Time.After(k.Latest) {
			k.Latest = o.Letter.Time
		}
	}
}

func (l *listed) summarise(ctx context.Context, p *program, n *node, conn *connection, boxes []letterbox) error {
	all := []*letterSummary{}
	for _, b := range boxes {
		s := &letterSummary{Pipeline: b.pipeline, Kinds: []*letterKind{}, kinds: map[kindKey]*letterKind{}}
		if err := b.each(ctx, conn, *l.filter, func(o pipeline.OpenLetter) error { s.add(o); return nil }); err != nil {
			return err
		}
		slices.SortStableFunc(s.Kinds, func(a, b *letterKind) int {
			return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Field, b.Field), cmp.Compare(a.Rule, b.Rule))
		})
		if l.limit > 0 && len(s.Kinds) > l.limit {
			s.Kinds = s.Kinds[:l.limit]
		}
		var err error
		if s.LastRetry, err = pipeline.LastRetry(ctx, pipeline.KafkaBus{Client: conn.Client}, n.config.Agency, b.reader(), b.pipeline); err != nil {
			return err
		}
		all = append(all, s)
	}
	if p.json {
		return p.printJSON(all)
	}
	for i, s := range all {
		if i > 0 {
			fmt.Fprintln(p.stdout)
		}
		if err := s.print(p); err != nil {
			return fmt.Errorf("write result: %w", err)
		}
	}
	return nil
}

func (s *letterSummary) print(p *program) error {
	head := problem.Say("%s: %d open dead letter(s)", s.Pipeline, s.Open)
	if s.Since != nil {
		head = problem.Say("%s: %d open dead letter(s), since %s", s.Pipeline, s.Open, s.Since.Format(time.RFC3339))
	}
	if err := p.answer(head); err != nil {
		return err
	}
	for _, k := range s.Kinds {
		var group problem.Text
		group.VI, group.EN = groupName(k.Group)
		field := k.Field
		if field == "" {
			field = "–"
		}
		fmt.Fprintf(p.stdout, "\n  %d × %s, %s, %s\n", k.Count, field, k.Rule, p.both(group))
		says := problem.Text{VI: k.VI + " → " + k.DoVI, EN: k.EN + " → " + k.DoEN}
		for _, l := range p.languages() {
			if _, err := fmt.Fprintf(p.stdout, "      %s\n", says.In(l)); err != nil {
				return err
			}
		}
	}
	if s.LastRetry != nil {
		fmt.Fprintf(p.stdout, "\n  %s: ", p.both(problem.Say("last retry %s", s.LastRetry.Time.Format(time.RFC3339))))
		p.printRetry(s.LastRetry)
	}
	return nil
}
