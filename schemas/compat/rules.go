package compat

import (
	"sync"

	"github.com/lienthong/truc/problem"
)

// Rule names a kind of difference, as the registries of the field do.
type Rule string

// Difference is one change between two versions, judged by the rule table.
type Difference struct {
	Rule Rule
	// Pointer leads to the place in the schema, "#/properties/ten".
	Pointer string
	// Compatible says that readers of the new version still read what the old one accepted.
	Compatible bool
}

// rule is a row of the table; a rule with a fix is incompatible.
type rule struct{ says, fix problem.Text }

func (r rule) compatible() bool { return r.fix.Empty() }

func ruleOf(name Rule) rule {
	r, known := ruleTable()[name]
	if !known {
		return rule{says: problem.Verbatim(string(name)), fix: problem.Say("undo the change")}
	}
	return r
}

// bound makes the four rules of an upper or a lower bound.
func bounds(table map[Rule]rule) map[Rule]rule {
	for name, word := range map[string]string{
		"MAX_LENGTH": "maxLength", "MAXIMUM": "maximum", "EXCLUSIVE_MAXIMUM": "exclusiveMaximum",
		"MAX_PROPERTIES": "maxProperties", "MAX_ITEMS": "maxItems", "MAX_CONTAINS": "maxContains",
	} {
		table[Rule(name+"_INCREASED")] = rule{says: problem.Say("%s is larger", word)}
		table[Rule(name+"_REMOVED")] = rule{says: problem.Say("%s is gone", word)}
		table[Rule(name+"_ADDED")] = rule{problem.Say("%s is new", word), problem.Say("leave out %s", word)}
		table[Rule(name+"_DECREASED")] = rule{problem.Say("%s is smaller", word), problem.Say("keep the old %s or a larger one", word)}
	}
	for name, word := range map[string]string{
		"MIN_LENGTH": "minLength", "MINIMUM": "minimum", "EXCLUSIVE_MINIMUM": "exclusiveMinimum",
		"MIN_PROPERTIES": "minProperties", "MIN_ITEMS": "minItems", "MIN_CONTAINS": "minContains",
	} {
		table[Rule(name+"_DECREASED")] = rule{says: problem.Say("%s is smaller", word)}
		table[Rule(name+"_REMOVED")] = rule{says: problem.Say("%s is gone", word)}
		table[Rule(name+"_ADDED")] = rule{problem.Say("%s is new", word), problem.Say("leave out %s", word)}
		table[Rule(name+"_INCREASED")] = rule{problem.Say("%s is larger", word), problem.Say("keep the old %s or a smaller one", word)}
	}
	for name, word := range map[string]string{
		"ADDITIONAL_PROPERTIES": "additionalProperties", "UNEVALUATED_PROPERTIES": "unevaluatedProperties",
		"ADDITIONAL_ITEMS": "additionalItems", "UNEVALUATED_ITEMS": "unevaluatedItems",
	} {
		table[Rule(name+"_ADDED")] = rule{says: problem.Say("%s is no longer false", word)}
		table[Rule(name+"_EXTENDED")] = rule{says: problem.Say("%s accepts more", word)}
		table[Rule(name+"_REMOVED")] = rule{problem.Say("%s is false now", word), problem.Say("keep %s as it was", word)}
		table[Rule(name+"_NARROWED")] = rule{problem.Say("%s accepts less", word), problem.Say("keep %s as it was", word)}
	}
	return table
}

