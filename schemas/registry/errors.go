package registry

import "fmt"

// Error is a refusal with the code that clients of schema registries know. Its first three digits are the HTTP status.
type Error struct {
	Code    int
	Message string
}

func (e *Error) Error() string { return e.Message }

// Status is the HTTP status.
func (e *Error) Status() int {
	status := e.Code
	for status > 999 {
		status /= 10
	}
	return status
}

// Codes of refusals. Clients branch on them.
const (
	codeSubjectNotFound       = 40401
	codeVersionNotFound       = 40402
	codeSchemaNotFound        = 40403
	codeSubjectSoftDeleted    = 40404
	codeSubjectNotSoftDeleted = 40405
	codeVersionSoftDeleted    = 40406
	codeVersionNotSoftDeleted = 40407
	codeNoSubjectLevel        = 40408
	codeNoSubjectMode         = 40409
	codeIncompatible          = 40901
	codeInvalidSchema         = 42201
	codeInvalidVersion        = 42202
	codeInvalidLevel          = 42203
	codeInvalidMode           = 42204
	codeNotPermitted          = 42205
	codeReferenceExists       = 42206
	codeIDMismatch            = 42207
	codeInvalidSubject        = 42208
	codeTooLarge              = 42209
	codeContextNotEmpty       = 42211
	codeStore                 = 50001
	codeTimeout               = 50002
)

func subjectNotFound(s Subject) error {
	return &Error{codeSubjectNotFound, fmt.Sprintf("Subject '%s' not found.", s)}
}

func versionNotFound(v int32) error {
	return &Error{codeVersionNotFound, fmt.Sprintf("Version %d not found.", v)}
}

// SchemaNotFound says that an id names no schema.
func SchemaNotFound(id string) error {
	return &Error{codeSchemaNotFound, fmt.Sprintf("Schema %s not found", id)}
}

func invalidSchema(format string, args ...any) error {
	return &Error{codeInvalidSchema, "Invalid schema: " + fmt.Sprintf(format, args...)}
}

// InvalidVersion says that a text is no version.
func InvalidVersion(text string) error {
	return &Error{codeInvalidVersion, fmt.Sprintf("The specified version '%.40s' is not a valid version id. "+
		"Allowed values are between [1, 2^31-1] and the string \"latest\"", text)}
}

func invalidSubject(text string) error {
	return &Error{codeInvalidSubject, fmt.Sprintf("The specified subject '%.200s' is not a valid.", text)}
}

// readOnly refuses a write to a subject whose mode does not allow it. Clients know the sentence; what follows it is for people.
func readOnly(of Subject, mode Mode) error {
	if mode == Forward {
		return notPermitted("Subject %s in context %s is in read-only mode: it is a copy from the registry that this one follows; register what you need besides under a subject of your own, with a reference to it", of, of.Context)
	}
	return notPermitted("Subject %s in context %s is in read-only mode", of, of.Context)
}

func notPermitted(format string, args ...any) error {
	return &Error{codeNotPermitted, fmt.Sprintf(format, args...)}
}
