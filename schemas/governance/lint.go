package governance

import (
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/lienthong/truc/problem"
	"github.com/lienthong/truc/schemas"
)

// How many examples a dataset needs: fewer do not show what it means.
const (
	leastValid   = 5
	leastInvalid = 10
)

// Lint looks for everything that is wrong with a folder: the gate of schemas, the rules of style, published versions and
// histories that were changed, datasets of others that were. What only warns is a warning.
func (f *Folder) Lint() problem.List {
	set, err := f.Set()
	found := problemsOf(err)
	if err != nil && found == nil {
		found = problem.List{{Code: "governance.folder", Where: f.name, What: problem.Verbatim(err.Error()), Fix: problem.Say("name the folder that holds <dataset>/v<major>/schema.json only")}}
	}
	found = append(found, f.CheckOrigins()...)
	for _, at := range f.misplaced {
		found = append(found, problem.Problem{
			Code: "schema.place", Where: f.where(at), What: problem.Say("the place does not name a dataset and a major version"),
			Fix: problem.Say("put the schema at <dataset>/v<major>/schema.json, the dataset being lower-case words joined by dots"), Warning: true,
		})
	}
	for _, d := range f.Datasets() {
		found = append(found, d.Problems...)
		if _, theirs := f.Origin(d); theirs {
			continue // they answer for its style
		}
		if set != nil {
			if loaded, err := set.Dataset(d.ID); err == nil {
				found = append(found, f.style(d, loaded)...)
			}
		}
	}
	return found
}

// style collects what is against the rules of style in one dataset.
func (f *Folder) style(d *Dataset, loaded *schemas.Dataset) problem.List {
	s := stylist{folder: f, dataset: d, at: d.dir + "/schema.json", seen: map[*schemas.Node]bool{}}
	s.root(loaded)
	s.node(loaded.Root(), "")
	s.examples()
	if f.files[d.dir+"/README.md"] == nil {
		s.warn("governance.page", path.Join(d.dir, "README.md"), problem.Say("the dataset has no page for people"), problem.Say("write what it is, for whom and from where; truc schema new makes one to begin with"))
	}
	for _, p := range problemsOf(levelError(d.Working.Schema)) {
		p.Where = f.where(s.at) + p.Where
		s.found = append(s.found, p)
	}
	if e := d.Last(d.Working.Version.String()); e != nil && e.State.public() && e.SHA256 != sum(d.Working.Schema) {
		s.add("governance.published", s.at+"#/$id", problem.Say("the text of %s was changed, and a published version never changes", d.Working.Name),
			problem.Say("let the $id end in a new version; truc schema diff %s says which", d.ID))
	}
	return s.found
}

func levelError(schema []byte) error {
	_, err := LevelOf(schema)
	return err
}

type stylist struct {
	folder  *Folder
	dataset *Dataset
	at      string
	seen    map[*schemas.Node]bool
	found   problem.List
}

func (s *stylist) add(code, at string, what, fix problem.Text) {
	s.found = append(s.found, problem.Problem{Code: code, Where: s.folder.where(at), What: what, Fix: fix})
}

func (s *stylist) warn(code, at string, what, fix problem.Text) {
	s.add(code, at, what, fix)
	s.found[len(s.found)-1].Warning = true
}

// root looks at what is said once for the dataset.
func (s *stylist) root(d *schemas.Dataset) {
	v, _ := decode(d.Raw())
	m, _ := v.(map[string]any)
	if !d.Root().Closed {
		s.add("governance.closed", s.at, problem.Say("the document is open: a misspelt property would leave the agency unseen, and no property could ever be added"),
			problem.Say(`write "additionalProperties": false; consumers pass over what they do not know all the same`))
	}
	if d.Root().Source == "" {
		s.warn("governance.source", s.at, problem.Say("nothing says where the dataset comes from"), problem.Say(`write "x-nguon": "…", an act or a system`))
	}
	missing := func(keyword string, fix problem.Text) {
		if _, there := m[keyword]; !there && personal(d.Root(), map[*schemas.Node]bool{}) {
			s.warn("governance.retention", s.at+"#/"+keyword, problem.Say("the dataset holds personal data, and does not say its %s", keywordText(keyword)), fix)
		}
	}
	missing(RetentionKeyword, problem.Say(`write "%s": {"thoiHan": "P10Y", "tinhTu": {"vi": …, "en": …}, "canCu": the act that says so}`, RetentionKeyword))
	missing(ErasureKeyword, problem.Say(`write "%s": {"cach": "xoa", "khi": {"vi": …, "en": …}, "canCu": the act that says so}`, ErasureKeyword))
}

