package compat

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

// Text says for a person what changed, and where.
func (d Difference) Text() string { return d.Pointer + ": " + ruleOf(d.Rule).says }

// Fix is the smallest change that would pass, "" for a compatible difference.
func (d Difference) Fix() string { return ruleOf(d.Rule).fix }

// rule is a row of the table; a rule with a fix is incompatible.
type rule struct{ says, fix string }

func (r rule) compatible() bool { return r.fix == "" }

func ruleOf(name Rule) rule {
	r, known := ruleTable[name]
	if !known {
		return rule{says: string(name), fix: "undo the change"}
	}
	return r
}

// bound makes the four rules of an upper or a lower bound.
func bounds(table map[Rule]rule) map[Rule]rule {
	for name, word := range map[string]string{
		"MAX_LENGTH": "maxLength", "MAXIMUM": "maximum", "EXCLUSIVE_MAXIMUM": "exclusiveMaximum",
		"MAX_PROPERTIES": "maxProperties", "MAX_ITEMS": "maxItems", "MAX_CONTAINS": "maxContains",
	} {
		table[Rule(name+"_INCREASED")] = rule{says: word + " is larger"}
		table[Rule(name+"_REMOVED")] = rule{says: word + " is gone"}
		table[Rule(name+"_ADDED")] = rule{word + " is new", "leave out " + word}
		table[Rule(name+"_DECREASED")] = rule{word + " is smaller", "keep the old " + word + " or a larger one"}
	}
	for name, word := range map[string]string{
		"MIN_LENGTH": "minLength", "MINIMUM": "minimum", "EXCLUSIVE_MINIMUM": "exclusiveMinimum",
		"MIN_PROPERTIES": "minProperties", "MIN_ITEMS": "minItems", "MIN_CONTAINS": "minContains",
	} {
		table[Rule(name+"_DECREASED")] = rule{says: word + " is smaller"}
		table[Rule(name+"_REMOVED")] = rule{says: word + " is gone"}
		table[Rule(name+"_ADDED")] = rule{word + " is new", "leave out " + word}
		table[Rule(name+"_INCREASED")] = rule{word + " is larger", "keep the old " + word + " or a smaller one"}
	}
	for name, word := range map[string]string{
		"ADDITIONAL_PROPERTIES": "additionalProperties", "UNEVALUATED_PROPERTIES": "unevaluatedProperties",
		"ADDITIONAL_ITEMS": "additionalItems", "UNEVALUATED_ITEMS": "unevaluatedItems",
	} {
		table[Rule(name+"_ADDED")] = rule{says: word + " is no longer false"}
		table[Rule(name+"_EXTENDED")] = rule{says: word + " accepts more"}
		table[Rule(name+"_REMOVED")] = rule{word + " is now false", "keep " + word + " as it was"}
		table[Rule(name+"_NARROWED")] = rule{word + " accepts less", "keep " + word + " as it was"}
	}
	return table
}

