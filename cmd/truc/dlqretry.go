package main

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/lienthong/truc/pipeline"
	"github.com/lienthong/truc/problem"
)

// retryOrder is what truc dlq retry was asked for.
type retryOrder struct {
	filter *pipeline.LetterFilter
	wait   time.Duration
}

func defineRetryLetters(fs *flag.FlagSet) action {
	r := &retryOrder{filter: defineLetterFilter(fs)}
	fs.DurationVar(&r.wait, "wait", 10*time.Second, "chờ `DURATION` cho một nút bắt đầu, rồi chờ đến khi xong; 0 là không chờ / wait this `DURATION` for a node to begin, then until it is done; 0 does not wait")
	return r.run
}

func (r *retryOrder) run(ctx context.Context, p *program) error {
	n, conn, box, err := p.openBox(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	r.filter.Keys = distinctWords(p.args[1:])
	asked, err := r.count(ctx, conn, box)
	if err != nil {
		return err
	}
	request := pipeline.Request{
		ID: rand.Text(), Made: time.Now().UTC(), Retry: box.pipeline,
		RetryKeys: r.filter.Keys, RetryReason: r.filter.Reason, RetryField: r.filter.Field,
	}
	b := pipeline.KafkaBus{Client: conn.Client}
	var result *pipeline.RetryResult
	if asked > 0 {
		if err := pipeline.PutRequest(ctx, b, n.config.Agency, box.reader(), request); err != nil {
			return err
		}
		if result, err = r.await(ctx, p, b, n.config.Agency, box, request.ID); err != nil {
			return err
		}
	}
	if p.json {
		err = p.printJSON(map[string]any{"pipeline": box.pipeline, "requested": asked, "result": result})
	} else {
		err = r.say(p, box, asked, result)
	}
	if err == nil && result != nil && result.Done && result.StillWrong()+result.Unknown > 0 {
		return &codeError{code: exitNo}
	}
	return err
}

// count says how many letters are meant now.
func (r *retryOrder) count(ctx context.Context, conn *connection, box letterbox) (int, error) {
	switch {
	case len(r.filter.Keys) > 0:
		if _, err := box.find(ctx, conn, r.filter.Keys); err != nil { // a key that is not there is a slip
			return 0, err
		}
	case r.filter.IsZero():
		return pipeline.CountOpenLetters(ctx, pipeline.KafkaBus{Client: conn.Client}, box.topic, box.pipeline)
	}
	n := 0
	err := box.each(ctx, conn, *r.filter, func(pipeline.OpenLetter) error { n++; return nil })
	return n, err
}

// await waits until a node has done what was asked for. It returns what is known of it, nil when no node has begun.
func (r *retryOrder) await(ctx context.Context, p *program, b pipeline.Bus, agency string, box letterbox, id string) (*pipeline.RetryResult, error) {
	if r.wait <= 0 {
		return nil, nil
	}
	progress := newProgressLine(p.stderr)
	defer progress.end()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for begin := time.Now(); ; {
		result, err := pipeline.LastRetry(ctx, b, agency, box.reader(), box.pipeline)
		if err != nil {
			return nil, err
		}
		mine := result != nil && result.ID == id
		switch {
		case mine && result.Done:
			return result, nil
		case mine:
			progress.show(p.both(problem.Say("%s: tried %d of %d, closed %d", box.pipeline, result.Tried(), result.Total, result.Resolved+result.Gone+result.Newer)))
		case time.Since(begin) > r.wait:
			return nil, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-tick.C:
		}
	}
}

func (r *retryOrder) say(p *program, box letterbox, asked int, result *pipeline.RetryResult) error {
	switch {
	case asked == 0:
		return p.answer(problem.Say("%s: there is no such open dead letter", box.pipeline))
	case result == nil:
		return p.answer(problem.Say("%d dead letter(s) of %s will be tried again by the node that runs it; truc dlq list %s --summary tells what came of it", asked, box.pipeline, box.pipeline))
	}
	fmt.Fprintf(p.stdout, "%s: ", box.pipeline)
	p.printRetry(result)
	return nil
}

// printRetry writes the result of a retry for people.
func (p *program) printRetry(r *pipeline.RetryResult) {
	if !r.Done {
		fmt.Fprintln(p.stdout, p.both(problem.Say("under way: %d / %d", r.Tried(), r.Total)))
		return
	}
	fmt.Fprintln(p.stdout, p.both(problem.Say("tried: %d", r.Total)))
	for _, line := range []struct {
		what problem.Text
		n    int64
	}{
		{problem.Say("sent again"), r.Resolved},
		{problem.Say("the row is gone"), r.Gone},
		{problem.Say("there is something newer"), r.Newer},
		{problem.Say("still wrong"), r.StillWrong()},
		{problem.Say("row not known, close by hand"), r.Unknown},
	} {
		if line.n > 0 {
			fmt.Fprintf(p.stdout, "  %8d  %s\n", line.n, p.both(line.what))
		}
	}
	for _, kind := range slices.SortedFunc(maps.Keys(r.Wrong), func(a, b string) int { return int(r.Wrong[b] - r.Wrong[a]) }) {
		fmt.Fprintf(p.stdout, "  %8d    %s\n", r.Wrong[kind], kind)
	}
}

// progressLine shows one line that changes on a terminal, and a line now and then elsewhere.
type progressLine struct {
	w        io.Writer
	terminal bool
	last     string
	at       time.Time
}

// progressEvery is how often a line is written where there is no terminal.
const progressEvery = 2 * time.Second

func newProgressLine(w io.Writer) *progressLine {
	return &progressLine{w: w, terminal: isTerminal(w), at: time.Now()}
}

func (p *progressLine) show(line string) {
	switch {
	case line == p.last:
	case p.terminal:
		fmt.Fprintf(p.w, "\r\x1b[K%s", line)
		p.last = line
	case time.Since(p.at) >= progressEvery:
		fmt.Fprintln(p.w, line)
		p.last, p.at = line, time.Now()
	}
}

func (p *progressLine) end() {
	if p.terminal && p.last != "" {
		fmt.Fprintln(p.w)
	}
}
