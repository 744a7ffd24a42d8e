package mapping

import (
	"regexp"
	"strings"

	"github.com/lienthong/truc/problem"
)

// The slips of people who come from SQL, spreadsheets or other languages.

var (
	ifCall   = regexp.MustCompile(`(?i)\b(if|iif)\s*\(`)
	caseWhen = regexp.MustCompile(`(?i)\bcase\b.*\bwhen\b`)
	inTuple  = regexp.MustCompile(`(?i)\bin\s*\(`)
	concatBy = regexp.MustCompile(`\|\|\s*['"]|['"]\s*\|\|`)
	loneAnd  = regexp.MustCompile(`[^&]&[^&]`)
	loneOr   = regexp.MustCompile(`[^|]\|[^|]`)
)

// slipIn names the commonest slips in an expression that cannot be read.
func slipIn(s string) problem.Text {
	lower := " " + strings.ToLower(s) + " "
	word := func(w string) bool { return strings.Contains(lower, " "+w+" ") }
	switch {
	case strings.Count(s, `"`)%2 == 1:
		return problem.Say(`a double quote is not closed`)
	case strings.Count(s, "(") != strings.Count(s, ")"):
		return problem.Say("close every bracket that is open: ( and ) do not match")
	case caseWhen.MatchString(s), ifCall.MatchString(s):
		return problem.Say("write condition ? value : otherwise, in single quotes")
	case word("between"):
		return problem.Say("write x >= 1 && x <= 2")
	case word("like"):
		return problem.Say(`write x.startsWith("…"), x.contains("…") or x.matches("…")`)
	case inTuple.MatchString(s):
		return problem.Say("write the values in square brackets: x in [1, 2]")
	case word("is"):
		return problem.Say("write x == null or x != null")
	case word("and") || word("or"):
		return problem.Say("write && for and, || for or")
	case word("not"):
		return problem.Say("write ! for not")
	case strings.Contains(s, "<>"):
		return problem.Say("write != for <>")
	case strings.Contains(strings.NewReplacer("==", "", "!=", "", "<=", "", ">=", "").Replace(s), "="):
		return problem.Say("compare with ==")
	case concatBy.MatchString(s):
		return problem.Say(`join texts with + or join([a, b], " ")`)
	case loneAnd.MatchString(s), loneOr.MatchString(s):
		return problem.Say("write && for and, || for or")
	case strings.ContainsAny(s, "$@`"):
		return problem.Say("write the name of the column alone: a name with other characters gets one under columns: { ten: { from: \"…\" } }")
	}
	return problem.Text{}
}

// otherwise is how the language says what a function of other languages does, or "".
func otherwise(function string) problem.Text {
	switch strings.ToLower(function) {
	case "coalesce", "nvl", "ifnull", "isnull", "default":
		return problem.Say("write or(a, b)")
	case "concat", "concat_ws":
		return problem.Say(`write join([a, b], " ")`)
	case "if", "iif", "decode":
		return problem.Say("write condition ? value : otherwise, in single quotes")
	case "trim", "ltrim", "rtrim", "btrim", "normalize":
		return problem.Say("write text(x)")
	case "upper", "lower", "initcap", "ucase", "lcase", "upperascii", "lowerascii", "toupper", "tolower":
		return problem.Say("write text(x): case stays as it is")
	case "to_date", "todate", "str_to_date", "strptime", "parsedate":
		return problem.Say(`write date(x, "dd/MM/yyyy")`)
	case "to_timestamp", "datetime", "parsetime":
		return problem.Say(`write dateTime(x, "dd/MM/yyyy HH:mm")`)
	case "to_char", "cast", "convert", "str", "tostring", "format":
		return problem.Say("write text(x)")
	case "to_number", "tonumber", "number", "numeric", "parseint", "toint":
		return problem.Say("write decimal(x) or int(x)")
	case "lpad", "padleft", "zfill":
		return problem.Say("write pad(x, 12)")
	case "substr", "substring", "left", "right", "split_part", "regexp_replace", "replace", "slice":
		return problem.Say("publish a view that computes it")
	case "now", "sysdate", "today", "current_date", "current_timestamp", "getdate":
		return problem.Say("leave it out: a document does not depend on when it is made; at a sink write event.time")
	case "len", "length", "count":
		return problem.Say("write size(x)")
	}
	return problem.Text{}
}
