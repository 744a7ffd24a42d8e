package postgres

import (
	"io"
	"net"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"
)

// TestGather: in a flood, and only then, the kernel is told to wait for more, and never for longer than gatherTime.
func TestGather(t *testing.T) {
	var mu sync.Mutex
	var asked []int
	lowered := make(chan struct{}, 10)
	in, out := net.Pipe()
	g := newGatherer(in, func(bytes int) {
		mu.Lock()
		defer mu.Unlock()
		if asked = append(asked, bytes); bytes == 1 {
			lowered <- struct{}{}
		}
	})
	read := func(bytes int) {
		t.Helper()
		go func() { _, _ = out.Write(make([]byte, bytes)) }()
		if n, err := io.ReadFull(g, make([]byte, bytes)); err != nil {
			t.Fatalf("read %d bytes: %v", n, err)
		}
	}
	wanted := func(want ...int) {
		t.Helper()
		mu.Lock()
		defer mu.Unlock()
		if !slices.Equal(asked, want) {
			t.Errorf("asked for low water at %v, want %v", asked, want)
		}
	}
	window := func() { g.since = time.Now().Add(-floodWindow) } // it began so long ago
	window()
	read(400)
	window()
	read(400)
	wanted()
	window()
	read(1 << 20)
	if !g.flood {
		t.Fatal("a megabyte in 4 ms is no flood")
	}
	go func() { <-lowered; _, _ = out.Write(make([]byte, 1)) }()
	if _, err := g.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	wanted(gatherBytes, 1) // by the timer, before anything was read
	g.flood = true
	g.since, g.bytes = time.Now().Add(-time.Second), 0
	read(1)
	wanted(gatherBytes, 1, gatherBytes, 1)
	if g.flood {
		t.Error("a byte a second is a flood")
	}
}

// TestGatherOnASocket: a byte that comes alone after a flood is read at once.
func TestGatherOnASocket(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	out, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	socket, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	in := gather(socket, socket)
	if _, ok := in.(*gatherer); ok != (runtime.GOOS == "linux") {
		t.Errorf("a flood over TCP gathers: %t", ok)
	}
	for range 5 {
		go func() { _, _ = out.Write(make([]byte, 4<<20)) }()
		if _, err := io.ReadFull(in, make([]byte, 4<<20)); err != nil {
			t.Fatal(err)
		}
		if g, ok := in.(*gatherer); ok {
			g.flood = true // whatever the speed of the machine
		}
		go func() {
			time.Sleep(20 * time.Millisecond)
			_, _ = out.Write([]byte{1})
		}()
		if err := socket.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := in.Read(make([]byte, 1)); err != nil {
			t.Fatalf("a lone byte after a flood: %v", err)
		}
	}
}
