package mapping

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"pgregory.net/rapid"

	"github.com/lienthong/truc/record"
)

// plainCEL is the language run by CEL alone, over a map: the specification of the plan. truc's functions are written here
// a second time, in the simplest way.
func plainCEL(tb testing.TB) *cel.Env {
	tb.Helper()
	whole := func(v ref.Val) (string, bool) {
		switch v := v.(type) {
		case types.String:
			return string(v), true
		case types.Int:
			return strconv.FormatInt(int64(v), 10), true
		}
		return "", false
	}
	nullable := func(f func(ref.Val) ref.Val) cel.OverloadOpt {
		return cel.UnaryBinding(func(v ref.Val) ref.Val {
			if v == types.NullValue {
				return v
			}
			return f(v)
		})
	}
	bad := types.NewErr("bad")
	text := func(v ref.Val) ref.Val {
		switch v := v.(type) {
		case types.String:
			return types.String(strings.Join(strings.Fields(string(v)), " "))
		case types.Int:
			return types.String(strconv.FormatInt(int64(v), 10))
		case types.Bool:
			return types.String(strconv.FormatBool(bool(v)))
		case types.Double:
			return types.String(strconv.FormatFloat(float64(v), 'f', -1, 64))
		}
		return bad
	}
	env, err := cel.NewEnv(cel.CrossTypeNumericComparisons(true),
		cel.Function("text", cel.Overload("text", []*cel.Type{cel.DynType}, cel.DynType, nullable(text))),
		cel.Function("digits", cel.Overload("digits", []*cel.Type{cel.DynType}, cel.DynType, nullable(func(v ref.Val) ref.Val {
			s, ok := whole(v)
			if !ok {
				if _, other := v.(types.Bool); other {
					return types.NullValue // a text without digits
				}
				if d, float := v.(types.Double); float {
					s = strconv.FormatFloat(float64(d), 'f', -1, 64)
				} else {
					return bad
				}
			}
			var out strings.Builder
			for _, r := range s {
				if r >= '0' && r <= '9' {
					out.WriteRune(r)
				}
			}
			if out.Len() == 0 {
				return types.NullValue
			}
			return types.String(out.String())
		}))),
		cel.Function("or", cel.Overload("or", []*cel.Type{cel.DynType, cel.DynType}, cel.DynType, cel.OverloadIsNonStrict(), cel.BinaryBinding(func(a, b ref.Val) ref.Val {
			if a == types.NullValue { // a fallback that fails does not matter while it is not needed
				return b
			}
			return a
		}))),
		cel.Function("pad", cel.Overload("pad", []*cel.Type{cel.DynType, cel.IntType}, cel.DynType, cel.BinaryBinding(func(a, n ref.Val) ref.Val {
			if a == types.NullValue {
				return a
			}
			s, ok := whole(a)
			if i, isInt := a.(types.Int); !ok || isInt && i < 0 {
				return bad
			}
			if s = strings.TrimSpace(s); s != "" {
				s = strings.Repeat("0", max(0, int(n.(types.Int))-len(s))) + s
			}
			return types.String(s)
		}))),
		cel.Function("when", cel.Overload("when", []*cel.Type{cel.DynType, cel.DynType}, cel.DynType, cel.OverloadIsNonStrict(), cel.BinaryBinding(func(condition, x ref.Val) ref.Val {
			if b, ok := condition.(types.Bool); !ok {
				return bad
			} else if !b {
				return types.NullValue
			}
			return x
		}))),
		cel.Function("join", cel.Overload("join", []*cel.Type{cel.DynType, cel.StringType}, cel.DynType, cel.BinaryBinding(func(list, separator ref.Val) ref.Val {
			var parts []string
			for it := list.(traits.Lister).Iterator(); it.HasNext() == types.True; {
				v := it.Next()
				if v == types.NullValue {
					continue
				}
				part := text(v)
				if types.IsError(part) {
					return part
				}
				if s, ok := v.(types.String); ok {
					part = s
				}
				if s := string(part.(types.String)); strings.TrimSpace(s) != "" {
					parts = append(parts, s)
				}
			}
			if len(parts) == 0 {
				return types.NullValue
			}
			return types.String(strings.Join(parts, string(separator.(types.String))))
		}))),
		cel.Function("code", cel.Overload("code", []*cel.Type{cel.StringType, cel.DynType}, cel.DynType, cel.BinaryBinding(func(_, v ref.Val) ref.Val {
			if v == types.NullValue {
				return v
			}
			s, ok := whole(v)
			if b, isBool := v.(types.Bool); isBool {
				s, ok = strconv.FormatBool(bool(b)), true
			}
			if d, float := v.(types.Double); float {
				s, ok = strconv.FormatFloat(float64(d), 'f', -1, 64), true
			}
			if to, mapped := map[string]string{"1": "nam", "2": "nữ"}[strings.TrimSpace(s)]; ok && mapped {
				return types.String(to)
			}
			return bad
		}))),
	)
	if err != nil {
		tb.Fatal(err)
	}
	return env
}

