// Package registry keeps versions of JSON Schemas under subjects, by the rules of Confluent Schema Registry: ids, references,
// compatibility, modes, contexts, soft and hard deletion. It knows neither HTTP nor Kafka: its memory is a Log, of which
// several registries may hold the same one, and it knows nothing that is not there.
//
//	write: decide (in the caller) → batch (one goroutine) → Log.Append → state → answer
//	read:  state, which Log.Follow keeps up with what others write
package registry
