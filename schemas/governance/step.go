package governance

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas"
	"github.com/lienthong/truc/schemas/compat"
)

// Decision is who decides, when, and why.
type Decision struct {
	By  Person
	At  time.Time
	Why string
}

// RefusedError says that a version may not follow those that are published.
type RefusedError struct {
	// Version is the one that was judged, as people call it.
	Version    string
	Comparison Comparison
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("%s is not compatible at %s: %d refusals", e.Version, e.Comparison.Judgement.Level, len(e.Comparison.Judgement.Refusals))
}

// Propose puts the working copy of a dataset forward for approval. It is judged now, so that nobody approves in vain; the error
// is a *RefusedError when it breaks readers or writers of a published version, and a problem.List when something else is wrong.
func (f *Folder) Propose(id string, by Decision) (*Dataset, *Comparison, error) {
	d, t, err := f.sound(id)
	if err != nil {
		return nil, nil, err
	}
	if e := d.Last(t.Version.String()); e != nil {
		switch {
		case e.State.public():
			return nil, nil, f.published(d, t)
		case e.SHA256 == sum(t.Schema) && maps.Equal(e.Types, sums(t.Types)):
			return nil, nil, f.wrong(d, "governance.state", problem.Say("%s is %s already, with this text", t.Name, e.State.Text()), problem.Say("go on: %s", next(e.State, d.ID)))
		}
	}
	c, err := d.judge(t)
	if err != nil {
		return nil, nil, err
	}
	return d, c, f.record(d, nil, entry(Proposed, t, by))
}

// Approve says that exactly the text that was proposed may be published. Nobody approves a proposal of his own.
func (f *Folder) Approve(id string, by Decision) (*Dataset, error) {
	d, t, err := f.sound(id)
	if err != nil {
		return nil, err
	}
	e, err := f.expect(d, t, Proposed)
	if err != nil {
		return nil, err
	}
	if e.By.same(by.By) {
		return nil, f.wrong(d, "governance.own-proposal", problem.Say("%s proposed this version, and nobody approves a proposal of his own", e.By.Name),
			problem.Say("let a colleague approve it, under the git name and address of that colleague"))
	}
	return d, f.record(d, nil, entry(Approved, t, by))
}

// Publish freezes the text that was approved. It is judged again: another version may have been published since the proposal.
func (f *Folder) Publish(id string, by Decision) (*Dataset, error) {
	d, t, err := f.sound(id)
	if err != nil {
		return nil, err
	}
	if _, err := f.expect(d, t, Approved); err != nil {
		return nil, err
	}
	if _, err := d.judge(t); err != nil {
		return nil, err
	}
	files := map[string][]byte{d.publishedFile(t.Version.String()): plain(t.Schema)}
	for id, text := range t.Types {
		files[path.Join(d.dir, "published", "types", typeFile(id, text))] = plain(text)
	}
	return d, f.record(d, files, entry(Published, t, by))
}

// typeFile names the frozen copy of a shared type: "kieu-1.0.0-0a1b2c3d.json".
func typeFile(id string, text []byte) string {
	words := strings.Split(strings.TrimSuffix(id, "/"), "/")
	name := strings.Join(words[max(0, len(words)-2):], "-")
	return unsafeInName.ReplaceAllString(name, "_") + "-" + sum(text)[:8] + ".json"
}

var unsafeInName = regexp.MustCompile(`[^A-Za-z0-9._-]`)

// Deprecate announces the end of published versions: what to use instead, and the day from which they may be retired. A later
// deprecation may only move the day further away: subscribers plan by it. Without a version, "hotich.khaisinh.v1@1.0.0", it is
// about all of them.
func (f *Folder) Deprecate(id, successor, date string, by Decision) (*Dataset, []Entry, error) {
	d, err := f.whole(id)
	if err != nil {
		return nil, nil, err
	}
	texts, err := d.meant(id)
	if err != nil {
		return nil, nil, err
	}
	if len(texts) == 0 {
		return nil, nil, f.wrong(d, "governance.state", problem.Say("no version of %s is published", d.ID), problem.Say("change or remove the draft as you like; an end is announced of what others rely on"))
	}
	if successor, err = f.successorOf(d, texts, successor); err != nil {
		return nil, nil, err
	}
	day, err := time.Parse(time.DateOnly, date)
	if err != nil || !day.After(by.At) {
		return nil, nil, f.wrong(d, "governance.date", problem.Say("%q is no day to come", date), problem.Say("write the day from which the version may be retired: --date %s", by.At.AddDate(1, 0, 0).Format(time.DateOnly)))
	}
	var steps []Entry
	for _, t := range texts {
		e := d.Last(t.Version.String())
		switch {
		case e.State == Retired:
			continue
		case e.State == Deprecated && date < e.Date:
			return nil, nil, f.wrong(d, "governance.date", problem.Say("%s was promised until %s, and that day may only move further away", t.Name, e.Date), problem.Say("name %s or a later day", e.Date))
		}
		step := entry(Deprecated, t, by)
		step.Successor, step.Date = successor, date
		steps = append(steps, step)
	}
	if len(steps) == 0 {
		return nil, nil, f.wrong(d, "governance.state", problem.Say("%s is retired", texts[len(texts)-1].Name), problem.Say("there is nothing left to deprecate"))
	}
	return d, steps, f.record(d, nil, steps...)
}