// expressionOf draws an expression. Columns have no declared kind, so that every kind of value, null included, meets every operator.
func expressionOf(depth int) *rapid.Generator[string] {
	leaf := rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "1", "2", "-3", "2.5", "0", `"1"`, `"x"`, `" x  1"`, `""`, "true", "false", "null"})
	if depth == 0 {
		return leaf
	}
	sub := expressionOf(depth - 1)
	return rapid.Custom(func(t *rapid.T) string {
		x := func() string { return sub.Draw(t, "x") }
		switch rapid.IntRange(0, 13).Draw(t, "form") {
		case 0, 1:
			return leaf.Draw(t, "leaf")
		case 2:
			return fmt.Sprintf("(%s %s %s)", x(), rapid.SampledFrom([]string{"==", "!="}).Draw(t, "op"), x())
		case 3:
			return fmt.Sprintf("(%s %s %s)", x(), rapid.SampledFrom([]string{"<", "<=", ">", ">="}).Draw(t, "op"), x())
		case 4, 5:
			return fmt.Sprintf("(%s %s %s)", x(), rapid.SampledFrom([]string{"&&", "||"}).Draw(t, "op"), x())
		case 6:
			return fmt.Sprintf("(%s ? %s : %s)", x(), x(), x())
		case 7:
			return fmt.Sprintf("(%s %s %s)", x(), rapid.SampledFrom([]string{"+", "-", "*", "/", "%"}).Draw(t, "op"), x())
		case 8:
			return fmt.Sprintf("(!%s)", x())
		case 9:
			return fmt.Sprintf("(%s in [%s, %s])", x(), x(), x())
		case 10:
			return fmt.Sprintf(`%s.%s(%s)`, x(), rapid.SampledFrom([]string{"startsWith", "endsWith", "contains", "matches"}).Draw(t, "method"), rapid.SampledFrom([]string{`"x"`, `"1"`, "c"}).Draw(t, "part"))
		case 11:
			return fmt.Sprintf("%s(%s)", rapid.SampledFrom([]string{"text", "digits", "int", "string", "size"}).Draw(t, "function"), x())
		case 12:
			return rapid.SampledFrom([]string{
				fmt.Sprintf("or(%s, %s)", x(), x()), fmt.Sprintf("when(%s, %s)", x(), x()), fmt.Sprintf("pad(%s, 4)", x()), fmt.Sprintf(`code("gt", %s)`, x()), fmt.Sprintf(`join([%s, %s], "-")`, x(), x()),
			}).Draw(t, "call")
		default:
			return fmt.Sprintf("[%s, %s].exists(v, v == %s)", x(), x(), x())
		}
	})
}

