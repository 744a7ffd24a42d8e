package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/lienthong/truc/problem"
)

func TestFileFaultsSayWhatToDo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		code string
	}{
		"full disk":      {fmt.Errorf("write result: %w", &fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}), diskFull},
		"full on rename": {&os.LinkError{Op: "rename", Old: "a", New: "b", Err: syscall.EDQUOT}, diskFull},
		"no right":       {&fs.PathError{Op: "open", Path: "x", Err: syscall.EACCES}, "machine.not-permitted"},
		"read only":      {&fs.PathError{Op: "mkdir", Path: "x", Err: syscall.EROFS}, "machine.not-permitted"},
		"no folder":      {&fs.PathError{Op: "mkdir", Path: "x", Err: syscall.ENOENT}, "machine.path"},
		"network":        {&os.SyscallError{Syscall: "connect", Err: syscall.EACCES}, ""},
		"other":          {&fs.PathError{Op: "read", Path: "x", Err: syscall.EIO}, ""},
	} {
		if p, _ := fileFault(c.err); p.Code != c.code {
			t.Errorf("%s: code %q, want %q", name, p.Code, c.code)
		}
		var out bytes.Buffer
		p := &program{stderr: &out}
		if got := p.exit(context.Background(), c.err); got != exitFailed {
			t.Errorf("%s: exit code %d", name, got)
		}
		if asks := strings.Contains(out.String(), "look at the log"); asks != (c.code == "") {
			t.Errorf("%s:\n%s", name, &out)
		}
	}
}

// A full disk at the start of a node ends it with code 1, after which the service starts it again; code 2 would leave it
// down when there is space again.
func TestFullDiskIsNoFaultOfTheConfiguration(t *testing.T) {
	t.Parallel()
	full := fmt.Errorf("write address of the embedded bus: %w", &fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC})
	found := serverProblem(full, "truc.yaml:3 bus")
	if len(found) != 1 || found[0].Code != diskFull || found[0].Where == "" {
		t.Fatalf("truc check says %+v", found)
	}
	n := &node{log: slog.New(slog.DiscardHandler)}
	if fatal := n.tolerate(found); len(fatal) != 0 {
		t.Errorf("truc run refuses the configuration: %v", fatal)
	}
	if fatal := n.tolerate(problem.List{{Code: "check.refused", What: problem.Verbatim(errors.ErrUnsupported.Error())}}); len(fatal) != 1 {
		t.Errorf("truc run tolerates what must be changed")
	}
}
