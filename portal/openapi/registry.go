package openapi

import "net/http"

// registryOperations are those of the schema registry. Most stand below a context, too.
func registryOperations() []operation {
	var (
		one      = registryContent(reference("Schema"))
		names    = registryContent(listOf(object{"type": "string"}))
		numbers  = registryContent(listOf(object{"type": "integer"}))
		number   = registryContent(object{"type": "integer"})
		schema   = registryContent(object{"type": []string{"object", "boolean"}})
		anything = registryContent(object{"type": "object"})
	)
	get := func(id, path, vi, en string, answer object, query ...string) operation {
		return operation{id: id, method: http.MethodGet, path: path, vi: vi, en: en, answer: answer, query: query}
	}
	post := func(id, path, vi, en, body string, answer object, query ...string) operation {
		return operation{id: id, method: http.MethodPost, path: path, vi: vi, en: en, body: body, answer: answer, query: query}
	}
	writes := func(method string, op operation) operation {
		op.method, op.writes = method, true
		return op
	}
	within := []operation{
		get("schemas", "/schemas", "mọi phiên bản, nhiều nhất 1000 mỗi lần", "all versions, at most 1000 at a time", registryContent(listOf(reference("Schema"))), "subjectPrefix", "deleted", "deletedOnly", "latestOnly", "offset", "limit"),
		get("schemas.types", "/schemas/types", "các loại lược đồ: chỉ JSON", "the kinds of schemas: JSON only", names),
		get("schema", "/schemas/ids/{id}", "lược đồ theo mã", "a schema by its id", one, "subject", "fetchMaxId"),
		get("schema.text", "/schemas/ids/{id}/schema", "chính lược đồ theo mã", "the schema itself by its id", schema, "subject"),
		get("schema.subjects", "/schemas/ids/{id}/subjects", "các chủ thể dùng lược đồ", "the subjects that have it", names, "subject", "deleted", "deletedOnly", "offset", "limit"),
		get("schema.versions", "/schemas/ids/{id}/versions", "các phiên bản dùng lược đồ", "the versions that have it", registryContent(listOf(reference("SubjectVersion"))), "subject", "deleted", "deletedOnly", "offset", "limit"),
		get("schema.byGuid", "/schemas/guids/{guid}", "lược đồ theo GUID", "a schema by its GUID", one),
		get("schema.ids", "/schemas/guids/{guid}/ids", "mã của lược đồ trong từng ngữ cảnh", "the id of a schema in each context", registryContent(listOf(reference("ContextID")))),
		get("dataset", "/schemas/{dataset}/{version}", "lược đồ của một bộ dữ liệu, đúng từng byte như ce_dataschema nêu", "the schema of a dataset, byte for byte, as ce_dataschema names it", object{"application/schema+json": object{"schema": object{"type": "object"}}}),

		get("subjects", "/subjects", "các chủ thể", "the subjects", names, "subjectPrefix", "deleted", "deletedOnly", "offset", "limit"),
		post("subject.lookUp", "/subjects/{subject}", "tìm phiên bản có đúng lược đồ này", "the version that has this schema", "SchemaRequest", one, "normalize", "deleted"),
		writes(http.MethodDelete, get("subject.delete", "/subjects/{subject}", "xóa một chủ thể; permanent=true lần thứ hai là xóa hẳn", "delete a subject; permanent=true, the second time, for good", numbers, "permanent")),
		get("subject.latestWith", "/subjects/{subject}/metadata", "phiên bản mới nhất có các thuộc tính metadata này", "the latest version with these metadata properties", one, "key", "value", "deleted"),
		get("versions", "/subjects/{subject}/versions", "số của các phiên bản", "the numbers of the versions", numbers, "deleted", "deletedOnly", "deletedAsNegative", "offset", "limit"),
		writes(http.MethodPost, post("subject.register", "/subjects/{subject}/versions", "đăng ký một phiên bản", "register a version", "SchemaRequest", one, "normalize")),
		get("version", "/subjects/{subject}/versions/{version}", "một phiên bản", "a version", one, "deleted"),
		writes(http.MethodDelete, get("version.delete", "/subjects/{subject}/versions/{version}", "xóa một phiên bản", "delete a version", number, "permanent")),
		get("version.text", "/subjects/{subject}/versions/{version}/schema", "chính lược đồ của phiên bản", "the schema of a version itself", schema, "deleted"),
		get("version.referencedBy", "/subjects/{subject}/versions/{version}/referencedby", "mã của các lược đồ tham chiếu nó", "the ids of schemas that refer to it", numbers, "offset", "limit"),

		post("compare.all", "/compatibility/subjects/{subject}/versions", "so với những phiên bản mà mức tương thích xét", "compare with the versions that the level is about", "SchemaRequest", registryContent(reference("Verdict")), "normalize", "verbose"),
		post("compare", "/compatibility/subjects/{subject}/versions/{version}", "so với một phiên bản", "compare with a version", "SchemaRequest", registryContent(reference("Verdict")), "normalize", "verbose"),
	}
	for _, of := range []struct{ id, path, vi, en string }{{".global", "", "cho tất cả", "for all"}, {"", "/{subject}", "của một chủ thể", "of a subject"}} {
		within = append(within,
			get("config"+of.id, "/config"+of.path, "mức tương thích "+of.vi, "the level of compatibility "+of.en, registryContent(reference("Config")), "defaultToGlobal"),
			writes(http.MethodPut, post("config.set"+of.id, "/config"+of.path, "đặt mức tương thích "+of.vi, "set the level of compatibility "+of.en, "ConfigChange", registryContent(reference("ConfigChange")))),
			writes(http.MethodDelete, get("config.delete"+of.id, "/config"+of.path, "bỏ mức riêng "+of.vi, "take the level "+of.en+" away", registryContent(reference("Config")))),
			get("mode"+of.id, "/mode"+of.path, "chế độ "+of.vi, "the mode "+of.en, registryContent(reference("Mode")), "defaultToGlobal"),
			writes(http.MethodPut, post("mode.set"+of.id, "/mode"+of.path, "đặt chế độ "+of.vi, "set the mode "+of.en, "Mode", registryContent(reference("Mode")), "force")),
			writes(http.MethodDelete, get("mode.delete"+of.id, "/mode"+of.path, "bỏ chế độ riêng "+of.vi, "take the mode "+of.en+" away", registryContent(reference("Mode")))),
		)
	}
	out := []operation{
		post("root", "/", "{}", "{}", "", anything),
		get("metadata.id", "/v1/metadata/id", "tên cụm, như client hỏi", "the name of the cluster, as clients ask", anything),
		get("metadata.version", "/v1/metadata/version", "phiên bản chương trình", "the version of the program", registryContent(object{"type": "object", "required": []string{"version"}, "properties": object{"version": object{"type": "string"}, "commitId": object{"type": "string"}}})),
		get("metadata.deployment", "/v1/metadata/deployment", "thuộc tính triển khai: không có", "attributes of the deployment: none", anything),
		get("contexts", "/contexts", "các ngữ cảnh", "the contexts", names, "contextPrefix", "offset", "limit"),
		{id: "context.delete", method: http.MethodDelete, path: "/contexts/{context}", vi: "xóa một ngữ cảnh rỗng", en: "delete an empty context", success: http.StatusNoContent, writes: true},
	}
	for _, op := range within {
		out = append(out, op)
		op.id, op.path = "context."+op.id, "/contexts/{context}"+op.path
		op.vi, op.en = op.vi+", trong một ngữ cảnh", op.en+", within a context"
		out = append(out, op)
	}
	out = append(out, governanceOperations()...)
	for i := range out {
		out[i].tags = []string{tagRegistry}
	}
	return out
}

