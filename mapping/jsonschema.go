package mapping

import (
	"encoding/json"
	"fmt"
	"maps"

	"github.com/lienthong/truc/mapping/value"
)

// JSONSchema is a JSON Schema (draft-07) of mapping files, for editors: source mappings, sink mappings, and the files they
// include. It knows the same keys as the decoder; expressions, types and everything that needs the dataset are left to `truc check`.
func JSONSchema() ([]byte, error) {
	root := schema{
		"$schema":     "http://json-schema.org/draft-07/schema#",
		"title":       "Ánh xạ của truc / Mapping of truc",
		"definitions": definitions(),
		"anyOf": []any{
			schema{"$ref": "#/definitions/source"}, schema{"$ref": "#/definitions/sink"}, schema{"$ref": "#/definitions/shared"},
		},
	}
	out, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write schema: %w", err)
	}
	return append(out, '\n'), nil
}

type schema = map[string]any

func refTo(name, says string) schema {
	s := schema{"allOf": []any{schema{"$ref": "#/definitions/" + name}}}
	if says != "" {
		s["description"] = says
	}
	return s
}

// said adds a description to a schema.
func said(s schema, says string) schema {
	out := maps.Clone(s)
	out["description"] = says
	return out
}

// object is a mapping with these keys and no others.
func object(required []string, properties schema) schema {
	s := schema{"type": "object", "properties": properties, "additionalProperties": false}
	if required != nil {
		s["required"] = required
	}
	return s
}

// anyNames is a mapping with any names.
func anyNames(of schema) schema { return schema{"type": "object", "additionalProperties": of} }

func listOf(of schema) schema { return schema{"type": "array", "items": of} }

func oneOf(values ...string) schema { return schema{"type": "string", "enum": values} }

// scalarText is a text as the decoder takes it: without quotes YAML may think it a number.
func scalarText() schema { return schema{"type": []string{"string", "number", "boolean"}} }

