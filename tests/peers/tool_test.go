//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/tests/nodes"
	"github.com/lienthong/truc/tests/servers"
	"github.com/lienthong/truc/tests/workload"
)

// partitions is how many partitions every topic has.
const partitions = 3

// tool is a contestant that is a process and publishes to a topic.
type tool interface {
	start()
	stop() // in order: it saves where it stands
	kill()
	usage() nodes.Usage
	check() error // why it does not work
	topic() string
	slot() string
	before() place
}

// place is what is on a topic.
type place struct {
	end   int64 // sum of the end offsets, markers included
	count int   // events
}

// trucTool is a truc with one source or one sink.
type trucTool struct {
	m      *measuring
	config string
	agency string
	to     string // its event topic
	port   int    // of its embedded bus, 0 with Kafka
	node   *nodes.Node
	was    place // when it was settled
}

// newTruc makes a node that publishes the table of citizens by a mapping. Its agency is new: nothing of it is anywhere.
func (m *measuring) newTruc(dsn, mapping string, embedded bool) *trucTool {
	m.t.Helper()
	n := m.newNode()
	dataset := workload.Dataset
	if mapping == workload.PlainMapping {
		dataset = workload.PlainDataset
	}
	n.to = bus.EventTopic(dataset, n.agency)
	if embedded {
		n.port = freePort(m.t)
	}
	n.configure(fmt.Sprintf("sources: { dancu: { postgres: { dsn: %q } } }\npublish: { congdan: { source: dancu, mapping: %s } }\n", dsn, mapping))
	return n
}

// newSubscriber makes a node that delivers the events of another to a table.
func (m *measuring) newSubscriber(from *trucTool, dsn string) *trucTool {
	m.t.Helper()
	n := m.newNode()
	n.configure(fmt.Sprintf("sinks: { nhan: { postgres: { dsn: %q } } }\nsubscribe: { nguoidan: { agencies: [%s], sink: nhan, mapping: %s } }\n",
		dsn, from.agency, workload.SinkMapping))
	return n
}

func (m *measuring) newNode() *trucTool {
	m.t.Helper()
	dir := m.t.TempDir()
	if err := workload.Write(dir); err != nil {
		m.t.Fatal(err)
	}
	return &trucTool{m: m, config: filepath.Join(dir, "truc.yaml"), agency: fmt.Sprintf("%s.%03d", workload.Agency, m.next())}
}

func (n *trucTool) configure(rest string) {
	n.m.t.Helper()
	to := fmt.Sprintf("{ kafka: { brokers: [%q], replication: 1 } }", n.m.broker.Addr)
	if n.port != 0 {
		to = fmt.Sprintf("{ embedded: { dir: bus, port: %d } }", n.port)
	}
	text := fmt.Sprintf("agency: %s\nregistry: { url: https://chuan.vidu.example/ }\ndatasets: [%s]\nhttp: { listen: 127.0.0.1:0 }\nbus: %s\n%s",
		n.agency, workload.Datasets, to, rest)
	if err := os.WriteFile(n.config, []byte(text), 0o600); err != nil {
		n.m.t.Fatal(err)
	}
}

func (n *trucTool) start()             { n.node = nodes.Start(n.m.t, n.config) }
func (n *trucTool) kill()              { n.node.Kill() }
func (n *trucTool) usage() nodes.Usage { return n.node.Usage(n.m.t) }
func (n *trucTool) topic() string      { return n.to }
func (n *trucTool) before() place      { return n.was }
func (n *trucTool) slot() string {
	return "truc_" + strings.ReplaceAll(strings.ToLower(n.agency), ".", "_") + "_dancu"
}

func (n *trucTool) stop() {
	n.node.Signal(syscall.SIGTERM)
	select {
	case <-n.node.Done():
	case <-time.After(30 * time.Second):
		n.node.Kill()
		n.m.t.Errorf("truc did not stop within 30 s; its log:\n%s", n.node.Log.Tail(20))
	}
}

func (n *trucTool) check() error {
	if n.node.Ended() {
		return fmt.Errorf("truc ended with code %d; its log:\n%s", n.node.ExitCode(), n.node.Log.Tail(20))
	}
	return nil
}

// profile is a way of setting Debezium up.
type profile struct {
	connector []string
	worker    []string
}

// asShipped sets what must be set and leaves the rest alone. offset.flush.interval.ms is that of the worker's file that
// comes with Kafka.
func asShipped() profile {
	return profile{worker: []string{"offset.flush.interval.ms=10000"}}
}

// forThroughput is what one would change for a high rate.
func forThroughput() profile {
	p := asShipped()
	p.connector = []string{
		"max.batch.size=20000", "max.queue.size=100000", "poll.interval.ms=50", "producer.override.linger.ms=50",
		"producer.override.batch.size=1000000", "tombstones.on.delete=false",
	}
	return p
}

// forLatency is what one would change for short ways.
func forLatency() profile {
	p := asShipped()
	p.connector = []string{"poll.interval.ms=5", "producer.override.linger.ms=0"}
	return p
}

