package mapping

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"

	celast "cel.dev/cel-go/common/ast"

	"github.com/lienthong/truc/mapping/value"
	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas"
)

// MinPseudonymKey is how many bytes a key of pseudonym() has at least: with fewer, who knows the twelve digits of a person could try keys.
const MinPseudonymKey = 32

// pseudonymBytes of the HMAC are shown, 26 characters: among a billion entities no two have the same.
const pseudonymBytes = 16

type pseudonymNode struct {
	a    node
	key  []byte
	fail failure
}

func lowerPseudonym(l *lowering, e celast.Expr, args []celast.Expr) (node, typ) {
	n, t := l.lower(args[0])
	l.wantKind("pseudonym", args[0], t, scalarKinds()...)
	name, ok := l.constantText("pseudonym", args[1], problem.Say("the name of the key"))
	if !ok {
		return &literalNode{null}, typ{}
	}
	key, there := l.env.Pseudonyms[name]
	if !there {
		var names []string
		for known := range l.env.Pseudonyms {
			names = append(names, known)
		}
		fix := problem.Say("add to the configuration: pseudonyms: { %s: \"${env:TRUC_PSEUDONYM}\" }", name)
		if len(similar(name, names)) > 0 {
			fix = suggestion(name, names)
		}
		return l.problem(args[1], "unknown-pseudonym", problem.Say("the configuration has no key %q under pseudonyms", name), fix)
	}
	if len(key) < MinPseudonymKey {
		return l.problem(args[1], "weak-key", problem.Say("the key %q under pseudonyms has fewer than %d characters", name, MinPseudonymKey), problem.Say("make one with: openssl rand -base64 32"))
	}
	return &pseudonymNode{n, key, newFailure(schemas.RuleEncoding, l.source(e))}, typ{kind: kindText, nullable: true}
}

// eval hashes the clean text, so that blanks and the form of Unicode make no other person of somebody.
func (n *pseudonymNode) eval(f *frame) cell {
	v := n.a.eval(f)
	if v.isNull() || v.isFailed() {
		return v
	}
	start := len(f.scratch)
	var ok bool
	if v.is(kindText) {
		f.scratch, ok = value.AppendText(f.scratch, v.bytes())
	} else {
		f.scratch, ok = v.appendText(f.scratch)
	}
	text := f.since(start)
	f.scratch = f.scratch[:start]
	switch {
	case !ok:
		return failed(n.fail)
	case len(text) == 0:
		return null
	}
	mac := hmac.New(sha256.New, n.key)
	mac.Write(text) // a hash never fails to take bytes
	var sum [sha256.Size]byte
	lower := base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
	f.scratch = lower.AppendEncode(f.scratch, mac.Sum(sum[:0])[:pseudonymBytes])
	return textCell(f.since(start))
}
