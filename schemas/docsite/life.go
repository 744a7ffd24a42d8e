package docsite

import (
	"fmt"
	"slices"
	"time"

	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas/governance"
)

// lifeView is what was decided about a dataset in a folder of standards; the zero value where nothing was, as with what comes with truc.
type lifeView struct {
	// State of the version that the page shows.
	State       both
	Unpublished bool
	// Until is the day from which the version may end, and Successor what takes its place; Retired says that it has ended.
	Until, Successor string
	Retired          bool
	// SuccessorPage is the page about the successor, "" when the site has none.
	SuccessorPage string
	Origin        string // who decides about it, when others do
	Versions      []versionView
}

// versionView is a line of the changelog, the latest version first.
type versionView struct {
	Version, Day, Why, Until, Successor string
	State                               both
	// Changes are those since the version before.
	Changes []changeView
	First   bool
}

type changeView struct {
	Where string
	What  both
}

func spoken(t problem.Text) both { return both{t.VI, t.EN} }

// livesOf are the lives of the datasets of folders, by id. A history that was changed tells nothing: it is a problem.List.
func livesOf(folders []*governance.Folder) (map[string]lifeView, error) {
	out := map[string]lifeView{}
	for _, f := range folders {
		for _, d := range f.Datasets() {
			if d.Problems != nil {
				return nil, d.Problems
			}
			if len(d.History) == 0 {
				continue
			}
			v, err := lifeOf(d)
			if err != nil {
				return nil, fmt.Errorf("what was decided about %s: %w", d.ID, err)
			}
			v.Origin, _ = f.Origin(d)
			out[d.ID] = v
		}
	}
	return out, nil
}

func lifeOf(d *governance.Dataset) (lifeView, error) {
	s := d.State()
	v := lifeView{State: spoken(s.Text()), Retired: s == governance.Retired}
	switch s {
	case governance.Draft, governance.Proposed, governance.Approved:
		v.Unpublished = true
	case governance.Deprecated, governance.Retired:
		v.Until, v.Successor = ending(d, d.Working.Version.String())
	case governance.Published:
	}
	for i, t := range d.Versions {
		line := versionView{Version: t.Version.String(), State: spoken(d.Last(t.Version.String()).State.Text()), First: i == 0}
		for _, e := range d.History {
			if e.Version == line.Version && e.State == governance.Published {
				line.Day = e.At.Format(time.DateOnly)
			}
			if e.Version == line.Version && e.Why != "" && e.State != governance.Deprecated && e.State != governance.Retired {
				line.Why = e.Why
			}
		}
		line.Until, line.Successor = ending(d, line.Version)
		if i > 0 {
			changes, err := governance.Changes(t, d.Versions[i-1])
			if err != nil {
				return v, err
			}
			for _, c := range changes {
				line.Changes = append(line.Changes, changeView{c.Where, spoken(c.What)})
			}
		}
		v.Versions = append(v.Versions, line)
	}
	slices.Reverse(v.Versions)
	return v, nil
}

// ending is what the latest deprecation of a version says.
func ending(d *governance.Dataset, version string) (until, successor string) {
	for _, e := range d.History {
		if e.Version == version && e.State == governance.Deprecated {
			until, successor = e.Date, e.Successor
		}
	}
	return until, successor
}
