// Numbers as tables: shapes, costs, and what one value is made of, with the words of the page's table.

export const shapeText = shape => `(${shape.join(', ')}${shape.length === 1 ? ',' : ''})`;
export const grouped = n => n.toString().replace(/\B(?=(\d{3})+$)/g, ',');
export const escaped = text => String(text).replace(/[&<>"]/g, c => `&#${c.charCodeAt(0)};`);

/** Four digits of a number with a true minus sign. */
export function digits(value) {
  if (!Number.isFinite(value)) return value < 0 ? '−∞' : '∞';
  const text = value !== 0 && Math.abs(value) < 1e-4 ? value.toExponential(3) : String(Number(value.toPrecision(4)));
  return (text === '-0' ? '0' : text).replace('-', '−');
}

const row = (cells, kind = '') => `<tr class="${kind}">${cells.map(cell => `<td>${cell}</td>`).join('')}</tr>`;
const tableOf = (head, rows) =>
  `<table><thead><tr>${head.map(name => (name ? `<th scope="col">${name}</th>` : '<td></td>')).join('')}</tr></thead><tbody>${rows.join('')}</tbody></table>`;
const strip = (share, colour, start = 0) => `<span style="display:inline-block;width:80px;height:9px"><span style="display:block;
  height:9px;margin-left:${start * 80}px;width:${Math.max(1, share * 80)}px;background:${colour}"></span></span>`;

/** Parameters and MACs by step, as HTML. */
export function costTable({steps, parameters, macs, clash}, say) {
  const rows = steps.filter(step => step[3]).map(([name, , shape, p, m]) =>
    row([name, shapeText(shape), grouped(p), grouped(m), m ? `${strip(m / macs, 'var(--rl-main)')} ${Math.round(100 * m / macs)} %` : '']));
  rows.push(row([say(clash ? 'f_so_far' : 'total'), '', grouped(parameters), grouped(macs), ''], 'total'));
  const head = [say('step'), say('output'), say('parameters'), 'MACs', ''];
  return `${tableOf(head, rows)}<p class="quiet">FLOPs = 2 × MACs = ${grouped(2 * macs)}</p>`;
}

/** The steps with their shapes, parameters and MACs, as HTML. */
export function stepTable({steps}, say) {
  const rows = steps.slice(1).map(([name, kind, shape, p, m]) => row([name, kind, shapeText(shape), grouped(p), grouped(m)]));
  return tableOf([say('step'), say('kind'), say('output'), say('parameters'), 'MACs'], rows);
}

/** Classes and their probabilities, as HTML. */
export function percentTable(classes, say) {
  const rows = classes.map(([name, p]) => row([escaped(name), `${strip(p, 'var(--rl-sum)')} ${say('percent', {n: (100 * p).toFixed(1)})}`]));
  return tableOf([say('class'), say('probability')], rows);
}

const grid = (title, numbers) => `<table><caption class="quiet" style="text-align:left">${title}</caption><tbody>${
  numbers.map(line => row(line.map(digits))).join('')}</tbody></table>`;

function productsHtml({macs, strongest, rest, kernel, inputs, weights, bias = null}, say) {
  const most = Math.max(...strongest.map(term => Math.abs(term[1]))) || 1;
  const bar = n => strip(Math.abs(n) / most / 2, n < 0 ? 'var(--rl-main)' : '#D6604D', 0.5 + Math.min(n / most, 0) / 2);
  const one = kernel === 1, rows = strongest.map(([channel, sum, input, weight]) =>
    row([channel, ...one ? [digits(input), digits(weight)] : [], digits(sum), bar(sum)]));
  if (rest[0]) rows.push(row([say('others', {n: grouped(rest[0])}), ...one ? ['', ''] : [], digits(rest[1]), ''], 'total'));
  if (bias !== null) rows.push(row([say('bias'), ...one ? ['', ''] : [], digits(bias), '']));
  const head = [say('input_channel'), ...one ? [say('input'), say('weight')] : [], say('contributes'), ''];
  let html = `<p>${say('products', {n: grouped(macs)})}</p>${tableOf(head, rows)}`;
  if (!one && inputs && kernel <= 7) {
    const product = inputs.map((line, i) => line.map((n, j) => n * weights[i][j]));
    const parts = [grid(say('of_channel', {channel: strongest[0][0]}), inputs), '×', grid(say('its_weights'), weights), '=', grid(say('its_products'), product)];
    html += `<div style="display:flex;flex-wrap:wrap;align-items:center;gap:10px;margin-top:6px">${parts.map(p => `<div>${p}</div>`).join('')}</div>`;
  }
  return html;
}

/** What `explain` found, as HTML. */
export function valueHtml(found, say) {
  const {kind, value} = found, y = digits(value), formula = text => `<p class="big">${text}</p>`;
  if (kind === 'CONV' || kind === 'LINEAR') return formula(`${kind}: ${say('sum_of_products', {y})}`) + productsHtml(found, say);
  if (kind === 'BN') {
    const {input, mean, variance, eps, weight, bias} = found;
    const [v, m, s, w, b] = [input, mean, variance, weight, bias].map(digits);
    return formula(`BN: (${v} − ${mean < 0 ? `(${m})` : m}) / √(${s} + ${eps}) · ${weight < 0 ? `(${w})` : w} ${bias < 0 ? `− ${digits(-bias)}` : `+ ${b}`} = ${y}`) + `<p>${say('bn_numbers', {m, s, w, b})}</p>`;
  }
  if (kind === 'ReLU') return formula(`ReLU: max(0, ${digits(found.input)}) = ${y}`);
  if (kind === 'SUM') return formula(`F(x) + ${say('shortcut')}: ${digits(found.terms[0])} + ${digits(found.terms[1])} = ${y}`);
  if (kind === 'MAXPOOL') return formula(say('largest', {y})) + grid(say('the_window'), found.inputs);
  if (kind === 'GLOBAL AVGPOOL') return formula(say('mean_of', {n: grouped(found.n), y}));
  return formula(say('unchanged', {y}));
}
