package portal

import (
	"context"
	"html/template"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// frameAge is how old what a page shows may be. Whatever the number of viewers, the node is not looked at more often.
	frameAge = time.Second
	// maxViewers bounds what open pages take of memory and connections.
	maxViewers = 500
	// heartbeat is how often a stream says something even when nothing changed: proxies take a quiet one for dead, and a page
	// takes silence for a node that is gone.
	heartbeat = 10 * time.Second
)

// frame is the node at one moment, shared by all who look. It is not changed once it is made.
type frame struct {
	at     time.Time
	status Status
	rates  map[string]rate

	views map[string]func() *view // by language, rendered when the first asks
}

// live looks at the node for all viewers together.
type live struct {
	look      func(ctx context.Context, thorough bool) Status
	now       func() time.Time
	formats   map[string]format // by language, like the templates
	templates map[string]*template.Template
	rendered  map[string]*atomic.Pointer[view]
	boot      string // changes with every start of the node: a page of another one is loaded anew

	looking sync.Mutex // held while the node is looked at
	latest  *frame
	history history

	mu      sync.Mutex
	running bool
	viewers map[*viewer]struct{}
	wake    chan struct{}
	sent    map[string]sent // what the viewers of a language have; used by run only
}

type sent struct {
	view *view
	at   time.Time
}

// viewer is one open stream. A message that it is too slow for is not kept: it gets the whole when it is ready again.
type viewer struct {
	lang    string
	message chan []byte // closed when the stream must end
	behind  bool        // used by run only
}

func newLive(look func(context.Context, bool) Status) *live {
	formats, parsed, rendered := map[string]format{}, map[string]*template.Template{}, map[string]*atomic.Pointer[view]{}
	for _, lang := range languages() {
		formats[lang] = newFormat(lang)
		parsed[lang] = templates(formats[lang])
		rendered[lang] = &atomic.Pointer[view]{}
	}
	return &live{
		look: look, formats: formats, templates: parsed, rendered: rendered, now: time.Now, boot: time.Now().UTC().Format("20060102T150405.000000"),
		viewers: map[*viewer]struct{}{}, wake: make(chan struct{}, 1), sent: map[string]sent{},
	}
}

// run samples and broadcasts at every tick until ctx is done.
func (l *live) run(ctx context.Context, tick <-chan time.Time) {
	l.mu.Lock()
	l.running = true
	l.mu.Unlock()
	defer l.close()
	l.sample(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick:
			l.sample(ctx)
		case <-l.wake:
		}
		l.broadcast(ctx)
	}
}

// sample remembers the counters when it is time. That costs nothing but reading them.
func (l *live) sample(ctx context.Context) {
	l.looking.Lock()
	defer l.looking.Unlock()
	if now := l.now(); l.history.due(now) {
		l.history.add(now, l.look(ctx, false))
	}
}

// current returns the node as it is, or was less than a second ago.
func (l *live) current(ctx context.Context) *frame {
	l.looking.Lock()
	defer l.looking.Unlock()
	now := l.now()
	if l.latest != nil && now.Sub(l.latest.at) < frameAge && !now.Before(l.latest.at) {
		return l.latest
	}
	// Whoever asks first must not spoil it for the others by going away.
	status := l.look(context.WithoutCancel(ctx), true)
	f := &frame{at: now, status: status, rates: l.history.rates(now, status), views: map[string]func() *view{}}
	for _, lang := range languages() {
		f.views[lang] = sync.OnceValue(func() *view {
			v := render(l.templates[lang], l.formats[lang].as(now), f, l.boot, l.rendered[lang].Load())
			l.rendered[lang].Store(v)
			return v
		})
	}
	l.latest = f
	return f
}

// broadcast gives every viewer what changed. A viewer that is not ready is not waited for.
func (l *live) broadcast(ctx context.Context) {
	byLang := l.byLanguage()
	if len(byLang) == 0 {
		return
	}
	f := l.current(ctx)
	for lang, viewers := range byLang {
		v := f.views[lang]()
		was := l.sent[lang]
		changes, changed := v.since(was.view)
		if !changed && f.at.Sub(was.at) < heartbeat {
			changes = nil
		}
		whole := sync.OnceValue(func() []byte { all, _ := v.since(nil); return all })
		for _, to := range viewers {
			message := changes
			if to.behind {
				message = whole()
			}
			if message == nil {
				continue
			}
			select {
			case to.message <- message:
				to.behind = false
			default:
				to.behind = true
			}
		}
		if changes != nil {
			l.sent[lang] = sent{v, f.at}
		}
	}
}

func (l *live) byLanguage() map[string][]*viewer {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[string][]*viewer{}
	for v := range l.viewers {
		out[v.lang] = append(out[v.lang], v)
	}
	return out
}

// join adds a viewer; it is refused when there are too many, or nobody runs.
func (l *live) join(lang string) (*viewer, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.running || len(l.viewers) >= maxViewers {
		return nil, false
	}
	v := &viewer{lang: lang, message: make(chan []byte, 1), behind: true}
	l.viewers[v] = struct{}{}
	select {
	case l.wake <- struct{}{}:
	default:
	}
	return v, true
}

func (l *live) leave(v *viewer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.viewers, v)
}

// close ends all streams.
func (l *live) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running = false
	for v := range l.viewers {
		close(v.message)
	}
	clear(l.viewers)
}
