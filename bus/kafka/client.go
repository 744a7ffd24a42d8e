// Package kafka speaks to Kafka: a fenced sender that publishes each batch once, a reader of one partition, topics as
// configured, consumer groups with hooks, and Watermill's Publisher and Subscriber as thin fronts.
//
// It is built on kafka-go's transport and protocol. What the transport has no type for, or only a slow one, is a request
// of our own (wire.go).
package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/compress"
	"github.com/segmentio/kafka-go/protocol"
)

const (
	dialTimeout = 5 * time.Second
	// metadataTTL bounds how long a moved leader stays unnoticed.
	metadataTTL = 3 * time.Second
	// requestTimeout bounds one request that the broker answers at once.
	requestTimeout = 10 * time.Second
)

// TopicPartition names one partition.
type TopicPartition struct {
	Topic     string
	Partition int32
}

func (tp TopicPartition) String() string { return fmt.Sprintf("%s/%d", tp.Topic, tp.Partition) }

// Client is the connection to one cluster, shared by all senders, readers and groups on it. It is safe for concurrent use.
type Client struct {
	cfg       Config
	codec     compress.Codec
	log       *slog.Logger
	transport *kafkago.Transport // for what concerns no topic
	dialer    *kafkago.Dialer
	bootstrap net.Addr
	cancel    context.CancelFunc
	// leaderPatience is how long EnsureTopics waits for leaders, and ReadRange for one that does not know the end.
	leaderPatience time.Duration

	mu     sync.Mutex
	routes map[string]*kafkago.Transport // by topic
	conns  map[net.Conn]struct{}
	closed bool
}

// New prepares a client. It does no network I/O; Ping does.
func New(cfg Config) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configure kafka: %w", err)
	}
	if cfg.ClientID == "" {
		cfg.ClientID = "truc"
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	codec, err := cfg.codec()
	if err != nil {
		return nil, fmt.Errorf("configure kafka: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := &Client{
		cfg: cfg, codec: codec, log: cfg.Log, cancel: cancel, bootstrap: kafkago.TCP(cfg.Brokers...), conns: make(map[net.Conn]struct{}), routes: make(map[string]*kafkago.Transport),
		leaderPatience: leaderPatience,
	}
	c.transport = &kafkago.Transport{
		Dial: c.dial, DialTimeout: dialTimeout, MetadataTTL: metadataTTL, ClientID: cfg.ClientID, Context: ctx, MetadataTopics: []string{},
	}
	c.dialer = &kafkago.Dialer{ClientID: cfg.ClientID, Timeout: dialTimeout, DialFunc: c.dial}
	if cfg.TLS != nil {
		t, err := cfg.TLS.build()
		if err != nil {
			cancel()
			return nil, fmt.Errorf("configure kafka: %w", err)
		}
		c.transport.TLS, c.dialer.TLS = t, t
	}
	if cfg.SASL != nil {
		m, err := cfg.SASL.build()
		if err != nil {
			cancel()
			return nil, fmt.Errorf("configure kafka: %w", err)
		}
		c.transport.SASL, c.dialer.SASLMechanism = m, m
	}
	return c, nil
}

// Ping asks the cluster for its metadata, past every cache. It fails with *UnreachableError when no broker answers.
func (c *Client) Ping(ctx context.Context) error {
	if _, err := c.metadata(ctx, []string{}); err != nil {
		return fmt.Errorf("ping kafka: %w", err)
	}
	return nil
}

// Close drops all connections. Senders, readers and groups of this client are closed before.
func (c *Client) Close() {
	c.cancel()
	c.transport.CloseIdleConnections()
	c.mu.Lock()
	for _, t := range c.routes {
		t.CloseIdleConnections()
	}
	c.closed = true
	open := slices.Collect(maps.Keys(c.conns))
	c.mu.Unlock()
	for _, conn := range open {
		_ = conn.Close()
	}
}

// dial keeps count of the connections: kafka-go's transport leaves one open that waits for an answer, and with it a
// goroutine, until the broker answers.
func (c *Client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	raw, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	conn := &trackedConn{Conn: raw, forget: c.forget}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		_ = raw.Close()
		return nil, errors.New("client is closed")
	}
	c.conns[conn] = struct{}{}
	return conn, nil
}

func (c *Client) forget(conn net.Conn) {
	c.mu.Lock()
	delete(c.conns, conn)
	c.mu.Unlock()
}

type trackedConn struct {
	net.Conn
	forget func(net.Conn)
}

func (t *trackedConn) Close() error {
	err := t.Conn.Close()
	t.forget(t)
	return err
}

// roundTrip sends one request that concerns no partition and waits for its answer, at most for the given time.
func roundTrip[Response protocol.Message](ctx context.Context, c *Client, timeout time.Duration, req protocol.Message) (Response, error) {
	return roundTripBy[Response](ctx, c, c.transport, timeout, req)
}

// unreachable types errors that mean "no broker answers" or "no broker lets us in"; others, and those of a caller who gave up,
// pass unchanged.
func (c *Client) unreachable(ctx context.Context, err error) error {
	switch {
	case err == nil || ctx.Err() != nil:
		return err
	case isAuthentication(err):
		return &AuthenticationError{Brokers: c.cfg.addresses(), Err: err}
	case c.cfg.SASL != nil && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)):
		return &UnreachableError{Brokers: c.cfg.addresses(), Err: fmt.Errorf("%w (a wrong user or password can look like this)", err)}
	case isNetwork(err) || isTLS(err):
		return &UnreachableError{Brokers: c.cfg.addresses(), Err: err}
	}
	return err
}

// pause waits, or returns the context's error.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
