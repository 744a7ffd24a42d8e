package main

import "strings"

// section is one measure on the page.
type section struct {
	measure  string
	title    string
	text     string // {n} stands for the number of rows
	columns  []column
	pictures []picture
}

type column struct {
	title  string
	value  string
	format func(float64) string
}

// picture is a chart of one or two values of every contestant.
type picture struct {
	file   string
	title  string
	unit   string
	better string
	values []column // their titles tell bars of one contestant apart where there are two
}

func (p picture) chart(b *Book, s section) *Chart {
	c := &Chart{Title: p.title, Unit: p.unit, Better: p.better, Format: p.values[0].format}
	for _, name := range b.Contestants(s.measure) {
		for _, v := range p.values {
			values := b.Values(s.measure, name, v.value)
			if len(values) == 0 {
				continue
			}
			label := name
			if len(p.values) > 1 {
				label += ", " + v.title
			}
			c.Bars = append(c.Bars, Bar{Label: label, Ours: strings.HasPrefix(name, Truc), Values: values})
		}
	}
	return c
}

func rateOf(file, title string) picture {
	return picture{file, title, "rows a second", "more is better", []column{{"", Rate, number}}}
}

// sections are the measures in the order of the page.
func sections() []section {
	rate := []column{
		{"rows/s", Rate, number},
		{"second half", RateWarm, number},
		{"from the start of the process", RateStart, number},
		{"CPU s a million", CPU, decimal},
		{"peak MiB", Peak, number},
		{"B an event", Bytes, number},
	}
	latencies := []column{{"p50 ms", P50, decimal}, {"p99 ms", P99, decimal}, {"longest ms", Longest, decimal}, {"tx/s reached", Achieved, number}}
	latencyOf := func(file, title string) []picture {
		return []picture{{file, title, "milliseconds", "less is better", []column{{"p50", P50, decimal}, {"p99", P99, decimal}}}}
	}
	return []section{
		{Inserts, "A backlog of inserts", "{n} rows of about 390 B, in transactions of 1,000, wait in the log. Rows/s count from the first event to the last. " +
			"\"truc, again\" is the control: the same as \"truc\", in the same rounds. truc translates every row into a document and checks it against a JSON " +
			"Schema; \"plain copy\" copies the 21 columns. `pg_recvlogical` writes what the server sends into a file.", rate, []picture{
			rateOf("inserts.svg", "Backlog of inserts"),
			{"inserts-cpu.svg", "Backlog of inserts: CPU of the tool", "CPU seconds a million rows", "less is better", []column{{"", CPU, decimal}}},
			{"inserts-memory.svg", "Backlog of inserts: peak memory of the tool", "MiB resident (VmHWM)", "less is better", []column{{"", Peak, number}}},
		}},
		{Kill, "`kill -9` in the middle", "{n} inserts; the process is killed when half of them are on the topic, and started again at once. The topic is then read and " +
			"counted by key.", []column{
			{"duplicates", Duplicates, number}, {"lost", Lost, number}, {"killed at event", KilledAt, number}, {"s until it goes on", GoOn, decimal},
		}, []picture{{"kill.svg", "Duplicates after kill -9", "events published twice", "less is better", []column{{"", Duplicates, number}}}}},
		{
			Snapshot, "The first snapshot", "A table of {n} rows is read for the first time. `COPY` is the server's own pace: text, thrown away by the client.", rate,
			[]picture{rateOf("snapshot.svg", "First snapshot")},
		},
		{
			Latency1k, "Latency, 1,000 transactions a second", "{n} inserts, each a transaction, from eight sessions; from the moment in which the client knows of the commit " +
				"to the moment in which a consumer has the event. truc has one and the same settings everywhere on this page.", latencies,
			latencyOf("latency-1000.svg", "Latency at 1,000 transactions a second"),
		},
		{
			Latency5k, "Latency, 5,000 transactions a second", "The same at five times the rate, {n} inserts, in the same processes.", latencies,
			latencyOf("latency-5000.svg", "Latency at 5,000 transactions a second"),
		},
		{
			Empty, "From the topic to an empty table", "{n} events. truc translates documents into the columns of the subscriber and writes rows, bookkeeping and offsets in one " +
				"transaction; Debezium's JDBC sink upserts the columns of its source. The ceilings: `COPY`, and one statement from a staging table.", rate[:5],
			[]picture{rateOf("delivery-empty.svg", "Topic to table, empty")},
		},
		{Filled, "From the topic to a filled table", "{n} updates of rows that are all there.", rate[:5], []picture{rateOf("delivery-filled.svg", "Topic to table, filled")}},
		{AtOnce, "One large transaction", "{n} inserts in a single transaction.", rate, []picture{
			rateOf("transaction.svg", "One large transaction"),
			{"transaction-memory.svg", "One large transaction: peak memory of the tool", "MiB resident (VmHWM)", "less is better", []column{{"", Peak, number}}},
		}},
		{Start, "Start, and doing nothing", "From the start of the process to its first event, with one change waiting; then what it uses while nothing changes.", []column{
			{"s to the first event", FirstEvent, decimal2}, {"idle MiB", IdleRSS, number}, {"idle CPU s an hour", IdleCPU, number},
		}, []picture{{"start.svg", "Start of the process to its first event", "seconds", "less is better", []column{{"", FirstEvent, decimal2}}}}},
		{Updates, "A backlog of updates", "{n} updates.", rate, []picture{rateOf("updates.svg", "Backlog of updates")}},
		{Mix, "A backlog of all three", "{n} changes: of five, two are inserts, two updates, one a deletion.", rate, []picture{rateOf("mix.svg", "Backlog of inserts, updates and deletions")}},
		{Small, "Rows of 200 B", "{n} inserts; every tool copies the columns.", rate, []picture{rateOf("small.svg", "Rows of 200 B")}},
		{Large, "Rows of 1 kB", "{n} inserts; every tool copies the columns.", rate, []picture{rateOf("large.svg", "Rows of 1 kB")}},
		{
			Huge, "Rows of 16 kB", "{n} inserts; every tool copies the columns, one of them a text that does not compress and that PostgreSQL keeps outside the row.", rate,
			[]picture{rateOf("huge.svg", "Rows of 16 kB")},
		},
		{
			Raw, "A raw producer", "{n} messages of 600 B by a client that does nothing else, acks of all replicas: what the broker takes.",
			[]column{{"messages/s", Rate, number}},
			[]picture{rateOf("producer.svg", "Raw producer")},
		},
	}
}

