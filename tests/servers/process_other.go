//go:build !linux

package servers

import (
	"context"
	"errors"
	"time"
)

// Elsewhere than on Linux this package starts no servers; tests use those that the environment hands in.

type home struct {
	dir   string
	owner *struct{}
}

func newHome(name string) (*home, error) {
	return nil, &missingError{"a server of its own for a test (" + name + ") runs on Linux only; hand in a shared one by " +
		"TRUC_TEST_POSTGRES and TRUC_TEST_KAFKA"}
}

var errLinuxOnly = errors.New("test servers run on Linux only")

func (h *home) write(string, string) (string, error)                      { return "", errLinuxOnly }
func (h *home) own(string) error                                          { return errLinuxOnly }
func (h *home) share(string, string) (string, error)                      { return "", errLinuxOnly }
func (h *home) remove()                                                   {}
func (h *home) run(context.Context, string, ...string) error              { return errLinuxOnly }
func (h *home) start(string, signal, string, ...string) (*process, error) { return nil, errLinuxOnly }

type process struct {
	name string
	done chan struct{}
	err  error
}

func (p *process) pid() int                      { return 0 }
func (p *process) signal(signal)                 {}
func (p *process) stop(time.Duration, ...signal) {}
func (p *process) freeze()                       {}
func (p *process) kill()                         {}
func (p *process) logTail() string               { return "" }

type signal int

const (
	terminate signal = iota
	interrupt
	quit
	kill
	thaw
)
