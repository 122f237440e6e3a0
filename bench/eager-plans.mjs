import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { createRandom } from './random.mjs'

/** Recorded plans, in a folder beside the checkout; `DAGSTREAM_PLANS` names another folder. */
const FOLDER =
  process.env.DAGSTREAM_PLANS === undefined
    ? new URL('../../shared/workloads/toolcalls/', import.meta.url)
    : new URL(`${pathToFileURL(process.env.DAGSTREAM_PLANS).href}/`)

/** Files of `{dags: [{id, tasks: [{id, tool, arguments, dependsOn}]}]}`, and how a reference to a task is written in each. */
const FAMILIES = [
  { file: 'llmcompiler.json', reference: /\$\{?(\d+)\}?()/g },
  { file: 'nestful-executable.json', reference: /\$(var\w*?)((?:\.[^$"]+)?)\$/g },
  { file: 'asynchow-100.json', reference: undefined },
]

/**
 * Bytes of a line that count as one token. The tokenizer `o200k_base` puts 3.2 to 3.8 bytes of these lines into a token, by
 * family; a bench cannot carry its 2 MB.
 */
const BYTES_PER_TOKEN = 3.5

/**
 * A plan as a planner writes it.
 * @typedef {{ id: string, dependsOn: string[], line: string, tokens: number }} PlanLine
 * @typedef {{ name: string, family: string, lines: PlanLine[], outputs: Record<string, unknown> }} Plan
 */

/**
 * The recorded plans, or made ones of the same shapes where there are none.
 * @param {number} seed of made plans
 * @returns {Plan[]}
 */
export function listPlans(seed) {
  const recorded = FAMILIES.flatMap(({ file, reference }) => {
    const url = new URL(file, FOLDER)
    if (!existsSync(fileURLToPath(url))) return []
    const family = file.replace(/-?\w*\.json$/, name => (name.startsWith('-') ? '' : name.replace('.json', '')))
    const { dags } = JSON.parse(readFileSync(url, 'utf8'))
    return dags.flatMap(({ id, tasks }) => toPlan(String(id), family, tasks, reference) ?? [])
  })
  return recorded.length > 0 ? recorded : makePlans(seed)
}

/** Whether the plans are recorded ones. @param {readonly Plan[]} plans */
export function areRecorded(plans) {
  return plans.every(({ family }) => family !== MADE)
}

/**
 * The tasks as lines of dagstream's own notation: references as `$OUTPUT[id].field`, and `dependsOn` for the rest only. A line
 * follows those that it depends on; otherwise lines keep their order.
 * @returns {Plan | undefined} `undefined` for a plan with a cycle, or that depends on a task that it does not have
 */
export function toPlan(name, family, tasks, reference) {
  const ordered = orderTasks(tasks)
  if (ordered === undefined) return undefined
  const ids = new Set(tasks.map(({ id }) => id))
  const outputs = Object.fromEntries(tasks.map(({ id }) => [id, {}]))
  const lines = ordered.map(({ id, tool, arguments: given, dependsOn }) => {
    const named = new Set()
    const translate = text =>
      reference === undefined
        ? text
        : text.replaceAll(reference, (whole, target, path) => {
            if (!ids.has(target) || !dependsOn.includes(target)) return whole.replaceAll('$', '')
            named.add(target)
            const keys = path.match(/[^.[\]]+/g) ?? []
            addPath(outputs, [target, ...keys])
            const parts = keys.map(writeKey)
            return `$OUTPUT[${target}]${parts.join('')}`
          })
    const args = mapStrings(given, translate)
    const listed = dependsOn.filter(dependency => !named.has(dependency))
    const task = { id, tool, arguments: args, ...(listed.length > 0 && { dependsOn: listed }) }
    const line = `${JSON.stringify(task)}\n`
    return { id, tool, dependsOn: [...new Set(dependsOn)], line, tokens: Buffer.byteLength(line) / BYTES_PER_TOKEN }
  })
  return { name, family, lines, outputs }
}

/** When the last byte of each line has come, ms from the first token on. @param {Plan} plan */
export function computeArrivals({ lines }, tokensPerSecond) {
  let tokens = 0
  return lines.map(line => ((tokens += line.tokens) / tokensPerSecond) * 1000)
}

/**
 * What both ways take without overhead and with a slot for each task, ms: the whole plan is waited for, or each task starts
 * once its line has come and its dependencies have ended.
 * @param {Plan} plan
 */
export function computeEager(plan, tokensPerSecond, toolMs) {
  const arrivals = computeArrivals(plan, tokensPerSecond)
  const written = arrivals.at(-1) ?? 0
  const run = begins => {
    const ends = new Map()
    plan.lines.forEach(({ id, dependsOn }, at) => {
      ends.set(id, Math.max(begins[at], ...dependsOn.map(each => ends.get(each))) + toolMs)
    })
    return Math.max(written, ...ends.values())
  }
  return { writtenMs: written, waitMs: run(arrivals.map(() => written)), eagerMs: run(arrivals) }
}

const MADE = 'made'

/** Calls that are independent, that follow one another, or that join others, as planners write them. */
function makePlans(seed) {
  const random = createRandom(seed)
  const below = limit => Math.floor(random() * limit)
  return Array.from({ length: 40 }, (_, number) => {
    const count = 3 + (number % 9)
    const tasks = Array.from({ length: count }, (_, at) => {
      const most = at === count - 1 ? Math.min(at, 3) : below(Math.min(at, 2) + 1)
      const dependsOn = [...new Set(Array.from({ length: most }, () => `t${at - 1 - below(Math.min(at, 3))}`))]
      return { id: `t${at}`, tool: 'search', arguments: { query: 'q'.repeat(20 + below(60)) }, dependsOn }
    })
    return toPlan(`made-${number}`, MADE, tasks, undefined)
  })
}

function orderTasks(tasks) {
  const left = [...tasks]
  const done = new Set()
  const ordered = []
  while (left.length > 0) {
    const at = left.findIndex(({ dependsOn }) => dependsOn.every(id => done.has(id)))
    if (at < 0) return undefined
    const [task] = left.splice(at, 1)
    done.add(task.id)
    ordered.push(task)
  }
  return done.size === tasks.length ? ordered : undefined
}

function mapStrings(value, map) {
  if (typeof value === 'string') return map(value)
  if (Array.isArray(value)) return value.map(each => mapStrings(each, map))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, mapStrings(each, map)]))
}

function writeKey(key) {
  if (/^[A-Za-z_]\w*$/.test(key)) return `.${key}`
  return /^\d+$/.test(key) ? `[${key}]` : `[${JSON.stringify(key)}]`
}

/** Adds what a reference reads to an output. */
function addPath(outputs, [first, ...rest]) {
  let parent = outputs
  let key = first
  for (const next of rest) {
    if (typeof parent[key] !== 'object') parent[key] = /^\d+$/.test(next) ? [] : {}
    parent = parent[key]
    key = next
  }
  parent[key] ??= 'value'
}
