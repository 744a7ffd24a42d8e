package openapi

import "net/http"

// governanceOperations are by what people decide about datasets. The registry of a node has them where its configuration names people.
func governanceOperations() []operation {
	refusal := jsonContent(reference("DecisionRefusal"))
	out := []operation{
		{
			id: "governance.datasets", method: http.MethodGet, path: "/governance/datasets", answer: jsonContent(listOf(reference("GovernedDataset"))),
			vi: "các bộ dữ liệu trong thư mục của nút, và đang ở bước nào", en: "the datasets in the folders of the node, and how far they are",
		},
		{
			id: "governance.dataset", method: http.MethodGet, path: "/governance/datasets/{dataset}", answer: jsonContent(reference("GovernedDataset")),
			vi: "lịch sử của một bộ dữ liệu", en: "the history of a dataset",
		},
	}
	for _, step := range []struct{ name, vi, en string }{
		{"propose", "đề nghị công bố bản nháp", "put the draft forward"},
		{"approve", "duyệt đúng văn bản đã đề nghị; người duyệt khác người đề nghị", "approve what was proposed; by another person than proposed it"},
		{"publish", "công bố phiên bản đã duyệt", "publish the approved version"},
		{"deprecate", "báo trước ngày ngừng và bộ dữ liệu thay thế", "announce the end and the successor"},
		{"retire", "ngừng phiên bản đã hết hạn báo trước", "end what was deprecated, when its day has come"},
	} {
		out = append(out, operation{
			id: "governance." + step.name, method: http.MethodPost, path: "/governance/datasets/{dataset}/" + step.name, vi: step.vi, en: step.en,
			body: "Decision", decides: true, answer: jsonContent(reference("GovernedDataset")),
		})
	}
	for i := range out {
		out[i].refusal = refusal
	}
	return out
}

func governanceSchemas() object {
	word := object{"type": "string"}
	said := object{"type": "object", "required": []string{"vi", "en"}, "properties": object{"vi": word, "en": word}}
	state := object{"type": "string", "enum": []string{"draft", "proposed", "approved", "published", "deprecated", "retired"}}
	day := object{"type": "string", "format": "date"}
	return object{
		"Decision": object{
			"type": "object", "additionalProperties": false,
			"properties": object{"why": word, "successor": object{"type": "string", "description": "Khi báo ngừng / of a deprecation"}, "date": day},
		},
		"GovernedDataset": object{
			"type": "object", "required": []string{"dataset", "version", "state"},
			"properties": object{"dataset": word, "version": word, "state": state, "history": listOf(reference("GovernanceStep"))},
		},
		"GovernanceStep": object{
			"type": "object", "required": []string{"format", "state", "version", "by", "at", "sha256"},
			"properties": object{
				"format": object{"type": "integer"}, "state": state, "version": word, "at": object{"type": "string", "format": "date-time"}, "why": word, "sha256": word,
				"by":    object{"type": "object", "required": []string{"name", "email"}, "properties": object{"name": word, "email": word}},
				"types": object{"type": "object", "additionalProperties": word}, "successor": word, "date": day, "previous": word,
			},
		},
		"DecisionRefusal": object{
			"type": "object", "required": []string{"problems"},
			"properties": object{
				"problems": listOf(object{
					"type": "object", "required": []string{"code", "where", "what", "fix"},
					"properties": object{"code": word, "where": word, "what": said, "fix": said, "warning": object{"type": "boolean"}},
				}),
				"comparison": object{"type": "object"},
			},
		},
	}
}
