//go:build linux

package chaos

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lienthong/truc/tests/servers"
)

// front is a broker of our own making before the real one: it passes everything on, and answers some requests to produce
// otherwise than the broker does. A broker of three nodes would say such things; here there is one.
type front struct {
	addr, target string

	mu    sync.Mutex
	spoil func(topic string) spoiling
	conns map[net.Conn]bool
}

// spoiling is what becomes of a request to produce.
type spoiling struct {
	// refuse answers with an error, and the broker never hears of it.
	refuse int16
	// replace answers with an error although the broker has stored it.
	replace int16
	// lose ends the connection instead of answering, after the broker has stored it.
	lose bool
}

// Kafka's numbers for what a broker may say.
const (
	notEnoughReplicas            = 19
	notEnoughReplicasAfterAppend = 20
)

// newFronted starts a broker and what stands before it. What comes to Addr of the broker passes by the front.
func newFronted(tb testing.TB, settings ...string) (*servers.KafkaServer, *front) {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	behind, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	f := &front{addr: listener.Addr().String(), target: behind.Addr().String(), conns: map[net.Conn]bool{}}
	behind.Close()
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go f.carry(client)
		}
	}()
	tb.Cleanup(func() { listener.Close() })
	kafka := servers.NewKafka(tb, append([]string{
		"listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller},FRONT://" + f.target,
		"advertised.listeners=PLAINTEXT://127.0.0.1:{port},FRONT://" + f.addr,
		"listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,FRONT:PLAINTEXT",
		"inter.broker.listener.name=PLAINTEXT",
		"log.cleaner.backoff.ms=300", // a compaction that is asked for is not waited for
	}, settings...)...)
	return kafka, f
}

// begin spoils requests from now on; nil ends that.
func (f *front) begin(spoil func(topic string) spoiling) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.spoil = spoil
}

// reset ends all connections.
func (f *front) reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.conns {
		c.Close()
	}
}

// expected is an answer that is due on a connection.
type expected struct {
	made  []byte // an answer of ours; nil for the broker's
	spoil spoiling
	major int16 // version of a request to produce
}

func (f *front) carry(client net.Conn) {
	server, err := net.Dial("tcp", f.target)
	if err != nil {
		client.Close()
		return
	}
	f.mu.Lock()
	f.conns[client] = true
	f.mu.Unlock()
	due := make(chan expected, 1000)
	go func() {
		defer server.Close()
		defer client.Close()
		for e := range due {
			frame := e.made
			if frame == nil {
				if frame, err = readFrame(server); err != nil || e.spoil.lose {
					return
				}
				if e.spoil.replace != 0 {
					replaceErrors(frame, e.major, e.spoil.replace)
				}
			}
			if writeFrame(client, frame) != nil {
				return
			}
		}
	}()
	defer func() {
		close(due)
		server.Close()
		client.Close()
		f.mu.Lock()
		delete(f.conns, client)
		f.mu.Unlock()
	}()
	for {
		frame, err := readFrame(client)
		if err != nil {
			return
		}
		e := f.judge(frame)
		due <- e
		if e.made == nil && writeFrame(server, frame) != nil {
			return
		}
	}
}

// judge decides what becomes of a request.
func (f *front) judge(frame []byte) expected {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := reader{frame, 0, nil}
	key, version, correlation := r.int16(), r.int16(), r.take(4)
	if f.spoil == nil || key != 0 || version < 3 || version > 8 {
		return expected{}
	}
	r.text()  // client
	r.text()  // transactional id
	r.take(2) // acks
	r.take(4) // timeout
	answer := append([]byte(nil), correlation...)
	var of spoiling
	topics := r.int32()
	answer = binary.BigEndian.AppendUint32(answer, uint32(topics))
	for range topics {
		topic := r.text()
		of = f.spoil(topic)
		answer = append(binary.BigEndian.AppendUint16(answer, uint16(len(topic))), topic...)
		partitions := r.int32()
		answer = binary.BigEndian.AppendUint32(answer, uint32(partitions))
		for range partitions {
			answer = append(answer, r.take(4)...)
			r.take(int(r.int32()))
			answer = binary.BigEndian.AppendUint16(answer, uint16(of.refuse))
			answer = binary.BigEndian.AppendUint64(answer, ^uint64(0)) // base offset
			answer = binary.BigEndian.AppendUint64(answer, ^uint64(0)) // time of the append
			if version >= 5 {
				answer = binary.BigEndian.AppendUint64(answer, ^uint64(0)) // start of the log
			}
			if version >= 8 {
				answer = append(answer, 0, 0, 0, 0, 0xff, 0xff) // no errors of records, no message
			}
		}
	}
	if r.err != nil {
		return expected{}
	}
	if of.refuse != 0 {
		return expected{made: append(answer, 0, 0, 0, 0)} // not throttled
	}
	return expected{spoil: of, major: version}
}

