package compat

// Includes tells whether the reader accepts every document that the writer accepts; nil when it does.
func Includes(writer, reader *Document) (*Refusal, error) { return judgeOne(Strict, writer, reader) }
