/* Thai names of days and months for chart axes, in the form that plotly.js registers as a locale. */
(function () {
  var locale = {
    moduleType: 'locale',
    name: 'th',
    dictionary: {},
    format: {
      days: ['อาทิตย์', 'จันทร์', 'อังคาร', 'พุธ', 'พฤหัสบดี', 'ศุกร์', 'เสาร์'],
      shortDays: ['อา.', 'จ.', 'อ.', 'พ.', 'พฤ.', 'ศ.', 'ส.'],
      months: [
        'มกราคม', 'กุมภาพันธ์', 'มีนาคม', 'เมษายน', 'พฤษภาคม', 'มิถุนายน',
        'กรกฎาคม', 'สิงหาคม', 'กันยายน', 'ตุลาคม', 'พฤศจิกายน', 'ธันวาคม'
      ],
      shortMonths: [
        'ม.ค.', 'ก.พ.', 'มี.ค.', 'เม.ย.', 'พ.ค.', 'มิ.ย.',
        'ก.ค.', 'ส.ค.', 'ก.ย.', 'ต.ค.', 'พ.ย.', 'ธ.ค.'
      ],
      date: '%d/%m/%Y'
    }
  };
  if (typeof Plotly === 'undefined') {
    (window.PlotlyLocales = window.PlotlyLocales || []).push(locale);
  } else {
    Plotly.register(locale);
  }
})();
