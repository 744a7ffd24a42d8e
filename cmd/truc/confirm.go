package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/lienthong/truc/problem"
)

// defineYes adds --yes to a verb that destroys or repeats something.
func defineYes(fs *flag.FlagSet) *bool {
	return fs.Bool("yes", false, "làm mà không hỏi; bắt buộc khi không có màn hình để hỏi / do it without asking; needed where there is no terminal to ask on")
}

// confirm says what is about to happen and asks whether it should. Off a terminal only --yes is an answer.
func (p *program) confirm(ctx context.Context, yes bool, what problem.Text) error {
	if yes {
		return nil
	}
	if !isTerminal(p.stdin) {
		return unconfirmed(what)
	}
	for _, l := range p.languages() {
		fmt.Fprintln(p.stderr, what.In(l)+".")
	}
	fmt.Fprint(p.stderr, "Tiếp tục? · Go on? [y/N] ")
	answer := make(chan string, 1)
	// A read from a terminal cannot be cancelled: it ends with the process.
	go func() {
		line, _ := bufio.NewReader(p.stdin).ReadString('\n')
		answer <- line
	}()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case line := <-answer:
		if line == "" { // the end of it: a device like /dev/null, as cron and systemd give one
			fmt.Fprintln(p.stderr)
			return unconfirmed(what)
		}
		if a := strings.ToLower(strings.TrimSpace(line)); slices.Contains([]string{"y", "yes", "c", "có"}, a) {
			return nil
		}
		return &codeError{code: exitNo, err: fmt.Errorf("nothing was done")}
	}
}

func unconfirmed(what problem.Text) error {
	return &usageError{what: problem.Say("%s; nothing was done", what), fix: problem.Say("repeat the command with --yes if that is what you want")}
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