// fairness closes the page.
const fairness = `
### What is the same, and what is not

The same for all: table, rows, transactions, topic with three partitions on one broker, acks of all replicas, no compression, PostgreSQL with ` + "`fsync=off`" + ` and
` + "`synchronous_commit=on`" + ` and without checkpoints or autovacuum in between, everything on loopback. Every contestant drains the same backlog, from a slot made before it was
loaded, in turn; the order moves on by one each round. The broker has taken two million other messages before, and the inserts have a round
before the first that does not count: until it has seen some four million events of a kind, Kafka compiles what it does with them. What is on the topic is counted by kcat.

Unfair to truc: it translates, checks, fences and puts CloudEvents headers on every event while Debezium copies columns; its documents are larger than the rows.

Unfair to Debezium: its process starts cold, and a Java program of a few seconds is still being compiled (see the column of the second half); its envelope says more than
truc's event (source, position, old row); one could give it Avro with a registry, more partitions of work with several connectors, a heap beyond the 2 GB of Kafka's own
script, a JVM with other collectors. "As shipped" sets nothing that need not be set; "tuned" has ` + "`max.batch.size=20000`, `max.queue.size=100000`, `poll.interval.ms=50`,\n`linger.ms=50`, `batch.size=1000000`" + `, no tombstones, and for rows of 16 kB a tenth of batch and queue,
which would not fit into its heap; "for latency" ` + "`poll.interval.ms=5`, `linger.ms=0`" + `. Connect flushes offsets every 10 s, as the file that comes with Kafka says; a
shorter interval makes fewer duplicates after a kill, never none. The JDBC sink reads flat records with their schemas beside them, one task, batches of 2,000.

Both: two cores are shared by database, broker and tool, so that the database is often what limits the faster ones; other machines give other ratios.

### What we lose

truc reads PostgreSQL and SQLite; Debezium reads a dozen databases, and Kafka Connect has hundreds of connectors. Where text is in a legacy encoding, translating costs more than
anything else on this page (see ` + "`make bench`" + `). Snapshots with several tables at once are read one after the other.
`

func decimal2(v float64) string { return strings.TrimSuffix(times2(v), " ×") }
