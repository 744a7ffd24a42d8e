package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/tests/nodes"
	"github.com/lienthong/truc/tests/servers"
	"github.com/lienthong/truc/tests/workload"
)

// BenchmarkBuilds compares builds of truc, to see what a change is worth: each drains the same backlog and takes the same
// snapshot, in turn. machine-s/Mrow is what the whole machine computed meanwhile, PostgreSQL and Kafka included.
//
//	TRUC_BENCH_BUILDS=/tmp/truc-before,/tmp/truc-after go test -run='^$' -bench=Builds -benchtime=1x ./tests/bench
func BenchmarkBuilds(b *testing.B) {
	list := os.Getenv("TRUC_BENCH_BUILDS")
	if list == "" {
		b.Skip("TRUC_BENCH_BUILDS names no builds to compare")
	}
	rows := backlog(b)
	dsn := servers.NewPostgres(b).Database(b)
	execute(b, dsn, workload.CreateTable)
	broker := servers.NewKafka(b)
	var builds []*build
	for i, binary := range strings.Split(list, ",") {
		one := &build{node: newNode(b, binary, broker.Addr, "", ""), name: filepath.Base(binary)}
		one.become(fmt.Sprintf("%s.%03d", workload.Agency, i+1), dsn)
		builds = append(builds, one)
	}
	for _, one := range builds {
		settle(b, one.node, dsn)
	}
	for round := range rounds + 1 {
		load(b, dsn, round*rows, rows)
		name := "drain/"
		if round == 0 {
			name = "warm-up of the broker/" // it compiles itself meanwhile
		}
		for i := range builds {
			one := builds[(i+round)%len(builds)]
			b.Run(name+one.name, func(b *testing.B) { one.publish(b, dsn, rows) })
		}
	}
	for round := range rounds {
		for i := range builds {
			one := builds[(i+round)%len(builds)]
			one.become(fmt.Sprintf("%s.%03d", workload.Agency, 100+10*round+(i+round)%len(builds)), dsn)
			b.Run("snapshot/"+one.name, func(b *testing.B) { one.publish(b, dsn, (rounds+1)*rows) })
		}
	}
}

// build is one of several builds of truc that do the same work.
type build struct {
	*node

	name string
}

// become makes it the node of an agency that has published nothing.
func (n *build) become(agency, dsn string) {
	n.slot = "truc_" + strings.ToLower(strings.ReplaceAll(agency, ".", "_")) + "_dancu"
	n.of, n.end = partitionsOf(bus.EventTopic(workload.Dataset, agency)), 0
	n.write("truc.yaml", fmt.Sprintf("agency: %s\nregistry: { url: https://chuan.vidu.example/ }\nhttp: { listen: 127.0.0.1:0 }\nbus: { kafka: { brokers: [%q], replication: 1 } }\n"+
		"sources: { dancu: { postgres: { dsn: %q } } }\npublish: { congdan: { source: dancu, mapping: %s } }\n", agency, n.address, dsn, workload.Mapping))
}

// publish measures it from the start of its process until so many records more are on its topic.
func (n *build) publish(b *testing.B, dsn string, rows int) {
	conn := connect(b, dsn)
	defer conn.Close(context.WithoutCancel(b.Context()))
	execute(b, dsn, "CHECKPOINT")
	before := nodes.Machine(b)
	r := n.start()
	defer r.stop()
	client := r.client()
	defer client.Close()
	var end time.Time
	r.until("publish everything", func() (bool, error) {
		now, err := topicEnd(b.Context(), client, n.of...)
		end = time.Now()
		return now >= n.end+int64(rows), err
	})
	b.StopTimer()
	machine := nodes.Machine(b) - before
	report(b, rows, end.Sub(r.started), r.usage())
	b.ReportMetric(machine.Seconds()*1e6/float64(rows), "machine-s/Mrow")
	r.catchUp(conn)
	r.note(b)
}
