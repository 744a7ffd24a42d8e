package docs

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// guide is a page that is followed as a reader would, with terminals and an editor:
//
//	sh            is typed in the first terminal; it ends with 0, or as "exit code 3" in it says
//	sh 2          is typed in the second terminal, where a node runs: it ends with Ctrl-C, then this goes on
//	sql hotich    is given to psql -d hotich
//	yaml a.yaml   is saved under that name, in the folder of the first terminal
//	text          is what the block before printed, among other lines; … stands for anything
//
// What a block prints is waited for, by doing the block again, if it only looks.
type guide struct {
	t      *testing.T
	page   string
	blocks []block
	// state is a script that brings a shell to where the first terminal was left: variables and folder.
	state string
	nodes map[string]*running
}

// newGuide begins in an empty folder. differs are what is at another place here than in the page: page, here, page, here, …
func newGuide(t *testing.T, page, truc, psql string, differs []string) *guide {
	t.Helper()
	g := &guide{t: t, page: page, blocks: blocks(t, page), nodes: map[string]*running{}}
	elsewhere := strings.NewReplacer(differs...)
	for i := range g.blocks {
		g.blocks[i].text = elsewhere.Replace(g.blocks[i].text)
	}
	home, bin := t.TempDir(), t.TempDir()
	if err := os.Symlink(truc, filepath.Join(bin, "truc")); err != nil {
		t.Fatal(err)
	}
	g.state = filepath.Join(bin, "state.sh")
	path := strings.Join([]string{bin, psql, os.Getenv("PATH")}, string(os.PathListSeparator))
	write(t, bin, "state.sh", "export PATH='"+path+"' PSQLRC=/dev/null PAGER=cat TRUC_CONFIG= TRUC_LANG=\ncd '"+home+"'\n")
	return g
}

func (g *guide) follow() {
	g.t.Helper()
	for i, b := range g.blocks {
		var says string
		if i+1 < len(g.blocks) && g.blocks[i+1].language == "text" {
			says = g.blocks[i+1].text
		}
		_, err := strconv.Atoi(b.file)
		if says != "" && b.language != "sql" && (b.language != "sh" || err == nil) {
			g.t.Fatalf("%s: this stands after a block that prints nothing:\n%s", g.page, says)
		}
		switch {
		case b.language == "text":
		case b.language == "sh" && err == nil:
			g.node(b)
		case b.language == "sh":
			g.do(b, "set -e\n"+b.text, says)
		case b.language == "sql":
			g.do(b, "psql -q -v ON_ERROR_STOP=1 -d "+b.file+" <<'END OF BLOCK'\n"+b.text+"END OF BLOCK\n", says)
		case b.file != "":
			g.do(b, "cat > "+b.file+" <<'END OF BLOCK'\n"+b.text+"END OF BLOCK\n", "")
		default:
			g.t.Fatalf("%s: nobody knows what to do with this block of %q:\n%s", g.page, b.language, b.text)
		}
	}
	for _, r := range g.nodes {
		g.interrupt(r)
	}
}

// exitCode is how a block says that it ends with another one than 0.
var exitCode = regexp.MustCompile(`exit code (\d+)`)

// looks are lines of blocks that change nothing.
var looks = regexp.MustCompile(`^(SELECT|ls|cat|head|kcat|truc (status|verify|check|try|discover|dlq list|dlq show|mapping test|mapping explain)) `)

// do runs a block to its end, until it prints what it should.
func (g *guide) do(b block, script, says string) {
	g.t.Helper()
	want, again := 0, true
	if m := exitCode.FindStringSubmatch(b.text); m != nil {
		want, _ = strconv.Atoi(m[1])
	}
	for line := range strings.Lines(b.text) {
		line = strings.TrimSpace(line)
		again = again && (line == "" || strings.HasPrefix(line, "#") || looks.MatchString(line+" "))
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		got, out := g.shell(script)
		missing := absent(out, says)
		switch {
		case got == want && missing == "":
			return
		case again && time.Now().Before(deadline):
			continue
		}
		if got != want {
			g.t.Errorf("%s: exit code %d, want %d", g.page, got, want)
		}
		g.t.Fatalf("%s: the block\n%s\ndoes not print\n%s\nbut\n%s\n%s", g.page, b.text, missing, out, g.logs())
	}
}

// shell runs a script where the first terminal is, and leaves that where the script does.
func (g *guide) shell(script string) (code int, out string) {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(g.t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", `. "$0"; trap 'code=$?; { export -p; printf "cd %q\n" "$PWD"; } >"$0"; exit $code' EXIT`+"\n"+script, g.state)
	text, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		g.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(text)
}

// node ends what runs in a terminal and starts what the block says instead, if it says anything.
func (g *guide) node(b block) {
	g.t.Helper()
	if r := g.nodes[b.file]; r != nil {
		g.interrupt(r)
		delete(g.nodes, b.file)
	}
	var lines []string
	for line := range strings.Lines(b.text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		return
	}
	lines[len(lines)-1] = "exec " + lines[len(lines)-1] // Ctrl-C is for it, not for the shell
	r := &running{t: g.t, ended: make(chan struct{})}
	r.cmd = exec.Command("bash", "-c", `. "$0"`+"\nset -e\n"+strings.Join(lines, "\n"), g.state)
	r.cmd.Stderr = &r.log
	if err := r.cmd.Start(); err != nil {
		g.t.Fatal(err)
	}
	go func() {
		defer close(r.ended)
		_ = r.cmd.Wait()
	}()
	g.t.Cleanup(r.stop)
	r.until("the node says that it runs", func() bool { return strings.Contains(r.log.String(), "truc is running") })
	g.nodes[b.file] = r
}

// interrupt is Ctrl-C.
func (g *guide) interrupt(r *running) {
	g.t.Helper()
	if err := r.cmd.Process.Signal(os.Interrupt); err != nil {
		g.t.Fatalf("%s: the node has ended before Ctrl-C\n%s", g.page, r.log.String())
	}
	r.endsWith(130)
}

func (g *guide) logs() string {
	var text strings.Builder
	for name, r := range g.nodes {
		text.WriteString("terminal " + name + ":\n" + r.log.String())
	}
	return text.String()
}

// absent returns the first line that should be in a text after those before it and is not, or "".
func absent(text, says string) string {
	lines := strings.Split(text, "\n")
	for want := range strings.Lines(says) {
		fields := strings.Fields(want)
		if len(fields) == 0 {
			continue
		}
		for i := range fields {
			fields[i] = strings.ReplaceAll(regexp.QuoteMeta(fields[i]), "…", ".*")
		}
		pattern := regexp.MustCompile(strings.NewReplacer(" +.* +", ".*", " +.*", ".*", ".* +", ".*").Replace(strings.Join(fields, " +")))
		for len(lines) > 0 && !pattern.MatchString(lines[0]) {
			lines = lines[1:]
		}
		if len(lines) == 0 {
			return want
		}
		lines = lines[1:]
	}
	return ""
}
