import { Environment } from '@marcbachmann/cel-js'
import { Condition, parseCondition } from '../dist/internals.js'
import { computeMedian } from './statistics.mjs'

const EVALUATIONS = 20_000
const PARSES = 500
const ROUNDS = 15
const WARMUP_ROUNDS = 3

export const EXPRESSIONS = [
  'output.a.n > 0',
  'output.a.status == "open" && input.n >= 1',
  'output.a.list.size() > 2 && input.name.startsWith("b") && has(input.flag)',
  'output.a.items.exists(x, x.urgent)',
  'output.a.items.filter(x, x.n >= 3).all(x, !x.urgent)',
]

const items = Array.from({ length: 20 }, (_, n) => ({ n, urgent: false }))
const outputs = { a: { n: 1, status: 'open', list: [1, 2, 3], items } }
const input = { n: 1, name: 'bob', flag: true }
const values = { input, output: id => outputs[id] }
const theirValues = { input, output: outputs }
const environment = new Environment().registerVariable('input', 'dyn').registerVariable('output', 'dyn')

/** Conditions beside @marcbachmann/cel-js, µs of CPU time: one evaluation and one parse of each expression, by its place. */
export async function measureConditions() {
  const figures = {}
  for (const [at, source] of EXPRESSIONS.entries()) {
    const ours = parseOurs(source)
    const theirs = environment.parse(source)
    if (ours.evaluate(values) !== theirs(theirValues)) throw new Error(`Expected one result of ${source}`)
    const [evaluated, evaluatedBeside, parsed, parsedBeside] = measureInTurns([
      [EVALUATIONS, () => ours.evaluate(values)],
      [EVALUATIONS, () => theirs(theirValues)],
      [PARSES, () => parseOurs(source)],
      [PARSES, () => environment.parse(source)],
    ])
    Object.assign(figures, {
      [`evaluated${at}`]: evaluated,
      [`evaluatedBeside${at}`]: evaluatedBeside,
      [`parsed${at}`]: parsed,
      [`parsedBeside${at}`]: parsedBeside,
    })
  }
  return figures
}

function parseOurs(source) {
  const condition = parseCondition(source, { names: ['input', 'output'] })
  if (condition instanceof Condition) return condition
  throw new Error(`${source}: ${condition.message}`)
}

/** The median time of one call of each, all of them in every round. */
function measureInTurns(calls) {
  const times = calls.map(() => [])
  for (let round = 0; round < WARMUP_ROUNDS + ROUNDS; round++) {
    for (const [i, [count, call]] of calls.entries()) {
      const startedAt = process.cpuUsage()
      for (let left = count; left > 0; left--) call()
      const { user, system } = process.cpuUsage(startedAt)
      if (round >= WARMUP_ROUNDS) times[i].push((user + system) / count)
    }
  }
  return times.map(computeMedian)
}
