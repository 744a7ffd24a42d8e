// Package embedded is a Kafka broker inside the process, for one machine: trials, demonstrations, tests, a small office. Any
// Kafka client can use it. It keeps its topics on disk and loses nothing that it has acknowledged when the process is killed.
//
// It is franz-go's kfake, with what is not safe in it kept out of reach: topics are never compacted and never shortened, so
// they keep everything and the directory grows (Size). What outgrows one machine moves to Apache Kafka.
//
// Limits that come with it: after a crash (not after Close) it reads every topic into memory while it starts; it does not notice
// a failing fsync; and it forgets which batches it has seen, so that a producer in another process that outlives the crash may
// store the batch it was sending twice. Producers in the process of the broker end with it and go through recovery.
package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/lienthong/truc/bus/kafka"
)

// Config configures a Broker.
type Config struct {
	// Dir holds the data. When it is empty, a temporary directory is used and removed at Close.
	Dir string
	// Port on 127.0.0.1; 0 takes a free one.
	Port int
	Log  *slog.Logger
}

// Broker is a running broker.
type Broker struct {
	cluster   *kfake.Cluster
	guard     *guard
	lock      *dirLock
	dir       string
	temporary bool
	addr      string
	closeOnce sync.Once
	closeErr  error
}

// never is a time that no process lives to see, and which still fits the broker's own arithmetic.
const never = 30 * 365 * 24 * time.Hour

// Start opens the directory, which must not be open in another process (*InUseError), and listens on 127.0.0.1.
func Start(cfg Config) (*Broker, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	b := &Broker{dir: cfg.Dir, guard: newGuard(cfg.Log)}
	if cfg.Dir == "" {
		dir, err := os.MkdirTemp("", "truc-bus-")
		if err != nil {
			return nil, fmt.Errorf("start embedded bus: %w", err)
		}
		b.dir, b.temporary = dir, true
	}
	if err := b.start(cfg); err != nil {
		return nil, fmt.Errorf("start embedded bus in %s: %w", b.dir, errors.Join(err, b.release()))
	}
	return b, nil
}

func (b *Broker) start(cfg Config) (err error) {
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return err
	}
	if b.lock, err = lockDir(b.dir); err != nil {
		return err
	}
	if err := b.settle(); err != nil {
		return err
	}
	if b.cluster, err = b.open(cfg.Port); err != nil {
		return err
	}
	b.addr = b.cluster.ListenAddrs()[0]
	return os.Remove(b.cleanMark())
}

// cleanMark is the file that says that the broker was closed in order.
func (b *Broker) cleanMark() string { return filepath.Join(b.dir, "truc.clean") }

// settle brings the directory into the state that an orderly Close leaves. After a crash kfake reads every record into memory
// and keeps it there until it is closed; so it is opened and closed once, and the memory given back. The mark is then there.
func (b *Broker) settle() error {
	_, err := os.Stat(b.cleanMark())
	if err == nil {
		return nil
	}
	if _, err := os.Stat(filepath.Join(b.dir, "meta.json")); err == nil {
		crashed, err := b.open(0)
		if err != nil {
			return err
		}
		crashed.Close()
		debug.FreeOSMemory()
	}
	return os.WriteFile(b.cleanMark(), nil, 0o600)
}

func (b *Broker) open(port int) (*kfake.Cluster, error) {
	return kfake.NewCluster(
		kfake.Ports(port),
		kfake.ListenFn(b.guard.listen),
		kfake.ClusterID("truc-embedded"),
		kfake.DataDir(b.dir),
		kfake.SyncWrites(),
		kfake.WithLogger(b.guard),
		kfake.BrokerConfigs(map[string]string{
			// The cleaner is not crash-safe. It is out of reach even for clients that create their own compacted topics.
			"log.cleaner.backoff.ms": strconv.FormatInt(never.Milliseconds(), 10),
			"log.retention.ms":       "-1",
			// At a start every segment is read whole, those of all partitions at the same time: small ones bound the memory.
			"log.segment.bytes": strconv.Itoa(8 << 20),
			// A consumer group that is away keeps its offsets, as its topics keep their records.
			"offsets.retention.minutes": strconv.FormatInt(int64(never.Minutes()), 10),
		}),
	)
}

// Addr is host:port of the broker.
func (b *Broker) Addr() string { return b.addr }

// Dir is where the data is.
func (b *Broker) Dir() string { return b.dir }

// Err says why the broker has stopped by itself: it could not write its state, because the disk is full or broken. Everything
// that it has acknowledged is safe. nil while it runs.
func (b *Broker) Err() error { return b.guard.err() }

// ClientConfig is how to reach this broker.
func (b *Broker) ClientConfig() kafka.Config {
	return kafka.Config{Brokers: []string{b.addr}, NeverCompact: true}
}

// Size is what the data takes on disk, in bytes.
func (b *Broker) Size() (int64, error) {
	var total int64
	err := filepath.WalkDir(b.dir, func(_ string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		total += info.Size()
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("measure embedded bus: %w", err)
	}
	return total, nil
}

// Close stops the broker and writes its state. It may be called more than once.
func (b *Broker) Close() error {
	b.closeOnce.Do(func() {
		b.cluster.Close()
		if b.guard.err() == nil {
			b.closeErr = os.WriteFile(b.cleanMark(), nil, 0o600)
		}
		b.closeErr = errors.Join(b.closeErr, b.release())
	})
	return b.closeErr
}

func (b *Broker) release() error {
	var err error
	if b.lock != nil {
		err = b.lock.release()
	}
	if b.temporary {
		err = errors.Join(err, os.RemoveAll(b.dir))
	}
	return err
}
