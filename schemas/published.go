package schemas

import (
	"net/url"
	"path"
	"regexp"
	"strings"
)

// publishedText is a schema as it was when it was published: <dataset>/v<major>/published/<version>.json, or one of
// published/types/<name>-<version>-<hash>.json.
type publishedText struct {
	folder *folder
	name   string
}

var publishedPlace = regexp.MustCompile(`^([^/]+)/v[0-9]+/published/(?:([0-9.]+)|types/(.+)-[0-9a-f]{8})\.json$`)

// notePublished remembers where an earlier text stands, by the last two segments of its $id.
func (l *loader) notePublished(f *folder, name string) {
	parts := publishedPlace.FindStringSubmatch(name)
	if parts == nil {
		return
	}
	tail := parts[3]
	if tail == "" {
		tail = parts[1] + "-" + parts[2]
	}
	l.published[tail] = append(l.published[tail], publishedText{f, name})
}

// readPublished takes up the earlier texts that a $ref leads to: a dataset that builds on an exact version of another one goes on
// meaning that version when there is a later one.
func (l *loader) readPublished() {
	for i := 0; i < len(l.files); i++ {
		for _, s := range l.files[i].all {
			id := absolute(l.files[i].id, s.ref)
			if s.ref == "" || id == "" || l.byID[id] != nil {
				continue
			}
			dir, last := path.Split(id)
			for _, p := range l.published[path.Base(dir)+"-"+last] {
				raw, ps := p.folder.text(p.name)
				if ps != nil {
					continue // the $ref will be told
				}
				where := p.folder.shown(p.name)
				if file, ps := parseSchema(where, raw, false); file != nil && file.id == id {
					l.texts[where], l.byID[id] = raw, file
					l.problems = append(l.problems, ps...)
					l.files = append(l.files, file)
					break
				}
			}
		}
	}
}

// absolute is the $id that a $ref of a file leads to, "" when it is no reference.
func absolute(id, ref string) string {
	base, err := url.Parse(id)
	if err != nil {
		return ""
	}
	u, err := base.Parse(ref)
	if err != nil {
		return ""
	}
	u.Fragment = ""
	return strings.TrimSuffix(u.String(), "#")
}
