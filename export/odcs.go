package export

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lienthong/truc/schemas"
)

// odcsVersion is the version of the Open Data Contract Standard that is written.
const odcsVersion = "v3.1.0"

// Keywords at the root of a schema that a contract tells, beside those that package schemas reads.
const (
	retentionKeyword  = "x-luu-tru" // how long records are kept; schemas/README.md has its form
	erasureKeyword    = "x-xoa"     // what erases them before
	commitmentKeyword = "x-cam-ket" // a list of {"property", "value", "unit"?, "description"?, ...}, as in a contract
	originKeyword     = "x-nguon"
)

// ODCS is the data contract of a dataset, in YAML: its properties with their data classes, what is demanded of their quality,
// and the commitments that the schema declares. status is what the standard calls the state of a contract; "" means active, or
// deprecated when the version comes to its end. With lists the codes of each code list stand in the rule about it.
func ODCS(d *schemas.Dataset, status string, end *Ending, lists *schemas.Set) ([]byte, error) {
	raw, err := parse(d.Raw())
	if err != nil {
		return nil, err
	}
	schema, ok := raw.(*object)
	if !ok {
		return nil, fmt.Errorf("the schema is no object")
	}
	switch {
	case status == "" && end != nil:
		status = "deprecated"
	case status == "":
		status = "active"
	}
	c := &contract{key: d.KeyProperties(), lists: lists}
	domain, _, _ := strings.Cut(d.Name(), ".")
	root := d.Root()
	out := of("apiVersion", odcsVersion, "kind", "DataContract", "id", d.ID(), "name", both(root.Title, " / "), "version", d.Version(), "status", status, "domain", domain)
	if text := both(root.Description, "\n\n"); text != "" {
		out.set("description", of("purpose", text))
	}
	out.set("authoritativeDefinitions", []any{of("url", schema.text("$id"), "type", "schema", "description", "JSON Schema draft-07: quyết định tài liệu có hợp lệ / decides which documents are valid")})
	table := of("name", d.Name())
	table.set("physicalName", d.ID()+".<agency>")
	table.set("physicalType", "topic")
	table.put("businessName", both(root.Title, " / "))
	table.put("dataGranularityDescription", "mỗi thực thể một tài liệu, định danh bởi / one document an entity, identified by: "+strings.Join(c.key, ", "))
	table.set("logicalType", "object")
	properties, err := c.properties(root, "")
	if err != nil {
		return nil, err
	}
	table.set("properties", properties)
	table.set("quality", []any{of(
		"name", "khoa-duy-nhat", "description", "Khóa là duy nhất trong một cơ quan / the key is unique within an agency", "dimension", "uniqueness",
		"metric", "duplicateValues", "arguments", of("properties", texts(c.key)), "mustBe", json.Number("0"),
	)})
	out.set("schema", []any{table})
	if sla := commitments(schema); len(sla) > 0 {
		out.set("slaProperties", sla)
	}
	custom := customs("nguon", schema.text(originKeyword))
	custom = append(custom, customs("xoa", erasure(schema))...)
	if end != nil {
		custom = slices.Concat(custom, customs("ngungTu", end.Date), customs("thayBang", end.Successor))
	}
	if len(custom) > 0 {
		out.set("customProperties", custom)
	}
	return yamlText(out)
}

type contract struct {
	key   []string
	lists *schemas.Set
	open  []*schemas.Node // on the way from the root, so that recursion ends
}

