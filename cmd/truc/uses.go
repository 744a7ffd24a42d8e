package main

import (
	"context"
	"flag"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/lienthong/truc/config"
	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/pipeline"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas"
)

func usesVerb() verb {
	return verb{
		name: "schema uses", args: "[DATASET[.PROPERTY] | LIST]", most: 1,
		summary: problem.Text{VI: "ai dùng bộ dữ liệu, thuộc tính hay danh mục nào", EN: "who uses which dataset, property or code list"},
		help: problem.Text{VI: `
Mỗi nút đang chạy thông báo trên chủ đề truc.uses: cơ quan, luồng, bộ dữ liệu và phiên bản, các thuộc tính ghi hoặc đọc, các
mã của danh mục có trong bảng mã. Không có giá trị của dòng nào.

  truc schema uses                                              tất cả
  truc schema uses hotich.khaisinh                              mọi phiên bản lớn
  truc schema uses hotich.khaisinh.v1.nguoiDuocKhaiSinh.danToc   ai ghi hoặc đọc thuộc tính này
  truc schema uses danhmuc.dantoc                               ai ánh xạ danh mục này

Mã thoát 3: không ai. Nút không còn nữa vẫn nằm trong danh sách, với ngày thấy lần cuối; --forget xóa nó đi.`, EN: `
Each running node announces on the topic truc.uses: agency, pipeline, dataset and version, the properties it fills or reads,
the codes of code lists in its maps. No value of a row is among it.

  truc schema uses                                              all
  truc schema uses hotich.khaisinh                              every major version
  truc schema uses hotich.khaisinh.v1.nguoiDuocKhaiSinh.danToc   who fills or reads the property
  truc schema uses danhmuc.dantoc                               who maps to the code list

Exit code 3: nobody. A node that is no more stays in the list with the day it was last seen; --forget takes it out.`},
		define: func(fs *flag.FlagSet) action {
			yes := defineYes(fs)
			forget := fs.String("forget", "", "xóa thông báo `AGENCY/PIPELINE` của một nút không còn nữa / take the announcement `AGENCY/PIPELINE` of a node that is no more away")
			return func(ctx context.Context, p *program) error {
				if *forget != "" {
					return p.forgetUse(ctx, *forget, *yes)
				}
				return p.schemaUses(ctx)
			}
		},
	}
}

// announce begins to tell the bus what the node uses and returns what ends that.
func (n *node) announce(ctx context.Context, conn *connection) (end func()) {
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		pipeline.Announce(ctx, pipeline.AnnounceConfig{Agency: n.config.Agency, Uses: n.uses(), Bus: pipeline.KafkaBus{Client: conn.Client}, Replication: n.replication(), Log: n.log})
	}()
	return func() {
		stop()
		<-ended
	}
}

// uses are what the pipelines of the node have to do with datasets.
func (n *node) uses() []pipeline.Use {
	out := []pipeline.Use{}
	add := func(u pipeline.Use, dataset *schemas.Dataset, usage mapping.Usage) {
		u.Dataset, u.Version, u.Properties, u.Codes = dataset.ID(), dataset.Version(), usage.Properties, usage.Codes
		out = append(out, u)
	}
	for _, p := range n.publish {
		u := pipeline.Use{Pipeline: "publish." + p.name, Direction: pipeline.UsePublish, Agencies: []string{p.Agency}}
		// The table is not asked: which properties a mapping fills does not depend on it.
		if plan, _ := mapping.CompileSource(p.mapping, nil, p.dataset, n.env("")); plan != nil {
			u.Mapping = plan.Fingerprint()
			add(u, p.dataset, plan.Usage())
		} else {
			add(u, p.dataset, mapping.Usage{})
		}
	}
	for _, s := range n.subscribe {
		u := pipeline.Use{Pipeline: "subscribe." + s.name, Direction: pipeline.UseSubscribe, Agencies: s.Agencies}
		if plan, _ := mapping.CompileSink(s.mapping, s.dataset, nil, n.env("")); plan != nil {
			u.Mapping = plan.Fingerprint()
			add(u, s.dataset, plan.Usage())
		} else {
			add(u, s.dataset, mapping.Usage{})
		}
	}
	return out
}

// useQuery is what truc schema uses is asked about; the zero value means all.
type useQuery struct {
	// dataset is an id with its major version, or a name that means all of them; or else it is the id of a code list.
	dataset, property string
}

var datasetQuery = regexp.MustCompile(`^(.+?\.v[0-9]+)(?:\.(.+))?$`)

// parseUseQuery understands the argument. What this node's standards know of is checked, so that a slip is not answered by "nobody".
func parseUseQuery(text string, set *schemas.Set) (useQuery, error) {
	m := datasetQuery.FindStringSubmatch(text)
	if m == nil {
		return useQuery{dataset: text}, knownName(text, set)
	}
	q := useQuery{dataset: m[1], property: m[2]}
	d, err := namedDataset(set, q.dataset)
	if err != nil {
		return q, err
	}
	if q.property == "" {
		return q, nil
	}
	n := d.Root()
	for name := range strings.SplitSeq(strings.ReplaceAll(q.property, "[]", ""), ".") {
		for n.Items != nil {
			n = n.Items
		}
		next := n.Property(name)
		if next == nil {
			var known []string
			for _, p := range n.Properties {
				known = append(known, p.Name)
			}
			fix := problem.Say("the properties there are: %s", strings.Join(known, ", "))
			if near := config.Similar(name, known); near != "" {
				fix = problem.Say("did you mean %s?", near)
			}
			return q, &usageError{what: problem.Say("%s has no property %q", d.ID(), q.property), fix: fix}
		}
		n = next.Node
	}
	return q, nil
}

