package mapping

import (
	"bytes"
	"slices"
	"time"

	celast "cel.dev/cel-go/common/ast"

	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas"
	"github.com/lienthong/truc/schemas/units"
)

const (
	// ruleDivided is a remark: the unit was divided among several, and the new one was left out.
	ruleDivided = "divided"
	// ruleUndated is a remark: a unit was left out because its day is not known.
	ruleUndated = "undated"
)

// unitProperties are those of the object that adminUnit gives, donViHanhChinh of the shared types.
var unitProperties = [...]string{"thoiDiemDanhMuc", "maTinh", "maXa", "maTinhCu", "maHuyenCu", "maXaCu"}

type adminUnitNode struct {
	a, at node
	zone  *time.Location
	units *units.Catalogue
	// fail is neither code nor text, date no day.
	fail, date failure
}

func lowerAdminUnit(l *lowering, e celast.Expr, args []celast.Expr) (node, typ) {
	a, ta := l.lower(args[0])
	at, tat := l.lower(args[1])
	l.wantKind("adminUnit", args[0], ta, kindText, kindInt)
	l.wantKind("adminUnit", args[1], tat, kindDate, kindDateTime, kindTimestamp)
	c, err := units.Builtin()
	if err != nil {
		return l.problem(e, "unsupported", problem.Say("the administrative units cannot be read: %v", err), problem.Say("this binary is defective: install it anew"))
	}
	n := &adminUnitNode{a, at, l.localZone(), c, newFailure(schemas.RuleEncoding, l.source(e)), newFailure(schemas.RuleDate, l.source(e))}
	return n, typ{kind: kindObject, nullable: true, made: unitProperties[:]}
}

// eval gives the unit as it is today, with the codes of its day beside it. What is not certain is left out, with a remark, and
// the codes of the source are kept.
func (n *adminUnitNode) eval(f *frame) cell {
	v := n.a.eval(f)
	if v.isNull() || v.isFailed() {
		return v
	}
	day := n.at.eval(f)
	if day.isFailed() {
		return day
	}
	var number [24]byte
	text := v.bytes()
	switch {
	case v.is(kindInt):
		text, _ = v.appendText(number[:0])
	case !v.is(kindText):
		return failed(n.fail)
	}
	if text = bytes.TrimSpace(text); len(text) == 0 {
		return null
	}
	if day.isNull() {
		f.remark(Remark{Group: schemas.GroupMissing, Rule: ruleUndated})
		return null
	}
	t, ok := (&ageNode{zone: n.zone}).day(day)
	if !ok {
		return failed(n.date)
	}
	at := units.Date(t.Year*10000 + t.Month*100 + t.Day)
	u, rule := n.resolve(text, at)
	if rule != "" {
		f.remark(Remark{Group: schemas.GroupReference, Rule: rule})
	}
	if u == (adminUnit{}) {
		return null
	}
	start := len(f.scratch)
	f.scratch = u.append(f.scratch, at, n.units.Latest())
	return bytesCell(kindObject, f.since(start))
}

// adminUnit is what is written of a unit: its codes today, and those of its day where they are others.
type adminUnit struct{ province, commune, oldProvince, oldDistrict, oldCommune string }

// resolve finds what is certain, and the rule of the remark that tells what is not.
func (n *adminUnitNode) resolve(text []byte, at units.Date) (adminUnit, string) {
	r := n.units.Resolve(text, at)
	u, rule := r.Unit, ""
	switch r.Outcome {
	case units.Ambiguous:
		u, rule = r.Within, schemas.RuleAmbiguous
	case units.Unknown:
		u, rule = r.Within, schemas.RuleUnlisted
	case units.ByText, units.Exact:
	}
	if u == nil {
		return unlistedCode(text), rule
	}
	now, _ := u.On(n.units.Latest())
	var out adminUnit
	if len(now) > 0 && !slices.ContainsFunc(now, func(v *units.Unit) bool { return provinceOf(v) != provinceOf(now[0]) }) {
		out.province = provinceOf(now[0])
	}
	certain := len(now) == 1
	if certain && now[0].Level == units.Commune && rule == "" {
		out.commune = now[0].Code
	}
	if rule == "" && !certain {
		rule = ruleDivided
		if u.Level == units.District {
			rule = schemas.RuleAmbiguous // which of its communes is not said
		}
	}
	if at < units.DistrictsEnd || !certain || now[0].Code != u.Code {
		out.old(u)
	}
	return out, rule
}

func (a *adminUnit) old(u *units.Unit) {
	a.oldProvince, a.oldDistrict = provinceOf(u), u.District
	switch u.Level {
	case units.District:
		a.oldDistrict = u.Code
	case units.Commune:
		a.oldCommune = u.Code
	case units.Province, units.NoLevel:
	}
}

func provinceOf(u *units.Unit) string {
	if u.Level == units.Province {
		return u.Code
	}
	return u.Province
}

// unlistedCode keeps a code that no unit of its day has.
func unlistedCode(text []byte) adminUnit {
	if len(bytes.Trim(text, "0123456789")) > 0 {
		return adminUnit{}
	}
	switch len(text) {
	case 2:
		return adminUnit{oldProvince: string(text)}
	case 3:
		return adminUnit{oldDistrict: string(text)}
	case 5:
		return adminUnit{oldCommune: string(text)}
	}
	return adminUnit{}
}

// append writes the object. Its day is that of the codes of today where there are any.
func (a adminUnit) append(dst []byte, at, latest units.Date) []byte {
	day := at
	if a.province != "" {
		day = latest
	}
	dst = append(dst, `{"thoiDiemDanhMuc":"`...)
	dst = append(day.AppendDate(dst), '"')
	for i, code := range [...]string{a.province, a.commune, a.oldProvince, a.oldDistrict, a.oldCommune} {
		if code == "" {
			continue
		}
		dst = append(dst, `,"`...)
		dst = append(dst, unitProperties[1+i]...)
		dst = append(dst, `":"`...)
		dst = append(append(dst, code...), '"')
	}
	return append(dst, '}')
}
