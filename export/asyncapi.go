package export

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/schemas"
)

// Node is what AsyncAPI tells of a truc node. It holds no secret.
type Node struct {
	// Agency is the identifier of the node's agency.
	Agency string
	// Servers are the addresses of the bus, host or host:port.
	Servers []string
	// Encrypted says that the bus is reached by TLS, ClientCertificate that it asks for one. SASL is the mechanism of the log-in,
	// "plain", "scram-sha-256" or "scram-sha-512"; "" when there is none.
	Encrypted, ClientCertificate bool
	SASL                         string
	// RegistryURL is where schemas are published; "" when the configuration does not say.
	RegistryURL string
	// Replicas of the topics; 0 when the cluster decides. NeverCompacted is the bus inside the process.
	Replicas       int
	NeverCompacted bool
	Publishes      []Publishing
	Deliveries     []Delivery
}

// Publishing is a pipeline that publishes.
type Publishing struct {
	Name, Agency, Topic string
	// Source is the ce_source of its events.
	Source  string
	Dataset *schemas.Dataset
	// Ending is there when the version of the dataset comes to its end.
	Ending     *Ending
	Partitions int
	// DeleteRetentionMS and MaxMessageBytes are settings of the topic.
	DeleteRetentionMS, MaxMessageBytes int64
}

// Delivery is a pipeline that receives.
type Delivery struct {
	Name    string
	Dataset *schemas.Dataset
	Ending  *Ending
	// Agencies are patterns: "H44.15", "H26.*", "*".
	Agencies []string
}

// AsyncAPI describes the events of a node in AsyncAPI 3.0, as JSON: a channel for each topic that it publishes or receives,
// with the CloudEvents headers and the schema of the documents. Dead letters and truc's own topics are no interface and are
// left out.
func AsyncAPI(n Node) ([]byte, error) {
	a := &asyncAPI{node: n, channels: &object{}, operations: &object{}, messages: &object{}, schemas: &object{}}
	for _, p := range n.Publishes {
		if err := a.publishing(p); err != nil {
			return nil, err
		}
	}
	for _, d := range n.Deliveries {
		if err := a.delivery(d); err != nil {
			return nil, err
		}
	}
	components := of("messages", a.messages, "schemas", a.schemas)
	if s := a.securitySchemes(); len(s.members) > 0 {
		components.set("securitySchemes", s)
	}
	info := of(
		"title", "Sự kiện của cơ quan / events of agency "+n.Agency,
		"version", "",
		"description", "Chủ đề Kafka mà nút truc của cơ quan này công bố và nhận: CloudEvents 1.0, chế độ nhị phân. Khóa của bản ghi là khóa thực thể; giá trị rỗng là xóa.\n\nThe Kafka topics that this agency's truc node publishes and receives: CloudEvents 1.0 in binary mode. The record key is the entity key; a null value is a deletion.",
	)
	out := of("asyncapi", "3.0.0", "id", "urn:truc:agency:"+bus.Slug(n.Agency), "info", info, "defaultContentType", "application/json",
		"servers", a.servers(), "channels", a.channels, "operations", a.operations, "components", components)
	// The version says whether anything has changed.
	text, err := plain(out)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	info.set("version", "1.0.0+"+hex.EncodeToString(sum[:6]))
	return indented(out)
}

type asyncAPI struct {
	node                                    Node
	channels, operations, messages, schemas *object
}

// reference is a $ref into the document.
func reference(path ...string) *object {
	for i, p := range path {
		path[i] = strings.ReplaceAll(strings.ReplaceAll(p, "~", "~0"), "/", "~1")
	}
	return of("$ref", "#/"+strings.Join(path, "/"))
}

func (a *asyncAPI) servers() *object {
	out := &object{}
	for i, host := range a.node.Servers {
		protocol := "kafka"
		if a.node.Encrypted {
			protocol = "kafka-secure"
		}
		s := of("host", host, "protocol", protocol, "title", "Trục truyền sự kiện / the bus")
		var security []any
		for _, m := range a.securitySchemes().members {
			security = append(security, reference("components", "securitySchemes", m.name))
		}
		if security != nil {
			s.set("security", security)
		}
		if a.node.RegistryURL != "" {
			s.set("x-registry-url", a.node.RegistryURL)
		}
		out.set(fmt.Sprintf("kafka-%d", i+1), s)
	}
	return out
}

