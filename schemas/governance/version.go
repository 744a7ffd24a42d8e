package governance

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Version is the exact version of a dataset's schema: major, minor, patch.
type Version [3]int

var versionForm = regexp.MustCompile(`^(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})$`)

// ParseVersion reads "1.2.0".
func ParseVersion(s string) (v Version, ok bool) {
	parts := versionForm.FindStringSubmatch(s)
	if parts == nil {
		return Version{}, false
	}
	for i := range v {
		v[i], _ = strconv.Atoi(parts[i+1]) // the form bounds it
	}
	return v, true
}

func (v Version) String() string { return fmt.Sprintf("%d.%d.%d", v[0], v[1], v[2]) }

// Compare orders versions.
func (v Version) Compare(o Version) int {
	return cmp.Or(cmp.Compare(v[0], o[0]), cmp.Compare(v[1], o[1]), cmp.Compare(v[2], o[2]))
}

// Bump says what a change demands of the version.
type Bump int

// The bumps, the smallest first.
const (
	BumpNone  Bump = iota // the text is the same
	BumpPatch             // titles, descriptions and other notes: no document is judged differently
	BumpMinor             // documents are judged differently, and nobody breaks
	BumpMajor             // somebody breaks: another dataset, <dataset>/v<major+1>
)

func (b Bump) String() string { return [...]string{"none", "patch", "minor", "major"}[b] }

// After is the version that follows v with this bump.
func (v Version) After(b Bump) Version {
	switch b {
	case BumpPatch:
		v[2]++
	case BumpMinor:
		v[1], v[2] = v[1]+1, 0
	case BumpMajor:
		v = Version{v[0] + 1, 0, 0}
	case BumpNone:
	}
	return v
}

// versionOf is the exact version that a schema's $id ends in, "" when it has none.
func versionOf(id string) string {
	if i := strings.LastIndexByte(id, '/'); i >= 0 && versionForm.MatchString(id[i+1:]) {
		return id[i+1:]
	}
	return ""
}
