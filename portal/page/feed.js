// The stream of changes. A browser opens six connections to a server and no more, so all its pages share one stream: this
// file is their shared worker. Where there are none, each page loads it as a script and has a stream of its own.
'use strict';

// openFeed receives a stream until the function it returns is called. tell hears whether the node answers.
function openFeed(url, receive, tell) {
  let source, heard, again;
  function connect() {
    clearTimeout(again);
    heard = Date.now();
    source = new EventSource(url);
    source.onmessage = function (event) {
      heard = Date.now();
      receive(JSON.parse(event.data));
      tell(true);
    };
    source.onerror = function () {
      tell(false);
      if (source.readyState === EventSource.CLOSED) { // the browser gave up, as it does when a proxy answers instead
        clearTimeout(again);
        again = setTimeout(connect, 3000);
      }
    };
  }
  // The node says something every ten seconds. A connection that died without a word is noticed by the silence.
  const watch = setInterval(function () {
    if (Date.now() - heard > 35000) {
      tell(false);
      source.close();
      connect();
    }
  }, 5000);
  connect();
  return function () {
    clearInterval(watch);
    clearTimeout(again);
    source.close();
  };
}

if (typeof SharedWorkerGlobalScope !== 'undefined' && self instanceof SharedWorkerGlobalScope) {
  const feeds = new Map();

  // What a page that comes later must know: the shapes, and over them the cells.
  const merge = function (state, m) {
    if (state.boot !== m.boot) {
      state.shapes = {};
      state.cells = {};
    }
    state.boot = m.boot;
    state.at = m.at;
    for (const id in m.shapes) {
      state.shapes[id] = m.shapes[id];
      delete state.cells[id];
    }
    for (const id in m.cells) state.cells[id] = Object.assign(state.cells[id] || {}, m.cells[id]);
  };

  const feedOf = function (url) {
    let feed = feeds.get(url);
    if (feed) return feed;
    feed = { ports: new Set(), state: {}, live: null };
    feeds.set(url, feed);
    const all = function (what) { feed.ports.forEach(function (port) { port.postMessage(what); }); };
    feed.close = openFeed(url, function (m) {
      merge(feed.state, m);
      all({ change: m });
    }, function (live) {
      if (feed.live === live) return;
      feed.live = live;
      all({ live: live });
    });
    return feed;
  };

  self.onconnect = function (event) {
    const port = event.ports[0];
    let feed, url;
    port.onmessage = function (m) {
      if (m.data.open) {
        url = m.data.open;
        feed = feedOf(url);
        feed.ports.add(port);
        if (feed.state.boot) port.postMessage({ change: feed.state, kept: true });
        if (feed.live !== null) port.postMessage({ live: feed.live });
      } else if (feed) {
        feed.ports.delete(port);
        if (!feed.ports.size) {
          feed.close();
          feeds.delete(url);
        }
        feed = null;
      }
    };
  };
}