func (a *asyncAPI) securitySchemes() *object {
	out := &object{}
	switch a.node.SASL {
	case "plain":
		out.set("sasl", of("type", "plain", "description", "SASL/PLAIN; tài khoản do bên vận hành trục cấp / the account comes from whoever runs the bus"))
	case "scram-sha-256":
		out.set("sasl", of("type", "scramSha256", "description", "SASL/SCRAM-SHA-256; tài khoản do bên vận hành trục cấp / the account comes from whoever runs the bus"))
	case "scram-sha-512":
		out.set("sasl", of("type", "scramSha512", "description", "SASL/SCRAM-SHA-512; tài khoản do bên vận hành trục cấp / the account comes from whoever runs the bus"))
	}
	if a.node.ClientCertificate {
		out.set("certificate", of("type", "X509", "description", "Chứng thư của máy khách / a client certificate"))
	}
	return out
}

func (a *asyncAPI) publishing(p Publishing) error {
	if err := a.dataset(p.Dataset, p.Ending); err != nil {
		return err
	}
	channel := a.channel(p.Topic, p.Topic, p.Dataset)
	binding := of("topic", p.Topic, "partitions", number(int64(max(p.Partitions, 1))))
	if a.node.Replicas > 0 {
		binding.set("replicas", number(int64(a.node.Replicas)))
	}
	settings := of("cleanup.policy", []any{"compact"}, "delete.retention.ms", number(p.DeleteRetentionMS))
	if a.node.NeverCompacted {
		settings = of("cleanup.policy", []any{"delete"}, "retention.ms", number(-1))
	}
	settings.set("max.message.bytes", number(p.MaxMessageBytes))
	binding.set("topicConfiguration", settings)
	binding.set("bindingVersion", bindingVersion)
	channel.set("bindings", of("kafka", binding))
	channel.set("x-agency", p.Agency)
	channel.set("x-ce-source", p.Source)
	a.operations.set("publish."+p.Name, a.operation("send", p.Topic, p.Dataset,
		"Công bố / publish: "+both(p.Dataset.Root().Title, " / ")))
	return nil
}

const bindingVersion = "0.5.0"

func (a *asyncAPI) delivery(d Delivery) error {
	if err := a.dataset(d.Dataset, d.Ending); err != nil {
		return err
	}
	exact := !slices.ContainsFunc(d.Agencies, func(p string) bool { return strings.Contains(p, "*") })
	receive := func(name, channel string) {
		a.operations.set(name, a.operation("receive", channel, d.Dataset, "Nhận / receive: "+both(d.Dataset.Root().Title, " / ")))
	}
	if !exact {
		// Which topics there are is known on the bus only: one that a pattern covers is picked up when it appears.
		name := d.Dataset.ID() + "." + d.Name
		channel := a.channel(name, d.Dataset.ID()+".{agency}", d.Dataset)
		channel.set("parameters", of("agency", of(
			"description", fmt.Sprintf("Mã định danh cơ quan, chữ thường / the agency's identifier in lower case: %s (.* = và mọi cơ quan bên dưới / and all below)", strings.Join(d.Agencies, ", ")),
			"examples", []any{bus.Slug(a.node.Agency)},
		)))
		receive("subscribe."+d.Name, name)
		return nil
	}
	for _, agency := range d.Agencies {
		topic := bus.EventTopic(d.Dataset.ID(), agency)
		if _, known := a.channels.get(topic); !known {
			a.channel(topic, topic, d.Dataset)
		}
		name := "subscribe." + d.Name
		if len(d.Agencies) > 1 {
			name += "." + bus.Slug(agency)
		}
		receive(name, topic)
	}
	return nil
}

// channel adds a channel.
func (a *asyncAPI) channel(name, address string, d *schemas.Dataset) *object {
	messages := &object{}
	for _, m := range messageNames(d) {
		messages.set(m, reference("components", "messages", m))
	}
	c := of("address", address, "title", both(d.Root().Title, " / "))
	c.put("description", both(d.Root().Description, "\n\n"))
	c.set("messages", messages)
	a.channels.set(name, c)
	return c
}

func (a *asyncAPI) operation(action, channel string, d *schemas.Dataset, title string) *object {
	var messages []any
	for _, m := range messageNames(d) {
		messages = append(messages, reference("channels", channel, "messages", m))
	}
	return of("action", action, "channel", reference("channels", channel), "title", title, "messages", messages)
}

// messageNames are the two messages of a dataset: a document, and the tombstone of an entity.
func messageNames(d *schemas.Dataset) [2]string { return [2]string{d.ID(), d.ID() + ".deleted"} }

