package main

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/config"
	"github.com/lienthong/truc/mapping"
	"github.com/lienthong/truc/pipeline"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas"
)

// node is a configuration turned into things that can be opened: adapters decoded, mappings read, datasets found, topics
// named. Making one reads files and touches no server.
type node struct {
	config *config.Config
	set    *schemas.Set
	log    *slog.Logger
	// noDatasets is why the datasets of the configuration's folders are not in set.
	noDatasets problem.List
	// endings are what the folders of the configuration say of the end of datasets.
	endings func() map[string]*pipeline.Deprecation

	// sources and sinks build adapters by their names in the configuration; what is faulty is not there.
	sources map[string]func(adapters.Env) (adapters.Source, error)
	sinks   map[string]func(adapters.Env) (adapters.Sink, error)
	// publish and subscribe are the pipelines in the order of the file.
	publish   []publishing
	subscribe []subscription
}

// publishing is an outgoing pipeline. mapping, dataset and topic are empty when the mapping is faulty.
type publishing struct {
	config.Publish
	name    string
	mapping *mapping.File
	dataset *schemas.Dataset
	// table as the source knows it: the configuration's, or else the mapping's.
	table string
	topic string
}

// subscription is a delivery.
type subscription struct {
	config.Subscribe
	name    string
	mapping *mapping.File
	dataset *schemas.Dataset
}

// build makes a node, or as much of it as is sound, and reports everything that is not.
func build(c *config.Config, registry *adapters.Registry, log *slog.Logger) (*node, problem.List) {
	n := &node{
		config: c, log: log, endings: sync.OnceValue(func() map[string]*pipeline.Deprecation { return endings(c.Datasets) }),
		sources: map[string]func(adapters.Env) (adapters.Source, error){},
		sinks:   map[string]func(adapters.Env) (adapters.Sink, error){},
	}
	var problems problem.List
	if n.set, n.noDatasets = loadDatasets(c); n.set == nil {
		return nil, n.noDatasets
	}
	problems = append(problems, n.noDatasets...)
	problems = append(problems, n.buildAdapters(registry)...)
	m := &mappings{set: n.set, dir: c.Dir, read: map[string]*mapping.File{}, partial: n.noDatasets != nil || c.Faulty("datasets")}
	for _, name := range c.PublishNames() {
		p, l := n.buildPublishing(m, name)
		n.publish = append(n.publish, p)
		problems = append(problems, l...)
	}
	problems = append(problems, n.sharedTopics()...)
	for _, name := range c.SubscribeNames() {
		s, l := n.buildSubscription(m, name)
		n.subscribe = append(n.subscribe, s)
		problems = append(problems, l...)
	}
	return n, append(problems, n.sharedTables()...)
}

func (n *node) buildAdapters(registry *adapters.Registry) problem.List {
	var problems problem.List
	for _, name := range n.config.SourceNames() {
		s := n.config.Sources[name]
		if s.Kind == "" {
			continue
		}
		open, l := registry.Source(s.Kind, s.Node.Decode)
		problems = append(problems, s.Node.Locate(l)...)
		if l.Err() == nil {
			n.sources[name] = open
		}
	}
	for _, name := range n.config.SinkNames() {
		s := n.config.Sinks[name]
		if s.Kind == "" {
			continue
		}
		open, l := registry.Sink(s.Kind, s.Node.Decode)
		problems = append(problems, s.Node.Locate(l)...)
		if l.Err() == nil {
			n.sinks[name] = open
		}
	}
	return problems
}

func (n *node) buildPublishing(m *mappings, name string) (publishing, problem.List) {
	path := "publish." + name
	p := publishing{Publish: n.config.Publish[name], name: name}
	file, dataset, problems := m.load(p.Mapping, mapping.Source, n.config.Where(path+".mapping"))
	if file == nil {
		return p, problems
	}
	p.mapping, p.dataset = file, dataset
	p.table = p.Table
	if p.table == "" {
		p.table = file.Table
	}
	if p.table == "" && file.LacksTable() {
		problems = append(problems, problem.Problem{
			Code: "mapping.no-table", Where: file.TablePlace(), What: problem.Say("the mapping names no table, and neither does publish.%s", name),
			Fix: problem.Say("add table: to the mapping, or to publish.%s", name),
		})
	}
	if dataset == nil {
		return p, problems
	}
	p.topic = bus.EventTopic(dataset.ID(), p.Agency)
	if n.config.Faulty("agency") || n.config.Faulty(path+".agency") {
		return p, problems // and so the topic is wrong
	}
	if err := bus.CheckTopic(p.topic); err != nil {
		problems = append(problems, problem.Problem{
			Code: "config.topic", Where: n.config.Where(path), What: problem.Verbatim(err.Error()), Fix: problem.Say("use a shorter dataset or agency"),
		})
	}
	return p, problems
}

