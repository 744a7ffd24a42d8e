package embedded_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/embedded"
	"github.com/lienthong/truc/bus/kafka"
)

const (
	// childDir tells the test binary to be a process with a broker in this directory instead of running tests.
	childDir = "TRUC_TEST_EMBEDDED_DIR"
	// childStart is the number from which the child counts.
	childStart = "TRUC_TEST_EMBEDDED_START"
	// childTopics makes the child create topics instead of publishing.
	childTopics = "TRUC_TEST_EMBEDDED_TOPICS"
	// childFileLimit bounds, in bytes, the files the child can write: a disk that is full.
	childFileLimit = "TRUC_TEST_EMBEDDED_FILE_LIMIT"
)

// child publishes numbers and prints each that is acknowledged, until it is killed or fails.
func child(dir string) int {
	if limit := os.Getenv(childFileLimit); limit != "" {
		if err := limitFiles(limit); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 2
		}
	}
	work := publishForEver
	if os.Getenv(childTopics) != "" {
		work = createTopics
	}
	if err := work(context.Background(), dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		var storage *kafka.StorageError
		if errors.As(err, &storage) || errors.Is(err, errStopped) {
			return exitStorage
		}
		return 1
	}
	return 0
}

// exitStorage is the child's exit code when the broker told it that it could not store a batch.
const exitStorage = 42

func publishForEver(ctx context.Context, dir string) error {
	b, err := embedded.Start(embedded.Config{Dir: dir})
	if err != nil {
		return err
	}
	c, err := kafka.New(b.ClientConfig())
	if err != nil {
		return err
	}
	if err := c.EnsureTopics(ctx, kafka.TopicSpec{Name: events.Topic, Partitions: 1}); err != nil {
		return err
	}
	s, err := c.OpenSender(ctx, kafka.SenderConfig{TransactionalID: "publisher", Partitions: []kafka.TopicPartition{events}})
	if err != nil {
		return err
	}
	var from int
	if _, err := fmt.Sscan(os.Getenv(childStart), &from); err != nil {
		return err
	}
	failed := make(chan error, 1)
	for i := from; ; i++ {
		v := strconv.Itoa(i)
		err := s.Produce(ctx, events, numbered(v), func(_ int64, err error) {
			if err != nil {
				select {
				case failed <- err:
				default:
				}
				return
			}
			fmt.Fprintln(os.Stdout, v)
		})
		if err != nil {
			select {
			case err = <-failed:
			default:
			}
			return err
		}
	}
}

var errStopped = errors.New("the broker has stopped")

// createTopics prints the name of each topic whose creation was acknowledged.
func createTopics(ctx context.Context, dir string) error {
	b, err := embedded.Start(embedded.Config{Dir: dir})
	if err != nil {
		return err
	}
	c, err := kafka.New(b.ClientConfig())
	if err != nil {
		return err
	}
	for i := range 200 {
		topic := fmt.Sprintf("topic-%d", i)
		if err := c.EnsureTopics(ctx, kafka.TopicSpec{Name: topic, Partitions: 1}); err != nil {
			if b.Err() != nil {
				return fmt.Errorf("%w (%w): %w", errStopped, b.Err(), err)
			}
			return err
		}
		fmt.Fprintln(os.Stdout, topic)
	}
	return nil
}

func numbered(v string) []bus.Message { return []bus.Message{{Key: []byte("k"), Value: []byte(v)}} }

