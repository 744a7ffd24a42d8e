package config

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v4"
	"golang.org/x/text/unicode/norm"

	"github.com/lienthong/truc/problem"
)

var (
	agencyForm  = regexp.MustCompile(`^[A-Z][0-9]{2}(\.[0-9]+)*$`)
	patternForm = regexp.MustCompile(`^(\*|[A-Z][0-9]{2}(\.[0-9]+)*(\.\*)?)$`)
	nameForm    = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	hostForm    = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)
)

// Agencies and names are parts of topics (249 characters at most), replication slots and metrics.
const (
	maxAgency = 40
	maxName   = 63
)

// minPseudonymKey is how many characters a key of pseudonyms has at least: with fewer, who knows an identity number could try keys.
const minPseudonymKey = 32

// maxPartitions of a topic: more is a slip of the finger, and Kafka's own advice ends far below.
const maxPartitions = 1000

var compressions = []string{"none", "gzip", "snappy", "lz4", "zstd"}

var mechanisms = []string{"plain", "scram-sha-256", "scram-sha-512"}

// check reports what cannot be seen from one value alone, and the forms of names, addresses and numbers.
func (c *Config) check() {
	c.agency("agency", c.Agency)
	if c.Agency == "" {
		c.missing("agency", problem.Say("add agency: H44.15, the identifier of the agency that runs this node"))
	}
	c.checkNames()
	c.checkRegistry()
	c.checkDatasets()
	c.checkBus()
	c.checkPublish()
	c.checkSubscribe()
	c.checkRest()
}

// bad reports a value of the file at a path.
func (c *Config) bad(path string, what, fix problem.Text) {
	c.report("config.bad-value", path, what, fix, false)
}

func (c *Config) report(code, path string, what, fix problem.Text, warning bool) {
	c.file.report(spot{at: c.file.top().follow(path).at, path: path}, problem.Problem{Code: code, What: what, Fix: fix, Warning: warning})
}

// has reports whether the file has something at a path, be it wrong: then its absence is not the problem.
func (c *Config) has(path string) bool {
	s := c.file.top().follow(path)
	return s.path == path
}

// empty reports whether the file has a list at a path, with nothing in it.
func (c *Config) empty(path string) bool {
	s := c.file.top().follow(path)
	return s.path == path && (s.value.Kind == yaml.SequenceNode || isNull(s.value))
}

// missing reports a required key that is not there.
func (c *Config) missing(path string, fix problem.Text) {
	found := c.file.top().follow(path)
	if found.path == path || found.value.Kind != yaml.MappingNode && !isNull(found.value) {
		return // it, or what should hold it, is there and wrong: whoever read that has reported it
	}
	key := path[strings.LastIndexByte(path, '.')+1:]
	c.report("config.missing-key", path, problem.Say("the key %q is missing", key), fix, false)
}

// shown quotes the value at a path unless it is secret.
func (c *Config) shown(path string) problem.Text {
	d := decoder{file: c.file}
	return d.shown(c.file.top().follow(path).value)
}

func (c *Config) agency(path, id string) {
	switch {
	case id == "":
	case !agencyForm.MatchString(id):
		c.bad(path, problem.Say("%s is no agency identifier: a capital letter, two digits, then groups of digits, each after a dot", c.shown(path)), problem.Say("write it like H44.15"))
	case len(id) > maxAgency:
		c.bad(path, problem.Say("the agency identifier has %d characters, topics have room for %d", len(id), maxAgency), problem.Say("write the identifier of the agency itself, like H44.15"))
	}
}

func (c *Config) checkNames() {
	for _, section := range []string{"sources", "publish", "sinks", "subscribe", "pseudonyms"} {
		for _, name := range c.names(section) {
			s, _ := c.file.top().entry(section)
			e, _ := s.entry(name)
			switch {
			case !nameForm.MatchString(name):
				c.file.report(e, problem.Problem{
					Code: "config.bad-name", What: problem.Say("%q is no name: it begins with a small letter and has small letters, digits and _ only", short(name)),
					Fix: problem.Say("write it like %q", suggestName(name)),
				})
			case len(name) > maxName:
				c.file.report(e, problem.Problem{Code: "config.bad-name", What: problem.Say("the name has %d characters, %d are possible", len(name), maxName), Fix: problem.Say("shorten it")})
			}
		}
	}
	for _, name := range c.SubscribeNames() {
		if _, both := c.Publish[name]; both {
			c.report("config.name-twice", "subscribe."+name, problem.Say("%q is the name of a pipeline under publish already", name), problem.Say("give one of the two another name: commands and metrics know a pipeline by its name"), false)
		}
	}
	c.checkSourceNames()
}

