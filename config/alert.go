package config

import (
	"fmt"
	"net"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/lienthong/truc/problem"
)

// Alert is one place to tell when the node needs somebody: a webhook, or a command.
type Alert struct {
	// Webhook is a URL that is posted to; Secret signs what is posted.
	Webhook string `yaml:"webhook"`
	Secret  string `yaml:"secret"`
	// Command is a program with its arguments, run without a shell; a path is relative to this file.
	Command []string `yaml:"command"`
	// On are the events, all when empty: stopped, gap, divergence, budget, stale, lag, retained, letters.
	On []string `yaml:"on"`
	// StaleAfter is how long nothing may move while there is work; default 10m. LagAfter how long something may be behind;
	// default 15m.
	StaleAfter time.Duration `yaml:"staleAfter"`
	LagAfter   time.Duration `yaml:"lagAfter"`
	// RetainedAbove is how much log a source may keep for truc; default 10GiB. LettersAbove is how many dead letters a pipeline
	// may have open; default 100.
	RetainedAbove Size `yaml:"retainedAbove"`
	LettersAbove  int  `yaml:"lettersAbove"`
	// Repeat is how often what lasts is told again; default 1h, 0s never. Resolved tells its end; default true.
	Repeat   time.Duration `yaml:"repeat"`
	Resolved bool          `yaml:"resolved"`
	// Timeout of one attempt; default 10s for a webhook, 30s for a command.
	Timeout time.Duration `yaml:"timeout"`
}

// AlertEvents are the names that Alert.On knows.
func AlertEvents() []string {
	return []string{"stopped", "gap", "divergence", "budget", "stale", "lag", "retained", "letters"}
}

func (a *Alert) decode(d *decoder, at spot) {
	*a = Alert{StaleAfter: 10 * time.Minute, LagAfter: 15 * time.Minute, RetainedAbove: 10 << 30, LettersAbove: 100, Repeat: time.Hour, Resolved: true}
	if isNull(at.value) || d.is(at, yaml.MappingNode, problem.Say("a mapping with webhook or command"), problem.Say("write - webhook: https://…")) {
		d.structure(at, reflect.ValueOf(a).Elem())
	}
}

// longestWait bounds the durations of alerts: a longer one is a slip.
const longestWait = 90 * 24 * time.Hour

func (c *Config) checkAlerts() {
	for i := range c.Alerts {
		a, path := &c.Alerts[i], fmt.Sprintf("alerts[%d]", i)
		hook, command := c.has(path+".webhook"), c.has(path+".command")
		switch {
		case hook && command:
			c.bad(path, problem.Say("both a webhook and a command are named here"), problem.Say("keep one, and give the other an entry of its own"))
		case !hook && !command:
			c.report("config.missing-key", path, problem.Say("nobody is told: there is neither a webhook nor a command"), problem.Say("add webhook: https://… or command: [/path/to/program]"), false)
		case hook:
			c.checkWebhook(path, a)
		case len(a.Command) == 0 || a.Command[0] == "":
			if !c.Faulty(path + ".command") {
				c.bad(path+".command", problem.Say("the command is empty"), problem.Say("write command: [/path/to/program, argument]"))
			}
		}
		if command && c.has(path+".secret") {
			c.bad(path+".secret", problem.Say("a secret signs what is posted to a webhook, a command has none"), problem.Say("remove it"))
		}
		for n, event := range a.On {
			if at := fmt.Sprintf("%s.on[%d]", path, n); event != "" && !slices.Contains(AlertEvents(), event) {
				fix := problem.Say("use some of: %s", strings.Join(AlertEvents(), ", "))
				if k := Similar(short(event), AlertEvents()); k != "" {
					fix = problem.Say("write %q", k)
				}
				c.report("config.unknown-event", at, problem.Say("there is no event %s", c.shown(at)), fix, false)
			}
		}
		for key, value := range map[string]time.Duration{"staleAfter": a.StaleAfter, "lagAfter": a.LagAfter} {
			if value < time.Minute || value > longestWait {
				c.bad(path+"."+key, problem.Say("%s is not between 1m and 90 days", c.shown(path+"."+key)), problem.Say("write a duration like 10m or 2h"))
			}
		}
		if a.Repeat != 0 && (a.Repeat < time.Minute || a.Repeat > longestWait) {
			c.bad(path+".repeat", problem.Say("%s is not between 1m and 90 days", c.shown(path+".repeat")), problem.Say("write a duration like 1h, or 0s for never"))
		}
		if c.has(path+".timeout") && (a.Timeout < time.Second || a.Timeout > 5*time.Minute) {
			c.bad(path+".timeout", problem.Say("%s is not between 1s and 5m", c.shown(path+".timeout")), problem.Say("write a duration like 10s"))
		}
		c.positive(path+".lettersAbove", a.LettersAbove, 1_000_000_000)
	}
}

// IsWebAddress reports whether a text is an absolute address of HTTP.
func IsWebAddress(text string) bool {
	_, ok := webAddress(text)
	return ok
}

func webAddress(text string) (*url.URL, bool) {
	u, err := url.Parse(text)
	return u, err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

func (c *Config) checkWebhook(path string, a *Alert) {
	at := path + ".webhook"
	if a.Webhook == "" {
		return // it has no value, or one that leads nowhere, which was reported
	}
	u, ok := webAddress(a.Webhook)
	if !ok {
		c.bad(at, problem.Say("%s is no web address", c.shown(at)), problem.Say("write it like https://canhbao.example/truc"))
		return
	}
	if ip := net.ParseIP(u.Hostname()); u.Scheme == "http" && u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		c.report("config.plain-webhook", at, problem.Say("alerts go to another machine unencrypted"), problem.Say("use https"), true)
	}
}
