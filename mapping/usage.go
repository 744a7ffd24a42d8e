package mapping

import (
	"maps"
	"slices"
	"strings"
)

// Usage is what a mapping has to do with its dataset, for those who look after the dataset. It holds names and codes of
// standards, no values of rows.
type Usage struct {
	// Properties are those that a source mapping may fill, or a sink mapping reads, sorted: "nguoiDuocKhaiSinh.hoTen", "giayTo[].so".
	Properties []string
	// Codes are the codes that its maps know, by code list.
	Codes []CodesUsed
}

// CodesUsed are codes of one list, sorted.
type CodesUsed struct {
	List  string   `json:"list"`
	Codes []string `json:"codes"`
}

// Usage says which properties the documents of the plan may have.
func (p *SourcePlan) Usage() Usage {
	return usageOf(p.file, p.explained, func(x Explanation) []string {
		if x.Part != "fields" {
			return nil
		}
		return []string{x.Name}
	})
}

// Usage says which properties of a document the plan reads.
func (p *SinkPlan) Usage() Usage {
	return usageOf(p.file, p.explained, func(x Explanation) []string {
		return slices.DeleteFunc(slices.Clone(x.Reads), func(part string) bool { return strings.HasPrefix(part, "event.") })
	})
}

func usageOf(f *File, explained []Explanation, properties func(Explanation) []string) Usage {
	names, tables := map[string]bool{}, map[string]bool{}
	for _, x := range explained {
		for _, name := range properties(x) {
			names[name] = true
		}
		for _, name := range x.Codes {
			tables[name] = true
		}
	}
	lists := map[string]map[string]bool{}
	for _, m := range f.Codes {
		if !tables[m.Name] || m.List == "" {
			continue
		}
		if lists[m.List] == nil {
			lists[m.List] = map[string]bool{}
		}
		for _, e := range m.Entries {
			lists[m.List][e.To] = true
		}
	}
	u := Usage{Properties: slices.Sorted(maps.Keys(names))}
	for _, list := range slices.Sorted(maps.Keys(lists)) {
		u.Codes = append(u.Codes, CodesUsed{list, slices.Sorted(maps.Keys(lists[list]))})
	}
	return u
}
