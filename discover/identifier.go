package discover

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/lienthong/truc/mapping/value"
	"github.com/lienthong/truc/record"
)

// identifier judges values of a prescribed form: as a function of their own reads them, where there is one.
func (e *evidence) identifier(p *profile, l *leaf, id string) {
	switch l.path[len(l.path)-1] {
	case "soDinhDanh":
		e.personID(p, id)
	case "soTien":
		share := p.share(func(s string) bool {
			_, ok := value.AppendMoney(nil, []byte(s), value.EitherGrouping)
			return ok
		})
		if p.kind != record.Text || share < 0.5 {
			e.pattern(p, l.node.Pattern, id)
			return
		}
		e.expression = "text(money(" + id + "))"
		e.because(share*2-1, say("%d%% giá trị đọc được là số tiền", "%d%% of the values read as amounts", percent(share)))
	case "maSoDoanhNghiep", "maSoThue":
		e.pattern(p, l.node.Pattern, id)
		share := p.share(func(s string) bool {
			_, _, fault := value.AppendTaxCode(nil, []byte(s), p.kind != record.Text)
			return fault == value.NoFault
		})
		if share >= 0.8 {
			e.expression, e.most, e.why = "taxCode("+id+")", 1, nil
			e.because(share, say("%d%% giá trị là mã số thuế đúng chữ số kiểm tra", "%d%% of the values are tax codes with the right check digit", percent(share)))
		}
	default:
		e.pattern(p, l.node.Pattern, id)
	}
}

// personID judges identification numbers as personId() reads them: it puts zeros back and checks.
func (e *evidence) personID(p *profile, id string) {
	e.expression = "personId(" + id + ")"
	share := p.share(func(s string) bool {
		if p.kind == record.Float || p.kind == record.Decimal {
			s = strings.TrimSuffix(s, ".0")
		}
		_, _, _, ok := value.AppendPersonID(nil, []byte(s), p.kind != record.Text)
		return ok
	})
	switch {
	case share >= 0.9:
		e.because(p.few(share), say("%d%% giá trị là số định danh", "%d%% of the values are identification numbers", percent(share)))
	case p.few(share) >= mostlyFits:
		e.most = 0.85 // data that somebody has to clean, in the column that it is
		e.because(0, say("%d%% giá trị là số định danh, số còn lại phải làm sạch", "%d%% of the values are identification numbers, the others must be cleaned", percent(share)))
	default:
		e.most = 0.55
		e.because(share*2-1, say("chỉ %d%% giá trị là số định danh", "only %d%% of the values are identification numbers", percent(share)))
	}
}

// pattern judges identifiers: as they are, with what stands between the digits taken out, or with zeros put back.
func (e *evidence) pattern(p *profile, pattern, id string) {
	form, err := regexp.Compile(pattern)
	if err != nil {
		return
	}
	plain := p.share(form.MatchString)
	if p.kind == record.Float || p.kind == record.Decimal {
		e.expression = "text(decimal(" + id + "))"
		plain = p.share(func(s string) bool {
			number, ok := value.AppendDecimal(nil, []byte(s))
			return ok && form.Match(number)
		})
	}
	cleaned := p.share(func(s string) bool { return form.MatchString(onlyDigits(s)) })
	length := fixedLength(form)
	padded, both := 0.0, 0.0
	if length > 0 {
		padded = p.share(func(s string) bool {
			return refilled(s, length, form)
		})
		both = p.share(func(s string) bool { return refilled(onlyDigits(s), length, form) })
	}
	switch {
	case plain >= 0.9 && p.kind != record.Int && (p.kind != record.Decimal || length == 0):
		e.because(plain, say("%d%% giá trị đúng mẫu %s", "%d%% of the values match %s", percent(plain), pattern))
	case cleaned >= 0.9 && cleaned > plain && p.kind == record.Text:
		e.expression = "digits(" + id + ")"
		e.because(cleaned, say("%d%% giá trị đúng mẫu %s khi chỉ giữ chữ số", "%d%% of the values match %s once only their digits are kept", percent(cleaned), pattern))
	case padded >= 0.9 && (p.kind == record.Int || p.kind == record.Decimal || padded > plain):
		number := id
		if p.kind == record.Decimal {
			number = "text(" + id + ")"
		}
		e.expression = fmt.Sprintf("pad(%s, %d)", number, length)
		e.because(padded, say("%d%% giá trị đúng mẫu %s khi thêm số 0 bên trái", "%d%% of the values match %s with zeros put on the left", percent(padded), pattern))
	default:
		best := max(plain, cleaned, padded)
		if best == cleaned && cleaned > plain {
			e.expression = "digits(" + id + ")"
		}
		if p.few(max(best, both)) >= mostlyFits && p.kind == record.Text && both > best {
			best, e.expression = both, fmt.Sprintf("pad(digits(%s), %d)", id, length)
		}
		if p.few(best) >= mostlyFits {
			e.most = 0.85 // data that somebody has to clean, in the column that it is
			e.because(0, say("%d%% giá trị đúng mẫu %s, số còn lại phải làm sạch", "%d%% of the values match %s, the others must be cleaned", percent(best), pattern))
			return
		}
		e.because(best*2-1, say("chỉ %d%% giá trị đúng mẫu %s", "only %d%% of the values match %s", percent(best), pattern))
		e.most = 0.55
	}
}

// refilled reports whether digits have a form once the zeros on the left are put back that a number column lost.
func refilled(s string, length int, form *regexp.Regexp) bool {
	return allDigits(s) && len(s) >= length-2 && len(s) <= length && form.MatchString(strings.Repeat("0", length-len(s))+s)
}

// mostlyFits is the share of values in the prescribed form from which a column is still taken for what its name says.
const mostlyFits = 0.7

// fixedLength is the number of digits a form takes when it takes exactly that many, else 0.
func fixedLength(form *regexp.Regexp) int {
	found := 0
	for n := 1; n <= 20; n++ {
		if form.MatchString(strings.Repeat("1", n)) {
			if found > 0 {
				return 0
			}
			found = n
		}
	}
	return found
}
