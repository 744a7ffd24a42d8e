package adaptertest

import (
	"context"
	"errors"
	"time"

	"github.com/lienthong/truc/adapters"
	"github.com/lienthong/truc/record"
)

// soon is what "at once" means on a busy machine.
func (b *sourceBench) soon() time.Duration { return min(5*time.Second, b.spec.Patience) }

func lifecycleCases() []sourceCase {
	return []sourceCase{
		{"cancel ends Read at once", nil, cancelEndsRead},
		{"Close ends Read at once", nil, closeEndsRead},
		{"Close twice", nil, closeTwice},
		{"Close without Open", nil, closeWithoutOpen},
		{"a batch stays until its Release", nil, batchMemory},
		{"unreachable server", func(c SourceCapabilities) bool { return c.Unreachable }, unreachable},
		{"unknown table", nil, unknownTable},
	}
}

// blockedRead starts a Read that has nothing to say and returns where its error will come.
func (s *stream) blockedRead(ctx context.Context) <-chan error {
	done := make(chan error, 1)
	go func() {
		for {
			batch, err := s.source.Read(ctx)
			if err != nil {
				done <- err
				return
			}
			batch.Release() // a heartbeat
		}
	}()
	select {
	case err := <-done:
		s.Fatalf("Read with nothing to say returned %v; it blocks until there is something", err)
	case <-time.After(100 * time.Millisecond):
	}
	return done
}

func (s *stream) wantEnded(done <-chan error, want error, when string) {
	s.Helper()
	select {
	case err := <-done:
		if !errors.Is(err, want) {
			s.Errorf("Read returned %v %s, want %v", err, when, want)
		}
	case <-time.After(s.soon()):
		s.Fatalf("Read still blocks %v %s", s.soon(), when)
	}
}

func cancelEndsRead(b *sourceBench) {
	s := b.streaming()
	ctx, cancel := context.WithCancel(context.Background())
	done := s.blockedRead(ctx)
	cancel()
	s.wantEnded(done, context.Canceled, "after its context was cancelled")
}

func closeEndsRead(b *sourceBench) {
	s := b.streaming()
	done := s.blockedRead(context.Background())
	s.close()
	s.wantEnded(done, adapters.ErrClosed, "after Close")
	if _, err := s.source.Read(context.Background()); !errors.Is(err, adapters.ErrClosed) {
		b.Errorf("Read after Close returned %v, want adapters.ErrClosed", err)
	}
}

func closeTwice(b *sourceBench) {
	s := b.streaming()
	s.close()
	if err := s.source.Close(); err != nil {
		b.Errorf("the second Close failed: %v", err)
	}
}

func closeWithoutOpen(b *sourceBench) {
	if err := b.fixture.Source(b.env()).Close(); err != nil {
		b.Errorf("Close without Open failed: %v", err)
	}
}

func batchMemory(b *sourceBench) {
	s := b.streaming()
	type held struct {
		batch record.Batch
		first int
	}
	var holding []held
	released := make(chan struct{})
	var pending int
	for i := int64(1); i <= 12; i++ {
		b.write(Insert(b.table, i, Row{Name: record.TextValue(filler(i))}))
		for len(s.of(b.table, record.Create)) < int(i) {
			first := len(s.records)
			holding = append(holding, held{s.take(), first})
		}
		if len(holding) < 4 {
			continue
		}
		// The oldest is still as it was although three batches have been read since; it is released elsewhere.
		old := holding[0]
		holding = holding[1:]
		for j, r := range old.batch.Records {
			if describe([]record.Record{r})[0] != describe(s.records[old.first+j : old.first+j+1])[0] {
				b.Fatalf("the memory of a batch changed before its Release, while later batches were read")
			}
		}
		pending++
		go func() { old.batch.Release(); released <- struct{}{} }()
	}
	for range pending {
		<-released
	}
	for _, h := range holding {
		h.batch.Release()
	}
	for i := int64(1); i <= 12; i++ {
		if v, _ := s.cellOf(i, Name); string(v.Bytes) != filler(i) {
			b.Errorf("a clone of row %d changed after Release; Clone must own its memory", i)
		}
	}
}

func unreachable(b *sourceBench) {
	source := b.fixture.Unreachable(b.env())
	ctx, cancel := context.WithTimeout(context.Background(), b.spec.Patience)
	defer cancel()
	err := source.Open(ctx, start(nil, 1, b.table))
	b.wantUnreachable(err)
	if err := source.Close(); err != nil {
		b.Errorf("Close after a failed Open failed: %v", err)
	}
}

func (b *sourceBench) wantUnreachable(err error) {
	b.Helper()
	var typed *adapters.UnreachableError
	if !errors.As(err, &typed) {
		b.Fatalf("a server that is not there gives an *adapters.UnreachableError, so that the pipeline waits and tries again; got %T: %v", err, err)
	}
	checkText(b, "the error", err.Error(), b.fixture.Secret)
}

func unknownTable(b *sourceBench) {
	source := b.fixture.Source(b.env())
	defer source.Close()
	ctx, cancel := context.WithTimeout(context.Background(), b.spec.Patience)
	defer cancel()
	err := source.Open(ctx, start(nil, 1, "khong_co_bang_nay"))
	var refused *adapters.RefusedError
	if !errors.As(err, &refused) {
		b.Fatalf("a table that does not exist gives an *adapters.RefusedError that says what to do; got %T: %v", err, err)
	}
	if refused.Fix.Empty() {
		b.Errorf("the refusal of an unknown table has no Fix")
	}
	checkText(b, "the error", err.Error(), b.fixture.Secret)
}
