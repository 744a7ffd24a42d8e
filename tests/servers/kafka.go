package servers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
)

// kafkaVersion names the cache directory; tests/scripts/kafka/pom.xml fetches the same version.
const kafkaVersion = "4.3.1"

// KafkaServer is an Apache Kafka of one node (KRaft, broker and controller in one) that a test may use. Topics are never
// created by use; groups form without delay.
type KafkaServer struct {
	// Addr is the bootstrap address, "127.0.0.1:19092".
	Addr string
	// DataDir holds the directories of the partitions, "" for a server handed in by the environment.
	DataDir string

	tb      testing.TB
	broker  *broker // nil for a server handed in by the environment
	private bool
}

// Kafka returns the broker that all tests of the process share: the one of TRUC_TEST_KAFKA, or one started at first use.
// A test names its topics and groups so that no other test has them, and does not stop the broker.
func Kafka(tb testing.TB) *KafkaServer {
	tb.Helper()
	notShort(tb)
	if addr := os.Getenv("TRUC_TEST_KAFKA"); addr != "" {
		return &KafkaServer{Addr: addr, tb: tb}
	}
	b, err := sharedBroker.get(func() (*broker, error) { return newBroker(context.Background(), nil) })
	if err != nil {
		giveUp(tb, err)
	}
	return &KafkaServer{Addr: b.addr(), DataDir: b.logs(), tb: tb, broker: b}
}

// NewKafka starts a broker of the test's own, with settings such as "message.max.bytes=2000" over those of the shared
// one, in which {port} and {controller} stand for the ports it listens on; it ends with the test. It costs some seconds and
// 400 MB of memory.
func NewKafka(tb testing.TB, settings ...string) *KafkaServer {
	tb.Helper()
	notShort(tb)
	b, err := newBroker(tb.Context(), settings)
	if err != nil {
		giveUp(tb, err)
	}
	tb.Cleanup(b.close)
	return &KafkaServer{Addr: b.addr(), DataDir: b.logs(), tb: tb, broker: b, private: true}
}

// Stop shuts a private broker down in order.
func (s *KafkaServer) Stop() {
	s.tb.Helper()
	s.own("Stop").stop()
}

// Kill ends a private broker with SIGKILL.
func (s *KafkaServer) Kill() {
	s.tb.Helper()
	s.own("Kill").kill()
}

// Start starts a private broker again, on the same port and data. It returns when the broker answers.
func (s *KafkaServer) Start() {
	s.tb.Helper()
	if err := s.own("Start").start(context.Background()); err != nil {
		s.tb.Fatal(err)
	}
}

// Pause freezes a private broker (SIGSTOP): connections stay open, nothing answers.
func (s *KafkaServer) Pause() {
	s.tb.Helper()
	s.runningProcess("Pause").freeze()
}

// Resume lets a paused broker go on.
func (s *KafkaServer) Resume() {
	s.tb.Helper()
	s.runningProcess("Resume").signal(thaw)
}

func (s *KafkaServer) runningProcess(verb string) *process {
	s.tb.Helper()
	b := s.own(verb)
	if !b.running() {
		s.tb.Fatalf("%s: Kafka is not running", verb)
	}
	return b.process
}

func (s *KafkaServer) own(verb string) *broker {
	s.tb.Helper()
	if !s.private {
		s.tb.Fatalf("%s: other tests share this Kafka, use NewKafka", verb)
	}
	return s.broker
}

// broker is a Kafka that this process runs.
type broker struct {
	home             *home
	java, libs       string
	port, controller int
	settings         []string
	process          *process
}

func newBroker(ctx context.Context, settings []string) (*broker, error) {
	java, err := exec.LookPath("java")
	if err != nil {
		return nil, &missingError{"no java (17 or later) in PATH to run Apache Kafka"}
	}
	libs, err := findKafka()
	if err != nil {
		return nil, err
	}
	h, err := newHome("kafka")
	if err != nil {
		return nil, err
	}
	if libs, err = h.share(libs, "libs"); err != nil {
		h.remove()
		return nil, err
	}
	b := &broker{home: h, java: java, libs: libs, settings: settings}
	// Ports that were free when they were looked for may be taken by the time Kafka binds them.
	for range 3 {
		if err = b.format(ctx); err != nil {
			break
		}
		if err = b.start(ctx); err == nil {
			return b, nil
		}
	}
	b.close()
	return nil, err
}

