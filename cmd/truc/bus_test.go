package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/lienthong/truc/bus/embedded"
	"github.com/lienthong/truc/config"
)

// TestConnectEmbedded holds two connections to one embedded bus, as `truc run` and `truc status` do.
func TestConnectEmbedded(t *testing.T) {
	ctx, log := context.Background(), slog.New(slog.DiscardHandler)
	bus := config.Bus{Embedded: &config.EmbeddedBus{Dir: filepath.Join(t.TempDir(), "data", "bus")}}
	owner, err := connect(ctx, bus, true, log)
	if err != nil {
		t.Fatal(err)
	}
	guest, err := connect(ctx, bus, false, log)
	if err != nil {
		t.Fatal(err)
	}
	if guest.broker != nil || guest.Ping(ctx) != nil {
		t.Error("the second connection does not use the broker of the first")
	}
	var inUse *embedded.InUseError
	if _, err := connect(ctx, bus, true, log); !errors.As(err, &inUse) {
		t.Errorf("a second owner got %v, want an InUseError", err)
	}
	if err := errors.Join(guest.Close(), owner.Close()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(bus.Embedded.Dir, addressFile)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the address outlives its broker: %v", err)
	}
	again, err := connect(ctx, bus, false, log)
	if err != nil || again.broker == nil {
		t.Fatalf("the bus is not opened once its owner is gone: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

// TestJoinSilentOwner gives up on a process that has the bus open and does not answer.
func TestJoinSilentOwner(t *testing.T) {
	dir := t.TempDir()
	owner, err := embedded.Start(embedded.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close()
	// 127.0.0.1:9 is the discard port, on which nobody listens: what a killed owner leaves behind.
	if err := os.WriteFile(filepath.Join(dir, addressFile), []byte("127.0.0.1:9"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = connect(context.Background(), config.Bus{Embedded: &config.EmbeddedBus{Dir: dir}}, false, slog.New(slog.DiscardHandler))
	if exitCode(context.Background(), err) != exitUnreachable {
		t.Errorf("error %v, want one that exits 4", err)
	}
}
