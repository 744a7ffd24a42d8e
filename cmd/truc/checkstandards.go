package main

import (
	"fmt"

	"github.com/lienthong/truc/pipeline"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas"
	"github.com/lienthong/truc/schemas/governance"
)

// checkStandards warns of datasets in use about which the standards team decided something else than "published", and of datasets of
// others that were altered here. A folder without histories is not governed, and nothing is said about it.
func (n *node) checkStandards() problem.List {
	used := map[string]string{} // by dataset, a pipeline that uses it
	note := func(d *schemas.Dataset, where string) {
		if d != nil && used[d.ID()] == "" {
			used[d.ID()] = where
		}
	}
	for _, p := range n.publish {
		note(p.dataset, "publish."+p.name)
	}
	for _, s := range n.subscribe {
		note(s.dataset, "subscribe."+s.name)
	}
	var found problem.List
	for i, path := range n.config.Datasets {
		f, err := governance.Open(path, displayed(path))
		if err != nil {
			continue // told when the datasets were loaded
		}
		where := n.config.Where(fmt.Sprintf("datasets[%d]", i))
		for _, p := range f.CheckOrigins() {
			p.Warning = true
			found = append(found, placed(problem.List{p}, nil, where)...)
		}
		for _, d := range f.Datasets() {
			if used[d.ID] == "" || len(d.History) == 0 && d.Problems == nil {
				continue
			}
			at := n.config.Where(used[d.ID])
			for _, p := range d.Problems {
				p.Warning = true
				found = append(found, placed(problem.List{p}, nil, where)...)
			}
			if p, ok := stateWarning(d); ok {
				p.Where = at
				found = append(found, p)
			}
		}
	}
	return found
}

// endings are what folders of standards say of the end of versions of datasets, by "hotich.khaisinh.v1@1.0.0". One that is retired
// was deprecated before.
func endings(paths []string) map[string]*pipeline.Deprecation {
	var folders []*governance.Folder
	for _, path := range paths {
		f, err := governance.Open(path, displayed(path))
		if err != nil {
			continue // told when the datasets were loaded
		}
		folders = append(folders, f)
	}
	return endingsIn(folders)
}

func endingsIn(folders []*governance.Folder) map[string]*pipeline.Deprecation {
	out := map[string]*pipeline.Deprecation{}
	for _, f := range folders {
		for _, d := range f.Datasets() {
			for _, e := range d.History {
				if e.State == governance.Deprecated {
					out[d.ID+"@"+e.Version] = &pipeline.Deprecation{Date: e.Date, Successor: e.Successor}
				}
			}
		}
	}
	return out
}

// stateWarning says what who uses the working copy of a dataset should know of it.
func stateWarning(d *governance.Dataset) (problem.Problem, bool) {
	p := problem.Problem{Code: "governance.in-use", Warning: true}
	switch s := d.State(); s {
	case governance.Published:
		return p, false
	case governance.Deprecated:
		e := d.Last(d.Working.Version.String())
		p.What = problem.Say("%s is deprecated: it may end from %s on", d.Working.Name, e.Date)
		p.Fix = problem.Say("move to %s", e.Successor)
	case governance.Retired:
		p.What = problem.Say("%s is retired: nobody looks after it any more", d.Working.Name)
		p.Fix = problem.Say("move to what took its place: truc schema list %s", d.ID)
	case governance.Draft, governance.Proposed, governance.Approved:
		p.What = problem.Say("%s is not published (it is %s): it may still change", d.Working.Name, s.Text())
		p.Fix = problem.Say("use a published version (truc schema list %s), or let the standards team publish it", d.ID)
	}
	return p, true
}
