// Keeps the page alive: puts in what the stream says changed, filters, and prints whole. Without it the page is complete
// and reloads by itself.
'use strict';
(function () {
  const body = document.body;
  const $ = function (id) { return document.getElementById(id); };

  // --- changes ---------------------------------------------------------------------------------------------------------

  function change(m, kept) {
    if (m.boot !== body.dataset.boot) {
      if (!kept) location.reload(); // the node was started again, perhaps with another configuration
      return;
    }
    let shaped = false;
    for (const id in m.shapes) shaped = reshape(id, m.shapes[id]) || shaped;
    for (const id in m.cells) {
      const element = $(id);
      if (!element) continue;
      for (const key in m.cells[id]) {
        const cell = element.querySelector('[data-live="' + CSS.escape(key) + '"]');
        if (cell && cell.innerHTML !== m.cells[id][key]) cell.innerHTML = m.cells[id][key];
      }
    }
    $('asof').textContent = m.at;
    if (shaped) {
      verdict();
      filter();
    }
  }

  // reshape replaces an element; what was unfolded stays so, and the focus stays where it was.
  function reshape(id, shape) {
    const old = $(id);
    if (!old || old.dataset.mark === shape.mark) return false;
    const holder = document.createElement('template');
    holder.innerHTML = shape.html;
    const fresh = holder.content.firstElementChild;
    const focusable = function (in_) { return Array.from(in_.querySelectorAll('a, summary')); };
    const at = focusable(old).indexOf(document.activeElement);
    const was = old.querySelectorAll('details'), is = fresh.querySelectorAll('details');
    if (was.length === is.length) is.forEach(function (d, i) { d.open = was[i].open; });
    old.replaceWith(fresh);
    if (at >= 0 && focusable(fresh)[at]) focusable(fresh)[at].focus();
    return true;
  }

  // verdict tells the title, and those who do not see the page, when the whole state changed; not more often.
  let said = $('verdict').textContent.trim();
  const tail = document.title.slice(document.title.indexOf(' · '));
  function verdict() {
    const now = $('verdict').textContent.trim();
    if (now === said) return;
    said = now;
    document.title = now + tail;
    $('say').textContent = now;
  }

  // --- the connection --------------------------------------------------------------------------------------------------

  const feed = $('feed');
  let live = null;
  function tell(now) {
    if (now === live) return;
    const say = $('say');
    if (!now) say.textContent = say.dataset.wordLost;
    else if (live === false) say.textContent = say.dataset.wordLive;
    live = now;
    feed.dataset.state = now ? 'live' : 'lost';
    feed.querySelector('.word').textContent = now ? feed.dataset.wordLive : feed.dataset.wordLost;
    $('lost').hidden = now;
    body.classList.toggle('stale', !now);
  }
  feed.hidden = false;

  let disconnect = null;
  function connect() {
    if (disconnect) return;
    const url = new URL(body.dataset.feed, location.href).href;
    if (typeof SharedWorker !== 'undefined') {
      const port = new SharedWorker(body.dataset.worker).port;
      port.onmessage = function (event) {
        if (event.data.change) change(event.data.change, event.data.kept);
        else tell(event.data.live);
      };
      port.postMessage({ open: url });
      disconnect = function () { port.postMessage({ close: true }); };
    } else {
      disconnect = openFeed(url, function (m) { change(m, false); }, tell);
    }
  }
  function leave() {
    if (disconnect) disconnect();
    disconnect = null;
  }
  window.addEventListener('pagehide', leave);
  window.addEventListener('pageshow', connect);
  if (typeof SharedWorker === 'undefined') {
    document.addEventListener('visibilitychange', function () { document.hidden ? leave() : connect(); });
  }
  connect();

  // --- the filter ------------------------------------------------------------------------------------------------------

  const form = $('filter');
  function filter() {
    if (!form) return;
    const words = (form.q ? form.q.value : '').trim().toLowerCase();
    const only = form.only.checked;
    let left = 0;
    document.querySelectorAll('.pipe').forEach(function (row) {
      row.hidden = words !== '' && row.dataset.search.indexOf(words) < 0;
      if (!row.hidden && !(only && row.dataset.wrong === 'right')) left++;
    });
    $('main').classList.toggle('only', only);
    $('main').classList.toggle('searching', words !== '');
    $('nothing').hidden = words === '' || left > 0;
  }
  function filtered() {
    filter();
    const query = new URLSearchParams();
    if (form.only.checked) query.set('only', '1');
    if (form.q && form.q.value.trim()) query.set('q', form.q.value.trim());
    history.replaceState(null, '', location.pathname + (query.toString() ? '?' + query : '') + location.hash);
    document.querySelectorAll('.choice a').forEach(function (a) {
      const to = new URL(a.href), theme = to.searchParams.get('theme');
      to.search = query;
      if (theme) to.searchParams.set('theme', theme);
      a.href = to.href;
    });
  }
  if (form) {
    form.addEventListener('input', filtered);
    form.addEventListener('submit', function (event) { event.preventDefault(); filtered(); });
    form.querySelector('button').hidden = true;
  }

  // --- paper -----------------------------------------------------------------------------------------------------------

  let unfolded = [];
  window.addEventListener('beforeprint', function () {
    unfolded = Array.from(document.querySelectorAll('details:not([open])'));
    unfolded.forEach(function (d) { d.open = true; });
  });
  window.addEventListener('afterprint', function () { unfolded.forEach(function (d) { d.open = false; }); });
})();
