// Tools that write down each call outside every store, before and after its effect: a line of JSON each in the file `CALLS`.
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'

const file = () => process.env.CALLS

/** At once and whole: the file is opened to append, and the line is one write. */
const write = (moment, { executionId, taskId, attempt, idempotencyKey }) => {
  const call = { moment, executionId, taskId, attempt, key: idempotencyKey, pid: process.pid }
  appendFileSync(file(), `${JSON.stringify(call)}\n`)
}

/** How often a task has failed, in whatever process. */
const countFailures = ({ idempotencyKey }) =>
  readFileSync(file(), 'utf8')
    .split('\n')
    .filter(line => line.includes('"moment":"failed"') && line.includes(JSON.stringify(idempotencyKey))).length

/** A tool whose calls are written down. */
const recorded = effect => async (args, context) => {
  write('begun', context)
  try {
    const output = await effect(args, context)
    write('done', context)
    return output
  } catch (error) {
    write(context.signal.aborted ? 'aborted' : 'failed', context)
    throw error
  }
}

/** Waits until the file `GATE` exists; not at all where none is named. */
const passGate = async signal => {
  const { GATE } = process.env
  if (GATE === undefined) return
  while (!existsSync(GATE)) await wait(5, undefined, { signal })
}

const tools = {
  /** Takes `ms`, may wait at the gate, then answers with `value`, or with so many bytes. */
  work: recorded(async ({ ms = 15, value = null, bytes, gate = false }, { signal }) => {
    await wait(ms, undefined, { signal })
    if (gate) await passGate(signal)
    return bytes === undefined ? value : 'x'.repeat(bytes)
  }),
  /** Says how long a text is. */
  measure: recorded(({ text }) => text.length),
  /** Fails as many times as it is told to, however many processes that takes. */
  falter: recorded(async ({ times, ms = 10, value = null }, context) => {
    await wait(ms, undefined, { signal: context.signal })
    if (countFailures(context) < times) throw Object.assign(new Error('It failed as told'), { code: 'AS_TOLD' })
    return value
  }),
  /** Streams a text by words and reports what it used. */
  stream: recorded(async ({ text }, { emitToken, reportProgress, reportUsage, signal }) => {
    const words = text.match(/\S+\s*/g)
    for (const [at, word] of words.entries()) {
      emitToken(word)
      reportUsage({ totalTokensOut: 1 })
      reportProgress({ progress: at + 1, total: words.length })
      await wait(6, undefined, { signal })
    }
    reportUsage({ totalTokensIn: 7, totalCost: 0.25 })
    return text
  }),
  /** Asks a person twice. */
  ask: recorded(async (_, { ask }) => [await ask({ message: 'First?' }), await ask({ message: 'Second?' })].length),
  /** Blocks the event loop of its process for `ms`. */
  block: recorded(({ ms }) => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
    return `Blocked for ${ms} ms`
  }),
  /** Works until it is aborted, and needs a while to stop then. */
  linger: recorded(async (_, { signal }) => {
    await wait(60_000, undefined, { signal }).catch(() => {})
    await wait(120)
    throw new Error('Stopped')
  }),
}

/** All but the one that `WITHOUT` names. */
// oxlint-disable-next-line import/no-default-export -- what `--tools` takes
export default [
  ...Object.entries(tools).map(([name, execute]) => ({ name, execute })),
  { name: 'limited', limit: 2, execute: tools.work },
].filter(({ name }) => name !== process.env.WITHOUT)