// findKafka gives the directory of Kafka's jars.
func findKafka() (string, error) {
	dir := os.Getenv("TRUC_TEST_KAFKA_HOME")
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", &missingError{"no TRUC_TEST_KAFKA_HOME and no cache directory to look for Apache Kafka in"}
		}
		dir = filepath.Join(cache, "truc", "kafka-"+kafkaVersion)
	}
	libs := filepath.Join(dir, "libs")
	if jars, _ := filepath.Glob(filepath.Join(libs, "kafka_*.jar")); len(jars) == 0 {
		return "", &missingError{fmt.Sprintf("no Apache Kafka (kafka_*.jar) in %s", libs)}
	}
	return libs, nil
}

// format chooses ports, writes the configuration and formats an empty log directory with it.
func (b *broker) format(ctx context.Context) (err error) {
	if b.port, err = freePort(); err != nil {
		return err
	}
	if b.controller, err = freePort(); err != nil {
		return err
	}
	if err := os.RemoveAll(b.logs()); err != nil {
		return fmt.Errorf("clear Kafka's logs: %w", err)
	}
	settings := strings.Join(append([]string{
		"process.roles=broker,controller",
		"node.id=1",
		fmt.Sprintf("controller.quorum.bootstrap.servers=127.0.0.1:%d", b.controller),
		fmt.Sprintf("listeners=PLAINTEXT://127.0.0.1:%d,CONTROLLER://127.0.0.1:%d", b.port, b.controller),
		"controller.listener.names=CONTROLLER",
		"log.dirs=" + b.logs(),
		// Topics come from configuration, never from a misspelt name.
		"auto.create.topics.enable=false",
		// One node holds one replica; one partition is enough for the few groups and transactions of a test.
		"offsets.topic.replication.factor=1",
		"offsets.topic.num.partitions=1",
		"transaction.state.log.replication.factor=1",
		"transaction.state.log.min.isr=1",
		"transaction.state.log.num.partitions=1",
		"share.coordinator.state.topic.replication.factor=1",
		"share.coordinator.state.topic.min.isr=1",
		"share.coordinator.state.topic.num.partitions=1",
		// A test does not wait for members that never come, and sees a lost one within a second.
		"group.initial.rebalance.delay.ms=0",
		"group.min.session.timeout.ms=500",
		// A broker that was killed may register again once its last session has run out; 9 s by default.
		"broker.session.timeout.ms=3000",
		"broker.heartbeat.interval.ms=500",
	}, b.settings...), "\n") + "\n"
	settings = strings.NewReplacer("{port}", strconv.Itoa(b.port), "{controller}", strconv.Itoa(b.controller)).Replace(settings)
	config, err := b.home.write("server.properties", settings)
	if err != nil {
		return fmt.Errorf("write configuration of Kafka: %w", err)
	}
	return b.home.run(ctx, b.java, b.jvm("-XX:TieredStopAtLevel=1", "kafka.tools.StorageTool",
		"format", "--standalone", "-t", "dHJ1Yy10ZXN0LWNsdXN0ZQ", "-c", config)...)
}

func (b *broker) logs() string { return filepath.Join(b.home.dir, "logs") }

func (b *broker) addr() string { return fmt.Sprintf("127.0.0.1:%d", b.port) }

func (b *broker) jvm(args ...string) []string {
	return append([]string{
		"-Xmx768m",
		"-XX:-UsePerfData", // leaves no files behind
		"-Djava.io.tmpdir=" + b.home.dir,
		"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
		"-cp", filepath.Join(b.libs, "*"),
	}, args...)
}

func (b *broker) start(ctx context.Context) error {
	if b.running() {
		return errors.New("start Kafka: it is running")
	}
	p, err := b.home.start("Kafka", kill, b.java,
		b.jvm("kafka.Kafka", filepath.Join(b.home.dir, "server.properties"))...)
	if err != nil {
		return err
	}
	b.process = p
	err = poll(ctx, p, b.ready)
	if err != nil {
		p.kill()
	}
	return err
}

// ready asks for the controller: the broker listens before it can serve.
func (b *broker) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := kafka.DialContext(ctx, "tcp", b.addr())
	if err != nil {
		return err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
	}
	controller, err := conn.Controller()
	if err != nil {
		return err
	}
	if controller.Port != b.port {
		return errors.New("the broker has no controller yet")
	}
	return nil
}

func (b *broker) running() bool { return b.process.running() }

func (b *broker) stop() {
	if b.running() {
		b.process.signal(thaw) // a paused one does not hear
		b.process.stop(20*time.Second, terminate)
	}
}

func (b *broker) kill() {
	if b.running() {
		b.process.kill()
	}
}

// close ends the broker and removes its data.
func (b *broker) close() {
	b.kill()
	b.home.remove()
}
