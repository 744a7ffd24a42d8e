//go:build linux

package chaos

import (
	"net"
	"net/url"
	"sync"
	"testing"
	"time"
)

// proxy stands between truc and a database, and can spoil the connections that pass it.
type proxy struct {
	dsn string

	mu      sync.Mutex
	target  string
	pairs   map[*pair]bool
	delay   time.Duration // before each piece of at most 64 KiB
	stalled chan struct{} // nothing passes until it is closed; nil: everything passes
}

type pair struct{ client, server net.Conn }

func newProxy(tb testing.TB, dsn string) *proxy {
	tb.Helper()
	address, err := url.Parse(dsn)
	if err != nil {
		tb.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	p := &proxy{target: address.Host, pairs: map[*pair]bool{}}
	address.Host = listener.Addr().String()
	p.dsn = address.String()
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go p.carry(client)
		}
	}()
	tb.Cleanup(func() {
		listener.Close()
		p.flow()
		p.reset()
	})
	return p
}

func (p *proxy) carry(client net.Conn) {
	p.mu.Lock()
	target := p.target
	p.mu.Unlock()
	server, err := net.Dial("tcp", target)
	if err != nil {
		client.Close()
		return
	}
	both := &pair{client, server}
	p.mu.Lock()
	p.pairs[both] = true
	p.mu.Unlock()
	var wg sync.WaitGroup
	wg.Go(func() { p.copy(server, client) })
	wg.Go(func() { p.copy(client, server) })
	wg.Wait()
	p.mu.Lock()
	delete(p.pairs, both)
	p.mu.Unlock()
}

func (p *proxy) copy(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	piece := make([]byte, 64<<10)
	for {
		n, err := from.Read(piece)
		if n > 0 {
			p.mu.Lock()
			delay, stalled := p.delay, p.stalled
			p.mu.Unlock()
			time.Sleep(delay)
			if stalled != nil {
				<-stalled
			}
			if _, err := to.Write(piece[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// turn leads to another database from now on, which is called by the name of the first one.
func (p *proxy) turn(host string) {
	p.mu.Lock()
	p.target = host
	p.mu.Unlock()
	p.reset()
}

// reset ends every connection with a RST.
func (p *proxy) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for both := range p.pairs {
		for _, c := range []net.Conn{both.client, both.server} {
			if tcp, ok := c.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0)
			}
			c.Close()
		}
	}
}

// stall lets nothing pass, with every connection open.
func (p *proxy) stall() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stalled == nil {
		p.stalled = make(chan struct{})
	}
}

// slow delays each piece.
func (p *proxy) slow(delay time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = delay
}

// flow lets everything pass again.
func (p *proxy) flow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stalled != nil {
		close(p.stalled)
		p.stalled = nil
	}
	p.delay = 0
}
