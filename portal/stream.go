package portal

import (
	"net/http"
	"time"
)

// writeTimeout is how long a viewer may take for one message before it is given up.
const writeTimeout = 10 * time.Second

// stream serves the changes of the page in one language. Each event is a JSON object, see message.
func (p *Portal) stream(lang string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Accel-Buffering", "no") // nginx would collect the events
		if r.Method == http.MethodHead {
			h.Set("Content-Type", "text/event-stream")
			return
		}
		v, ok := p.live.join(lang)
		if !ok {
			h.Set("Retry-After", "5")
			http.Error(w, "too many open pages, or the node is stopping: reload in a moment", http.StatusServiceUnavailable)
			return
		}
		defer p.live.leave(v)
		h.Set("Content-Type", "text/event-stream")
		to := http.NewResponseController(w)
		write := func(text []byte) bool {
			_ = to.SetWriteDeadline(time.Now().Add(writeTimeout)) // a test's writer has none
			_, err := w.Write(text)
			return err == nil && to.Flush() == nil
		}
		if !write([]byte("retry: 2000\n\n")) {
			return
		}
		for {
			select {
			case <-r.Context().Done():
				return
			case message, open := <-v.message:
				if !open || !write(message) {
					return
				}
			}
		}
	}
}
