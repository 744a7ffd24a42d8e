// Package registry keeps versions of JSON Schemas under subjects, by the rules of Confluent Schema Registry: ids, references,
// compatibility, modes, contexts, soft and hard deletion. It knows neither HTTP nor Kafka: its memory is a Log, of which
// several registries may hold the same one, and everything that it knows comes back from there.
//
//	write: decide (in the caller) → batch (one goroutine) → Log.Append → … → Log.Follow → state → answer
//	read:  state
package registry
