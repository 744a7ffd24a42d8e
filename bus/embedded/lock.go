package embedded

import "fmt"

// lockName is the file that is locked while a process has the directory open. It stays behind; the lock does not.
const lockName = "truc.lock"

// InUseError says that another process has the directory open.
type InUseError struct{ Dir string }

func (e *InUseError) Error() string {
	return fmt.Sprintf("%s is open in another process: stop that one, or give this one a directory of its own", e.Dir)
}
