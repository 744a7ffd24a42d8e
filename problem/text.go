package problem

import (
	"fmt"
	"strings"
)

// Language is one of the languages in which truc speaks.
type Language uint8

const (
	// Vietnamese is the first language of those who run a node.
	Vietnamese Language = iota
	// English is the language of logs, and of the code in which the messages are written.
	English
)

func (l Language) String() string {
	if l == English {
		return "en"
	}
	return "vi"
}

// Text is a sentence, or a part of one, in both languages. The zero Text says nothing.
type Text struct {
	VI string `json:"vi"`
	EN string `json:"en"`
}

// Say gives a message with its Vietnamese translation, which stands in vi.po beside this file under the English format. The
// verbs are those of fmt; an argument that is a Text, or an error that is Spoken, appears in the language of the sentence. A format that has no translation
// appears in English twice; TestEveryMessageIsTranslated finds it.
func Say(format string, args ...any) Text {
	translated, ok := translations()[format]
	if !ok {
		translated = format
	}
	return Text{VI: expand(translated, args, Vietnamese), EN: expand(format, args, English)}
}

// Spoken is an error that says in both languages what it is.
type Spoken interface {
	error
	Text() Text
}

// Verbatim is a text that is the same in every language: a name, a statement to be run, a line to be written.
func Verbatim(s string) Text { return Text{VI: s, EN: s} }

func expand(format string, args []any, l Language) string {
	if len(args) == 0 {
		return strings.ReplaceAll(format, "%%", "%")
	}
	spoken := make([]any, len(args))
	for i, a := range args {
		switch a := a.(type) {
		case Text:
			spoken[i] = a.In(l)
		case Spoken:
			spoken[i] = a.Text().In(l)
		default:
			spoken[i] = a
		}
	}
	return fmt.Sprintf(format, spoken...)
}

// In returns the text in a language.
func (t Text) In(l Language) string {
	if l == English {
		return t.EN
	}
	return t.VI
}

// String is the English text, for logs.
func (t Text) String() string { return t.EN }

// Empty reports whether the text says nothing.
func (t Text) Empty() bool { return t == Text{} }

// Join puts texts one behind the other with a separator between them.
func Join(texts []Text, separator string) Text {
	vi, en := make([]string, len(texts)), make([]string, len(texts))
	for i, t := range texts {
		vi[i], en[i] = t.VI, t.EN
	}
	return Text{VI: strings.Join(vi, separator), EN: strings.Join(en, separator)}
}
