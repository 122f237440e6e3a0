import { formatNumber, formatRange, formatTable } from './tables.mjs'

const KIB = 1024
const MIB = KIB * KIB
const STALLED_COUNT = 99
/** Each holds a chunk of 64 KiB, all together 1 MiB of the newest chunks; twice, since garbage is resident too. */
const STALLED_MIB = 2 * (STALLED_COUNT / 16 + 1)

/** The cases, by key. Each case measures its contenders in turn, so that a machine that slows down slows all alike. */
const SCENARIOS = {
  'http replay': { scenario: 'replay', count: 30_000 },
  'http live 1': { scenario: 'live', count: 20_000, perTurn: 1 },
  'http live 50': { scenario: 'live', count: 50_000, perTurn: 50 },
  'http first event': { scenario: 'first event', count: 300 },
  'http delivery': { scenario: 'delivery', count: 1000, paceMs: 4 },
  'http noops': { scenario: 'noops', taskCount: 10_000 },
  'http idle': { scenario: 'idle', subscriberCount: 4000 },
}

/** These take long by themselves. */
const LONG_SCENARIOS = {
  'http broadcast 1': { scenario: 'broadcast', subscriberCount: 1000, count: 100, perTurn: 1, paceMs: 20 },
  'http broadcast 20': { scenario: 'broadcast', subscriberCount: 1000, count: 2000, perTurn: 20, paceMs: 20 },
  'http stalled': { scenario: 'stalled', count: 100_000, bytes: 64 * MIB, stalledCount: STALLED_COUNT },
}

/** The cost of serving executions over HTTP, compared with a server that writes the same bytes without executions. */
export function listHttpCases({ isCheck, seed }) {
  const list = (scenarios, maxRounds) =>
    Object.entries(scenarios).map(([key, parameters]) => ({ key, kind: 'http', ...parameters, seed, maxRounds }))
  return [...list(SCENARIOS, 3), ...list(LONG_SCENARIOS, isCheck ? 1 : 3)]
}

/** @param {Record<string, any>} results figures by key */
export function reportHttp(results) {
  const { perWrite } = results['http replay']
  const rate = (key, title, names) =>
    names.map(name => {
      const share = results[key][name].median / results[key].raw.median
      return [`${title}: ${name}`, formatRange(results[key][name], 0.001), formatNumber(share)]
    })
  const row = (key, name, title, factor = 1) => [title, formatRange(results[key][name], factor)]
  const stalled = (title, name, unit, factor = 1) => [
    `${title}, ${unit}`,
    ...['alone', 'crowded'].map(each => formatRange(results['http stalled'][`${each}, ${name}`], factor)),
  ]
  const replayed = ['first time', 'again', 'raw', 'raw, joined beforehand']
  const live = ['dagstream', 'raw', 'hono']
  return [
    [
      'Thousands of events per second to one subscriber',
      formatTable(
        ['', 'thousand/s', '× raw'],
        [
          ...rate('http replay', `replay, ${formatNumber(perWrite.median)} per write`, replayed),
          ...rate('http live 1', 'live, 1 per turn', live),
          ...rate('http live 50', 'live, 50 per turn', live),
        ],
      ),
    ],
    [
      'Thousands of events per second of the server’s CPU to 1,000 subscribers',
      formatTable(
        ['', 'thousand/s', '× raw'],
        [
          ...rate('http broadcast 1', '1 per write', ['dagstream', 'raw']),
          ...rate('http broadcast 20', '20 per write', ['dagstream', 'raw']),
        ],
      ),
    ],
    [
      'Times',
      formatTable(
        ['', 'ms'],
        [
          row('http first event', 'dagstream', 'POST to the first event, median'),
          row('http first event', 'dagstream, p95', 'POST to the first event, p95'),
          row('http first event', 'raw', 'POST to the first byte of raw, median'),
          row('http delivery', 'p50', 'from the tool to the client, p50'),
          row('http delivery', 'p95', 'from the tool to the client, p95'),
          row('http delivery', 'p99', 'from the tool to the client, p99'),
          row('http noops', 'http', '10,000 tasks, over HTTP'),
          row('http noops', 'in process', '10,000 tasks, in process'),
        ],
      ),
    ],
    [
      'Memory of an idle subscriber',
      formatTable(
        ['', 'KiB'],
        [
          row('http idle', 'dagstream', 'dagstream, resident', 1 / KIB),
          row('http idle', 'raw', 'raw, resident', 1 / KIB),
          row('http idle', 'dagstream, heap', 'dagstream, heap', 1 / KIB),
          row('http idle', 'raw, heap', 'raw, heap', 1 / KIB),
        ],
      ),
    ],
    [
      `100,000 events of 64 MiB to one subscriber, alone and beside ${STALLED_COUNT} that read nothing`,
      formatTable(
        ['', 'alone', `beside ${STALLED_COUNT}`],
        [
          stalled('12 MiB while kernels take in what they can', 'fillMs', 'ms'),
          stalled('resident at most, beyond before', 'fillPeakBytes', 'MiB', 1 / MIB),
          stalled('64 MiB while nothing gets through to those', 'ms', 'ms'),
          stalled('resident at most, beyond before', 'peakBytes', 'MiB', 1 / MIB),
          stalled('from the end until those are disconnected', 'leftMs', 'ms'),
          stalled('what the kernel of each took in', 'swallowedBytes', 'MiB', 1 / MIB),
        ],
      ),
    ],
  ]
}

/** The stated figures about serving. @returns {import('./figures.mjs').Figure[]} */
export function listHttpFigures(results) {
  const figure = (name, unit, target, key, measured, factor = 1) => ({
    name,
    unit,
    measured: results[key]?.[measured]?.median * factor,
    target,
  })
  const beside = (name, target, key, peer = 'raw') => figure(name, '×', target, key, `dagstream beside ${peer}`)
  return [
    figure('HTTP: replay for the first time, beside raw', '×', 1 / 0.7, 'http replay', 'first time beside raw'),
    figure('HTTP: replay of what was replayed before, beside raw', '×', 1 / 0.7, 'http replay', 'again beside raw'),
    beside('HTTP: live, 1 event per turn, beside raw', 1 / 0.7, 'http live 1'),
    beside('HTTP: live, 50 events per turn, beside raw', 1 / 0.7, 'http live 50'),
    beside('HTTP: live, 50 events per turn, beside hono', 1 / 3, 'http live 50', 'hono'),
    beside('HTTP: CPU per event, 1,000 subscribers, 1 event per write, beside raw', 1 / 0.65, 'http broadcast 1'),
    beside('HTTP: CPU per event, 1,000 subscribers, 20 events per write, beside raw', 1 / 0.65, 'http broadcast 20'),
    figure('HTTP: resident memory of an idle subscriber beyond raw', 'KiB', 12, 'http idle', 'beyond', 1 / KIB),
    figure('HTTP: POST to the first event, median, beyond raw', 'ms', 2, 'http first event', 'beyond'),
    figure('HTTP: from the tool to the client, p95', 'ms', 2, 'http delivery', 'p95'),
    figure('HTTP: 10,000 tasks to the last event, beside in process', '×', 1.5, 'http noops', 'ratio'),
    figure(`HTTP: a reader beside ${STALLED_COUNT} stalled ones, beside alone`, '×', 1.2, 'http stalled', 'ratio'),
    figure(
      `HTTP: resident memory of those at most, beyond alone`,
      'MiB',
      STALLED_MIB,
      'http stalled',
      'beyond',
      1 / MIB,
    ),
  ]
}
