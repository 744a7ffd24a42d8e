//go:build linux

package chaos

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/lienthong/truc/tests/nodes"
)

// Here the harness is the operator: a node that ends must have said what is missing and which command mends it, and that
// command, nothing else, is what it is given.

// gapCode is the exit code of a node that misses changes.
const gapCode = 5

// silence is a gap that was not named, or advice that did not help.
type silence struct{ what string }

func (s silence) Error() string { return s.what }

func silently(format string, args ...any) error { return silence{fmt.Sprintf(format, args...)} }

// named waits until a node ends because changes are missing, and compares what it says with what it must.
func (p *process) named(within time.Duration, texts ...string) error {
	if !await(within, p.node.Ended) {
		return silently("%s goes on although something is missing", p.config)
	}
	if code := p.node.ExitCode(); code != gapCode {
		return silently("%s ended with %d, not with %d: %s", p.config, code, gapCode, p.node.Log.Tail(3))
	}
	for _, text := range texts {
		if !p.node.Log.Has(text) {
			return silently("%s does not say %q: %s", p.config, text, p.node.Log.Tail(3))
		}
	}
	p.office.note("%s names it: %.300s", p.config, p.node.Log.Tail(1))
	return nil
}

// told runs a command for an operator.
func (o *office) told(config string, args ...string) error {
	if got := nodes.Command(o.tb, o.dir, o.binary, append(args, "-c", config)...); got.Code != 0 {
		return silently("truc %s: %s", strings.Join(args, " "), got)
	}
	o.note("truc %s", strings.Join(args, " "))
	return nil
}

// mended waits for the publisher to name a gap, and has the source read again. In two of three runs the node is killed in the
// middle of it: at some time, or when it has swept.
func (o *office) mended(cut bool, texts ...string) error {
	if err := o.pub.named(settle, append(texts, "truc resnapshot hotich")...); err != nil {
		return err
	}
	return o.readAgain(cut)
}

func (o *office) readAgain(cut bool) error {
	if err := o.told("pub.yaml", "resnapshot", "hotich", "--yes"); err != nil {
		return err
	}
	switch o.rng.IntN(3) {
	case 0:
		o.pub.start()
	case 1:
		o.pub.start()
		o.pause(100*time.Millisecond, 1500*time.Millisecond)
		o.pub.kill()
		o.pub.start()
		o.note("killed while it reads again")
	default:
		o.pub.start("TRUC_KILL_AT=swept:1")
		if await(20*time.Second, o.pub.node.Ended) {
			o.note("killed when it had swept")
		}
		o.pub.kill()
		o.pub.start()
	}
	// From when it is opened, every change is read. Where the gap shows only while the log is read, it is opened once more.
	opened := 0
	if !await(settle, func() bool {
		if n := o.pub.node.Log.Count("source opened"); n > opened {
			opened = n
			o.book.beginAgain(cut)
		}
		return o.pub.node.Ended() || o.pub.streaming()
	}) || o.pub.node.Ended() {
		return silently("the source is not read again: %s", o.pub.node.Log.Tail(3))
	}
	time.Sleep(1500 * time.Millisecond) // the position that closes the request is saved
	return nil
}

// streaming reports whether a publisher has its snapshots behind it.
func (p *process) streaming() bool {
	address := p.node.Log.Attribute("truc is running", "http")
	if address == "" {
		return false
	}
	client := http.Client{Timeout: 5 * time.Second}
	response, err := client.Get(address + "/api/status")
	if err != nil {
		return false
	}
	defer response.Body.Close()
	var status struct {
		Readers []struct {
			State     string
			Snapshots []struct{ Done bool }
		}
	}
	if json.NewDecoder(response.Body).Decode(&status) != nil || len(status.Readers) != 1 {
		return false
	}
	r := status.Readers[0]
	return r.State == "running" && len(r.Snapshots) > 0 && !slices.ContainsFunc(r.Snapshots, func(s struct{ Done bool }) bool { return !s.Done })
}

// subscriberMended starts a subscriber that was down, which must say that the topic is not the one it knows, or at least not
// deliver on as if it were; and has it read again.
func (o *office) subscriberMended(texts ...string) error {
	o.sub.start()
	if err := o.sub.named(settle, append(texts, "truc resnapshot tre_em")...); err != nil {
		return err
	}
	if err := o.told("sub.yaml", "resnapshot", "tre_em", "--yes"); err != nil {
		return err
	}
	o.sub.start()
	return nil
}
