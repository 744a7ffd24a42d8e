package discover

import (
	"regexp"
	"slices"
	"strings"

	"github.com/lienthong/truc/schemas"
)

// leaf is a property of a dataset that one expression fills: a plain value, or a date of which parts may be unknown.
type leaf struct {
	// path from the root: nguoiDuocKhaiSinh, hoTen.
	path []string
	node *schemas.Node
	// required: the documents need it whenever the objects above it are there.
	required bool
	// must: required, and so is every object above it.
	must bool
	// names are the words by which it goes, one variant each.
	names [][]string
	// owners are the objects above it.
	owners []owner
	// called are the names of the object above, where a column of that name holds this property.
	called [][]string
	// above are all objects above it, those included that its names already speak of.
	above []owner
	// brief are names that its values alone bear out, if they have form: the so of a person is an identification number.
	brief [][]string
	form  *regexp.Regexp
	// lone are names without that of the property before it: the chuc vu of chucVuNguoiKy.
	lone [][]string
	// only: no other property has its name.
	only bool
	// list: the property is a list that one column could fill.
	list bool
}

// owner is an object above a leaf.
type owner struct {
	name     string
	path     string
	required bool
	// names are the words by which it goes.
	names [][]string
	// part: the object describes the leaf's subject (an address, an identity paper); otherwise it is a subject of its own (a parent).
	part bool
}

func (l *leaf) String() string { return strings.Join(l.path, ".") }

// leaves lists what a dataset's documents hold, in the schema's order.
func leaves(root *schemas.Node, v *vocabulary) []*leaf {
	var out []*leaf
	var visit func(n *schemas.Node, path []string, must bool, owners []owner)
	visit = func(n *schemas.Node, path []string, must bool, owners []owner) {
		if len(path) > 6 {
			return // a recursive schema
		}
		for _, p := range n.Properties {
			below := append(slices.Clone(path), p.Name)
			switch {
			case p.Node.Items != nil && isObject(p.Node.Items) && !isPartialDate(p.Node.Items):
				// What one column can fill is the first element.
				below[len(below)-1] += "[]"
				o := owner{name: p.Name, path: strings.Join(below, "."), names: variants(p.Name, p.Node, v), part: len(owners) > 0 || isPart(p.Node.Items)}
				visit(p.Node.Items, below, false, append(slices.Clone(owners), o))
			case isObject(p.Node) && !isPartialDate(p.Node):
				o := owner{name: p.Name, path: strings.Join(below, "."), required: p.Required, names: variants(p.Name, p.Node, v), part: len(owners) > 0 || isPart(p.Node)}
				visit(p.Node, below, must && p.Required, append(slices.Clone(owners), o))
			default:
				l := &leaf{
					path: below, node: p.Node, required: p.Required, must: must && p.Required, owners: owners,
					names: variants(p.Name, p.Node, v), list: slices.Contains(p.Node.Types, "array"), above: owners,
				}
				l.shorten()
				l.qualify()
				out = append(out, l)
			}
		}
	}
	visit(root, nil, true, nil)
	loneNames(out)
	attributes(out)
	return out
}

// attributes finds the properties that are named by another beside them, chucVuNguoiKy beside nguoiKy, and the names that stand
// only once.
func attributes(leaves []*leaf) {
	count := map[string]int{}
	for _, l := range leaves {
		count[l.path[len(l.path)-1]]++
	}
	own := func(l *leaf) []string { return split(l.path[len(l.path)-1]) }
	for _, l := range leaves {
		l.only = count[l.path[len(l.path)-1]] == 1
		for _, o := range leaves {
			n := len(own(l)) - len(own(o))
			if o == l || n < 1 || len(own(o)) < 2 || !slices.Equal(l.path[:len(l.path)-1], o.path[:len(o.path)-1]) || !slices.Equal(own(l)[n:], own(o)) {
				continue
			}
			if name := own(l)[:n]; !slices.ContainsFunc(leaves, func(x *leaf) bool { return slices.Equal(own(x), name) }) {
				l.lone = append(l.lone, name)
			}
		}
	}
}

// loneNames lets the amount, the code or the address of an object go by that word alone where it is the only one: of a member's
// properties, the amount is that of the contribution.
func loneNames(leaves []*leaf) {
	for _, name := range []string{"soTien", "chiTiet"} {
		var found []*leaf
		for _, l := range leaves {
			if l.path[len(l.path)-1] == name && len(l.path) > 1 {
				found = append(found, l)
			}
		}
		if len(found) == 1 {
			found[0].names = append(found[0].names, map[string][]string{"soTien": {"so", "tien"}, "chiTiet": {"dia", "chi"}}[name])
		}
	}
}

