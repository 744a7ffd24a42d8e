package main

import (
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/lienthong/truc/problem"
)

// leastSecret is the length from which a secret is blanked out wherever it stands: replacing every "a" would protect nothing
// and ruin the text. A shorter one is blanked out in quotes.
const leastSecret = 4

const blanked = "[secret]"

// redactor blanks secrets out of what is written through it: the last line of defence behind errors that never hold one.
// It relies on every Write being a whole message, as those of slog and fmt are.
type redactor struct {
	w       io.Writer
	secrets *strings.Replacer
}

func newRedactor(w io.Writer, secrets []string) io.Writer {
	if len(secrets) == 0 {
		return w
	}
	return &redactor{w: w, secrets: replacerOf(secrets)}
}

// replacerOf knows each secret as it is, and as %q and slog write it.
func replacerOf(secrets []string) *strings.Replacer {
	// At one place the first pair that fits wins, and a connection string holds the password that is a secret of its own.
	longestFirst := slices.SortedFunc(slices.Values(secrets), func(a, b string) int { return len(b) - len(a) })
	var pairs []string
	for _, s := range longestFirst {
		quoted := strconv.Quote(s)
		if len(s) < leastSecret {
			pairs = append(pairs, quoted, `"`+blanked+`"`)
			continue
		}
		pairs = append(pairs, s, blanked)
		if inner := quoted[1 : len(quoted)-1]; inner != s {
			pairs = append(pairs, inner, blanked)
		}
	}
	return strings.NewReplacer(pairs...)
}

func (r *redactor) Write(p []byte) (int, error) {
	if _, err := r.secrets.WriteString(r.w, string(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// redacted blanks secrets out of findings, which are results and go to stdout: a value that came by reference may stand where
// a table, a path or a host is named.
func redacted(l problem.List, secrets []string) problem.List {
	r := replacerOf(secrets)
	out := slices.Clone(l)
	for i := range out {
		p := &out[i]
		p.Where = r.Replace(p.Where)
		p.What = problem.Text{VI: r.Replace(p.What.VI), EN: r.Replace(p.What.EN)}
		p.Fix = problem.Text{VI: r.Replace(p.Fix.VI), EN: r.Replace(p.Fix.EN)}
	}
	return out
}
