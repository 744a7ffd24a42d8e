package adaptertest

import (
	"bytes"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// rowMark stands in every text the suite writes into a row: no log line and no error may show it.
const rowMark = "trịnh-thị-mẫu"

// filler is a text cell that is recognized when it leaks.
func filler(n int64) string { return rowMark + " " + strconv.FormatInt(n, 10) }

// logRecorder keeps what an adapter logs, at every level.
type logRecorder struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logRecorder) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logRecorder) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug - 8}))
}

func (l *logRecorder) check(tb testing.TB, secret string) {
	tb.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	checkText(tb, "the log", l.text.String(), secret)
}

// checkText fails when a text shows a secret or a cell.
func checkText(tb testing.TB, where, text, secret string) {
	tb.Helper()
	if secret != "" && strings.Contains(text, secret) {
		tb.Errorf("%s shows the secret of the configuration; name the server without credentials", where)
	}
	if strings.Contains(text, rowMark) {
		tb.Errorf("%s shows the content of a row; name table, column and constraint instead", where)
	}
}
