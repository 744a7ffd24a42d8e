package schemas

import (
	"encoding/json"
	"strconv"
)

// schema is one (sub)schema as read from a file: the form in which the gate judges it and from which the typed
// tree and the fast check are made. Keywords that only the validators need stand in other, by name.
type schema struct {
	file    *schemaFile
	pointer string

	boolean *bool // a schema that is just true or false
	ref     string
	target  *schema // what ref leads to

	types                []string
	format               string
	pattern              string
	enum                 []any
	constant             any
	hasConst             bool
	minLength, maxLength int // maxLength, maxItems: -1 = no bound
	minItems, maxItems   int
	minProps, maxProps   int
	minimum, maximum     json.Number // "" = no bound
	required             []string
	properties           []member
	additional           *schema
	items                *schema
	allOf, anyOf         []*schema
	// inside holds further schemas applied to values inside this one (patternProperties, additionalItems, contains,
	// propertyNames, items as a list); beside those applied to the same value (oneOf, not, if, then, else, dependencies).
	inside, beside []*schema
	other          []string

	codeList, codeListVersion  string
	list                       *CodeList
	title, description         map[string]string
	class, legalGround, origin string
	dictionary                 Dictionary
}

type member struct {
	name   string
	schema *schema
}

// sameValue lists the schemas that judge the very value this one judges: a cycle through them would never end.
func (s *schema) sameValue() []*schema {
	var out []*schema
	if s.target != nil {
		out = append(out, s.target)
	}
	out = append(out, s.allOf...)
	out = append(out, s.anyOf...)
	return append(out, s.beside...)
}

// innerValue lists the schemas that judge parts of the value.
func (s *schema) innerValue() []*schema {
	var out []*schema
	for _, m := range s.properties {
		out = append(out, m.schema)
	}
	if s.additional != nil {
		out = append(out, s.additional)
	}
	if s.items != nil {
		out = append(out, s.items)
	}
	return append(out, s.inside...)
}

func (s *schema) closed() bool {
	return s.additional != nil && s.additional.boolean != nil && !*s.additional.boolean
}

// where is the place as a person opens it: file and JSON pointer.
func (s *schema) where() string { return s.file.path + "#" + s.pointer }

// small reads an integer literal that both validators and the fast check hold exactly; "1.0", "-0" and exponents are not.
func small(n json.Number) (int64, bool) {
	t := string(n)
	if len(t) == 0 || len(t) > 15 {
		return 0, false
	}
	i, err := strconv.ParseInt(t, 10, 64)
	return i, err == nil && strconv.FormatInt(i, 10) == t
}
