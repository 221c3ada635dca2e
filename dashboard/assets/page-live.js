/* Keeps working pages truthful between answers of the server: one event stream whose pieces replace what has changed
   and nothing else, ages that go on counting, values that become late and unknown by their age alone, and a word when
   the server cannot be reached. Light pages have this script alone, the others have Dash beside it. */
(function () {
  'use strict';
  var AWAY_AFTER_MS = 40000;   // the stream speaks at least every 15 s
  var TELL_EVERY_MS = 1000;    // a page of Dash is asked to show news at most this often
  var LOOK_EVERY_MS = 250;     // how soon a view that Dash has made room for is noticed
  var WORK_MS = 8;             // so much at a time, so that scrolling and typing go on
  var POLL_MS = 30000;         // without a stream, ask this often
  var base = null;             // {server, local}: the server's clock and this page's, read together
  var heard = performance.now();
  var asked = performance.now();
  var build = null;
  var stream = null;
  var source = null;           // the address that the stream was opened with
  var since = 0;               // the number of the newest piece
  var pieces = {};             // the newest text of each piece
  var elements = {};           // where each piece stands
  var waiting = [];            // keys of pieces that have changed
  var working = 0;
  var news = {};
  var telling = 0;
  var alerts = null;           // how many wait for somebody, as alerts said last

  function setClock(ms) { base = {server: Number(ms), local: performance.now()}; }

  function now() {
    if (!base) {
      var clock = document.getElementById('clock');
      if (!clock) { return null; }
      setClock(clock.getAttribute('data-now'));
    }
    return base.server + (performance.now() - base.local);
  }

  function fill(template, places) {
    return template.replace(/\{(\w+)\}/g, function (whole, name) { return name in places ? places[name] : whole; });
  }

  // -- ages ----------------------------------------------------------------------------------------------------------

  function duration(words, ms) {
    var minutes = Math.floor(Math.max(0, ms) / 60000);
    if (minutes < 1) { return words.moment; }
    if (minutes < 60) { return fill(words.minutes, {n: minutes}); }
    if (minutes < 1440) { return fill(words.hours, {n: Math.floor(minutes / 60), m: minutes % 60}); }
    return fill(words.days, {n: Math.floor(minutes / 1440), h: Math.floor(minutes / 60) % 24});
  }

  /* What is left is counted up to whole minutes, and in seconds in the last one. */
  function left(words, ms) {
    if (ms <= 0) { return words.over; }
    if (ms < 60000) { return fill(words.left, {age: fill(words.seconds, {n: Math.ceil(ms / 1000)})}); }
    return fill(words.left, {age: duration(words, ms + 59999)});
  }

  function age(inside) {
    var at = now();
    var clock = document.getElementById('clock');
    if (at === null || !clock) { return; }
    var words = JSON.parse(clock.getAttribute('data-words'));
    inside.querySelectorAll('[data-age]').forEach(function (place) {
      var form = place.getAttribute('data-age');
      var past = at - Number(place.getAttribute('data-at'));
      var text = form === 'left' ? left(words, -past)
        : form === 'count' ? String(Math.floor(Math.max(0, past) / 60000)) : fill(words[form], {age: duration(words, past)});
      if (place.textContent !== text) { place.textContent = text; }
    });
    inside.querySelectorAll('[data-phase]').forEach(function (place) {
      var late = place.getAttribute('data-late-at');
      var unknown = place.getAttribute('data-unknown-at');
      var phase = place.getAttribute('data-phase');
      if (unknown && at >= Number(unknown)) { phase = 'unknown'; }
      else if (late && at >= Number(late)) { phase = 'late'; }
      if (place.getAttribute('data-phase') !== phase) { place.setAttribute('data-phase', phase); }
    });
  }

  // -- the count of alerts in the header ------------------------------------------------------------------------------

  /* What is not heard of for long is not known, whoever is away. Nothing is shown for none. */
  function countAlerts() {
    var place = document.getElementById('alert-count');
    var at = now();
    if (!place || at === null) { return; }
    if (alerts) {
      place.setAttribute('data-count', alerts.unacknowledged === null ? '' : alerts.unacknowledged);
      place.setAttribute('data-at', alerts.at);
    }
    var old = at - Number(place.getAttribute('data-at')) >= Number(place.getAttribute('data-old'));
    var count = old ? '' : place.getAttribute('data-count');
    var state = count === '' ? 'unknown' : Number(count) ? 'some' : 'none';
    if (place.getAttribute('data-state') === state && place.getAttribute('data-shown') === count) { return; }
    var words = JSON.parse(place.getAttribute('data-words'));
    var one = count === '1';
    var shown = state === 'none' ? '' : state === 'unknown' ? words.unknown : fill(one ? words.one : words.some, {n: count});
    place.setAttribute('data-state', state);
    place.setAttribute('data-shown', count);
    place.setAttribute('aria-label', state === 'some' ? fill(one ? words.spoken_one : words.spoken, {n: count}) : shown);
    if (place.textContent !== shown) { place.firstElementChild.textContent = shown; }
    place.hidden = state === 'none';
  }

  // -- pieces --------------------------------------------------------------------------------------------------------

  function standing(key) {
    var element = elements[key];
    return element && element.isConnected ? element : null;
  }

  function read(key) {
    var holder = document.createElement('template');
    holder.innerHTML = pieces[key];
    age(holder.content);
    return holder.content.firstElementChild;
  }

  /* A piece that stands nowhere yet, with all that belongs into it. */
  function made(key) {
    if (!(key in pieces)) {
      var later = document.createElement('template');   // its text is still on the way
      later.setAttribute('data-piece', key);
      elements[key] = later;
      return later;
    }
    var element = document.importNode(read(key), true);
    settle(element);
    return element;
  }

  function hole(node) { return node.nodeType === 1 && node.nodeName === 'TEMPLATE' ? node.getAttribute('data-hole') : null; }

  function settle(element) {
    var key = element.getAttribute('data-piece');
    if (key !== null) { elements[key] = element; }
    element.querySelectorAll('template[data-hole]').forEach(function (place) {
      var inside = place.getAttribute('data-hole');
      place.replaceWith(standing(inside) || made(inside));
    });
    paint(element);
    return element;
  }

  /* Backgrounds that are drawn from numbers: the content security policy lets scripts set them, not attributes. */
  function paint(element) {
    var places = [].slice.call(element.querySelectorAll('[data-background]'));
    if (element.hasAttribute('data-background')) { places.push(element); }
    places.forEach(function (place) { place.style.background = place.getAttribute('data-background'); });
  }

  /* What the reader has done stays: opened details, and what a script has set. */
  function attributes(old, fresh) {
    [].slice.call(old.attributes).forEach(function (one) {
      if (!fresh.hasAttribute(one.name) && one.name !== 'style' && one.name !== 'open') { old.removeAttribute(one.name); }
    });
    [].slice.call(fresh.attributes).forEach(function (one) {
      if (old.getAttribute(one.name) !== one.value) { old.setAttribute(one.name, one.value); }
    });
  }

  function become(old, fresh) {
    if (old.nodeName !== fresh.nodeName) {
      old.replaceWith(settle(document.importNode(fresh, true)));
      return;
    }
    attributes(old, fresh);
    // What a script has filled stays its own.
    if (!old.hasAttribute('data-own')) { children(old, fresh); }
  }

  /* Makes the children of `old` those of `fresh`: what is there already stays the same object, pieces are moved whole. */
  function children(old, fresh) {
    var wanted = [].slice.call(fresh.childNodes);
    var keys = {};
    wanted.forEach(function (node) { var key = hole(node); if (key !== null) { keys[key] = true; } });
    [].slice.call(old.children).forEach(function (node) {
      var key = node.getAttribute('data-piece');
      if (key !== null && !(key in keys)) { node.remove(); }
    });
    var next = old.firstChild;
    wanted.forEach(function (node) {
      var key = hole(node);
      var same = next;
      if (key !== null) {
        var there = standing(key) || made(key);
        // One that has moved further down steps aside, so that the others can stay where they are.
        if (next && there !== next && there === next.nextSibling) { old.appendChild(next); next = there; }
        if (there === next) { next = next.nextSibling; } else { old.insertBefore(there, next); }
      } else if (next && next.nodeType === node.nodeType && next.nodeName === node.nodeName &&
                 !(next.nodeType === 1 && next.hasAttribute('data-piece'))) {
        next = next.nextSibling;
        if (node.nodeType === 1) { become(same, node); } else if (same.data !== node.data) { same.data = node.data; }
      } else {
        var copy = document.importNode(node, true);
        old.insertBefore(copy, next);
        if (copy.nodeType === 1) { settle(copy); }
      }
    });
    while (next) { var gone = next; next = next.nextSibling; gone.remove(); }
  }

  function show(key) {
    var root = document.querySelector('[data-stream]');
    if (!root) { return; }
    if (key === '') {
      if (!root.firstElementChild) { root.appendChild(made('')); return; }
      elements[''] = root.firstElementChild;
    }
    var old = standing(key);
    if (!old) { return; }
    var fresh = read(key);
    become(old, fresh);
    if (old.isConnected) { paint(old); }
  }

  function work() {
    working = 0;
    var begun = performance.now();
    var focus = document.activeElement;
    while (waiting.length && performance.now() - begun < WORK_MS) { show(waiting.shift()); }
    // An element that is moved loses the focus although it is still there.
    if (focus && focus !== document.activeElement && focus.isConnected) { focus.focus({preventScroll: true}); }
    if (waiting.length) { working = setTimeout(work, 0); }
  }

  function take(key, text) {
    if (pieces[key] === text) { return; }
    pieces[key] = text;
    if (waiting.indexOf(key) < 0) { waiting.push(key); }
    if (!working) { working = setTimeout(work, 0); }
  }

  // -- each second -----------------------------------------------------------------------------------------------------

  function tick() {
    age(document);
    countAlerts();
    var silent = performance.now() - heard >= AWAY_AFTER_MS;
    var away = document.getElementById('server-away');
    if (away) { away.hidden = !silent; }
    if (silent && performance.now() - asked >= POLL_MS) { poll(); }
  }

  // -- the server ------------------------------------------------------------------------------------------------------

  function tell() {
    telling = 0;
    var rooms = Object.keys(news);
    news = {};
    if (rooms.length && window.dash_clientside && dash_clientside.set_props) {
      dash_clientside.set_props('live', {data: {rooms: rooms, at: Math.round(now() || 0)}});
    }
  }

  function hear(kind, data, number) {
    heard = performance.now();
    if (kind === 'hello') {
      var hello = JSON.parse(data);
      setClock(hello.server_time);
      if (build !== null && build !== hello.build) { location.reload(); }
      build = hello.build;
    } else if (kind === 'time') {
      setClock(data);
    } else if (kind === 'alerts') {
      alerts = JSON.parse(data);
      countAlerts();
    } else if (kind === 'piece') {
      since = Number(number) || since;
      var said = JSON.parse(data);
      take(said[0], said[1]);
    } else if (kind === 'state') {
      news[JSON.parse(data).room] = true;
      if (!telling) { telling = setTimeout(tell, TELL_EVERY_MS); }
    }
  }

  function wanted() {
    var place = document.querySelector('[data-stream]');
    return place ? place.getAttribute('data-stream') : '/api/live';
  }

  function address() { return source + (since ? (source.indexOf('?') < 0 ? '?' : '&') + 'since=' + since : ''); }

  function listen() {
    if (stream) { stream.close(); }
    var mine = stream = new EventSource(address());
    ['hello', 'time', 'piece', 'state', 'alerts'].forEach(function (kind) {
      mine.addEventListener(kind, function (event) {
        if (mine === stream) { hear(kind, event.data, event.lastEventId); }
      });
    });
    // EventSource tries again by itself except after a refusal; then we do.
    mine.addEventListener('error', function () {
      if (mine === stream && mine.readyState === 2) { setTimeout(function () { if (mine === stream) { listen(); } }, 10000); }
    });
  }

  /* Where streams do not come through, the same words are fetched. */
  function poll() {
    asked = performance.now();
    if (source === '/api/live') { return; }
    fetch(address() + '&once=true', {cache: 'no-store'}).then(function (answer) {
      return answer.ok ? answer.text() : '';
    }).then(function (text) {
      text.split('\n\n').forEach(function (frame) {
        var said = {};
        frame.split('\n').forEach(function (line) { said[line.split(': ', 1)[0]] = line.slice(line.indexOf(': ') + 2); });
        if (said.event) { hear(said.event, said.data, said.id); }
      });
    }).catch(function () { /* the bar on top says that the server is away */ });
  }

  /* Dash exchanges pages without loading anew: another view is another stream. */
  function look() {
    var address = wanted();
    if (address === source) { return; }
    var place = document.querySelector('[data-stream]');
    source = address;
    since = place ? Number(place.getAttribute('data-since')) : 0;
    pieces = {};
    elements = {};
    waiting = [];
    document.querySelectorAll('[data-stream] [data-piece]').forEach(function (element) {
      elements[element.getAttribute('data-piece')] = element;
    });
    paint(document.body);
    listen();
  }

  /* Dash may have been left for a light page within one document, so going back has to load the page before. */
  function there() {
    var loaded = performance.getEntriesByType('navigation')[0];
    var address = loaded ? new URL(loaded.name) : location;
    if (!window.dash_clientside && address.pathname + address.search !== location.pathname + location.search) {
      location.reload();
    }
  }

  window.classairNow = now;    // the server's clock, for scripts of pages
  window.addEventListener('popstate', there);
  (function start() {
    if (!document.getElementById('clock')) {
      setTimeout(start, 100);
      return;
    }
    there();
    look();
    setInterval(look, LOOK_EVERY_MS);
    setInterval(tick, 1000);
    tick();
  })();
})();
