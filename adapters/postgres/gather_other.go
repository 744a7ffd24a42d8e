//go:build !linux

package postgres

import "net"

// lowWater is nil: a flood is read as it comes.
func lowWater(net.Conn) func(bytes int) { return nil }
