package main

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"github.com/lienthong/truc/problem"
)

// diskFull is the code of the one fault of this machine that passes without anybody changing the configuration.
const diskFull = "machine.disk-full"

// fileFault explains what went wrong with a file of this machine to those who can mend it. The log of a node, to which other
// errors point, would tell them nothing: most commands have none.
func fileFault(err error) (problem.Problem, bool) {
	where := ""
	pathError, path := errors.AsType[*fs.PathError](err)
	linkError, link := errors.AsType[*os.LinkError](err)
	switch {
	case path:
		where = pathError.Path
	case link:
		where = linkError.New
	}
	switch {
	case !path && !link: // an error number alone may come from the network
		return problem.Problem{}, false
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return problem.Problem{
			Code: diskFull, Where: where, What: problem.Say("no space is left on the disk: %v", err),
			Fix: problem.Say("make space and try again; nothing is lost that was taken before"),
		}, true
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return problem.Problem{
			Code: "machine.not-permitted", Where: where, What: problem.Say("this user may not do that: %v", err),
			Fix: problem.Say("give this user the right to it, or name another place"),
		}, true
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EISDIR):
		return problem.Problem{
			Code: "machine.path", Where: where, What: problem.Say("this path cannot be used: %v", err),
			Fix: problem.Say("correct the path, or create the folder that is missing"),
		}, true
	}
	return problem.Problem{}, false
}