// shorten finds the names of numbers of a fixed length that are enough where the values have that form.
func (l *leaf) shorten() {
	form, err := regexp.Compile(l.node.Pattern)
	if err != nil || l.node.Pattern == "" || fixedLength(form) < 9 {
		return
	}
	l.form = form
	if first := l.names[0][0]; len(l.owners) > 0 && (first == "so" || first == "ma") {
		l.brief = [][]string{{first}}
	}
}

// listProperty is a property that is a list of objects.
type listProperty struct {
	path   []string
	names  [][]string
	owners []owner
	// leaves are those of an element, with paths from there.
	leaves []*leaf
}

func (l *listProperty) String() string { return strings.Join(l.path, ".") }

// lists finds the lists of objects that stand in no other list.
func lists(root *schemas.Node, v *vocabulary) []*listProperty {
	var out []*listProperty
	var visit func(n *schemas.Node, path []string, owners []owner)
	visit = func(n *schemas.Node, path []string, owners []owner) {
		if len(path) > 4 {
			return
		}
		for _, p := range n.Properties {
			below := append(slices.Clone(path), p.Name)
			switch {
			case p.Node.Items != nil && isObject(p.Node.Items) && !isPartialDate(p.Node.Items):
				below[len(below)-1] += "[]"
				out = append(out, &listProperty{path: below, names: variants(p.Name, p.Node, v), owners: owners, leaves: leaves(p.Node.Items, v)})
			case isObject(p.Node) && !isPartialDate(p.Node):
				visit(p.Node, below, append(slices.Clone(owners), owner{name: p.Name, required: p.Required, names: variants(p.Name, p.Node, v)}))
			}
		}
	}
	visit(root, nil, nil)
	return out
}

func isObject(n *schemas.Node) bool { return len(n.Properties) > 0 }

func isPartialDate(n *schemas.Node) bool {
	return n.Property("giaTri") != nil && n.Property("doChinhXac") != nil
}

// isPart recognises the shared shapes: an address, a paper, an agency, a unit. They have no name or birth of their own.
func isPart(n *schemas.Node) bool {
	return n.Property("chiTiet") != nil || n.Property("soTien") != nil || n.Property("thoiDiemDanhMuc") != nil || n.Property("ma") != nil && len(n.Properties) <= 3 || n.Property("loai") != nil && n.Property("so") != nil
}

var sourceName = regexp.MustCompile(`\b[a-z]{2,}[A-Z][A-Za-z]*\b`)

// variants are the ways a property is called: its name, its titles, and the field of the software it was taken from.
func variants(name string, n *schemas.Node, v *vocabulary) [][]string {
	var out [][]string
	add := func(text string) {
		for _, r := range v.read(text) {
			if len(r.words) > 0 && !slices.ContainsFunc(out, func(w []string) bool { return slices.Equal(w, r.words) }) {
				out = append(out, r.words)
			}
		}
	}
	own := split(name)
	v.learn(own)
	v.learn(split(n.Title["vi"]))
	v.abbreviate(own)
	out = append(out, own)
	add(name)
	add(n.Title["vi"])
	add(n.Title["en"])
	if found := sourceName.FindAllString(n.Source, -1); len(found) == 1 {
		add(found[0])
	}
	return out
}

// qualify adds the words of the object above to a name that says nothing alone: the "ma" of noiDangKy is ma noi dang ky, the
// "chiTiet" of queQuan is que quan itself.
func (l *leaf) qualify() {
	name := l.path[len(l.path)-1]
	if strings.HasPrefix(name, "nguoi") {
		for _, n := range slices.Clone(l.names) {
			l.names = append(l.names, slices.Concat([]string{"ho", "ten"}, n), slices.Concat([]string{"ten"}, n))
		}
	}
	if len(l.owners) == 0 {
		return
	}
	last := l.owners[len(l.owners)-1]
	if name == "hoTen" {
		l.names = append(l.names, []string{"ten"}) // ten_me is the mother's whole name, if it has several words
	}
	if name == "hoTen" && !last.required && len(l.owners) == 1 {
		l.called = last.names // so is a column me
	}
	if !last.part {
		return
	}
	var names [][]string
	for _, above := range last.names {
		switch name {
		case "chiTiet":
			names = append(names, above, slices.Concat([]string{"dia", "chi"}, above))
		case "ten":
			names = append(names, slices.Concat([]string{"ten"}, above), above)
		case "soTien":
			names = append(names, above, slices.Concat([]string{"so", "tien"}, above))
		case "ma", "so", "loai":
			names = append(names, slices.Concat([]string{name}, above))
		default:
			return
		}
	}
	l.names, l.owners = names, l.owners[:len(l.owners)-1]
	if n := len(l.owners); n > 0 && last.name == "diaChi" {
		// thuongTru.diaChi.chiTiet is what a column thuong_tru holds.
		for _, above := range l.owners[n-1].names {
			l.names = append(l.names, above, slices.Concat([]string{"dia", "chi"}, above))
		}
		l.owners = l.owners[:n-1]
	}
}