// sharedTopics reports pipelines that would publish to one topic: their keys would overwrite each other.
func (n *node) sharedTopics() problem.List {
	var problems problem.List
	first := map[string]string{}
	for _, p := range n.publish {
		if p.topic == "" {
			continue
		}
		if before, ok := first[p.topic]; ok {
			problems = append(problems, problem.Problem{
				Code: "config.shared-topic", Where: n.config.Where("publish." + p.name),
				What: problem.Say("this pipeline would publish to the topic of publish.%s, %s", before, p.topic),
				Fix:  problem.Say("give one of the two another agency:, or a mapping to another dataset"),
			})
			continue
		}
		first[p.topic] = p.name
	}
	return problems
}

// sharedTables reports deliveries of one dataset that would write the same rows: each event comes to both, the second finds
// it applied already, and what only its mapping writes is never written.
func (n *node) sharedTables() problem.List {
	var problems problem.List
	for i, s := range n.subscribe {
		for _, before := range n.subscribe[:i] {
			if s.dataset == nil || s.dataset != before.dataset || s.Sink != before.Sink || s.mapping.Table != before.mapping.Table || s.mapping.Table == "" {
				continue
			}
			if agency := overlap(s.Agencies, before.Agencies); agency != "" {
				problems = append(problems, problem.Problem{
					Code: "config.shared-table", Where: n.config.Where("subscribe." + s.name),
					What: problem.Say("this delivery would fill the same rows of table %s as subscribe.%s: both bring %s from %s", s.mapping.Table, before.name, s.dataset.ID(), agency),
					Fix:  problem.Say("keep one of the two, name agencies that do not overlap, or deliver into another table"),
				})
			}
		}
	}
	return problems
}

// overlap returns a pattern that both lists of agency patterns cover, or "".
func overlap(a, b []string) string {
	for _, x := range a {
		for _, y := range b {
			switch {
			case covers(x, y):
				return y
			case covers(y, x):
				return x
			}
		}
	}
	return ""
}

// covers reports whether an agency pattern covers all that another does.
func covers(pattern, other string) bool {
	root, below := strings.CutSuffix(pattern, ".*")
	return pattern == "*" || pattern == other || below && (other == root || strings.HasPrefix(other, root+"."))
}

func (n *node) buildSubscription(m *mappings, name string) (subscription, problem.List) {
	s := subscription{Subscribe: n.config.Subscribe[name], name: name}
	file, dataset, problems := m.load(s.Mapping, mapping.Sink, n.config.Where("subscribe."+name+".mapping"))
	if file == nil {
		return s, problems
	}
	s.mapping, s.dataset = file, dataset
	if file.LacksTable() {
		problems = append(problems, problem.Problem{
			Code: "mapping.no-table", Where: file.TablePlace(), What: problem.Say("the mapping names no table"), Fix: problem.Say("add table: with the name of the table to fill"),
		})
	}
	return s, problems
}

// mappings reads each mapping file once, however many pipelines use it.
type mappings struct {
	set  *schemas.Set
	dir  string                   // the configuration's folder
	read map[string]*mapping.File // nil: read before, and faulty
	// partial: a folder of datasets is faulty, so that a dataset that is not in set may be in there.
	partial bool
}

// load returns a mapping and its dataset. Where says which line of the configuration names it. Faults of a file are reported
// the first time it is asked for.
func (m *mappings) load(path string, direction mapping.Direction, where string) (*mapping.File, *schemas.Dataset, problem.List) {
	if path == "" {
		return nil, nil, nil // the configuration's own fault, reported by it
	}
	name := displayed(path)
	file, again := m.read[path]
	var problems problem.List
	if !again {
		file, problems = m.parse(path, name, where)
		m.read[path] = file
	}
	if file == nil {
		return nil, nil, problems
	}
	if file.Direction != direction {
		return nil, nil, append(problems, problem.Problem{
			Code: "mapping.wrong-direction", Where: where,
			What: problem.Say("%s is a %s mapping, a %s mapping is needed here", name, file.Direction, direction),
			Fix:  problem.Say("name the right file: a source mapping has fields, a sink mapping has columns with expressions"),
		})
	}
	dataset, err := m.set.Dataset(file.Dataset)
	if err == nil {
		return file, dataset, problems
	}
	if m.partial {
		return file, nil, problems
	}
	if !again && !file.LacksDataset() {
		problems = append(problems, problemsOf(err, file.DatasetPlace(), "mapping.unknown-dataset", problem.Say("name a dataset that this version has"))...)
	}
	// With a slip of the pen in the name, the rest of the mapping is checked as it was meant.
	if meant := m.meant(file.Dataset); meant != nil && !file.LacksDataset() {
		return file.For(meant.ID()), meant, problems
	}
	return file, nil, problems
}

// meant is the dataset that a wrong name most likely stands for.
func (m *mappings) meant(id string) *schemas.Dataset {
	var known []string
	for _, d := range m.set.Datasets() {
		known = append(known, d.ID())
	}
	dataset, err := m.set.Dataset(config.Similar(id, known))
	if err != nil {
		return nil
	}
	return dataset
}

