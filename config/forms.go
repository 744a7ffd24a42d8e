package config

import (
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/lienthong/truc/problem"
)

// The parts of the file that are not read field by field.

const (
	limitKey = "limit"
	pauseKey = "pause"
)

func (s *Source) decode(d *decoder, at spot) {
	s.Kind, s.Node = d.adapter(at, []string{limitKey, pauseKey})
	s.Pause = Pause{MaxRetained: defaultMaxRetained, Then: ThenWarn}
	if e, ok := at.entry(limitKey); ok {
		d.value(e, reflect.ValueOf(&s.Limit).Elem())
	}
	if e, ok := at.entry(pauseKey); ok {
		d.value(e, reflect.ValueOf(&s.Pause).Elem())
	}
}

func (s *Sink) decode(d *decoder, at spot) {
	s.Kind, s.Node = d.adapter(at, nil)
	if e, ok := at.entry(limitKey); ok {
		d.report(e, problem.Problem{Code: "config.unknown-key", What: problem.Say("a sink has no limit: limits spare a source"), Fix: problem.Say("remove it")})
	}
	if e, ok := at.entry(pauseKey); ok {
		d.report(e, problem.Problem{Code: "config.unknown-key", What: problem.Say("a sink keeps nothing while a delivery is paused: pause: belongs to a source"), Fix: problem.Say("remove it")})
	}
}

// adapter finds the one key of a source or sink that names its adapter. Which names there are is not known here.
func (d *decoder) adapter(at spot, others []string) (string, Node) {
	if !isNull(at.value) && !d.is(at, yaml.MappingNode, problem.Say("a mapping with the name of an adapter"), problem.Say("write %s: { postgres: { dsn: … } }", lastKey(at.path))) {
		return "", Node{}
	}
	var found []spot
	for _, e := range at.entries() {
		switch likely := Similar(short(e.at.Value), others); {
		case slices.Contains(others, e.at.Value) || e.at.Value == limitKey || e.at.Value == pauseKey:
		case likely != "":
			d.unknownKey(at, e, others)
		default:
			found = append(found, e)
		}
	}
	if len(found) == 1 {
		return found[0].at.Value, Node{file: d.file, spot: found[0]}
	}
	p := problem.Problem{Code: "config.missing-adapter", What: problem.Say("no adapter is named here"), Fix: problem.Say("write which one, with its configuration: { postgres: { dsn: … } }")}
	if len(found) > 1 {
		names := make([]string, len(found))
		for i, e := range found {
			names[i] = strconv.Quote(short(e.at.Value))
		}
		p = problem.Problem{Code: "config.several-adapters", What: problem.Say("several adapters are named here: %s", strings.Join(names, ", ")), Fix: problem.Say("keep one, and give each of the others a name of its own")}
	}
	d.report(at, p)
	return "", Node{}
}

func (t *TLS) decode(d *decoder, at spot) {
	switch {
	case isNull(at.value):
		t.Enabled = true
	case at.value.Kind == yaml.ScalarNode && (at.value.Value == "true" || at.value.Value == "false"):
		t.Enabled = at.value.Value == "true"
	case d.is(at, yaml.MappingNode, problem.Say("true, false, or a mapping with ca, cert, key"), problem.Say("write tls: true, or tls: { ca: certs/ca.pem }")):
		t.Enabled = true
		d.structure(at, reflect.ValueOf(t).Elem())
	}
}

// Limit spares a source.
type Limit struct {
	Rows          Rate       `yaml:"rows"`          // of snapshots; zero: unlimited
	SnapshotHours HoursOfDay `yaml:"snapshotHours"` // zero: always
	Zone          Zone       `yaml:"zone"`          // in which the hours are meant; default Asia/Ho_Chi_Minh
}

// Zone is a time zone, written "Asia/Ho_Chi_Minh".
type Zone string

// UnmarshalText reads the name of a zone.
func (z *Zone) UnmarshalText(text []byte) error {
	if _, err := time.LoadLocation(string(text)); err != nil || len(text) == 0 || string(text) == "Local" {
		return problem.Problem{What: problem.Say("there is no time zone %q", short(string(text))), Fix: problem.Say("write it like Asia/Ho_Chi_Minh, or remove the key")}
	}
	*z = Zone(text)
	return nil
}

// Location is the zone itself: Vietnam's for the empty name.
func (z Zone) Location() *time.Location {
	if at, err := time.LoadLocation(string(z)); err == nil && z != "" {
		return at
	}
	return time.FixedZone("Asia/Ho_Chi_Minh", 7*60*60)
}

