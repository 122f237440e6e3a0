import { fork } from 'node:child_process'
import { summarise } from './statistics.mjs'

/**
 * One thing to measure. `key` names it; cases with the same key are one. The rest goes to the worker.
 * @typedef {{ key: string, kind: string, maxRounds?: number, isIdle?: boolean, needsGc?: boolean, [parameter: string]: unknown }} Case
 */

/** Cases that only wait for timers may run beside one another, this many at once. */
const MAX_IDLE_PROCESSES = 6

/**
 * Measures every case `rounds` times, each time in a fresh process, forwards and backwards in turn, so that a machine that
 * slows down slows all cases alike.
 *
 * @param {readonly Case[]} cases
 * @param {number} rounds
 * @param {(done: number, total: number, key: string) => void} onProgress
 * @returns {Promise<Record<string, ReturnType<typeof summarise>>>} figures by key
 */
export async function measureCases(cases, rounds, onProgress) {
  const unique = [...new Map(cases.map(given => [given.key, given])).values()]
  const order = Array.from({ length: rounds }, (_, round) => {
    const inRound = unique.filter(({ maxRounds = rounds }) => round < maxRounds)
    return round % 2 === 0 ? inRound : inRound.toReversed()
  }).flat()
  const measurements = new Map(unique.map(({ key }) => [key, []]))
  let done = 0
  const measureNext = async queue => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      measurements.get(next.key).push(await measureInProcess(next))
      done += 1
      onProgress(done, order.length, next.key)
    }
  }
  await measureNext(order.filter(({ isIdle }) => !isIdle))
  const idle = order.filter(({ isIdle }) => isIdle)
  await Promise.all(Array.from({ length: MAX_IDLE_PROCESSES }, () => measureNext(idle)))
  return Object.fromEntries([...measurements].map(([key, values]) => [key, summarise(values)]))
}

/** @param {Case} given */
function measureInProcess(given) {
  const execArgv = given.needsGc ? ['--expose-gc'] : []
  const child = fork(new URL('worker.mjs', import.meta.url), [], { execArgv })
  return new Promise((resolve, reject) => {
    child.once('message', resolve)
    child.once('error', reject)
    child.once('exit', code =>
      reject(new Error(`Expected figures of \`${given.key}\`, its process ended with ${code}`)),
    )
    child.send(given)
  })
}
