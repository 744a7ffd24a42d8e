package registry

import (
	"slices"
	"strings"

	"github.com/lienthong/truc/schemas/compat"
)

// DefaultLevel is what new versions must keep where nothing else is configured.
const DefaultLevel = compat.FullTransitive

// Policy says whose judgement of compatibility counts.
type Policy string

// The policies. Clients know STRICT; SOUND is this registry's.
const (
	PolicyStrict Policy = "STRICT" // the rule table of Confluent Schema Registry
	PolicySound  Policy = "SOUND"  // what documents the versions accept
)

func (p Policy) mode() compat.Mode {
	if p == PolicySound {
		return compat.Sound
	}
	return compat.Strict
}

// Config is what is configured for a subject, for a context, or for all. What is not set is inherited.
type Config struct {
	Level     compat.Level `json:"compatibilityLevel,omitempty"`
	Policy    Policy       `json:"compatibilityPolicy,omitempty"`
	Normalize *bool        `json:"normalize,omitempty"`
	// Alias is a subject that stands for this one.
	Alias string `json:"alias,omitempty"`
	// Group names a metadata property: only versions that agree in it must be compatible.
	Group string `json:"compatibilityGroup,omitempty"`
}

// Change is a change of a configuration; what is nil stays.
type Change struct {
	Level     *string `json:"compatibility,omitempty"`
	Policy    *string `json:"compatibilityPolicy,omitempty"`
	Normalize *bool   `json:"normalize,omitempty"`
	Alias     *string `json:"alias,omitempty"`
	Group     *string `json:"compatibilityGroup,omitempty"`
}

// applied returns the configuration after the change, and the change as it was understood.
func (c Change) applied(to Config) (Config, Change, error) {
	if c.Level != nil {
		level := compat.Level(strings.ToUpper(*c.Level))
		if !slices.Contains(compat.Levels(), level) {
			return to, c, &Error{codeInvalidLevel, "Invalid compatibility level. Valid values are none, backward, forward, full, " +
				"backward_transitive, forward_transitive, and full_transitive"}
		}
		to.Level = level
		understood := string(level)
		c.Level = &understood
	}
	if c.Policy != nil {
		policy := Policy(strings.ToUpper(*c.Policy))
		if policy != PolicyStrict && policy != PolicySound && policy != "" {
			return to, c, &Error{codeInvalidLevel, "Invalid compatibility policy. Valid values are strict and sound"}
		}
		to.Policy = policy
		understood := string(policy)
		c.Policy = &understood
	}
	if c.Normalize != nil {
		to.Normalize = c.Normalize
	}
	if c.Alias != nil {
		to.Alias = *c.Alias
	}
	if c.Group != nil {
		to.Group = *c.Group
	}
	return to, c, nil
}

// over fills what is not set from another configuration. An alias is never inherited.
func (c Config) over(below Config) Config {
	if c.Level == "" {
		c.Level = below.Level
	}
	if c.Policy == "" {
		c.Policy = below.Policy
	}
	if c.Normalize == nil {
		c.Normalize = below.Normalize
	}
	if c.Group == "" {
		c.Group = below.Group
	}
	return c
}

// Mode says what may be done to subjects.
type Mode string

// The modes.
const (
	ReadWrite        Mode = "READWRITE"
	ReadOnly         Mode = "READONLY"
	ReadOnlyOverride Mode = "READONLY_OVERRIDE" // read-only for all, whatever subjects say
	Import           Mode = "IMPORT"            // ids and versions are given, compatibility is not asked
	Forward          Mode = "FORWARD"           // a copy of another registry: as read-only
)

// ParseMode reads a mode in any case.
func ParseMode(text string) (Mode, error) {
	m := Mode(strings.ToUpper(text))
	if !slices.Contains([]Mode{ReadWrite, ReadOnly, ReadOnlyOverride, Import, Forward}, m) {
		return "", &Error{codeInvalidMode, "Invalid mode. Valid values are READWRITE, READONLY, and IMPORT."}
	}
	return m, nil
}

func (m Mode) readOnly() bool { return m == ReadOnly || m == ReadOnlyOverride || m == Forward }
