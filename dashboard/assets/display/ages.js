/* How old each part of a room's state is at a moment, and the words for it. ES2015, no libraries. */
/* `page` lends the page's facts, fill and hour. Nothing here works out a value: only time passes. */
function classairAges(page) {
  'use strict';
  var LATE_MS = 3 * 60000;        // a promise, or a purifier, of which nobody has spoken for so long is late …
  var UNKNOWN_MS = 15 * 60000;    // … and for so long is of the past
  var words = page.facts.words;

  function isPromise(value) { return value.status === 'filling' || value.status === 'warming_up'; }
  /* ok, late, unknown, or why there is no value. What nobody renews promises nothing any more. */
  function phase(value, at, saidAt) {
    if (value.status === 'ok' || value.status === 'late') {
      if (value.unknown_at !== null && at >= value.unknown_at) { return 'unknown'; }
      return value.status === 'late' || (value.late_at !== null && at >= value.late_at) ? 'late' : 'ok';
    }
    if (isPromise(value)) {
      var heardAt = value.status === 'filling' && value.newest_at !== null ? value.newest_at : saidAt;
      return at - heardAt >= LATE_MS ? 'unknown' : value.status;
    }
    return value.status !== 'none' && at - saidAt >= UNKNOWN_MS ? 'unknown' : value.status;
  }
  /* A purifier is known as long as whoever watches it speaks. */
  function purifierPhase(unit, at, saidAt) {
    var age = at - Math.max(saidAt, unit.at);
    return age >= UNKNOWN_MS || unit.on === null ? 'unknown' : age >= LATE_MS ? 'late' : 'ok';
  }
  function minutesSince(then, at) { return Math.max(0, Math.floor((at - then) / 60000)); }
  function newest(value) { return value.newest_at !== null ? value.newest_at : value.last_at; }
  function ago(then, at) {
    var minutes = minutesSince(then, at);
    return minutes < 1 ? words.measured_now : minutes < 2 ? words.measured_one : page.fill(words.measured, {n: minutes});
  }
  function words_of(value, step, at) {
    if (step === 'ok') { return ago(value.newest_at, at); }
    if (step === 'late') { return page.fill(words.late, {n: minutesSince(value.newest_at, at)}); }
    if (step === value.status && isPromise(value) && value.minutes_left !== null) {
      return page.fill(words[step], {n: value.minutes_left});
    }
    if (step === 'suspect') { return words.suspect; }
    return step === 'none' ? words.no_sensor : words.not_current;
  }
  function lastWords(value) {
    var shown = value.last_shown || value.shown;
    var at = value.last_at !== null ? value.last_at : value.newest_at;
    return shown && at !== null ? page.fill(words.last_value, {value: shown, time: page.hour(at)}) : '';
  }
  /* When something on the screen will change by its age alone, so that it changes on the second. */
  function nextChange(state, at) {
    var moments = [];
    [state.pm25, state.co2, state.outdoor].forEach(function (value) {
      moments.push(value.late_at, value.unknown_at);
      if (value.newest_at !== null) { moments.push(value.newest_at + (minutesSince(value.newest_at, at) + 1) * 60000); }
    });
    moments.push(state.at + LATE_MS, state.at + UNKNOWN_MS);
    return moments.reduce(function (next, then) { return then !== null && then > at ? Math.min(next, then) : next; }, Infinity);
  }
  return {
    isPromise: isPromise, phase: phase, purifierPhase: purifierPhase, minutesSince: minutesSince, newest: newest,
    words: words_of, lastWords: lastWords, nextChange: nextChange
  };
}
