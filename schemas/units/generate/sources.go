package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/lienthong/truc/schemas/match"
)

// unit is a unit as a list has it.
type unit struct {
	code, province, district string
	kind, name               string
}

// full is the name with the kind.
func (u unit) full() string { return u.kind + " " + u.name }

// list is the units of a day, by code; codes of the three levels differ in length.
type list map[string]unit

// sources are the lists, and what they say of each other.
type sources struct {
	l2019, l2023, l2025 list
	after               list // from 1 July 2025 on
	// former are further names that a commune of l2025 goes by, as keys: mostly those of communes that were merged into it.
	former map[string][]string
	// into says what became of the communes of l2025, and of the districts without communes.
	into map[string][]string
	// provinces says what became of the provinces of l2025.
	provinces map[string]string
	// second is what another source says of into: one successor each, but with codes.
	second map[string]string
}

func readSources(raw [][]byte) (*sources, error) {
	s := &sources{former: map[string][]string{}, into: map[string][]string{}, provinces: map[string]string{}, second: map[string]string{}}
	for _, read := range []func([]byte) error{s.read2019, s.read2023, s.readWards, s.read2025} {
		if err := read(raw[0]); err != nil {
			return nil, err
		}
		raw = raw[1:]
	}
	return s, nil
}

// fileOf returns a file of an npm archive.
func fileOf(tgz []byte, name string, into any) error {
	z, err := gzip.NewReader(bytes.NewReader(tgz))
	if err != nil {
		return err
	}
	for t := tar.NewReader(z); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("the archive has no %s", name)
		}
		if err != nil {
			return err
		}
		if h.Name == name {
			return json.NewDecoder(t).Decode(into)
		}
	}
}

// fileOfWheel returns a file of a Python archive.
func fileOfWheel(wheel []byte, name string, into any) error {
	z, err := zip.NewReader(bytes.NewReader(wheel), int64(len(wheel)))
	if err != nil {
		return err
	}
	f, err := z.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	// Python writes NaN for an unknown latitude, which is no JSON.
	return json.Unmarshal(bytes.ReplaceAll(text, []byte(": NaN"), []byte(": null")), into)
}

// split cuts "Thị Trấn Ái Tử" into kind and name.
func split(full string) (kind, name string, err error) {
	full = strings.Join(strings.Fields(norm.NFC.String(full)), " ")
	for _, kind := range []string{"thành phố", "thị xã", "thị trấn", "quận", "huyện", "tỉnh", "phường", "xã", "đặc khu"} {
		if n := len(kind); len(full) > n && strings.EqualFold(full[:n], kind) && full[n] == ' ' {
			return kind, full[n+1:], nil
		}
	}
	return "", "", fmt.Errorf("%q does not say what kind of unit it is", full)
}

func (l list) add(code, full, province, district string) error {
	kind, name, err := split(full)
	if err != nil {
		return err
	}
	if before, twice := l[code]; twice {
		return fmt.Errorf("code %s is of %s and of %s", code, before.full(), full)
	}
	l[code] = unit{code: code, province: province, district: district, kind: kind, name: name}
	return nil
}

