// Package openapi describes the HTTP interfaces of a node in OpenAPI 3.1: what the node tells of itself (portal), and the schema
// registry (portal/registryapi). A test holds the description against the routes that there are.
//
//	operations (node.go, registry.go) + shapes of answers (shape.go, schemas.go) → one JSON document
package openapi

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// Options say of which node the document is. The zero value is usable.
type Options struct {
	// Version of the program.
	Version string
	// Node and Registry are where the two interfaces listen; "" is what configurations have by default, http://127.0.0.1:8080 and
	// http://127.0.0.1:8081.
	Node, Registry string
}

// Which interface has an operation.
const (
	tagNode     = "node"
	tagRegistry = "registry"
)

type object = map[string]any

// operation is a method of a path, or of several interfaces that have the same.
type operation struct {
	id, method, path string
	tags             []string
	// vi and en say in a few words what it does.
	vi, en string
	// query are the names of its parameters, see parameters.
	query []string
	// body is the name of the schema of what is sent, "" for nothing.
	body string
	// success is the code of an answer that is none of the errors, 200 where it is 0; answer is what comes with it, by media type.
	success int
	answer  object
	// errors are the codes of the HTTP status that it may answer besides, with what that means.
	errors map[int]string
	// refusal is what comes with a refusal, nil for that of the registry.
	refusal object
	// writes says that the token must be shown where there is one, decides that the token of a person must be.
	writes, decides bool
}

// Document is the description, as JSON.
func Document(o Options) ([]byte, error) {
	shapes := &shapes{schemas: registrySchemas()}
	all := operations(shapes)
	paths := object{}
	for i := range all {
		op := &all[i]
		item, known := paths[op.path].(object)
		if !known {
			item = object{}
			paths[op.path] = item
		}
		if p := op.pathParameters(); p != nil {
			item["parameters"] = p
		}
		item["servers"] = o.servers(op.tags, item["servers"])
		item[strings.ToLower(op.method)] = op.described()
	}
	doc := object{
		"openapi": "3.1.0",
		"info": object{
			"title": "truc", "version": cmp.Or(o.Version, "unknown"), "license": object{"name": "Apache 2.0", "identifier": "Apache-2.0"},
			"summary":     "Nút truc và kho lược đồ của nó / A truc node and its schema registry",
			"description": "Giao diện của nút (trạng thái, sẵn sàng, số đo) không cần đăng nhập và không hiện giá trị của dòng nào. Kho lược đồ theo giao diện của Confluent Schema Registry, cho JSON Schema.\n\nThe interface of a node (status, readiness, metrics) needs no login and shows no value of a row. The schema registry has the interface of Confluent Schema Registry, for JSON Schema.",
		},
		"servers": o.servers([]string{tagNode, tagRegistry}, nil),
		"tags": []any{
			object{"name": tagNode, "description": "Nút, ở http.listen / The node, at http.listen"},
			object{"name": tagRegistry, "description": "Kho lược đồ, ở registry.listen hoặc truc registry --listen / The schema registry, at registry.listen or truc registry --listen"},
		},
		"paths": paths,
		"components": object{
			"schemas": shapes.schemas, "parameters": parameters(),
			"securitySchemes": object{
				"bearer": object{"type": "http", "scheme": "bearer", "description": "registry.token"},
				"person": object{"type": "http", "scheme": "bearer", "description": "registry.people[].token"},
				"basic":  object{"type": "http", "scheme": "basic", "description": "registry.token as the password of any user"},
			},
		},
	}
	text, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write OpenAPI document: %w", err)
	}
	return append(text, '\n'), nil
}

// servers adds those of interfaces to a list.
func (o Options) servers(tags []string, to any) []any {
	list, _ := to.([]any)
	for _, tag := range tags {
		url := cmp.Or(o.Node, "http://127.0.0.1:8080")
		if tag == tagRegistry {
			url = cmp.Or(o.Registry, "http://127.0.0.1:8081")
		}
		server := object{"url": url, "description": tag}
		known := false
		for _, s := range list {
			known = known || s.(object)["description"] == tag
		}
		if !known {
			list = append(list, server)
		}
	}
	return list
}

var pathParameter = regexp.MustCompile(`\{([a-z]+)\}`)

// pathParameters are those in braces.
func (op *operation) pathParameters() []any {
	var out []any
	for _, m := range pathParameter.FindAllStringSubmatch(op.path, -1) {
		schema := object{"type": "string"}
		if m[1] == "id" {
			schema = object{"type": "integer", "format": "int32"}
		}
		p := object{"name": m[1], "in": "path", "required": true, "schema": schema}
		if says := pathParameters()[m[1]]; says != "" {
			p["description"] = says
		}
		out = append(out, p)
	}
	return out
}

func pathParameters() map[string]string {
	return map[string]string{
		"context": "Tên ngữ cảnh / name of a context: .national",
		"subject": "Chủ thể / subject; :.context:name in another context",
		"version": "Số phiên bản, hoặc latest / number of a version, or latest",
		"dataset": "Bộ dữ liệu / dataset: hotich.khaisinh.v1",
		"file":    "Tên tệp / name of a file",
	}
}

// described is the operation object.
func (op *operation) described() object {
	out := object{"operationId": op.id, "tags": op.tags, "summary": op.vi + " / " + op.en}
	if len(op.query) > 0 {
		var list []any
		for _, name := range op.query {
			list = append(list, object{"$ref": "#/components/parameters/" + name})
		}
		out["parameters"] = list
	}
	if op.body != "" {
		out["requestBody"] = object{"required": true, "content": registryContent(reference(op.body))}
	}
	if op.decides {
		out["requestBody"] = object{"required": true, "content": jsonContent(reference(op.body))}
		out["security"] = []any{object{"person": []any{}}}
	}
	if op.writes {
		out["security"] = []any{object{}, object{"bearer": []any{}}, object{"basic": []any{}}}
	}
	code := op.success
	if code == 0 {
		code = http.StatusOK
	}
	success := object{"description": http.StatusText(code)}
	if op.answer != nil {
		success["content"] = op.answer
	}
	responses := object{strconv.Itoa(code): success}
	for code, means := range op.errors {
		content := registryContent(reference("Failure"))
		if op.answer != nil && len(op.tags) > 0 && op.tags[0] == tagNode {
			content = op.answer
		}
		responses[strconv.Itoa(code)] = object{"description": means, "content": content}
	}
	if len(op.tags) == 1 && op.tags[0] == tagRegistry {
		responses["default"] = object{"description": "Từ chối, với mã và câu trả lời của Confluent / a refusal, with the code and sentence that clients know", "content": registryContent(reference("Failure"))}
		if op.refusal != nil {
			responses["default"] = object{"description": "Từ chối, và phải làm gì / a refusal, and what to do", "content": op.refusal}
		}
	}
	out["responses"] = responses
	return out
}

func reference(name string) object { return object{"$ref": "#/components/schemas/" + name} }

func listOf(items object) object { return object{"type": "array", "items": items} }

// The media types of the registry, the preferred one first.
func registryContent(schema object) object {
	media := object{"schema": schema}
	return object{"application/vnd.schemaregistry.v1+json": media, "application/vnd.schemaregistry+json": media, "application/json": media}
}

func jsonContent(schema object) object { return object{"application/json": object{"schema": schema}} }

func plainContent(media string) object {
	return object{media: object{"schema": object{"type": "string"}}}
}