// replaceErrors puts an error into each partition of an answer.
func replaceErrors(frame []byte, version, code int16) {
	r := reader{frame, 4, nil}
	for range r.int32() {
		r.text()
		for range r.int32() {
			r.take(4)
			if at := r.take(2); r.err == nil {
				binary.BigEndian.PutUint16(at, uint16(code))
			}
			r.take(16)
			if version >= 5 {
				r.take(8)
			}
			if version >= 8 {
				for range r.int32() {
					r.take(4)
					r.text()
				}
				r.text()
			}
		}
	}
}

// reader reads what Kafka's protocol is made of.
type reader struct {
	from []byte
	at   int
	err  error
}

func (r *reader) take(n int) []byte {
	if r.err != nil || n < 0 || r.at+n > len(r.from) {
		r.err = errors.New("the frame is too short")
		return make([]byte, max(n, 0))
	}
	r.at += n
	return r.from[r.at-n : r.at]
}

func (r *reader) int16() int16 { return int16(binary.BigEndian.Uint16(r.take(2))) }
func (r *reader) int32() int32 { return int32(binary.BigEndian.Uint32(r.take(4))) }

func (r *reader) text() string {
	n := r.int16()
	if n < 0 {
		return ""
	}
	return string(r.take(int(n)))
}

func readFrame(c net.Conn) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(c, size[:]); err != nil {
		return nil, err
	}
	frame := make([]byte, binary.BigEndian.Uint32(size[:]))
	_, err := io.ReadFull(c, frame)
	return frame, err
}

func writeFrame(c net.Conn, frame []byte) error {
	_, err := c.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(frame))), frame...))
	return err
}

// answers are faults of what a broker says.
func answers() []fault {
	// some spoils every third request or so to topics of events and of truc, for a while.
	spoiled := func(name string, with spoiling) fault {
		return fault{name: name, mechanism: answered, inject: func(o *office) error {
			n := 0
			o.world.front.begin(func(string) spoiling {
				if n++; n%(2+n%3) == 0 {
					return with
				}
				return spoiling{}
			})
			o.pause(500*time.Millisecond, 3*time.Second)
			o.world.front.begin(nil)
			o.note("%d requests to produce came", n)
			return nil
		}}
	}
	return []fault{
		spoiled("broker says: not enough replicas after the append", spoiling{replace: notEnoughReplicasAfterAppend}),
		spoiled("broker says: not enough replicas", spoiling{refuse: notEnoughReplicas}),
		spoiled("answers of the broker lost", spoiling{lose: true}),
		{name: "connections to the broker reset", mechanism: waits, inject: func(o *office) error { o.world.front.reset(); return nil }},
		{name: "dead-letter topic cannot be written", mechanism: letters, inject: (*office).lettersRefused},
		{name: "publisher killed while the broker refuses events", mechanism: afterSave, inject: (*office).eventsRefused},
	}
}

// eventsRefused has the broker take everything but events, positions too, and kills the publisher while that lasts.
func (o *office) eventsRefused() error {
	o.world.front.begin(func(topic string) spoiling {
		if topic == o.topic {
			return spoiling{refuse: notEnoughReplicas}
		}
		return spoiling{}
	})
	o.pause(time.Second, 2500*time.Millisecond)
	o.pub.kill()
	o.world.front.begin(nil)
	o.pub.start()
	return nil
}

// lettersRefused has a row become a dead letter that cannot be stored, and kills the publisher while that lasts: nothing that
// comes later may be taken for published meanwhile.
func (o *office) lettersRefused() error {
	o.world.front.begin(func(topic string) spoiling {
		if strings.HasSuffix(topic, ".dlq") {
			return spoiling{refuse: notEnoughReplicas}
		}
		return spoiling{}
	})
	o.unfit++
	so := fmt.Sprintf("0.%d", o.unfit)
	err := o.closed(func() error {
		return execute(o.tb.Context(), o.source, "INSERT INTO khai_sinh (so, nguoi_ky, ho_ten) VALUES ('"+so+"', 'Người ký 1', '')")
	})
	if err == nil {
		o.book.refuse(so)
	}
	o.pause(500*time.Millisecond, 2*time.Second)
	if o.rng.IntN(2) == 0 {
		o.pub.kill()
		o.pub.start()
		o.note("killed while the letter waits")
	}
	o.pause(500*time.Millisecond, 2*time.Second)
	o.world.front.begin(nil)
	return err
}
