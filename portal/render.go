package portal

import (
	"embed"
	"fmt"
	"html/template"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/pipeline"
)

//go:embed page
var pageFiles embed.FS

// templates of the page, in the language of a format.
func templates(f format) *template.Template {
	t := template.New("page").Funcs(template.FuncMap{
		"t": f.say, "seconds": f.seconds, "spark": spark, "meter": meter, "kinds": kinds,
		"number":      func(n any) string { return f.number(integer(n)) },
		"bytes":       func(n *int64) string { return f.bytes(*n) },
		"minute":      func(r rate) string { return f.number(r.minute) },
		"shownIssues": func() int { return shownIssues },
		"beyond":      func(issues []issue) int { return max(len(issues)-shownIssues, 0) },
		"count":       func(rows []row) int { return len(rows) },
		"state":       func(s any) string { return stateWord(f, fmt.Sprint(s)) },
		"known":       func(s any) string { return knownState(fmt.Sprint(s)) },
		"sentence":    func(reason string) string { return reasonSentence(f, reason) },
		"vietnamese":  func() bool { return f.lang == vietnamese },
		"progress":    func(g adapters.Progress) string { return progressWords(f, g) },
	})
	return template.Must(t.ParseFS(pageFiles, "page/*.tmpl"))
}

// shownIssues is how many stand open on the page: the worst come first, and the tables must be within reach.
const shownIssues = 15

// kinds are the operations of events, in the order in which they are shown.
func kinds() []string { return []string{"created", "updated", "deleted", "snapshot"} }

// integer takes what templates count with.
func integer(n any) int64 {
	switch n := n.(type) {
	case int:
		return int64(n)
	case int64:
		return n
	case uint32:
		return int64(n)
	}
	return 0
}

// layout is what the frame of the page is made from.
type layout struct {
	Lang, Other string
	Title       string
	Boot        string
	At          string
	Agency      string
	Node        template.HTML
	Summary     template.HTML
	Issues      template.HTML
	Readers     []readerPart
	Deliveries  []row
	Rows        int
	Empty       bool

	// Of one request:
	Theme, Query string
	Only         bool
	Nothing      bool
	Assets       map[string]string
}

// Carry is the filter as a part of a link, so that it outlives a change of language or theme.
func (l layout) Carry(separator string) template.URL {
	query := url.Values{}
	if l.Only {
		query.Set("only", "1")
	}
	if l.Query != "" {
		query.Set("q", l.Query)
	}
	if len(query) == 0 {
		return ""
	}
	return template.URL(separator + query.Encode()) //nolint:gosec // encoded
}

type readerPart struct {
	ID, Name  string
	Head      template.HTML
	Pipelines []row
}

// row is a pipeline, with what a reader may look for in it.
type row struct {
	HTML   template.HTML
	Search string
}

func (r row) hidden() row {
	r.HTML = template.HTML(strings.Replace(string(r.HTML), " data-mark=", " hidden data-mark=", 1)) //nolint:gosec // as it was, and one word
	return r
}

func readerID(i int) string     { return "r" + strconv.Itoa(i) }
func publishID(i, k int) string { return "p" + strconv.Itoa(i) + "-" + strconv.Itoa(k) }
func deliveryID(i int) string   { return "d" + strconv.Itoa(i) }
func trouble(open bool) string {
	if open {
		return "wrong"
	}
	return "right"
}

// What the templates of the fragments get as .V.
type (
	nodePart struct {
		Status
		Bytes    *int64
		Embedded bool
	}
	summaryPart struct {
		Level, Verdict         string
		Bad, Warn, Note        int
		Readers, ReadersUp     int
		Deliveries, Delivering int
		Publishing             int
		Minute, Applied        int64
		OpenLetters            int64
		Starting               bool
		Empty                  bool
	}
	readerHead struct {
		Reader
		Wrong          string
		Unfinished     []adapters.Progress
		Finished, Rows int64 // tables that were read whole, and their rows
	}
	publishPart struct {
		Publish
		Total       int64
		Rate        rate
		Wrong       string
		RemarkCount int64
		Reasons     []reason
		State       pipeline.State
		Search      string
	}
	deliveryPart struct {
		Delivery
		Rate    rate
		Within  string
		Wrong   string
		Reasons []reason
		Search  string
	}
	reason struct {
		Word  string
		Count int64
	}
)

