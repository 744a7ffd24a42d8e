//go:build linux

package year

import (
	"os"
	"testing"

	"github.com/lienthong/truc/tests/nodes"
)

func TestMain(m *testing.M) { os.Exit(nodes.Main(m)) }