// personal says whether anything in a document is personal data.
func personal(n *schemas.Node, seen map[*schemas.Node]bool) bool {
	if n == nil || seen[n] {
		return false
	}
	seen[n] = true
	if n.Class == schemas.ClassBasic || n.Class == schemas.ClassSensitive {
		return true
	}
	return personal(n.Items, seen) || slices.ContainsFunc(n.Properties, func(p schemas.Property) bool { return personal(p.Node, seen) })
}

var lowerCamelCase = regexp.MustCompile(`^[a-z][a-zA-Z0-9]*$`)

// node looks at a place and those inside it. What stands in shared types is looked at where it is used.
func (s *stylist) node(n *schemas.Node, at string) {
	if s.seen[n] {
		return
	}
	s.seen[n] = true
	where := s.at
	if at != "" {
		where += " " + at
	}
	for _, l := range []string{"vi", "en"} {
		if n.Title[l] == "" && !strings.HasSuffix(at, "[]") {
			s.add("governance.title", where, problem.Say("there is no title in %s", languageText(l)), problem.Say(`write "title" in Vietnamese and "x-title-en" in English`))
		}
	}
	if at != "" && len(n.Properties) == 0 && n.Items == nil {
		if n.Class == "" {
			s.add("governance.class", where, problem.Say("nothing says whether this is personal data"), problem.Say(`write "x-phan-loai": "cong-khai", "co-ban" or "nhay-cam", here or on the object around it`))
		}
		if slices.Contains(n.Types, "string") && n.MaxLength < 0 && n.Pattern == "" && n.Format == "" && n.CodeList == "" && n.Enum == nil && n.Const == nil {
			s.warn("governance.bound", where, problem.Say("the text has no largest length"), problem.Say(`write "maxLength", a pattern, a format or a code list: tables of subscribers have columns of some length`))
		}
	}
	if at != "" && n.LegalGround == "" && (n.Class == schemas.ClassBasic || n.Class == schemas.ClassSensitive) && len(n.Properties) == 0 {
		s.warn("governance.ground", where, problem.Say("personal data without its legal ground"), problem.Say(`write "x-can-cu": the act and article by which it may be shared`))
	}
	for _, p := range n.Properties {
		inner := strings.TrimPrefix(at+"."+p.Name, ".")
		if !lowerCamelCase.MatchString(p.Name) {
			s.add("governance.name", s.at+" "+inner, problem.Say("the name is not lowerCamelCase without marks"), problem.Say("write it like hoTen, soDinhDanh, ngayCap"))
		}
		s.node(p.Node, inner)
	}
	if n.Items != nil {
		s.node(n.Items, at+"[]")
	}
}

func languageText(l string) problem.Text {
	if l == "vi" {
		return problem.Say("Vietnamese")
	}
	return problem.Say("English")
}

// examples counts them, and demands of each invalid one that it fails for one reason.
func (s *stylist) examples() {
	counts := map[string]int{}
	for _, at := range sortedKeys(s.folder.files) {
		dir, _ := path.Split(at)
		kind, mine := strings.CutPrefix(dir, s.dataset.dir+"/examples/")
		if !mine || path.Ext(at) != ".json" {
			continue
		}
		counts[kind]++
		if kind != "invalid/" {
			continue
		}
		var e struct {
			Expect []json.RawMessage `json:"expect"`
		}
		if err := json.Unmarshal(plain(s.folder.files[at]), &e); err == nil && len(e.Expect) > 1 {
			s.warn("governance.example", at, problem.Say("the example fails for %d reasons", len(e.Expect)), problem.Say("let it fail for one, so that it shows what that rule is for"))
		}
	}
	for kind, least := range map[string]int{"valid/": leastValid, "invalid/": leastInvalid} {
		if n := counts[kind]; n < least {
			s.add("governance.examples", path.Join(s.dataset.dir, "examples", kind), problem.Say("there are %d examples here, and a dataset has at least %d", n, least),
				problem.Say("add examples; truc schema test --dataset %s names the rules that none needs", s.dataset.ID))
		}
	}
}