// render makes the page of a frame in the language of a format. What did not change since the view before, which may be
// nil, is taken from it.
func render(t *template.Template, form format, f *frame, boot string, old *view) *view {
	lang := form.lang
	s := f.status
	v := &view{boot: boot, format: form, templates: t, byID: map[string]int{}, old: old}
	l := layout{Lang: lang, Other: other(lang), Boot: boot, At: form.stamp(f.at), Agency: s.Agency}
	issues := issuesOf(s)
	sum := summaryOf(f, issues)
	sum.Verdict = verdict(form, sum)
	l.Title = sum.Verdict
	l.Node = v.add("node", "node", nodePart{s, s.Bus.Bytes, s.Bus.Bytes != nil})
	l.Summary = v.add("summary", "summary", sum)
	l.Issues = v.add("issues", "issues", issues)
	for i, r := range s.Readers {
		part := readerPart{ID: readerID(i), Name: r.Source}
		head := readerHead{Reader: r, Wrong: trouble(isWrong(r.State))}
		for _, g := range r.Snapshots {
			if g.Done {
				head.Finished, head.Rows = head.Finished+1, head.Rows+g.Rows
			} else {
				head.Unfinished = append(head.Unfinished, g)
			}
		}
		slices.SortFunc(head.Unfinished, func(a, b adapters.Progress) int { return strings.Compare(a.Table, b.Table) })
		part.Head = v.add("reader", part.ID, head)
		for k, p := range r.Pipelines {
			search := searchable(r.Source, p.Name, p.Table, p.Topic, p.Dataset)
			part.Pipelines = append(part.Pipelines, row{Search: search, HTML: v.add("publish", publishID(i, k), publishPart{
				Publish: p, Total: total(p.Published), Rate: f.rates[publishKey(r.Source, p.Name)],
				Wrong: trouble(isWrong(r.State) || p.DeadLetters.Open > 0), RemarkCount: remarkCount(p.Remarks),
				Reasons: reasonsOf(p.DeadLetters), State: r.State, Search: search,
			})})
			l.Rows++
		}
		l.Readers = append(l.Readers, part)
	}
	for i, d := range s.Deliveries {
		rate := f.rates[deliveryKey(d.Name)]
		search := searchable(d.Name, d.Table, d.Dataset)
		l.Deliveries = append(l.Deliveries, row{Search: search, HTML: v.add("delivery", deliveryID(i), deliveryPart{
			Delivery: d, Rate: rate, Within: withinWords(form, rate.within),
			Wrong: trouble(isWrong(d.State) || d.DeadLetters.Open > 0), Reasons: reasonsOf(d.DeadLetters), Search: search,
		})})
		l.Rows++
	}
	l.Empty = sum.Empty
	v.layout, v.old = l, nil
	return v
}

func searchable(words ...string) string { return strings.ToLower(strings.Join(words, " ")) }

func other(lang string) string {
	if lang == vietnamese {
		return english
	}
	return vietnamese
}

func isWrong(s pipeline.State) bool { return s != pipeline.StateRunning && s != pipeline.StateStarting }

func summaryOf(f *frame, issues []issue) summaryPart {
	var sum summaryPart
	for _, is := range issues {
		switch is.Level {
		case levelBad:
			sum.Bad++
		case levelWarn:
			sum.Warn++
		default:
			sum.Note++
		}
	}
	for _, r := range f.status.Readers {
		sum.Readers++
		switch r.State { //nolint:exhaustive // the others neither run nor start
		case pipeline.StateRunning:
			sum.ReadersUp++
		case pipeline.StateStarting:
			sum.Starting = true
		}
		for _, p := range r.Pipelines {
			sum.Publishing++
			sum.OpenLetters += p.DeadLetters.Open
			sum.Minute += f.rates[publishKey(r.Source, p.Name)].minute
		}
	}
	for _, d := range f.status.Deliveries {
		sum.Deliveries++
		switch d.State { //nolint:exhaustive // the others neither run nor start
		case pipeline.StateRunning:
			sum.Delivering++
		case pipeline.StateStarting:
			sum.Starting = true
		}
		sum.OpenLetters += d.DeadLetters.Open
		sum.Applied += f.rates[deliveryKey(d.Name)].minute
	}
	if r := f.status.Registry; r != nil && r.State == pipeline.StateStarting {
		sum.Starting = true
	}
	sum.Empty = sum.Readers+sum.Deliveries == 0 && f.status.Registry == nil
	switch {
	case sum.Bad > 0:
		sum.Level = levelBad
	case sum.Warn > 0:
		sum.Level = levelWarn
	case sum.Note > 0:
		sum.Level = levelNote
	default:
		sum.Level = "good"
	}
	return sum
}

