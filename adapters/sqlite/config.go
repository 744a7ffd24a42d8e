package sqlite

import (
	"path/filepath"
	"strings"
	"time"

	"github.com/lienthong/truc/problem"
)

// Config is the `sqlite:` node of a source or a sink.
type Config struct {
	// Path of the database file, relative to the configuration file. truc never creates it.
	Path string `yaml:"path"`
	// BusyTimeout is how long a statement waits while another program has the file locked.
	BusyTimeout time.Duration `yaml:"busy_timeout"`
	// Poll is how often a source looks for changes. Source only.
	Poll time.Duration `yaml:"poll"`
	// Capture is "auto": the source creates its triggers; or "manual": it only says which statements are missing. Source only.
	Capture string `yaml:"capture"`
}

const (
	captureAuto   = "auto"
	captureManual = "manual"
)

func defaults() *Config {
	return &Config{BusyTimeout: 5 * time.Second, Poll: 200 * time.Millisecond, Capture: captureAuto}
}

// in returns the configuration with a relative path taken from a folder.
func (c *Config) in(dir string) *Config {
	resolved := *c
	if !filepath.IsAbs(c.Path) {
		// Both separators, as everywhere in a configuration: it may have been written on Windows.
		resolved.Path = filepath.Join(dir, filepath.FromSlash(strings.ReplaceAll(c.Path, `\`, "/")))
	}
	return &resolved
}

// Validate implements adapters.Config.
func (c *Config) Validate() problem.List {
	var l problem.List
	add := func(code, where string, what, fix problem.Text) {
		l = append(l, problem.Problem{Code: "sqlite." + code, Where: where, What: what, Fix: fix})
	}
	if c.Path == "" {
		add("path", "path", problem.Say("the path of the database file is missing"), problem.Say("write path: data/hotich.db"))
	}
	if c.BusyTimeout < 0 || c.BusyTimeout > time.Hour {
		add("busy-timeout", "busy_timeout", problem.Say("%v is out of range", c.BusyTimeout), problem.Say("use 0s to 1h; 5s is the default"))
	}
	if c.Poll < time.Millisecond || c.Poll > time.Hour {
		add("poll", "poll", problem.Say("%v is out of range", c.Poll), problem.Say("use 1ms to 1h; 200ms is the default"))
	}
	if c.Capture != captureAuto && c.Capture != captureManual {
		add("capture", "capture", problem.Say("%q is no way to capture changes", c.Capture), problem.Say("write auto (truc creates its triggers) or manual (you run the statements that truc prints)"))
	}
	return l
}
