package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kfake"
)

// guard stands between the broker and its clients. kfake answers that a topic was created, or an offset committed, even when it
// could not write that down, and only logs it; after a crash it would be gone. The guard hears the log line, which comes before
// the answer, and cuts all connections, so that nobody is told what is not so.
type guard struct {
	log *slog.Logger

	mu       sync.Mutex
	listener net.Listener
	conns    map[net.Conn]struct{}
	failure  error
}

func newGuard(log *slog.Logger) *guard {
	return &guard{log: log, conns: make(map[net.Conn]struct{})}
}

// unwritten begins what kfake logs when it could not write state that it then vouches for. A batch that could not be written is
// not among it: its producer gets an error.
var unwritten = []string{"persist %s", "persist pid entry", "persist group entry"}

// Logf implements kfake.Logger.
func (g *guard) Logf(level kfake.LogLevel, format string, args ...any) {
	to := slog.LevelDebug
	switch level {
	case kfake.LogLevelError:
		to = slog.LevelError
	case kfake.LogLevelWarn:
		to = slog.LevelWarn
	case kfake.LogLevelInfo, kfake.LogLevelDebug, kfake.LogLevelNone:
	}
	if to >= slog.LevelWarn || g.log.Enabled(context.Background(), to) {
		text := fmt.Sprintf(format, args...)
		shown := to
		if strings.HasPrefix(format, "txn: EndTxn slow") {
			shown = slog.LevelDebug // kfake measures itself: every fence on a busy machine is "slow"
		}
		g.log.Log(context.Background(), shown, "embedded bus", "said", text)
		for _, prefix := range unwritten {
			if to >= slog.LevelWarn && strings.HasPrefix(format, prefix) {
				g.fail(fmt.Errorf("embedded bus cannot write its state: %s; free disk space, then start again", text))
			}
		}
	}
}

// listen implements kfake.ListenFn, on loopback whatever it is asked for.
func (g *guard) listen(network, address string) (net.Listener, error) {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	l, err := (&net.ListenConfig{}).Listen(context.Background(), network, net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.listener = guardedListener{l, g}
	return g.listener, nil
}

// fail cuts everybody off, for good.
func (g *guard) fail(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.failure != nil {
		return
	}
	g.failure = err
	g.log.Error("embedded bus stops", "err", err)
	if g.listener != nil {
		_ = g.listener.Close()
	}
	for conn := range g.conns {
		_ = conn.(*guardedConn).Conn.Close()
	}
	clear(g.conns)
}

func (g *guard) err() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.failure
}

var errCutOff = errors.New("embedded bus has stopped")

type guardedListener struct {
	net.Listener
	guard *guard
}

// Accept implements net.Listener.
func (l guardedListener) Accept() (net.Conn, error) {
	raw, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	conn := &guardedConn{raw, l.guard}
	l.guard.mu.Lock()
	defer l.guard.mu.Unlock()
	if l.guard.failure != nil {
		_ = raw.Close()
		return nil, errCutOff
	}
	l.guard.conns[conn] = struct{}{}
	return conn, nil
}

type guardedConn struct {
	net.Conn
	guard *guard
}

// Close implements net.Conn.
func (c *guardedConn) Close() error {
	c.guard.mu.Lock()
	delete(c.guard.conns, c)
	c.guard.mu.Unlock()
	return c.Conn.Close()
}