// verdict is the whole state in one line.
func verdict(f format, s summaryPart) string {
	switch {
	case s.Empty:
		return f.say("verdict.empty")
	case s.Bad > 0:
		return f.say("verdict.bad", f.number(int64(s.Bad)))
	case s.Warn > 0:
		return f.say("verdict.warn", f.number(int64(s.Warn)))
	case s.Note > 0:
		return f.say("verdict.note", f.number(int64(s.Note)))
	case s.Starting:
		return f.say("verdict.starting")
	}
	return f.say("verdict.good")
}

func reasonsOf(l Letters) []reason {
	var out []reason
	for _, word := range slices.Sorted(maps.Keys(l.Reasons)) {
		out = append(out, reason{word, l.Reasons[word]})
	}
	return out
}

func remarkCount(remarks []Remark) int64 {
	var n int64
	for _, r := range remarks {
		n += r.Count
	}
	return n
}

func knownState(s string) string {
	switch pipeline.State(s) {
	case pipeline.StateStarting, pipeline.StateRunning, pipeline.StateRetrying, pipeline.StateFailed, pipeline.StateStopped, pipeline.StateStandby, statePaused, stateWaiting:
		return s
	}
	return "unknown"
}

// stateWord is the state for people; one that is not known stands as it is.
func stateWord(f format, s string) string {
	if knownState(s) == "unknown" {
		return s
	}
	return f.say("state." + s)
}

func reasonSentence(f format, word string) string {
	key := "reason." + word
	if _, known := f.words[key]; !known {
		key = "reason.other"
	}
	return f.say(key)
}

func withinWords(f format, seconds float64) string {
	switch {
	case seconds == 0:
		return "–"
	case seconds < 0:
		return "> " + f.seconds(pipeline.LatencyBounds[len(pipeline.LatencyBounds)-1])
	}
	return "≤ " + f.seconds(seconds)
}

func progressWords(f format, g adapters.Progress) string {
	if g.Total <= 0 {
		return f.say("snapshot.rows", f.number(g.Rows))
	}
	return f.say("snapshot.of", f.number(g.Rows), f.number(g.Total), percent(g))
}

func percent(g adapters.Progress) int64 { return min(int64(float64(g.Rows)/float64(g.Total)*100), 100) }

// meter draws how far a snapshot is. It says nothing that its words do not say.
func meter(g adapters.Progress) template.HTML {
	if g.Total <= 0 {
		return ""
	}
	return template.HTML(fmt.Sprintf(`<progress max="100" value="%d" aria-hidden="true"></progress>`, percent(g))) //nolint:gosec // a number
}

// The size of a sparkline in its own units.
const (
	sparkWidth  = 120
	sparkHeight = 28
)

// spark draws the last minutes; the number stands beside it.
func spark(r rate) template.HTML {
	gap := float64(sparkWidth) / float64(max(len(r.steps)-1, 11)) // a node that just started has its minute over the whole width
	top := int64(1)
	for _, n := range r.steps {
		top = max(top, n)
	}
	var points strings.Builder
	for i, n := range r.steps {
		x := sparkWidth - gap*float64(len(r.steps)-1-i)
		y := sparkHeight - 2 - float64(n)/float64(top)*(sparkHeight-4)
		fmt.Fprintf(&points, "%.1f,%.1f ", x, y)
	}
	return template.HTML(fmt.Sprintf(`<svg class="spark" viewBox="0 0 %d %d" preserveAspectRatio="none" aria-hidden="true" focusable="false"><path d="M0 %d.5H%d"/><polyline points="%s"/></svg>`, //nolint:gosec // numbers
		sparkWidth, sparkHeight, sparkHeight-2, sparkWidth, strings.TrimSpace(points.String())))
}
