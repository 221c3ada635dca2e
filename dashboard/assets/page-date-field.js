/* Date fields. Where the page's language counts years in the Thai calendar, a day is typed and shown with the year of
   that calendar (29/11/2569), and the browser's own calendar, which knows only the Gregorian one, helps to choose. What
   leaves a field is always a Gregorian day, 2026-11-29, or nothing. */
(function () {
  'use strict';
  var FIRST = '2015-01-01', LAST = '2199-12-31';

  function make(tag, attributes) {
    var element = document.createElement(tag);
    Object.keys(attributes || {}).forEach(function (name) { element.setAttribute(name, attributes[name]); });
    return element;
  }

  function two(number) { return (number < 10 ? '0' : '') + number; }

  /* The Gregorian day, '' for nothing typed, null for what is no day. */
  function read(text, words) {
    var plain = text.trim().replace(/[๐-๙]/g, function (digit) { return String(digit.charCodeAt(0) - 0x0E50); });
    if (!plain) { return ''; }
    words.months.concat(words.shortMonths).forEach(function (name, place) {
      plain = plain.split(name).join(' ' + (place % 12 + 1) + ' ');
    });
    var parts = plain.replace(/^(\d\d)(\d\d)(\d{4})$/, '$1 $2 $3').split(/[\s./-]+/).filter(Boolean).map(Number);
    if (parts.length !== 3 || parts.some(isNaN)) { return null; }
    if (parts[0] > 31) { parts.reverse(); }
    var year = parts[2] - words.ahead >= 2015 ? parts[2] - words.ahead : parts[2];
    var day = new Date(Date.UTC(year, parts[1] - 1, parts[0]));
    if (day.getUTCFullYear() !== year || day.getUTCMonth() !== parts[1] - 1) { return null; }
    var found = year + '-' + two(parts[1]) + '-' + two(parts[0]);
    return found >= FIRST && found <= LAST ? found : null;
  }

  function shown(day, words) {
    if (!day) { return ''; }
    var parts = day.split('-');
    return parts[2] + '/' + parts[1] + '/' + (Number(parts[0]) + words.ahead);
  }

  /* A field for one day; `changed(day)` is called with what was chosen. `words`: see dashboard/frame/date_field.py. */
  function field(words, label, changed, refused) {
    var native = make('input', {type: 'date', min: FIRST, max: LAST});
    var holder = make('label');
    var name = make('span');
    name.textContent = label;
    holder.appendChild(name);
    if (!words.ahead) {
      holder.appendChild(native);
      var wrong = make('span', {'class': 'date-fault', role: 'status'});
      holder.appendChild(wrong);
      native.addEventListener('change', function () {
        // A day that is half typed has no value: a form says so itself.
        wrong.textContent = '';
        native.removeAttribute('aria-invalid');
        changed(native.value);
      });
      return {
        element: holder, input: native, day: function () { return native.value; },
        show: function (day) { native.value = day || ''; },
        fault: function (text) { wrong.textContent = text; native.setAttribute('aria-invalid', 'true'); }, last: function (day) { native.max = day; },
      };
    }
    var typed = make('input', {type: 'text', autocomplete: 'off', placeholder: words.form, size: 10, maxlength: 24});
    var button = make('button', {type: 'button', 'class': 'date-open', 'aria-label': words.open.replace('{field}', label)});
    var fault = make('span', {'class': 'date-fault', role: 'status'});
    var row = make('span', {'class': 'date-row'});
    var kept = '';
    native.tabIndex = -1;
    native.setAttribute('aria-hidden', 'true');
    native.className = 'date-native';
    row.append(typed, native, button);
    holder.append(row, fault);
    typed.addEventListener('keydown', function (event) {
      // Before the form goes: the field says what it holds.
      if (event.key === 'Enter') { take(read(typed.value, words)); }
    });
    function take(day) {
      typed.setAttribute('aria-invalid', day === null ? 'true' : 'false');
      fault.textContent = day === null ? words.fault : '';
      if (day === null) { if (refused) { refused(typed.value); } return; }
      kept = native.value = day;
      typed.value = shown(day, words);
      changed(day);
    }
    typed.addEventListener('change', function () { take(read(typed.value, words)); });
    native.addEventListener('change', function () { take(native.value); });
    button.addEventListener('click', function () {
      // Where the browser shows no calendar on request, the field itself is the way.
      try { native.showPicker(); } catch (error) { typed.focus(); }
    });
    return {
      element: holder, input: typed,
      day: function () { var day = read(typed.value, words); return day === null ? kept : day; },
      fault: function (text) { fault.textContent = text; typed.setAttribute('aria-invalid', 'true'); },
      show: function (day) {
        var known = /^\d{4}-\d\d-\d\d$/.test(day || '');
        kept = native.value = known ? day : '';
        typed.value = known ? shown(day, words) : day || '';
        typed.setAttribute('aria-invalid', 'false');
        fault.textContent = '';
      },
      last: function (day) { native.max = day; },
    };
  }

  /* A field wherever a page asks for one: into a store of the page, or to the address of that day. */
  function fill() {
    document.querySelectorAll('.date-field[data-words]').forEach(function (place) {
      var own = place.classairField;
      var asked = place.getAttribute('data-label') + place.getAttribute('data-words');
      if (own && place.classairAsked !== asked) { own.element.remove(); own = null; place.classairShown = null; }
      if (!own) {
        place.classairAsked = asked;
        own = place.classairField = field(JSON.parse(place.getAttribute('data-words')), place.getAttribute('data-label'),
          function (day) {
            if (place.hasAttribute('data-store')) {
              dash_clientside.set_props(place.getAttribute('data-store'), {data: day});
            } else if (place.hasAttribute('data-name')) {
              held.value = day;
            } else if (day) {
              var search = new URLSearchParams(place.getAttribute('data-search'));
              search.set('date', day);
              location.assign(place.getAttribute('data-path') + '?' + search.toString());
            }
          }, function (typed) {
            // What is no day goes to the server as it was typed; the page comes back with it and says so.
            if (held) { held.value = typed; }
            if (place.hasAttribute('data-store')) {
              dash_clientside.set_props(place.getAttribute('data-store'), {data: typed});
            }
          });
        var held = place.hasAttribute('data-name') ?
          make('input', {type: 'hidden', name: place.getAttribute('data-name'), value: place.getAttribute('data-value')}) : null;
        if (held) { own.element.appendChild(held); }
        place.appendChild(own.element);
      }
      if (place.classairShown !== place.getAttribute('data-value')) {
        place.classairShown = place.getAttribute('data-value');
        own.show(place.classairShown);
        if (place.hasAttribute('data-fault')) { own.fault(place.getAttribute('data-fault')); }
      }
      if (place.hasAttribute('data-max')) { own.last(place.getAttribute('data-max')); }
    });
  }

  var waiting = false;
  function soon() {
    if (waiting) { return; }
    waiting = true;
    requestAnimationFrame(function () { waiting = false; fill(); });
  }

  window.classairDates = {field: field};
  new MutationObserver(soon).observe(document.documentElement, {
    childList: true, subtree: true, attributes: true, attributeFilter: ['data-value', 'data-max', 'data-words'],
  });
  soon();
})();
