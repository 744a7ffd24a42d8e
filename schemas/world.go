package schemas

// Codes returns the codes of a version of a code list, in the list's order; version "" is the newest of this set. It is what
// compat.World asks for. The slice is the caller's.
func (s *Set) Codes(id, version string) (codes []string, known bool) {
	l, known := s.codeLists[id]
	if known {
		l, known = l.At(version)
	}
	if !known {
		return nil, false
	}
	codes = make([]string, len(l.codes))
	for i, c := range l.codes {
		codes[i] = c.Code
	}
	return codes, true
}

// FormatChecks returns what each of Formats means, for compat.World.
func FormatChecks() map[string]func(string) bool {
	out := make(map[string]func(string) bool, len(formatNames))
	for _, name := range formatNames {
		out[name] = func(s string) bool { return matchFormat(name, s) }
	}
	return out
}