func valueOf(t *rapid.T) (record.Value, ref.Val) {
	switch rapid.IntRange(0, 4).Draw(t, "kind") {
	case 0:
		return record.NullValue, types.NullValue
	case 1:
		n := rapid.SampledFrom([]int64{0, 1, 2, -3, math.MaxInt64, math.MinInt64}).Draw(t, "int")
		return record.IntValue(n), types.Int(n)
	case 2:
		f := rapid.SampledFrom([]float64{0, 1, 2.5, -3, math.NaN(), 9.3e18, 0.1}).Draw(t, "float")
		return record.FloatValue(f), types.Double(f)
	case 3:
		b := rapid.Bool().Draw(t, "bool")
		return record.BoolValue(b), types.Bool(b)
	default:
		s := rapid.SampledFrom([]string{"", "1", " 2 ", "x", "x 1", "Nguyễn  Thị "}).Draw(t, "text")
		return record.TextValue(s), types.String(s)
	}
}

// TestPlanEqualsCEL holds plans to CEL: the same value, null and failure included, for any expression and any row.
func TestPlanEqualsCEL(t *testing.T) {
	oracle := plainCEL(t)
	set := testSet(t)
	table := &record.Table{Name: "t", Version: 1}
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		table.Columns = append(table.Columns, record.Column{Name: name, Kind: record.AnyKind})
	}
	compared, nodes := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		source := expressionOf(3).Draw(t, "expression")
		file := &File{Name: "m.yaml", Codes: []CodeMap{{Name: "gt", Entries: []CodeEntry{{From: "1", To: "nam"}, {From: "2", To: "nữ"}}}}}
		c, err := newCompiler(file, Env{Set: set})
		if err != nil {
			t.Fatal(err)
		}
		c.bindColumns(table)
		c.bindCodes()
		n, _ := c.compile(&Expression{CEL: source})
		if c.problems.Err() != nil {
			t.Skip("refused before there is a row: kinds known to be wrong")
		}
		row := make(record.Row, len(table.Columns))
		vars := map[string]any{}
		for i, col := range table.Columns {
			row[i], vars[col.Name] = valueOf(t)
		}
		f := newFrame(c.columns, c.slots)
		f.next(row)
		got := n.eval(f)

		parsed, issues := oracle.Parse(source)
		if issues.Err() != nil {
			t.Fatal(issues.Err())
		}
		program, err := oracle.Program(parsed)
		if err != nil {
			t.Fatal(err)
		}
		want, _, evalErr := program.Eval(vars)
		if g, w := shown(got), shownCEL(want, evalErr); g != w {
			t.Fatalf("%s over %v: plan gives %s, CEL gives %s", source, vars, g, w)
		}
		compared++
		if _, left := n.(*celNode); !left {
			nodes++
		}
	})
	t.Logf("%d compared, %d by nodes alone", compared, nodes)
	if compared < 20 || nodes < 10 {
		t.Errorf("only %d expressions were compared, %d of them by nodes: the test shows nothing", compared, nodes)
	}
}

func shown(c cell) string {
	switch c.kind {
	case kindFailed:
		return "failure"
	case kindText:
		return strconv.Quote(string(c.bytes()))
	case kindInt:
		return fmt.Sprintf("int %d", c.num)
	case kindFloat:
		return fmt.Sprintf("double %v", c.float())
	case kindBool:
		return strconv.FormatBool(c.num != 0)
	}
	return c.kind.String()
}

func shownCEL(v ref.Val, err error) string {
	if err != nil {
		return "failure"
	}
	switch v := v.(type) {
	case types.String:
		return strconv.Quote(string(v))
	case types.Int:
		return fmt.Sprintf("int %d", int64(v))
	case types.Double:
		return fmt.Sprintf("double %v", float64(v))
	case types.Bool:
		return strconv.FormatBool(bool(v))
	case types.Null:
		return "null"
	}
	return fmt.Sprintf("%T", v)
}