func (s *sources) read2019(tgz []byte) error {
	s.l2019 = list{}
	for _, level := range []string{"provinces", "districts", "wards"} {
		var rows []struct {
			Code, Name string
			District   string `json:"district_code"`
			Province   string `json:"province_code"`
		}
		if err := fileOf(tgz, "package/json_data/"+level+".json", &rows); err != nil {
			return err
		}
		for _, r := range rows {
			if r.Name == "" {
				continue // the spreadsheet names districts without communes in rows of their own
			}
			if err := s.l2019.add(r.Code, r.Name, r.Province, r.District); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *sources) read2023(tgz []byte) error {
	s.l2023 = list{}
	for _, level := range []string{"tinh_tp", "quan_huyen", "xa_phuong"} {
		var rows map[string]struct {
			Code   string
			Name   string `json:"name_with_type"`
			Parent string `json:"parent_code"`
		}
		if err := fileOf(tgz, "package/dist/"+level+".json", &rows); err != nil {
			return err
		}
		for _, r := range rows {
			province, district := r.Parent, ""
			if level == "xa_phuong" {
				province, district = s.l2023[r.Parent].province, r.Parent
			}
			if err := s.l2023.add(r.Code, r.Name, province, district); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *sources) readWards(tgz []byte) error {
	var tables []struct {
		Type, Name string
		Data       []struct {
			Old string `json:"old_ward_code"`
			New string `json:"new_ward_code"`
		}
	}
	if err := fileOf(tgz, "package/address.json", &tables); err != nil {
		return err
	}
	for _, t := range tables {
		if t.Name != "ward_mappings" {
			continue
		}
		for _, r := range t.Data {
			if r.Old != "" {
				s.second[r.Old] = fmt.Sprintf("%05s", r.New)
			}
		}
	}
	return nil
}

type legacyWard struct {
	Code     string   `json:"wardCode"`
	Name     string   `json:"ward"`
	Keywords []string `json:"wardKeywords"`
}

func (s *sources) read2025(wheel []byte) error {
	const dir = "vietnamadminunits/data/"
	var old struct {
		Provinces map[string]struct{ Province, ProvinceCode string } `json:"DICT_PROVINCE"`
		Districts map[string]map[string]struct {
			Name string `json:"district"`
			Code string `json:"districtCode"`
		} `json:"DICT_PROVINCE_DISTRICT"`
		Wards   map[string]map[string]map[string]legacyWard `json:"DICT_PROVINCE_DISTRICT_WARD_NO_ACCENTED"`
		Similar map[string]map[string]map[string]legacyWard `json:"DICT_PROVINCE_DISTRICT_WARD_ACCENTED"`
	}
	var now struct {
		Provinces map[string]struct{ Province, ProvinceCode string } `json:"DICT_PROVINCE"`
		Wards     map[string]map[string]legacyWard                   `json:"DICT_PROVINCE_WARD_NO_ACCENTED"`
		Similar   map[string]map[string]legacyWard                   `json:"DICT_PROVINCE_WARD_ACCENTED"`
	}
	var moves struct {
		Provinces map[string][]string            `json:"DICT_PROVINCE"`
		Whole     map[string]map[string][]string `json:"DICT_PROVINCE_WARD_NO_DIVIDED"`
		Divided   map[string]map[string][]struct {
			New string `json:"newWardKey"`
		} `json:"DICT_PROVINCE_WARD_DIVIDED"`
	}
	if err := errors.Join(fileOfWheel(wheel, dir+"parser_legacy.json", &old), fileOfWheel(wheel, dir+"parser_from_2025.json", &now), fileOfWheel(wheel, dir+"converter_2025.json", &moves)); err != nil {
		return err
	}
	s.l2025, s.after = list{}, list{}
	var errs []error
	codes := map[string]string{} // by the source's keys
	for key, p := range old.Provinces {
		errs = append(errs, s.l2025.add(p.ProvinceCode, p.Province, "", ""))
		codes[key] = p.ProvinceCode
	}
	for p, districts := range old.Districts {
		for d, v := range districts {
			errs = append(errs, s.l2025.add(v.Code, v.Name, codes[p], ""))
			codes[p+"_"+d] = v.Code
			codes[p+"_"+d+"_"] = v.Code // an island district without communes
		}
	}
	for _, wards := range []map[string]map[string]map[string]legacyWard{old.Wards, old.Similar} {
		for p, districts := range wards {
			for d, communes := range districts {
				for w, v := range communes {
					codes[p+"_"+d+"_"+w] = v.Code
					if v.Code == "" {
						codes[p+"_"+d+"_"+w] = codes[p+"_"+d]
						continue
					}
					if _, again := s.l2025[v.Code]; again {
						continue
					}
					errs = append(errs, s.l2025.add(v.Code, v.Name, codes[p], codes[p+"_"+d]))
					for _, k := range v.Keywords {
						s.former[v.Code] = append(s.former[v.Code], match.Name(k))
					}
				}
			}
		}
	}
	provinces := map[string]string{}
	for key, p := range now.Provinces {
		errs = append(errs, s.after.add(p.ProvinceCode, p.Province, "", ""))
		provinces[key] = p.ProvinceCode
	}
	for _, wards := range []map[string]map[string]legacyWard{now.Wards, now.Similar} {
		for p, communes := range wards {
			for w, v := range communes {
				provinces[p+"_"+w] = v.Code
				if _, again := s.after[v.Code]; !again {
					errs = append(errs, s.after.add(v.Code, v.Name, provinces[p], ""))
				}
			}
		}
	}
	move := func(from, to string) {
		a, b := codes[from], provinces[to]
		if a == "" || b == "" {
			errs = append(errs, fmt.Errorf("from %s to %s: one of both is not in the lists", from, to))
		}
		s.into[a] = append(s.into[a], b)
	}
	for p, wards := range moves.Whole {
		for w, from := range wards {
			for _, f := range from {
				move(f, p+"_"+w)
			}
		}
	}
	for p, wards := range moves.Divided {
		for f, to := range wards {
			for _, t := range to {
				move(f, p+"_"+t.New)
			}
		}
	}
	for to, from := range moves.Provinces {
		for _, f := range from {
			s.provinces[codes[f]] = provinces[to]
		}
	}
	return errors.Join(errs...)
}