func definitions() schema {
	var texts []string
	for _, e := range value.Encodings() {
		texts = append(texts, e.Name)
	}
	let := said(anyNames(refTo("expression", "")), "Giá trị đặt tên, dùng trong các biểu thức / Values with names, for expressions")
	include := said(listOf(schema{"type": "string"}), "Tệp dùng chung: mã, hình mẫu / Files with shared codes and shapes")
	shapes := said(anyNames(refTo("block", "")), "Khối thuộc tính dùng lại nhiều lần / Blocks of properties used several times")
	codes := said(anyNames(refTo("codes", "")), "Bảng đổi mã / Code tables")
	dataset := said(schema{"type": "string"}, "Bộ dữ liệu: hotich.khaisinh.v1 / Dataset: hotich.khaisinh.v1")
	table := said(schema{"type": "string"}, "Bảng; cấu hình có thể đổi / Table; the configuration may name another")
	only := refTo("expression", "Chỉ những hàng (tài liệu) này / Only these rows (documents)")
	return schema{
		"source": object([]string{"dataset", "fields"}, schema{
			"dataset": dataset, "table": table, "include": include, "let": let, "shapes": shapes, "codes": codes, "only": only,
			"columns":  said(anyNames(refTo("column", "")), `Cách đọc các cột; "*" là mọi cột / How columns are read; "*" is every column`),
			"key":      said(listOf(schema{"type": "string"}), "Thuộc tính làm khóa, mặc định theo chuẩn / Key properties, by default the schema's"),
			"deleted":  refTo("expression", "Đúng khi hàng bị xóa mềm / True for softly deleted rows"),
			"fields":   said(anyNames(refTo("field", "")), "Thuộc tính của tài liệu / Properties of the document"),
			"examples": said(listOf(refTo("sourceExample", "")), "Ví dụ, chạy bởi truc check và truc mapping test / Examples, run by truc check and truc mapping test"),
		}),
		"sink": object([]string{"dataset", "columns"}, schema{
			"dataset": dataset, "table": table, "include": include, "let": let, "codes": codes, "only": only,
			"write":     said(oneOf("upsert", "update", "append"), "upsert ghi hoặc thêm, update không thêm, append thêm mỗi sự kiện một hàng / upsert, update never inserts, append one row an event"),
			"key":       said(anyNames(refTo("assigned", "")), "Cột làm khóa và giá trị / Key columns and their values"),
			"columns":   said(anyNames(refTo("assigned", "")), "Cột và giá trị; cột không nêu thì không đụng tới / Columns and values; others are never touched"),
			"on_create": said(anyNames(refTo("assigned", "")), "Chỉ ghi khi hàng mới / Written when a row is new"),
			"on_delete": refTo("onDelete", "Khi tài liệu bị xóa: delete, ignore, hoặc set / When a document is deleted"),
			"conflict":  said(oneOf("reject", "replace", "ignore"), "Khi cơ quan khác có cùng khóa / When another agency has the same key"),
			"examples":  said(listOf(refTo("sinkExample", "")), "Ví dụ / Examples"),
		}),
		"shared": object(nil, schema{"include": include, "let": let, "codes": codes, "shapes": shapes}),
		"column": object(nil, schema{
			"text": said(oneOf(texts...), "Bảng mã văn bản / Text encoding"),
			"null": said(listOf(scalarText()), "Giá trị nghĩa là không có / Texts that mean null"),
			"pad":  said(schema{"type": "integer", "minimum": 1, "maximum": 64}, "Thêm số 0 bên trái cho đủ độ dài / Zeros on the left up to a length"),
			"from": said(scalarText(), "Tên thật của cột / The column's real name"),
			"zone": said(schema{"type": "string"}, "Múi giờ: Asia/Ho_Chi_Minh / Time zone: Asia/Ho_Chi_Minh"),
		}),
		"codes": object(nil, schema{
			"list": said(schema{"type": "string"}, "Danh mục của mã đích: danhmuc.gioitinh / List of the targets: danhmuc.gioitinh"),
			"map":  said(anyNames(scalarText()), "Mã của bạn: mã chuẩn / Your code: the standard's"),
			"file": said(schema{"type": "string"}, "Tệp CSV có hai cột mã / CSV file with two columns of codes"),
		}),
		"expression": schema{"anyOf": []any{schema{"type": []string{"string", "number", "boolean"}}, refTo("constant", "")}},
		"constant":   object([]string{"const"}, schema{"const": said(schema{}, "Hằng số / A constant")}),
		"field":      schema{"anyOf": []any{refTo("expression", ""), listOf(refTo("field", "")), refTo("each", ""), refTo("block", "")}},
		"each": object([]string{"each", "as"}, schema{
			"each":   refTo("expression", "Danh sách / The list"),
			"as":     said(schema{"type": "string"}, "Tên của phần tử / Name of the element"),
			"when":   refTo("expression", "Chỉ những phần tử này / Only these elements"),
			"value":  refTo("field", "Giá trị của mỗi phần tử / The value of each element"),
			"fields": said(anyNames(refTo("field", "")), "Thuộc tính của mỗi phần tử / The properties of each element"),
		}),
		"block": schema{
			"type": "object", "additionalProperties": refTo("field", ""),
			"properties": schema{
				"use":    said(schema{"type": []string{"string", "object", "array"}}, "Hình mẫu trong shapes / A shape under shapes"),
				"prefix": said(schema{"type": []string{"string", "number", "boolean", "object", "array"}}, "Đặt trước tên cột / Put before the names of columns"),
				"when":   refTo("field", "Vắng mặt khi không đúng / Absent when false"),
			},
		},
		"assigned": schema{"anyOf": []any{refTo("expression", ""), object([]string{"value"}, schema{
			"value": refTo("expression", "Giá trị / The value"),
			"text":  said(oneOf(texts...), "Bảng mã khi ghi / Encoding in which it is written"),
		})}},
		"onDelete":      schema{"anyOf": []any{oneOf("delete", "ignore"), object([]string{"set"}, schema{"set": anyNames(refTo("assigned", ""))})}},
		"sourceExample": object([]string{"row"}, exampleKeys()),
		"sinkExample": func() schema {
			keys := exampleKeys()
			keys["event"] = object(nil, schema{"id": scalarText(), "op": scalarText(), "time": scalarText(), "agency": scalarText(), "sequence": scalarText()})
			return object(nil, keys)
		}(),
	}
}

func exampleKeys() schema {
	return schema{
		"name":     said(scalarText(), "Tên ví dụ / Name"),
		"row":      said(anyNames(schema{"type": []string{"string", "number", "boolean", "null"}}), "Ô của hàng / Cells of the row"),
		"document": said(schema{"type": "object"}, "Tài liệu / The document"),
		"result":   said(oneOf("skipped", "deleted"), "Kết quả / Result"),
		"error":    said(object(nil, schema{"field": scalarText(), "rule": scalarText()}), "Vi phạm / The violation"),
		"remarks":  said(listOf(scalarText()), "Nhận xét / Remarks"),
	}
}