// run starts a child and returns what it printed, until enough lines have come and it was killed, or until it ended.
func run(t *testing.T, enough int, environment ...string) (acknowledged []string, exit int) {
	t.Helper()
	cmd := exec.CommandContext(testContext(t), os.Args[0])
	cmd.Env = append(os.Environ(), environment...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		acknowledged = append(acknowledged, lines.Text())
		if len(acknowledged) == enough {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait()
	return acknowledged, cmd.ProcessState.ExitCode()
}

// Whatever was acknowledged before kill -9 is there afterwards, once and in order; what was in flight may be.
func TestSurvivesKill(t *testing.T) {
	dir := t.TempDir()
	next := 0
	var want []string
	for life := range 4 {
		acknowledged, _ := run(t, 300+150*life, childDir+"="+dir, childStart+"="+strconv.Itoa(next))
		if len(acknowledged) < 300 {
			t.Fatalf("life %d: only %d were acknowledged", life, len(acknowledged))
		}
		for i, v := range acknowledged {
			if v != strconv.Itoa(next+i) {
				t.Fatalf("life %d: acknowledgement %d is of %s, want %d", life, i, v, next+i)
			}
		}
		want = append(want, acknowledged...)

		b := start(t, dir)
		c := client(t, b)
		got := stored(t, c)
		if len(got) < len(want) {
			t.Fatalf("life %d: %d records of %d acknowledged are left", life, len(got), len(want))
		}
		for i := len(want); i < len(got); i++ { // in flight when the process was killed
			want = append(want, strconv.Itoa(i))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("life %d: %s", life, diff)
		}
		s := open(t, c)
		if err := publish(testContext(t), s, strconv.Itoa(len(want))); err != nil {
			t.Fatalf("life %d: publishing on: %v", life, err)
		}
		want = append(want, strconv.Itoa(len(want)))
		next = len(want)
		_ = s.Close()
		c.Close()
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A full disk is an error at the producer, never silent, and what was acknowledged before is there.
func TestFullDiskFailsTheProducer(t *testing.T) {
	if !canLimitFiles {
		t.Skip("this system cannot limit the size of files")
	}
	dir := t.TempDir()
	acknowledged, exit := run(t, -1, childDir+"="+dir, childStart+"=0", childFileLimit+"=200000")
	if exit != exitStorage {
		t.Fatalf("the child ended with %d, want %d: it was told of a StorageError", exit, exitStorage)
	}
	if len(acknowledged) < 100 {
		t.Fatalf("only %d were acknowledged: the limit is too low to show anything", len(acknowledged))
	}
	b := start(t, dir)
	c := client(t, b)
	if diff := cmp.Diff(acknowledged, stored(t, c)); diff != "" {
		t.Errorf("(-acknowledged +stored): %s", diff)
	}
	s := open(t, c)
	if err := publish(testContext(t), s, "there is room again"); err != nil {
		t.Errorf("publishing on: %v", err)
	}
}

// A topic whose creation was acknowledged is there after a crash, also when the disk was full.
func TestFullDiskFailsTheCreationOfTopics(t *testing.T) {
	if !canLimitFiles {
		t.Skip("this system cannot limit the size of files")
	}
	dir := t.TempDir()
	acknowledged, exit := run(t, -1, childDir+"="+dir, childTopics+"=1", childFileLimit+"=8000")
	if exit != exitStorage {
		t.Fatalf("the child ended with %d, want %d: its broker stopped", exit, exitStorage)
	}
	c := client(t, start(t, dir))
	found, err := c.Describe(testContext(t), acknowledged...)
	if err != nil {
		t.Fatal(err)
	}
	if len(acknowledged) < 5 || len(found) != len(acknowledged) {
		t.Errorf("%d of %d acknowledged topics are left", len(found), len(acknowledged))
	}
}

// A producer that stays after a failed write must not be told that its repetition is stored.
func TestRecoveryAfterAFullDisk(t *testing.T) {
	if !canLimitFiles {
		t.Skip("this system cannot limit the size of files")
	}
	dir := t.TempDir()
	first, exit := run(t, -1, childDir+"="+dir, childStart+"=0", childFileLimit+"=100000")
	if exit != exitStorage {
		t.Fatalf("the child ended with %d", exit)
	}
	second, exit := run(t, -1, childDir+"="+dir, childStart+"="+strconv.Itoa(len(first)), childFileLimit+"=300000")
	if exit != exitStorage {
		t.Fatalf("the second child ended with %d", exit)
	}
	c := client(t, start(t, dir))
	want := slices.Concat(first, second)
	if got := stored(t, c); strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("%d records are stored, %d were acknowledged: %s", len(got), len(want), cmp.Diff(want, got))
	}
}
