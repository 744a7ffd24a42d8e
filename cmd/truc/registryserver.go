package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lienthong/truc/bus"
	"github.com/lienthong/truc/bus/journal"
	"github.com/lienthong/truc/bus/kafka"
	"github.com/lienthong/truc/pipeline"
	"github.com/lienthong/truc/portal"
	"github.com/lienthong/truc/portal/registryapi"
	"github.com/lienthong/truc/schemas"
	"github.com/lienthong/truc/schemas/registry"
	"github.com/lienthong/truc/schemas/registry/follow"
)

// maxSchemaRecord bounds a record of truc.schemas: a schema of 1 MiB, quoted.
const maxSchemaRecord = 4 << 20

// registryServer serves a schema registry that lives on the bus, for truc registry and inside truc run. It listens from the
// start; until it has read its topic it answers that it is not ready.
type registryServer struct {
	listener    net.Listener
	client      *kafka.Client
	replication int // of the topic, if it is created
	set         *schemas.Set
	token       string
	openapi     []byte
	governance  http.Handler // nil: nobody decides over HTTP
	// patient says that it goes on by itself when the bus is back: truc registry ends, and whoever supervises it decides.
	patient bool
	// follow is the URL of a registry that is copied; empty: none.
	follow      string
	followEvery time.Duration
	log         *slog.Logger

	now      atomic.Pointer[pipeline.Condition]
	api      atomic.Pointer[http.Handler]
	registry atomic.Pointer[registry.Registry]
}

// run serves until ctx is done, which is no error, or something happens that trying again cannot mend.
func (s *registryServer) run(ctx context.Context) error {
	server := &http.Server{
		Handler: s, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(s.listener) // ends with Shutdown
	}()
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		defer cancel()
		_ = server.Shutdown(closing)
		<-served
	}()
	for {
		s.is(pipeline.StateStarting, nil)
		err := s.session(ctx, server)
		switch {
		case ctx.Err() != nil:
			s.is(pipeline.StateStopped, nil)
			return nil
		case !s.patient || !isBusAway(err):
			s.is(pipeline.StateFailed, err)
			return err
		}
		s.is(pipeline.StateRetrying, err)
		s.log.Warn("the schema registry waits for the bus", "err", err, "wait", registryPause.String())
		select {
		case <-ctx.Done():
		case <-time.After(registryPause):
		}
	}
}

// registryPause is how long the registry waits for a bus that is away.
const registryPause = 2 * time.Second

// isBusAway reports whether the bus may come back without anybody doing anything to the registry. A topic that was deleted or
// that a newer truc wrote is no such case: to begin an empty one would give ids a second time.
func isBusAway(err error) bool {
	return is[*kafka.UnreachableError](err) || is[*kafka.LeaderlessError](err) || errors.Is(err, context.DeadlineExceeded)
}

// session reads the topic and answers until ctx is done, or the topic cannot be followed. What has begun to be answered when ctx
// is done is answered.
func (s *registryServer) session(ctx context.Context, server *http.Server) error {
	j := journal.New(s.client, journal.Config{Topic: bus.SchemasTopic, Replication: s.replication, MaxRecordBytes: maxSchemaRecord, Log: s.log})
	if err := j.Ensure(ctx); err != nil {
		return err
	}
	r := registry.New(schemaLog{j}, registry.Options{
		Own: func(subject registry.Subject) bool { return s.set.Has(subject.Name) }, Log: s.log,
	})
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- errors.Join(r.Run(running), j.Close()) }()
	select {
	case <-r.Ready():
	case err := <-ended:
		return err
	case <-ctx.Done():
		stop()
		return <-ended
	}
	handler := registryapi.New(r, registryapi.Options{
		Version: versionOf(debug.ReadBuildInfo()).Version, Token: s.token, OpenAPI: s.openapi, Governance: s.governance, Dataset: datasetText(s.set),
	})
	if s.follow != "" {
		var copying sync.WaitGroup
		defer copying.Wait()
		defer stop()
		copying.Go(func() {
			(&follow.Follower{Registry: r, URL: s.follow, Every: s.followEvery, Log: s.log}).Run(running)
		})
	}
	s.registry.Store(r)
	s.api.Store(&handler)
	defer s.api.Store(nil)
	s.is(pipeline.StateRunning, nil)
	s.log.Info("the registry is running", "http", "http://"+s.listener.Addr().String())
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	_ = server.Shutdown(closing)
	stop()
	return <-ended
}

// ServeHTTP implements http.Handler.
func (s *registryServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h := s.api.Load(); h != nil {
		(*h).ServeHTTP(w, r)
		return
	}
	registryapi.NotReady(w, r)
}

func (s *registryServer) is(state pipeline.State, err error) {
	c := pipeline.NewCondition(state, err)
	s.now.Store(&c)
}

// condition is how the registry does.
func (s *registryServer) condition() pipeline.Condition {
	if c := s.now.Load(); c != nil {
		return *c
	}
	return pipeline.NewCondition(pipeline.StateStarting, nil)
}

// status is the registry as the portal shows it.
func (s *registryServer) status() portal.Registry {
	out := portal.Registry{Listen: s.listener.Addr().String(), Condition: s.condition()}
	if r := s.registry.Load(); r != nil {
		out.Subjects = len(r.Subjects(registry.Subject{Context: registry.AnyContext}, registry.Filter{}))
	}
	return out
}

// datasetText finds the schemas of datasets, as events name them.
func datasetText(set *schemas.Set) func(id, version string) ([]byte, bool) {
	return func(id, version string) ([]byte, bool) {
		d, err := set.Dataset(id)
		if err != nil || d.Version() != version {
			return nil, false
		}
		return d.Raw(), true
	}
}

// schemaLog is a journal as the memory of a registry.
type schemaLog struct{ journal *journal.Journal }

func (l schemaLog) Append(ctx context.Context, after int64, records []registry.Record) (int64, error) {
	out := make([]journal.Record, len(records))
	for i, r := range records {
		out[i] = journal.Record(r)
	}
	first, err := l.journal.Append(ctx, after, out)
	var moved *journal.MovedError
	if errors.As(err, &moved) {
		return 0, &registry.MovedError{End: moved.End}
	}
	return first, err
}

func (l schemaLog) Follow(ctx context.Context, see func(registry.Batch) error) error {
	var records []registry.Record
	return l.journal.Follow(ctx, func(b journal.Batch) error {
		records = records[:0]
		for _, r := range b.Records {
			records = append(records, registry.Record(r))
		}
		return see(registry.Batch{Records: records, Next: b.Next, End: b.End})
	})
}
