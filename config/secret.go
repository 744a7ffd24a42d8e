package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lienthong/truc/problem"
)

// maxSecret bounds a secret's file: a key or a password, not a disk.
const maxSecret = 64 << 10

// reference is ${env:NAME}, ${file:PATH}, any other ${…}, or the escape $${ for a literal ${.
var reference = regexp.MustCompile(`\$\$\{|\$\{([^}]*)\}|\$\{`)

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// expand replaces the references in a scalar by what they stand for, reports those that lead nowhere, and remembers what
// must never be shown. A password that stands in the file itself is remembered too, with a warning.
func (f *file) expand(s spot) {
	raw := s.value.Value
	// What came by reference is not the literal password of anybody: blank it out before looking for one.
	if literal := passwordIn(s, reference.ReplaceAllString(raw, blank)); literal != "" && !strings.Contains(literal, blank) {
		f.hide(s.value, literal)
		what := "a password stands in the file, where everybody who reads the file reads it"
		if isPseudonymKey(s.path) {
			what = "a key stands in the file, and who has it can undo every pseudonym made with it"
		}
		f.report(s, problem.Problem{
			Code: "config.literal-secret", Warning: true,
			What: what,
			Fix:  "write ${env:NAME} in its place and set the variable NAME, or ${file:PATH}",
		})
	}
	if !strings.Contains(raw, "${") {
		return
	}
	referred := false
	s.value.Value = reference.ReplaceAllStringFunc(raw, func(match string) string {
		if match == "$${" {
			return "${"
		}
		referred = true
		value, p := f.resolve(strings.TrimSuffix(strings.TrimPrefix(match, "${"), "}"), strings.HasSuffix(match, "}"))
		if p == nil && inUserinfo(raw, match) && breaksURL(value) {
			p = &problem.Problem{
				Code: "config.bad-secret", What: "the value of " + match + " has characters that must be percent-encoded inside a URL",
				Fix: "encode them (/ is %2F, # is %23, ? is %3F, @ is %40, % is %25), or give the password outside the URL",
			}
		}
		if p != nil {
			f.report(s, *p)
			f.hide(s.value, "")
			f.broken[s.value] = *p
			return ""
		}
		f.hide(s.value, value)
		return value
	})
	// A whole connection string by reference carries a password inside, which a driver may show alone.
	if password := passwordIn(s, s.value.Value); referred && password != "" {
		f.hide(s.value, password)
	}
}

// hide marks a scalar as unshowable and remembers a secret.
func (f *file) hide(n *yaml.Node, secret string) {
	f.hidden[n] = true
	for _, v := range []string{secret, unescape(secret)} {
		if v != "" && !slices.Contains(f.secrets, v) {
			f.secrets = append(f.secrets, v)
		}
	}
}

func unescape(s string) string {
	u, err := url.PathUnescape(s)
	if err != nil {
		return s
	}
	return u
}

// resolve returns what a reference stands for. Its problems name the variable or the path, never a value.
func (f *file) resolve(ref string, closed bool) (string, *problem.Problem) {
	scheme, name, _ := strings.Cut(ref, ":")
	switch {
	case closed && scheme == "env" && variableName.MatchString(name):
		value, ok := f.env(name)
		if !ok {
			return "", missing("the environment variable "+name+" is not set", "set it before truc starts: export "+name+"=…")
		}
		if value == "" {
			return "", missing("the environment variable "+name+" is empty", "give it a value: export "+name+"=…")
		}
		return value, nil
	case closed && scheme == "file" && name != "":
		return f.secretFile(name)
	}
	return "", &problem.Problem{
		Code: "config.bad-reference", What: "a reference is neither ${env:NAME} nor ${file:PATH}",
		Fix: "write one of these, or $${ for a literal ${",
	}
}

func missing(what, fix string) *problem.Problem {
	return &problem.Problem{Code: "config.missing-secret", What: what, Fix: fix}
}

// secretFile reads a secret from a file, without the line end that editors add.
func (f *file) secretFile(name string) (string, *problem.Problem) {
	path := resolvePath(f.dir, name)
	shown := resolvePath(filepath.Dir(f.name), name)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", missing("the secret file "+shown+" does not exist", "write the secret into it, readable by the user that runs truc only")
	case err != nil:
		return "", missing("the secret file "+shown+" cannot be read: "+reason(err), "check the path and its rights")
	case !info.Mode().IsRegular():
		return "", missing("the secret file "+shown+" is not a file", "name a file that holds the secret and nothing else")
	case info.Size() > maxSecret:
		return "", missing("the secret file "+shown+" is larger than 64 KiB", "name a file that holds the secret and nothing else")
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", missing("the secret file "+shown+" cannot be read: "+reason(err), "give the user that runs truc the right to read it")
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	value := strings.TrimRight(string(data), "\r\n")
	if value == "" {
		return "", missing("the secret file "+shown+" is empty", "write the secret into it")
	}
	return value, nil
}

