package servers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The versions of what Connect runs; tests/scripts/connect/pom.xml fetches the same.
const (
	DebeziumVersion     = "3.7.0.Final"
	DebeziumJDBCVersion = "3.6.0.Final"
	// KafkaVersion is that of the broker and of the worker.
	KafkaVersion = kafkaVersion
)

// Connect is a Kafka Connect worker (standalone: one process, one connector) with Debezium's connectors. Where its
// connector stands it keeps in a file, over all its lives.
type Connect struct {
	tb         testing.TB
	home       *home
	java, libs string
	listen     int
	process    *process
}

// NewConnect prepares a worker with properties such as "offset.flush.interval.ms=1000" and a connector with properties such
// as "connector.class=…". It does not start it. Its directory is gone when the test ends.
func NewConnect(tb testing.TB, worker, connector []string) *Connect {
	tb.Helper()
	notShort(tb)
	c, err := newConnect(worker, connector)
	if err != nil {
		giveUp(tb, err)
	}
	c.tb = tb
	tb.Cleanup(func() {
		c.Kill()
		c.home.remove()
	})
	return c
}

func newConnect(worker, connector []string) (_ *Connect, err error) {
	java, err := exec.LookPath("java")
	if err != nil {
		return nil, &missingError{"no java (17 or later) in PATH to run Kafka Connect"}
	}
	installed, err := findConnect()
	if err != nil {
		return nil, err
	}
	h, err := newHome("connect")
	if err != nil {
		return nil, err
	}
	c := &Connect{home: h, java: java}
	if installed, err = h.share(installed, "installed"); err == nil {
		c.libs = filepath.Join(installed, "libs")
		c.listen, err = freePort()
	}
	if err == nil {
		err = c.configure(append([]string{
			fmt.Sprintf("listeners=http://127.0.0.1:%d", c.listen),
			"offset.storage.file.filename=" + c.offsets(),
			"plugin.path=" + filepath.Join(installed, "plugins"),
		}, worker...), connector)
	}
	if err != nil {
		h.remove()
		return nil, err
	}
	return c, nil
}

func (c *Connect) configure(worker, connector []string) error {
	// Kafka's own connect-log4j2.yaml says the same: INFO, to the console. YAML would need another jar.
	const log = `<Configuration><Appenders><Console name="out"><PatternLayout pattern="[%d] %p %m (%c)%n"/></Console></Appenders>
<Loggers><Root level="info"><AppenderRef ref="out"/></Root></Loggers></Configuration>
`
	for name, text := range map[string]string{
		"worker.properties":    strings.Join(worker, "\n") + "\n",
		"connector.properties": strings.Join(connector, "\n") + "\n",
		"log4j2.xml":           log,
	} {
		if _, err := c.home.write(name, text); err != nil {
			return fmt.Errorf("write %s of Kafka Connect: %w", name, err)
		}
	}
	return nil
}

// findConnect gives the directory with the worker's jars (libs) and the connectors (plugins).
func findConnect() (string, error) {
	dir := os.Getenv("TRUC_TEST_CONNECT_HOME")
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", &missingError{"no TRUC_TEST_CONNECT_HOME and no cache directory to look for Kafka Connect in"}
		}
		dir = filepath.Join(cache, "truc", "connect-"+kafkaVersion+"-debezium-"+DebeziumVersion+"-"+DebeziumJDBCVersion)
	}
	if jars, _ := filepath.Glob(filepath.Join(dir, "libs", "connect-runtime-*.jar")); len(jars) == 0 {
		return "", &missingError{fmt.Sprintf("no Kafka Connect (libs/connect-runtime-*.jar) in %s; `tests/scripts/setup.sh peers` fetches it", dir)}
	}
	return dir, nil
}

func (c *Connect) offsets() string { return filepath.Join(c.home.dir, "offsets") }

// Start starts the worker and returns at once: a measurement begins here.
func (c *Connect) Start() {
	c.tb.Helper()
	if c.running() {
		c.tb.Fatal("start Kafka Connect: it is running")
	}
	p, err := c.home.start("Kafka Connect", kill, c.java,
		// Heap and collector as in Kafka's own connect-standalone.sh.
		"-Xms256m", "-Xmx2g", "-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:InitiatingHeapOccupancyPercent=35",
		"-XX:+ExplicitGCInvokesConcurrent", "-Djava.awt.headless=true", "-XX:-UsePerfData", "-Djava.io.tmpdir="+c.home.dir,
		"-Dlog4j2.configurationFile="+filepath.Join(c.home.dir, "log4j2.xml"), "-cp", filepath.Join(c.libs, "*"),
		"org.apache.kafka.connect.cli.ConnectStandalone",
		filepath.Join(c.home.dir, "worker.properties"), filepath.Join(c.home.dir, "connector.properties"))
	if err != nil {
		c.tb.Fatal(err)
	}
	c.process = p
}

// Check returns why the worker does not work: its process ended, or its task failed. nil does not say that it is ready.
func (c *Connect) Check(ctx context.Context, connector string) error {
	if !c.running() {
		return fmt.Errorf("Kafka Connect ended:\n%s", c.process.logTail())
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/connectors/%s/status", c.listen, connector), http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil // not ready, or busy
	}
	defer response.Body.Close()
	text := make([]byte, 4096)
	n, _ := response.Body.Read(text)
	if strings.Contains(string(text[:n]), `"FAILED"`) {
		return errors.New("a task of Kafka Connect failed: " + string(text[:n]))
	}
	return nil
}

// PID is the process of a worker that was started.
func (c *Connect) PID() int { return c.process.pid() }

// Stop ends the worker in order: it saves where its connector stands.
func (c *Connect) Stop() {
	if c.running() {
		c.process.stop(30*time.Second, terminate)
	}
}

// Kill ends the worker with SIGKILL.
func (c *Connect) Kill() {
	if c.running() {
		c.process.kill()
	}
}

func (c *Connect) running() bool { return c.process.running() }

// Offsets returns where the connector stands, as the stopped worker saved it; SetOffsets puts it back.
func (c *Connect) Offsets() []byte {
	c.tb.Helper()
	text, err := os.ReadFile(c.offsets())
	if err != nil {
		c.tb.Fatal(err)
	}
	return text
}

// SetOffsets makes the next life go on from what Offsets returned.
func (c *Connect) SetOffsets(text []byte) {
	c.tb.Helper()
	if _, err := c.home.write("offsets", string(text)); err != nil {
		c.tb.Fatal(err)
	}
}
