package compat

import (
	"encoding/json"
	"math/big"
	"regexp/syntax"
	"slices"
	"strings"
)

func (s *sampler) collect(v any) {
	if !s.proof.work.spend(8) {
		return
	}
	switch v := v.(type) {
	case map[string]any:
		for _, k := range sortedKeys(v) {
			s.counted = s.counted || k == "maxProperties" || k == "minProperties"
			switch e := v[k].(type) {
			case json.Number:
				s.number(e)
			case string:
				switch k {
				case "pattern":
					s.text(s.matching(e)...)
				case "format":
					s.texts = append(s.texts, formats[e]...)
				}
			case []any:
				if k == "enum" || k == "required" {
					for _, one := range e {
						if text, ok := one.(string); ok && k == "enum" {
							s.text(text)
						} else if ok {
							s.name(text)
						}
					}
				}
			case map[string]any:
				for _, name := range sortedKeys(e) {
					inner := e[name]
					switch k {
					case "properties", "dependencies", "dependentRequired", "dependentSchemas":
						s.name(name)
						list, _ := inner.([]any)
						for _, other := range stringsOf(list) {
							s.name(other)
						}
					case "patternProperties":
						for _, text := range s.matching(name) {
							s.name(text)
						}
					}
				}
			}
			s.collect(v[k])
		}
	case []any:
		for _, e := range v {
			s.collect(e)
		}
	}
}

func (s *sampler) text(texts ...string) {
	if len(s.texts) < maxTexts {
		s.texts = append(s.texts, anyOf(texts)...)
	}
}

func (s *sampler) name(name string) {
	if !slices.Contains(s.names, name) && len(s.names) < 40 {
		s.names = append(s.names, name)
		slices.Sort(s.names)
	}
}

func anyOf(texts []string) []any {
	out := make([]any, 0, len(texts))
	for _, t := range texts {
		out = append(out, t)
	}
	return out
}

func (s *sampler) number(n json.Number) {
	r := decimal(n)
	if r == nil || len(s.numbers) > 60 {
		return
	}
	for _, d := range []*big.Rat{new(big.Rat), big.NewRat(1, 1), big.NewRat(-1, 1), big.NewRat(1, 2), big.NewRat(-1, 2), r} {
		s.numbers = append(s.numbers, exact(new(big.Rat).Add(r, d)))
	}
	if r.IsInt() && r.Sign() >= 0 && r.Cmp(big.NewRat(200, 1)) < 0 {
		for d := int64(-1); d <= 1; d++ {
			if length := int(r.Num().Int64() + d); length >= 0 && !slices.Contains(s.lengths, length) {
				s.lengths = append(s.lengths, length)
			}
		}
	}
}

// exact writes a number in decimals.
func exact(r *big.Rat) json.Number {
	if r.IsInt() {
		return json.Number(r.Num().String())
	}
	return json.Number(strings.TrimRight(r.FloatString(12), "0"))
}

var formats = map[string][]any{
	"date": {"2024-02-29"}, "time": {"10:20:30Z"}, "date-time": {"2024-02-29T10:20:30Z"}, "email": {"a@mau.test"},
	"ipv4": {"192.0.2.1"}, "ipv6": {"2001:db8::1"}, "uri": {"http://mau.test/"}, "uri-reference": {"/a"},
	"hostname": {"mau.test"}, "uuid": {"123e4567-e89b-42d3-a456-426614174000"}, "regex": {"^a"}, "json-pointer": {"/a"},
	"duration": {"P1D"}, "uri-template": {"/{a}"},
}

// matching writes a few texts that match a pattern, best effort.
func (s *sampler) matching(pattern string) []string {
	known, found := s.matched[pattern]
	if found {
		return known
	}
	check := s.proof.work.pattern(pattern)
	if check.re == nil {
		return nil
	}
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil
	}
	var out []string
	for variant := range 3 {
		var b strings.Builder
		write(&b, re, variant)
		text := b.String()
		s.proof.work.spend(100 + len(text))
		if matched, _ := s.proof.work.matches(pattern, text); matched && !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	if s.matched == nil {
		s.matched = map[string][]string{}
	}
	s.matched[pattern] = out
	return out
}

func write(b *strings.Builder, re *syntax.Regexp, variant int) {
	if b.Len() > maxText {
		return
	}
	switch re.Op {
	case syntax.OpLiteral:
		b.WriteString(string(re.Rune))
	case syntax.OpCharClass:
		if n := len(re.Rune) / 2; n > 0 {
			i := variant % n
			b.WriteRune(re.Rune[2*i])
		}
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteByte('a')
	case syntax.OpCapture, syntax.OpConcat:
		for _, sub := range re.Sub {
			write(b, sub, variant)
		}
	case syntax.OpAlternate:
		write(b, re.Sub[variant%len(re.Sub)], variant)
	case syntax.OpPlus:
		write(b, re.Sub[0], variant)
	case syntax.OpStar, syntax.OpQuest:
		if variant > 0 {
			write(b, re.Sub[0], variant)
		}
	case syntax.OpRepeat:
		n := re.Min
		if variant > 0 && (re.Max < 0 || re.Max > n) {
			n++
		}
		for range min(n, 200) {
			write(b, re.Sub[0], variant)
		}
	default: // anchors and the empty match write nothing
	}
}
