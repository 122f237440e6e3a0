import { formatRange, formatTable } from './tables.mjs'

const CASES = [
  { trace: 'tasks', isSingle: false },
  { trace: 'tokens', isSingle: false },
  { trace: 'many', isSingle: false },
  { trace: 'tasks', isSingle: true },
  { trace: 'tokens', isSingle: true },
]
const FORMATS = ['default', 'ai-sdk', 'ag-ui']
const keyOf = ({ trace, isSingle }) => `formats ${trace}${isSingle ? ', single' : ''}`

/** The cost of the formats of user interfaces, beside the default one. */
export function listFormatCases({ isCheck }) {
  return CASES.filter(({ isSingle }) => !isCheck || !isSingle).map(given => ({
    key: keyOf(given),
    kind: 'formats',
    ...given,
  }))
}

/** @param {Record<string, any>} results figures by key */
export function reportFormats(results) {
  const rows = CASES.filter(given => keyOf(given) in results).map(given => {
    const figures = results[keyOf(given)]
    const times = FORMATS.map(name => formatRange(figures[name]))
    const ratios = FORMATS.slice(1).map(name => figures[`${name} ratio`].median.toFixed(2))
    return [`${given.trace}, ${given.isSingle ? 'one event a chunk' : 'chunks of 64 KiB'}`, ...times, ...ratios]
  })
  const head = ['ns of CPU time per event', ...FORMATS, '× ai-sdk', '× ag-ui']
  return [['Encoding the events of one execution', formatTable(head, rows)]]
}

/** The stated figures. @returns {import('./figures.mjs').Figure[]} */
export function listFormatFigures(results) {
  return CASES.filter(given => !given.isSingle && keyOf(given) in results).flatMap(given =>
    FORMATS.slice(1).map(name => ({
      name: `\`${name}\` beside the default format, ${given.trace}`,
      unit: '×',
      measured: results[keyOf(given)][`${name} ratio`].median,
      target: 1.3,
    })),
  )
}