// knownName refuses what is neither a dataset of any version nor a code list.
func knownName(name string, set *schemas.Set) error {
	if slices.ContainsFunc(set.Datasets(), func(d *schemas.Dataset) bool { return d.Name() == name }) {
		return nil
	}
	if _, err := set.CodeList(name); err == nil {
		return nil
	}
	_, err := namedDataset(set, name)
	return err
}

// match tells the uses that are asked for.
func (q useQuery) match(u pipeline.Use) bool {
	name := u.Dataset[:max(0, strings.LastIndex(u.Dataset, ".v"))]
	switch q.dataset {
	case "", name:
		return true
	case u.Dataset:
		return u.Reads(q.property)
	}
	return slices.ContainsFunc(u.Codes, func(c mapping.CodesUsed) bool { return c.List == q.dataset })
}

func (p *program) schemaUses(ctx context.Context) error {
	n, conn, err := p.openNode(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	var q useQuery
	if len(p.args) == 1 {
		if q, err = parseUseQuery(p.args[0], n.set); err != nil {
			return err
		}
	}
	all, unread, err := pipeline.ReadUses(ctx, pipeline.KafkaBus{Client: conn.Client})
	if err != nil {
		return err
	}
	for _, key := range unread {
		n.log.Warn("an announcement is of a newer truc and is left out: run that version to see it", "key", key)
	}
	found := slices.DeleteFunc(all, func(u pipeline.Use) bool { return !q.match(u) })
	switch {
	case p.json:
		if found == nil {
			found = []pipeline.Use{}
		}
		err = p.printJSON(found)
	case len(found) == 0:
		err = p.answer(problem.Say("nobody has announced a use of it; nodes announce when they run"))
	default:
		err = p.printUses(found, q)
	}
	if err == nil && len(found) == 0 {
		return &codeError{code: exitNo}
	}
	return err
}

func (p *program) printUses(uses []pipeline.Use, q useQuery) error {
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	p.headings(t, "", problem.Say("agency"), problem.Say("pipeline"), problem.Say("dataset"), problem.Say("version"), problem.Say("of"), problem.Say("properties"), problem.Say("codes"), problem.Say("since"), problem.Say("seen"))
	for _, u := range uses {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", u.Agency, u.Pipeline, u.Dataset, u.Version, strings.Join(u.Agencies, " "),
			p.propertiesShown(u, q.property), codesShown(u, q), u.Since.Local().Format(time.DateOnly), u.Seen.Local().Format(time.DateOnly))
	}
	return t.Flush()
}

// propertiesShown are those that were asked for, or how many there are.
func (p *program) propertiesShown(u pipeline.Use, asked string) string {
	switch {
	case u.Properties == nil:
		return p.short(problem.Say("not known"))
	case asked == "":
		return strconv.Itoa(len(u.Properties))
	}
	var shown []string
	for _, name := range u.Properties {
		if one := (pipeline.Use{Properties: []string{name}}); one.Reads(asked) {
			shown = append(shown, name)
		}
	}
	return strings.Join(shown, " ")
}

// codesShown are the code lists with the number of their codes, or the codes of the list that was asked for.
func codesShown(u pipeline.Use, q useQuery) string {
	var shown []string
	for _, c := range u.Codes {
		if c.List == q.dataset {
			return strings.Join(c.Codes, " ")
		}
		shown = append(shown, fmt.Sprintf("%s (%d)", c.List, len(c.Codes)))
	}
	return orDash(strings.Join(shown, " "))
}

// forgetUse takes an announcement away. A node that still runs says it again within a day.
func (p *program) forgetUse(ctx context.Context, key string, yes bool) error {
	n, conn, err := p.openNode(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	b := pipeline.KafkaBus{Client: conn.Client}
	all, _, err := pipeline.ReadUses(ctx, b)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(u pipeline.Use) bool { return strings.EqualFold(u.Agency+"/"+u.Pipeline, key) })
	if i < 0 {
		return &usageError{what: problem.Say("%s has announced nothing", key), fix: problem.Say("truc schema uses lists agencies and pipelines; write them as %s", n.config.Agency+"/publish.NAME")}
	}
	name := all[i].Agency + "/" + all[i].Pipeline
	if err := p.confirm(ctx, yes, problem.Say("%s will no longer be in the list of who uses what; a node that still runs it announces it again within a day", name)); err != nil {
		return err
	}
	if err := pipeline.ForgetUse(ctx, b, all[i]); err != nil {
		return err
	}
	if p.json {
		return p.printJSON(map[string]any{"forgotten": name})
	}
	return p.answer(problem.Say("%s is forgotten", name))
}