func (c *contract) properties(n *schemas.Node, path string) ([]any, error) {
	var out []any
	for _, p := range n.Properties {
		o := of("name", p.Name)
		if err := c.describe(o, p.Node, strings.TrimPrefix(path+"."+p.Name, "."), p.Required); err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

// describe adds what a contract says about a property, or about the elements of a list.
func (c *contract) describe(o *object, n *schemas.Node, path string, required bool) error {
	kind, logical := jsonType(n), logicalType(n)
	o.put("businessName", both(n.Title, " / "))
	o.put("description", both(n.Description, "\n\n"))
	o.put("logicalType", logical)
	o.put("physicalType", kind)
	if options := logicalOptions(n, logical); len(options.members) > 0 {
		o.set("logicalTypeOptions", options)
	}
	if required {
		o.set("required", true)
	}
	if i := slices.Index(c.key, path); i >= 0 {
		o.set("primaryKey", true)
		o.set("primaryKeyPosition", number(int64(i+1)))
	}
	o.put("classification", n.Class)
	quality, err := c.quality(n)
	if err != nil {
		return err
	}
	if len(quality) > 0 {
		o.set("quality", quality)
	}
	custom := slices.Concat(customs("canCu", n.LegalGround), customs("nguon", n.Source), customs("danhMuc", n.CodeList), customs("kieu", n.Definition))
	if len(custom) > 0 {
		o.set("customProperties", custom)
	}
	if slices.Contains(c.open, n) {
		return nil
	}
	c.open = append(c.open, n)
	defer func() { c.open = c.open[:len(c.open)-1] }()
	switch {
	case logical == "object" && len(n.Properties) > 0:
		inner, err := c.properties(n, path)
		if err != nil {
			return err
		}
		o.set("properties", inner)
	case logical == "array" && n.Items != nil:
		items := &object{}
		if err := c.describe(items, n.Items, path+"[]", false); err != nil {
			return err
		}
		o.set("items", items)
	}
	return nil
}

// quality are the rules about the values of a property that a contract has words for.
func (c *contract) quality(n *schemas.Node) ([]any, error) {
	switch {
	case n.CodeList != "" && c.lists == nil:
		return []any{of("name", "ma-danh-muc", "type", "text", "dimension", "conformity", "description", "Mã có trong danh mục / a code of "+n.CodeList)}, nil
	case n.CodeList != "":
		list := c.lists.CodesOf(n)
		if list == nil {
			return nil, fmt.Errorf("find code list: there is no %s %s", n.CodeList, n.CodeListVersion)
		}
		var codes []string
		for _, code := range list.Codes() {
			codes = append(codes, code.Code)
		}
		return []any{invalidValues("ma-danh-muc", "Mã có trong danh mục / a code of "+list.ID+" "+list.Version, codes)}, nil
	case len(n.Enum) > 0:
		return []any{invalidValues("gia-tri", "Một trong các giá trị đã nêu / one of the values named", n.Enum)}, nil
	}
	return nil, nil
}

func invalidValues(name, description string, valid []string) *object {
	return of("name", name, "description", description, "dimension", "conformity", "metric", "invalidValues", "arguments", of("validValues", texts(valid)), "mustBe", json.Number("0"))
}

// jsonType is the type of a node as the schema says it, "string", or several joined by a bar.
func jsonType(n *schemas.Node) string { return strings.Join(n.Types, "|") }

// logicalType is the word of the contract for what a node holds; "" when it may be of several kinds.
func logicalType(n *schemas.Node) string {
	kinds := slices.DeleteFunc(slices.Clone(n.Types), func(t string) bool { return t == "null" })
	if len(kinds) != 1 {
		return ""
	}
	switch n.Format {
	case "date":
		return "date"
	case "date-time":
		return "timestamp"
	}
	return kinds[0]
}

func logicalOptions(n *schemas.Node, logical string) *object {
	o := &object{}
	bound := func(name string, value int) {
		if value > 0 || value == 0 && strings.HasPrefix(name, "max") {
			o.set(name, number(int64(value)))
		}
	}
	switch logical {
	case "date":
		o.set("format", "yyyy-MM-dd")
	case "timestamp":
		o.set("timezone", true)
	case "string":
		bound("minLength", n.MinLength)
		bound("maxLength", n.MaxLength)
		o.put("pattern", n.Pattern)
		o.put("format", n.Format)
	case "array":
		bound("minItems", n.MinItems)
		bound("maxItems", n.MaxItems)
	case "object":
		var required []string
		for _, p := range n.Properties {
			if p.Required {
				required = append(required, p.Name)
			}
		}
		if len(required) > 0 {
			o.set("required", texts(required))
		}
	}
	return o
}

var period = regexp.MustCompile(`^P([0-9]+)([YMD])$`)

// commitments are the service levels that a schema declares.
func commitments(schema *object) []any {
	var out []any
	retention, _ := schema.get(retentionKeyword)
	if kept, ok := retention.(*object); ok && kept.text("thoiHan") != "" {
		text := kept.text("thoiHan")
		keep := of("property", "retention", "value", text)
		if m := period.FindStringSubmatch(text); m != nil {
			keep.set("value", json.Number(m[1]))
			keep.set("unit", map[string]string{"Y": "y", "M": "mo", "D": "d"}[m[2]])
		}
		keep.set("driver", "regulatory")
		out = append(out, keep)
	}
	declared, _ := schema.get(commitmentKeyword)
	list, _ := declared.([]any)
	for _, v := range list {
		if o, ok := v.(*object); ok && o.text("property") != "" {
			out = append(out, o)
		}
	}
	return out
}

func customs(property, value string) []any {
	if value == "" {
		return nil
	}
	return []any{of("property", property, "value", value)}
}

func texts(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

// yamlText writes a value as YAML, in the order of its members.
func yamlText(v any) ([]byte, error) {
	node, err := yamlNode(v)
	if err != nil {
		return nil, err
	}
	text, err := yaml.Dump(node, yaml.WithIndent(2), yaml.WithLineWidth(-1)) // a text that is cut at some column reads badly and compares badly
	if err != nil {
		return nil, fmt.Errorf("write YAML: %w", err)
	}
	return text, nil
}

func yamlNode(v any) (*yaml.Node, error) {
	switch v := v.(type) {
	case *object:
		n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		for _, m := range v.members {
			value, err := yamlNode(m.value)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: m.name}, value)
		}
		return n, nil
	case []any:
		n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for _, item := range v {
			value, err := yamlNode(item)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, value)
		}
		return n, nil
	case json.Number:
		tag := "!!int"
		if strings.ContainsAny(v.String(), ".eE") {
			tag = "!!float"
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: v.String()}, nil
	}
	n := &yaml.Node{}
	if err := n.Encode(v); err != nil {
		return nil, fmt.Errorf("write YAML: %w", err)
	}
	return n, nil
}

// erasure is how records go, and what brings it about.
func erasure(schema *object) string {
	v, _ := schema.get(erasureKeyword)
	declared, ok := v.(*object)
	if !ok {
		return ""
	}
	when, _ := declared.get("khi")
	texts, ok := when.(*object)
	if !ok {
		return declared.text("cach")
	}
	return declared.text("cach") + ": " + texts.text("vi")
}
