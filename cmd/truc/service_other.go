//go:build !linux && !windows

package main

import (
	"context"

	"github.com/lienthong/truc/problem"
)

const defaultServiceUser = "truc"

func systemManager() manager { return noManager{} }

// noManager stands where truc knows no service manager.
type noManager struct{}

func (noManager) check() error {
	return refusal("unsupported", "truc service",
		problem.Say("only Linux (systemd) and Windows are supported"),
		problem.Say("let the machine's service manager run: truc run -c FILE"))
}
func (noManager) text(s service) string                                    { return unitText(s) }
func (noManager) replaces(service) (present, same bool, err error)         { return false, false, nil }
func (n noManager) install(context.Context, *program, service, bool) error { return n.check() }
func (n noManager) remove(context.Context, *program, string, bool) error   { return n.check() }

// asService runs nothing: only Windows starts services its own way.
func asService() (code int, ran bool) { return 0, false }
