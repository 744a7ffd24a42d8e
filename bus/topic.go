package bus

import (
	"fmt"
	"regexp"
	"strings"
)

// The compacted topics in which a node keeps its state, so that it has none of its own.
const (
	PositionsTopic = "truc.positions"
	TotalsTopic    = "truc.totals"
	// UsesTopic says which datasets the agencies' pipelines publish and receive.
	UsesTopic    = "truc.uses"
	SchemasTopic = "truc.schemas"
)

// DLQSuffix is what the topic of a publisher's dead letters adds to the event topic.
const DLQSuffix = ".dlq"

// Slug is an agency identifier as it stands in topic names: "H44.15" → "h44.15".
func Slug(agency string) string { return strings.ToLower(agency) }

// EventTopic is the topic of one dataset of one agency. dataset carries its major version: "hotich.khaisinh.v1".
func EventTopic(dataset, agency string) string { return dataset + "." + Slug(agency) }

// SinkDLQTopic is the topic of a delivery's dead letters: a subscriber cannot write the publisher's.
func SinkDLQTopic(agency, pipeline string) string {
	return "truc.dlq." + Slug(agency) + "." + pipeline
}

var topicForm = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

// CheckTopic reports why a name cannot be a Kafka topic.
func CheckTopic(name string) error {
	if !topicForm.MatchString(name) || name == "." || name == ".." {
		return fmt.Errorf("%q is no topic name: letters without marks, digits, '.', '_' and '-', at most 249", name)
	}
	return nil
}

// MatchAgency reports whether an agency's slug (or identifier) is covered by a pattern: "H44.15" itself, "H26.*" = H26 and
// everything below it, "*" = all.
func MatchAgency(pattern, agency string) bool {
	p, a := Slug(pattern), Slug(agency)
	if p == "*" || p == a {
		return true
	}
	base, ok := strings.CutSuffix(p, ".*")
	return ok && (a == base || strings.HasPrefix(a, base+"."))
}

// AgencyOfTopic returns the slug in an event topic of a dataset; ok is false for other topics, dead letters included.
func AgencyOfTopic(dataset, topic string) (slug string, ok bool) {
	slug, ok = strings.CutPrefix(topic, dataset+".")
	if !ok || slug == "" || strings.HasSuffix(slug, DLQSuffix) {
		return "", false
	}
	return slug, true
}
