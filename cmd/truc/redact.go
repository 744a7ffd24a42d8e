package main

import (
	"io"
	"slices"
	"strings"
)

// leastSecret is the length from which a secret is blanked out: replacing every "a" would protect nothing and ruin the text.
const leastSecret = 4

// redactor blanks secrets out of what is written through it: the last line of defence behind errors that never hold one.
// It relies on every Write being a whole message, as those of slog and fmt are.
type redactor struct {
	w       io.Writer
	secrets *strings.Replacer
}

func newRedactor(w io.Writer, secrets []string) io.Writer {
	// At one place the first pair that fits wins, and a connection string holds the password that is a secret of its own.
	longestFirst := slices.SortedFunc(slices.Values(secrets), func(a, b string) int { return len(b) - len(a) })
	var pairs []string
	for _, s := range longestFirst {
		if len(s) >= leastSecret {
			pairs = append(pairs, s, "[secret]")
		}
	}
	if len(pairs) == 0 {
		return w
	}
	return &redactor{w: w, secrets: strings.NewReplacer(pairs...)}
}

func (r *redactor) Write(p []byte) (int, error) {
	if _, err := r.secrets.WriteString(r.w, string(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}