// Pause says how much log the server of a paused source may keep.
type Pause struct {
	MaxRetained Size `yaml:"maxRetained"` // default 10GB
	// Then is what happens when the server keeps more: warn (the default), or resume.
	Then PauseThen `yaml:"then"`
}

const defaultMaxRetained = 10 * 1000 * 1000 * 1000

// PauseThen is warn or resume.
type PauseThen string

// What happens when the server of a paused source keeps too much.
const (
	ThenWarn   PauseThen = "warn"
	ThenResume PauseThen = "resume"
)

// UnmarshalText reads one of the two.
func (t *PauseThen) UnmarshalText(text []byte) error {
	if *t = PauseThen(text); *t != ThenWarn && *t != ThenResume {
		return problem.Problem{What: problem.Say("warn or resume was expected, %q was found", short(string(text))), Fix: problem.Say("write warn to stay paused whatever happens, resume to go on before the server's disk is full")}
	}
	return nil
}

// Size is a number of bytes, written "500MB" or "10GiB".
type Size int64

var sizeForm = regexp.MustCompile(`^([1-9][0-9]{0,11})\s*(KB|MB|GB|TB|KiB|MiB|GiB|TiB)$`)

// UnmarshalText reads "10GiB".
func (s *Size) UnmarshalText(text []byte) error {
	m := sizeForm.FindSubmatch(text)
	if m == nil {
		return problem.Problem{What: problem.Say("a size was expected, %q was found", short(string(text))), Fix: problem.Say("write it like 500MB or 10GiB")}
	}
	n, err := strconv.ParseInt(string(m[1]), 10, 64)
	base := int64(1000)
	if strings.HasSuffix(string(m[2]), "iB") {
		base = 1024
	}
	for range strings.IndexByte("KMGT", m[2][0]) + 1 {
		if n > 1<<62/base {
			return problem.Problem{What: problem.Say("%q is more than there is", short(string(text))), Fix: problem.Say("write a smaller size, like 10GiB")}
		}
		n *= base
	}
	*s = Size(n)
	return err
}

// Rate is a number of rows a second, written "2000/s".
type Rate int

var rateForm = regexp.MustCompile(`^([1-9][0-9]{0,8})\s*/\s*s$`)

// UnmarshalText reads "2000/s".
func (r *Rate) UnmarshalText(text []byte) error {
	m := rateForm.FindSubmatch(text)
	if m == nil {
		return problem.Problem{What: problem.Say("a number of rows a second was expected, %q was found", short(string(text))), Fix: problem.Say("write it like 2000/s")}
	}
	n, err := strconv.Atoi(string(m[1]))
	*r = Rate(n)
	return err
}

// HoursOfDay is a span of local time that may pass midnight, written "19:00-05:00".
type HoursOfDay struct {
	From, To time.Duration // since midnight
}

var hoursForm = regexp.MustCompile(`^([01][0-9]|2[0-3]):([0-5][0-9])\s*[-–]\s*([01][0-9]|2[0-3]):([0-5][0-9])$`)

// UnmarshalText reads "19:00-05:00".
func (h *HoursOfDay) UnmarshalText(text []byte) error {
	m := hoursForm.FindStringSubmatch(string(text))
	if m == nil || m[1]+m[2] == m[3]+m[4] {
		return problem.Problem{What: problem.Say("a span of hours was expected, %q was found", short(string(text))), Fix: problem.Say(`write it like "19:00-05:00"`)}
	}
	var parts [4]int
	for i := range parts {
		var err error
		if parts[i], err = strconv.Atoi(m[i+1]); err != nil {
			return err
		}
	}
	h.From = time.Duration(parts[0])*time.Hour + time.Duration(parts[1])*time.Minute
	h.To = time.Duration(parts[2])*time.Hour + time.Duration(parts[3])*time.Minute
	return nil
}

// Contains reports whether a time of day lies in the span; the zero span holds every time.
func (h HoursOfDay) Contains(t time.Time) bool {
	now := time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second
	if h.From < h.To {
		return h.From <= now && now < h.To
	}
	return h == HoursOfDay{} || now >= h.From || now < h.To
}

// Begins is when the span next begins after a time that it does not contain, in the time's own zone.
func (h HoursOfDay) Begins(t time.Time) time.Time {
	y, m, d := t.Date()
	begin := func(day int) time.Time {
		return time.Date(y, m, day, int(h.From/time.Hour), int(h.From%time.Hour/time.Minute), 0, 0, t.Location())
	}
	if at := begin(d); at.After(t) {
		return at
	}
	return begin(d + 1)
}