func (m *mappings) parse(path, name, where string) (*mapping.File, problem.List) {
	data, err := readSmall(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, problem.List{{Code: "mapping.unreadable", Where: where, What: problem.Say("the mapping %s does not exist", name), Fix: problem.Say("correct the path (it is relative to the configuration file), or write the mapping")}}
	case err != nil:
		return nil, problem.List{{Code: "mapping.unreadable", Where: where, What: problem.Say("the mapping %s cannot be read: %v", name, err), Fix: problem.Say("check that it is a file that the user running truc may read")}}
	}
	root, within, err := filesOf(m.dir, path)
	if err != nil {
		return nil, problem.List{{Code: "mapping.unreadable", Where: where, What: problem.Say("the folder of the mapping %s cannot be read: %v", name, err), Fix: problem.Say("check that the user running truc may read it")}}
	}
	defer root.Close()
	return mapping.Parse(name, data, &mapping.Files{Root: root.FS(), Path: within})
}

// filesOf opens the folder in which a mapping's other files are, and says where in it the mapping is: the configuration's
// folder, or for a mapping outside it its own.
func filesOf(dir, path string) (root *os.Root, within string, err error) {
	if path, err = filepath.Abs(path); err != nil {
		return nil, "", err
	}
	within, err = filepath.Rel(dir, path)
	if err != nil || !filepath.IsLocal(within) {
		dir, within = filepath.Dir(path), filepath.Base(path)
	}
	root, err = os.OpenRoot(dir)
	return root, filepath.ToSlash(within), err
}

// displayed is a path as short as a person standing in the working directory would write it.
func displayed(path string) string {
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	short, err := filepath.Rel(here, path)
	if err != nil || short == ".." || strings.HasPrefix(short, ".."+string(filepath.Separator)) {
		return path
	}
	return short
}

// env is what mappings are compiled in.
func (n *node) env(identityFix string) mapping.Env {
	keys := make(map[string][]byte, len(n.config.Pseudonyms))
	for name, key := range n.config.Pseudonyms {
		if n.config.Faulty("pseudonyms." + name) {
			// It was told, and nothing runs until it is mended; mappings shall not tell it again.
			key = strings.Repeat("0", mapping.MinPseudonymKey)
		}
		keys[name] = []byte(key)
	}
	return mapping.Env{Set: n.set, Agency: n.config.Agency, IdentityFix: identityFix, Pseudonyms: keys}
}

// adapterEnv is what an adapter is built with.
func (n *node) adapterEnv(name string) adapters.Env {
	return adapters.Env{Name: name, Agency: n.config.Agency, Dir: n.config.Dir, Log: n.log.With("adapter", name), Reference: func() ([]adapters.ReferenceTable, error) { return referenceTables(n.set) }}
}

// openSource builds a new instance of a source; it does no I/O.
func (n *node) openSource(name string) (adapters.Source, error) {
	env := n.adapterEnv(name)
	env.Pace = n.pace(name)
	return n.sources[name](env)
}

// pace is how a source is spared while its tables are read.
func (n *node) pace(source string) adapters.Pace {
	limit := n.config.Sources[source].Limit
	p := adapters.Pace{Rows: int(limit.Rows)}
	if hours, zone := limit.SnapshotHours, limit.Zone.Location(); hours != (config.HoursOfDay{}) {
		p.Opens = func(now time.Time) (bool, time.Time) {
			now = now.In(zone)
			return hours.Contains(now), hours.Begins(now)
		}
	}
	return p
}

// openSink builds a new instance of a sink; it does no I/O.
func (n *node) openSink(name string) (adapters.Sink, error) {
	return n.sinks[name](n.adapterEnv(name))
}

// publishingOf returns the pipelines of a source, in the order of the file.
func (n *node) publishingOf(source string) []publishing {
	return slices.DeleteFunc(slices.Clone(n.publish), func(p publishing) bool { return p.Source != source })
}

// subscriptionsOf returns the deliveries to a sink, in the order of the file.
func (n *node) subscriptionsOf(sink string) []subscription {
	return slices.DeleteFunc(slices.Clone(n.subscribe), func(s subscription) bool { return s.Sink != sink })
}

// budget is the error budget as the pipelines understand it.
func (n *node) budget() pipeline.Budget {
	b := n.config.ErrorBudget
	return pipeline.Budget{Window: b.Window, Share: float64(b.FailedPercent) / 100, Least: b.OpenLetters}
}

// problemsOf turns an error into findings: those it holds, or itself. where, code and fix are used for what it does not say.
func problemsOf(err error, where, code string, fix problem.Text) problem.List {
	var list problem.List
	var one problem.Problem
	var ref *problem.Problem
	var refused *adapters.RefusedError
	switch {
	case errors.As(err, &list):
	case errors.As(err, &one):
		list = problem.List{one}
	case errors.As(err, &ref):
		list = problem.List{*ref}
	case errors.As(err, &refused):
		list = problem.List{{Code: code, What: problem.Say("%s: %s", refused.Where, refused.What), Fix: refused.Fix}}
	default:
		list = problem.List{{Code: code, What: problem.Verbatim(err.Error()), Fix: fix}}
	}
	out := slices.Clone(list)
	for i := range out {
		if out[i].Where == "" {
			out[i].Where = where
		}
	}
	return out
}
