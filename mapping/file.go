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
}

// String gives "mappings/khai_sinh.yaml:12:5 fields.hoTen".
func (p Place) String() string {
	if p.Path == "" {
		return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
	}
	return fmt.Sprintf("%s:%d:%d %s", p.File, p.Line, p.Column, p.Path)
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
}

// Field is a property of the document: an expression or an object of fields.
type Field struct {
	At     Place
	Name   string
	Value  *Expression
	Fields []Field
	// broken is whether reading it found faults.
	broken bool
}

// Assignment gives a name a value: a `let`, or a column of a sink.
type Assignment struct {
	At    Place
	Name  string
	Value Expression
	// Text is the encoding in which a text is written: "", "utf-8", "tcvn3", "tcvn3-latin1" (sink).
	Text string
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
}

// CodeEntry is one line of a CodeMap.
type CodeEntry struct {
	At       Place
	From, To string
}