// resolvePath makes a path absolute or relative to the folder of the configuration. Both separators are understood
// everywhere, so that a file written on Windows works on Linux.
func resolvePath(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, filepath.FromSlash(strings.ReplaceAll(path, `\`, "/")))
}

// blank stands for a reference while a text is searched for literal passwords.
const blank = "\uE000"

var (
	secretKey = regexp.MustCompile(`(?i)^(.*[_-])?(password|passwd|pwd|passphrase|secret|token)$`)
	urlLogin  = regexp.MustCompile(`(?i)^[a-z][a-z0-9+.-]*://[^/?#@:]*:(.+)@`)
	dsnLogin  = regexp.MustCompile(`(?i)\b(?:ssl)?password\s*=\s*('(?:[^'\\]|\\.)*'|[^\s&;]+)`)
)

// passwordIn returns the password a scalar holds: the whole of `password: …`, or the part of a connection string.
func passwordIn(s spot, text string) string {
	if key := s.path[strings.LastIndexByte(s.path, '.')+1:]; secretKey.MatchString(key) || isPseudonymKey(s.path) {
		return text
	}
	if m := urlLogin.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	if m := dsnLogin.FindStringSubmatch(text); m != nil {
		return strings.Trim(m[1], "'")
	}
	return ""
}

// isPseudonymKey holds for whatever stands under pseudonyms, be it misplaced.
func isPseudonymKey(path string) bool {
	rest, found := strings.CutPrefix(path, "pseudonyms")
	return found && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// inUserinfo reports whether a reference stands between :// and @ of a URL.
func inUserinfo(raw, match string) bool {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok || strings.Contains(scheme, "$") {
		return false
	}
	at := strings.LastIndexByte(rest, '@')
	i := strings.Index(rest, match)
	return i >= 0 && i < at
}

func breaksURL(value string) bool {
	if strings.ContainsAny(value, "/?#@[]\\ \t\r\n") {
		return true
	}
	_, err := url.PathUnescape(value)
	return err != nil
}

// tidy walks the whole tree once, before anything is decoded: it refuses what would make the file mean something else than
// it says (duplicate keys, aliases, tags, escapes by accident) and expands the references.
func (f *file) tidy(s spot) {
	n := s.value
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		f.report(s, problem.Problem{Code: "config.alias", What: "YAML anchors and aliases (& and *) are not used here", Fix: "write the value out, or put it in quotes if it is a text that begins with & or *"})
		// What stands behind is not read a second time.
		*n = yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: n.Line, Column: n.Column}
		f.broken[n] = f.findings[len(f.findings)-1].Problem
		return
	}
	if n.Style&yaml.TaggedStyle != 0 {
		f.report(s, problem.Problem{Code: "config.tag", What: "YAML tags (a word that begins with !) are not used here", Fix: "remove the tag, or put the value in quotes if it is a text that begins with !"})
	}
	switch n.Kind {
	case yaml.MappingNode:
		f.tidyMapping(s)
	case yaml.SequenceNode:
		for i := range n.Content {
			f.tidy(s.element(i))
		}
	case yaml.ScalarNode:
		if n.Style&yaml.DoubleQuotedStyle != 0 && strings.ContainsFunc(n.Value, isControl) {
			f.report(s, problem.Problem{
				Code: "config.escape", What: `in double quotes a backslash begins an escape, and one here became a control character`,
				Fix: `use single quotes, 'C:\truc\data', or forward slashes`,
			})
		}
		if p, strange := strangeText(n); strange {
			f.report(s, p)
			f.broken[n] = p
			return
		}
		f.expand(s)
	}
}

// strangeText refuses an unquoted text with characters that look like others or like nothing: they come with copied lines
// and would be looked for in vain.
func strangeText(n *yaml.Node) (problem.Problem, bool) {
	if n.Kind != yaml.ScalarNode || n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return problem.Problem{}, false
	}
	_, name, found := problem.Strange(n.Value)
	return problem.Problem{
		Code: "config.strange-character", What: "the text holds " + name,
		Fix: "delete it and type it again: it came with a copied text (if it is meant, put the text in quotes)",
	}, found
}

func isControl(r rune) bool { return r < ' ' || r == 0x7F }

func (f *file) tidyMapping(s spot) {
	n := s.value
	first := map[string]*yaml.Node{}
	kept := n.Content[:0:0]
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		e := spot{at: k, value: v, path: join(s.path, k.Value)}
		if p, strange := strangeText(k); strange {
			f.report(spot{at: k, path: s.path}, p)
			continue
		}
		if k.Kind != yaml.ScalarNode || k.Tag == "!!null" {
			f.report(spot{at: k, path: s.path}, problem.Problem{Code: "config.wrong-type", What: "a key must be a plain word", Fix: "write `key: value`"})
			continue
		}
		if k.Anchor != "" || k.Tag == "!!merge" {
			f.report(e, problem.Problem{Code: "config.alias", What: "YAML anchors and merges (&, * and <<) are not used here", Fix: "write the values out"})
			continue
		}
		if before, ok := first[k.Value]; ok {
			f.report(e, problem.Problem{
				Code: "config.duplicate-key", What: fmt.Sprintf("the key %q stands here a second time, the first is on line %d", short(k.Value), before.Line),
				Fix: "keep one of the two",
			})
			continue
		}
		first[k.Value] = k
		kept = append(kept, k, v)
		f.tidy(e)
	}
	n.Content = kept
}

// short bounds a text of the file that is quoted in a message.
func short(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}
