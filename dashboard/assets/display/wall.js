/* Living on a wall: clock, brightness, darkness outside school hours, and nothing that burns in. ES2015, no libraries. */
/* `page` lends what display.js has already. The server's time counts; the device's own clock is a last resort. */
function classairWall(page) {
  'use strict';
  var RING = 8;                   // pixels the whole picture wanders …
  var PLACES = 12;                // … around so many places, one a minute
  var facts = page.facts;
  var el = page.el;
  var days = facts.days;
  var hours = null;               // {asleep, turns_at} as the server said it last

  function two(number) { return (number < 10 ? '0' : '') + number; }
  function setDays(fresh) { days = fresh; }
  function setHours(fresh) { hours = fresh; }
  function isEmpty(at) {
    if (!hours) { return false; }
    return hours.turns_at !== null && at >= hours.turns_at ? !hours.asleep : hours.asleep;
  }
  /* The clock of a device that has lost power may be years behind: a time before this page was made is none. */
  function drawTime(at, ofDevice) {
    if (ofDevice && at < facts.made_at) { return; }
    var date = page.local(at);
    page.setText(el('clock'), page.hour(at));
    page.setText(el('night-clock'), page.hour(at));
    page.setText(el('date'), days[date.getUTCFullYear() + '-' + two(date.getUTCMonth() + 1) + '-' + two(date.getUTCDate())] || '');
  }
  function drawNight(at, away) {
    // A server that does not answer cannot say that the room is empty.
    var sleeping = facts.dims && !away && isEmpty(at);
    if (document.body.classList.contains('asleep') !== sleeping) {
      document.body.classList.toggle('asleep', sleeping);
      el('night').hidden = !sleeping;
      page.fitAll();
    }
    var turn = Math.floor(at / 60000) % 47 / 47 * 2 * Math.PI;
    move(el('night'), (30 + 28 * Math.cos(turn)).toFixed(1) + 'vw', (36 + 34 * Math.sin(2 * turn)).toFixed(1) + 'vh');
  }
  function drawPlace(at) {
    var turn = Math.floor(at / 60000) % PLACES / PLACES * 2 * Math.PI;
    move(el('stage'), Math.round(RING * Math.cos(turn)) + 'px', Math.round(RING * Math.sin(turn)) + 'px');
  }
  function move(node, x, y) {
    var place = 'translate(' + x + ',' + y + ')';
    if (node.getAttribute('data-place') !== place) {
      node.setAttribute('data-place', place);
      node.style.transform = place;
    }
  }
  el('dim').style.opacity = String(1 - facts.brightness / 100);

  return {
    setDays: setDays, setHours: setHours,
    draw: function (at, ofDevice, away) {
      drawTime(at, ofDevice);
      drawNight(at, away);
      drawPlace(at);
    }
  };
}
