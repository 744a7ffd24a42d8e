package openapi

import (
	"maps"
	"net/http"

	"github.com/lienthong/truc/portal"
)

// withPage adds the page to what the registry answers at the same place.
func withPage(content object) object {
	maps.Copy(content, plainContent("text/html"))
	return content
}

// operations are all of them; shapes gets the schemas that they refer to.
func operations(s *shapes) []operation {
	both := []string{tagNode, tagRegistry}
	out := []operation{
		{
			id: "openapi", method: http.MethodGet, path: "/openapi.json", tags: both, vi: "tài liệu này", en: "this document",
			answer: jsonContent(object{"type": "object"}),
		},
		{
			id: "health", method: http.MethodGet, path: "/healthz", tags: both, vi: "tiến trình còn sống", en: "the process lives",
			answer: plainContent("text/plain"),
		},
		{
			id: "readiness", method: http.MethodGet, path: "/readyz", tags: both, vi: "mọi luồng đang chạy; kho lược đồ đã đọc chủ đề", en: "every pipeline runs; the registry has read its topic",
			answer: jsonContent(reference("Readiness")), errors: map[int]string{http.StatusServiceUnavailable: "Chưa, và vì sao / not so, and why"},
		},
		{
			id: "page", method: http.MethodGet, path: "/", tags: both, vi: "trang của nút; ở kho lược đồ: {}", en: "the page of the node; at the registry: {}",
			answer: withPage(registryContent(object{"type": "object", "maxProperties": 0})),
		},
		{
			id: "status", method: http.MethodGet, path: "/api/status", tags: []string{tagNode}, vi: "trạng thái của nút, như truc status --json", en: "what the node does, as truc status --json has it",
			answer: jsonContent(shapeOf[portal.Status](s)),
		},
		{
			id: "metrics", method: http.MethodGet, path: "/metrics", tags: []string{tagNode}, vi: "số đo cho Prometheus", en: "metrics for Prometheus",
			answer: plainContent("text/plain"),
		},
		{
			id: "asset", method: http.MethodGet, path: "/assets/{file}", tags: []string{tagNode}, vi: "tệp của trang", en: "a file of the page",
			answer: object{"text/css": object{}, "text/javascript": object{}, "image/svg+xml": object{}},
		},
		{
			id: "icon", method: http.MethodGet, path: "/favicon.ico", tags: []string{tagNode}, vi: "biểu tượng", en: "the icon", success: http.StatusFound,
		},
	}
	for _, lang := range []struct{ code, vi, en string }{{"vi", "trang bằng tiếng Việt", "the page in Vietnamese"}, {"en", "trang bằng tiếng Anh", "the page in English"}} {
		out = append(out,
			operation{id: "page." + lang.code, method: http.MethodGet, path: "/" + lang.code, tags: []string{tagNode}, vi: lang.vi, en: lang.en, answer: plainContent("text/html")},
			operation{
				id: "events." + lang.code, method: http.MethodGet, path: "/" + lang.code + "/events", tags: []string{tagNode},
				vi: "những gì thay đổi trên trang (Server-Sent Events)", en: "what changes on the page (Server-Sent Events)", answer: plainContent("text/event-stream"),
			})
	}
	s.schemas["Readiness"] = object{
		"type": "object", "required": []string{"ready"},
		"properties": object{
			"ready":    object{"type": "boolean"},
			"notReady": nullable(listOf(shapeOf[portal.NotReady](s))),
			"paused":   nullable(listOf(shapeOf[portal.Paused](s))),
			"standby":  nullable(listOf(object{"type": "string"})),
		},
	}
	return append(out, registryOperations()...)
}
