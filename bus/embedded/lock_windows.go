package embedded

import (
	"errors"
	"path/filepath"
	"syscall"
)

// errSharingViolation is ERROR_SHARING_VIOLATION.
const errSharingViolation = syscall.Errno(32)

// dirLock is held by a handle that shares the file with nobody; the system closes it when the process ends, however it ends.
type dirLock struct{ handle syscall.Handle }

func lockDir(dir string) (*dirLock, error) {
	name, err := syscall.UTF16PtrFromString(filepath.Join(dir, lockName))
	if err != nil {
		return nil, err
	}
	const nobody = 0
	h, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, nobody, nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if errors.Is(err, errSharingViolation) {
		return nil, &InUseError{Dir: dir}
	}
	if err != nil {
		return nil, err
	}
	return &dirLock{h}, nil
}

func (l *dirLock) release() error { return syscall.CloseHandle(l.handle) }
