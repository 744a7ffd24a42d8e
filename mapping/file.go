package mapping

import (
	"fmt"

	"github.com/lienthong/truc/record"
)

// Direction is the way a mapping works.
type Direction uint8

const (
	// Source mappings make documents of rows: they have `fields`.
	Source Direction = iota
	// Sink mappings make rows of documents: their `columns` are expressions.
	Sink
)

func (d Direction) String() string {
	if d == Sink {
		return "sink"
	}
	return "source"
}

// File is a mapping as written: its YAML is sound, its expressions are not yet read.
type File struct {
	// Name is the path used in the places of problems.
	Name      string
	Direction Direction
	// Dataset is "hotich.khaisinh.v1".
	Dataset string
	// Table as the mapping names it; empty when the configuration does. The configuration may override it.
	Table    string
	Codes    []CodeMap
	Shapes   []Shape
	Let      []Assignment
	Examples []Example
	// Only is the filter, nil when there is none.
	Only *Expression

	// Columns declare how cells are read (source).
	Columns []ColumnRule
	// Key are document properties as dotted paths; nil means the schema's own (source).
	Key []Path
	// Deleted marks soft deletes (source).
	Deleted *Expression
	// Fields is the document (source).
	Fields *Field

	// SinkKey, Values, OnCreate and DeleteSet are columns and what is written to them (sink).
	SinkKey   []Assignment
	Values    []Assignment
	OnCreate  []Assignment
	DeleteSet []Assignment
	Write     record.Write
	OnDelete  record.OnDelete
	Conflict  record.Conflict

	// deleteSaid is whether on_delete stands in the file: an inbox table has another default.
	deleteSaid bool
	// broken is whether reading the file found faults: it can still be compiled, to find more, but gives no plan.
	broken    bool
	at        Place
	datasetAt Place
	tableAt   Place
	deleteAt  Place
	// conflictAt is where conflict stands, if it does.
	conflictAt Place
}

// TablePlace and DatasetPlace are where the file names its table and its dataset, or where it begins when it does not.
func (f *File) TablePlace() string { return f.placeOr(f.tableAt) }

// DatasetPlace is TablePlace for the dataset.
func (f *File) DatasetPlace() string { return f.placeOr(f.datasetAt) }

func (f *File) placeOr(p Place) string {
	if p.Line == 0 {
		return f.at.String()
	}
	return p.String()
}

// LacksTable reports whether there is no line table at all; an empty one was told when the file was read.
func (f *File) LacksTable() bool { return f.tableAt.Line == 0 }

// LacksDataset reports whether the file names no dataset, which was told when it was read.
func (f *File) LacksDataset() bool { return f.Dataset == "" }

// For is the same file as if it named another dataset: it tells what else is wrong and gives no plan.
func (f *File) For(dataset string) *File {
	meant := *f
	meant.Dataset, meant.broken = dataset, true
	return &meant
}

// Place is where something stands in a mapping file.
type Place struct {
	File string
	// Line and Column count from 1.
	Line, Column int
	// Path names the thing: "fields.hoTen".
	Path string
	// Via is where the shape is used that this stands in; nil outside shapes.
	Via *Place
}

// usedAt joins a place in a shape with the place where the shape is used.
const usedAt = ", used at "

// String gives "mappings/khai_sinh.yaml:12:5 fields.hoTen", for a place in a shape followed by where it is used.
func (p Place) String() string {
	out := fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
	if p.Path != "" {
		out += " " + p.Path
	}
	if p.Via != nil {
		out += usedAt + p.Via.String()
	}
	return out
}

// Path is a document property as written in `key`.
type Path struct {
	At   Place
	Name string
}