// checkSourceNames warns of pipelines that have the name of a source and are not all that is read from it: truc resnapshot
// knows both by their names.
func (c *Config) checkSourceNames() {
	fix := problem.Say("give one of the two another name")
	for _, name := range c.SourceNames() {
		if _, ok := c.Subscribe[name]; ok {
			c.report("config.name-twice", "subscribe."+name, problem.Say("%q is the name of a source too: truc resnapshot %s means this delivery", name, name), fix, true)
			continue
		}
		p, ok := c.Publish[name]
		others := slices.ContainsFunc(c.PublishNames(), func(other string) bool { return other != name && c.Publish[other].Source == name })
		if ok && (p.Source != name || others) {
			c.report("config.name-twice", "publish."+name, problem.Say("%q is the name of a source too: truc resnapshot %s means the source, with all its pipelines", name, name), fix, true)
		}
	}
}

// suggestName turns a text into a name that is allowed: "Bảo-Hiểm" becomes "bao_hiem".
func suggestName(name string) string {
	out := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r == 'đ':
			return 'd'
		case unicode.Is(unicode.Mn, r):
			return -1
		}
		return '_'
	}, norm.NFD.String(strings.ToLower(short(name))))
	out = strings.Trim(out, "_")
	switch {
	case out == "":
		return "ten"
	case out[0] <= '9':
		return "ten_" + out
	}
	return out
}

func (c *Config) checkRegistry() {
	c.checkRegistryServer()
	c.checkPeople()
	if c.Registry.URL == "" {
		if len(c.Publish) > 0 {
			c.missing("registry.url", problem.Say("add registry: { url: https://… }, the address under which your schemas are published: it stands in every event and must stay the same"))
		}
		return
	}
	u, err := url.Parse(c.Registry.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" || u.User != nil ||
		u.Hostname() == "" || u.Port() != "" && !isAddress(u.Host, false) || strings.HasSuffix(u.Host, ":") {
		c.bad("registry.url", problem.Say("%s is not an address of the form https://host/path/", c.shown("registry.url")), problem.Say("write it like https://chuan.phutho.example/"))
	}
}

// checkRegistryServer looks at what serves the registry in this node. One that other machines can reach has a token: without it
// anybody could change schemas there.
func (c *Config) checkRegistryServer() {
	r := &c.Registry
	switch {
	case r.Listen == "":
		if r.Token != "" {
			c.report("config.unused", "registry.token", problem.Say("the token is for a registry that this node does not serve"), problem.Say("add listen: 127.0.0.1:8081 under registry, or remove the token"), true)
		}
		if r.Follow != "" {
			c.report("config.unused", "registry.follow", problem.Say("the schemas would be copied into a registry that this node does not serve"), problem.Say("add listen: 127.0.0.1:8081 under registry, or remove follow"), true)
		}
		return
	case !isAddress(r.Listen, true):
		c.bad("registry.listen", problem.Say("%s is no address to listen on", c.shown("registry.listen")), problem.Say("write host:port, like 127.0.0.1:8081"))
		return
	case r.Listen == c.HTTP.Listen && !strings.HasSuffix(r.Listen, ":0"):
		c.bad("registry.listen", problem.Say("%s is the address of http.listen, too", c.shown("registry.listen")), problem.Say("give the registry a port of its own, like 127.0.0.1:8081"))
	}
	switch {
	case r.Follow != "" && SameAddress(r.Follow, r.Listen):
		c.bad("registry.follow", problem.Say("%s is this registry itself", c.shown("registry.follow")), problem.Say("name the registry of somebody else, or remove follow"))
	case r.Follow != "" && !IsWebAddress(r.Follow):
		c.bad("registry.follow", problem.Say("%s is not the address of a registry", c.shown("registry.follow")), problem.Say("write the address at which it answers over HTTP, like https://luocdo.vidu.example"))
	}
	switch n := len(r.Token); {
	case c.Faulty("registry.token"): // said already
	case n == 0 && !OnLoopback(r.Listen):
		c.missing("registry.token", problem.Say("add token: ${file:secrets/registry}, a long secret that writers must show: other machines reach the registry, and anybody could change schemas there"))
	case n > 0 && n < MinToken:
		c.bad("registry.token", problem.Say("the token has %d characters, %d are needed at least", n, MinToken), problem.Say("make one with: openssl rand -hex 24"))
	}
}

// MinToken is how many characters the token of a registry has at least.
const MinToken = 16

// OnLoopback reports whether only this machine can reach what listens on an address.
func OnLoopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// SameAddress reports whether a web address leads back to what listens on an address of this machine, as far as its words tell.
func SameAddress(web, listen string) bool {
	u, ok := webAddress(web)
	host, port, err := net.SplitHostPort(listen)
	if !ok || err != nil || port != cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[u.Scheme]) {
		return false
	}
	ip := net.ParseIP(host)
	return strings.EqualFold(u.Hostname(), host) || (OnLoopback(listen) || host == "" || ip.IsUnspecified()) && OnLoopback(net.JoinHostPort(u.Hostname(), port))
}

