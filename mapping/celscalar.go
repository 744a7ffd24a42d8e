package mapping

import (
	"fmt"
	"reflect"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// scalar carries a date, a time, a decimal or a partial date through CEL, which has none of them.
type scalar struct {
	kind kind
	text string
}

func (s scalar) cell() cell { return bytesCell(s.kind, []byte(s.text)) }

// ConvertToNative is for CEL's own use.
func (s scalar) ConvertToNative(t reflect.Type) (any, error) {
	if t.Kind() == reflect.String {
		return s.text, nil
	}
	return nil, fmt.Errorf("%s has no native form %s", s.kind, t)
}

// ConvertToType makes a text of it for string(x).
func (s scalar) ConvertToType(t ref.Type) ref.Val {
	if t == types.StringType {
		return types.String(s.text)
	}
	return types.NewErr("%s cannot be converted", s.kind)
}

// Equal is the mapping language's own ==.
func (s scalar) Equal(other ref.Val) ref.Val {
	o, ok := native(other)
	return types.Bool(ok && equal(s.cell(), o))
}

// Type is the opaque type of the kind.
func (s scalar) Type() ref.Type {
	return types.NewOpaqueType(s.kind.String())
}

// Value is the canonical text.
func (s scalar) Value() any { return s.text }

// native is the cell of a value that can meet a scalar.
func native(v ref.Val) (cell, bool) {
	switch v := v.(type) {
	case scalar:
		return v.cell(), true
	case types.Int:
		return intCell(int64(v)), true
	case types.Double:
		return floatCell(float64(v)), true
	}
	return cell{}, false
}
