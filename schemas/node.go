package schemas

import "strings"

// Node is one place of a schema with its $refs resolved: what a mapping is typed against.
// A recursive schema makes a cyclic tree. Nodes are shared and must not be changed.
type Node struct {
	// Name is the property's name; "" for the root and for items.
	Name string
	// Types holds draft-07 type names; empty means any.
	Types []string
	// Format is one of Formats, or "".
	Format string
	// Pattern is the schema's regular expression (RE2), or "".
	Pattern string
	// Enum holds the allowed strings, where enum lists strings only.
	Enum []string
	// Const is the one allowed value (string, json.Number, bool), nil without const.
	Const any
	// MinLength and MaxLength count runes; MaxLength is -1 without a bound.
	MinLength, MaxLength int
	// MinItems and MaxItems count the elements of an array; MaxItems is -1 without a bound.
	MinItems, MaxItems int
	// Properties of an object, in the schema's order; those of allOf branches included.
	Properties []Property
	// Items is the schema of every element of an array, nil when any element is allowed.
	Items *Node
	// Closed says that undeclared properties are refused.
	Closed bool
	// CodeList is the id of the code list whose codes are allowed (x-danh-muc), or "".
	CodeList string
	// CodeListVersion is the version of the list that the schema names, "" where it takes whatever version there is.
	CodeListVersion string
	// Title and Description by language, "vi" and "en".
	Title, Description map[string]string
	// Class is the data class (x-phan-loai): ClassPublic, ClassBasic or ClassSensitive, its own or that of the object
	// above it; "" when neither has one. LegalGround is the act by which the class holds (x-can-cu).
	Class, LegalGround string
	// Source says where the field comes from (x-nguon).
	Source string
	// Dictionary is the property's place in the national shared data dictionary (x-tu-dien); its domain may be that of the object above it.
	Dictionary Dictionary
	// Minimum and Maximum bound a number, "" without a bound.
	Minimum, Maximum string
	// Definition names the shared definition that the place is a plain $ref to, "diaChi"; "" when it is described where it stands.
	Definition string
}

// Property is a declared property of an object.
type Property struct {
	Name     string
	Required bool
	Node     *Node
}

// The data classes of the personal-data law (91/2025/QH15), as written in x-phan-loai.
const (
	ClassPublic    = "cong-khai" // not personal data
	ClassBasic     = "co-ban"    // basic personal data
	ClassSensitive = "nhay-cam"  // sensitive personal data
)

// Property returns a declared property, nil when there is none of that name.
func (n *Node) Property(name string) *Property {
	for i := range n.Properties {
		if n.Properties[i].Name == name {
			return &n.Properties[i]
		}
	}
	return nil
}

// At follows a dotted path ("noiDangKy.ma"), nil when it leads nowhere.
func (n *Node) At(path string) *Node {
	for name := range strings.SplitSeq(path, ".") {
		p := n.Property(name)
		if p == nil {
			return nil
		}
		n = p.Node
	}
	return n
}

// atPointer follows a JSON pointer into a document as far as the schema describes it.
func (n *Node) atPointer(pointer string) *Node {
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		if token == "" {
			return n
		}
		if p := n.Property(unescapeToken(token)); p != nil {
			n = p.Node
		} else if n.Items != nil {
			n = n.Items
		} else {
			return nil
		}
	}
	return n
}
