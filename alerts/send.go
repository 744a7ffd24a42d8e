package alerts

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

const (
	webhookTimeout = 10 * time.Second
	commandTimeout = 30 * time.Second
	// maxSaid is how much of what a command writes to its standard error goes into the log.
	maxSaid = 300
)

// sender brings one notice to one target, once. An error names neither the path of a webhook, which is often a secret, nor
// an argument of a command.
type sender interface {
	send(ctx context.Context, id string, body []byte) error
}

func (t *Target) sender(now func() time.Time) sender {
	timeout := t.Timeout
	if t.Webhook == "" {
		if timeout == 0 {
			timeout = commandTimeout
		}
		return &command{args: t.Command, timeout: timeout}
	}
	if timeout == 0 {
		timeout = webhookTimeout
	}
	return &webhook{url: t.Webhook, key: signingKey(t.Secret), now: now, client: &http.Client{
		Timeout: timeout,
		// A signed notice goes where it was meant to go, and nowhere else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// webhook posts notices as the Standard Webhooks specification says: headers webhook-id, webhook-timestamp and, with a
// secret, webhook-signature.
type webhook struct {
	url    string
	key    []byte
	now    func() time.Time
	client *http.Client
}

// signingKey decodes a secret that begins with whsec_; any other is the key itself.
func signingKey(secret string) []byte {
	if rest, ok := strings.CutPrefix(secret, "whsec_"); ok {
		if key, err := base64.StdEncoding.DecodeString(rest); err == nil {
			return key
		}
	}
	return []byte(secret)
}

func (w *webhook) send(ctx context.Context, id string, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(body))
	if err != nil {
		return errors.New("post to the webhook: its URL cannot be used")
	}
	stamp := strconv.FormatInt(w.now().Unix(), 10)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "truc")
	request.Header.Set("Webhook-Id", id)
	request.Header.Set("Webhook-Timestamp", stamp)
	if len(w.key) > 0 {
		request.Header.Set("Webhook-Signature", sign(w.key, id, stamp, body))
	}
	response, err := w.client.Do(request)
	if err != nil {
		var asked *url.Error
		if errors.As(err, &asked) {
			err = asked.Err // without the URL
		}
		return fmt.Errorf("post to %s: %w", request.URL.Host, err)
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10)) // so that the connection can be used again
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("post to %s: it answers %d %s", request.URL.Host, response.StatusCode, http.StatusText(response.StatusCode))
	}
	return nil
}

// sign is the signature of a notice: HMAC-SHA256 over id, time and body.
func sign(key []byte, id, stamp string, body []byte) string {
	m := hmac.New(sha256.New, key)
	_, _ = fmt.Fprintf(m, "%s.%s.", id, stamp)
	_, _ = m.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(m.Sum(nil))
}

// command runs a program for each notice, without a shell, and gives it the notice on its standard input.
type command struct {
	args    []string
	timeout time.Duration
}

// inherited are the variables of the environment that a command sees: the others may be secrets of the node.
var inherited = [...]string{"PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR", "SYSTEMROOT", "TEMP", "TMP"}

func (c *command) send(ctx context.Context, id string, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.args[0], c.args[1:]...)
	cmd.Stdin = bytes.NewReader(body)
	said := &firstBytes{most: maxSaid}
	cmd.Stderr = said
	cmd.Env = []string{"TRUC_ALERT_ID=" + id}
	for _, name := range inherited {
		if value, ok := os.LookupEnv(name); ok {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	killFamily(cmd)
	// A grandchild that keeps the pipes open must not hold up what comes after.
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	switch {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("run %s: it did not end within %s and was killed", c.args[0], c.timeout)
	case len(said.b) > 0:
		return fmt.Errorf("run %s: %w: %s", c.args[0], err, strings.TrimSpace(strings.ToValidUTF8(string(said.b), "?")))
	}
	return fmt.Errorf("run %s: %w", c.args[0], err)
}

// firstBytes keeps the beginning of what is written to it.
type firstBytes struct {
	b    []byte
	most int
}

func (f *firstBytes) Write(p []byte) (int, error) {
	f.b = append(f.b, p[:min(len(p), f.most-len(f.b))]...)
	return len(p), nil
}
