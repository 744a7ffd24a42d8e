// Command truc runs a node of the shared axis: it reads the changes of an agency's databases, publishes them as events
// and delivers the events of other agencies. `truc -h` lists what it can do; each verb has a file of its own here.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/lienthong/truc/adapters/all"
)

func main() {
	if code, ran := asService(); ran {
		os.Exit(code)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the process at once, should the orderly end take too long.
	context.AfterFunc(ctx, stop)
	code := Main(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.LookupEnv)
	stop()
	os.Exit(code)
}

// Main runs one command line and returns the exit code. Tests and the binary go through it alike.
func Main(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, env func(string) (string, bool)) int {
	p := &program{stdin: stdin, stdout: stdout, stderr: stderr, env: env, adapters: all.Registry()}
	return p.execute(ctx, args)
}

func (p *program) execute(ctx context.Context, args []string) int {
	act, err := p.parse(verbs(), args)
	if err == nil {
		err = act(ctx, p)
	}
	return p.exit(ctx, err)
}

// verbs are what truc can do, in the order in which its help lists them.
func verbs() []verb {
	return slices.Concat(
		[]verb{demoVerb(), initVerb(), checkVerb(), discoverVerb(), tryVerb(), runVerb(), statusVerb(), verifyVerb()},
		pauseVerbs(),
		[]verb{replayVerb(), resnapshotVerb(), eraseVerb()},
		dlqVerbs(),
		mappingVerbs(),
		[]verb{mappingExplainVerb(), schemaListVerb(), schemaNewVerb(), schemaLintVerb(), schemaTestVerb(), schemaDiffVerb()},
		stepVerbs(),
		[]verb{schemaKeyVerb(), schemaExportVerb(), schemaImportVerb(), schemaDocsVerb(), usesVerb()},
		exportVerbs(),
		codeVerbs(),
		[]verb{unitVerb(), registryVerb(), alertTestVerb()},
		serviceVerbs(),
		[]verb{versionVerb()},
	)
}
