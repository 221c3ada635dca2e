/* The wall display. It shows what the room's state says and works out nothing but ages: the server's time at the last
   word plus the time that has passed here, because the clocks of televisions are wrong. ES2015, no libraries. */
(function () {
  'use strict';

  var KEEP_ALIVE_MS = 40000;      // the stream speaks at least every 15 s; silent for so long it is lost
  var POLL_MS = 30000;            // without a stream, ask this often …
  var POLL_JITTER_MS = 5000;      // … give or take, so that many screens do not ask together
  var POLL_MOST_MS = 300000;
  var LINE_MS = 60000;
  var STALE_MS = 15 * 60000;      // a state nobody renewed for so long speaks of the past
  var RING = 8;                   // pixels the whole picture wanders, against burning in
  var RELOAD_AT = 5 * 60 + 30;    // minutes after midnight
  var BANGKOK_MS = 7 * 3600000;

  var facts = JSON.parse(document.getElementById('facts').textContent);
  var words = facts.words;
  var base = null;                // {server, local}
  var state = null;
  var line = null;
  var days = facts.days;
  var heard = -Infinity;          // performance.now() of the last word of the server
  var failed = false;             // the last question got no answer
  var asking = false;
  var pollAfter = POLL_MS;
  var pollAt = Infinity;
  var stream = null;
  var asleep = false;
  var reloading = false;
  var began = performance.now();
  var drawLine = classairLine({el: el, facts: facts, fill: fill, hour: hour, setAttribute: setAttribute, zone: BANGKOK_MS});

  function el(id) { return document.getElementById(id); }
  function all(selector) { return Array.prototype.slice.call(document.querySelectorAll(selector)); }
  function fill(text, places) {
    return text.replace(/\{(\w+)\}/g, function (whole, name) { return name in places ? places[name] : whole; });
  }
  function setText(node, text) { if (node.textContent !== text) { node.textContent = text; } }
  function setAttribute(node, name, value) {
    if (node.getAttribute(name) !== value) { node.setAttribute(name, value); }
  }
  function two(number) { return (number < 10 ? '0' : '') + number; }

  // -- time ----------------------------------------------------------------------------------------------------------

  function setClock(serverTime) {
    base = {server: serverTime, local: performance.now()};
    heard = base.local;
    failed = false;
    pollAfter = POLL_MS;
  }
  function now() { return base === null ? null : base.server + (performance.now() - base.local); }
  function local(at) { return new Date(at + BANGKOK_MS); }   // read with getUTC…
  function hour(at) {
    var date = local(at);
    var clock = facts.clock.replace('%H', two(date.getUTCHours())).replace('%M', two(date.getUTCMinutes()));
    return fill(facts.time, {clock: clock});
  }

  // -- what the state says at this moment ----------------------------------------------------------------------------

  function phase(value, at) {
    if (value.status === 'ok' || value.status === 'late') {
      if (value.unknown_at !== null && at >= value.unknown_at) { return 'unknown'; }
      return value.status === 'late' || (value.late_at !== null && at >= value.late_at) ? 'late' : 'ok';
    }
    return value.status !== 'none' && at - state.at > STALE_MS ? 'unknown' : value.status;
  }
  function minutesSince(then, at) { return Math.max(0, Math.floor((at - then) / 60000)); }
  function newest(value) { return value.newest_at !== null ? value.newest_at : value.last_at; }
  function measured(value, at) {
    var minutes = minutesSince(value.newest_at, at);
    return minutes < 1 ? words.measured_now : minutes < 2 ? words.measured_one : fill(words.measured, {n: minutes});
  }
  function ageWords(value, step, at) {
    if (step === 'ok') { return measured(value, at); }
    if (step === 'late') { return fill(words.late, {n: minutesSince(value.newest_at, at)}); }
    if ((step === 'filling' || step === 'warming_up') && value.minutes_left !== null) {
      return fill(words[step], {n: value.minutes_left});
    }
    if (step === 'suspect') { return words.suspect; }
    return step === 'none' ? words.no_sensor : words.not_current;
  }
  function lastWords(value) {
    var shown = value.last_shown || value.shown;
    var at = value.last_at !== null ? value.last_at : value.newest_at;
    return shown && at !== null ? fill(words.last_value, {value: shown, time: hour(at)}) : '';
  }

  // -- drawing -------------------------------------------------------------------------------------------------------

  var fading = {};
  var still = !!window.matchMedia && window.matchMedia('(prefers-reduced-motion: reduce)').matches;
  /* A changed word fades out and in within 600 ms; a number may change at any time and does so at once. */
  function fade(node, put, key) {
    if (fading[node.id] === key) { return; }
    var first = fading[node.id] === undefined;
    fading[node.id] = key;
    if (first || still) { put(); return; }
    node.classList.add('changing');
    setTimeout(function () {
      if (fading[node.id] === key) { put(); }
      node.classList.remove('changing');
    }, 300);
  }
  function light(selector, name, chosen) {
    all(selector).forEach(function (node) {
      var on = node.getAttribute(name) === chosen;
      if (node.classList.contains('on') !== on) { node.classList.toggle('on', on); }
    });
  }
  var STEPS = ['very_good', 'good', 'moderate', 'starts_to_affect_health', 'affects_health'];
  function bars(node, level) {
    var filled = STEPS.indexOf(level) + 1;
    Array.prototype.forEach.call(node.children, function (bar, index) { bar.className = index < filled ? 'full' : ''; });
  }
  function putPhrases(node, text) {
    node.textContent = '';
    text.split(/(‹[^›]*›)/).forEach(function (part) {
      if (!part) { return; }
      if (part.charAt(0) !== '‹') { node.appendChild(document.createTextNode(part)); return; }
      var phrase = document.createElement('span');
      phrase.className = 'phrase';
      phrase.textContent = part.slice(1, -1);
      node.appendChild(phrase);
    });
  }
  /* The level's word, with its line ends where it is the word we know; another word is shown as it came. */
  function putLevel(node, word, level) {
    if (node.textContent === word) { return; }
    putPhrases(node, facts.levels[level] === word ? facts.lines[level] : word);
  }
  /* Thai, say, puts spaces between clauses and nowhere else: without marked phrases each clause stays whole. */
  function clauses(text) {
    return facts.spaces !== 'clauses' || text.indexOf('‹') >= 0 ? text
      : text.split(' ').map(function (clause) { return '‹' + clause + '›'; }).join(' ');
  }
  /* Smaller until it takes at most two lines and nothing sticks out. */
  function fit(node, least) {
    node.style.fontSize = '';
    var size = parseFloat(getComputedStyle(node).fontSize);
    var smallest = size * least;
    while (size > smallest) {
      var height = parseFloat(getComputedStyle(node).lineHeight) || size * 1.3;
      if (node.scrollHeight <= height * 2.3 && node.scrollWidth <= node.clientWidth + 1) { return; }
      size -= Math.max(1, size * 0.04);
      node.style.fontSize = size + 'px';
    }
  }
  function fitAll() {
    fit(el('action'), 0.5);
    fit(el('level'), 0.5);
    shrink(el('level'), function () {
      return document.querySelector('.number').getBoundingClientRect().bottom > el('panel').getBoundingClientRect().bottom - 8;
    });
    var advice = el('advice');
    el('reason').style.fontSize = '';
    shrink(el('reason'), function () { return advice.scrollHeight > advice.clientHeight + 1; });
  }
  function shrink(node, tooBig) {
    var size = parseFloat(getComputedStyle(node).fontSize);
    for (var tries = 0; tries < 12 && tooBig(); tries += 1) {
      size *= 0.93;
      node.style.fontSize = size + 'px';
    }
  }

  /* The texts for this age. Once the value outside is too old as well, what was said with it no longer counts. */
  function textsOf(spoken, at) {
    var texts = state && state.texts[facts.lang];
    if (!texts) { return null; }
    var was = state.pm25.status === 'ok' || state.pm25.status === 'late';
    var outdoor = state.outdoor;
    var gone = (outdoor.status === 'ok' || outdoor.status === 'late') && phase(outdoor, at) === 'unknown';
    return gone && (spoken !== 'unknown' || !was) && texts.no_outdoor || texts[spoken];
  }

  function drawPanel(at) {
    var value = state && state.pm25;
    var step = value ? phase(value, at) : 'unknown';
    var current = step === 'ok' || step === 'late';
    var spoken = current ? step : 'unknown';
    var level = current ? value.level : 'unknown';
    var texts = textsOf(spoken, at);
    var word = texts ? texts.level : facts.levels.unknown;
    var age = value ? ageWords(value, step, at) : words.waiting;
    var panel = el('panel');
    setAttribute(document.body, 'data-phase', spoken);
    setAttribute(panel, 'data-level', level);
    light('.face', 'data-level', level);
    bars(el('bars'), level);
    fade(el('level'), function () { putLevel(el('level'), word, level); fitAll(); }, word);
    setText(el('value'), current ? value.shown : '–');
    var length = String(current ? value.shown.length : 1);
    if (el('value').getAttribute('data-length') !== length) {
      el('value').setAttribute('data-length', length);
      fitAll();
    }
    setText(el('last'), value && !current ? lastWords(value) : '');
    var doubt = current && value.disagree ? words.disagree : '';
    if (el('disagree').textContent !== doubt) { setText(el('disagree'), doubt); fitAll(); }
    var hot = current && facts.heat[state.heat] && state.heat_index_c !== null;
    setText(el('heat'), hot ? fill(words.heat, {value: Math.round(state.heat_index_c), band: facts.heat[state.heat]}) : '');
    setAttribute(el('age'), 'data-phase', spoken);
    setText(el('age-words'), age);
    setAttribute(panel, 'aria-label', fill(current ? words.panel : words.panel_unknown,
      {room: facts.name, level: word, value: current ? value.shown : '', age: age}));
    drawAdvice(at, texts, value);
  }

  function drawAdvice(at, texts, value) {
    var action = texts ? texts.action : facts.unknown.action;
    var reason = texts ? texts.reason : words.waiting;
    var since = value ? newest(value) : null;
    if (reason.indexOf('{minutes}') >= 0) {
      reason = since === null ? words.waiting : fill(reason, {minutes: minutesSince(since, at)});
    }
    var turn = facts.children && texts && texts.children && Math.floor(at / 20000) % 2 === 1;
    var second = turn ? texts.children : reason;
    fade(el('action'), function () { putPhrases(el('action'), clauses(action)); fitAll(); }, action);
    // A counted minute changes in place; another sentence fades in.
    fade(el('reason'), function () { setText(el('reason'), second); fitAll(); }, second.replace(/\d+/g, '#'));
    if (!el('reason').classList.contains('changing')) { setText(el('reason'), second); }
  }

  function drawTiles(at) {
    var outdoor = state && state.outdoor;
    var step = outdoor ? phase(outdoor, at) : 'unknown';
    var current = step === 'ok' || step === 'late';
    var level = current ? outdoor.level : 'unknown';
    setAttribute(el('outdoor'), 'data-phase', step);
    setText(el('outdoor-value'), current ? outdoor.shown : '–');
    setAttribute(el('outdoor-value'), 'data-length', String(current ? outdoor.shown.length : 1));
    setAttribute(el('outdoor-level'), 'data-level', level);
    putLevel(el('outdoor-level'), facts.levels[level] || facts.levels.unknown, level);
    bars(el('outdoor-bars'), level);
    setText(el('outdoor-note'), !outdoor || step === 'none' ? words.no_outdoor
      : step === 'ok' ? (facts.yard ? fill(words.own_yard, {place: facts.yard}) : '') : ageWords(outdoor, step, at));

    var co2 = state && state.co2;
    step = co2 ? phase(co2, at) : 'unknown';
    current = step === 'ok' || step === 'late';
    level = current ? co2.level : 'unknown';
    setAttribute(el('co2'), 'data-phase', step);
    light('#co2 svg', 'data-level', level);
    setText(el('co2-value'), current ? co2.shown : '–');
    setAttribute(el('co2-value'), 'data-length', String(current ? co2.shown.length : 1));
    setText(el('co2-level'), facts.ventilation[level] || facts.ventilation.unknown);
    setText(el('co2-note'), !co2 || step === 'none' ? words.no_co2 : step === 'ok' ? '' : ageWords(co2, step, at));

    var unit = state && state.purifier;
    var gone = unit && at - Math.max(state.at, unit.at) > STALE_MS;
    var on = unit && !gone && unit.on !== null ? (unit.on ? 'on' : 'off') : 'unknown';
    light('#purifier svg', 'data-state', on);
    setAttribute(el('purifier'), 'data-phase', unit && !unit.confirmed && on !== 'unknown' ? 'late' : 'ok');
    setText(el('purifier-word'), state && !unit ? words['purifier.none'] : words['purifier.' + on]);
    var notes = [];
    // A switch that is on says nothing of a purifier that does not work: the action does not count on it either.
    var wrong = unit && !gone && unit.faults && unit.faults[0];
    if (wrong) {
      setAttribute(el('purifier'), 'data-phase', 'late');
      notes.push(wrong.indexOf('device:') === 0 ? fill(facts.faults.device || wrong, {detail: wrong.slice(7).trim()})
        : facts.faults[wrong] || wrong);
    } else if (unit && on !== 'unknown') {
      notes.push(fill(words['purifier.since'], {time: hour(unit.since)}));
      if (!unit.confirmed) { notes.push(words['purifier.unconfirmed']); }
      else if (words['purifier.' + unit.mode] && unit.mode !== 'unknown') { notes.push(words['purifier.' + unit.mode]); }
    }
    setText(el('purifier-note'), notes.join(' · '));
  }

  // -- the whole picture ---------------------------------------------------------------------------------------------

  function draw() {
    var at = now();
    if (at === null) { at = 0; } else { drawClock(at); }
    drawPanel(at);
    drawTiles(at);
    el('away').hidden = !unreachable();
  }
  function unreachable() { return failed || (base !== null && performance.now() - heard > KEEP_ALIVE_MS); }
  function drawClock(at) {
    var date = local(at);
    setText(el('clock'), hour(at));
    setText(el('night-clock'), hour(at));
    setText(el('date'), days[date.getUTCFullYear() + '-' + two(date.getUTCMonth() + 1) + '-' + two(date.getUTCDate())] || '');
    // A server that does not answer cannot say that the room is empty.
    var sleeping = facts.dims && asleep && !unreachable();
    document.body.classList.toggle('asleep', sleeping);
    el('night').hidden = !sleeping;
    var turn = Math.floor(at / 60000) % 12 / 12 * 2 * Math.PI;
    el('stage').style.transform = 'translate(' + Math.round(RING * Math.cos(turn)) + 'px,' + Math.round(RING * Math.sin(turn)) + 'px)';
    var night = Math.floor(at / 60000) % 47 / 47 * 2 * Math.PI;
    el('night').style.transform = 'translate(' + (30 + 28 * Math.cos(night)).toFixed(1) + 'vw,' + (36 + 34 * Math.sin(2 * night)).toFixed(1) + 'vh)';
    var minute = date.getUTCHours() * 60 + date.getUTCMinutes();
    if (minute === RELOAD_AT && performance.now() - began > 600000) { reload(0); }
  }
  function hear(fresh) {
    // An older state can arrive after a newer one when an answer and the stream cross.
    if (fresh && (state === null || fresh.at >= state.at)) { state = fresh; draw(); }
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

  // -- the server ----------------------------------------------------------------------------------------------------

  function listen() {
    if (stream) { stream.close(); }
    stream = new EventSource('/display/' + facts.room + '/live');
    stream.addEventListener('hello', function (event) {
      var hello = JSON.parse(event.data);
      setClock(hello.server_time);
      pollAt = Infinity;
      heardBuild(hello.build);
      draw();
    });
    stream.addEventListener('time', function (event) { setClock(Number(event.data)); pollAt = Infinity; });
    stream.addEventListener('state', function (event) { hear(JSON.parse(event.data)); });
    stream.addEventListener('error', function () {
      if (pollAt === Infinity) { pollAt = performance.now() + 2000; }
      if (stream.readyState === 2) { setTimeout(listen, 10000 + Math.random() * 10000); }
    });
  }
  function poll() {
    if (asking) { return; }
    asking = true;
    fetch('/display/' + facts.room + '/now', {cache: 'no-store'}).then(function (answer) {
      if (!answer.ok) { throw new Error(String(answer.status)); }
      return answer.json();
    }).then(function (answer) {
      asking = false;
      setClock(answer.server_time);
      heardBuild(answer.build);
      hear(answer.state);
      again();
    }).catch(function () {
      asking = false;
      failed = true;
      pollAfter = Math.min(POLL_MOST_MS, pollAfter * 1.6);
      again();
      draw();
    });
  }
  function again() { pollAt = performance.now() + pollAfter + (Math.random() * 2 - 1) * POLL_JITTER_MS; }

  var lineAt = 0;
  function askLine() {
    lineAt = performance.now() + LINE_MS + Math.random() * POLL_JITTER_MS;
    fetch('/display/' + facts.room + '/line?lang=' + facts.lang, {cache: 'no-store'}).then(function (answer) {
      return answer.ok ? answer.json() : null;
    }).then(function (answer) {
      if (!answer) { return; }
      line = answer;
      days = answer.days;
      asleep = answer.asleep;
      drawLine(line);
    }).catch(function () { /* the header says when the server is away; the line stays as it was */ });
  }

  function tick() {
    draw();
    var at = performance.now();
    if (at - heard > KEEP_ALIVE_MS && pollAt === Infinity && base !== null) { pollAt = at; }
    if (at >= pollAt) { pollAt = Infinity; poll(); }
    if (at >= lineAt) { askLine(); }
  }

  window.addEventListener('resize', function () { fitAll(); });
  document.addEventListener('visibilitychange', function () { if (!document.hidden) { poll(); } });
  if (document.fonts && document.fonts.ready) { document.fonts.ready.then(function () { fitAll(); }); }
  if (window.EventSource) { listen(); } else { pollAt = 0; }
  draw();
  drawLine(line);
  setInterval(tick, 1000);
})();