var ruleTable = bounds(map[Rule]rule{
	"ID_CHANGED":          {says: "the id changed"},
	"TITLE_CHANGED":       {says: "the title changed"},
	"DESCRIPTION_CHANGED": {says: "the description changed"},
	"DEFAULT_CHANGED":     {says: "the default changed"},
	"SCHEMA_REMOVED":      {says: "the schema is gone"},
	"SCHEMA_ADDED":        {"a schema stands where none stood", "leave out the schema"},
	"TYPE_EXTENDED":       {says: "integer became number"},
	"TYPE_NARROWED":       {"number became integer", `keep "type": "number"`},
	"TYPE_CHANGED":        {"the kind of schema changed", "keep the old schema, or offer both by anyOf"},

	"PATTERN_REMOVED": {says: "pattern is gone"},
	"PATTERN_ADDED":   {"pattern is new", "leave out pattern"},
	"PATTERN_CHANGED": {"pattern changed", "keep the old pattern, character by character, or leave it out"},

	"MULTIPLE_OF_REMOVED":  {says: "multipleOf is gone"},
	"MULTIPLE_OF_REDUCED":  {says: "multipleOf is a divisor of the old one"},
	"MULTIPLE_OF_ADDED":    {"multipleOf is new", "leave out multipleOf"},
	"MULTIPLE_OF_EXPANDED": {"multipleOf is a multiple of the old one", "keep the old multipleOf or a divisor of it"},
	"MULTIPLE_OF_CHANGED":  {"multipleOf changed", "keep the old multipleOf or a divisor of it"},

	"REQUIRED_ATTRIBUTE_REMOVED":            {says: "the property is no longer required"},
	"REQUIRED_ATTRIBUTE_WITH_DEFAULT_ADDED": {says: "the property is required now and has a default"},
	"REQUIRED_ATTRIBUTE_ADDED":              {"the property is required now", "leave it optional, or give the property a default"},

	"DEPENDENCY_ARRAY_NARROWED": {says: "the dependency asks for fewer properties"},
	"DEPENDENCY_ARRAY_REMOVED":  {says: "the dependency is gone"},
	"DEPENDENCY_SCHEMA_REMOVED": {says: "the dependency is gone"},
	"DEPENDENCY_ARRAY_ADDED":    {"the dependency is new", "leave out the dependency"},
	"DEPENDENCY_ARRAY_EXTENDED": {"the dependency asks for more properties", "ask for the old properties only"},
	"DEPENDENCY_ARRAY_CHANGED":  {"the dependency asks for other properties", "ask for the old properties only"},
	"DEPENDENCY_SCHEMA_ADDED":   {"the dependency is new", "leave out the dependency"},

	"PROPERTY_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL":       {says: "a property that accepts anything is new"},
	"REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_UNOPEN_CONTENT_MODEL": {says: "a required property with a default is new"},
	"OPTIONAL_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL":              {says: "an optional property is new"},
	"PROPERTY_WITH_FALSE_REMOVED_FROM_CLOSED_CONTENT_MODEL":        {says: "a forbidden property is gone"},
	"PROPERTY_REMOVED_FROM_OPEN_CONTENT_MODEL":                     {says: "a property is gone from an open object"},
	"PROPERTY_ADDED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL":    {says: "the new property accepts what was accepted there before"},
	"PROPERTY_REMOVED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL":  {says: "what is left accepts the removed property"},
	"PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL":                         {"a property is new in an object that accepted any value under this name", `close the old object ("additionalProperties": false), or let the new property accept anything`},
	"PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL":   {"the new property refuses what was accepted there before", "let it accept what additionalProperties or patternProperties accepted"},
	"REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL":              {"a required property is new", "make it optional, or give it a default"},
	"PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL":                   {"a property is gone from a closed object", "keep the property, or open the object"},
	"PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL": {"what is left refuses the removed property", "keep the property, or widen additionalProperties"},

	"UNIQUE_ITEMS_REMOVED":                                    {says: "uniqueItems is gone"},
	"UNIQUE_ITEMS_ADDED":                                      {"uniqueItems is new", "leave out uniqueItems"},
	"ITEM_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL":      {says: "an item that accepts anything is new"},
	"ITEM_ADDED_TO_CLOSED_CONTENT_MODEL":                      {says: "an item is new in a closed list"},
	"ITEM_WITH_FALSE_REMOVED_FROM_CLOSED_CONTENT_MODEL":       {says: "a forbidden item is gone"},
	"ITEM_REMOVED_FROM_OPEN_CONTENT_MODEL":                    {says: "an item is gone from an open list"},
	"ITEM_ADDED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL":   {says: "the new item accepts what was accepted there before"},
	"ITEM_REMOVED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL": {says: "what is left accepts the removed item"},
	"ITEM_ADDED_TO_OPEN_CONTENT_MODEL":                        {"an item is new in a list that accepted any value there", "close the old list, or let the new item accept anything"},
	"ITEM_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL":  {"the new item refuses what was accepted there before", "let it accept what additionalItems accepted"},
	"ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL":                  {"an item is gone from a closed list", "keep the item, or open the list"},
	"ITEM_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL": {
		"what is left refuses the removed item", "keep the item, or widen additionalItems",
	},

	"ENUM_ARRAY_EXTENDED": {says: "enum has more values"},
	"ENUM_ARRAY_NARROWED": {"enum has fewer values", "keep all old values"},
	"ENUM_ARRAY_CHANGED":  {"the allowed values changed", "keep all old values"},

	"COMBINED_TYPE_EXTENDED":           {says: "the combination is looser"},
	"COMBINED_TYPE_CHANGED":            {"the combination changed its kind", "keep allOf, anyOf or oneOf as it was, or use anyOf"},
	"COMBINED_TYPE_SUBSCHEMAS_CHANGED": {"a branch has no compatible counterpart", "keep each old branch, or widen it"},
	"SUM_TYPE_EXTENDED":                {says: "a branch is new"},
	"SUM_TYPE_NARROWED":                {"a branch is gone", "keep all old branches"},
	"PRODUCT_TYPE_NARROWED":            {says: "a branch of allOf is gone"},
	"PRODUCT_TYPE_EXTENDED":            {"a branch of allOf is new", "leave out the new branch"},
	"NOT_TYPE_NARROWED":                {says: "not forbids no more than before"},
	"NOT_TYPE_EXTENDED":                {"not forbids more", "forbid no more than before"},
})
