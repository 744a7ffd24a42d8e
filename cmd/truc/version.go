package main

import (
	"context"
	"flag"
	"fmt"
	"runtime/debug"

	"github.com/lienthong/truc/problem"
)

func versionVerb() verb {
	return verb{
		name: "version", summary: problem.Text{VI: "cho biết đây là phiên bản nào", EN: "say which version this is"},
		define: func(*flag.FlagSet) action {
			return func(_ context.Context, p *program) error {
				v := versionOf(debug.ReadBuildInfo())
				if p.json {
					return p.printJSON(v)
				}
				_, err := fmt.Fprintf(p.stdout, "truc %s, commit %s, %s\n", v.Version, v.Commit, v.Go)
				return err
			}
		},
	}
}

// version is what the Go toolchain stamped into the binary.
type version struct {
	Version string `json:"version"`
	Go      string `json:"go"`
	Commit  string `json:"commit"`
}

func versionOf(info *debug.BuildInfo, ok bool) version {
	v := version{Version: "unknown", Go: "unknown", Commit: "unknown"}
	if !ok {
		return v
	}
	v.Go = info.GoVersion
	if info.Main.Version != "" {
		v.Version = info.Main.Version
	}
	modified := false
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Commit = s.Value
		case "vcs.modified":
			modified = s.Value == "true"
		}
	}
	if modified {
		v.Commit += " with local changes"
	}
	return v
}
