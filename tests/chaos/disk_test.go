//go:build linux

package chaos

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// disk is a small one of its own, so that filling it harms nobody else.
type disk struct{ dir string }

// mountable reports whether this user may mount one.
var mountable = sync.OnceValue(func() bool {
	dir, err := os.MkdirTemp("", "truc-chaos-")
	if err != nil {
		return false
	}
	defer os.Remove(dir)
	return mount(dir, "1m") == nil && syscall.Unmount(dir, syscall.MNT_DETACH) == nil
})

func mount(dir, size string) error {
	return syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=0777,size="+size)
}

// newDisk mounts one where also a broker that runs as another user may write.
func newDisk(tb testing.TB) *disk {
	tb.Helper()
	dir, err := os.MkdirTemp("", "truc-chaos-") //nolint:usetesting // the directories of a test are its user's alone
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.Remove(dir) })
	if err := errors.Join(os.Chmod(dir, 0o755), mount(dir, "192m")); err != nil {
		tb.Fatalf("mount a small disk: %v", err)
	}
	tb.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			tb.Errorf("umount %s: %v", dir, err)
		}
	})
	return &disk{dir}
}

func (d *disk) filler() string { return filepath.Join(d.dir, "filler") }

// fill leaves no room.
func (d *disk) fill() error {
	f, err := os.Create(d.filler())
	if err != nil {
		return err
	}
	defer f.Close()
	for block := make([]byte, 64<<10); len(block) > 0; block = block[:len(block)/2] {
		for err = nil; err == nil; {
			_, err = f.Write(block)
		}
		if !errors.Is(err, syscall.ENOSPC) {
			return err
		}
	}
	return nil
}

// free gives the room back.
func (d *disk) free() error { return os.Remove(d.filler()) }

// busDiskFull fills the disk of the embedded bus. The node may go on by itself or end; whoever runs it starts it again.
func (o *office) busDiskFull() error {
	if err := o.disk.fill(); err != nil {
		return err
	}
	for range 3 {
		o.pause(500*time.Millisecond, time.Second)
		o.pub.tend()
	}
	return o.disk.free()
}

// brokerDiskFull fills the disk of the broker, which ends by itself then or serves nobody, and is started again when there is room.
func (o *office) brokerDiskFull() error {
	if err := o.disk.fill(); err != nil {
		return err
	}
	o.pause(time.Second, 3*time.Second)
	err := o.disk.free()
	o.world.kafka.Kill()
	o.world.kafka.Start()
	return err
}
