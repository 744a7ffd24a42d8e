package main

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/lienthong/truc/schemas/match"
)

//go:embed changes.tsv
var changesTable []byte

// version is a unit over the time in which it did not change.
type version struct {
	unit
	from, until string // the first day, and the day after the last; "" when the lists do not say
	act         string
	into        []*version
	// vague: the sources do not say which of into it became.
	vague bool
}

// The days of the lists, and what is known of the time between two of them: a unit that only the later one has may have been
// so since the day after the earlier one, and a unit that only the earlier one has until the later one.
const (
	day2019  = "2019-10-06"
	day2023  = "2023-04-10"
	day2025  = "2025-03-01" // the last change before the merger, by Nghị quyết 1365/NQ-UBTVQH15
	merger   = "2025-07-01"
	newCodes = "Quyết định 19/2025/QĐ-TTg"
	newList  = "Nghị quyết 202/2025/QH15"
)

// exactDays are those of changes between two lists that are known to the day.
func exactDays() map[string]string {
	return map[string]string{
		"46 thành phố Huế": "2025-01-01", // Nghị quyết 175/2024/QH15
	}
}

// corrections are codes of which the source has a slip: the code that it has, and the right one.
func corrections() map[string]string {
	return map[string]string{
		"06970": "06978", // xã Ba Chẽ, tỉnh Quảng Ninh, since 1 July 2025; 06970 was the town before
	}
}

// same reports whether a unit is in two lists unchanged; sources spell one name in two ways.
func same(a, b unit) bool {
	return a.kind == b.kind && a.district == b.district && a.province == b.province && match.Name(a.name) == match.Name(b.name)
}

// build makes versions of the lists, links them, and adds what changed after the merger.
func build(s *sources, log io.Writer) ([]*version, error) {
	all, err := buildUntilMerger(s, log)
	if err != nil {
		return nil, err
	}
	now := map[string]*version{}
	for _, v := range all {
		if v.from == merger {
			now[v.code] = v
		}
	}
	later, err := laterChanges(now)
	return append(all, later...), err
}

func buildUntilMerger(s *sources, log io.Writer) ([]*version, error) {
	correct(s)
	lists := []list{s.l2019, s.l2023, s.l2025}
	days := [...]string{day2019, day2023, day2025}
	at := make([]map[string]*version, len(lists)) // the version of a code in each list
	var all []*version
	for i, l := range lists {
		at[i] = map[string]*version{}
		for _, code := range slices.Sorted(maps.Keys(l)) {
			u := l[code]
			if i > 0 {
				if before := at[i-1][code]; before != nil && same(before.unit, u) {
					before.name = u.name // the newest spelling
					at[i][code] = before
					continue
				}
			}
			v := &version{unit: u}
			if i > 0 {
				v.from = next(days[i-1]) //nolint:gosec // i is above 0 here
			}
			at[i][code] = v
			all = append(all, v)
		}
		if i == 0 {
			continue
		}
		for code, before := range at[i-1] {
			if at[i][code] != before {
				before.until = days[i]
			}
		}
	}
	for key, day := range exactDays() {
		code, full, _ := strings.Cut(key, " ")
		for i := 1; i < len(at); i++ {
			if v := at[i][code]; v != nil && v.full() == full && at[i-1][code] != v {
				v.from, at[i-1][code].until = day, day
			}
		}
	}
	now := map[string]*version{}
	for _, code := range slices.Sorted(maps.Keys(s.after)) {
		v := &version{unit: s.after[code], from: merger, act: newCodes}
		if len(code) == 2 {
			v.act = newList + "; " + newCodes
		}
		now[code] = v
		all = append(all, v)
	}
	counts := &linkCounts{}
	for i := range len(lists) - 1 {
		linkLists(s, at[i], at[i+1], counts)
	}
	if err := linkMerger(s, at[len(at)-1], now); err != nil {
		return nil, err
	}
	fmt.Fprintf(log, "before the merger: %+v\n", *counts)
	crossCheck(s, log)
	return all, nil
}

func correct(s *sources) {
	for wrong, right := range corrections() {
		if u, ok := s.after[wrong]; ok {
			delete(s.after, wrong)
			u.code = right
			s.after[right] = u
		}
		for _, m := range s.into {
			for i := range m {
				if m[i] == wrong {
					m[i] = right
				}
			}
		}
		for from, to := range s.second {
			if to == wrong {
				s.second[from] = right
			}
		}
	}
}

// linkCounts tells how the units that left one list before the next were linked.
type linkCounts struct{ Changed, ByName, Vague, Dissolved, Districts int }