var ruleTable = sync.OnceValue(func() map[Rule]rule {
	return bounds(map[Rule]rule{
		"ID_CHANGED":          {says: problem.Say("the id changed")},
		"TITLE_CHANGED":       {says: problem.Say("the title changed")},
		"DESCRIPTION_CHANGED": {says: problem.Say("the description changed")},
		"DEFAULT_CHANGED":     {says: problem.Say("the default changed")},
		"SCHEMA_REMOVED":      {says: problem.Say("the schema is gone")},
		"SCHEMA_ADDED":        {problem.Say("a schema stands where none stood"), problem.Say("leave out the schema")},
		"TYPE_EXTENDED":       {says: problem.Say("integer became number")},
		"TYPE_NARROWED":       {problem.Say("number became integer"), problem.Say(`keep "type": "number"`)},
		"TYPE_CHANGED":        {problem.Say("the kind of schema changed"), problem.Say("keep the old schema, or offer both by anyOf")},

		"PATTERN_REMOVED": {says: problem.Say("%s is gone", "pattern")},
		"PATTERN_ADDED":   {problem.Say("%s is new", "pattern"), problem.Say("leave out %s", "pattern")},
		"PATTERN_CHANGED": {problem.Say("pattern changed"), problem.Say("keep the old pattern, character by character, or leave it out")},

		"MULTIPLE_OF_REMOVED":  {says: problem.Say("%s is gone", "multipleOf")},
		"MULTIPLE_OF_REDUCED":  {says: problem.Say("multipleOf is a divisor of the old one")},
		"MULTIPLE_OF_ADDED":    {problem.Say("%s is new", "multipleOf"), problem.Say("leave out %s", "multipleOf")},
		"MULTIPLE_OF_EXPANDED": {problem.Say("multipleOf is a multiple of the old one"), problem.Say("keep the old multipleOf or a divisor of it")},
		"MULTIPLE_OF_CHANGED":  {problem.Say("multipleOf changed"), problem.Say("keep the old multipleOf or a divisor of it")},

		"REQUIRED_ATTRIBUTE_REMOVED":            {says: problem.Say("the property is no longer required")},
		"REQUIRED_ATTRIBUTE_WITH_DEFAULT_ADDED": {says: problem.Say("the property is required now and has a default")},
		"REQUIRED_ATTRIBUTE_ADDED":              {problem.Say("the property is required now"), problem.Say("leave it optional, or give the property a default")},

		"DEPENDENCY_ARRAY_NARROWED": {says: problem.Say("the dependency asks for fewer properties")},
		"DEPENDENCY_ARRAY_REMOVED":  {says: problem.Say("the dependency is gone")},
		"DEPENDENCY_SCHEMA_REMOVED": {says: problem.Say("the dependency is gone")},
		"DEPENDENCY_ARRAY_ADDED":    {problem.Say("the dependency is new"), problem.Say("leave out the dependency")},
		"DEPENDENCY_ARRAY_EXTENDED": {problem.Say("the dependency asks for more properties"), problem.Say("ask for the old properties only")},
		"DEPENDENCY_ARRAY_CHANGED":  {problem.Say("the dependency asks for other properties"), problem.Say("ask for the old properties only")},
		"DEPENDENCY_SCHEMA_ADDED":   {problem.Say("the dependency is new"), problem.Say("leave out the dependency")},

		"PROPERTY_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL":       {says: problem.Say("a property that accepts anything is new")},
		"REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_UNOPEN_CONTENT_MODEL": {says: problem.Say("a required property with a default is new")},
		"OPTIONAL_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL":              {says: problem.Say("an optional property is new")},
		"PROPERTY_WITH_FALSE_REMOVED_FROM_CLOSED_CONTENT_MODEL":        {says: problem.Say("a forbidden property is gone")},
		"PROPERTY_REMOVED_FROM_OPEN_CONTENT_MODEL":                     {says: problem.Say("a property is gone from an open object")},
		"PROPERTY_ADDED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL":    {says: problem.Say("the new property accepts what was accepted there before")},
		"PROPERTY_REMOVED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL":  {says: problem.Say("what is left accepts the removed property")},
		"PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL":                         {problem.Say("a property is new in an object that accepted any value under this name"), problem.Say(`close the old object ("additionalProperties": false), or let the new property accept anything`)},
		"PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL":   {problem.Say("the new property refuses what was accepted there before"), problem.Say("let it accept what additionalProperties or patternProperties accepted")},
		"REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL":              {problem.Say("a required property is new"), problem.Say("make it optional, or give it a default")},
		"PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL":                   {problem.Say("a property is gone from a closed object"), problem.Say("keep the property, or open the object")},
		"PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL": {problem.Say("what is left refuses the removed property"), problem.Say("keep the property, or widen additionalProperties")},

		"UNIQUE_ITEMS_REMOVED":                                    {says: problem.Say("%s is gone", "uniqueItems")},
		"UNIQUE_ITEMS_ADDED":                                      {problem.Say("%s is new", "uniqueItems"), problem.Say("leave out %s", "uniqueItems")},
		"ITEM_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL":      {says: problem.Say("an item that accepts anything is new")},
		"ITEM_ADDED_TO_CLOSED_CONTENT_MODEL":                      {says: problem.Say("an item is new in a closed list")},
		"ITEM_WITH_FALSE_REMOVED_FROM_CLOSED_CONTENT_MODEL":       {says: problem.Say("a forbidden item is gone")},
		"ITEM_REMOVED_FROM_OPEN_CONTENT_MODEL":                    {says: problem.Say("an item is gone from an open list")},
		"ITEM_ADDED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL":   {says: problem.Say("the new item accepts what was accepted there before")},
		"ITEM_REMOVED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL": {says: problem.Say("what is left accepts the removed item")},
		"ITEM_ADDED_TO_OPEN_CONTENT_MODEL":                        {problem.Say("an item is new in a list that accepted any value there"), problem.Say("close the old list, or let the new item accept anything")},
		"ITEM_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL":  {problem.Say("the new item refuses what was accepted there before"), problem.Say("let it accept what additionalItems accepted")},
		"ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL":                  {problem.Say("an item is gone from a closed list"), problem.Say("keep the item, or open the list")},
		"ITEM_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL": {
			problem.Say("what is left refuses the removed item"), problem.Say("keep the item, or widen additionalItems"),
		},

		"ENUM_ARRAY_EXTENDED": {says: problem.Say("enum has more values")},
		"ENUM_ARRAY_NARROWED": {problem.Say("enum has fewer values"), problem.Say("keep all old values")},
		"ENUM_ARRAY_CHANGED":  {problem.Say("the allowed values changed"), problem.Say("keep all old values")},

		"COMBINED_TYPE_EXTENDED":           {says: problem.Say("the combination is looser")},
		"COMBINED_TYPE_CHANGED":            {problem.Say("the combination changed its kind"), problem.Say("keep allOf, anyOf or oneOf as it was, or use anyOf")},
		"COMBINED_TYPE_SUBSCHEMAS_CHANGED": {problem.Say("a branch has no compatible counterpart"), problem.Say("keep each old branch, or widen it")},
		"SUM_TYPE_EXTENDED":                {says: problem.Say("a branch is new")},
		"SUM_TYPE_NARROWED":                {problem.Say("a branch is gone"), problem.Say("keep all old branches")},
		"PRODUCT_TYPE_NARROWED":            {says: problem.Say("a branch of allOf is gone")},
		"PRODUCT_TYPE_EXTENDED":            {problem.Say("a branch of allOf is new"), problem.Say("leave out the new branch")},
		"NOT_TYPE_NARROWED":                {says: problem.Say("not forbids no more than before")},
		"NOT_TYPE_EXTENDED":                {problem.Say("not forbids more"), problem.Say("forbid no more than before")},
	})
})