func (c *Config) checkBus() {
	if c.Bus.Embedded != nil && c.Bus.Kafka != nil {
		c.report("config.several-buses", "bus", problem.Say("both an embedded bus and Kafka are named here"), problem.Say("keep one: embedded for one machine, kafka for production"), false)
	}
	if e := c.Bus.Embedded; e != nil && (e.Port < 0 || e.Port > 65535) {
		c.bad("bus.embedded.port", problem.Say("%d is no port", e.Port), problem.Say("write a number from 1 to 65535, or 0 for a free one"))
	}
	if e := c.Bus.Embedded; e != nil {
		c.checkCompression("bus.embedded.compression", e.Compression)
	}
	k := c.Bus.Kafka
	if k == nil {
		return
	}
	c.checkCompression("bus.kafka.compression", k.Compression)
	if len(k.Brokers) == 0 {
		if c.empty("bus.kafka.brokers") {
			c.bad("bus.kafka.brokers", problem.Say("the list of brokers is empty"), problem.Say("write at least one: [kafka1:9092]"))
		} else {
			c.missing("bus.kafka.brokers", problem.Say("add brokers: [kafka1:9092], the addresses of some brokers of the cluster"))
		}
	}
	for i, b := range k.Brokers {
		if path := fmt.Sprintf("bus.kafka.brokers[%d]", i); b != "" && !isAddress(b, false) {
			c.bad(path, problem.Say("%s is no address of a broker", c.shown(path)), problem.Say("write host:port, like kafka1.example:9092"))
		}
	}
	c.positive("bus.kafka.replication", k.Replication, 100)
	c.positive("bus.kafka.partitions", k.Partitions, maxPartitions)
	if (k.TLS.Cert == "") != (k.TLS.Key == "") {
		c.bad("bus.kafka.tls", problem.Say("a client certificate needs both cert and key"), problem.Say("name the other file too"))
	}
	if k.SASL != nil {
		c.checkSASL(k.SASL, k.TLS.Enabled)
	}
}

func (c *Config) checkCompression(path, name string) {
	if name != "" && !slices.Contains(compressions, name) {
		c.bad(path, problem.Say("%s is no compression that Kafka knows", c.shown(path)), problem.Say("use one of: %s", strings.Join(compressions, ", ")))
	}
}

func (c *Config) checkSASL(s *SASL, encrypted bool) {
	const path = "bus.kafka.sasl."
	switch {
	case s.Mechanism == "":
		c.missing(path+"mechanism", problem.Say("add mechanism: scram-sha-512 (or scram-sha-256, plain)"))
	case !slices.Contains(mechanisms, strings.ToLower(s.Mechanism)):
		c.bad(path+"mechanism", problem.Say("%s is no login mechanism that truc knows", c.shown(path+"mechanism")), problem.Say("use one of: %s", strings.Join(mechanisms, ", ")))
	case strings.EqualFold(s.Mechanism, "plain") && !encrypted:
		c.report("config.clear-password", path+"mechanism", problem.Say("plain without TLS sends the password readably over the network"), problem.Say("add tls: true, or use scram-sha-512"), true)
	}
	if s.User == "" {
		c.missing(path+"user", problem.Say("add user: the name to log in with"))
	}
	if s.Password == "" {
		c.missing(path+"password", problem.Say("add password: ${env:KAFKA_PASSWORD}"))
	}
}

