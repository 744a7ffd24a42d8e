package discover

import (
	"slices"
	"strings"

	"github.com/lienthong/truc/problem"
)

// together offers several columns that make up one property: the parts of a name or of an address.
func (m *matcher) together(l *leaf, columns []*profile, ids map[*profile]string) *pairing {
	switch l.path[len(l.path)-1] {
	case "hoTen":
		return m.nameParts(l, columns, ids)
	case "chiTiet":
		return m.addressParts(l, columns, ids)
	}
	return nil
}

// nameParts offers family, middle and given name together for a full name.
func (m *matcher) nameParts(l *leaf, columns []*profile, ids map[*profile]string) *pairing {
	var parts []*profile
	joined := false
	for _, word := range [][]string{{"ho", "dem"}, {"ho"}, {"dem"}, {"ten"}} {
		if len(parts) == 1 && joined && word[0] != "ten" {
			continue // one column holds both
		}
		// The part may name the object above, as hoMe does.
		best, score := (*profile)(nil), 0.8
		for _, p := range columns {
			if slices.Contains(parts, p) {
				continue
			}
			for _, r := range p.read {
				if s := m.fit(r, word, l.owners); s > score {
					best, score = p, s
				}
			}
		}
		if best != nil {
			parts = append(parts, best)
			joined = joined || len(word) == 2
		} else if len(word) == 1 && word[0] != "dem" {
			return nil
		}
	}
	return composed(parts, l, ids, " ", say("họ, chữ đệm và tên ở các cột riêng", "family, middle and given name stand in columns of their own"))
}

// addressRoles are the parts of an address, from the house to the province.
func addressRoles() [][]string {
	return [][]string{{"so nha", "dia chi", "dia chi chi tiet"}, {"duong", "pho", "ngo"}, {"thon", "to", "ap", "khu pho", "to dan pho"}, {"xa", "phuong", "xa phuong"}, {"huyen", "quan", "quan huyen"}, {"tinh", "thanh pho", "tinh thanh"}}
}

// addressParts offers house, street, commune, district and province together. The columns name the address, or the subject
// that has only this one.
func (m *matcher) addressParts(l *leaf, columns []*profile, ids map[*profile]string) *pairing {
	if len(l.above) == 0 {
		return nil
	}
	subject, address := l.above[:len(l.above)-1], l.above[len(l.above)-1]
	addresses := 0
	for _, o := range m.leaves {
		if o.path[len(o.path)-1] == "chiTiet" && slices.Equal(o.path[:len(o.path)-2], l.path[:len(l.path)-2]) {
			addresses++
		}
	}
	var parts []*profile
	named := 0
	for i, roles := range addressRoles() {
		for _, p := range columns {
			if slices.Contains(parts, p) || p.share(allDigits) > 0.5 {
				continue
			}
			if slices.ContainsFunc(p.read, func(r reading) bool { return isAddressPart(r.words, subject, address, roles, addresses == 1) }) {
				parts = append(parts, p)
				if i >= 3 {
					named++
				}
				break
			}
		}
	}
	if len(parts) < 2 || named == 0 {
		return nil
	}
	return composed(parts, l, ids, ", ", say("các phần của địa chỉ ở các cột riêng", "the parts of the address stand in columns of their own"))
}

// isAddressPart reports whether words are one of the roles, of the subject, of the address: nothing else may be said. A subject
// with one address need not name it.
func isAddressPart(words []string, subject []owner, address owner, roles []string, only bool) bool {
	rest := words
	for _, o := range subject {
		named := false
		for _, n := range o.names {
			if left, ok := without(rest, n); ok {
				rest, named = left, true
				break
			}
		}
		if !named && !o.required {
			return false
		}
	}
	is := func(words []string) bool { return slices.Contains(roles, strings.Join(words, " ")) }
	return only && is(rest) || slices.ContainsFunc(address.names, func(n []string) bool {
		left, ok := without(rest, n)
		return ok && is(left)
	})
}

func composed(parts []*profile, l *leaf, ids map[*profile]string, between string, why problem.Text) *pairing {
	var texts []string
	for _, p := range parts {
		texts = append(texts, "text("+ids[p]+")")
	}
	e := evidence{most: 0.9, fit: 0.5, expression: "join([" + strings.Join(texts, ", ") + `], "` + between + `")`, why: []problem.Text{why}}
	return newPairing(parts, l, 0.95, e)
}