// Retire ends versions whose day has come. Their texts stay: events written by them are still on the bus.
func (f *Folder) Retire(id string, by Decision) (*Dataset, []Entry, error) {
	d, err := f.whole(id)
	if err != nil {
		return nil, nil, err
	}
	texts, err := d.meant(id)
	if err != nil {
		return nil, nil, err
	}
	_, _, named := SplitName(id)
	var steps []Entry
	for _, t := range texts {
		e := d.Last(t.Version.String())
		switch {
		case e.State == Published && named == "", e.State == Retired:
			continue
		case e.State != Deprecated:
			return nil, nil, f.wrong(d, "governance.state", problem.Say("%s is %s, and only what was deprecated is retired", t.Name, e.State.Text()),
				problem.Say("announce it first: truc schema deprecate %s --successor … --date …", t.Name))
		case by.At.Format(time.DateOnly) < e.Date:
			return nil, nil, f.wrong(d, "governance.date", problem.Say("%s was promised until %s", t.Name, e.Date), problem.Say("retire it on that day or later"))
		}
		steps = append(steps, entry(Retired, t, by))
	}
	if len(steps) == 0 {
		return nil, nil, f.wrong(d, "governance.state", problem.Say("no version of %s is deprecated", d.ID), problem.Say("announce it first: truc schema deprecate %s --successor … --date …", d.ID))
	}
	return d, steps, f.record(d, nil, steps...)
}

// meant are the published versions that a name means.
func (d *Dataset) meant(id string) ([]Text, error) {
	_, _, version := SplitName(id)
	if version == "" {
		return d.Versions, nil
	}
	t, err := d.At(version)
	if err != nil {
		return nil, err
	}
	return []Text{t}, nil
}

// successorOf demands that what readers are sent to is there, is none of the versions that end, and does not end itself. It returns the
// successor's full name.
func (f *Folder) successorOf(d *Dataset, ending []Text, successor string) (string, error) {
	name, major, version := SplitName(successor)
	set, err := f.Set()
	if err != nil {
		return "", err
	}
	if major == 0 { // none is named: the latest one
		for _, known := range set.Datasets() {
			if known.Name() == name {
				major = max(major, known.Major())
			}
		}
	}
	full := fmt.Sprintf("%s.v%d", name, major)
	itself := full == d.ID && (version == "" || slices.ContainsFunc(ending, func(t Text) bool { return t.Version.String() == version }))
	loaded, err := set.Dataset(full)
	if version != "" {
		full += "@" + version
	}
	if other, inFolder := f.Dataset(successor); err == nil && inFolder == nil && other.ID == loaded.ID() {
		var texts []Text
		if texts, err = other.meant(successor); err == nil && len(texts) == 0 {
			err = errNoSuccessor
		}
		if e := other.endOf(texts); e != nil && !itself {
			return "", f.wrong(d, "governance.successor", problem.Say("%s comes to its end itself, from %s on", full, e.Date), problem.Say("name what takes its place: --successor %s", e.Successor))
		}
	} else if version != "" && err == nil && loaded.Version() != version {
		err = errNoSuccessor
	}
	if err != nil || itself {
		return "", f.wrong(d, "governance.successor", problem.Say("%q is no published dataset that could take over", successor),
			problem.Say("name what subscribers should move to, such as --successor %s.v%d; publish it first", d.Name, d.Major+1))
	}
	return full, nil
}

// endOf is the announced end of versions, the latest one's; nil when one of them goes on.
func (d *Dataset) endOf(versions []Text) (end *Entry) {
	for _, t := range versions {
		if last := d.Last(t.Version.String()); last.State != Deprecated && last.State != Retired {
			return nil
		}
		for i := range d.History {
			if e := &d.History[i]; e.Version == t.Version.String() && e.State == Deprecated {
				end = e
			}
		}
	}
	return end
}

var errNoSuccessor = fmt.Errorf("not published")

func next(s State, id string) string {
	if s == Proposed {
		return "truc schema approve " + id
	}
	return "truc schema publish " + id
}

// sound reads a dataset of which everything is in order, with the text that would be decided about.
func (f *Folder) sound(id string) (*Dataset, Text, error) {
	if _, _, version := SplitName(id); version != "" {
		return nil, Text{}, problem.Problem{
			Code: "governance.version", Where: f.name, What: problem.Say("what is decided about is the working copy: %s needs no version", id), Fix: problem.Say("leave out @%s", version),
		}
	}
	d, err := f.whole(id)
	if err != nil {
		return nil, Text{}, err
	}
	set, err := f.Set()
	if err != nil {
		return nil, Text{}, err
	}
	t, err := d.working(set)
	if err != nil {
		return nil, Text{}, err
	}
	return d, t, nil
}

