/* Talking with the server: the stream, or a question now and then; a new version; the chart's data. ES2015, no libraries. */
/* `page` lends facts and what to do with news: hear(state), heardLine(line), changed(). */
function classairServer(page) {
  'use strict';
  var KEEP_ALIVE_MS = 40000;      // the stream speaks at least every 15 s; silent for so long it is lost
  var POLL_MS = 30000;            // without a stream, ask this often …
  var POLL_JITTER_MS = 5000;      // … give or take, so that many screens do not ask together
  var POLL_MOST_MS = 300000;
  var LINE_MS = 60000;
  var RELOAD_AT = 5 * 60 + 30;    // minutes after midnight
  var facts = page.facts;
  var path = '/display/' + facts.room;
  var base = null;                // {server, local}
  var began = performance.now();
  var heard = -Infinity;          // performance.now() of the last word of the server
  var failed = false;             // the last question got no answer
  var asking = false;
  var pollAfter = POLL_MS;
  var pollAt = Infinity;
  var lineAt = 0;
  var askingLine = false;
  var stream = null;
  var reloading = false;

  function setClock(serverTime) {
    base = {server: serverTime, local: performance.now()};
    heard = base.local;
    failed = false;
    pollAfter = POLL_MS;
  }
  function now() { return base === null ? null : base.server + (performance.now() - base.local); }
  function unreachable() { return failed || (base !== null && performance.now() - heard > KEEP_ALIVE_MS); }
  /* How long (ms) nothing has been heard of it. */
  function silence() { return performance.now() - (heard === -Infinity ? began : heard); }

  function listen() {
    if (stream) { stream.close(); }
    stream = new EventSource(path + '/live');
    stream.addEventListener('hello', function (event) {
      var hello = JSON.parse(event.data);
      setClock(hello.server_time);
      pollAt = Infinity;
      heardBuild(hello.build);
      page.changed();
    });
    stream.addEventListener('time', function (event) { setClock(Number(event.data)); pollAt = Infinity; });
    stream.addEventListener('state', function (event) { page.hear(JSON.parse(event.data)); });
    stream.addEventListener('error', function () {
      if (pollAt === Infinity) { pollAt = performance.now() + 2000; }
      if (stream.readyState === 2) { setTimeout(listen, 10000 + Math.random() * 10000); }
    });
  }
  function poll() {
    if (asking) { return; }
    asking = true;
    fetch(path + '/now', {cache: 'no-store'}).then(function (answer) {
      if (!answer.ok) { throw new Error(String(answer.status)); }
      return answer.json();
    }).then(function (answer) {
      asking = false;
      setClock(answer.server_time);
      heardBuild(answer.build);
      page.hear(answer.state);
      again();
    }).catch(function () {
      asking = false;
      failed = true;
      pollAfter = Math.min(POLL_MOST_MS, pollAfter * 1.6);
      again();
      page.changed();
    });
  }
  function again() { pollAt = performance.now() + pollAfter + (Math.random() * 2 - 1) * POLL_JITTER_MS; }

  function askLine() {
    if (askingLine) { return; }
    askingLine = true;
    lineAt = performance.now() + LINE_MS + Math.random() * POLL_JITTER_MS;
    fetch(path + '/line?lang=' + facts.lang, {cache: 'no-store'}).then(function (answer) {
      return answer.ok ? answer.json() : null;
    }).then(function (answer) {
      askingLine = false;
      if (answer) { page.heardLine(answer); }
    }).catch(function () { askingLine = false; /* the header says it; the line stays as it was */ });
  }

  /* Once for each version, so that a page kept somewhere on the way cannot make it reload for ever. */
  function heardBuild(build) {
    if (build === facts.build || remembered() === build) { return; }
    try { sessionStorage.setItem('reloaded-for', build); } catch (refused) { return; }
    reload(Math.random() * 20000);
  }
  function remembered() { try { return sessionStorage.getItem('reloaded-for'); } catch (refused) { return null; } }
  /* Never exchange a page that works for one that cannot be loaded. */
  function reload(wait) {
    if (reloading) { return; }
    reloading = true;
    setTimeout(function () {
      fetch(location.href, {cache: 'no-store'}).then(function (answer) {
        if (answer.ok) { location.reload(); } else { reloading = false; }
      }, function () { reloading = false; });
    }, wait);
  }

  return {
    now: now, unreachable: unreachable, silence: silence,
    begin: function () {
      if (window.EventSource) { listen(); } else { pollAt = 0; }
      // After a pause one question, and nothing of what was missed.
      document.addEventListener('visibilitychange', function () { if (!document.hidden && silence() > POLL_MS) { poll(); } });
      // Keeps this page for a start without the server. Browsers do that on https and on the server's own machine.
      if (navigator.serviceWorker) {
        window.addEventListener('load', function () { navigator.serviceWorker.register('/display/worker').catch(function () {}); });
      }
    },
    tick: function () {
      var at = performance.now();
      if (at - heard > KEEP_ALIVE_MS && pollAt === Infinity && base !== null) { pollAt = at; }
      if (at >= pollAt) { pollAt = Infinity; poll(); }
      if (at >= lineAt) { askLine(); }
      if (base !== null) {
        var date = page.local(now());
        if (date.getUTCHours() * 60 + date.getUTCMinutes() === RELOAD_AT && at - began > 600000) { reload(Math.random() * 20000); }
      }
    }
  };
}
