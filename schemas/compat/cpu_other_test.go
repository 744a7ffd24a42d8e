//go:build !unix

package compat

import (
	"testing"
	"time"
)

func used(testing.TB) time.Duration { return time.Duration(time.Now().UnixNano()) }
