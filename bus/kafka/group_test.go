package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lienthong/truc/bus/kafka"
)

// assignments records which member works on which partition, and whether ever two do.
type assignments struct {
	mu      sync.Mutex
	holders map[kafka.TopicPartition]string
	clashes []string
	// generations counts those that have started; the first of all fails, which must mend itself.
	generations int
}

// member joins a group in the background and returns how to leave it.
func (a *assignments) member(t *testing.T, c *kafka.Client, name string, cfg kafka.GroupConfig) (leave func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var running atomic.Int32
	cfg.OnAssigned = func(ctx context.Context, parts []kafka.TopicPartition) error {
		if running.Add(1) != 1 {
			t.Error("a generation started before the one before it had ended")
		}
		defer running.Add(-1)
		a.mu.Lock()
		a.generations++
		fail := a.generations == 1
		for _, tp := range parts {
			if other, held := a.holders[tp]; held {
				a.clashes = append(a.clashes, fmt.Sprintf("%s is assigned to %s, and %s still works on it", tp, name, other))
			}
			a.holders[tp] = name
		}
		a.mu.Unlock()
		defer func() {
			a.mu.Lock()
			defer a.mu.Unlock()
			for _, tp := range parts {
				delete(a.holders, tp)
			}
		}()
		if fail {
			return errors.New("a failure on purpose")
		}
		<-ctx.Done()
		return ctx.Err()
	}
	done := make(chan error, 1)
	go func() { done <- c.RunGroup(ctx, cfg) }()
	var once sync.Once
	leave = func() {
		once.Do(func() {
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("RunGroup of %s = %v", name, err)
			}
		})
	}
	t.Cleanup(leave)
	return leave
}

// await waits until the partitions are shared out as wanted.
func (a *assignments) await(t *testing.T, what string, ok func(held map[string][]kafka.TopicPartition) bool) {
	t.Helper()
	for deadline := time.Now().Add(40 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		held := make(map[string][]kafka.TopicPartition)
		a.mu.Lock()
		for tp, name := range a.holders {
			held[name] = append(held[name], tp)
		}
		a.mu.Unlock()
		if ok(held) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: partitions are held as %v", what, held)
		}
	}
}

func TestRunGroup(t *testing.T) {
	onEachBroker(t, func(t *testing.T, cfg kafka.Config) {
		c := newClient(t, cfg)
		first := newTopic(t, c, 4)
		var second atomic.Value
		group := kafka.GroupConfig{
			ID:           fmt.Sprintf("group-%x", rand.Uint64()),
			RefreshEvery: 100 * time.Millisecond,
			Topics: func(context.Context) ([]string, error) {
				topics := []string{first, "test.does-not-exist"}
				if name, ok := second.Load().(string); ok {
					topics = append(topics, name)
				}
				return topics, nil
			},
		}
		a := &assignments{holders: make(map[kafka.TopicPartition]string)}
		leaveA := a.member(t, c, "a", group)
		a.await(t, "one member", func(held map[string][]kafka.TopicPartition) bool { return len(held["a"]) == 4 })
		a.member(t, c, "b", group)
		a.await(t, "two members", func(held map[string][]kafka.TopicPartition) bool { return len(held["a"]) == 2 && len(held["b"]) == 2 })
		second.Store(newTopic(t, c, 2))
		a.await(t, "a second topic", func(held map[string][]kafka.TopicPartition) bool { return len(held["a"])+len(held["b"]) == 6 })
		leaveA()
		a.await(t, "a has left", func(held map[string][]kafka.TopicPartition) bool {
			return len(held["b"]) == 6 && slices.ContainsFunc(held["b"], func(tp kafka.TopicPartition) bool { return tp.Topic == first })
		})
		a.mu.Lock()
		defer a.mu.Unlock()
		for _, clash := range a.clashes {
			t.Error(clash)
		}
	})
}
