package main

import "net"

// notify tells the service manager that started this process how it is doing (sd_notify(3)): "READY=1",
// "STATUS=…". Where none listens it does nothing; that it cannot be told is no reason to stop.
func (p *program) notify(state string) {
	socket, ok := p.env("NOTIFY_SOCKET")
	if !ok || socket == "" {
		return
	}
	if socket[0] == '@' { // an abstract address
		socket = "\x00" + socket[1:]
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = conn.Write([]byte(state))
}
