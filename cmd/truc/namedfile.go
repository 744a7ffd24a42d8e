package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/lienthong/truc/problem"
)

// readNamed reads a file that the command line names. One that is not there, or is no file, is a slip of whoever typed the name.
func readNamed(name string) ([]byte, error) { return readNamedWithin(name, -1) }

// readNamedWithin reads so many bytes of it at most; a negative number is all.
func readNamedWithin(name string, most int64) ([]byte, error) {
	file, err := os.Open(name)
	if err == nil {
		defer file.Close()
		var r io.Reader = file
		if most >= 0 {
			r = io.LimitReader(file, most)
		}
		var text []byte
		if text, err = io.ReadAll(r); err == nil {
			return text, nil
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &usageError{what: problem.Say("the file %s does not exist", name), fix: problem.Say("correct the name; it is relative to this folder")}
	case errors.Is(err, syscall.EISDIR):
		return nil, &usageError{what: problem.Say("%s is a folder, and a file is needed", name), fix: problem.Say("name the file in it")}
	}
	return nil, err
}