// parameters are those of queries, by name.
func parameters() object {
	out := object{}
	add := func(name, says string, schema object) {
		out[name] = object{"name": name, "in": "query", "description": says, "schema": schema}
	}
	truth, word, count := object{"type": "boolean"}, object{"type": "string"}, object{"type": "integer"}
	add("subject", "Chủ thể mà ngữ cảnh của nó được xét / the subject in whose context the id is", word)
	add("subjectPrefix", "Tên bắt đầu bằng; :*: là mọi ngữ cảnh / names that begin with it; :*: for all contexts", word)
	add("contextPrefix", "Tên bắt đầu bằng / names that begin with it", word)
	add("deleted", "Kể cả những gì đã xóa mềm / what was soft-deleted, too", truth)
	add("deletedOnly", "Chỉ những gì đã xóa mềm / only what was soft-deleted", truth)
	add("deletedAsNegative", "Số âm cho phiên bản đã xóa mềm / negative numbers for soft-deleted versions", truth)
	add("latestOnly", "Chỉ phiên bản mới nhất của mỗi chủ thể / only the latest version of each subject", truth)
	add("permanent", "Xóa hẳn những gì đã xóa mềm / delete what was soft-deleted for good", truth)
	add("normalize", "Sắp thành viên và tham chiếu trước khi so / sort members and references first", truth)
	add("verbose", "Nêu vì sao không / say why not", truth)
	add("defaultToGlobal", "Nêu cái đang có hiệu lực khi không có cái riêng / what holds where there is none of its own", truth)
	add("force", "Đặt IMPORT dù đã có phiên bản / set IMPORT although there are versions", truth)
	add("fetchMaxId", "Thêm mã lớn nhất đã cấp / add the highest id given", truth)
	add("offset", "Bỏ qua bao nhiêu / how many to pass over", count)
	add("limit", "Nhiều nhất bao nhiêu / how many at most", count)
	many := object{"type": "array", "items": word}
	add("key", "Tên thuộc tính; nêu được nhiều lần / name of a property; may be given several times", many)
	add("value", "Giá trị tương ứng / its value", many)
	return out
}
