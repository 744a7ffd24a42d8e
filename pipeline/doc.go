// Package pipeline holds the two loops of truc and what makes them exact.
//
//	OUT (Reader)    source → chunk → translate → hand over in order → sender (fenced) → acknowledged → position saved → source.Ack
//	IN  (Delivery)  partition readers → events → check → translate → sink.Apply (rows and offsets in one transaction)
//
// The topic is the checkpoint: what was published is found by reading the topics, never by trusting memory (recovery.go).
// A position is saved only when everything before it is acknowledged (progress.go), and the source is told only when the
// position is saved.
package pipeline
