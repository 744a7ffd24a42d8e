package pipeline

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/adapters/memory"
	"github.com/lienthong/truc/record"
)

// cutSource loses its connection when it is cut off, as a source does whose reader was taken over.
type cutSource struct {
	adapters.Source
	cut chan struct{}
}

func (s *cutSource) Read(ctx context.Context) (record.Batch, error) {
	reading, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		select {
		case <-s.cut:
			stop()
		case <-reading.Done():
		}
	}()
	b, err := s.Source.Read(reading)
	if err != nil && ctx.Err() == nil {
		return b, &adapters.UnreachableError{Where: "hotich", Err: errors.New("the connection was ended")}
	}
	return b, err
}

// TestTakenOverWhileIdle: a reader that has nothing under way learns of its successor by the end of its connection only. It
// must not take that for an outage and fence the successor off.
func TestTakenOverWhileIdle(t *testing.T) {
	w := newTown(t)
	w.change(func(tx *memory.Tx) error { return tx.Insert("ks", row(1, "An", 0)) })
	first := w.reader()
	cut := make(chan struct{})
	open := first.cfg.Open
	first.cfg.Open = func() (adapters.Source, error) {
		src, err := open()
		return &cutSource{src, cut}, err
	}
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { ended <- first.Run(ctx) }()
	running(t, w.delivery().Run)
	w.arrives("KS1=An")

	second := w.reader()
	running(t, second.Run)
	w.eventually("the second runs", func() bool { return second.Stats().Condition().State == StateRunning })
	close(cut)
	select {
	case err := <-ended:
		if !errors.Is(err, ErrTakenOver) {
			t.Errorf("the first ends with %v, want %v", err, ErrTakenOver)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the first goes on")
	}
	w.change(func(tx *memory.Tx) error { return tx.Insert("ks", row(2, "Bình", 0)) })
	w.arrives("KS1=An", "KS2=Bình")
}
