package messages

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/lienthong/truc/problem"
)

// leak is how many characters of a row in a text are too many.
const leak = 4

// Marks are values that stand in rows and may stand in no text: they are chosen so that none of their fragments occurs by itself.
type Marks struct{ fragments map[string]bool }

// NewMarks takes values as they stand in rows.
func NewMarks(values ...string) *Marks {
	m := &Marks{fragments: map[string]bool{}}
	for _, v := range values {
		runes := []rune(strings.ToLower(v))
		for i := 0; i+leak <= len(runes); i++ {
			m.fragments[string(runes[i:i+leak])] = true
		}
	}
	return m
}

// made are what programs make up and may resemble anything: hashes, times, ports, numbers of versions.
var made = regexp.MustCompile(`\b[0-9a-f]{10,}\b|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?|(127\.0\.0\.1|localhost):\d+|\d+\.\d+(e[+-]\d+)?`)

// In returns a fragment of a mark that stands in a text, or "".
func (m *Marks) In(text string) string {
	runes := []rune(strings.ToLower(made.ReplaceAllString(text, "")))
	for i := 0; i+leak <= len(runes); i++ {
		if f := string(runes[i : i+leak]); m.fragments[f] {
			return f
		}
	}
	return ""
}

var (
	// place is a file with its line, a part of the configuration, a server, or a topic.
	place = regexp.MustCompile(`\.(yaml|yml|json|csv|xlsx|db|pem|key)\b|:\d+(:\d+)?\b|^(agency|name|registry|sources?|sinks?|publish|subscribe|delivery|bus|http|alerts|topic|pipeline|keys|privacy|postgres|sqlite)\b|[./]`)
	// doing is what a remedy asks for: a verb in the imperative, a command, a choice, a line to write.
	doing = regexp.MustCompile(`(?i)\b(add|ask|cast|change|check|choose|clear|close|compare|convert|copy|correct|create|declare|define|delete|drop|fill|find|free|give|begin|grant|indent|install|keep|leave|let|list|look|lower|make|map|merge|mount|move|name|open|pass|point|publish|put|quote|raise|read|remove|rename|repair|repeat|replace|report|restore|run|save|say|see|set|shorten|show|split|start|stop|take|tell|try|turn|type|unlock|upgrade|use|wait|widen|wrap|write|alter|insert|update|did you mean|possible are|truc [a-z]+)\b|^[a-zA-Z]+: |^the (configuration has|commands are)`)
	// quoted is what a sentence cites: names, statements, what other programs say.
	quoted = regexp.MustCompile("\"[^\"]*\"|'[^']*'|`[^`]*`|\\{[^}]*\\}|\\([^)]*\\)|(?m)^ *(CREATE|ALTER|GRANT|SELECT|INSERT|UPDATE|DELETE|DROP|SET)\\b.*$|không đọc được .* như một biểu thức")
	// english are words that stand in English sentences and in no Vietnamese one; of weak ones, which are also written in
	// expressions, it takes two.
	english = regexp.MustCompile(`\b(the|is|are|of|which|that|this|must|cannot|instead|would|should|a number|whole number|true or false|some|there|does)\b`)
	weak    = regexp.MustCompile(`\b(and|or|with|has|not|from|text|date|was|were|value|column|row|missing|expected|found)\b`)
	// calls are the names of functions.
	calls = regexp.MustCompile(`\w+\(`)
)

// Faults says what is wrong with a finding as a person reads it; nothing for a good one.
func Faults(p problem.Problem) []string {
	var out []string
	fault := func(wrong bool, what string) {
		if wrong {
			out = append(out, what)
		}
	}
	fault(!place.MatchString(p.Where), "has no place a person could open")
	fault(p.What.Empty(), "does not say what is wrong")
	fault(p.Fix.Empty(), "has no remedy")
	if p.Fix.Empty() {
		return out
	}
	fault(p.Fix.EN == p.What.EN, "has a remedy that repeats what is wrong")
	fault(!doing.MatchString(p.Fix.EN), "has a remedy that nobody can act on")
	for _, t := range []problem.Text{p.What, p.Fix} {
		if why := Foreign(t); why != "" {
			out = append(out, why)
		}
	}
	return out
}

// Foreign says how the Vietnamese of a text is none; "" when it is. A text that is the same in both languages is a statement
// or a name.
func Foreign(t problem.Text) string {
	if t.VI == t.EN {
		if inEnglish(t.VI) != "" && !statement.MatchString(t.VI) {
			return "is English in both languages: " + t.VI
		}
		return ""
	}
	if word := inEnglish(t.VI); word != "" {
		return "has the English word " + word + " in its Vietnamese: " + t.VI
	}
	if len(strings.Fields(t.VI)) > 3 && !strings.ContainsFunc(t.VI, vietnamese) {
		return "has no Vietnamese letter: " + t.VI
	}
	return ""
}

// inEnglish returns a word that makes a text English.
func inEnglish(text string) string {
	text = quoted.ReplaceAllString(calls.ReplaceAllString(text, ""), "")
	if word := english.FindString(text); word != "" {
		return word
	}
	if words := weak.FindAllString(text, 2); len(words) == 2 {
		return strings.Join(words, ", ")
	}
	return ""
}

// statement is a line to be run or written as it is.
var statement = regexp.MustCompile(`(?m)^(CREATE|ALTER|GRANT|SELECT|INSERT|UPDATE|DELETE|DROP|SET)\b|^\s*[\w.]+:`)

func vietnamese(r rune) bool {
	return r > unicode.MaxASCII && unicode.IsLetter(r)
}