// linkLists links the versions of a list to those of the next one.
func linkLists(s *sources, from, to map[string]*version, n *linkCounts) {
	byFormer := map[string][]string{} // province and former name
	for _, code := range slices.Sorted(maps.Keys(s.former)) {
		for _, name := range s.former[code] {
			key := s.l2025[code].province + name
			if !slices.Contains(byFormer[key], code) {
				byFormer[key] = append(byFormer[key], code)
			}
		}
	}
	for _, code := range slices.Sorted(maps.Keys(from)) {
		v := from[code]
		if v.into != nil || to[code] == v {
			continue
		}
		if len(code) == 3 { // one that keeps its number may have given communes away: thành phố Huế became two districts
			v.into = districtsOfCommunes(code, from, to)
			n.Districts++
		}
		if after := to[code]; after != nil && v.into == nil {
			v.into = []*version{after}
			n.Changed++
		}
		if v.into != nil {
			continue
		}
		var named []*version
		for _, c := range byFormer[v.province+match.Name(v.full())] {
			if w := to[c]; w != nil && (w.district == v.district || districtGone(v.district, to)) {
				named = append(named, w)
			}
		}
		switch {
		case len(named) == 1:
			v.into = named
			n.ByName++
		case len(named) > 1:
			v.into, v.vague = named, true
			n.Vague++
		case noCommunes(v.district, to):
			v.into = []*version{to[v.district]} // the island district of Lý Sơn took its three communes over
			n.Dissolved++
		default:
			v.into, v.vague = communesAround(v, from, to), true
			n.Vague++
		}
	}
}

func noCommunes(district string, to map[string]*version) bool {
	for _, w := range to {
		if w.district == district {
			return false
		}
	}
	return to[district] != nil
}

func districtGone(code string, to map[string]*version) bool { return to[code] == nil }

// districtsOfCommunes are the districts in which the communes of a district are by the next list.
func districtsOfCommunes(district string, from, to map[string]*version) []*version {
	found := map[string]bool{}
	for code, v := range from {
		if w := to[code]; v.district == district && w != nil && to[w.district] != nil {
			found[w.district] = true
		}
	}
	return pick(to, slices.Sorted(maps.Keys(found)))
}

// communesAround are those of which a commune must have become one that the sources are silent about: the communes of its
// district by the next list.
func communesAround(v *version, from, to map[string]*version) []*version {
	districts := []*version{to[v.district]}
	if districts[0] == nil {
		districts = districtsOfCommunes(v.district, from, to)
	}
	var codes []string
	for code, w := range to {
		for _, d := range districts {
			if w.district == d.code {
				codes = append(codes, code)
			}
		}
	}
	slices.Sort(codes)
	return pick(to, codes)
}

func pick(of map[string]*version, codes []string) []*version {
	var out []*version
	for _, c := range codes {
		out = append(out, of[c])
	}
	return out
}

// linkMerger links the last list before 1 July 2025 to the first one of that day.
func linkMerger(s *sources, before, now map[string]*version) error {
	ofDistrict := map[string]map[string]bool{}
	var errs []error
	for _, code := range slices.Sorted(maps.Keys(before)) {
		v := before[code]
		v.until = merger
		var to []string
		switch len(code) {
		case 2:
			to = []string{s.provinces[code]}
		case 5:
			to = slices.Sorted(slices.Values(s.into[code]))
			if ofDistrict[v.district] == nil {
				ofDistrict[v.district] = map[string]bool{}
			}
			for _, t := range to {
				ofDistrict[v.district][t] = true
			}
		default:
			continue
		}
		v.into = pick(now, to)
	}
	for code, v := range before {
		if len(code) == 3 {
			to := slices.Sorted(maps.Keys(ofDistrict[code]))
			if to == nil {
				to = s.into[code]
			}
			v.into = pick(now, to)
		}
		if len(v.into) == 0 || slices.Contains(v.into, nil) {
			errs = append(errs, fmt.Errorf("%s %s: nothing is said of what became of it", code, v.full()))
		}
	}
	return errors.Join(errs...)
}

// laterChanges reads changes.tsv.
func laterChanges(now map[string]*version) ([]*version, error) {
	r := csv.NewReader(bytes.NewReader(changesTable))
	r.Comma, r.Comment, r.FieldsPerRecord = '\t', '#', 4
	rows, err := r.ReadAll()
	if err != nil {
		return nil, err
	}
	var out []*version
	for _, row := range rows {
		before := now[row[1]]
		if before == nil || before.kind == row[2] {
			return nil, fmt.Errorf("changes.tsv: %s of %s changes nothing", row[2], row[1])
		}
		v := &version{unit: before.unit, from: row[0], act: row[3]}
		v.kind = row[2]
		before.until, before.into = row[0], []*version{v}
		now[row[1]] = v
		out = append(out, v)
	}
	return out, nil
}

// crossCheck tells where the second source of the merger says otherwise than the first.
func crossCheck(s *sources, log io.Writer) {
	agree := 0
	for _, from := range slices.Sorted(maps.Keys(s.second)) {
		if slices.Contains(s.into[from], s.second[from]) {
			agree++
			continue
		}
		fmt.Fprintf(log, "%s %s: %s, but by the second source %s\n", from, s.l2025[from].full(), s.into[from], s.second[from])
	}
	fmt.Fprintf(log, "the second source agrees on %d of %d communes\n", agree, len(s.second))
}