// positive checks a number that may be absent.
func (c *Config) positive(path string, n, most int) {
	if c.has(path) && c.file.top().follow(path).value.Tag == "!!int" && (n < 1 || n > most) {
		c.bad(path, problem.Say("%s is outside 1 to %d", c.shown(path), most), problem.Say("write a number within, or remove the key"))
	}
}

// isAddress reports whether s is host:port. listening also allows an empty host (every interface) and port 0 (a free one).
func isAddress(s string, listening bool) bool {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 && !listening {
		return false
	}
	if host == "" {
		return listening
	}
	return hostForm.MatchString(host) || net.ParseIP(host) != nil
}

func (c *Config) checkPublish() {
	lost := false // a pipeline whose source is not known may have meant one that seems unused
	for _, name := range c.PublishNames() {
		p, path := c.Publish[name], "publish."+name
		if p.Source == "" {
			lost = true
			c.missing(path+".source", problem.Say("add source: one of %s", listed(c.SourceNames(), problem.Say("the names under sources"))))
		} else if _, ok := c.Sources[p.Source]; !ok {
			lost = true
			c.unknown("config.unknown-source", path+".source", "sources", c.SourceNames())
		}
		if p.Mapping == "" {
			c.missing(path+".mapping", problem.Say("add mapping: mappings/%s.yaml, the path of the mapping, relative to this file", suggestName(name)))
		}
		c.agency(path+".agency", p.Agency)
		c.positive(path+".partitions", p.Partitions, maxPartitions)
	}
	for _, name := range c.SourceNames() {
		if !lost && !slices.ContainsFunc(c.PublishNames(), func(p string) bool { return c.Publish[p].Source == name }) {
			c.report("config.unused", "sources."+name, problem.Say("nothing is published from this source"), problem.Say("name it under publish, or remove it"), true)
		}
	}
}

func (c *Config) checkSubscribe() {
	lost := false
	for _, name := range c.SubscribeNames() {
		s, path := c.Subscribe[name], "subscribe."+name
		if s.Sink == "" {
			lost = true
			c.missing(path+".sink", problem.Say("add sink: one of %s", listed(c.SinkNames(), problem.Say("the names under sinks"))))
		} else if _, ok := c.Sinks[s.Sink]; !ok {
			lost = true
			c.unknown("config.unknown-sink", path+".sink", "sinks", c.SinkNames())
		}
		if s.Mapping == "" {
			c.missing(path+".mapping", problem.Say("add mapping: mappings/%s.yaml, the path of the mapping, relative to this file", suggestName(name)))
		}
		if len(s.Agencies) == 0 {
			if c.empty(path + ".agencies") {
				c.bad(path+".agencies", problem.Say("the list of agencies is empty"), problem.Say(`name at least one, or all: ["*"]`))
			} else {
				c.missing(path+".agencies", problem.Say("add agencies: [H44.*], whose events are delivered"))
			}
		}
		for i, a := range s.Agencies {
			if at := fmt.Sprintf("%s.agencies[%d]", path, i); a != "" && !patternForm.MatchString(a) {
				c.bad(at, problem.Say("%s covers no agency", c.shown(at)), problem.Say(`write an identifier (H44.15), all below one (H44.*), or "*"`))
			}
		}
	}
	for _, name := range c.SinkNames() {
		if !lost && !slices.ContainsFunc(c.SubscribeNames(), func(s string) bool { return c.Subscribe[s].Sink == name }) {
			c.report("config.unused", "sinks."+name, problem.Say("nothing is delivered to this sink"), problem.Say("name it under subscribe, or remove it"), true)
		}
	}
}

