/* The display's chart: PM2.5 of the last three hours inside and outside. ES2015, no libraries. */
/* `page` lends what display.js has already: elements, texts, times of day. Gives a function that draws a line's data. */
function classairLine(page) {
  'use strict';
  var words = page.facts.words;

  function path(points, x, y, step) {
    var text = '';
    points.forEach(function (point, index) {
      var joined = index > 0 && point[0] - points[index - 1][0] <= step * 1.5;
      var next = index + 1 < points.length && points[index + 1][0] - point[0] <= step * 1.5;
      text += (joined ? 'L' : 'M') + x(point[0]).toFixed(1) + ' ' + y(point[1]).toFixed(1);
      if (!joined && !next) { text += 'h3'; }   // a value alone is a dot
    });
    return text;
  }
  function label(kind, text, left, top) {
    var node = document.createElement('span');
    node.className = kind;
    node.textContent = text;
    if (left !== null) { node.style.left = left + '%'; }
    if (top !== null) { node.style.top = top + '%'; }
    page.el('labels').appendChild(node);
  }
  function holes(points, start, end, step) {
    var found = [];
    var before = start;
    points.concat([[end, 0]]).forEach(function (point) {
      if (point[0] - before > step * 2.5) { found.push([before, point[0]]); }
      before = point[0];
    });
    return found;
  }
  function drawLine(line) {
    page.el('labels').textContent = '';
    page.el('gaps').textContent = '';
    ['grid', 'limit', 'outside-path', 'inside-path'].forEach(function (id) { page.el(id).setAttribute('d', ''); });
    if (!line || line.indoor === null || !line.indoor.length) {
      label('all', !line ? '' : line.indoor === null ? words.line_away : words.line_empty, null, null);
      page.setAttribute(page.el('plot'), 'aria-label', words.line_empty);
      return;
    }
    var indoor = line.indoor;
    var outdoor = line.outdoor || [];
    var most = indoor.concat(outdoor).reduce(function (high, point) { return Math.max(high, point[1]); }, 0);
    var top = Math.max(50, Math.ceil(most * 1.08 / 25) * 25);
    function x(at) { return (at - line.start) / (line.end - line.start) * 1000; }
    function y(value) { return 300 - value / top * 300; }
    page.el('grid').setAttribute('d', 'M0 300H1000M0 0H1000');
    page.el('limit').setAttribute('d', 'M0 ' + y(line.reference) + 'H1000');
    page.el('outside-path').setAttribute('d', path(outdoor, x, y, line.step));
    page.el('inside-path').setAttribute('d', path(indoor, x, y, line.step));
    holes(indoor, line.start, line.end, line.step).forEach(function (hole) {
      var rect = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
      rect.setAttribute('x', x(hole[0]));
      rect.setAttribute('width', x(hole[1]) - x(hole[0]));
      rect.setAttribute('y', 0);
      rect.setAttribute('height', 300);
      page.el('gaps').appendChild(rect);
      if (hole[1] - hole[0] > 35 * 60000) { label('none', words.no_data, (x(hole[0]) + x(hole[1])) / 20, null); }
    });
    label('y', '0', null, 100);
    label('y', String(top), null, 0);
    label('y', String(line.reference), null, y(line.reference) / 3);
    var first = Math.ceil((line.start + page.zone) / 3600000) * 3600000 - page.zone;
    for (var at = first; at <= line.end; at += 3600000) {
      if (x(at) > 40 && x(at) < 960) { label('x', page.hour(at), x(at) / 10, null); }
    }
    var inside = y(indoor[indoor.length - 1][1]) / 3;
    var outside = outdoor.length ? y(outdoor[outdoor.length - 1][1]) / 3 : null;
    if (outside !== null && Math.abs(inside - outside) < 22) {
      var middle = Math.min(86, Math.max(14, (inside + outside) / 2));
      var under = inside >= outside;
      inside = middle + (under ? 11 : -11);
      outside = middle + (under ? -11 : 11);
    }
    label('end inside', page.facts.outdoor ? words.outdoor : words.indoor, null, inside);
    if (outside !== null) { label('end outside', words.outdoor, null, outside); }
    page.setAttribute(page.el('plot'), 'aria-label', page.fill(words.line_summary, {
      inside: indoor[indoor.length - 1][1], outside: outdoor.length ? outdoor[outdoor.length - 1][1] : words.no_data
    }));
  }

  return drawLine;
}