// whole reads a dataset whose history and published versions are as they were, and that is not another's.
func (f *Folder) whole(id string) (*Dataset, error) {
	d, err := f.Dataset(id)
	if err != nil {
		return nil, err
	}
	if d.Problems != nil {
		return nil, d.Problems
	}
	if from, taken := f.Origin(d); taken {
		return nil, f.wrong(d, "governance.origin", problem.Say("%s was taken over from %s, and only they decide about it", d.ID, from),
			problem.Say("take over their next version with truc schema import; what you need besides goes into a dataset of your own"))
	}
	return d, nil
}

func (f *Folder) wrong(d *Dataset, code string, what, fix problem.Text) error {
	return problem.Problem{Code: code, Where: f.where(d.dir + "/schema.json"), What: what, Fix: fix}
}

func (f *Folder) published(d *Dataset, t Text) error {
	if latest, err := d.At(t.Version.String()); err == nil && sum(latest.Schema) == sum(t.Schema) {
		return f.wrong(d, "governance.state", problem.Say("%s is published with this text: there is nothing to decide about", t.Name), problem.Say("change schema.json first, and the version at the end of its $id"))
	}
	return f.wrong(d, "governance.published", problem.Say("%s is published, and a published version never changes", t.Name),
		problem.Say("let the $id end in a new version; truc schema diff %s says which", d.ID))
}

// expect demands that the last step of the working copy is of a state, and about this very text.
func (f *Folder) expect(d *Dataset, t Text, want State) (*Entry, error) {
	e := d.Last(t.Version.String())
	before := "truc schema propose " + d.ID
	if want == Approved && e != nil && e.State == Proposed {
		before = "truc schema approve " + d.ID
	}
	switch {
	case e != nil && e.State.public():
		return nil, f.published(d, t)
	case e == nil || e.State != want && !(want == Proposed && e.State == Approved):
		return nil, f.wrong(d, "governance.state", problem.Say("%s is not %s", t.Name, want.Text()), problem.Say("first: %s", before))
	case e.State != want:
		return nil, f.wrong(d, "governance.state", problem.Say("%s is %s already, with this text", t.Name, e.State.Text()), problem.Say("go on: %s", next(e.State, d.ID)))
	case e.SHA256 != sum(t.Schema) || !maps.Equal(e.Types, sums(t.Types)):
		return nil, f.wrong(d, "governance.changed", problem.Say("the text is not the one that was %s (by %s, %s)", e.State.Text(), e.By.Name, e.At.Local().Format(time.DateOnly)),
			problem.Say("propose it anew: truc schema propose %s", d.ID))
	}
	return e, nil
}

func entry(s State, t Text, by Decision) Entry {
	return Entry{State: s, Version: t.Version.String(), By: by.By, At: by.At, Why: by.Why, SHA256: sum(t.Schema), Types: sums(t.Types)}
}

func sums(types map[string][]byte) map[string]string {
	if len(types) == 0 {
		return nil
	}
	out := map[string]string{}
	for id, text := range types {
		out[id] = sum(text)
	}
	return out
}

// record writes texts and then the steps about them: what the history tells is there.
func (f *Folder) record(d *Dataset, files map[string][]byte, steps ...Entry) error {
	history, err := appendHistory(f.files[d.historyFile()], steps...)
	if err != nil {
		return err
	}
	if files != nil {
		if err := f.write(files); err != nil {
			return err
		}
	}
	return f.write(map[string][]byte{d.historyFile(): history})
}

// levelFor is the level at which the next version is judged: that of the latest published one, so that a draft cannot excuse itself.
func (d *Dataset) levelFor(t Text) (compat.Level, error) {
	schema := t.Schema
	if _, err := LevelOf(schema); err != nil { // a wrong word is told even where it does not count yet
		return "", err
	}
	if latest := d.Latest(); latest != nil {
		schema = latest.Schema
	}
	return LevelOf(schema)
}

// judge decides about a version as the rules of the dataset have it. The error is a *RefusedError, or a problem when the version's
// number does not fit the changes.
func (d *Dataset) judge(t Text) (*Comparison, error) {
	level, err := d.levelFor(t)
	if err != nil {
		return nil, err
	}
	c, err := Compare(level, compat.Sound, t, d.Versions)
	if err != nil {
		return nil, err
	}
	if !c.Judgement.Compatible {
		return nil, &RefusedError{Version: t.Name, Comparison: *c}
	}
	latest := d.Latest()
	if latest == nil {
		return c, nil
	}
	if needed := latest.Version.After(c.Bump); t.Version.Compare(needed) < 0 || c.Bump == BumpNone {
		return nil, problem.Problem{
			Code: "governance.version", Where: d.dir + "/schema.json#/$id", What: problem.Say("the version is %s, and what changed since %s asks for %s at least", t.Version, latest.Version, needed),
			Fix: problem.Say(`let the $id end in "/%s"`, needed),
		}
	}
	return c, nil
}

// WorkingCopy is the dataset with its working copy as the gate of schemas took it in, whatever was decided about it.
func (f *Folder) WorkingCopy(set *schemas.Set, id string) (*Dataset, Text, error) {
	d, err := f.Dataset(id)
	if err != nil {
		return nil, Text{}, err
	}
	t, err := d.working(set)
	return d, t, err
}
