// Package discover looks at the tables of a source and drafts mappings: what is there, which dataset it resembles, which
// column is which property, and how certain that is.
//
//	adapters.Describer + a sample of rows → profiles of columns → proposals (confidence, reasons) → draft mapping, report
//
// It proposes and never decides: what is not certain stands in the draft as a comment, a text encoding is named and not
// applied, and no value of a row leaves the package unless samples are asked for.
package discover