// dataset adds the schema and the messages of a dataset.
func (a *asyncAPI) dataset(d *schemas.Dataset, end *Ending) error {
	names := messageNames(d)
	if _, done := a.messages.get(names[0]); done {
		return nil
	}
	b, err := newBundle(d)
	if err != nil {
		return err
	}
	for _, p := range append([]place{b.root}, b.places...) {
		v, err := b.render(p, func(p place) string { return "#/components/schemas/" + longName(p) }, embedded)
		if err != nil {
			return err
		}
		if o, ok := v.(*object); ok && p.definition == "" {
			o.remove("$schema")
			o.remove("$id")
			o.set("x-schema-id", p.file)
		}
		a.schemas.set(longName(p), v)
	}
	title := both(d.Root().Title, " / ")
	key := "Khóa thực thể / the entity key: " + strings.Join(d.KeyProperties(), ", ")
	if len(d.KeyProperties()) > 1 {
		key += ". Nhiều thuộc tính thì là mảng JSON viết liền / several properties are a compact JSON array"
	}
	bindings := func() *object {
		return of("kafka", of("key", of("type", "string", "description", key), "bindingVersion", bindingVersion))
	}
	a.messages.set(names[0], of("name", names[0], "title", title, "contentType", "application/json",
		"headers", headers(d, bus.Created, bus.Updated, bus.Snapshot), "payload", reference("components", "schemas", longName(b.root)), "bindings", bindings()))
	a.messages.set(names[1], of("name", names[1], "title", title+": xóa / deletion", "contentType", "application/json",
		"headers", headers(d, bus.Deleted), "payload", of("type", "null"), "bindings", bindings()))
	if end != nil {
		for _, name := range names {
			m, _ := a.messages.get(name)
			m.(*object).set("tags", []any{of("name", "deprecated", "description", end.words())})
			m.(*object).set(endKeyword, end.object())
		}
	}
	return nil
}

// embedded makes titles beside a $ref count: draft-07 passes over what stands there.
func embedded(o *object) (any, error) {
	ref, has := o.get("$ref")
	if !has || len(o.members) == 1 {
		return o, nil
	}
	o.remove("$ref")
	o.set("allOf", []any{of("$ref", ref)})
	return o, nil
}

// headers describes the Kafka headers of events.
func headers(d *schemas.Dataset, ops ...bus.Op) *object {
	var types []any
	for _, op := range ops {
		types = append(types, d.ID()+"."+string(op))
	}
	properties := of(
		bus.HeaderSpecVersion, of("type", "string", "const", "1.0"),
		bus.HeaderID, of("type", "string", "minLength", number(1), "description", "Suy ra từ nguồn, khóa và thứ tự: gửi lại thì cùng mã / derived from source, key and sequence: a redelivery has the same id"),
		bus.HeaderSource, of("type", "string", "pattern", "^/agencies/[^/]+/[^/]+/[^/]+$", "description", "Cơ quan, nguồn, luồng / agency, source, pipeline"),
		bus.HeaderType, of("type", "string", "enum", types),
		bus.HeaderSubject, of("type", "string", "description", "Khóa thực thể / the entity key"),
		bus.HeaderTime, of("type", "string", "format", "date-time", "description", "Thời điểm thay đổi ở nguồn / when the source changed"),
		bus.HeaderDataSchema, of("type", "string", "description", "Phiên bản lược đồ chính xác / the exact version of the schema"),
		bus.HeaderSequence, of("type", "string", "pattern", "^[0-9a-f]{32}$", "description", "Thứ tự trong nguồn, so theo byte / the place in its source, compared byte by byte"),
		bus.HeaderContentType, of("type", "string", "const", "application/json"),
		bus.HeaderRedelivery, of("type", "string", "enum", []any{"retry", "replay", "erase"}, "description", "Có khi gửi lại hoặc xóa theo lệnh / there when it is sent again, or erased by order"),
		bus.HeaderDeprecated, of("type", "string", "format", "date", "description", "Có khi phiên bản sắp ngừng: từ ngày này / there when the version comes to its end: from this day on"),
		bus.HeaderSuccessor, of("type", "string", "description", "Bộ dữ liệu thay thế / the dataset that takes its place"),
	)
	var required []any
	for _, m := range properties.members {
		if !slices.Contains([]string{bus.HeaderRedelivery, bus.HeaderDeprecated, bus.HeaderSuccessor}, m.name) {
			required = append(required, m.name)
		}
	}
	return of("type", "object", "required", required, "properties", properties)
}

func number(n int64) json.Number { return json.Number(strconv.FormatInt(n, 10)) }
