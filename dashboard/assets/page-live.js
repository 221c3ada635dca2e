/* Keeps working pages truthful between answers of the server: one event stream, ages that go on counting,
   values that become late and unknown by their age alone, and a word when the server cannot be reached. */
(function () {
  'use strict';
  var AWAY_AFTER_MS = 40000;   // the stream speaks at least every 15 s
  var TELL_EVERY_MS = 1000;    // a page is asked to show news at most this often
  var LOOK_AFTER_MS = 100;     // parts that fail together are looked at together
  var base = null;             // {server, local}: the server's clock and this page's, read together
  var heard = performance.now();
  var build = null;
  var news = {};
  var telling = 0;
  var looking = 0;

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

  function duration(words, ms) {
    var minutes = Math.floor(Math.max(0, ms) / 60000);
    if (minutes < 1) { return words.moment; }
    if (minutes < 60) { return fill(words.minutes, {n: minutes}); }
    if (minutes < 1440) { return fill(words.hours, {n: Math.floor(minutes / 60), m: minutes % 60}); }
    return fill(words.days, {n: Math.floor(minutes / 1440), h: Math.floor(minutes / 60) % 24});
  }

  function tick() {
    var at = now();
    var clock = document.getElementById('clock');
    if (at === null || !clock) { return; }
    var words = JSON.parse(clock.getAttribute('data-words'));
    document.querySelectorAll('[data-age]').forEach(function (place) {
      var text = fill(words[place.getAttribute('data-age')],
        {age: duration(words, at - Number(place.getAttribute('data-at')))});
      if (place.textContent !== text) { place.textContent = text; }
    });
    document.querySelectorAll('[data-phase]').forEach(function (place) {
      var late = place.getAttribute('data-late-at');
      var unknown = place.getAttribute('data-unknown-at');
      var phase = place.getAttribute('data-phase');
      if (unknown && at >= Number(unknown)) { phase = 'unknown'; }
      else if (late && at >= Number(late)) { phase = 'late'; }
      if (place.getAttribute('data-phase') !== phase) { place.setAttribute('data-phase', phase); }
    });
    var away = document.getElementById('server-away');
    if (away) { away.hidden = performance.now() - heard < AWAY_AFTER_MS; }
    jump();
  }

  /* A native date field where the page asks for one; choosing a day goes to that day's address. */
  function jump() {
    document.querySelectorAll('.day-jump[data-date]').forEach(function (place) {
      var field = place.querySelector('input');
      if (!field) {
        var label = document.createElement('label');
        label.appendChild(document.createTextNode(place.getAttribute('data-label') + ' '));
        field = document.createElement('input');
        field.type = 'date';
        label.appendChild(field);
        place.appendChild(label);
        field.addEventListener('change', function () {
          if (!field.value) { return; }
          var search = new URLSearchParams(place.getAttribute('data-search'));
          search.set('date', field.value);
          dash_clientside.set_props('at', {search: '?' + search.toString()});
        });
      }
      if (field.getAttribute('data-shown') !== place.getAttribute('data-date')) {
        field.value = place.getAttribute('data-date');
        field.max = place.getAttribute('data-max');
        field.setAttribute('data-shown', place.getAttribute('data-date'));
      }
    });
  }

  function tell() {
    telling = 0;
    var rooms = Object.keys(news);
    news = {};
    if (rooms.length && window.dash_clientside && dash_clientside.set_props) {
      dash_clientside.set_props('live', {data: {rooms: rooms, at: Math.round(now() || 0)}});
    }
  }

  /* The health page, where it is open, draws itself anew. */
  function look() {
    looking = 0;
    if (document.getElementById('health') && window.dash_clientside && dash_clientside.set_props) {
      dash_clientside.set_props('health-news', {data: performance.now()});
    }
  }

  function listen() {
    var stream = new EventSource('/api/live');
    function alive() { heard = performance.now(); }
    stream.addEventListener('hello', function (event) {
      var hello = JSON.parse(event.data);
      alive();
      setClock(hello.server_time);
      if (build !== null && build !== hello.build) { location.reload(); }
      build = hello.build;
    });
    stream.addEventListener('time', function (event) { alive(); setClock(event.data); });
    stream.addEventListener('state', function (event) {
      alive();
      news[JSON.parse(event.data).room] = true;
      if (!telling) { telling = setTimeout(tell, TELL_EVERY_MS); }
    });
    stream.addEventListener('health', function () {
      alive();
      if (!looking) { looking = setTimeout(look, LOOK_AFTER_MS); }
    });
    // EventSource tries again by itself except after a refusal; then we do.
    stream.addEventListener('error', function () {
      if (stream.readyState === 2) { setTimeout(listen, 10000); }
    });
  }

  (function start() {
    if (!window.dash_clientside || !dash_clientside.set_props || !document.getElementById('clock')) {
      setTimeout(start, 100);
      return;
    }
    listen();
    setInterval(tick, 1000);
    tick();
  })();
})();
