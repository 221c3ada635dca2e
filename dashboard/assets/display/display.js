/* The wall display. It shows what the room's state says and works out nothing but ages: the server's time at the last
   word plus the time that has passed here, because the clocks of televisions are wrong. ES2015, no libraries. */
(function () {
  'use strict';

  var BANGKOK_MS = 7 * 3600000;
  var TICK_MS = 1000;
  var facts = JSON.parse(document.getElementById('facts').textContent);
  var words = facts.words;
  var state = null;
  var line = null;

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
  function local(at) { return new Date(at + BANGKOK_MS); }   // read with getUTC…
  function hour(at) {
    var date = local(at);
    var clock = facts.clock.replace('%H', two(date.getUTCHours())).replace('%M', two(date.getUTCMinutes()));
    return fill(facts.time, {clock: clock});
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

  var page = {
    facts: facts, el: el, fill: fill, setText: setText, setAttribute: setAttribute, light: light, bars: bars,
    putLevel: putLevel, hour: hour, local: local, fitAll: fitAll, zone: BANGKOK_MS,
    hear: function (fresh) {
      // An older state can arrive after a newer one when an answer and the stream cross.
      if (fresh && (state === null || fresh.at >= state.at)) { state = fresh; draw(); }
    },
    heardLine: function (fresh) {
      line = fresh;
      wall.setDays(fresh.days);
      wall.setHours(fresh);
      drawLine(line);
      draw();
    },
    changed: function () { draw(); }
  };
  var ages = page.ages = classairAges(page);
  var wall = classairWall(page);
  var server = classairServer(page);
  var drawTiles = classairTiles(page);
  var drawLine = classairLine(page);

  /* The texts for this age. Once the value outside is too old as well, what was said with it no longer counts. */
  function textsOf(step, spoken, at) {
    var texts = state && state.texts[facts.lang];
    if (!texts) { return null; }
    var was = state.pm25.status === 'ok' || state.pm25.status === 'late';
    var outdoor = state.outdoor;
    var gone = (outdoor.status === 'ok' || outdoor.status === 'late') && ages.phase(outdoor, at, state.at) === 'unknown';
    if (gone && (spoken !== 'unknown' || !was) && texts.no_outdoor) { return texts.no_outdoor; }
    // A promise stands as long as somebody keeps it up.
    return texts[ages.isPromise(state.pm25) && step === state.pm25.status ? 'ok' : spoken];
  }

  function drawPanel(at) {
    var value = state && state.pm25;
    var step = value ? ages.phase(value, at, state.at) : 'unknown';
    var current = step === 'ok' || step === 'late';
    var spoken = current ? step : 'unknown';
    var level = current ? value.level : 'unknown';
    var texts = textsOf(step, spoken, at);
    var word = texts ? texts.level : facts.levels.unknown;
    var age = value ? ages.words(value, step, at) : words.waiting;
    var panel = el('panel');
    setAttribute(document.body, 'data-phase', spoken);
    setAttribute(panel, 'data-level', level);
    light('.face', 'data-level', level);
    bars(el('bars'), level);
    fade(el('level'), function () { putLevel(el('level'), word, level); fitAll(); }, word);
    setText(el('value'), current ? value.shown : '–');
    var stale = spoken === 'ok' ? '' : age;
    var length = String(current ? value.shown.length : 1);
    if (el('value').getAttribute('data-length') !== length || el('stale').textContent.length !== stale.length) {
      setAttribute(el('value'), 'data-length', length);
      setText(el('stale'), stale);
      fitAll();
    }
    setText(el('stale'), stale);
    setText(el('last'), value && !current ? ages.lastWords(value) : '');
    var doubt = !current ? '' : value.disagree ? words.disagree : value.held ? words.held : '';
    if (el('disagree').textContent !== doubt) { setText(el('disagree'), doubt); fitAll(); }
    var hot = current && facts.heat[state.heat] && state.heat_index_c !== null;
    setText(el('heat'), hot ? fill(words.heat, {value: Math.round(state.heat_index_c), band: facts.heat[state.heat]}) : '');
    setAttribute(el('age'), 'data-phase', spoken);
    setText(el('age-words'), age);
    setAttribute(panel, 'aria-label', fill(current ? words.panel : words.panel_unknown,
      {room: facts.name, level: word, value: current ? value.shown : '', age: age}));
    drawAdvice(at, texts, value, spoken);
  }

  function reasonOf(at, texts, value, spoken) {
    // Without the server nobody knows whether the monitor is silent: what is known is that we hear nothing.
    if (spoken === 'unknown' && server.unreachable()) {
      var away = Math.floor(server.silence() / 60000);
      return away < 2 ? words.away_now : fill(words.away, {minutes: away});
    }
    if (!texts) { return words.waiting; }
    if (texts.reason.indexOf('{minutes}') < 0) { return texts.reason; }
    var since = value ? ages.newest(value) : null;
    return since === null ? words.waiting : fill(texts.reason, {minutes: ages.minutesSince(since, at)});
  }
  function drawAdvice(at, texts, value, spoken) {
    var action = texts ? texts.action : facts.unknown.action;
    var reason = reasonOf(at, texts, value, spoken);
    var turn = facts.children && texts && texts.children && Math.floor(at / 20000) % 2 === 1;
    var second = turn ? texts.children : reason;
    fade(el('action'), function () { putPhrases(el('action'), clauses(action)); fitAll(); }, action);
    // A counted minute changes in place; another sentence fades in.
    fade(el('reason'), function () { setText(el('reason'), second); fitAll(); }, second.replace(/\d+/g, '#'));
    if (!el('reason').classList.contains('changing')) { setText(el('reason'), second); }
  }

  // -- the whole picture ---------------------------------------------------------------------------------------------

  function draw() {
    var at = server.now();
    wall.draw(at === null ? Date.now() : at, at === null, server.unreachable());
    drawPanel(at === null ? 0 : at);
    drawTiles(state, at === null ? 0 : at);
    el('away').hidden = !server.unreachable();
  }
  /* Once a second, and at the very moment at which something becomes late or unknown. */
  function tick() {
    server.tick();
    draw();
    var at = server.now();
    var next = state && at !== null ? ages.nextChange(state, at) - at : TICK_MS;
    setTimeout(tick, Math.max(1, Math.min(TICK_MS, Math.ceil(next))));
  }

  window.addEventListener('resize', function () { fitAll(); });
  if (document.fonts && document.fonts.ready) { document.fonts.ready.then(function () { fitAll(); }); }
  server.begin();
  drawLine(line);
  tick();
})();
