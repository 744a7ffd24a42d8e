package governance

import "slices"

// ListChange is a code list that the newer version of a dataset names in another version.
type ListChange struct {
	List string `json:"list"`
	From string `json:"from"`
	To   string `json:"to"`
}

// listChanges are the code lists that two versions name in different versions, by list. Where the earlier one named no version, or
// another list, there is nothing to compare.
func listChanges(updated, earlier Text) ([]ListChange, error) {
	then, err := fieldsOf(earlier)
	if err != nil {
		return nil, err
	}
	now, err := fieldsOf(updated)
	if err != nil {
		return nil, err
	}
	var out []ListChange
	for _, at := range sortedKeys(now.byPath) {
		if then.byPath[at] == nil {
			continue
		}
		a, b := then.byPath[at].facts[codesKeyword], now.byPath[at].facts[codesKeyword]
		from, named := listVersion(a)
		to, still := listVersion(b)
		c := ListChange{listID(b), from.String(), to.String()}
		if named && still && listID(a) == c.List && from != to && !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out, nil
}
