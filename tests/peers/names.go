package main

// The measures, as they are called in the raw data and by -only.
const (
	Inserts  = "inserts"
	Kill     = "kill"
	Snapshot = "snapshot"
	Latency  = "latency"
	Delivery = "delivery"
	AtOnce   = "transaction"
	Start    = "start"
	Updates  = "updates"
	Mix      = "mix"
	Small    = "small"
	Large    = "large"
	Huge     = "huge"
	Raw      = "producer"

	// Latency and Delivery have two parts each.
	Latency1k = "latency-1000"
	Latency5k = "latency-5000"
	Empty     = "delivery-empty"
	Filled    = "delivery-filled"
)
