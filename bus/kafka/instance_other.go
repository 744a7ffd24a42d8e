//go:build !linux

package kafka

// locate leaves Boot empty: of no other process it is known whether it has ended.
func locate(*Instance) {}

func startOf(int) (start string, alive bool) { return "", true }
