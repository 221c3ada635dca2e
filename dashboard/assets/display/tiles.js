/* The tiles below the panel: outside, CO2, purifier, each with its own age and its own late and unknown. */
/* `page` lends what display.js has already. Gives a function that draws a state at a moment (UTC ms). ES2015. */
function classairTiles(page) {
  'use strict';
  var facts = page.facts;
  var words = facts.words;
  var ages = page.ages;
  var el = page.el;
  var fill = page.fill;
  var setText = page.setText;
  var setAttribute = page.setAttribute;

  function isCurrent(step) { return step === 'ok' || step === 'late'; }
  function setNumber(node, text) {
    setText(node, text);
    setAttribute(node, 'data-length', String(text.length));
  }

  function drawOutdoor(state, at) {
    var outdoor = state && state.outdoor;
    var step = outdoor ? ages.phase(outdoor, at, state.at) : 'unknown';
    var current = isCurrent(step);
    var level = current ? outdoor.level : 'unknown';
    setAttribute(el('outdoor'), 'data-phase', step);
    setNumber(el('outdoor-value'), current ? outdoor.shown : '–');
    setAttribute(el('outdoor-level'), 'data-level', level);
    page.putLevel(el('outdoor-level'), facts.levels[level] || facts.levels.unknown, level);
    page.bars(el('outdoor-bars'), level);
    setText(el('outdoor-note'), !outdoor ? words.waiting : step === 'none' ? words.no_outdoor
      : ages.words(outdoor, step, at));
  }

  function drawAir(state, at) {
    var co2 = state && state.co2;
    var step = co2 ? ages.phase(co2, at, state.at) : 'unknown';
    var level = isCurrent(step) ? co2.level : 'unknown';
    setAttribute(el('co2'), 'data-phase', step);
    page.light('#co2 svg', 'data-level', level);
    setNumber(el('co2-value'), isCurrent(step) ? co2.shown : '–');
    setText(el('co2-level'), facts.ventilation[level] || facts.ventilation.unknown);
    setText(el('co2-note'), !co2 ? '' : step === 'none' ? words.no_co2 : step === 'ok' ? '' : ages.words(co2, step, at));
  }

  /* Whoever has it in hand, by role: accounts have names that a classroom need not read. */
  function byWhom(unit) {
    if (unit.mode !== 'person') { return words['purifier.' + unit.mode] || ''; }
    var role = unit.override_by === 'Home Assistant' ? 'home_assistant' : unit.override_by.split(':')[0];
    var who = facts.by[role] || facts.by.somebody;
    return unit.override_until === null ? who
      : fill(words['purifier.until'], {who: who, time: page.hour(unit.override_until)});
  }
  function fault(name) {
    return name.indexOf('device:') === 0 ? fill(facts.faults.device || name, {detail: name.slice(7).trim()})
      : facts.faults[name] || name;
  }
  function checked(unit, step, at, saidAt) {
    var minutes = ages.minutesSince(Math.max(saidAt, unit.at), at);
    return step === 'late' ? fill(words.late, {n: minutes})
      : minutes < 1 ? words['purifier.checked_now'] : fill(words['purifier.checked'], {n: minutes});
  }
  function drawPurifier(state, at) {
    var unit = state && state.purifier;
    var step = unit ? ages.purifierPhase(unit, at, state.at) : 'unknown';
    var on = step === 'unknown' ? 'unknown' : unit.on ? 'on' : 'off';
    var notes = [];
    page.light('#purifier svg', 'data-state', on);
    setText(el('purifier-word'), state && !unit ? words['purifier.none'] : words['purifier.' + on]);
    setText(el('purifier-speed'), on === 'on' && unit.speed ? fill(words.speed, {name: unit.speed}) : '');
    if (unit && step !== 'unknown') {
      // A switch that is on says nothing of a purifier that does not work: the action does not count on it either.
      var wrong = unit.faults && unit.faults[0];
      if (wrong) { notes.push(fault(wrong)); } else {
        if (unit.mode !== 'person') { notes.push(fill(words['purifier.since'], {time: page.hour(unit.since)})); }
        notes.push(unit.confirmed ? byWhom(unit) : words['purifier.unconfirmed']);
      }
      if (wrong || !unit.confirmed) { step = 'late'; }
      notes.push(checked(unit, ages.purifierPhase(unit, at, state.at), at, state.at));
    }
    setAttribute(el('purifier'), 'data-phase', unit ? step : 'none');
    // Each on a line of its own: between two on one line the dot would be left at the end or the beginning of a line.
    setText(el('purifier-note'), notes.filter(Boolean).join('\n'));
  }

  return function (state, at) {
    drawOutdoor(state, at);
    drawAir(state, at);
    drawPurifier(state, at);
  };
}
