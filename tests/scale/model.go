package main

import "math"

// costs are what was measured on one small machine, per row or event; costs.json says when and with what.
type costs struct {
	// Measured says where the figures come from, for the page.
	Measured string `json:"measured"`
	// SnapshotRows, PublishRows and DeliverRows are rows per second: a first load read from tables, a backlog read from the
	// log, and a delivery into PostgreSQL, each with database, broker and truc on two cores.
	SnapshotRows float64 `json:"snapshotRowsPerSecond"`
	PublishRows  float64 `json:"publishRowsPerSecond"`
	DeliverRows  float64 `json:"deliverRowsPerSecond"`
	// BrokerCPU is CPU seconds of the broker per million events, one replica.
	BrokerCPU float64 `json:"brokerCPUSecondsPerMillion"`
	// EventBytes is what an event takes in a partition's log, headers and batch included.
	EventBytes float64 `json:"eventBytes"`
	// SinkBytes is what a delivered row takes at the subscriber, truc's bookkeeping included.
	SinkBytes float64 `json:"sinkBytesPerRow"`
	// NodeMB is the highest resident memory of a node, in MB.
	NodeMB float64 `json:"nodeMB"`
}

// dataset is what people make of it: rows that exist, and changes in a year, both for each inhabitant.
type dataset struct {
	id            string
	rows, changes float64
	why           string
}

// datasets are assumptions, rounded up; who knows better changes the line and renders the page again.
func datasets() []dataset {
	return []dataset{
		{"dancu.congdan", 1, 0.25, "a row a citizen; an address, a paper or a marital status changes every four years"},
		{"cutru.hogiadinh", 0.3, 0.1, "3.4 people to a household; a third of the households changes in a year"},
		{"hotich.khaisinh", 1, 0.02, "registers are being digitised back to 1945; 14 births in a thousand, and corrections"},
		{"hotich.kethon", 0.4, 0.01, "7 marriages in a thousand, and corrections"},
		{"hotich.khaitu", 0.3, 0.008, "6 deaths in a thousand, and corrections"},
		{"doanhnghiep.doanhnghiep", 0.01, 0.01, "a million firms in the country; each changes once a year"},
		{"hokinhdoanh.hokinhdoanh", 0.05, 0.02, "five million household businesses"},
		{"tthc.thutuc", 0.0001, 0.0001, "a few thousand procedures"},
		{"tthc.hoso", 1, 6, "a dossier a head and year, six states each; they are kept for a year"},
		{"vanban.vanban", 0.5, 1.5, "an e-document to two heads and year, three states each"},
		{"datdai.thuadat", 0.5, 0.03, "a parcel to two heads"},
	}
}

// place is a province, or all of them.
type place struct {
	name       string
	population float64
	agencies   float64 // that publish, each all datasets
}

// cluster is the Kafka of the model.
type cluster struct {
	Brokers, Replicas, Partitions float64
	Disk                          float64 // bytes a broker
	Network                       float64 // bytes/s a broker, each direction
	Cores                         float64
	// advised is how many replicas of partitions a broker should hold at most.
	advised float64
}

// usual is three brokers of modest size. A broker of Apache Kafka should hold no more than 4,000 replicas of partitions
// (KIP-578 names the recommendation).
func usual() cluster {
	return cluster{Brokers: 3, Replicas: 3, Partitions: 3, Disk: 2e12, Network: 125e6, Cores: 8, advised: 4000}
}

// Of a year's changes, what falls into its busiest hour: 250 working days of 8 hours, and an hour three times as busy as the
// others.
const (
	workingHours = 250 * 8
	peak         = 3
)

// uncleaned is how much more than the live records a compacted log holds before Kafka cleans it again
// (min.cleanable.dirty.ratio 0.5), and subscribers how many agencies read everything of a place.
const (
	uncleaned   = 2
	subscribers = 10
)

// load is what a place asks of the cluster and of the nodes.
type load struct {
	place
	rows, changes     float64 // of all datasets; a year
	topics            float64
	partitions        float64 // with those of the dead letters
	replicasPerBroker float64
	peakEvents        float64 // per second
	diskPerBroker     float64 // bytes
	in, out           float64 // bytes/s a broker in the busiest hour
	brokerCores       float64 // busy, in the busiest hour
	// firstLoad are seconds for all rows at the measured rate, and paced at 2,000 rows/s from 19:00 to 05:00; deliver those of one
	// subscriber that takes everything.
	firstLoad, paced, deliver float64
	sinkDisk                  float64
}

func (c cluster) carry(p place, of []dataset, m costs) load {
	l := load{place: p}
	for _, d := range of {
		l.rows += d.rows * p.population
		l.changes += d.changes * p.population
	}
	l.topics = p.agencies * float64(len(of))
	// A topic of events has its partitions, that of its dead letters one.
	l.partitions = l.topics * (c.Partitions + 1)
	l.replicasPerBroker = l.partitions * c.Replicas / c.Brokers
	l.peakEvents = peak * l.changes / (workingHours * 3600)
	l.diskPerBroker = l.rows * m.EventBytes * uncleaned * c.Replicas / c.Brokers
	l.in = l.peakEvents * m.EventBytes * c.Replicas / c.Brokers
	l.out = l.peakEvents * m.EventBytes * (c.Replicas - 1 + subscribers) / c.Brokers
	l.brokerCores = l.peakEvents / 1e6 * m.BrokerCPU * (c.Replicas + subscribers) / c.Brokers
	// A province publishes from one machine for each dataset at the most; the largest table decides. All provinces load at
	// once, but what a place has in one table is one reader's work.
	largest := 0.0
	for _, d := range of {
		largest = math.Max(largest, d.rows*p.population/math.Max(p.agencies, 1))
	}
	l.firstLoad = largest / m.SnapshotRows
	l.paced = nights(largest / 2000)
	l.deliver = l.rows / m.DeliverRows
	l.sinkDisk = l.rows * m.SinkBytes
	return l
}

// nights is how many seconds pass until some seconds of work are done that may go on from 19:00 to 05:00 only.
func nights(work float64) float64 {
	const night, day = 10 * 3600, 24 * 3600
	whole := math.Ceil(work/night) - 1
	return whole*day + (work - whole*night)
}

// wall is a resource and how often the load of a place goes into it.
type wall struct {
	what, at string
	times    float64
}

// walls are the resources of a cluster, the nearest first.
func (c cluster) walls(l load, m costs) []wall {
	return []wall{
		{"partitions", number(c.advised) + " replicas a broker", c.advised / l.replicasPerBroker},
		{"disk", size(c.Disk) + " a broker, kept to two thirds", c.Disk * 2 / 3 / l.diskPerBroker},
		{"network out", size(c.Network) + "/s a broker, kept to a half", c.Network / 2 / l.out},
		{"processors of the brokers", number(c.Cores) + " cores a broker, kept to a half", c.Cores / 2 / l.brokerCores},
		{"one publishing process", number(m.PublishRows) + " changes/s", m.PublishRows * l.agencies / l.peakEvents},
		{"one subscribing process that takes everything", number(m.DeliverRows) + " rows/s", m.DeliverRows / l.peakEvents},
	}
}