// listed joins the names there are.
func listed(names []string, none problem.Text) problem.Text {
	if len(names) == 0 {
		return none
	}
	return problem.Verbatim(strings.Join(names, ", "))
}

// unknown reports a name that leads nowhere, with the one that was probably meant.
func (c *Config) unknown(code, path, section string, known []string) {
	fix := problem.Say("use one of: %s", strings.Join(known, ", "))
	if len(known) == 0 {
		fix = problem.Say("describe it under %s", section)
	} else if k := Similar(short(c.file.top().follow(path).value.Value), known); k != "" {
		fix = problem.Say("write %q", k)
	}
	what := problem.Say("there is no %s under %s", c.shown(path), section)
	if c.file.hidden[c.file.top().follow(path).value] {
		what = problem.Say("the name (not shown: it came by reference) stands for nothing under %s", section)
	}
	c.report(code, path, what, fix, false)
}

func (c *Config) checkRest() {
	if c.HTTP.Listen != "" && !isAddress(c.HTTP.Listen, true) {
		c.bad("http.listen", problem.Say("%s is no address to listen on", c.shown("http.listen")), problem.Say("write host:port, like 127.0.0.1:8080"))
	}
	c.positive("errorBudget.openLetters", c.ErrorBudget.OpenLetters, 1_000_000_000)
	c.positive("errorBudget.failedPercent", c.ErrorBudget.FailedPercent, 100)
	c.positive("errorBudget.window", c.ErrorBudget.Window, 1_000_000)
	for _, name := range c.names("pseudonyms") {
		path := "pseudonyms." + name
		if n := len(c.Pseudonyms[name]); n < minPseudonymKey && !c.Faulty(path) {
			c.report("config.weak-key", path, problem.Say("the key has %d characters, %d are needed at least: a short one can be found by trying", n, minPseudonymKey), problem.Say("make one with: openssl rand -base64 32"), false)
		}
	}
	c.checkAlerts()
	if len(c.Publish) == 0 && len(c.Subscribe) == 0 && c.Registry.Listen == "" && !c.Faulty("publish") && !c.Faulty("subscribe") && !c.Faulty("registry.listen") {
		c.report("config.nothing-to-do", "", problem.Say("nothing is published and nothing is subscribed"), problem.Say("add publish: or subscribe:"), true)
	}
}

// complete fills defaults and resolves paths, once everything was looked at as it was written.
func (c *Config) complete() {
	if c.Registry.URL != "" && !strings.HasSuffix(c.Registry.URL, "/") {
		c.Registry.URL += "/"
	}
	c.completeDatasets()
	if c.Bus.Embedded == nil && c.Bus.Kafka == nil {
		c.Bus.Embedded = &EmbeddedBus{}
	}
	partitions := defaultPartitions
	if e := c.Bus.Embedded; e != nil {
		if e.Dir == "" {
			e.Dir = defaultBusDir
		}
		e.Dir = resolvePath(c.Dir, e.Dir)
	}
	if k := c.Bus.Kafka; k != nil {
		if k.Partitions == 0 {
			k.Partitions = defaultPartitions
		}
		partitions = k.Partitions
		for _, p := range []*string{&k.TLS.CA, &k.TLS.Cert, &k.TLS.Key} {
			if *p != "" {
				*p = resolvePath(c.Dir, *p)
			}
		}
		if k.SASL != nil {
			k.SASL.Mechanism = strings.ToLower(k.SASL.Mechanism)
		}
	}
	for name, p := range c.Publish {
		if p.Mapping != "" {
			p.Mapping = resolvePath(c.Dir, p.Mapping)
		}
		if p.Partitions == 0 {
			p.Partitions = partitions
		}
		if p.Agency == "" {
			p.Agency = c.Agency
		}
		c.Publish[name] = p
	}
	for i := range c.Alerts {
		// A command is a file of the node's folder, or a name to be looked for in PATH.
		if a := c.Alerts[i].Command; len(a) > 0 && strings.ContainsAny(a[0], `/\`) {
			a[0] = resolvePath(c.Dir, a[0])
		}
	}
	for name, s := range c.Subscribe {
		if s.Mapping != "" {
			s.Mapping = resolvePath(c.Dir, s.Mapping)
		}
		c.Subscribe[name] = s
	}
}
