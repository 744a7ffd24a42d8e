package openapi

import "maps"

// registrySchemas are the bodies of the schema registry.
func registrySchemas() object {
	word, number, truth := object{"type": "string"}, object{"type": "integer", "format": "int32"}, object{"type": "boolean"}
	levels := object{"type": "string", "enum": []string{"NONE", "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE"}}
	policies := object{"type": "string", "enum": []string{"STRICT", "SOUND"}}
	settings := func(level string) object {
		return object{
			"type":       "object",
			"properties": object{level: levels, "compatibilityPolicy": policies, "normalize": truth, "alias": word, "compatibilityGroup": word},
		}
	}
	references := listOf(reference("Reference"))
	free := object{"type": "object", "description": "Được giữ, không được thực hiện / kept, and not acted on"}
	out := object{
		"Failure": object{
			"type": "object", "required": []string{"error_code", "message"},
			"properties": object{"error_code": number, "message": word},
		},
		"Reference": object{
			"type": "object", "required": []string{"name", "subject", "version"},
			"properties": object{"name": object{"type": "string", "description": "Đúng như $ref viết / exactly as the $ref has it"}, "subject": word, "version": number},
		},
		"SchemaRequest": object{
			"type": "object", "required": []string{"schema"},
			"properties": object{
				"schema":     object{"type": "string", "description": "Văn bản của lược đồ / the text of the schema", "contentMediaType": "application/schema+json"},
				"schemaType": object{"type": "string", "enum": []string{"JSON"}, "description": "Thiếu nghĩa là AVRO với mọi client, và bị từ chối / without it every client means AVRO, which is refused"},
				"references": references, "metadata": free, "ruleSet": free,
				"id":      object{"type": "integer", "description": "Chỉ ở chế độ IMPORT / in mode IMPORT only"},
				"version": object{"type": "integer", "description": "Chỉ ở chế độ IMPORT / in mode IMPORT only"},
			},
		},
		"Schema": object{
			"type": "object", "required": []string{"guid", "schemaType", "schema"},
			"properties": object{
				"subject": word, "version": number, "id": number, "guid": object{"type": "string", "format": "uuid"}, "schemaType": object{"type": "string", "enum": []string{"JSON"}},
				"references": references, "metadata": free, "ruleSet": free, "schema": object{"type": "string", "contentMediaType": "application/schema+json"},
				"deleted": truth, "maxId": number,
			},
		},
		"SubjectVersion": object{"type": "object", "required": []string{"subject", "version"}, "properties": object{"subject": word, "version": number}},
		"ContextID":      object{"type": "object", "required": []string{"context", "id"}, "properties": object{"context": word, "id": number}},
		"Verdict": object{
			"type": "object", "required": []string{"is_compatible"},
			"properties": object{"is_compatible": truth, "messages": listOf(word)},
		},
		"Config":       settings("compatibilityLevel"),
		"ConfigChange": settings("compatibility"),
		"Mode":         object{"type": "object", "required": []string{"mode"}, "properties": object{"mode": object{"type": "string", "enum": []string{"READWRITE", "READONLY", "READONLY_OVERRIDE", "IMPORT", "FORWARD"}}}},
	}
	maps.Copy(out, governanceSchemas())
	return out
}
