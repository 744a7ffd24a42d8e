package postgres

import (
	"net"
	"syscall"
)

// lowWater returns a function that sets from how many bytes on the kernel wakes who waits for a socket; nil when it is not one of TCP,
// the only kind that Linux does this for.
func lowWater(socket net.Conn) func(bytes int) {
	tcp, ok := socket.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	return func(bytes int) {
		// It fails on a closed socket only, which wakes everybody.
		_ = raw.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVLOWAT, bytes) })
	}
}