// flat leaves only the new row in an event and puts its schema beside it: what Debezium's JDBC sink wants.
func flat() profile {
	p := forThroughput()
	p.connector = append(p.connector, "transforms=unwrap", "transforms.unwrap.type=io.debezium.transforms.ExtractNewRecordState")
	p.worker = append(p.worker, "key.converter.schemas.enable=true", "value.converter.schemas.enable=true")
	return p
}

// debezium is a Connect worker with the PostgreSQL connector.
type debezium struct {
	m      *measuring
	name   string
	worker *servers.Connect
}

// newDebezium makes a connector that captures the table of citizens; snapshot is "no_data" or "initial". Its topic and the
// publication dbz must be there.
func (m *measuring) newDebezium(dsn, snapshot string, p profile) *debezium {
	m.t.Helper()
	d := &debezium{m: m, name: fmt.Sprintf("dbz%d", m.next())}
	host, port, user, password, name := database(m.t, dsn)
	m.createTopic(d.topic())
	d.worker = servers.NewConnect(m.t, append(m.worker(), p.worker...), append([]string{
		"name=" + d.name, "connector.class=io.debezium.connector.postgresql.PostgresConnector", "tasks.max=1", "plugin.name=pgoutput",
		"database.hostname=" + host, "database.port=" + port, "database.user=" + user, "database.password=" + password, "database.dbname=" + name,
		"topic.prefix=" + d.name, "table.include.list=public." + workload.Table, "slot.name=" + d.name,
		"publication.name=dbz", "publication.autocreate.mode=disabled", "snapshot.mode=" + snapshot,
		"message.prefix.exclude.list=.*", // those of settle
	}, p.connector...))
	return d
}

// worker are the properties of every worker; the last of several values of one property counts.
func (m *measuring) worker() []string {
	return []string{
		"bootstrap.servers=" + m.broker.Addr,
		"key.converter=org.apache.kafka.connect.json.JsonConverter", "value.converter=org.apache.kafka.connect.json.JsonConverter",
		"key.converter.schemas.enable=false", "value.converter.schemas.enable=false", "connector.client.config.override.policy=All",
	}
}

func (d *debezium) start()        { d.worker.Start() }
func (d *debezium) stop()         { d.worker.Stop() }
func (d *debezium) kill()         { d.worker.Kill() }
func (d *debezium) check() error  { return d.worker.Check(d.m.ctx, d.name) }
func (d *debezium) topic() string { return d.name + ".public." + workload.Table }
func (d *debezium) slot() string  { return d.name }
func (d *debezium) before() place { return place{} } // its topic is emptied

func (d *debezium) usage() nodes.Usage {
	d.m.t.Helper()
	u, err := nodes.UsageOf(d.worker.PID())
	if err != nil {
		d.m.t.Fatal(err)
	}
	return u
}

// jdbcSink is a Connect worker with Debezium's JDBC sink.
type jdbcSink struct {
	debezium

	from string
}

func (m *measuring) newJDBCSink(from *debezium, dsn string) *jdbcSink {
	m.t.Helper()
	host, port, user, password, name := database(m.t, dsn)
	s := &jdbcSink{debezium: debezium{m: m, name: fmt.Sprintf("jdbc%d", m.next())}, from: from.topic()}
	s.worker = servers.NewConnect(m.t, append(m.worker(), "key.converter.schemas.enable=true", "value.converter.schemas.enable=true",
		"offset.flush.interval.ms=10000"), []string{
		"name=" + s.name, "connector.class=io.debezium.connector.jdbc.JdbcSinkConnector", "tasks.max=1", "topics=" + from.topic(),
		"connection.url=jdbc:postgresql://" + host + ":" + port + "/" + name, "connection.username=" + user, "connection.password=" + password,
		"insert.mode=upsert", "primary.key.mode=record_key", "schema.evolution=none", "collection.name.format=" + workload.Table,
		"batch.size=2000", "consumer.override.max.poll.records=2000",
	})
	return s
}

// client is a client of the bus that a tool publishes to.
func (m *measuring) client(t tool) *kafka.Client {
	m.t.Helper()
	n, ok := t.(*trucTool)
	if !ok || n.port == 0 {
		return m.bus
	}
	client, err := kafka.New(kafka.Config{Brokers: []string{fmt.Sprintf("127.0.0.1:%d", n.port)}})
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(client.Close)
	return client
}

// address is that of the bus that a tool publishes to.
func (m *measuring) address(t tool) string {
	if n, ok := t.(*trucTool); ok && n.port != 0 {
		return fmt.Sprintf("127.0.0.1:%d", n.port)
	}
	return m.broker.Addr
}

// end is the sum of the end offsets of a topic, 0 while there is none. Beside events it counts a few transaction markers,
// which every start of truc leaves behind.
func (m *measuring) end(client *kafka.Client, topic string) int64 {
	ctx, cancel := context.WithTimeout(m.ctx, 10*time.Second)
	defer cancel()
	sum := int64(0)
	var all []kafka.TopicPartition
	for p := range partitions {
		all = append(all, kafka.TopicPartition{Topic: topic, Partition: int32(p)})
	}
	ranges, err := client.Ranges(ctx, all...)
	if err != nil {
		return 0
	}
	for _, r := range ranges {
		sum += r.End
	}
	return sum
}
