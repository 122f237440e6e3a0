import { formatFigures } from './figures.mjs'
import { EXPRESSIONS } from './language-condition.mjs'
import { formatNumber, formatRange, formatTable } from './tables.mjs'

const TASK_COUNT = 10_000
const HEAP = 'language heap'
const CONDITION = 'language condition'

/** Each word beside the same work without it. `plain` is compared with another build, `DAGSTREAM_BASELINE`. */
const PAIRS = [
  { name: 'plain', beside: 'plain', timeTarget: 1.03, heapTarget: 1.03, needsBaseline: true },
  { name: 'forEach', beside: 'written out', timeTarget: 1.3, heapTarget: 1 },
  { name: 'instances', beside: 'chains', timeTarget: 1.3 },
]

/** The cost of the words of the language, in time and in memory. */
export function listLanguageCases({ seed }) {
  const pairs = listPairs().flatMap(({ name, beside, baseline }) => {
    const common = { taskCount: TASK_COUNT, seed }
    const other = baseline === undefined ? {} : { baseline }
    return [
      { key: `language ${name}`, kind: 'language', name, beside, ...common, ...other, maxRounds: 3 },
      { key: `${HEAP} ${name}`, kind: 'language heap', needsGc: true, name, ...common, maxRounds: 1 },
      {
        key: `${HEAP} ${name} beside`,
        kind: 'language heap',
        needsGc: true,
        name: beside,
        ...common,
        ...other,
        maxRounds: 1,
      },
    ]
  })
  return [...pairs, { key: CONDITION, kind: 'language condition', maxRounds: 3 }]
}

/** @param {Record<string, any>} results figures by key */
export function reportLanguage(results) {
  const rows = listPairs().map(({ name, beside, baseline }) => {
    const { planUs, planBesideUs, documentUs, documentBesideUs } = results[`language ${name}`]
    const other = baseline === undefined ? beside : 'the other build'
    const heap = [`${HEAP} ${name}`, `${HEAP} ${name} beside`].map(key => formatNumber(results[key].bytes.median))
    const times = [planUs, planBesideUs, documentUs, documentBesideUs].map(time => formatRange(time))
    return [name, other, ...times, ...heap]
  })
  const columns = ['', 'beside', 'plan', 'beside', 'document', 'beside', 'heap', 'beside']
  const conditions = EXPRESSIONS.map((source, at) => {
    const names = ['evaluated', 'evaluatedBeside', 'parsed', 'parsedBeside']
    return [`\`${source}\``, ...names.map(name => formatRange(results[CONDITION][`${name}${at}`]))]
  })
  return [
    [
      `${TASK_COUNT.toLocaleString('en')} tasks that do nothing: µs of CPU time and bytes of heap per task`,
      formatTable(columns, rows),
    ],
    [
      'Conditions, µs, warm, beside @marcbachmann/cel-js. A plan keeps them parsed',
      formatTable(['condition', 'evaluated', 'cel-js', 'parsed', 'cel-js'], conditions),
    ],
    ['Stated figures', formatFigures(listLanguageFigures(results))],
  ]
}

/** The stated figures. @returns {import('./figures.mjs').Figure[]} */
export function listLanguageFigures(results) {
  const pairs = listPairs().flatMap(({ name, beside, baseline, timeTarget, heapTarget }) => {
    const other = baseline === undefined ? beside : 'the other build'
    const figures = results[`language ${name}`]
    const heap = key => results[key]?.bytes.median
    const times = ['plan', 'document'].map(source => ({
      name: `${name} beside ${other}, from a ${source}`,
      unit: '×',
      measured: figures?.[`${source}Ratio`].median,
      target: timeTarget,
    }))
    const measured = heap(`${HEAP} ${name}`) / heap(`${HEAP} ${name} beside`)
    const weight = { name: `${name} beside ${other}, heap`, unit: '×', measured, target: heapTarget }
    return heapTarget === undefined ? times : [...times, weight]
  })
  const slowest = Math.max(...EXPRESSIONS.map((_, at) => results[CONDITION]?.[`evaluated${at}`].median ?? Number.NaN))
  return [...pairs, { name: 'the slowest of the conditions, warm', unit: 'µs', measured: slowest, target: 3 }]
}

function listPairs() {
  const baseline = process.env.DAGSTREAM_BASELINE
  return PAIRS.filter(({ needsBaseline }) => !needsBaseline || baseline !== undefined).map(pair =>
    pair.needsBaseline ? { ...pair, baseline } : pair,
  )
}
