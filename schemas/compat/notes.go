package compat

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"math/big"
	"reflect"
	"strconv"
)

// notes are what comparing asks of a place again and again, written down once.
type notes struct {
	same         *place // the first place that says the same in the same surroundings
	digest       digest // of the wording
	refers       bool   // there is a $ref in it
	types        types  // that the keyword type lets through
	numbers      map[string]*big.Rat
	bulk         int                 // what reckoning with them costs beyond that with small ones, in steps
	sorted       map[string][]string // the names in a keyword that is an object
	required     map[string]bool
	requiredList []string
	lists        map[string][]*place // of allOf, anyOf and oneOf
	first        []*place            // the schemas of the first items
	rest         *place              // that of the others
}

// number is a keyword's number, nil without one.
func (n *notes) number(keyword string) *big.Rat { return n.numbers[keyword] }

// names are the sorted names in a keyword that is an object.
func (n *notes) names(keyword string) []string { return n.sorted[keyword] }

// all are the branches of allOf, anyOf or oneOf.
func (n *notes) all(of string) []*place { return n.lists[of] }

// digest is equal for equal JSON values; nobody finds two others for which it is.
type digest [sha256.Size]byte

// told is what a pass over the text of a schema says of each object in it.
type told struct {
	digest digest
	refers bool
}

// class tells places that say the same.
type class struct {
	resource, base string
	draft          Draft
	digest         digest
}

func (s *set) note() {
	objects := map[uintptr]told{}
	all := sha256.New()
	for _, name := range sortedKeys(s.raw) {
		text, _ := describe(s.raw[name], objects)
		all.Write(binary.AppendUvarint(nil, uint64(len(name))))
		all.Write([]byte(name))
		all.Write(text)
	}
	s.digest = digest(all.Sum(nil))
	classes := map[class]*place{}
	for _, p := range s.order {
		if m := p.object(); m != nil {
			about := objects[reflect.ValueOf(m).Pointer()]
			p.digest, p.refers = about.digest, about.refers
		} else if p.raw == true {
			p.digest = digest{1}
		}
		c := class{p.resource, p.base, p.draft, p.digest}
		if classes[c] == nil {
			classes[c] = p
		}
		p.same = classes[c]
		p.note()
	}
}

// describe appends to objects what they say, and returns how v is written into the digest of what is around it.
func describe(v any, objects map[uintptr]told) (text []byte, refers bool) {
	sized := func(tag byte, s string) []byte {
		return append(binary.AppendUvarint([]byte{tag}, uint64(len(s))), s...)
	}
	switch v := v.(type) {
	case string:
		return sized('s', v), false
	case json.Number:
		return sized('n', string(v)), false
	case bool:
		return sized('b', strconv.FormatBool(v)), false
	case []any:
		h := sha256.New()
		h.Write([]byte{'['})
		for _, e := range v {
			inner, r := describe(e, objects)
			refers = refers || r
			h.Write(inner)
		}
		return h.Sum([]byte{'l'}), refers
	case map[string]any:
		h := sha256.New()
		h.Write([]byte{'{'})
		for _, k := range sortedKeys(v) {
			inner, r := describe(v[k], objects)
			refers = refers || r || k == "$ref"
			h.Write(sized('k', k))
			h.Write(inner)
		}
		text = h.Sum([]byte{'o'})
		objects[reflect.ValueOf(v).Pointer()] = told{digest(text[1:]), refers}
		return text, refers
	}
	return []byte{'0'}, false
}

// note writes down what one place says.
func (p *place) note() {
	m := p.object()
	p.types = p.allowed()
	if p.draft == Draft2020 {
		p.first, p.rest = p.listed("prefixItems"), p.child("items")
	} else if _, tuple := m["items"].([]any); tuple {
		p.first, p.rest = p.listed("items"), p.child("additionalItems")
	} else {
		p.rest = p.child("items")
	}
	for k, v := range m {
		switch v := v.(type) {
		case json.Number:
			if p.numbers == nil {
				p.numbers = map[string]*big.Rat{}
			}
			n := decimal(v)
			if p.numbers[k] = n; n != nil {
				p.bulk += (n.Num().BitLen() + n.Denom().BitLen()) / 10
			}
		case map[string]any:
			if p.sorted == nil {
				p.sorted = map[string][]string{}
			}
			p.sorted[k] = sortedKeys(v)
		case []any:
			switch k {
			case "allOf", "anyOf", "oneOf":
				if p.lists == nil {
					p.lists = map[string][]*place{}
				}
				p.lists[k] = p.listed(k)
			case "required":
				p.requiredList = stringsOf(v)
				p.required = make(map[string]bool, len(v))
				for _, name := range p.requiredList {
					p.required[name] = true
				}
			}
		}
	}
}

// listed are the places of a keyword that is a list of schemas.
func (p *place) listed(keyword string) []*place {
	list, _ := p.object()[keyword].([]any)
	out := make([]*place, 0, len(list))
	for i := range list {
		out = append(out, p.child(keyword, strconv.Itoa(i)))
	}
	return out
}