// Expression is what stands for a value: CEL text or a constant.
type Expression struct {
	At Place
	// CEL is the source text; empty for a constant.
	CEL string
	// Const is the constant's JSON text; nil for CEL.
	Const []byte
	// quote is how many bytes of quotation stand before the text, for columns inside the expression.
	quote int
	// plain says that the scalar was not quoted in YAML; comment is what YAML took for a comment behind it.
	plain   bool
	comment string
	// line is the whole line of the file as written.
	line string
	// scope says what its names mean; nil where they are columns and lets only.
	scope *scope
}

// scope is the shape or the `each` that an expression stands in.
type scope struct {
	// prefix is put before the names of columns.
	prefix string
	// as is the element's name inside an each; parent is the each around it.
	as     string
	parent *scope
}

// columnPrefix is what stands before the names of columns in the scope.
func (s *scope) columnPrefix() string {
	if s == nil {
		return ""
	}
	return s.prefix
}

// element returns the each whose element a name stands for, nil when it is none.
func (s *scope) element(name string) *scope {
	for ; s != nil; s = s.parent {
		if s.as != "" && s.as == name {
			return s
		}
	}
	return nil
}

// Field is a property of the document: an expression, an object of fields, or a list.
type Field struct {
	At    Place
	Name  string
	Value *Expression
	// Fields are those of an object; the ones of a shape it uses come first.
	Fields []Field
	// When are conditions: where one does not hold, the object or the element is absent.
	When []*Expression
	// Each makes a list with one element for each of another list's.
	Each *Each
	// List says that the field is a list written out, Items are its elements.
	List  bool
	Items []Field
	// use is the shape it is made of, until shapes are written out.
	use *use
	// broken is whether reading it found faults.
	broken bool
}

// Each is a list made of another one.
type Each struct {
	Over *Expression
	// As is the name of the element inside Item.
	As   string
	AsAt Place
	Item Field
	// in is the scope of Item.
	in *scope
}

// Shape is a block of fields with a name, for use in several places.
type Shape struct {
	At   Place
	Name string
	Body Field
	// shared: it stands in an included file, which need not use it.
	shared bool
	used   bool
}

// use names a shape and what to put before its columns.
type use struct {
	at     Place
	shape  string
	prefix string
}

// expressions calls visit with every expression of the field and what is in it.
func (f *Field) expressions(visit func(*Expression)) {
	if f == nil {
		return
	}
	for _, e := range f.When {
		visit(e)
	}
	if f.Value != nil {
		visit(f.Value)
	}
	if f.Each != nil {
		visit(f.Each.Over)
		f.Each.Item.expressions(visit)
	}
	for i := range f.Items {
		f.Items[i].expressions(visit)
	}
	for i := range f.Fields {
		f.Fields[i].expressions(visit)
	}
}

// Assignment gives a name a value: a `let`, or a column of a sink.
type Assignment struct {
	At    Place
	Name  string
	Value Expression
	// Text is the encoding in which a text is written: "", "utf-8", "tcvn3", "tcvn3-latin1" (sink).
	Text string
	// shared: it stands in an included file, which need not use it.
	shared bool
}

// ColumnRule says how the cells of a column are read. Name "*" is the default for every column.
type ColumnRule struct {
	At   Place
	Name string
	// From is the column's real name when Name is an identifier given to it.
	From string
	// Text is the encoding of text cells: "utf-8", "tcvn3", "tcvn3-latin1"; empty when not said.
	Text string
	// Null lists texts that mean null, compared without blanks at the ends.
	Null []string
	// Pad is the length to which digits are filled with zeros on the left; 0 when not said.
	Pad int
	// Zone is the time zone of zone-less times in this column; empty when not said.
	Zone string
}

// CodeMap is a table of codes: the source's to the list's.
type CodeMap struct {
	At   Place
	Name string
	// List is the code list of the targets, "danhmuc.gioitinh".
	List    string
	ListAt  Place
	Entries []CodeEntry
	// shared: it stands in an included file, which need not use it.
	shared bool
}

// CodeEntry is one line of a CodeMap.
type CodeEntry struct {
	At       Place
	From, To string
}
