package mapping

import (
	"regexp"
	"strings"
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
func slipIn(s string) string {
	lower := " " + strings.ToLower(s) + " "
	word := func(w string) bool { return strings.Contains(lower, " "+w+" ") }
	switch {
	case strings.Count(s, `"`)%2 == 1:
		return `a double quote is not closed`
	case strings.Count(s, "(") != strings.Count(s, ")"):
		return "the brackets ( ) do not match"
	case caseWhen.MatchString(s), ifCall.MatchString(s):
		return "write condition ? value : otherwise, in single quotes"
	case word("between"):
		return "write x >= 1 && x <= 2"
	case word("like"):
		return `write x.startsWith("…"), x.contains("…") or x.matches("…")`
	case inTuple.MatchString(s):
		return "write the values in square brackets: x in [1, 2]"
	case word("is"):
		return "write x == null or x != null"
	case word("and") || word("or"):
		return "write && for and, || for or"
	case word("not"):
		return "write ! for not"
	case strings.Contains(s, "<>"):
		return "write != for <>"
	case strings.Contains(strings.NewReplacer("==", "", "!=", "", "<=", "", ">=", "").Replace(s), "="):
		return "compare with =="
	case concatBy.MatchString(s):
		return `join texts with + or join([a, b], " ")`
	case loneAnd.MatchString(s), loneOr.MatchString(s):
		return "write && for and, || for or"
	case strings.ContainsAny(s, "$@`"):
		return "write the name of the column alone: a name with other characters gets one under columns: { ten: { from: \"…\" } }"
	}
	return ""
}

// otherwise is how the language says what a function of other languages does, or "".
func otherwise(function string) string {
	switch strings.ToLower(function) {
	case "coalesce", "nvl", "ifnull", "isnull", "default":
		return "write or(a, b)"
	case "concat", "concat_ws":
		return `write join([a, b], " ")`
	case "if", "iif", "decode":
		return "write condition ? value : otherwise, in single quotes"
	case "trim", "ltrim", "rtrim", "btrim", "normalize":
		return "write text(x)"
	case "upper", "lower", "initcap", "ucase", "lcase", "upperascii", "lowerascii", "toupper", "tolower":
		return "write text(x): case stays as it is"
	case "to_date", "todate", "str_to_date", "strptime", "parsedate":
		return `write date(x, "dd/MM/yyyy")`
	case "to_timestamp", "datetime", "parsetime":
		return `write dateTime(x, "dd/MM/yyyy HH:mm")`
	case "to_char", "cast", "convert", "str", "tostring", "format":
		return "write text(x)"
	case "to_number", "tonumber", "number", "numeric", "parseint", "toint":
		return "write decimal(x) or int(x)"
	case "lpad", "padleft", "zfill":
		return "write pad(x, 12)"
	case "substr", "substring", "left", "right", "split_part", "regexp_replace", "replace", "slice":
		return "publish a view that computes it"
	case "now", "sysdate", "today", "current_date", "current_timestamp", "getdate":
		return "leave it out: a document does not depend on when it is made; at a sink write event.time"
	case "len", "length", "count":
		return "write size(x)"
	}
	return ""
}
