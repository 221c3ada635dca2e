/* What the explorer does in the browser alone: the form for events, and pictures of figures with
   all that is said of them. Nothing is fetched but this server's own fonts and its own API. */
(function () {
  'use strict';
  var fonts = null;

  function make(tag, attributes, children) {
    var element = document.createElement(tag);
    Object.keys(attributes || {}).forEach(function (name) { element.setAttribute(name, attributes[name]); });
    (children || []).forEach(function (child) {
      element.appendChild(typeof child === 'string' ? document.createTextNode(child) : child);
    });
    return element;
  }

  /* -- events ----------------------------------------------------------------------------------------------------- */
  function field(label, control) {
    return make('label', {}, [make('span', {}, [label]), control]);
  }

  function options(select, list) {
    list.forEach(function (one, number) {
      select.appendChild(make('option', {value: one.value === undefined ? String(number) : one.value}, [one.name]));
    });
    return select;
  }

  /* A day and a time of it, in Thai time; `wall` is 2026-11-29T14:30 or nothing. */
  function moment(label, name, wall) {
    var words = JSON.parse(document.getElementById('explorer-event-form').getAttribute('data-words'));
    var day = window.classairDates.field(words.date, label, function () {});
    var time = make('input', {type: 'time', name: name + '-time', 'aria-label': label + ', ' + words.time});
    day.input.setAttribute('name', name);
    day.show(wall.slice(0, 10));
    time.value = wall.slice(11);
    return {
      element: make('div', {'class': 'date-field moment'}, [day.element, time]),
      focus: function () { (day.day() ? time : day.input).focus(); },
      moment: function () { return day.day() && time.value ? day.day() + 'T' + time.value + ':00+07:00' : ''; },
    };
  }

  function eventForm() {
    var place = document.getElementById('explorer-event-form');
    if (!place || place.firstChild) { return; }
    var words = JSON.parse(place.getAttribute('data-words'));
    var where = options(make('select', {name: 'where'}), words.places);
    var kind = options(make('select', {name: 'kind'}), words.kinds);
    var start = moment(words.start_at, 'start', words.start), end = moment(words.end_at, 'end', '');
    var note = make('input', {type: 'text', name: 'note', maxlength: String(words.length)});
    var form = make('form', {'class': 'fields'}, [
      field(words.where, where), field(words.what, kind), start.element, end.element,
      field(words.note, note), make('button', {type: 'submit', 'class': 'button main'}, [words.send]),
    ]);
    form.addEventListener('submit', function (event) {
      event.preventDefault();
      if (!start.moment()) { start.focus(); return; }
      var chosen = words.places[Number(where.value)];
      send('POST', '/api/v1/events', {
        site: chosen.site, room: chosen.room, kind: kind.value, start: start.moment(), end: end.moment() || null,
        note: note.value,
      });
    });
    place.appendChild(form);
    place.appendChild(make('p', {'class': 'quiet'}, [words.zone]));
  }


  function send(method, address, body) {
    var says = document.getElementById('explorer-event-says');
    var words = JSON.parse(says.getAttribute('data-words'));
    var token = /(?:^|; )classair_csrf=([^;]*)/.exec(document.cookie);
    var headers = {'Content-Type': 'application/json'};
    if (token) { headers['X-CSRF-Token'] = decodeURIComponent(token[1]); }
    fetch(address, {method: method, headers: headers, credentials: 'same-origin',
      body: body ? JSON.stringify(body) : undefined}).then(function (answer) {
      return answer.json().then(function (told) {
        if (answer.ok) {
          says.textContent = words.done;
          location.reload();
        } else if (answer.status === 401) {
          says.textContent = '';
          says.appendChild(make('a', {href: '/login?next=' +
            encodeURIComponent(location.pathname + location.search)}, [words.sign_in]));
        } else if (answer.status === 403) {
          says.textContent = words.not_allowed;
        } else if (answer.status === 503) {
          says.textContent = words.away;
        } else {
          says.textContent = words.refused.replace('{why}', window.classairActing.why(answer.status));
        }
      });
    }).catch(function () { says.textContent = words.away; });
  }

  /* -- pictures --------------------------------------------------------------------------------------------------- */
  function dataUrl(address) {
    return fetch(address).then(function (answer) { return answer.blob(); }).then(function (blob) {
      return new Promise(function (done) {
        var reader = new FileReader();
        reader.onload = function () { done(reader.result); };
        reader.readAsDataURL(blob);
      });
    });
  }

  /* A drawing made into a picture knows none of the page's fonts; it is given them. */
  function fontRules() {
    fonts = fonts || Promise.all(['thai', 'latin'].map(function (script) {
      return dataUrl('/assets/fonts/sarabun-' + script + '-400-normal.woff2').then(function (url) {
        return '@font-face{font-family:Sarabun;src:url(' + url + ') format("woff2");' +
          (script === 'thai' ? 'unicode-range:U+0E01-0E5B,U+200C-200D,U+25CC' : '') + '}';
      });
    })).then(function (rules) { return rules.reverse().join(''); });
    return fonts;
  }

  function load(url) {
    return new Promise(function (done, failed) {
      var image = new Image();
      image.onload = function () { done(image); };
      image.onerror = failed;
      image.src = url;
    });
  }

  function wrapped(context, text, width) {
    var pieces = text.split(/(?<= )/);
    if (window.Intl && Intl.Segmenter) {
      pieces = Array.from(new Intl.Segmenter(document.documentElement.lang, {granularity: 'word'}).segment(text),
        function (one) { return one.segment; });
    }
    var lines = [''];
    pieces.forEach(function (piece) {
      var last = lines.length - 1;
      if (lines[last] && context.measureText(lines[last] + piece).width > width) { lines.push(piece.trimStart()); }
      else { lines[last] += piece; }
    });
    return lines;
  }

  function picture(button) {
    var name = button.getAttribute('data-figure');
    var graph = document.querySelector('#' + name + ' .js-plotly-plot') || document.getElementById(name);
    var panel = button.closest('.chart');
    var made = panel.querySelector('.made-text') || panel.closest('section:not(.chart)').querySelector('.made-text');
    var marks = panel.querySelectorAll('.legend li');
    var size = {width: graph.clientWidth || 900, height: graph.clientHeight || 400};
    return Promise.all([Plotly.toImage(graph, {format: 'svg', width: size.width, height: size.height}), fontRules(),
      document.fonts.ready]).then(function (parts) {
      var drawing = decodeURIComponent(parts[0].replace(/^data:image\/svg\+xml,/, ''));
      drawing = drawing.replace(/(<svg[^>]*>)/, '$1<style>' + parts[1] + '</style>');
      return load('data:image/svg+xml;charset=utf-8,' + encodeURIComponent(drawing));
    }).then(function (image) {
      var canvas = document.createElement('canvas');
      var context = canvas.getContext('2d');
      var small = '14px Sarabun, sans-serif';
      context.font = small;
      var keys = Array.from(marks, function (one) {
          var patch = one.querySelector('i');
        return {text: one.textContent, colour: getComputedStyle(patch).backgroundColor,
          hatched: patch.classList.contains('hatched')};
      });
      var lines = wrapped(context, made ? made.textContent : '', size.width - 24);
      canvas.width = 2 * size.width;
      canvas.height = 2 * (52 + size.height + 22 * keys.length + 22 * lines.length + 16);
      context.scale(2, 2);
      context.fillStyle = '#fff';
      context.fillRect(0, 0, canvas.width, canvas.height);
      context.fillStyle = '#1f2933';
      context.font = '600 20px Sarabun, sans-serif';
      context.fillText(button.getAttribute('data-title'), 12, 32);
      if (button.getAttribute('data-simulated')) {
        context.textAlign = 'right';
        context.fillText(button.getAttribute('data-simulated'), size.width - 12, 32);
        context.textAlign = 'left';
      }
      context.drawImage(image, 0, 46, size.width, size.height);
      var y = 46 + size.height + 18;
      context.font = small;
      keys.forEach(function (key) {
        context.fillStyle = key.colour;
        context.fillRect(12, y - 11, 14, 14);
        context.strokeStyle = '#98a2ad';
        context.strokeRect(12, y - 11, 14, 14);
        if (key.hatched) {
          context.beginPath();
          [4, 9, 14].forEach(function (x) { context.moveTo(12 + x - 4, y + 3); context.lineTo(12 + x, y - 1 - x / 2); });
          context.stroke();
        }
        context.fillStyle = '#1f2933';
        context.fillText(key.text, 34, y);
        y += 22;
      });
      context.fillStyle = '#52606d';
      lines.forEach(function (line) { context.fillText(line, 12, y); y += 22; });
      return new Promise(function (done) { canvas.toBlob(done, 'image/png'); });
    }).then(function (blob) {
      var link = make('a', {download: name + '.png', href: URL.createObjectURL(blob)});
      document.body.appendChild(link);
      link.click();
      link.remove();
      setTimeout(function () { URL.revokeObjectURL(link.href); }, 10000);
    });
  }

  document.addEventListener('click', function (event) {
    var button = event.target.closest && event.target.closest('button');
    if (!button) { return; }
    if (button.classList.contains('png')) { picture(button); }
    if (button.classList.contains('withdraw')) {
      send('DELETE', '/api/v1/events/' + encodeURIComponent(button.getAttribute('data-event')));
    }
  });


  new MutationObserver(eventForm).observe(document.documentElement, {childList: true, subtree: true,
    attributes: true, attributeFilter: ['data-value']});
})();
